"""Commands that record: `run`, `base`."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gxt.cli import output

if TYPE_CHECKING:
    from gxt.ops.run import Started

Texts = list[str]


def run(
    command: Annotated[
        Texts, typer.Argument(metavar="-- COMMAND...", help="The command, as you would type it.")
    ],
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="A short name for the run.")
    ] = None,
    message: Annotated[
        str | None, typer.Option("--message", "-m", metavar="TEXT", help="What is different this time.")
    ] = None,
    hypothesis: Annotated[
        str | None, typer.Option("--hypothesis", metavar="TEXT", help="What you expect, and why.")
    ] = None,
    parent: Annotated[
        str | None,
        typer.Option("--parent", metavar="ID|none", help="The run this one derives from. Default: the base."),
    ] = None,
    tag: Annotated[
        Texts | None, typer.Option("--tag", metavar="TAG", help="A label; may be repeated.")
    ] = None,
    set_: Annotated[
        Texts | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Edit the parameters file first, comments kept."),
    ] = None,
    params: Annotated[
        Texts | None,
        typer.Option("--params", metavar="FILE", help="A parameters file besides params.yaml."),
    ] = None,
    metrics: Annotated[
        Texts | None,
        typer.Option("--metrics", metavar="FILE", help="A metrics file besides those of dvc.yaml."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be recorded; run nothing.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No lines of gxt's own.")] = False,
) -> None:
    """Run a command as it would run without gxt, and record it.

    Terminal, working directory, signals and exit code are the command's own. The code (edits and new files
    included), parameters, metrics, console and environment become a commit on the experiments ref.
    """
    from gxt.capture.process import exit_like
    from gxt.ops import run as operation
    from gxt.ops.start import StartRequest
    from gxt.ops.workspace import open_workspace
    from gxt.render import running

    gc.enable()  # a training may take weeks
    workspace = open_workspace(Path.cwd())
    request = StartRequest(
        command=command,
        name=name,
        message=message,
        hypothesis=hypothesis,
        parent=parent,
        tags=tag or (),
        params=params or (),
        assignments=set_ or (),
    )
    if dry_run:
        from gxt.ops.start import plan

        output.show(running.plan_view(plan(workspace, request, write=False)))
        return

    def on_start(started: Started) -> None:
        if not quiet:
            output.say_notices((*workspace.notices, *started.plan.notices))
            output.say(running.start_line(started, output.talk_width()))

    result = operation.run(workspace, request, metrics=metrics or (), on_start=on_start)
    if not quiet:
        if result.ended.mid_line:
            output.end_line_of_command()
        output.say_notices((*result.notices, *(result.finished.notices if result.finished else ())))
        text, style = running.end_line(result, workspace.settings, output.talk_width())
        output.say(text, style=style)
    exit_like(result.ended)


def base(
    id_: Annotated[
        str | None, typer.Argument(metavar="[ID|none]", help="The run to stand on; without: show it.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the JSON envelope.")] = False,
) -> None:
    """Show or set the base: the parent of the next run in this work tree."""
    from gxt.ops.base import base as operation
    from gxt.ops.workspace import open_workspace
    from gxt.render import standing

    workspace = open_workspace(Path.cwd())
    result = operation(workspace, id_)
    if json_:
        output.show_json(result.run, workspace.notices)
        return
    output.say_notices(workspace.notices)
    output.show(standing.base_page(result.run))
