"""`compare`: runs side by side, their metrics against parameters, tables for papers."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gxt.cli import output
from gxt.cli.parser import Parser
from gxt.errors import UsageError
from gxt.named_tuple import NamedTuple

if TYPE_CHECKING:
    from gxt.model.json_types import Json
    from gxt.ops.compare import CompareRequest
    from gxt.ops.workspace import Workspace
    from gxt.render.columnar import Columns
    from gxt.render.view import Table, View

_ENDINGS: Final = {".csv": "csv", ".md": "md", ".tex": "latex", ".html": "html", ".parquet": "parquet"}


class _Shown(NamedTuple):
    """What was found, in each form that somebody may ask for.

    `table` takes whether to star the best; `aside` is said beside a view.
    """

    view: Callable[[], View]
    table: Callable[[bool], Table]
    exact: Callable[[], Table]
    columns: Callable[[], Columns]
    json: Callable[[], Json]
    notices: Iterable[str]
    aside: str = ""


def compare_words(parser: Parser) -> None:
    """What `gxt compare` takes."""
    parser.add("ids", metavar="ID", nargs="*", help="Runs; exp-012+ is all repeats of its experiment.")
    parser.add("--where", metavar="CONDITION", help="Runs that match, in place of ids.")
    parser.add_repeated("--tag", metavar="TAG", help="Runs with this tag; may be repeated.")
    parser.add("--all", action="store_true", help="Also what is the same in all of them.")
    parser.add(
        *("--metric",),
        metavar="NAME",
        help="Against which parameters this metric changes; of --pivot: its cells.",
    )
    parser.add(
        *("--pivot",),
        metavar="NAME",
        nargs="+",
        help="A table of the metric by one or two parameters: rows, columns.",
    )
    parser.add("-o", "--output", metavar="FILE", help="A .csv, .md, .tex, .html or .parquet file.")
    parser.add_json()
    parser.add_table_formats()
    parser.add("--latex", action="store_true", help="Print a LaTeX table (booktabs).")
    parser.add("--html", action="store_true", help="Print an HTML table.")
    parser.add("--parquet", action="store_true", help="Write Parquet with exact values into -o FILE.")


def compare(words: Namespace) -> None:
    """Show runs side by side: what differs, of each metric the best marked with *.

    With --metric: which parameters it goes with, over all completed runs unless some are named, by rank
    correlation and by the share of its differences that each explains, with intervals at 95 %. With --pivot
    the mean of the metric (the main one unless --metric names another) for each value of one or two
    parameters.
    """
    form = _form(words)
    shown = _shown(words)
    if not words.json:
        output.say_notices(shown.notices)
    if words.output is not None:
        _write(words, form, shown)
    elif words.json:
        output.show_json(shown.json(), shown.notices)
    elif form:
        output.write(_content(form, shown))
    else:
        output.show(shown.view())
        if shown.aside:
            output.say(shown.aside, style="dim")


def _form(words: Namespace) -> str:
    """The format that was asked for, by an option or by the ending of the file; empty for none.

    Raises:
        UsageError: several were asked for, or none that can go where it is to go.
    """
    asked = [name for name in ("csv", "md", "latex", "html", "parquet") if getattr(words, name)]
    if len(asked) > 1 or (asked and words.json and words.output is None):
        first, second = (*asked, "json")[:2]
        raise UsageError(f"--{first} and --{second} are two formats", hint="leave out one of them")
    if words.all and (words.pivot or words.metric is not None):
        other = "--pivot" if words.pivot else "--metric"
        raise UsageError(f"--all is not an option of {other}", hint="leave out one of them")
    if asked == ["parquet"] and words.output is None:
        raise UsageError("Parquet goes into a file", hint="gxt compare … -o runs.parquet")
    if asked or words.output is None:
        return "".join(asked)
    ending = Path(words.output).suffix.lower()
    if ending not in _ENDINGS:
        raise UsageError(
            f"{words.output} has no ending that tells a format", hint=f"use {', '.join(_ENDINGS)}"
        )
    return _ENDINGS[ending]


def _shown(words: Namespace) -> _Shown:
    from gxt.cli.progress import open_workspace
    from gxt.ops.compare import CompareRequest

    workspace = open_workspace()
    request = CompareRequest(words.ids, words.where, words.tag)
    if words.pivot:
        return _pivot(workspace, request, words)
    if words.metric is not None:
        return _relation(workspace, request, words.metric)
    return _side_by_side(workspace, request, everything=words.all)


def _side_by_side(workspace: Workspace, request: CompareRequest, *, everything: bool) -> _Shown:
    from gxt.ops.compare import compare as operation
    from gxt.render import side_by_side as render

    found = operation(workspace, request, everything=everything)

    def view() -> View:
        table, width = render.table(found, everything=everything), output.data_width()
        return render.in_blocks(table, width) if width else [table]

    return _Shown(
        view,
        lambda star: render.table(found, everything=everything, star=star),
        partial(render.exact, found, everything=everything),
        partial(render.columns, found, everything=everything),
        lambda: list(found.runs),
        (*workspace.notices, *found.notices),
        "" if everything else render.hidden(found),
    )


def _relation(workspace: Workspace, request: CompareRequest, metric: str) -> _Shown:
    from gxt.analysis.installed import check_installed

    check_installed("numpy", "scipy")
    from gxt.ops.relating import relate
    from gxt.render import relating as render
    from gxt.render.columnar import exact_table

    found = relate(workspace, request, metric)
    return _Shown(
        partial(render.page, found),
        lambda _: render.table(found),
        lambda: exact_table(render.columns(found)),
        partial(render.columns, found),
        partial(render.as_json, found),
        (*workspace.notices, *found.notices),
    )


def _pivot(workspace: Workspace, request: CompareRequest, words: Namespace) -> _Shown:
    from gxt.ops.pivot import pivot
    from gxt.render import pivoting as render
    from gxt.render.columnar import exact_table

    found = pivot(workspace, request, words.pivot, words.metric)
    return _Shown(
        lambda: render.page(found, output.data_width()),
        lambda star: render.table(found, star=star),
        lambda: exact_table(render.columns(found)),
        partial(render.columns, found),
        partial(render.as_json, found),
        (*workspace.notices, *found.notices),
    )


def _content(form: str, shown: _Shown) -> str:
    from gxt.render import formats

    if form == "csv":
        return formats.to_csv(shown.exact())
    if form == "md":
        return formats.to_markdown(shown.table(True))
    return (formats.to_latex if form == "latex" else formats.to_html)(shown.table(False))


def _write(words: Namespace, form: str, shown: _Shown) -> None:
    """The file, whole or not at all."""
    from gxt.data.putting import put_file
    from gxt.render.columnar import parquet_bytes

    if form == "parquet":
        content = parquet_bytes(shown.columns())
    else:
        content = _content(form, shown).encode(errors="backslashreplace")
    put_file(Path(words.output), content)
    if words.json:
        output.show_json({"file": words.output}, shown.notices)
    else:
        output.say(f"wrote {words.output}")
