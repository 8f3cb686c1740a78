"""The command that looks after a repository: `doctor`."""

from __future__ import annotations

import time
from argparse import Namespace

from gxt.cli import output
from gxt.cli.parser import Parser

FINDINGS_EXIT_CODE = 1
_PATIENCE_S = 1.0


def doctor_words(parser: Parser) -> None:
    """What `gxt doctor` takes."""
    parser.add("--repair", action="store_true", help="Mend what can be mended; no data is ever deleted.")
    parser.add_json()


def doctor(words: Namespace) -> None:
    """Check everything that runs depend on; exit code 1 when something is wrong.

    Looked at are git and its settings, the refs, every run in git with its notes, the journals of live runs,
    the index, locks, leftovers and settings. Nothing is written without --repair.
    """
    from gxt.ops.doctor import doctor as operation
    from gxt.ops.workspace import working_directory
    from gxt.render import health

    began_s, told = time.monotonic(), False

    def progress(done: int, total: int) -> None:
        nonlocal told
        if done and time.monotonic() - began_s > _PATIENCE_S and output.talks_to_terminal():
            told = output.progress(f"gxt: {done} of {total} runs read")

    diagnosis = operation(working_directory(), repair=words.repair, progress=progress)
    if told:
        output.progress("")
    if words.json:
        output.show_json(health.as_json(diagnosis))
    else:
        output.show(health.page(diagnosis))
    if diagnosis.findings:
        raise SystemExit(FINDINGS_EXIT_CODE)
