"""Publishing: what was written on temporary refs is looked at, then the experiments ref moves to it.

One transaction with the expected old value of every ref; when another git came between, all is written anew
on what is there now. The experiments ref alone is the truth: a transaction over several refs is not atomic
under SIGKILL with git's files backend, so notes that lag behind are rebuilt by the next who publishes.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Protocol

from gxt.errors import GitFailed, StoreBusy
from gxt.git.objects import ObjectReader
from gxt.git.refs import RefMover
from gxt.git.repository import Repository
from gxt.store import collector, debris
from gxt.store.chain import Written
from gxt.store.places import left_refs
from gxt.store.tree import Tip, read_tip

_ATTEMPTS = 8
_ATTEMPTS_WITH_NOTES = 5
_GC_PATIENCE_S = 5.0
_PATIENCE_S = 2.5  # git itself waits a second for `packed-refs.lock`


class Write(Protocol):
    """Writes entries on a tip, onto temporary refs; None when there is nothing to write any more."""

    def __call__(self, reader: ObjectReader, tip: Tip | None, *, rebuild_notes: bool) -> Written | None:
        """Write them; with the notes of every run where these are to be made up for."""


def publish(
    repository: Repository, write: Write, *, name: str, what: str, reason: str, hint: str = ""
) -> Written | None:
    """Write and publish entries, in several attempts. Call it with the store's lock.

    Args:
        repository: where.
        write: writes them.
        name: of its temporary refs.
        what: the failure in words: `exp-012 could not be sealed`.
        reason: what the reflog says.
        hint: what to do where it fails; by default nothing: the journal of a run waits for the next command.

    Raises:
        StoreBusy: another git process held a lock, moved the refs again and again, or collects garbage.
        GitFailed: git could not write.
    """
    failed: GitFailed | None = None
    gives_up_s = time.monotonic() + _PATIENCE_S
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(0.05 * attempt)
            debris.remove_stale_locks(repository)
            # the gc that may have taken what was written would take it again
            collector.await_end(repository, patience_s=_GC_PATIENCE_S)
        seen = collector.look(repository)
        with ObjectReader(repository) as reader:
            if attempt:
                debris.mend_notes(repository, reader)
            try:
                written = write(reader, read_tip(reader), rebuild_notes=failed is not None)
            except GitFailed as error:
                # gc may take an object or an empty object directory away while fast-import writes beside it
                failed = error
                debris.remove_left_of(repository, name)
                written = None
            else:
                if written is None:
                    return None
            if (
                written is not None
                and _is_safe(repository, written, seen, what, hint)
                and _move(repository, written, reason, with_notes=attempt < _ATTEMPTS_WITH_NOTES)
            ):
                return written
        if time.monotonic() > gives_up_s:
            break
    if failed is not None:
        raise failed
    raise StoreBusy(
        f"{what}: git could not move its refs",
        hint=debris.lock_hint(repository) or hint or "nothing is lost: gxt list tries again",
    )


def _is_safe(repository: Repository, written: Written, seen: collector.Seen, what: str, hint: str) -> bool:
    """Whether git has the objects, and no gc runs that can have missed their refs."""
    if not collector.await_end(repository, patience_s=_GC_PATIENCE_S):
        waits = "gxt list puts it there when that has ended"
        raise StoreBusy(f"{what}: git gc --prune is at work", hint=hint or waits)
    return collector.are_whole(repository, written.commits(), without=written.known, since=seen)


def _move(repository: Repository, written: Written, reason: str, *, with_notes: bool) -> bool:
    """Move the refs; False when somebody else has moved or locked them.

    The refs that protected the objects go only when no gc runs that may have read the experiments ref
    before it moved.
    """
    # the next one can make up for the notes: what is wrong with their refs must not cost a run
    notes = written.notes if with_notes else ()
    with RefMover(repository, reason=reason) as refs:
        try:
            refs.move([written.entry, *notes])
        except GitFailed:
            return False
        unprotect(repository, refs, written)
    return True


def unprotect(repository: Repository, refs: RefMover, written: Written) -> None:
    """Delete the refs that protected the objects, or leave word that they are to be deleted."""
    collector.await_end(repository, patience_s=_GC_PATIENCE_S)
    if debris.may_delete_refs(repository):
        with suppress(GitFailed):
            refs.move(written.protecting)
            return
    with suppress(OSError):
        left_refs(repository).touch()
