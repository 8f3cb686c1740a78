"""Commands that read: `list`, `show`, `output`, `diff`, `compare`, `tree`, `status`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gxt.cli import output

if TYPE_CHECKING:
    from gxt.ops.workspace import Workspace

Texts = list[str]
Where = Annotated[
    str | None, typer.Option("--where", help='A condition, e.g. "metrics.acc > 0.9 and params.lr < 0.1".')
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
    sort: Annotated[str | None, typer.Option("--sort", help="A name, e.g. val_acc or -params.lr.")] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=0, help="At most so many; 20 on a terminal, else all.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option("--columns", help="Names separated by commas, e.g. id,params.lr,val_acc.")
    ] = None,
    tag: Annotated[
        Texts | None, typer.Option("--tag", help="Only runs with this tag; may be repeated.")
    ] = None,
    json_: AsJson = False,
    csv_: AsCsv = False,
    md: AsMarkdown = False,
) -> None:
    """List runs, newest first, running ones on top."""
    from gxt.model.fields import split_names
    from gxt.ops.listing import ListRequest, list_runs
    from gxt.render import listing

    workspace = _open()
    if limit is None and output.on_terminal() and not (json_ or csv_ or md):
        limit = 20
    names = split_names(columns) if columns is not None else None
    result = list_runs(workspace, ListRequest(where, sort, limit, names, tag or ()))
    notices = (*workspace.notices, *result.notices)
    if json_:
        output.show_json(list(result.runs), notices)
        return
    output.say_notices(notices)
    if not result.runs and not (csv_ or md):
        output.say(listing.nothing(where or tag))
        return
    shown = listing.raw_table(result) if csv_ else listing.table(result)
    output.show_table(shown, as_csv=csv_, as_markdown=md)


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
        for line in operation.follow(workspace, id_):
            output.write(printing.console_line(line, times=times))
            output.flush()
        return
    run, lines = operation.console(workspace, id_)
    if json_:
        output.show_json(printing.console_json(run, lines), workspace.notices)
        return
    output.say_notices(workspace.notices)
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
        output.show_table(differing.table(result), as_csv=csv_, as_markdown=md)
    else:
        output.show(differing.page(result))


def compare(
    ids: Annotated[Texts, typer.Argument(metavar="ID...", help="Two runs or more.")],
    json_: AsJson = False,
    csv_: AsCsv = False,
    md: AsMarkdown = False,
) -> None:
    """Show runs side by side: parameters that differ, every metric, the best marked with *."""
    from gxt.ops.compare import compare as operation
    from gxt.render import differing

    workspace = _open()
    result = operation(workspace, ids)
    if json_:
        output.show_json(list(result.runs), workspace.notices)
        return
    output.say_notices(workspace.notices)
    output.show_table(differing.comparison(result), as_csv=csv_, as_markdown=md)


def tree(
    id_: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Only what derives from this run.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Only the newest runs.")] = None,
    metric: Annotated[str | None, typer.Option("--metric", help="The metric to show.")] = None,
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
    """Show what is running, the base, and what the next run would record."""
    from gxt.ops.status import status as operation
    from gxt.render import standing

    workspace = _open()
    result = operation(workspace)
    if json_:
        output.show_json(standing.as_json(result), workspace.notices)
        return
    output.say_notices(workspace.notices)
    output.show(standing.page(result))
