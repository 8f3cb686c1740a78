"""The command that looks after a repository: `doctor`."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from gxt.cli import output
from gxt.cli.parser import Parser

FINDINGS_EXIT_CODE = 1


def doctor_words(parser: Parser) -> None:
    """What `gxt doctor` takes."""
    parser.add("--repair", action="store_true", help="Mend what can be mended; no data is ever deleted.")
    parser.add_json()


def doctor(words: Namespace) -> None:
    """Check everything that runs depend on; exit code 1 when something is wrong.

    Looked at are git and its settings, the refs, every run in git with its notes, the journals of live runs,
    the index, locks, leftovers and settings. Nothing is written without --repair.
    """
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
