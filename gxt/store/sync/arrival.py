"""What a fetch brought is checked before it counts. Nothing is written here, and nothing moves.

Whoever can push can push anything. A history that is none is refused as a whole; of a history that is one,
each run that is not as gxt writes them is refused and named, and the others may be taken.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice

from gxt.errors import DamagedRecord, NewerFormat
from gxt.git.objects import ObjectReader
from gxt.git.repository import Repository
from gxt.model.ids import LAST_NUMBER, run_id, run_path
from gxt.named_tuple import NamedTuple
from gxt.store.places import EXPERIMENTS
from gxt.store.progress import Progress, untold
from gxt.store.sync.contents import JudgedByFile, Refusal, check_contents
from gxt.store.sync.differing import MOST_TREE_BYTES, Differing, Opened, Place, differing, open_trees
from gxt.store.sync.entries import MOST_ENTRY_BYTES, THEIRS, as_recorded, brought
from gxt.store.sync.shape import check_same, check_shape
from gxt.store.tree import TIP_FILES, RunFolder, check_tip

_HINT = "nothing was taken from it: gxt doctor, in a clone of who pushed last, may tell more"
_MOST_TIP_BYTES = (
    MOST_ENTRY_BYTES,
    MOST_TREE_BYTES,
    1 << 10,
    1 << 10,
)  # the entry, its tree, `format`, `next`
_BATCH = 500  # runs whose trees and sizes are in memory at a time
_MOST_SHOWN = 300


class Arrived(NamedTuple):
    """A run that may be taken.

    Attributes:
        number: the one that they gave it.
        uid: its identity, as its commit and its documents tell it.
        folder: its directory at their tip.
        removed: whether it stands for a run that was removed.
    """

    number: int
    uid: str
    folder: RunFolder
    removed: bool


class Arrival(NamedTuple):
    """What a fetch brought.

    Attributes:
        tip: their newest entry.
        next_number: the next free number in their history.
        runs: what differs and may be taken, by number.
        refused: in words, each of them naming a run or a path and why it is left out.
        left_out: the numbers of those runs.
    """

    tip: str
    next_number: int
    runs: tuple[Arrived, ...]
    refused: tuple[str, ...] = ()
    left_out: tuple[int, ...] = ()


def unknown(uid: str) -> int | None:  # noqa: ARG001 it knows none
    """Under which number a run is known: under none."""
    return None


def check_arrival(
    reader: ObjectReader,
    repository: Repository,
    base: str | None,
    theirs: str,
    *,
    known: Callable[[str], int | None] = unknown,
    progress: Progress = untold,
) -> Arrival:
    """Check what their history has beyond one of its entries; costs what differs.

    Args:
        reader: reads the objects.
        repository: where they are.
        base: the newest entry that we have accepted and they have too; None where there is none.
        theirs: the id of their newest entry.
        known: the number of a run in our history. With it a run that was there at `base` and has not changed
            is seen to be there twice; without it only what differs is compared.
        progress: is told how many runs are checked.

    Raises:
        NewerFormat: a newer gxt wrote it.
        DamagedRecord: it is no history of gxt, does not go on from `base`, or has a run twice.
    """
    try:
        said = _said_number(reader, theirs)
        new_commits = brought(reader, repository, base, theirs)
        found = differing(reader, base, theirs)
        reasons: dict[int, str] = {}
        runs = list(_sifted(reader, repository, base, found, new_commits, reasons, progress))
        _check_once(reader, base, found, runs, known)
    except DamagedRecord as error:
        raise DamagedRecord(_cleaned(error.message), hint=_HINT) from error
    refused = [
        *(f"{stray.path}: {stray.why}" for stray in found.strays),
        *(f"{run_id(number)}: {reasons[number]}" for number in sorted(reasons)),
    ]
    next_number = _next_number(reader, base, found, said)
    return Arrival(theirs, next_number, tuple(runs), tuple(map(_cleaned, refused)), tuple(sorted(reasons)))


# --- the whole -------------------------------------------------------------------------------------------


def _said_number(reader: ObjectReader, theirs: str) -> int | None:
    """The next number as their tip tells it, which must be an entry of gxt's."""
    names = [theirs, *(f"{theirs}{file}" for file in TIP_FILES)]
    for name, size, most in zip(names, reader.sizes(names), _MOST_TIP_BYTES, strict=True):
        if size is not None and size.size_bytes > most:
            raise DamagedRecord(f"{THEIRS}: {name} has {size.size_bytes} bytes: more than gxt reads")
    tip = reader.read(theirs)
    if tip is None:
        raise DamagedRecord(f"{THEIRS} names {theirs}, which git cannot read")
    return check_tip(reader, tip, THEIRS, hint=_HINT)


