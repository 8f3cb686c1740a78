"""What a killed process left behind: its journal becomes an interrupted run, its debris is removed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

from gxt.errors import DamagedRecord, GxtError
from gxt.git.repository import Repository
from gxt.model.events import Folded
from gxt.model.ids import run_id
from gxt.named_tuple import NamedTuple
from gxt.store import collector, debris, journal, locks
from gxt.store.console import collect
from gxt.store.documents import documents
from gxt.store.index import Index
from gxt.store.places import STAGED, live_paths, names_in
from gxt.store.seal import Sealed, seal

_GC_PATIENCE_S = 0.5  # who only wants to read does not wait for long
_FORGOTTEN_S = 60.0  # no git holds a lock on refs for so long
SILENT_S = 24 * 3600.0
"""How long a run of another machine may be silent before we speak of it: nobody here can tell if it runs."""


ReadEnd: TypeAlias = "Callable[[Path], Folded]"
"""Reads the journal of a dead run, when what it has put out is safe."""


class Recovery(NamedTuple):
    """What a recovery did: runs that are in git now, and what it could not do, in words."""

    sealed: tuple[Sealed, ...] = ()
    notices: tuple[str, ...] = ()


def read_journal(path: Path) -> Folded:
    """What the journal of a dead run says by itself."""
    return journal.read(path, unfinished="interrupted")


def recover(repository: Repository, *, series_bytes: int, read_end: ReadEnd = read_journal) -> Recovery:
    """Seal every run whose processes are gone. One damaged journal does not stop the others."""
    paths = live_paths(repository)
    dead = [path for path in paths if _is_dead(path)]
    silent = [notice for path in paths if path not in dead for notice in _silence(path)]
    sealed, notices = [], silent
    try:
        if dead and not collector.await_end(repository, patience_s=_GC_PATIENCE_S):
            notices.append("interrupted runs are recorded when git gc --prune has ended")
        elif dead:
            for path in dead:
                _store_outputs(path, read_end)
            with locks.store_lock(repository):
                debris.sweep(repository)
                for path in dead:
                    one, notice = _try_to_seal(repository, path, series_bytes, read_end)
                    sealed += [one] if one else []
                    notices += [notice] if notice else []
                if len(sealed) < len(dead):
                    debris.sweep(repository)
        elif debris.is_there(repository):
            with locks.store_lock_if_free(repository) as ours:
                if ours:
                    debris.sweep(repository)
    except OSError as error:  # a read-only repository can still be read
        if dead:
            notices.append(f"interrupted runs could not be recorded: {error.strerror}")
    lock = debris.lock_hint(repository, older_than_s=_FORGOTTEN_S)
    return Recovery(tuple(sealed), (*notices, *([lock] if lock else [])))


def _store_outputs(path: Path, read_end: ReadEnd) -> None:
    """Let what a dead run has put out be stored before anybody waits for our lock: it may be large."""
    held = locks.hold(path) if names_in(path / STAGED) else None
    if held is None:
        return
    try:
        if not journal.is_alive_beside(path):
            read_end(path)
    except (GxtError, OSError):
        return  # whoever seals it tells of it
    finally:
        os.close(held)


def _try_to_seal(
    repository: Repository, path: Path, series_bytes: int, read_end: ReadEnd
) -> tuple[Sealed | None, str]:
    """The dead run, sealed; or why it could not be."""
    try:
        return _seal_dead(repository, path, series_bytes, read_end), ""
    except GxtError as error:
        return None, f"{path.name} could not be recovered: {error}"
    except OSError as error:
        return None, f"{path.name} could not be recovered: {error.strerror}: {error.filename}"


def seal_elsewhere(
    repository: Repository, path: Path, *, series_bytes: int, read_end: ReadEnd
) -> Sealed | None:
    """Seal a run of another machine, which is known to be dead. None when its processes are alive here.

    Raises:
        DamagedRecord: its journal cannot be read.
        GxtError: nothing can be written here.
    """
    try:
        with locks.store_lock(repository):
            return _seal_dead(repository, path, series_bytes, read_end, elsewhere=True)
    except OSError as error:
        raise GxtError(
            f"the run cannot be recorded: {error.strerror}: {error.filename}",
            hint="do it where the repository can be written to",
        ) from error


def _silence(path: Path) -> Iterator[str]:
    """What to say of a run that may have died on another machine."""
    host, last_s = journal.runs_elsewhere(path), journal.last_write_s(path)
    if host and not journal.is_alive(path) and time.time() - last_s > SILENT_S:
        id_ = run_id(journal.reserved_number(path))
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(last_s))
        yield f"{id_} on {host} has been silent since {since}; if it is dead: gxt status --seal {id_}"


def _is_dead(path: Path) -> bool:
    return not journal.is_alive(path) and not journal.runs_elsewhere(path)


def _seal_dead(
    repository: Repository, path: Path, series_bytes: int, read_end: ReadEnd, *, elsewhere: bool = False
) -> Sealed | None:
    held = locks.hold(path)
    if held is None:
        return None
    try:
        # the directory is held by us: what is left to ask is who logs beside it
        alive = journal.is_alive_beside(path) or (journal.runs_elsewhere(path) and not elsewhere)
        if not path.exists() or alive:
            return None
        with Index(repository) as index:
            known = _is_sealed(index, path.name)
            looked_at = index.tip.oid if index.tip else ""
        if known:  # killed between the publication and the removal of the journal
            journal.remove(path)
            return None
        folded = read_end(path)
        if folded.uid != path.name:
            raise DamagedRecord("its journal is another run's", hint="gxt doctor --repair sets it aside")
        files = documents(folded, collect(path), series_bytes=series_bytes)
        number = journal.reserved_number(path)
        sealed = seal(repository, folded, files, number=number, looked_at=looked_at)
        journal.remove(path)
        return sealed
    finally:
        os.close(held)


def _is_sealed(index: Index, uid: str) -> bool:
    """Whether the run is in git; also one whose documents are damaged, by what its commit says."""
    return index.number_of(uid) is not None or index.unreadable(uid) is not None
