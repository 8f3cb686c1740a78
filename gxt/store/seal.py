"""Sealing: a journal becomes a run commit, an entry of the experiments ref, and notes.

Sealing the same journal again gives the same run commit and does no harm.
"""

from __future__ import annotations

from collections.abc import Mapping

from gxt.git.objects import ObjectReader
from gxt.git.repository import Repository
from gxt.model.events import Folded
from gxt.model.ids import run_id
from gxt.model.json_types import JsonObject
from gxt.named_tuple import NamedTuple
from gxt.store import collector
from gxt.store.chain import Written
from gxt.store.entry import write
from gxt.store.places import CODE, live_home
from gxt.store.publish import publish
from gxt.store.tree import Tip, changed_folders, is_taken, open_folders, reserve, uid_of


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
    what = f"{run_id(number)} could not be sealed"
    written = publish(repository, sealing.write, name=folded.uid, what=what, reason=sealing.reason())
    if written is None:
        assert sealing.published is not None
        return sealing.published
    return Sealed(folded.uid, sealing.number, {**written.run, "id": run_id(sealing.number)})


class _Sealing:
    """What one attempt leaves for the next: what was looked at, and which number it is."""

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
        self._looked_at = looked_at
        self._reserved = number
        self.number = number
        self.published: Sealed | None = None

    def reason(self) -> str:
        """What the reflog says."""
        return f"gxt: {run_id(self._reserved)} {self._folded.status}"

    def write(self, reader: ObjectReader, tip: Tip | None, *, rebuild_notes: bool) -> Written | None:
        """The objects, on temporary refs; None when the run turns out to be published."""
        collector.unpack(self._repository, live_home(self._repository) / self._folded.uid / CODE)
        looked_at = tip.oid if tip else ""
        if self._looked_at is not None and self._looked_at != looked_at:
            self.published = _published(reader, self._looked_at, tip, self._folded)
            if self.published:
                return None
        self._looked_at = looked_at
        self.number = _free_number(reader, tip, self._reserved)
        return write(
            self._repository,
            reader,
            tip,
            self._folded,
            documents=self._documents,
            number=self.number,
            rebuild_notes=rebuild_notes,
        )


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
