"""What is remembered of a remote: its newest entry that is part of our history, and the notes that it has."""

from __future__ import annotations

from collections.abc import Mapping

from gxt.errors import RewrittenRemote
from gxt.git.objects import ObjectReader
from gxt.git.refs import RefUpdate, move_refs
from gxt.git.repository import Repository
from gxt.store.places import NOTES, tracking_notes, tracking_ref
from gxt.store.tree import changed_folders, first_parents, open_folders, uid_of


def accept(repository: Repository, remote: str, tip: str) -> None:
    """Remember that an entry is the newest that the remote has, and that what it shows is here."""
    move_refs(repository, [RefUpdate(tracking_ref(remote), tip, None)], reason=f"gxt: {remote}")


def remember_notes(repository: Repository, remote: str, accepted: Mapping[str, str]) -> None:
    """Remember the notes that the remote has taken from us, by its refs."""
    ours = tracking_notes(remote)
    moves = [RefUpdate(ours[what], accepted[ref], None) for what, ref in NOTES.items() if ref in accepted]
    if moves:
        move_refs(repository, moves, reason=f"gxt: {remote}")


def forget_notes(repository: Repository, remote: str, there: Mapping[str, str | None]) -> None:
    """Forget the notes that the remote has no longer, by its refs."""
    lost = [
        RefUpdate(ref, None) for what, ref in tracking_notes(remote).items() if there[NOTES[what]] is None
    ]
    if lost:
        move_refs(repository, lost, reason=f"gxt: {remote}")


def accepted_tip(reader: ObjectReader, remote: str) -> str | None:
    """The newest entry of the remote that we have accepted."""
    seen = reader.read(tracking_ref(remote))
    return seen.oid if seen else None


def published(repository: Repository, remote: str) -> frozenset[str]:
    """The uids of the runs that a remote had when it was seen last."""
    with ObjectReader(repository) as reader:
        seen = accepted_tip(reader, remote)
        folders = [(n, oid) for n, oid in changed_folders(reader, None, seen) if oid] if seen else []
        uids = (uid_of(reader, folder) for folder in list(open_folders(reader, folders)))
        return frozenset(uid for uid in uids if uid)


def goes_on(reader: ObjectReader, tip: str, before: str) -> bool:
    """Whether a history has an entry; costs what was added since."""
    return any(entry.oid == before for entry in first_parents(reader, tip))


def check_goes_on(reader: ObjectReader, remote: str, accepted: str | None, theirs: str | None) -> None:
    """Raise when the remote's history is not the one that we have seen before with something on top.

    Raises:
        RewrittenRemote: it is not.
    """
    if accepted is None or (theirs is not None and goes_on(reader, theirs, accepted)):
        return
    lost = f"{remote} has lost its runs, or hides them"
    raise RewrittenRemote(
        f"somebody has rewritten the runs of {remote}" if theirs else lost,
        hint=f"nothing changed here; gxt doctor --repair {remote} publishes again what it has lost",
    )
