"""Dead runs: they are recorded, or set aside when their journal cannot be read."""

from __future__ import annotations

from collections.abc import Iterator

from gxt.git.objects import ObjectReader
from gxt.git.refs import RefUpdate, move_refs
from gxt.git.repository import Repository
from gxt.store import journal, locks
from gxt.store.health.live import why_unreadable
from gxt.store.places import kept_ref, live_paths, live_ref
from gxt.store.recovery import ReadEnd, recover
from gxt.store.repair.refs import REASON, set_aside


def record(repository: Repository, *, series_bytes: int, read_end: ReadEnd) -> Iterator[str]:
    """Record the runs whose processes are gone."""
    for one in recover(repository, series_bytes=series_bytes, read_end=read_end).sealed:
        yield f"{one.run['id']} is recorded as {one.run['status']}: everything it had logged is kept"


def set_aside_journals(repository: Repository) -> Iterator[str]:
    """Set aside the directories of dead runs that can never be recorded; the code stays, by a ref."""
    with locks.store_lock(repository), ObjectReader(repository) as reader:
        for path in live_paths(repository):
            if journal.goes_on(path) or not why_unreadable(path):
                continue
            code = reader.read(live_ref(path.name))
            if code is not None:
                moves = [RefUpdate(kept_ref(path.name), code.oid)]
                move_refs(repository, moves, reason=REASON)
            yield f"set aside what cannot be recorded: {set_aside(repository, path, path.name)}"
