"""Sealing: a journal becomes a run commit, an entry of the experiments ref, and notes.

Objects first, by one fast-import onto temporary refs that protect them from a gc beside us, looked at before
they are published; then one transaction with the expected old value of every ref. The experiments ref alone
is the truth: a transaction over several refs is not atomic under SIGKILL with git's files backend, so notes
that lag behind are rebuilt by the next sealing, and sealing the same journal again gives the same run commit
and does no harm.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from gxt.errors import GitFailed, StoreBusy
from gxt.git.objects import ObjectReader
from gxt.git.refs import RefMover
from gxt.git.repository import Repository
from gxt.model.events import Folded
from gxt.model.ids import run_id
from gxt.model.json_types import JsonObject
from gxt.store import collector, debris
from gxt.store.entry import Written, write
from gxt.store.places import CODE, left_refs, live_home
from gxt.store.tree import Tip, changed_folders, is_taken, open_folders, read_tip, reserve, uid_of

_ATTEMPTS = 8
_ATTEMPTS_WITH_NOTES = 5
_GC_PATIENCE_S = 5.0
_PATIENCE_S = 2.5  # git itself waits a second for `packed-refs.lock`


class Sealed(NamedTuple):
    """A run that is in git now."""

    uid: str
    number: int
    run: JsonObject


def seal(
    repository: Repository,
    folded: Folded,
    documents: Mapping[str, bytes],
    *,
    number: int,
    looked_at: str | None = None,
) -> Sealed:
    """Put a run into git. Call it with the store's lock.

    Args:
        repository: where.
        folded: what the journal says.
        documents: the files of the run's directory, by path.
        number: the number reserved for it; the next free one is taken when somebody has it by now.
        looked_at: the entry up to which the caller knows that this run is not sealed yet; empty for no entry
            at all; by default the present one.

    Raises:
        StoreBusy: another git process held a lock, moved the refs again and again, or collects garbage.
        GitFailed: git could not write.
    """
    sealing = _Sealing(repository, folded, documents, number, looked_at)
    gives_up_s = time.monotonic() + _PATIENCE_S
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(0.05 * attempt)
            debris.remove_stale_locks(repository)
        sealed = sealing.attempt(attempt)
        if sealed:
            return sealed
        if time.monotonic() > gives_up_s:
            break
    if sealing.failed is not None:
        raise sealing.failed
    raise StoreBusy(
        f"{run_id(number)} could not be sealed: git could not move its refs",
        hint=debris.lock_hint(repository) or "nothing is lost: gxt list tries again",
    )


class _Sealing:
    """What one attempt leaves for the next: what was looked at, and how git failed."""

    def __init__(
        self,
        repository: Repository,
        folded: Folded,
        documents: Mapping[str, bytes],
        number: int,
        looked_at: str | None,
    ) -> None:
        self._repository = repository
        self._folded = folded
        self._documents = documents
        self._number = number
        self._looked_at = looked_at
        self.failed: GitFailed | None = None

    def attempt(self, count: int) -> Sealed | None:
        """Write, look, publish; None when something came between."""
        if count:  # the gc that may have taken what was written would take it again
            collector.await_end(self._repository, patience_s=_GC_PATIENCE_S)
        seen = collector.look(self._repository)
        collector.unpack(self._repository, live_home(self._repository) / self._folded.uid / CODE)
        with ObjectReader(self._repository) as reader:
            if count:
                debris.mend_notes(self._repository, reader)
            tip = read_tip(reader)
            looked_at = tip.oid if tip else ""
            if self._looked_at is not None and self._looked_at != looked_at:
                published = _published(reader, self._looked_at, tip, self._folded)
                if published:
                    return published
            self._looked_at = looked_at
            number = _free_number(reader, tip, self._number)
            written = self._write(reader, tip, number)
            if written is None or not self._is_safe(written, seen):
                return None
        return self._publish(written, number, with_notes=count < _ATTEMPTS_WITH_NOTES)

    def _write(self, reader: ObjectReader, tip: Tip | None, number: int) -> Written | None:
        """The objects, on temporary refs; None when git failed."""
        rebuild = self.failed is not None
        try:
            return write(
                self._repository,
                reader,
                tip,
                self._folded,
                documents=self._documents,
                number=number,
                rebuild_notes=rebuild,
            )
        except GitFailed as error:
            # gc may take an object or an empty object directory away while fast-import writes beside it
            self.failed = error
            debris.remove_left_of(self._repository, self._folded.uid)
            return None

    def _is_safe(self, written: Written, seen: collector.Seen) -> bool:
        """Whether git has the objects, and no gc runs that can have missed their refs."""
        if not collector.await_end(self._repository, patience_s=_GC_PATIENCE_S):
            raise StoreBusy(
                f"{run_id(self._number)} is not in git yet: git gc --prune is at work",
                hint="gxt list puts it there when that has ended",
            )
        return collector.are_whole(self._repository, written.commits(), without=written.known, since=seen)

    def _publish(self, written: Written, number: int, *, with_notes: bool) -> Sealed | None:
        """Move the refs; None when somebody else has moved or locked them.

        The refs that protected the objects go only when no gc runs that may have read the experiments ref
        before it moved.
        """
        # the next sealing can make up for the notes: what is wrong with their refs must not cost a run
        notes = written.notes if with_notes else ()
        reason = f"gxt: {run_id(number)} {self._folded.status}"
        with RefMover(self._repository, reason=reason) as refs:
            try:
                refs.move([written.entry, *notes])
            except GitFailed:
                return None
            self._unprotect(refs, written)
        return Sealed(uid=self._folded.uid, number=number, run={**written.run, "id": run_id(number)})

    def _unprotect(self, refs: RefMover, written: Written) -> None:
        """Delete the refs that protected the objects, or leave word that they are to be deleted."""
        collector.await_end(self._repository, patience_s=_GC_PATIENCE_S)
        if debris.may_delete_refs(self._repository):
            with suppress(GitFailed):
                refs.move(written.protecting)
                return
        with suppress(OSError):
            left_refs(self._repository).touch()


def _free_number(reader: ObjectReader, tip: Tip | None, reserved: int) -> int:
    """The reserved number, or the next one where that is taken or could not be read."""
    is_free = reserved >= 1 and not (tip and is_taken(reader, tip, reserved))
    return reserved if is_free else reserve(reader, tip, ())


def _published(reader: ObjectReader, since: str, tip: Tip | None, folded: Folded) -> Sealed | None:
    """The run, if it is among those published since an entry.

    A git that we started goes on when gxt is killed, and one that is killed may have moved the ref before it
    could say so.
    """
    if tip is None:
        return None
    changes = [(number, oid) for number, oid in changed_folders(reader, since or None, tip.oid) if oid]
    for folder in open_folders(reader, changes):
        if uid_of(reader, folder) == folded.uid:
            run = folded.run(folder.entries["run"].oid)
            return Sealed(folded.uid, folder.number, {**run, "id": run_id(folder.number)})
    return None
