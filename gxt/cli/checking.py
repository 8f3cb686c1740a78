"""The command that looks after a repository: `doctor`."""

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
    from gxt.cli.progress import bar
    from gxt.ops.push import push
    from gxt.ops.workspace import open_workspace
    from gxt.render import sharing

    pushed = push(open_workspace()._replace(progress=bar()), words.remote, again=True)
    output.say_notices((*pushed.refused, *pushed.notices))
    if words.json:
        output.show_json(sharing.pushed_json(pushed))
    else:
        output.show(sharing.pushed_page(pushed, dry_run=False))
