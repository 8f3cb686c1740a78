"""Two histories become one: theirs stays as it is, what only we have goes on top of it.

Runs are told apart by their uids and never conflict. What both sides say of a run is united. A run of ours
that they do not have yet keeps its number when that is free there, else it gets the next one.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from itertools import takewhile, zip_longest

from gxt.errors import DOCTOR, DamagedRecord
from gxt.git.fast_import import Drop, FastImport, Person, Put
from gxt.git.objects import GitObject, ObjectReader, commit_headers, trailers
from gxt.git.repository import Repository
from gxt.model.annotations import dump_events, fold, next_at, parse_events
from gxt.model.annotations import merge as unite
from gxt.model.codec import load_document
from gxt.model.ids import run_id, run_path
from gxt.model.json_types import JsonObject
from gxt.named_tuple import NamedTuple
from gxt.store.amend import recorded, stamped
from gxt.store.chain import Chain, Entry, Note, people, user
from gxt.store.journal import now_us
from gxt.store.places import NOTED_FILES
from gxt.store.sync.arrival import Arrival
from gxt.store.sync.differing import Opened
from gxt.store.sync.shape import check_same
from gxt.store.tree import (
    REMOVED,
    RunFolder,
    Tip,
    changes,
    first_parents,
    open_folders,
    taken_among,
    uid_of,
)

_ANNOTATIONS = "annotations.jsonl"


class Pending(NamedTuple):
    """What we have to say of a run beyond their history.

    Attributes:
        uid: whose.
        number: the run's from now on.
        had: the number that it had here.
        is_new: they do not have it.
        folder: its directory, as it is to stand there.
        annotations: what is said of it, by both sides; None when that is in the directory already.
        said: the message and the people of the entry.
    """

    uid: str
    number: int
    had: int
    is_new: bool
    folder: RunFolder
    annotations: list[JsonObject] | None
    said: Said


class Said(NamedTuple):
    """An entry as it was written here: its message, author and committer."""

    message: str
    author: Person
    committer: Person


class Merged(NamedTuple):
    """What becomes of ours.

    Attributes:
        pending: what is to be written on top of theirs, in this order.
        here: the uids of the runs that have changed here.
        kept_out: numbers of directories of theirs that were left out before, and have not changed since.
        refused: what of theirs was not taken, in words.
    """

    pending: tuple[Pending, ...]
    here: frozenset[str] = frozenset()
    kept_out: tuple[int, ...] = ()
    refused: tuple[str, ...] = ()

    def moved(self) -> frozenset[str]:
        """The uids of the runs of ours that have another number now."""
        return frozenset(one.uid for one in self.pending if one.number != one.had)

    def renumbered(self) -> list[tuple[int, int]]:
        """The numbers that runs of ours had and have."""
        return [(one.had, one.number) for one in self.pending if one.number != one.had]


def common_entry(reader: ObjectReader, ours: str, theirs: str) -> str | None:
    """The newest entry that both histories have; None when they have nothing in common.

    Never the last tip that was fetched: a fetch that was killed before its merge would then look as if we had
    removed what it brought. Never `git merge-base`: it finds commits of the code.
    """
    seen = set[str]()
    # both go back side by side: it costs what was added since
    for pair in zip_longest(first_parents(reader, ours), first_parents(reader, theirs)):
        for commit in pair:
            if commit is not None and commit.oid in seen:
                return commit.oid
            seen.update([commit.oid] if commit is not None else [])
    return None


def since(reader: ObjectReader, tip: str, base: str | None) -> list[GitObject]:
    """The entries after another one, newest first; all of them after none."""
    return list(takewhile(lambda entry: entry.oid != base, first_parents(reader, tip)))


def merge(
    repository: Repository,
    reader: ObjectReader,
    ours: Tip,
    base: str | None,
    arrival: Arrival,
    remote: str,
    moved: Container[str] = (),
) -> Merged:
    """What only we have, as it is to stand on top of their history.

    Args:
        repository: where.
        reader: reads both sides.
        ours: our newest entry.
        base: the newest entry of both, see `common_entry`.
        arrival: what they have besides.
        remote: who they are; empty where a run that gets another number for them keeps its own here.
        moved: the uids of runs that have got another number just now, which nobody has seen.

    Raises:
        DamagedRecord: a run of ours cannot be read, and would be missing on top of theirs.
    """
    differing = _ours(reader, base, ours)
    changed = [(number, oid) for number, oid in differing if oid]
    gone = [number for number, oid in differing if oid is None]
    folders = list(open_folders(reader, sorted(changed)))
    numbers = [number for number, _ in changed]
    before, there = (taken_among(reader, tip, numbers) for tip in (base, arrival.tip or None))
    theirs = {one.uid: one for one in arrival.runs}
    said = said_since(reader, ours.oid, base)
    found: list[Pending] = []
    homeless: list[Pending] = []
    elsewhere: list[Pending] = []
    here: set[str] = set()
    for folder in folders:
        uid, number = uid_of(reader, folder), folder.number
        if uid is None:
            raise DamagedRecord(
                f"{run_id(number)} cannot be taken along: git has lost its commit", hint=DOCTOR
            )
        here.add(uid)
        other = theirs.get(uid)
        known = other is not None or (number in before and number in there)
        one = Pending(uid, number, number, not known, folder, None, said.get(uid, UNSAID))
        if other is not None:
            one = united(reader, one._replace(number=other.number), other.folder)
            if other.number != number and remote and uid not in moved:  # numbers came from another remote
                elsewhere.append(one)
                continue
            if one.annotations is None and one.folder.entries == other.folder.entries:
                continue
        (homeless if one.is_new and number in there else found).append(one)
    following = max(arrival.next_number, ours.next_number if remote else 1)
    renumbered = _renumbered(found, homeless, following)
    pending = [*found, *_telling(repository, reader, [*elsewhere, *renumbered], remote, moved)]
    kept_out = [number for number in gone if _is_unchanged(reader, number, base, arrival.tip)]
    return Merged(tuple(pending), frozenset(here), tuple(kept_out))


def _ours(reader: ObjectReader, base: str | None, ours: Tip) -> list[tuple[int, str | None]]:
    """The directories of runs that differ here."""
    found = list(changes(reader, base, ours.oid))
    for one in found:
        if one.lost:
            raise DamagedRecord(f"git has lost {one.path}, a directory of many runs", hint=DOCTOR)
    return [(one.number, one.oid) for one in found if one.number is not None]


def _is_unchanged(reader: ObjectReader, number: int, base: str | None, theirs: str) -> bool:
    """Whether they have under a number what both sides had."""
    before, now = (reader.read(f"{tip}:{run_path(number)}") if tip else None for tip in (base, theirs))
    return before is not None and now is not None and before.oid == now.oid


def _renumbered(found: Sequence[Pending], homeless: Sequence[Pending], following: int) -> list[Pending]:
    """Those whose number they have given to another run, under the next ones that are free."""
    first = max([following, *(one.number + 1 for one in found)])
    return [one._replace(number=number) for number, one in enumerate(homeless, first)]


def _telling(
    repository: Repository,
    reader: ObjectReader,
    renumbered: Sequence[Pending],
    remote: str,
    moved: Container[str],
) -> Iterator[Pending]:
    """The runs, with word of the number that each had."""
    person = user(repository) if renumbered else None
    for one in renumbered:
        if one.uid in moved or not remote:
            yield one
            continue
        assert person is not None
        known = _said_in(reader, one.folder) if one.annotations is None else one.annotations
        event: JsonObject = {"op": "formerly", "number": one.had, "remote": remote}
        yield one._replace(annotations=unite(known, stamped([event], next_at(known, now_us()), person)))


def united(reader: ObjectReader, one: Pending, theirs: RunFolder) -> Pending:
    """A run that both sides have changed: what both say of it, in the form that follows from that."""
    mine, other = (_said_in(reader, folder) for folder in (one.folder, theirs))
    both = unite(mine, other)
    is_removed = bool(fold(both).removed)
    is_ours = (REMOVED in one.folder.entries) == is_removed and not imported_otherwise(
        reader, one.folder, theirs
    )
    folder = one.folder if is_ours else theirs
    own = mine if folder is one.folder else other
    return one._replace(folder=folder, annotations=None if both == own else both)


def imported_otherwise(reader: ObjectReader, here: RunFolder, there: RunFolder) -> bool:
    """Whether a run that was imported here was also imported there, by somebody to whom it told other things.

    Its uid follows from where it was, but who imports it may be its author, and only one may have its code.
    What everybody can see by then counts: theirs.
    """
    try:
        check_same(Opened(here.entries), Opened(there.entries))
    except DamagedRecord:
        entry = here.entries.get("config.json")
        found = reader.read(entry.oid) if entry else None
        # a run that was recorded by gxt tells its machine
        return found is not None and load_document(found.data, "config.json").get("host") is None
    return False


def _said_in(reader: ObjectReader, folder: RunFolder) -> list[JsonObject]:
    entry = folder.entries.get(_ANNOTATIONS)
    found = reader.read(entry.oid) if entry else None
    return parse_events(found.data, f"{run_id(folder.number)}/{_ANNOTATIONS}") if found else []


_MOST_NAMED = 8
_NOBODY = Person("gxt", "gxt@localhost", 0, "+0000")
UNSAID = Said("", _NOBODY, _NOBODY)


def said_since(reader: ObjectReader, ours: str, base: str | None) -> dict[str, Said]:
    """The entry of each run since the base: the one that brought it, else the last that said something."""
    found: dict[str, Said] = {}
    brought: set[str] = set()
    for commit in reversed(since(reader, ours, base)):
        headers, message = commit_headers(commit)
        uid = trailers(message).get("Run-Uid", "")
        if uid and uid not in brought:
            found[uid] = Said(message, *people(commit))
            if len(headers.get("parent", [])) > 1:
                brought.add(uid)
    return found


def steps(
    repository: Repository, reader: ObjectReader, ours: Tip | None, one: Pending
) -> tuple[Pending, ...]:
    """The entries for a run: one; two for a run that was made and removed here, so that it can come back."""
    if not one.is_new or REMOVED not in one.folder.entries:
        return (one,)
    tree, entries = recorded(repository, reader, ours, one.uid)
    whole = one._replace(folder=RunFolder(one.number, tree, entries), annotations=None)
    message = f"{run_id(one.had)} removed\n\nRun-Uid: {one.uid}\n"
    return whole, one._replace(is_new=False, said=one.said._replace(message=message))


def write_left_out(
    chain: Chain, reader: ObjectReader, person: Person, ours: str, base: str | None, numbers: Sequence[int]
) -> None:
    """An entry, which stays here, with what was here in the place of what cannot be taken over.

    What we have under a number that they have given away meanwhile is pending, and gets another number.
    """
    had = taken_among(reader, base, numbers)
    puts: list[Put | Drop] = []
    notes: list[Note] = []
    for number in numbers:
        place = run_path(number)
        puts.append(Drop(place))
        before = reader.read(f"{ours}:{place}") if number in had else None
        if before is None or before.kind != "tree":
            continue
        puts.append(Put("040000", before.oid, place))
        files = {entry.name: entry.oid for entry in reader.tree(before.oid)}
        notes += [Note(what, files["run"], files.get(file)) for what, file in NOTED_FILES.items()]
    shown = ", ".join(map(run_id, numbers[:_MOST_NAMED])) + (" …" if len(numbers) > _MOST_NAMED else "")
    message = f"left out what cannot be read: {shown}\n"
    chain.add(Entry(message, person, person, tuple(puts), notes=tuple(notes)))


def write_pending(chain: Chain, importer: FastImport, one: Pending) -> str:
    """An entry for a run on top of the chain; its id."""
    place, run = run_path(one.number), one.folder.entries["run"].oid
    files: dict[str, str] = {name: entry.oid for name, entry in one.folder.entries.items()}
    puts: list[Put | Drop] = [Put("040000", one.folder.oid, place)]
    if one.annotations is not None:
        files[_ANNOTATIONS] = importer.blob(dump_events(one.annotations))
        puts.append(Put("100644", files[_ANNOTATIONS], f"{place}/{_ANNOTATIONS}"))
    hidden = REMOVED in one.folder.entries
    notes = [Note(what, run, None if hidden else files.get(file)) for what, file in NOTED_FILES.items()]
    message = one.said.message or f"{run_id(one.number)} changed\n\nRun-Uid: {one.uid}\n"
    return chain.add(
        Entry(
            message=message.replace(run_id(one.had), run_id(one.number), 1),
            author=one.said.author,
            committer=one.said.committer,
            puts=tuple(puts),
            following=one.number + 1,
            run=run if one.is_new else "",
            notes=tuple(note for note in notes if note.target or not one.is_new),
        )
    )
