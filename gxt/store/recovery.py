"""What a killed process left behind: its journal becomes an interrupted run, its debris is removed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from gxt.errors import GxtError
from gxt.git.refs import RefUpdate, list_refs, update_refs
from gxt.git.repository import Repository
from gxt.store import journal, locks
from gxt.store.console import collect
from gxt.store.index import Index
from gxt.store.places import live_paths, live_ref
from gxt.store.seal import Sealed, seal


@dataclass(frozen=True)
class Recovery:
    """What a recovery did: runs that are in git now, and what it could not do, in words."""

    sealed: tuple[Sealed, ...] = ()
    notices: tuple[str, ...] = ()


def recover(repository: Repository) -> Recovery:
    """Seal every run whose processes are gone. One damaged journal does not stop the others."""
    dead = [path for path in live_paths(repository) if not journal.is_alive(path)]
    if not dead:
        return Recovery()
    sealed, notices = [], []
    try:
        with locks.store_lock(repository):
            _sweep(repository)
            for path in dead:
                try:
                    one = _seal_dead(repository, path)
                except GxtError as error:
                    notices.append(f"{path.name} could not be recovered: {error.message} ({error.hint})")
                else:
                    sealed += [one] if one else []
    except OSError as error:  # a read-only repository can still be read
        notices.append(f"interrupted runs could not be recorded: {error.strerror}")
    return Recovery(tuple(sealed), tuple(notices))


def _seal_dead(repository: Repository, path: Path) -> Sealed | None:
    held = locks.hold(path)
    if held is None:
        return None
    try:
        if not path.exists() or journal.is_alive_beside(path) or journal.runs_elsewhere(path):
            return None
        with Index(repository) as index:
            known = index.by_uid(path.name) is not None
        if known:  # killed between the publication and the removal of the journal
            update_refs(repository.top, [RefUpdate(live_ref(path.name), None)], reason="gxt: recovery")
            journal.remove(path)
            return None
        folded = journal.read(path, unfinished="interrupted")
        sealed = seal(repository, folded, number=journal.reserved_number(path), console=collect(path))
        journal.remove(path)
        return sealed
    finally:
        os.close(held)


def _sweep(repository: Repository) -> None:
    """Half-made directories, and temporary refs of a sealing that was killed: nobody else seals now."""
    journal.sweep(repository)
    stale = list_refs(repository.top, "refs/gxt/tmp")
    if stale:
        update_refs(repository.top, [RefUpdate(ref, None) for ref in stale], reason="gxt: recovery")
