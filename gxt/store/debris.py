"""What killed processes leave lying, and no git command ever removes: stale locks, temporary refs, half of a
directory, a notes ref that names nothing.

Only what is gxt's own is touched, and only by who holds the store's lock: nobody else of gxt writes it then.
What belongs to others (`packed-refs.lock`) is named with its path and age.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from gxt.errors import GitFailed
from gxt.git.objects import ObjectReader
from gxt.git.refs import RefUpdate, list_refs, move_refs
from gxt.git.repository import Repository
from gxt.store import collector, journal
from gxt.store.places import (
    EXPERIMENTS,
    LIVE_REFS,
    NOTES,
    TEMPORARY_REFS,
    left_refs,
    live_home,
    live_ref,
    names_in,
    protected,
)

_STALE_S = 2.0  # git holds a ref's lock for milliseconds


def is_there(repository: Repository) -> bool:
    """Whether there is something to sweep; starts no git process, and takes no lock."""
    if left_refs(repository).exists():
        return True
    live = names_in(live_home(repository))
    return any(name.startswith(".") for name in live) or bool(protected(repository) - live)


def sweep(repository: Repository) -> None:
    """Remove it. Call it with the store's lock."""
    journal.sweep(repository)
    remove_stale_locks(repository)
    if not may_delete_refs(repository):
        return
    wanted = {live_ref(name) for name in names_in(live_home(repository))}
    with suppress(GitFailed):  # one damaged ref can fail the whole listing: that is no reason not to seal
        refs = list_refs(repository.top, LIVE_REFS, TEMPORARY_REFS)
        stale = [RefUpdate(ref, None) for ref in refs if ref not in wanted]
        if stale:
            move_refs(repository, stale, reason="gxt: recovery")
        with suppress(OSError):
            left_refs(repository).unlink()
    for folder, _, _ in os.walk(repository.common_dir / TEMPORARY_REFS, topdown=False):
        with suppress(OSError):  # git removes empty directories with the last ref, but not after a kill
            Path(folder).rmdir()


def may_delete_refs(repository: Repository) -> bool:
    """Whether nothing speaks against deleting refs that are done with.

    A gc at work may have read the experiments ref before they were; and a lock on the packed refs that
    somebody has left would have git wait for a second in vain, each time.
    """
    with suppress(OSError):
        if age_s(packed_refs_lock(repository)) > _STALE_S:
            return False
    return collector.await_end(repository, patience_s=0)


def packed_refs_lock(repository: Repository) -> Path:
    """The lock of whoever packs or deletes refs: often left by a killed git, and never ours to remove."""
    return repository.common_dir / "packed-refs.lock"


def remove_stale_locks(repository: Repository) -> None:
    """A killed git leaves its `*.lock` for ever: on our refs one that is older than 2 s is debris."""
    for lock in lock_files(repository):
        with suppress(OSError):
            if age_s(lock) > _STALE_S:
                lock.unlink(missing_ok=True)


def remove_left_of(repository: Repository, uid: str) -> None:
    """Remove what a failed git left of a run: locks on its own refs, `.keep` files without a pack.

    Call it when that git is dead. fast-import makes the `.keep` before it finds that a gc has taken its pack;
    the next one that writes the same objects would die of it.
    """
    left = [lock for lock in lock_files(repository) if uid in str(lock)]
    keeps = (repository.common_dir / "objects/pack").glob("*.keep")
    with suppress(OSError):
        left += [keep for keep in keeps if _is_orphan(keep)]
    for path in left:
        with suppress(OSError):
            path.unlink()


def _is_orphan(keep: Path) -> bool:
    """Whether it is fast-import's and keeps no pack; people's own hold their own words."""
    return not keep.with_suffix(".pack").exists() and keep.read_text(errors="replace") == "fast-import"


def age(old_s: float) -> str:
    """How old something is, in words: `45 s`, `3 hours`."""
    for unit, size_s in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if old_s >= 2 * size_s:
            return f"{old_s / size_s:.0f} {unit}"
    return f"{old_s:.0f} s"


def command(program: str, path: Path) -> str:
    """What to type to have a program work on a path, whatever characters that has."""
    from shlex import join  # 10 ms

    return join([program, str(path)])


def lock_hint(repository: Repository, *, older_than_s: float = 0) -> str:
    """Which lock is in the way, how old it is, and what to do about it; empty when there is none."""
    for lock in (packed_refs_lock(repository), *lock_files(repository)):
        with suppress(OSError):
            old_s = age_s(lock)
            if old_s > older_than_s:
                return f"{lock} is {age(old_s)} old: if no git is running, remove it: {command('rm', lock)}"
    return ""


def mend_notes(repository: Repository, reader: ObjectReader) -> None:
    """Take away a notes ref that names nothing (after a power cut, an empty file): git refuses to move it.

    The notes follow from the experiments ref, and are built again.
    """
    for ref in NOTES.values():
        path = repository.common_dir / ref
        with suppress(OSError):
            named = path.read_text(errors="replace").strip()
            if not named.startswith("ref: ") and (not named.isalnum() or reader.read(named) is None):
                path.unlink()


def age_s(lock: Path) -> float:
    """How old a lock is; one from the future was made before the clock was set back.

    Raises:
        OSError: it is gone, or another user's.
    """
    return abs(time.time() - lock.stat().st_mtime)


def lock_files(repository: Repository) -> list[Path]:
    """Where locks on our refs are, or can be."""
    common = repository.common_dir
    found = [common / f"{ref}.lock" for ref in (EXPERIMENTS, *NOTES.values())]
    for below in (LIVE_REFS, TEMPORARY_REFS):
        for folder, _, names in os.walk(common / below):
            found += [Path(folder, name) for name in names if name.endswith(".lock")]
    return found
