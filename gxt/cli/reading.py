"""Commands that read: `list`, `show`, `output`, `diff`, `tree`, `status`."""

from __future__ import annotations

import gc
from argparse import Namespace
from typing import TYPE_CHECKING

from gxt.cli import output
from gxt.cli.parser import Parser, count_from
from gxt.errors import UsageError

if TYPE_CHECKING:
    from gxt.model.json_types import JsonObject
    from gxt.ops.workspace import Workspace
    from gxt.render.view import Table

_PAGE = 20  # runs that a list shows unasked on a terminal
_RUN = "exp-012, 12, a name, a uid or commit, @, @~2, best."


def _open() -> Workspace:
    from gxt.ops.workspace import open_workspace

    workspace = open_workspace()
    if not output.talks_to_terminal():
        return workspace
    from gxt.cli.progress import Bar

    return workspace._replace(progress=Bar())


def list__words(parser: Parser) -> None:
    """What `gxt list` takes."""
    parser.add("--where", metavar="CONDITION", help='E.g. "metrics.acc > 0.9 and params.lr < 0.1".')
    parser.add("--sort", metavar="NAME", help="E.g. val_acc; from the top: -val_acc.")
    parser.add(
        "--limit", metavar="N", type=count_from(1), help="At most so many; 20 on a terminal, else all."
    )
    parser.add("--columns", metavar="NAMES", help="Separated by commas, e.g. id,params.lr,val_acc.")
    parser.add(
        *("--tag",),
        metavar="TAG",
        action="append",
        default=[],
        help="Only runs with this tag; may be repeated.",
    )
    parser.add("--unfold", action="store_true", help="Repeats one by one, instead of their mean.")
    parser.add_json()
    parser.add_table_formats()


def list_(words: Namespace) -> None:
    """List runs, newest first, running ones on top."""
    from gxt.ops import listing as operation
    from gxt.render import listing

    workspace = _open()
    page = words.limit is None and output.on_terminal() and not (words.json or words.csv or words.md)
    limit = _PAGE + 1 if page else words.limit
    columns = _names(words.columns)
    request = operation.ListRequest(words.where, words.sort, limit, words.tag, columns, words.unfold)
    if words.json:
        array, notices = operation.list_json(workspace, request)
        output.show_json_text(array, (*workspace.notices, *notices))
        return
    if not (output.on_terminal() or words.columns is not None or words.csv or words.md):
        text, notices = operation.list_text(workspace, request, listing.plain_text)
        output.say_notices((*workspace.notices, *notices))
        if text:
            output.write(text)
        else:
            _say_nothing(workspace, asked=words.where or words.tag)
        return
    if words.columns is not None or words.csv:
        whole = operation.list_runs(workspace, request)
        shown, notices = _columns(whole.runs, columns, exact=words.csv), whole.notices
    else:
        result = operation.list_rows(workspace, request)
        shown, notices = listing.table(result), result.notices
    output.say_notices((*workspace.notices, *notices))
    if shown.rows or words.csv or words.md:
        more = page and len(shown.rows) > _PAGE
        first = listing.first(shown, _PAGE) if more else shown
        output.show_table(first, as_csv=words.csv, as_markdown=words.md)
        if more:
            output.say(f"the newest {_PAGE}: gxt list --limit N shows more", style="dim")
    else:
        _say_nothing(workspace, asked=words.where or words.tag)


def _say_nothing(workspace: Workspace, *, asked: object) -> None:
    """The line in place of an empty list; `asked` is what narrowed it."""
    from gxt.ops.workspace import how_to_begin

    begin = "" if asked else how_to_begin(workspace.repository)
    output.say(f"no runs yet: {begin}" if begin else "no run matches")


def _names(columns: str | None) -> list[str]:
    """The columns that were named; none unasked."""
    if columns is None:
        return []
    from gxt.model.fields import split_names

    names = split_names(columns)
    if not names:
        raise UsageError("--columns names no column", hint="write for example --columns id,params.lr,val_acc")
    return names


def _columns(runs: list[JsonObject], columns: list[str], *, exact: bool) -> Table:
    """The columns that were named, else all of them."""
    from gxt.model.fields import parse_field
    from gxt.render import listing

    if not columns:
        return listing.raw_table(runs)
    return listing.chosen_table(runs, [parse_field(name) for name in columns], exact=exact)


def show_words(parser: Parser) -> None:
    """What `gxt show` takes."""
    parser.add("id", metavar="ID", nargs="?", default="@", help=_RUN)
    parser.add("--series", action="store_true", help="Every point of every metric.")
    parser.add_json()
    parser.add("--csv", action="store_true", help="The series as CSV.")


