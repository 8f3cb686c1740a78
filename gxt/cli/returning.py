"""Commands that bring a run back: `checkout`, `branch`, `reproduce`."""

from __future__ import annotations

import gc
from argparse import ArgumentTypeError, Namespace
from contextlib import nullcontext
from typing import TYPE_CHECKING

from gxt.cli import output
from gxt.cli.parser import Parser
from gxt.errors import GxtError, UsageError

if TYPE_CHECKING:
    from gxt.ops.reproduce import ReproducePlan
    from gxt.ops.run import Started

DIFFERENT_EXIT_CODE = 3
_MOST_NAMED = 6

_RUN = "exp-012, 12, a name, a uid or commit, @, @~2, best."


def checkout_words(parser: Parser) -> None:
    """What `gxt checkout` takes."""
    parser.add("id", metavar="ID", help=_RUN)
    parser.add("--only", metavar="PATH", nargs="+", help="Only these files or folders; the base stays.")
    parser.add("--worktree", metavar="DIR", help="Into a new linked work tree there; this one stays.")
    parser.add("--no-data", action="store_true", help="Leave out data and outputs that DVC keeps.")
    parser.add("--yes", action="store_true", help="Use the remote that .dvc/config names without asking.")
    parser.add_json()


def checkout(words: Namespace) -> None:
    """Bring the files of a run into the work tree, as they were when it ran, and make it the base.

    Its data and outputs come with it, from DVC's remote where they are not here. HEAD, branch and index stay;
    git status shows how the files differ from HEAD. Changes that nobody has recorded are never overwritten.
    """
    from gxt.cli.sharing import carrying
    from gxt.ops.checkout import checkout as operation
    from gxt.ops.checkout import checkout_beside
    from gxt.ops.workspace import open_workspace
    from gxt.render import returning

    if words.worktree and words.only:
        raise UsageError("--worktree takes all of a run", hint="leave out --only, or --worktree")
    workspace = open_workspace()
    how = None if words.no_data else carrying(words)
    if words.worktree:
        done = checkout_beside(workspace, words.id, words.worktree, carrying=how)
    else:
        done = operation(workspace, words.id, words.only or (), carrying=how)
    notices = (*workspace.notices, *done.notices)
    if words.json:
        output.show_json(returning.checked_out_json(done), notices)
        return
    output.say_notices(notices)
    output.show(returning.checked_out_page(done, beside=bool(words.worktree)))


def branch_words(parser: Parser) -> None:
    """What `gxt branch` takes."""
    parser.add("id", metavar="ID", help=_RUN)
    parser.add("name", metavar="NAME", help="Of the new branch.")
    parser.add_json()


def branch(words: Namespace) -> None:
    """Make a branch of a run, for a merge or a pull request: one commit with its code on top of its HEAD."""
    from gxt.ops.checkout import branch as operation
    from gxt.ops.workspace import open_workspace

    workspace = open_workspace()
    run = operation(workspace, words.id, words.name)
    if words.json:
        output.show_json({"run": run["id"], "branch": words.name, "commit": run["commit"]}, workspace.notices)
        return
    output.say_notices(workspace.notices)
    output.write(f"{words.name} is {run['id']}: git switch {words.name}\n")


def reproduce_words(parser: Parser) -> None:
    """What `gxt reproduce` takes."""
    parser.add("id", metavar="ID", help=_RUN)
    parser.add("--dry-run", action="store_true", help="Show what would be executed; run nothing.")
    parser.add("--yes", action="store_true", help="Do not ask before a command that somebody else recorded.")
    parser.add("--strict", action="store_true", help="Refuse where the environment is not the recorded one.")
    parser.add_repeated("--arg", metavar="NAME=VALUE", help="What was redacted in the command.")
    parser.add(
        "--tolerance",
        metavar="X",
        type=_tolerance,
        help="How far metrics may differ, relatively. Default: 0.001.",
    )
    parser.add_repeated("--ignore", metavar="METRIC", help="A metric that does not count, such as a time.")
    parser.add("--worktree", metavar="DIR", help="Where the work tree is made, and stays.")
    parser.add_json()


