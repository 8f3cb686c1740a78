"""Taking over what a remote has. Nothing here talks to it.

Where it gives the numbers, our history becomes theirs with what only we have on top. Any other remote's runs
come by their uids, on top of ours and under numbers that are free here; where it only goes on from ours, ours
goes on with it.
"""

from __future__ import annotations

from collections.abc import Container

from gxt.git.fast_import import FastImport
from gxt.git.objects import ObjectReader
from gxt.git.repository import Repository
from gxt.named_tuple import NamedTuple
from gxt.store import locks
from gxt.store.chain import Chain, Over, Written, user
from gxt.store.index import Index
from gxt.store.places import tracking_notes
from gxt.store.progress import Progress, untold
from gxt.store.publish import publish
from gxt.store.sync.arrival import Arrival, check_arrival, unknown
from gxt.store.sync.imports import import_runs
from gxt.store.sync.merge import Merged, common_entry, merge, steps, write_left_out, write_pending
from gxt.store.tree import Tip, read_tip, taken_among


class Taken(NamedTuple):
    """What taking over a remote's history did.

    Attributes:
        arrival: what they had beyond ours; None when there was nothing.
        merged: what is written on top: of ours on theirs, or of theirs on ours.
        known: the uids of those runs of theirs that were here before.
        imports: whether theirs went on top of ours.
    """

    arrival: Arrival | None
    merged: Merged
    known: frozenset[str] = frozenset()
    imports: bool = False

    @property
    def new(self) -> tuple[int, ...]:
        """The numbers, here, of the runs that came, without those that were removed before."""
        if self.imports:
            return tuple(one.number for one in self.merged.pending if one.is_new)
        runs = self.arrival.runs if self.arrival else ()
        return tuple(one.number for one in runs if one.uid not in self.known and not one.removed)

    @property
    def updated(self) -> tuple[int, ...]:
        """The numbers, here, of the runs of which something else has come."""
        if self.imports:
            return tuple(one.number for one in self.merged.pending if not one.is_new)
        runs = self.arrival.runs if self.arrival else ()
        return tuple(one.number for one in runs if one.uid in self.known)

    def renumbered(self) -> list[tuple[int, int]]:
        """The numbers that runs of ours had and have."""
        return [] if self.imports else self.merged.renumbered()

    def elsewhere(self) -> list[tuple[int, int]]:
        """The numbers here and there of the runs that came under other ones."""
        return [(here, there) for there, here in self.merged.renumbered()] if self.imports else []

    def refused(self) -> tuple[str, ...]:
        """What was left out, in words."""
        return (*(self.arrival.refused if self.arrival else ()), *self.merged.refused)


def take_over(
    repository: Repository,
    remote: str,
    theirs: str,
    *,
    gives_numbers: bool = True,
    seen: str | None = None,
    dry_run: bool = False,
    moved: Container[str] = (),
    progress: Progress = untold,
) -> Taken:
    """Take over a remote's history; ours stays where they have nothing new.

    Args:
        repository: ours.
        remote: its name.
        theirs: their newest entry, fetched.
        gives_numbers: their numbers hold, and a run of ours gives way.
        seen: where they do not: the entry of theirs up to which everything has been taken.
        dry_run: tell what would be, and write nothing.
        moved: see `merge`.
        progress: is told how far the check is.

    Raises:
        DamagedRecord, NewerFormat: theirs is no history that can be taken over.
        StoreBusy, GitFailed: nothing could be written now.
    """
    taking = _Taking(repository, _Theirs(remote, theirs, gives_numbers, seen), moved, progress)
    if dry_run:
        with ObjectReader(repository) as reader:
            taking.look(reader, read_tip(reader))
        return taking.taken
    with locks.store_lock(repository):
        what = f"the runs of {remote} could not be taken over"
        publish(repository, taking.write, name=f"take-{remote}", what=what, reason=f"gxt: from {remote}")
    return taking.taken


