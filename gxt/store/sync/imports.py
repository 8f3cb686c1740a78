"""The runs of a remote that gives no numbers: they come by their uids, on top of ours."""

from __future__ import annotations

from gxt.errors import DamagedRecord
from gxt.git.objects import ObjectReader
from gxt.git.repository import Repository
from gxt.model.ids import run_id
from gxt.store.index import Index
from gxt.store.journal import reserved_number
from gxt.store.places import live_paths
from gxt.store.sync.arrival import Arrival, Arrived
from gxt.store.sync.differing import Opened
from gxt.store.sync.merge import UNSAID, Merged, Pending, Said, imported_otherwise, said_since, united
from gxt.store.sync.shape import check_same
from gxt.store.tree import RunFolder, Tip, reserve


def import_runs(
    repository: Repository, reader: ObjectReader, ours: Tip | None, arrival: Arrival, seen: str | None
) -> Merged:
    """What is to be written on top of ours.

    A run that was removed there before it came here does not come. One of ours that has other documents
    there is refused.

    Args:
        repository: where.
        reader: reads both sides.
        ours: our newest entry; None where there is none.
        arrival: what they have besides.
        seen: the entry since when.
    """
    said = said_since(reader, arrival.tip, seen)
    live = [reserved_number(path) for path in live_paths(repository)]
    following = reserve(reader, ours, live)
    pending: list[Pending] = []
    refused: list[str] = []
    with Index(repository, reader) as index:
        for one in arrival.runs:
            here = folder_here(index, one.uid)
            if here is None and not one.removed:
                pending.append(_new(one, following, said))
                following += 1
            elif here is not None:
                try:
                    pending += _changed(reader, one, here, said)
                except DamagedRecord as error:
                    refused.append(f"{run_id(one.number)}, {run_id(here.number)} here: {error.message}")
    return Merged(tuple(pending), refused=tuple(refused))


def folder_here(index: Index, uid: str) -> RunFolder | None:
    """The directory of a run that is here, be it removed or not; None where it is not."""
    number = index.number_of(uid)
    if number is not None:
        return index.folder(number)
    removed = index.removed(uid)
    return index.removed_folder(removed) if removed is not None else None


def _new(one: Arrived, number: int, said: dict[str, Said]) -> Pending:
    return Pending(one.uid, number, one.number, True, one.folder, None, said.get(one.uid, UNSAID))


def _changed(reader: ObjectReader, one: Arrived, here: RunFolder, said: dict[str, Said]) -> list[Pending]:
    """What they say of a run that is here, with what is said of it here; nothing where that is all.

    Raises:
        DamagedRecord: it is not the same run.
    """
    if imported_otherwise(reader, here, one.folder):
        return []
    check_same(Opened(here.entries), Opened(one.folder.entries))
    words = said.get(one.uid, UNSAID)
    words = words._replace(message=words.message.replace(run_id(one.number), run_id(here.number), 1))
    mine = Pending(one.uid, here.number, here.number, False, here, None, words)
    both = united(reader, mine, one.folder)
    return [] if both.annotations is None and both.folder is here else [both]