def show(words: Namespace) -> None:
    """Show everything about one run; the latest when none is named."""
    from gxt.ops.show import show as operation
    from gxt.render import showing

    workspace = _open()
    result = operation(workspace, words.id, series=words.series or words.csv)
    notices = (*workspace.notices, *result.notices)
    if words.json:
        if words.series:
            output.show_json_text(showing.with_series(result), notices)
        else:
            output.show_json(result.run, notices)
        return
    output.say_notices(notices)
    if words.csv:
        for part in showing.series_tables(result):
            output.show_table(part, as_csv=True, as_markdown=False)
    elif words.series:
        output.show_table(showing.series_table(result), as_csv=False, as_markdown=False)
    else:
        output.show(showing.page(result))


def console_words(parser: Parser) -> None:
    """What `gxt output` takes."""
    parser.add("id", metavar="ID", nargs="?", default="@", help=_RUN)
    parser.add("-f", "--follow", action="store_true", help="Go on while the run goes on.")
    parser.add("-t", "--times", action="store_true", help="The time before each line.")
    parser.add_json()


def console(words: Namespace) -> None:
    """Show what a run printed."""
    from gxt.ops import console as operation
    from gxt.render import printing

    workspace = _open()
    if words.follow and not words.json:
        gc.enable()  # a training may take weeks
        output.say_notices(workspace.notices)
        for lines in operation.follow(workspace, words.id):
            output.write(
                "".join(printing.console_line(line, times=words.times) for line in lines), flush=True
            )
        return
    run, lines = operation.console(workspace, words.id)
    if words.json:
        output.show_json(printing.console_json(run, lines), workspace.notices)
        return
    output.say_notices(workspace.notices)
    if not lines:
        output.say(f"{run['id']} printed nothing")
    for line in lines:
        output.write(printing.console_line(line, times=words.times))


def diff_words(parser: Parser) -> None:
    """What `gxt diff` takes."""
    parser.add("a", metavar="A", help="A run.")
    parser.add("b", metavar="B", nargs="?", help="Another; without: the work tree.")
    parser.add("--code", action="store_true", help="The patch of the code.")
    parser.add_json()
    parser.add_table_formats()


def diff(words: Namespace) -> None:
    """Show what differs: metrics, parameters, code, environment."""
    from gxt.ops.diff import diff as operation
    from gxt.render import differing

    workspace = _open()
    result = operation(workspace, words.a, words.b, patch=words.code)
    notices = (*workspace.notices, *result.notices)
    if words.json:
        output.show_json(differing.as_json(result), notices)
        return
    output.say_notices(notices)
    if result.patch is not None and output.on_terminal():
        output.show(differing.patch(result))
    elif result.patch is not None:
        output.write(differing.patch_text(result))
    elif words.csv or words.md:
        output.show_table(differing.table(result, exact=words.csv), as_csv=words.csv, as_markdown=words.md)
    else:
        output.show(differing.page(result))


def tree_words(parser: Parser) -> None:
    """What `gxt tree` takes."""
    parser.add("id", metavar="ID", nargs="?", help="Only what derives from this run.")
    parser.add("--limit", metavar="N", type=count_from(1), help="Only the newest runs.")
    parser.add("--metric", metavar="NAME", help="The metric to show.")
    parser.add_json()


def tree(words: Namespace) -> None:
    """Draw the evolution tree: green better than the parent, red worse."""
    from gxt.ops.tree import tree as operation
    from gxt.render import forest

    workspace = _open()
    result = operation(workspace, words.id, limit=words.limit, metric=words.metric)
    notices = (*workspace.notices, *result.notices)
    if words.json:
        output.show_json_text([forest.to_json(result).encode("ascii")], notices)
        return
    output.say_notices(notices)
    if not result.nodes:
        _say_nothing(workspace, asked=words.id)
    output.show(forest.page(result))


def status_words(parser: Parser) -> None:
    """What `gxt status` takes."""
    parser.add(
        "--seal", metavar="ID", help="First record a run as interrupted that another machine has left."
    )
    parser.add_json()


def status(words: Namespace) -> None:
    """Show what is running, the base, and what the next run records."""
    from gxt.ops.status import seal_lost
    from gxt.ops.status import status as operation
    from gxt.render import standing

    told = [seal_lost(_open(), words.seal)] if words.seal is not None else []
    workspace = _open()
    result = operation(workspace)
    notices = (*told, *workspace.notices, *result.notices)
    if words.json:
        output.show_json(standing.as_json(result), notices)
        return
    output.say_notices(notices)
    output.show(standing.page(result))
