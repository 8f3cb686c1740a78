"""Preparing what a remote lacks. Nothing here talks to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gxt.errors import GitFailed, GxtError, StoreBusy
from gxt.git.fast_import import FastImport
from gxt.git.objects import ObjectReader, commit_headers
from gxt.git.refs import RefUpdate, move_refs
from gxt.git.repository import Repository
from gxt.named_tuple import NamedTuple
from gxt.store import collector, debris, locks
from gxt.store.chain import Chain, Over, Written, shows
from gxt.store.places import EXPERIMENTS, NOTES, outgoing_ref, tracking_notes
from gxt.store.sync.arrival import Arrival, Arrived
from gxt.store.sync.merge import Merged, Pending, common_entry, merge, since, write_pending
from gxt.store.sync.tracking import goes_on
from gxt.store.tree import REMOVED, Tip, changed_folders, open_folders, read_tip, tip_at, uid_of

_ATTEMPTS = 4
_GC_PATIENCE_S = 5.0
_WITH_A_RUN = 2  # parents of an entry: the one before it, and the run that it brings


class Outgoing(NamedTuple):
    """What is to be pushed: the runs, and the commits for their refs over there.

    Attributes:
        pending: the runs, in the order of their entries.
        moves: the commit for each ref of the remote, the experiments ref first; without runs, notes that lag.
    """

    pending: tuple[Pending, ...]
    moves: tuple[tuple[str, str], ...]


def unpublished(repository: Repository, reader: ObjectReader, ours: Tip, theirs: str | None) -> Merged:
    """What we have beyond their history; under their numbers, where theirs is no part of ours."""
    base = common_entry(reader, ours.oid, theirs) if theirs else None
    beside = Arrival(theirs or "", 1, ()) if theirs in (None, base) else _beside(reader, base, str(theirs))
    return merge(repository, reader, ours, base, beside, "")


def _beside(reader: ObjectReader, base: str | None, theirs: str) -> Arrival:
    """What they have since an entry of both; it was checked when it came, and what could be taken is here."""
    folders = [(number, oid) for number, oid in changed_folders(reader, base, theirs) if oid]
    opened = [(folder, uid_of(reader, folder)) for folder in list(open_folders(reader, folders))]
    runs = [Arrived(one.number, uid, one, REMOVED in one.entries) for one, uid in opened if uid]
    highest = max((number for number, _ in folders), default=0)
    return Arrival(theirs, max(tip_at(reader, theirs).next_number, highest + 1), tuple(runs))


def prepare(
    repository: Repository, remote: str, theirs: str | None, wanted: Callable[[Pending], bool]
) -> Outgoing:
    """Write what the remote lacks on top of what it has; kept by refs until the next time.

    Args:
        repository: ours.
        remote: its name.
        theirs: its newest entry; None where it has none.
        wanted: which of the runs.
    """
    with locks.store_lock(repository), ObjectReader(repository) as reader:
        ours = read_tip(reader)
        if ours is None:
            return Outgoing((), ())
        merged = unpublished(repository, reader, ours, theirs)
        pending = tuple(one for one in merged.pending if wanted(one))
        if not pending and not (theirs and _lag(reader, remote, theirs)):
            _forget_unsettled(repository, reader, remote, theirs)
            return Outgoing((), ())
        moves = _as_it_is(reader, remote, ours, theirs, pending)
        done: tuple[RefUpdate, ...] = ()
        if not moves:
            written = _safely_written(repository, reader, remote, theirs, pending)
            entries = (written.entry,) if pending else ()
            moves = {move.ref: str(move.new) for move in (*entries, *written.notes)}
            done = written.protecting
        kept = [RefUpdate(outgoing_ref(remote, ref), oid, None) for ref, oid in moves.items()]
        move_refs(repository, [*kept, *done], reason=f"gxt: for {remote}")
        return Outgoing(pending, tuple(moves.items()))


def _forget_unsettled(repository: Repository, reader: ObjectReader, remote: str, theirs: str | None) -> None:
    """Let go of a push of which nobody could tell whether it was accepted: the remote does not have it."""
    sent = reader.read(outgoing_ref(remote, EXPERIMENTS))
    if sent is not None and not (theirs and goes_on(reader, theirs, sent.oid)):
        refs = [outgoing_ref(remote, ref) for ref in (EXPERIMENTS, *NOTES.values())]
        move_refs(repository, [RefUpdate(ref, None) for ref in refs if reader.read(ref)], reason="gxt: push")


def _lag(reader: ObjectReader, remote: str, theirs: str) -> bool:
    """Whether the notes over there do not show what is there."""
    ours = {what: reader.read(ref) for what, ref in NOTES.items()}
    there = {what: reader.read(ref) for what, ref in tracking_notes(remote).items()}
    return any(ours[what] and not (notes and shows(notes, theirs)) for what, notes in there.items())


def _safely_written(
    repository: Repository,
    reader: ObjectReader,
    remote: str,
    theirs: str | None,
    pending: Sequence[Pending],
) -> Written:
    """The same, once more where a `git gc --prune=now` beside us has taken some of it."""
    for _ in range(_ATTEMPTS):
        seen = collector.look(repository)
        try:
            written = _written(repository, reader, remote, theirs, pending)
        except GitFailed as error:
            failed: GxtError = error
            debris.remove_left_of(repository, f"push-{remote}")
            continue
        if collector.await_end(repository, patience_s=_GC_PATIENCE_S) and collector.are_whole(
            repository, written.commits(), without=written.known, since=seen
        ):
            return written
        failed = StoreBusy("git gc --prune takes what is to be pushed", hint="nothing was pushed: try again")
    raise failed


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
