"""Commands that read: `list`, `show`, `output`, `diff`, `compare`, `tree`, `status`."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gxt.cli import output
from gxt.errors import UsageError

if TYPE_CHECKING:
    from gxt.model.json_types import JsonObject
    from gxt.ops.workspace import Workspace
    from gxt.render.view import Table

_PAGE = 20  # runs that a list shows unasked on a terminal

Texts = list[str]
Where = Annotated[
    str | None,
    typer.Option("--where", metavar="CONDITION", help='E.g. "metrics.acc > 0.9 and params.lr < 0.1".'),
]
Run = Annotated[str, typer.Argument(metavar="ID", help="exp-012, 12, a name, a uid or commit, @, @~2, best.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the JSON envelope.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV with exact values.")]
AsMarkdown = Annotated[bool, typer.Option("--md", help="Print a Markdown table.")]


def _open() -> Workspace:
    from gxt.ops.workspace import open_workspace

    return open_workspace(Path.cwd())


def list_(
    where: Where = None,
    sort: Annotated[
        str | None, typer.Option("--sort", metavar="NAME", help="E.g. val_acc; from the top: -val_acc.")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", metavar="N", min=0, help="At most so many; 20 on a terminal, else all."),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option("--columns", metavar="NAMES", help="Separated by commas, e.g. id,params.lr,val_acc."),
    ] = None,
    tag: Annotated[
        Texts | None,
        typer.Option("--tag", metavar="TAG", help="Only runs with this tag; may be repeated."),
    ] = None,
    json_: AsJson = False,
    csv_: AsCsv = False,
    md: AsMarkdown = False,
) -> None:
    """List runs, newest first, running ones on top."""
    from gxt.ops import listing as operation
    from gxt.render import listing

    workspace = _open()
    page = limit is None and output.on_terminal() and not (json_ or csv_ or md)
    request = operation.ListRequest(where, sort, _PAGE + 1 if page else limit, tag or ())
    if json_:
        text, notices = operation.list_json(workspace, request)
        output.show_json_text(text, (*workspace.notices, *notices))
        return
    if columns is not None or csv_:
        whole = operation.list_runs(workspace, request)
        shown, notices = _columns(whole.runs, columns, exact=csv_), whole.notices
    else:
        result = operation.list_rows(workspace, request)
        shown, notices = listing.table(result), result.notices
    output.say_notices((*workspace.notices, *notices))
    if shown.rows or csv_ or md:
        more = page and len(shown.rows) > _PAGE
        output.show_table(listing.first(shown, _PAGE) if more else shown, as_csv=csv_, as_markdown=md)
        if more:
            output.say(f"the newest {_PAGE}: gxt list --limit N shows more", style="dim")
    else:
        output.say(listing.nothing(where or tag or limit == 0))


def _columns(runs: list[JsonObject], columns: str | None, *, exact: bool) -> Table:
    """The columns that were named, else all of them."""
    from gxt.model.fields import parse_field, split_names
    from gxt.render import listing

    if columns is None:
        return listing.raw_table(runs)
    if not columns.strip():
        raise UsageError("--columns names no column", hint="write for example --columns id,params.lr,val_acc")
    return listing.chosen_table(runs, [parse_field(name) for name in split_names(columns)], exact=exact)


def show(
    id_: Run = "@",
    series: Annotated[bool, typer.Option("--series", help="Every point of every metric.")] = False,
    json_: AsJson = False,
    csv_: Annotated[bool, typer.Option("--csv", help="The series as CSV.")] = False,
) -> None:
    """Show everything about one run; the latest when none is named."""
    from gxt.ops.show import show as operation
    from gxt.render import showing

    workspace = _open()
    result = operation(workspace, id_, series=series or csv_)
    if json_:
        output.show_json(showing.as_json(result, series=series), workspace.notices)
        return
    output.say_notices(workspace.notices)
    if series or csv_:
        output.show_table(showing.series_table(result), as_csv=csv_, as_markdown=False)
    else:
        output.show(showing.page(result))


def console(
    id_: Run = "@",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on while the run goes on.")] = False,
    times: Annotated[bool, typer.Option("--times", "-t", help="The time before each line.")] = False,
    json_: AsJson = False,
) -> None:
    """Show what a run printed."""
    from gxt.ops import console as operation
    from gxt.render import printing

    workspace = _open()
    if follow and not json_:
        gc.enable()  # a training may take weeks
        for line in operation.follow(workspace, id_):
            output.write(printing.console_line(line, times=times))
            output.flush()
        return
    run, lines = operation.console(workspace, id_)
    if json_:
        output.show_json(printing.console_json(run, lines), workspace.notices)
        return
    output.say_notices(workspace.notices)
    if not lines:
        output.say(f"{run['id']} printed nothing")
    for line in lines:
        output.write(printing.console_line(line, times=times))


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A run.")],
    b: Annotated[str | None, typer.Argument(metavar="[B]", help="Another; without: the work tree.")] = None,
    code: Annotated[bool, typer.Option("--code", help="The patch of the code.")] = False,
    json_: AsJson = False,
    csv_: AsCsv = False,
    md: AsMarkdown = False,
) -> None:
    """Show what differs: metrics, parameters, code, environment."""
    from gxt.ops.diff import diff as operation
    from gxt.render import differing

    workspace = _open()
    result = operation(workspace, a, b, patch=code)
    if json_:
        output.show_json(differing.as_json(result), workspace.notices)
        return
    output.say_notices(workspace.notices)
    if result.patch is not None:
        output.show(differing.patch(result))
    elif csv_ or md:
        output.show_table(differing.table(result, exact=csv_), as_csv=csv_, as_markdown=md)
    else:
        output.show(differing.page(result))


def compare(
    ids: Annotated[Texts, typer.Argument(metavar="ID...", help="Two runs or more.")],
    json_: AsJson = False,
    csv_: AsCsv = False,
    md: AsMarkdown = False,
) -> None:
    """Show runs side by side; of each metric the best is marked with *."""
    from gxt.ops.compare import compare as operation
    from gxt.render import differing

    workspace = _open()
    result = operation(workspace, ids)
    if json_:
        output.show_json(list(result.runs), workspace.notices)
        return
    output.say_notices(workspace.notices)
    output.show_table(differing.comparison(result, exact=csv_), as_csv=csv_, as_markdown=md)


def tree(
    id_: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Only what derives from this run.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="Only the newest runs.")
    ] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", metavar="NAME", help="The metric to show.")
    ] = None,
    json_: AsJson = False,
) -> None:
    """Draw the evolution tree: green better than the parent, red worse."""
    from gxt.ops.tree import tree as operation
    from gxt.render import forest

    workspace = _open()
    result = operation(workspace, id_, limit=limit, metric=metric)
    if json_:
        output.show_json_text(forest.to_json(result), workspace.notices)
        return
    output.say_notices(workspace.notices)
    if not result.nodes:
        output.say("no runs yet: gxt run -- python train.py")
    output.show(forest.page(result))


def status(json_: AsJson = False) -> None:
    """Show what is running, the base, and what the next run records."""
    from gxt.ops.status import status as operation
    from gxt.render import standing

    workspace = _open()
    result = operation(workspace)
    if json_:
        output.show_json(standing.as_json(result), workspace.notices)
        return
    output.say_notices(workspace.notices)
    output.show(standing.page(result))