def take_written(repository: Repository, source: str, tip: str, *, what: str, progress: Progress) -> Taken:
    """Take over runs that were written here as a history of their own. Call it with the store's lock.

    They are checked as those of a remote are, and get numbers that are free here.

    Args:
        repository: ours.
        source: in place of a remote's name; no remote can have it.
        tip: the newest entry of that history.
        what: the failure in words.
        progress: is told how far the check is.

    Raises:
        DamagedRecord, StoreBusy, GitFailed: as `take_over` does.
    """
    theirs = _Theirs(source, tip, gives_numbers=False, seen=None, is_written=True)
    taking = _Taking(repository, theirs, (), progress)
    publish(repository, taking.write, name=f"take-{source}", what=what, reason="gxt: imported")
    return taking.taken


class _Theirs(NamedTuple):
    remote: str
    tip: str
    gives_numbers: bool
    seen: str | None
    is_written: bool = False  # here, a moment ago: nothing of it stays but its runs


class _Taking:
    """One attempt after the other; each looks at ours as it is by then."""

    def __init__(
        self, repository: Repository, theirs: _Theirs, moved: Container[str], progress: Progress
    ) -> None:
        self._repository = repository
        self._theirs = theirs
        self._moved = moved
        self._progress = progress
        self._checked: tuple[str | None, Arrival] | None = None
        self.taken = Taken(None, Merged(()))

    def look(self, reader: ObjectReader, ours: Tip | None) -> bool:
        """Whether they have something that we do not; what that is."""
        theirs = self._theirs
        base = common_entry(reader, ours.oid, theirs.tip) if ours else None
        if theirs.tip in (base, theirs.seen):
            return False
        goes_on = ours is None or base == ours.oid
        if theirs.is_written or not (goes_on or theirs.gives_numbers):
            arrival = self._check(reader, theirs.seen or base, is_ours=False)
            imported = import_runs(self._repository, reader, ours, arrival, theirs.seen or base)
            self.taken = Taken(arrival, imported, imports=True)
            return bool(imported.pending)
        arrival = self._check(reader, base, is_ours=True)
        merged = self._merge(reader, ours, base, arrival) if ours else Merged(())
        before = taken_among(reader, base, [one.number for one in arrival.runs])
        known = merged.here.union(one.uid for one in arrival.runs if one.number in before)
        self.taken = Taken(arrival, merged, known)
        return True

    def _check(self, reader: ObjectReader, base: str | None, *, is_ours: bool) -> Arrival:
        """What they have since an entry, which is ours too; else our numbers tell nothing of theirs."""
        if self._checked is None or self._checked[0] != base:
            with Index(self._repository, reader) as index:
                known = index.number_of if is_ours else unknown
                arrival = check_arrival(
                    reader, self._repository, base, self._theirs.tip, known=known, progress=self._progress
                )
            self._checked = base, arrival
        return self._checked[1]

    def _merge(self, reader: ObjectReader, ours: Tip, base: str | None, arrival: Arrival) -> Merged:
        return merge(self._repository, reader, ours, base, arrival, self._theirs.remote, self._moved)

    def write(self, reader: ObjectReader, tip: Tip | None, *, rebuild_notes: bool) -> Written | None:
        """The one on top of the other; None when they have nothing new."""
        if not self.look(reader, tip):
            return None
        name = f"take-{self._theirs.remote}"
        arrival, merged, *_ = self.taken
        assert arrival is not None
        if self.taken.imports:
            with FastImport(self._repository.top) as importer:
                chain = Chain(self._repository, importer, reader, tip, name)
                for one in merged.pending:
                    write_pending(chain, importer, one)
                chain.write_notes(rebuild=rebuild_notes)
            return chain.written()
        assert self._checked is not None
        over = Over(tip.oid if tip else "", tracking_notes(self._theirs.remote))
        left_out = sorted({*arrival.left_out, *merged.kept_out})
        with FastImport(self._repository.top) as importer:
            below = Tip(arrival.tip, arrival.next_number)
            chain = Chain(self._repository, importer, reader, below, name, over=over)
            if left_out:
                person, base = user(self._repository), self._checked[0]
                write_left_out(chain, reader, person, over.old, base, left_out)
            for one in merged.pending:
                for step in steps(self._repository, reader, tip, one):
                    write_pending(chain, importer, step)
            chain.keep_used(tip.next_number if tip else 1)
            chain.write_notes(rebuild=rebuild_notes or bool(left_out), without=frozenset(left_out))
        return chain.written()
