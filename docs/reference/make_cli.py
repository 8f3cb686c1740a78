"""Writes `cli.md` from the commands themselves: `python docs/reference/make_cli.py`. A test keeps it true."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from gxt.cli.main import COMMANDS, application

_VALUES = {"str": "TEXT", "text": "TEXT", "int range": "N", "integer range": "N", "int": "N", "integer": "N"}
PAGE = Path(__file__).with_name("cli.md")

HEAD = """\
# The command line

<!-- Made by docs/reference/make_cli.py from the commands themselves: edit those, then run it. -->

    gxt COMMAND [options] [words]

A run is named by its id (`exp-012`), its number (`12`), a name that only it has, a prefix of its uid or
commit (4 characters or more), `@` (the latest), `@~2` (two before it) or `best` (by the main metric).
`gxt --version` tells the version; every command takes `-h` and `--help`.

- **stdout is data, stderr is talk.** On a terminal: colours, and tables cut to its width. In a pipe: plain
  and whole. `NO_COLOR` and `TERM=dumb` are respected. Characters that act on a terminal are shown, not sent.
- **`--json`** prints one [envelope](json.md), also when the command fails, and nothing else on stdout.
- **Exit codes** are on the page of [errors](errors.md); `gxt run` ends as its command did.
"""


def render() -> str:
    """The whole page."""
    app = typer.main.get_command(application(COMMANDS))
    assert isinstance(app, TyperGroup)
    context = typer.Context(app, info_name="gxt")
    names = " · ".join(f"[{name}](#gxt-{name})" for name in COMMANDS)
    parts = [HEAD, f"{names}\n"]
    for name in COMMANDS:
        command = app.get_command(context, name)
        assert isinstance(command, TyperCommand)
        parts.append("\n".join(_section(name, command, context)))
    return "\n".join(parts)


def _section(name: str, command: TyperCommand, parent: typer.Context) -> Iterator[str]:
    context = typer.Context(command, info_name=name, parent=parent)
    arguments = [one for one in command.params if isinstance(one, TyperArgument)]
    options = [one for one in command.params if isinstance(one, TyperOption)]
    words = [_argument_name(one, context) for one in arguments]
    yield from (f"## gxt {name}", "", f"    {' '.join(['gxt', name, '[options]', *words])}", "")
    yield from ("\n".join(line.strip() for line in (command.help or "").splitlines()), "")
    yield from ("| | |", "| --- | --- |")
    for argument, word in zip(arguments, words, strict=True):
        yield _row(f"`{word}`", argument.help or "")
    for option in options:
        yield _row(_option_name(option), option.help or "")
    yield ""


def _argument_name(one: TyperArgument, context: typer.Context) -> str:
    name = one.make_metavar(context).strip("{}")
    return name if one.required or name.startswith("[") else f"[{name}]"


def _option_name(one: TyperOption) -> str:
    value = "" if one.is_flag else f" {one.metavar or _VALUES[one.type.name]}"
    return ", ".join(f"`{word}{value}`" for word in one.opts)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
