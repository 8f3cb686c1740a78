"""Damaged refs: their files are set aside, and the experiments ref names the newest proven entry again.

What a ref named before is kept by a ref below `refs/gxt/kept`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gxt.git import process
from gxt.git.objects import ObjectReader
from gxt.git.refs import RefUpdate, move_refs
from gxt.git.repository import Repository
from gxt.model.ids import run_id
from gxt.store import debris, locks
from gxt.store.health.past import is_wrong, read_past
from gxt.store.health.refs import ownerless, read_refs
from gxt.store.places import EXPERIMENTS, kept_ref, live_home, set_aside_home

REASON = "gxt: repair"
_MOST = 5  # of a kind that are told one by one


def remove_locks(repository: Repository) -> Iterator[str]:
    """Remove the stale locks on our own refs, which would be in the way of every other step."""
    with locks.store_lock(repository):
        before = [path for path in debris.lock_files(repository) if path.exists()]
        debris.remove_stale_locks(repository)
        yield from (f"removed the stale lock {path}" for path in before if not path.exists())


def sweep(repository: Repository) -> Iterator[str]:
    """Remove what killed processes have left of directories and temporary refs."""
    with locks.store_lock(repository):
        before = _leftovers(repository)
        debris.sweep(repository)
        after = _leftovers(repository)
    gone = [what for what in before if what not in after]
    yield from (f"removed {what}, which a killed process has left" for what in gone[:_MOST])
    if len(gone) > _MOST:
        yield f"removed {len(gone) - _MOST} more such leftovers"


def _leftovers(repository: Repository) -> list[str]:
    found = [path for path in live_home(repository).glob(".*-*") if not locks.is_held(path)]
    return [*map(str, found), *ownerless(repository, read_refs(repository))]


def mend_files(repository: Repository) -> Iterator[str]:
    """Set aside files of refs that name nothing: git would refuse to move these refs.

    The experiments ref stays when no entry is known that could take its place: without it the next run would
    begin a history of its own, as if there had never been another.
    """
    with locks.store_lock(repository), ObjectReader(repository) as reader:
        refs = read_refs(repository)
        gone = [ref for ref, oid in refs.named.items() if reader.read(oid) is None]
        irreplaceable = EXPERIMENTS if read_past(repository, reader, refs).newest is None else ""
        for ref in (*refs.broken, *gone):
            path = repository.common_dir / ref
            if ref == irreplaceable or not path.is_file():  # git moves what is in `packed-refs` as any other
                continue
            place = set_aside(repository, path, ref)
            yield f"set aside the damaged file of {ref}: {place}"


def mend_experiments(repository: Repository) -> Iterator[str]:
    """Let the experiments ref be a ref of its own that names the newest proven entry."""
    with locks.store_lock(repository), ObjectReader(repository) as reader:
        refs = read_refs(repository)
        if EXPERIMENTS in refs.symbolic:
            process.run(repository.top, ("symbolic-ref", "--delete", EXPERIMENTS))
            move_refs(repository, [RefUpdate(EXPERIMENTS, refs.named[EXPERIMENTS])], reason=REASON)
            yield f"{EXPERIMENTS} does not stand for {refs.symbolic[EXPERIMENTS]} any more"
        past = read_past(repository, reader, refs)
        if past.newest is None or not is_wrong(past):
            return
        old = refs.named.get(EXPERIMENTS, "")
        moves = [RefUpdate(EXPERIMENTS, past.newest.tip, old or repository.zero)]
        kept = ""
        if old and old not in past.newest.oids and reader.read(old) is not None:
            moves.append(RefUpdate(kept_ref(f"experiments-{old}"), old))
            kept = f"; what it named before is kept as {kept_ref(f'experiments-{old}')}"
        move_refs(repository, moves, reason=REASON)
        newest = f" ({run_id(past.newest.entries[0].number)})" if past.newest.entries else ""
        yield f"{EXPERIMENTS} names {past.newest.tip[:10]}{newest} again{kept}"


def set_aside(repository: Repository, path: Path, name: str) -> Path:
    """Move a file or a directory below `set-aside`, under a name that is free there; returns where to."""
    place = set_aside_home(repository) / name
    count = 1
    while place.exists():
        count += 1
        place = set_aside_home(repository) / f"{name}-{count}"
    place.parent.mkdir(parents=True, exist_ok=True)
    path.rename(place)
    return place
