"""What `gxt pull` and `gxt push` begin with: what a remote has comes here."""

from __future__ import annotations

from collections.abc import Container

from gxt.git.conversation import Told
from gxt.git.objects import ObjectReader
from gxt.git.remote import fetch
from gxt.git.remotes import Remote
from gxt.git.repository import Repository
from gxt.store.places import EXPERIMENTS, NOTES, incoming_ref, tracking_notes
from gxt.store.progress import Progress
from gxt.store.sync.taking import Taken, take_over
from gxt.store.sync.tracking import accept, accepted_tip, check_goes_on, forget_notes


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
        DamagedRecord, NewerFormat: it has what cannot be taken over.
    """
    notes = tracking_notes(remote.name)
    refs = [(EXPERIMENTS, incoming_ref(remote.name)), *((NOTES[what], ref) for what, ref in notes.items())]
    there = fetch(repository, remote, refs, progress=told(progress))
    forget_notes(repository, remote.name, there)
    theirs = there[EXPERIMENTS]
    with ObjectReader(repository) as reader:
        accepted = accepted_tip(reader, remote.name)
        if not whatever:
            check_goes_on(reader, remote.name, accepted, theirs)
    if theirs is None:
        return None, None
    taken = take_over(
        repository,
        remote.name,
        theirs,
        seen=None if remote.gives_numbers or whatever else accepted,
        gives_numbers=remote.gives_numbers,
        dry_run=dry_run,
        moved=moved,
        progress=progress,
    )
    if not dry_run and theirs != accepted:
        accept(repository, remote.name, theirs)
    return theirs, taken


def told(progress: Progress) -> Told:
    """What git is told to tell: how far it is, where it knows how far it has to go."""

    def tell(what: str, done: int, total: int, size_bytes: int) -> None:  # noqa: ARG001 a bar has no room for it
        if total:
            progress(what, done, total)

    return tell
