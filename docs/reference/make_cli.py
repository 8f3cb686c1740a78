"""Writes `cli.md` from the commands themselves: `python docs/reference/make_cli.py`. A test keeps it true."""

from __future__ import annotations

from argparse import Action
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

from gxt.cli.main import COMMANDS, command
from gxt.cli.parser import Parser

PAGE = Path(__file__).with_name("cli.md")

HEAD = """\
# The command line

<!-- Made by docs/reference/make_cli.py from the commands themselves: edit those, then run it. -->

    gxt COMMAND [options] [words]

A run is named by its id (`exp-012`, `exp-12`), its number (`12`), a name that only it has, a prefix of its
uid or commit (4 characters or more), `@` (the latest), `@~2` (two before it) or `best` (by the main metric).
`gxt --version` tells the version; every command takes `-h` and `--help`.

- **stdout is data, stderr is talk.** On a terminal: colours, and tables cut to its width. In a pipe: plain
  and whole. `NO_COLOR` and `TERM=dumb` are respected. Characters that act on a terminal are shown, not sent.
- **`--json`** prints one [envelope](json.md), also when the command fails, and nothing else on stdout.
- **Exit codes** are on the page of [errors](errors.md); `gxt run` ends as its command did.
"""


def render() -> str:
    """The whole page."""
    names = " · ".join(f"[{name}](#gxt-{name})" for name in COMMANDS)
    parts = [HEAD, f"{names}\n"]
    parts += ["\n".join(_section(name, command(name)[1])) for name in COMMANDS]
    return "\n".join(parts)


def _section(name: str, parser: Parser) -> Iterator[str]:
    words = [one for one in parser.words if not one.option_strings]
    options = [one for one in parser.words if one.option_strings]
    usage = " ".join(["gxt", name, "[options]", *map(_word, words)])
    yield from (f"## gxt {name}", "", f"    {usage}", "", cleandoc(parser.about), "")
    yield from ("| | |", "| --- | --- |")
    for one in words:
        yield _row(f"`{_word(one)}`", one.help or "")
    for one in options:
        value = f" {one.metavar}" if one.metavar else ""
        yield _row(", ".join(f"`{spelling}{value}`" for spelling in one.option_strings), one.help or "")
    yield ""


def _word(one: Action) -> str:
    if one.nargs == "?":
        return f"[{one.metavar}]"
    return f"{one.metavar}..." if one.nargs == "+" else str(one.metavar)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
