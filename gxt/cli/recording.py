"""Commands that record: `run`, `base`."""

from __future__ import annotations

import gc
import sys
from argparse import REMAINDER, ArgumentTypeError, Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from gxt.cli import output
from gxt.cli.parser import Parser, count_from
from gxt.errors import CannotRecord, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gxt.ops.run import RunResult, Started
    from gxt.ops.start import StartRequest
    from gxt.ops.workspace import Workspace


def run_words(parser: Parser) -> None:
    """What `gxt run` takes."""
    parser.usage = "gxt run [options] -- COMMAND..."
    parser.add("--name", metavar="NAME", help="A short name for the run.")
    parser.add("-m", "--message", metavar="TEXT", help="What is different this time.")
    parser.add("--hypothesis", metavar="TEXT", help="What you expect, and why.")
    parser.add("--parent", metavar="ID|none", help="The run this one derives from. Default: the base.")
    parser.add_repeated("--tag", metavar="TAG", help="A label; may be repeated.")
    parser.add_repeated(
        "--set", metavar="KEY=VALUE", help="Edit the parameters file first, comments kept; may be repeated."
    )
    parser.add_repeated("--params", metavar="FILE", help="A parameters file besides params.yaml.")
    parser.add_repeated("--metrics", metavar="FILE", help="A metrics file besides those of dvc.yaml.")
    parser.add_repeated(
        "--out", metavar="PATH", help="A file or folder to keep when the command has ended; may be repeated."
    )
    parser.add_repeated(
        "--data", metavar="PATH", help="A file or folder of data that the command uses; may be repeated."
    )
    parser.add_repeated(
        "--no-source",
        metavar="KIND",
        help="Do not read the logs of tensorboard, mlflow, wandb, dvclive, …; or all.",
    )
    parser.add("--no-scrape", action="store_true", help="Take no metrics from what the command prints.")
    parser.add("--no-system", action="store_true", help="Do not look at CPU, memory, disk, network and GPUs.")
    parser.add(
        "--repeats", metavar="N", type=count_from(1), help="So many runs with different seeds. Default: 1."
    )
    parser.add(
        *("-j", "--jobs"), metavar="N", type=count_from(1), default=1, help="So many repeats at a time."
    )
    parser.add(
        "--seed",
        metavar="N",
        type=count_from(0),
        help="GXT_SEED of the command, {seed} in its words; the first of the repeats.",
    )
    parser.add("--group", metavar="ID", help="Join the repeats of this run, with the seeds after theirs.")
    parser.add("--repeat", metavar="I/N", type=_place, help="Which of how many repeats of --group it is.")
    parser.add("--dry-run", action="store_true", help="Show what would be recorded; run nothing.")
    parser.add("-q", "--quiet", action="store_true", help="No lines of gxt's own.")
    # from the first word that is no option on everything is the command's, with or without `--`
    parser.add("command", metavar="-- COMMAND...", nargs=REMAINDER, help="The command, as you would type it.")


def run(words: Namespace) -> None:
    """Run a command as it would run without gxt, and record it.

    Terminal, working directory, signals and exit code are the command's own. The code (edits and new files
    included), parameters, metrics, console and environment become a commit on the experiments ref.
    """
    from gxt.capture.process import become, exit_like
    from gxt.ops import run as operation
    from gxt.ops.start import StartRequest
    from gxt.ops.workspace import open_workspace
    from gxt.render import running

    command = words.command[1:] if words.command[:1] == ["--"] else words.command
    if not command:
        raise UsageError("no command to run", hint="write it last: gxt run -- python train.py")
    workspace = open_workspace()
    request = StartRequest(
        command=command,
        name=words.name,
        message=words.message,
        hypothesis=words.hypothesis,
        parent=words.parent,
        tags=words.tag,
        params=words.params,
        assignments=words.set,
        metrics=words.metrics,
        outs=words.out,
        data=words.data,
        sources_off=_sources_off(words.no_source),
        scrape=not words.no_scrape,
        system=not words.no_system,
    )
    if words.repeat and (words.repeats or 1) > 1:
        raise UsageError(
            "--repeat is one of the repeats, --repeats all of them", hint="leave out one of them"
        )
    count = words.repeats or (1 if words.repeat else workspace.settings.repeats)
    if count > 1 or (words.group and not words.repeat):
        _repeat(workspace, request, words, count)
    if words.repeat or words.seed is not None:
        from gxt.ops.repeats import placed

        request = placed(workspace, request, words.group, words.repeat, words.seed)
    if words.dry_run:
        from gxt.ops.start import dry_run

        output.show(running.plan_view(dry_run(workspace, request)))
        return
    on_start, on_end = _talk(workspace, quiet=words.quiet)
    try:
        result = operation.run(workspace, request, on_start=on_start)
    except CannotRecord as error:  # a training that has waited for its turn need not wait again
        output.say_error(error)
        output.say("     the command runs without gxt: nothing of it is recorded")
        ended = become(request.command)
        output.say(f"gxt: {ended.error}", style="bad")
        exit_like(ended)
    on_end(result)
    exit_like(result.ended)


