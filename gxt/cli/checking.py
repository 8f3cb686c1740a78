"""Commands that look after a repository: `doctor`, `gc`."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from gxt.cli import output
from gxt.cli.parser import Parser
from gxt.errors import UsageError

FINDINGS_EXIT_CODE = 1


def doctor_words(parser: Parser) -> None:
    """What `gxt doctor` takes."""
    parser.add("--repair", action="store_true", help="Mend what can be mended; no data is ever deleted.")
    parser.add("remote", metavar="REMOTE", nargs="?", help="With --repair: publish again what it has lost.")
    parser.add_json()


def doctor(words: Namespace) -> None:
    """Check everything that runs depend on; exit code 1 when something is wrong.

    Looked at are git and its settings, the refs, every run in git with its notes, the journals of live runs,
    the index, locks, leftovers and settings. Nothing is written without --repair.
    """
    if words.remote is not None:
        _repair_remote(words)
        return
    from gxt.cli.progress import bar
    from gxt.ops.doctor import doctor as operation
    from gxt.render import health

    diagnosis = operation(Path.cwd(), repair=words.repair, progress=bar())
    if words.json:
        output.show_json(health.as_json(diagnosis))
    else:
        output.show(health.page(diagnosis))
    if diagnosis.findings:
        raise SystemExit(FINDINGS_EXIT_CODE)


def _repair_remote(words: Namespace) -> None:
    """Publish again what a remote has lost, under the old numbers where they are free."""
    if not words.repair:
        raise UsageError(
            "a remote is not checked",
            hint=f"publish again what it has lost: gxt doctor --repair {words.remote}",
        )
    from gxt.cli.progress import open_workspace
    from gxt.ops.push import push
    from gxt.render import sharing

    pushed = push(open_workspace(), words.remote, again=True)
    output.say_notices((*pushed.refused, *pushed.notices))
    if words.json:
        output.show_json(sharing.pushed_json(pushed))
    else:
        output.show(sharing.pushed_page(pushed, dry_run=False))


def gc_words(parser: Parser) -> None:
    """What `gxt gc` takes."""
    parser.add("--yes", action="store_true", help="Do it without asking.")
    parser.add("--dry-run", action="store_true", help="Tell what would be done, and change nothing.")
    parser.add_json()


def gc(words: Namespace) -> None:
    """Free removed runs that nobody else has, take leftovers away, and have git pack what there is.

    It tells what it would do, and asks. Runs that a remote has stay in its history and in yours, removed or
    not. What goes on is not touched.
    """
    from gxt.ops.gc import collect, plan
    from gxt.ops.workspace import open_workspace
    from gxt.render import collecting

    workspace = open_workspace()
    planned = plan(workspace)
    notices = [*workspace.notices, *planned.notices]
    is_asked = not (words.yes or words.dry_run or words.json or planned.is_empty())
    if is_asked and not output.can_ask():
        notices.append("nothing was done: gxt gc --yes does it")
    output.say_notices(() if words.json else notices)
    if not words.json:
        output.show(collecting.planned_page(planned))
    is_wanted = output.ask("Do it?") if is_asked and output.can_ask() else words.yes and not words.dry_run
    done = collect(workspace, planned) if is_wanted and not planned.is_empty() else None
    if words.json:
        output.show_json(collecting.as_json(done or planned, done=done is not None), notices)
    elif done is not None:
        output.show(collecting.done_page(done))
