"""Taking over what a remote has, and preparing what it lacks. Nothing here talks to the remote."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import NamedTuple

from gxt.git.fast_import import FastImport
from gxt.git.objects import ObjectReader, commit_headers
from gxt.git.refs import RefUpdate, move_refs
from gxt.git.repository import Repository
from gxt.store import locks
from gxt.store.chain import Chain, Over, Written, shows, user
from gxt.store.index import Index
from gxt.store.places import EXPERIMENTS, NOTES, outgoing_ref, tracking_notes
from gxt.store.publish import publish
from gxt.store.sync.arrival import Arrival, check_arrival
from gxt.store.sync.merge import (
    Merged,
    Pending,
    common_entry,
    merge,
    since,
    steps,
    write_left_out,
    write_pending,
)
from gxt.store.tree import Tip, first_parents, read_tip, taken_among, tip_at

_WITH_A_RUN = 2  # parents of an entry: the one before it, and the run that it brings


class Taken(NamedTuple):
    """What taking over a remote's history did.

    Attributes:
        arrival: what they had beyond ours; None when there was nothing.
        merged: what of ours stands on top of it now.
        known: the uids of those runs of theirs that were here before.
    """

    arrival: Arrival | None
    merged: Merged
    known: frozenset[str] = frozenset()


def take_over(
    repository: Repository,
    remote: str,
    theirs: str,
    *,
    dry_run: bool = False,
    moved: Container[str] = (),
) -> Taken:
    """Let our history be theirs with what only we have on top; it stays where they have nothing new.

    Args:
        repository: ours.
        remote: its name.
        theirs: their newest entry, fetched.
        dry_run: tell what would be, and write nothing.
        moved: see `merge`.

    Raises:
        DamagedRecord, NewerFormat: theirs is no history that can be taken over.
        StoreBusy, GitFailed: nothing could be written now.
    """
    taking = _Taking(repository, remote, theirs, moved)
    if dry_run:
        with ObjectReader(repository) as reader:
            taking.look(reader, read_tip(reader))
        return taking.taken
    with locks.store_lock(repository):
        what = f"the runs of {remote} could not be taken over"
        publish(repository, taking.write, name=f"take-{remote}", what=what, reason=f"gxt: from {remote}")
    return taking.taken


class _Taking:
    """One attempt after the other; each looks at ours as it is by then."""

    def __init__(self, repository: Repository, remote: str, theirs: str, moved: Container[str]) -> None:
        self._repository = repository
        self._remote = remote
        self._theirs = theirs
        self._moved = moved
        self._checked: tuple[str | None, Arrival] | None = None
        self.taken = Taken(None, Merged(()))

    def look(self, reader: ObjectReader, ours: Tip | None) -> bool:
        """Whether they have something that we do not; what that is."""
        base = common_entry(reader, ours.oid, self._theirs) if ours else None
        if base == self._theirs:
            return False
        if self._checked is None or self._checked[0] != base:
            with Index(self._repository, reader) as index:
                arrival = check_arrival(reader, self._repository, base, self._theirs, known=index.number_of)
            self._checked = base, arrival
        arrival = self._checked[1]
        merged = self._merge(reader, ours, base, arrival) if ours else Merged(())
        before = taken_among(reader, base, [one.number for one in arrival.runs])
        known = merged.here.union(one.uid for one in arrival.runs if one.number in before)
        self.taken = Taken(arrival, merged, known)
        return True

    def _merge(self, reader: ObjectReader, ours: Tip, base: str | None, arrival: Arrival) -> Merged:
        return merge(self._repository, reader, ours, base, arrival, self._remote, self._moved)

    def write(self, reader: ObjectReader, tip: Tip | None, *, rebuild_notes: bool) -> Written | None:
        """Ours on top of theirs; None when they have nothing new."""
        if not self.look(reader, tip):
            return None
        arrival, merged, _ = self.taken
        assert arrival is not None
        assert self._checked is not None
        theirs = Tip(arrival.tip, arrival.next_number)
        over = Over(tip.oid if tip else "", tracking_notes(self._remote))
        left_out = sorted({*arrival.left_out, *merged.kept_out})
        with FastImport(self._repository.top) as importer:
            chain = Chain(self._repository, importer, reader, theirs, f"take-{self._remote}", over=over)
            if left_out:
                person, base = user(self._repository), self._checked[0]
                write_left_out(chain, reader, person, over.old, base, left_out)
            for one in merged.pending:
                for step in steps(self._repository, reader, tip, one):
                    write_pending(chain, importer, step)
            chain.write_notes(rebuild=rebuild_notes or bool(left_out), without=frozenset(left_out))
        return chain.written()


def goes_on(reader: ObjectReader, tip: str, before: str) -> bool:
    """Whether a history has an entry; costs what was added since."""
    return any(entry.oid == before for entry in first_parents(reader, tip))


class Outgoing(NamedTuple):
    """What is to be pushed: the runs, and the commits for their refs over there.

    Attributes:
        pending: the runs, in the order of their entries.
        moves: the commit for each ref of the remote, the experiments ref first; without runs, notes that lag.
    """

    pending: tuple[Pending, ...]
    moves: tuple[tuple[str, str], ...]


def unpublished(repository: Repository, reader: ObjectReader, ours: Tip, theirs: str | None) -> Merged:
    """What we have beyond their history, which is part of ours or nothing."""
    base = common_entry(reader, ours.oid, theirs) if theirs else None
    return merge(repository, reader, ours, base, Arrival(theirs or "", 1, ()), "")


def prepare(
    repository: Repository, remote: str, theirs: str | None, wanted: Callable[[Pending], bool]
) -> Outgoing:
    """Write what the remote lacks on top of what it has; kept by refs until the next time.

    Args:
        repository: ours.
        remote: its name.
        theirs: its newest entry, which is part of our history; None where it has none.
        wanted: which of the runs.
    """
    with locks.store_lock(repository), ObjectReader(repository) as reader:
        ours = read_tip(reader)
        if ours is None:
            return Outgoing((), ())
        merged = unpublished(repository, reader, ours, theirs)
        pending = tuple(one for one in merged.pending if wanted(one))
        if not pending and not (theirs and _lag(reader, remote, theirs)):
            return Outgoing((), ())
        moves = _as_it_is(reader, remote, ours, theirs, pending)
        done: tuple[RefUpdate, ...] = ()
        if not moves:
            written = _written(repository, reader, remote, theirs, pending)
            entries = (written.entry,) if pending else ()
            moves = {move.ref: str(move.new) for move in (*entries, *written.notes)}
            done = written.protecting
        kept = [RefUpdate(outgoing_ref(remote, ref), oid, None) for ref, oid in moves.items()]
        move_refs(repository, [*kept, *done], reason=f"gxt: for {remote}")
        return Outgoing(pending, tuple(moves.items()))


def _lag(reader: ObjectReader, remote: str, theirs: str) -> bool:
    """Whether the notes over there do not show what is there."""
    ours = {what: reader.read(ref) for what, ref in NOTES.items()}
    there = {what: reader.read(ref) for what, ref in tracking_notes(remote).items()}
    return any(ours[what] and not (notes and shows(notes, theirs)) for what, notes in there.items())


def _written(
    repository: Repository,
    reader: ObjectReader,
    remote: str,
    theirs: str | None,
    pending: Sequence[Pending],
) -> Written:
    """An entry for each run on top of what they have: never our own, which tell what came and went here."""
    tip = tip_at(reader, theirs) if theirs else None
    there = tracking_notes(remote)
    with FastImport(repository.top) as importer:
        over = Over(theirs or "", there, there)
        chain = Chain(repository, importer, reader, tip, f"push-{remote}", over=over)
        for one in pending:
            write_pending(chain, importer, one)
        chain.write_notes()
    return chain.written()


def _as_it_is(
    reader: ObjectReader,
    remote: str,
    ours: Tip,
    theirs: str | None,
    pending: Sequence[Pending],
) -> dict[str, str]:
    """The refs of our own history, where that is what would be written: one entry for each of the runs, which
    brings it, and notes that go on from theirs. Else nothing.
    """
    parents = [commit_headers(entry)[0].get("parent", []) for entry in since(reader, ours.oid, theirs)]
    brought = [oids[1] for oids in parents if len(oids) == _WITH_A_RUN]
    root = 0 if theirs else 1
    if len(brought) + root != len(parents) or len(brought) != len(pending):
        return {}
    if not pending or set(brought) != {one.folder.entries["run"].oid for one in pending}:
        return {}
    moves = {EXPERIMENTS: ours.oid}
    for what, ref in NOTES.items():
        notes, before = reader.read(ref), reader.read(tracking_notes(remote)[what])
        if notes is not None and (before is None or before.oid != notes.oid):
            moves[ref] = notes.oid
        if before and notes and not goes_on(reader, notes.oid, before.oid):
            return {}
        if (before and not notes) or (notes and not shows(notes, ours.oid)):
            return {}
    return moves