def _talk(
    workspace: Workspace, *, quiet: bool
) -> tuple[Callable[[Started], None], Callable[[RunResult], None]]:
    """What says the lines of a run, before it and after it."""
    from gxt.render import running

    told: list[str] = []  # of several runs only the first has notices of the workspace

    def on_start(started: Started) -> None:
        gc.enable()  # a training may take weeks
        if not quiet:
            output.say_notices((*(() if told else workspace.notices), *started.plan.notices))
            told.append(started.id)
            output.say(running.start_line(started, output.talk_width()))

    def on_end(result: RunResult) -> None:
        if quiet:
            return
        if result.ended.mid_line:
            output.end_line_of_command()
        output.say_notices((*result.notices, *(result.finished.notices if result.finished else ())))
        text, style = running.end_line(result, workspace.settings, output.talk_width())
        output.say(text, style=style)

    return on_start, on_end


def _place(text: str) -> tuple[int, int]:
    """`2/5`: the second of five."""
    index, slash, of = text.partition("/")
    if not (slash and index.isdecimal() and of.isdecimal() and 1 <= int(index) <= int(of)):
        raise ArgumentTypeError(f"{text!r} is no place among repeats, such as 2/5")
    return int(index), int(of)


def _repeat(workspace: Workspace, request: StartRequest, words: Namespace, count: int) -> NoReturn:
    """Run it several times with different seeds; ends as the first that failed."""
    from gxt.capture.process import Ended, exit_like
    from gxt.ops import repeats as operation

    planned = operation.plan_repeats(
        workspace, request, count, seed=words.seed, at_once=words.jobs, join=words.group
    )
    if words.dry_run:
        from gxt.ops.start import dry_run
        from gxt.render import running

        output.show(running.plan_view(dry_run(workspace, planned.requests[0]), planned.requests))
        sys.exit(0)
    if words.jobs > 1:
        output.say_notices(() if words.quiet else workspace.notices)
        labels = [f"[seed {one.seed}] ".encode() for one in planned.requests]
        done = operation.at_once(
            workspace,
            planned,
            words.jobs,
            quiet=words.quiet,
            on_lines=lambda place, descriptor, lines: output.pass_on(descriptor, lines, labels[place]),
        )
    else:
        on_start, on_end = _talk(workspace, quiet=words.quiet)
        done = operation.in_sequence(workspace, planned, on_start=on_start, on_end=on_end)
    if not words.quiet:
        from gxt.render import repeating

        output.say_notices(repeating.remarks(done))
        text, style = repeating.repeats_line(done, workspace.settings, output.talk_width())
        output.say(text, style=style)
    exit_like(Ended(done.exit_code, False, 0.0))


def _sources_off(kinds: Sequence[str]) -> Sequence[str]:
    from gxt.store.settings import SOURCES

    for kind in kinds:
        if kind not in SOURCES:
            raise UsageError(f"no logger is called {kind!r}", hint=f"--no-source takes {', '.join(SOURCES)}")
    return kinds


def base_words(parser: Parser) -> None:
    """What `gxt base` takes."""
    parser.add("id", metavar="ID|none", nargs="?", help="The run to stand on; without: show it.")
    parser.add_json()


def base(words: Namespace) -> None:
    """Show or set the base: the parent of the next run in this work tree."""
    from gxt.ops.base import base as operation
    from gxt.ops.workspace import open_workspace
    from gxt.render import standing

    workspace = open_workspace()
    result = operation(workspace, words.id)
    notices = (*workspace.notices, *result.notices)
    if words.json:
        output.show_json(result.run, notices)
        return
    output.say_notices(notices)
    output.show(standing.base_page(result))