def reproduce(words: Namespace) -> None:
    """Run the command of a run again with its code, in a work tree of its own, and compare the results.

    What comes out is a new run, a child of the original. Exit code 3 when the results are different. A
    command that somebody else recorded is code from somewhere else: gxt asks before it runs.
    """
    from gxt.capture.process import exit_like
    from gxt.cli.sharing import carrying
    from gxt.model.reproduction import TOLERANCE
    from gxt.ops import reproduce as operation
    from gxt.ops.workspace import open_workspace
    from gxt.render import reproducing, running

    workspace = open_workspace()
    answers = dict(_named(text) for text in words.arg)
    plan = operation.plan_reproduction(workspace, words.id, answers)
    if plan.missing and not words.dry_run and output.can_ask() and not words.json:
        answers |= {name: _secret(name) for name in plan.missing}
        plan = operation.plan_reproduction(workspace, words.id, answers)
    if words.dry_run:
        if words.json:
            output.show_json(reproducing.plan_json(plan), workspace.notices)
        else:
            output.say_notices(workspace.notices)
            output.show(reproducing.plan_page(plan))
        return
    _check(words, plan)

    def on_start(started: Started) -> None:
        gc.enable()
        output.say_notices((*workspace.notices, *started.plan.notices))
        output.say(running.start_line(started, output.talk_width()))

    with output.stdout_for_ourselves() if words.json else nullcontext():
        done = operation.reproduce(
            workspace,
            plan,
            tolerance=TOLERANCE if words.tolerance is None else words.tolerance,
            ignored=words.ignore,
            folder=words.worktree,
            carrying=carrying(words),
            on_start=on_start,
        )
    result = done.result
    if result.ended.mid_line:
        output.end_line_of_command()
    notices = (*result.notices, *(result.finished.notices if result.finished else ()))
    output.say_notices(notices)
    text, style = running.end_line(result, workspace.settings, output.talk_width())
    output.say(text, style=style)
    if words.json:
        output.show_json(reproducing.verdict_json(done), notices)
    else:
        output.show(reproducing.verdict_page(done))
    if result.ended.interrupted:
        exit_like(result.ended)
    if done.comparison is None or done.comparison.verdict == "different":
        raise SystemExit(DIFFERENT_EXIT_CODE)


def _check(words: Namespace, plan: ReproducePlan) -> None:
    """Raise where the command may not, or cannot, be executed."""
    from gxt.render import reproducing

    if plan.missing:
        name = plan.missing[0]
        hint = f"give it: --arg {name}=VALUE"
        raise UsageError(f"redacted in the command of {plan.run['id']}: {', '.join(plan.missing)}", hint=hint)
    if words.strict and plan.environment:
        shown = ", ".join(list(plan.environment)[:_MOST_NAMED])
        raise GxtError(
            f"the environment is not that of {plan.run['id']}: {shown}",
            hint=f"gxt reproduce {plan.run['id']} --dry-run shows what differs",
        )
    if plan.is_ours or words.yes:
        return
    asked = f"{plan.run['author']} recorded this command"
    if not output.can_ask() or words.json:
        raise UsageError(
            f"{asked}: it is code from somewhere else",
            hint=f"look at it (gxt reproduce {plan.run['id']} --dry-run), then say --yes",
        )
    output.show(reproducing.plan_page(plan))
    if not output.ask("Execute it?"):
        raise GxtError("nothing was executed")


def _tolerance(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise ArgumentTypeError(f"{text!r} is no number from 0 up to 1")
    return value


def _named(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"--arg {name} has no value", hint="write --arg NAME=VALUE")
    return name.lstrip("-"), value


def _secret(name: str) -> str:
    from getpass import getpass

    return getpass(f"{name} (redacted when it was recorded): ")
