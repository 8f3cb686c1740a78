"""`gxt report`: runs as a page of their own, or as a comment on a pull request."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Final

from gxt.cli import output
from gxt.cli.parser import Parser
from gxt.errors import UsageError

_PAGES: Final = (".html", ".htm")


def report_words(parser: Parser) -> None:
    """What `gxt report` takes."""
    parser.add("ids", metavar="ID", nargs="*", help="Runs; exp-012+ is all repeats; without, the whole tree.")
    parser.add("--where", metavar="CONDITION", help='Only those; e.g. "metrics.acc > 0.9".')
    parser.add("--metric", metavar="NAME", help="The main metric, if not the usual one.")
    parser.add("-o", "--output", metavar="FILE", help="Where the page goes; Markdown without it to stdout.")
    parser.add("--md", action="store_true", help="Markdown, short enough for a comment on a pull request.")
    parser.add_json()


def report(words: Namespace) -> None:
    """Write a page about a run, several, or the whole tree, that opens in any browser and loads nothing.

    The page is one file of HTML: the tree, a table to sort and filter, curves to zoom into, and of each run
    all that gxt show tells. With --md it is a comment for a pull request.
    """
    if words.output is None and not words.md:
        raise UsageError("a page goes into a file", hint="gxt report -o report.html, or --md")
    if words.output is not None and not words.md and Path(words.output).suffix.lower() not in _PAGES:
        what = f"{words.output} has no ending of a page of HTML"
        raise UsageError(what, hint="gxt report -o report.html, or with --md a file of Markdown")
    if words.output is None and words.json:
        raise UsageError("Markdown on stdout leaves no room for --json", hint="name a file with -o")
    from gxt.cli.progress import open_workspace
    from gxt.model.repeats import how_many
    from gxt.ops.report import report as operation

    workspace = open_workspace()
    gathered = operation(workspace, words.ids, words.where, words.metric, curves=not words.md)
    if words.md:
        from gxt.render.report.markdown import comment as text_of
    else:
        from gxt.render.report.page import page as text_of
    text = text_of(gathered)
    if words.output is None:
        output.say_notices(gathered.notices)
        output.write(text)
        return
    runs = sum(how_many(gathered.evolution.nodes[entry.uid].run) for entry in gathered.entries)
    _write(words, text.encode(), runs, gathered.notices)


def _write(words: Namespace, content: bytes, runs: int, notices: tuple[str, ...]) -> None:
    """The file, whole or not at all, and what is in it."""
    from gxt.data.putting import put_file

    put_file(Path(words.output), content)
    if words.json:
        output.show_json({"file": words.output, "runs": runs, "bytes": len(content)}, notices)
        return
    output.say_notices(notices)
    count = "1 run" if runs == 1 else f"{runs} runs"
    output.say(f"{count} in {words.output}")
