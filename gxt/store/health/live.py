"""Runs that are not in git yet: running ones, dead ones, journals that cannot be read."""

from __future__ import annotations

import time
from collections.abc import Container, Iterator
from pathlib import Path

from gxt.errors import DamagedRecord, NewerFormat
from gxt.git.repository import Repository
from gxt.model.ids import is_uid, run_id
from gxt.store import debris, journal, locks
from gxt.store.health.finding import REPAIR, Finding
from gxt.store.places import live_home, live_paths
from gxt.store.recovery import SILENT_S


def running(repository: Repository) -> list[Path]:
    """The directories of runs that go on."""
    return [path for path in live_paths(repository) if journal.goes_on(path)]


def check_live(repository: Repository, sealed: Container[str]) -> Iterator[Finding]:
    """Every directory of a live run; `sealed` holds the uids of the runs in git."""
    home = live_home(repository)
    for path in sorted(home.iterdir()) if home.is_dir() else ():
        if path.name.startswith("."):
            if not locks.is_held(path) and not locks.store_lock_is_held(repository):
                what = f"{path} was left half made or half removed"
                yield Finding("directory-left", what, f"the next gxt command removes it, or {REPAIR}", True)
        elif not is_uid(path.name):
            hint = f"see what it holds: {debris.command('ls', path)}"
            yield Finding("directory-strange", f"{path} is none of gxt's", hint)
        elif journal.is_alive(path):
            yield from _check_number(path)
        else:
            yield from _check_dead(path, sealed)


def _check_number(path: Path) -> Iterator[Finding]:
    if not journal.reserved_number(path):
        what = f"the number of a running run cannot be read: {path / journal.NUMBER}"
        yield Finding("number-unreadable", what, "it gets the next free one when it ends")


def _check_dead(path: Path, sealed: Container[str]) -> Iterator[Finding]:
    host, id_ = journal.runs_elsewhere(path), run_id(journal.reserved_number(path))
    if host is not None:
        last_s = journal.last_write_s(path)
        if time.time() - last_s > SILENT_S:
            since = time.strftime("%Y-%m-%d %H:%M", time.localtime(last_s))
            what = f"{id_} on {host} has been silent since {since}"
            yield Finding("run-silent", what, f"if that machine is dead: gxt status --seal {id_}")
        return
    if path.name in sealed:
        what = f"{path} is of a run that is in git already"
        yield Finding("directory-left", what, f"the next gxt command removes it, or {REPAIR}", True)
        return
    reason = why_unreadable(path)
    if not path.exists():  # somebody has recorded it this moment
        return
    if reason:
        hint = f"{REPAIR} sets it aside; what it holds is kept"
        yield Finding("journal-unreadable", f"{path} cannot be recorded: {reason}", hint, True)
        return
    try:
        notices = journal.read(path, unfinished="interrupted").metrics["notices"]
    except NewerFormat as error:
        yield Finding("run-newer", f"{path} cannot be recorded: {error.message}", error.hint)
        return
    said = [str(one) for one in notices] if isinstance(notices, list) else []
    what = f"{id_} was killed and is not in git yet{''.join(f'; {one}' for one in said)}"
    yield Finding("run-dead", what, f"the next gxt command records it, or {REPAIR}", True)


def why_unreadable(path: Path) -> str:
    """Why a dead run can never be recorded from its journal; empty when it can, be it by a newer gxt."""
    try:
        folded = journal.read(path, unfinished="interrupted")
    except DamagedRecord as error:
        return error.message
    except NewerFormat:
        return ""
    except FileNotFoundError:
        return "it has no journal"
    return "" if folded.uid == path.name else "its journal is another run's"
