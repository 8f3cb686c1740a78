"""`gxt pull`: what colleagues have recorded and said comes here."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import NamedTuple

from gxt.errors import GxtError, RewrittenRemote, UnknownRemote
from gxt.git.conversation import Told
from gxt.git.objects import ObjectReader
from gxt.git.refs import RefUpdate, move_refs
from gxt.git.remote import fetch
from gxt.git.remotes import Remote, resolve
from gxt.git.repository import Repository
from gxt.model.ids import run_id
from gxt.ops.history import History
from gxt.ops.workspace import Workspace
from gxt.store.places import EXPERIMENTS, NOTES, incoming_ref, tracking_notes, tracking_ref
from gxt.store.progress import Progress
from gxt.store.sync.exchange import Taken, goes_on, take_over
from gxt.store.tree import changed_folders, open_folders, uid_of


class Pulled(NamedTuple):
    """What came from a remote.

    Attributes:
        remote: its name.
        is_empty: it has no runs at all.
        new, updated: ids of runs, as they are here now.
        renumbered: runs of ours that have another number now: what they had, what they have.
        refused: what was left out, in words.
    """

    remote: str
    is_empty: bool
    new: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    renumbered: tuple[tuple[str, str], ...] = ()
    refused: tuple[str, ...] = ()


def pull(
    workspace: Workspace, remote: str | None = None, runs: tuple[str, ...] = (), *, dry_run: bool = False
) -> Pulled:
    """Take over what a remote has.

    Args:
        workspace: where.
        remote: its name; by default the one that gives the numbers.
        runs: that must be here afterwards.
        dry_run: fetch, tell what would be, and change nothing.

    Raises:
        RemoteFailed: nothing could be fetched.
        UnknownRun, AmbiguousRun: one of the runs is not here afterwards.
        RewrittenRemote: it has lost or rewritten what it had.
        DamagedRecord, NewerFormat: it has what cannot be taken over.
    """
    from_ = resolve(workspace.repository, remote)
    found = fetch_and_take(workspace.repository, from_, workspace.progress, dry_run=dry_run)
    pulled = _pulled(from_, *found)
    if runs and not dry_run:
        with History(workspace) as history:
            for ref in runs:
                history.resolve(ref)
    return pulled


def fetch_and_take(
    repository: Repository,
    remote: Remote,
    progress: Progress,
    *,
    dry_run: bool = False,
    whatever: bool = False,
    moved: Container[str] = (),
) -> tuple[str | None, Taken | None]:
    """Fetch and merge; the remote's newest entry, and what that changed here.

    Args:
        repository: ours.
        remote: from where.
        progress: is told how far it is.
        dry_run: merge nothing.
        moved: the uids of runs that have got another number by this command already.
        whatever: take over also a history that is not the one that was seen there before.

    Raises:
        RemoteFailed: nothing could be fetched.
        RewrittenRemote: it has lost or rewritten what it had.
        GxtError: it is not the one that gives the numbers, and would change some.
    """
    notes = tracking_notes(remote.name)
    refs = [(EXPERIMENTS, incoming_ref(remote.name)), *((NOTES[what], ref) for what, ref in notes.items())]
    there = fetch(repository, remote, refs, progress=told(progress))
    lost = [RefUpdate(ref, None) for what, ref in notes.items() if there[NOTES[what]] is None]
    if lost:
        move_refs(repository, lost, reason=f"gxt: {remote.name}")
    theirs = there[EXPERIMENTS]
    with ObjectReader(repository) as reader:
        before = reader.read(tracking_ref(remote.name))
    accepted = before.oid if before else None
    if not whatever:
        _check_goes_on(repository, remote, accepted, theirs)
    if theirs is None:
        return None, None
    _check_numbers(repository, remote, theirs)
    taken = take_over(repository, remote.name, theirs, dry_run=dry_run, moved=moved)
    if not dry_run and theirs != accepted:
        accept(repository, remote.name, theirs)
    return theirs, taken


def told(progress: Progress) -> Told:
    """What git is told to tell: how far it is, where it knows how far it has to go."""

    def tell(what: str, done: int, total: int, size_bytes: int) -> None:  # noqa: ARG001 a bar has no room for it
        if total:
            progress(what, done, total)

    return tell


def _check_numbers(repository: Repository, remote: Remote, theirs: str) -> None:
    """Raise when another remote would renumber runs that the one which gives the numbers has.

    Else they would get the one number and the other with every pull.
    """
    try:
        first = resolve(repository).name
    except UnknownRemote:
        return
    if remote.name == first:
        return
    moved = take_over(repository, remote.name, theirs, dry_run=True).merged.moved()
    if moved & published(repository, first):
        raise GxtError(
            f"{remote.name} has other runs under numbers that {first} has given",
            hint=f"gxt pull {first}, or let {remote.name} give them: git config gxt.remote {remote.name}",
        )


def published(repository: Repository, remote: str) -> frozenset[str]:
    """The uids of the runs that a remote had when it was seen last."""
    with ObjectReader(repository) as reader:
        seen = reader.read(tracking_ref(remote))
        folders = [(n, oid) for n, oid in changed_folders(reader, None, seen.oid) if oid] if seen else []
        uids = (uid_of(reader, folder) for folder in list(open_folders(reader, folders)))
        return frozenset(uid for uid in uids if uid)


def accept(repository: Repository, remote: str, tip: str) -> None:
    """Remember that an entry is the newest that the remote has, and part of our history."""
    move_refs(repository, [RefUpdate(tracking_ref(remote), tip, None)], reason=f"gxt: {remote}")


def remember_notes(repository: Repository, remote: str, accepted: Mapping[str, str]) -> None:
    """Remember the notes that the remote has taken from us, by its refs."""
    ours = tracking_notes(remote)
    moves = [RefUpdate(ours[what], accepted[ref], None) for what, ref in NOTES.items() if ref in accepted]
    if moves:
        move_refs(repository, moves, reason=f"gxt: {remote}")


def _check_goes_on(repository: Repository, remote: Remote, accepted: str | None, theirs: str | None) -> None:
    """Raise when the remote's history is not the one that we have seen before with something on top."""
    if accepted is None:
        return
    hint = f"nothing changed here; gxt doctor --repair {remote.name} publishes again what it has lost"
    if theirs is None:
        raise RewrittenRemote(f"{remote.name} has lost its runs, or hides them", hint=hint)
    with ObjectReader(repository) as reader:
        is_the_same = goes_on(reader, theirs, accepted)
    if not is_the_same:
        raise RewrittenRemote(f"somebody has rewritten the runs of {remote.name}", hint=hint)


def _pulled(remote: Remote, theirs: str | None, taken: Taken | None) -> Pulled:
    if theirs is None or taken is None:
        return Pulled(remote.name, is_empty=True)
    if taken.arrival is None:
        return Pulled(remote.name, is_empty=False)
    new = [one for one in taken.arrival.runs if one.uid not in taken.known]
    updated = [one for one in taken.arrival.runs if one.uid in taken.known]
    return Pulled(
        remote=remote.name,
        is_empty=False,
        new=tuple(run_id(one.number) for one in new if not one.removed),
        updated=tuple(run_id(one.number) for one in updated),
        renumbered=tuple((run_id(had), run_id(has)) for had, has in taken.merged.renumbered()),
        refused=taken.arrival.refused,
    )