def _check_once(
    reader: ObjectReader,
    base: str | None,
    found: Differing,
    runs: Collection[Arrived],
    known: Callable[[str], int | None],
) -> None:
    """Raise where a run is in their tree under two numbers."""
    numbers: dict[str, int] = {}
    changed = {place.number for place in found.places}
    for run in runs:
        first = numbers.setdefault(run.uid, run.number)
        if first == run.number and base is not None:
            ours = known(run.uid)
            if ours is not None and ours not in changed:
                (there,) = reader.sizes([f"{base}:{run_path(ours)}"])
                first = ours if there is not None else first
        if first != run.number:
            raise DamagedRecord(
                f"{THEIRS} has the run {run.uid} twice: as {run_id(first)} and as {run_id(run.number)}"
            )


def _next_number(reader: ObjectReader, base: str | None, found: Differing, said: int | None) -> int:
    """The next number, whatever they say: above every one of theirs, and never going back."""
    before = reader.read(base) if base else None
    ours = check_tip(reader, before, EXPERIMENTS, hint=_HINT) if before else None
    highest = max((place.number for place in found.places if place.new), default=0)
    return min(max(said or 1, ours or 1, highest + 1), LAST_NUMBER + 1)


# --- the runs --------------------------------------------------------------------------------------------


def _sifted(
    reader: ObjectReader,
    repository: Repository,
    base: str | None,
    found: Differing,
    new_commits: frozenset[str],
    refused: dict[int, str],
    progress: Progress,
) -> Iterator[Arrived]:
    """The runs that may be taken; why the others may not is added to those refused."""
    judged: JudgedByFile = {}
    places, done = iter(found.places), 0
    while batch := list(islice(places, _BATCH)):
        opened = list(_opened(reader, batch, refused))
        recorded = as_recorded(reader, repository, base, _restored(opened)) if base else {}
        shaped = _shaped(opened, new_commits, refused)
        folders = list(_unchanged(reader, shaped, recorded, judged, refused))
        for folder, uid in check_contents(reader, folders, judged):
            if isinstance(uid, str):
                yield Arrived(folder.number, uid, folder, "removed.json" in folder.entries)
            else:
                refused[folder.number] = _reason(uid)
        done += len(batch)
        progress("checking runs", done, len(found.places))


class _Folders(NamedTuple):
    """A run's directory as it was and as it arrives."""

    number: int
    oid: str
    old: Opened
    new: Opened


def _opened(reader: ObjectReader, batch: list[Place], refused: dict[int, str]) -> Iterator[_Folders]:
    olds = open_trees(reader, [place.old.oid if place.old else None for place in batch])
    news = open_trees(reader, [place.new.oid if place.new else None for place in batch])
    for place, old, new in zip(batch, olds, news, strict=True):
        if place.new is None:
            refused[place.number] = "their history has lost it; nothing was taken away here"
        else:
            yield _Folders(place.number, place.new.oid, old, new)


def _restored(opened: Iterable[_Folders]) -> dict[str, int]:
    """The numbers of the runs that were removed and are no longer, by their commits."""
    return {
        one.old.entries["run"].oid: one.number
        for one in opened
        if "removed.json" in one.old.entries
        and "removed.json" not in one.new.entries
        and "run" in one.old.entries
    }


def _shaped(
    opened: Iterable[_Folders], new_commits: frozenset[str], refused: dict[int, str]
) -> Iterator[_Folders]:
    """The directories that have the files of a run."""
    for one in opened:
        try:
            check_shape(one.new, new_commits, one.old)
        except DamagedRecord as error:
            refused[one.number] = error.message
        else:
            yield one


def _unchanged(
    reader: ObjectReader,
    shaped: Iterable[_Folders],
    recorded: Mapping[int, Opened],
    judged: JudgedByFile,
    refused: dict[int, str],
) -> Iterator[RunFolder]:
    """The directories whose files are those that were there before, where that was a run and no damage."""
    for one in shaped:
        old = recorded.get(one.number, one.old)
        try:
            check_same(old, one.new)
        except DamagedRecord as error:
            if _is_sound(reader, one.number, old, judged):
                refused[one.number] = error.message
                continue
        yield RunFolder(one.number, one.oid, one.new.entries)


def _is_sound(reader: ObjectReader, number: int, old: Opened, judged: JudgedByFile) -> bool:
    try:
        check_shape(old, frozenset(), old)
    except DamagedRecord:
        return False
    found = check_contents(reader, [RunFolder(number, "", old.entries)], judged)
    return all(isinstance(uid, str) for _, uid in found)


def _reason(refusal: Refusal) -> str:
    return f"{refusal.message}; {refusal.hint}" if isinstance(refusal, NewerFormat) else refusal.message


def _cleaned(text: str) -> str:
    """What they wrote, for people: on one line, not too long, and nothing in it that acts on a terminal."""
    shown = "".join(c if c.isprintable() else "\ufffd" for c in " ".join(text.split()))
    return shown if len(shown) <= _MOST_SHOWN else f"{shown[: _MOST_SHOWN - 1]}…"
