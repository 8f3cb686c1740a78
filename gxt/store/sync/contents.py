"""What the files of arriving runs hold: their sizes first, then every document that people will be shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from gxt.errors import DamagedRecord, NewerFormat
from gxt.git.objects import GitObject, ObjectReader, Size, TreeEntry, commit_headers, trailers
from gxt.model.codec import MAX_DOCUMENT_BYTES, compact_json, load_document, repeats_a_key
from gxt.model.ids import is_uid
from gxt.model.json_types import Json, JsonObject
from gxt.model.shapes import (
    check_annotation,
    check_config,
    check_environment,
    check_metrics,
    check_removed,
)
from gxt.named_tuple import NamedTuple
from gxt.store.sync.differing import FILE, FOLDER, Opened, open_trees
from gxt.store.tree import RunFolder

Refusal: TypeAlias = "DamagedRecord | NewerFormat"

_MOST_BYTES = {"run": 1 << 20, "output.log": 2 << 20, "series": 64 << 20, "annotations.jsonl": 64 << 20}
_MOST_EVENT_BYTES = 2 << 20  # an evaluation of gxt has 1 MiB, a note less
_MOST_EVENTS = 1_000_000  # a line of two bytes takes a hundred in memory
_AT_ONCE_BYTES = 64 << 20  # of documents in memory, unless a single run has more
_CHECKS: dict[str, Callable[[JsonObject, str], None]] = {
    "config.json": check_config,
    "environment.json": check_environment,
    "metrics.json": check_metrics,
    "removed.json": check_removed,
}
_READ = ("run", *_CHECKS, "annotations.jsonl")
_WITH_UID = frozenset(("config.json", "metrics.json", "removed.json"))
_LINE_ENDS = re.compile(rb"[\r\n]")


class Judged(NamedTuple):
    """What a document says, as far as others must agree with it, or why it is refused.

    Attributes:
        uid: of the run.
        removals: when and by whom the run was removed, of annotations those that nobody has taken back.
        refusal: None for a document that is as it should be.
    """

    uid: str = ""
    removals: tuple[tuple[str, str], ...] = ()
    refusal: Refusal | None = None


JudgedByFile: TypeAlias = "dict[tuple[str, str], Judged]"


class _Weighed(NamedTuple):
    """What is known of objects before any is read: their sizes, and of series in several pieces the trees."""

    sizes: Mapping[str, Size | None]
    series: Mapping[str, Opened]


def check_contents(
    reader: ObjectReader, folders: Sequence[RunFolder], judged: JudgedByFile
) -> Iterator[tuple[RunFolder, str | Refusal]]:
    """Each run's directory with its uid, or with what is wrong.

    Args:
        reader: reads the objects.
        folders: the directories; each has the names and modes of a run.
        judged: what was judged before, by name and id: what runs share is judged once.
    """
    weighed = _weigh(reader, folders)
    sound = list[RunFolder]()
    for folder in folders:
        try:
            _check_sizes(folder, weighed)
        except DamagedRecord as error:
            yield folder, error
        else:
            sound.append(folder)
    for portion in _portions(sound, weighed.sizes):
        _judge_all(reader, portion, judged)
        for folder in portion:
            try:
                yield folder, _uid(folder, judged)
            except (DamagedRecord, NewerFormat) as error:
                yield folder, error


# --- sizes -----------------------------------------------------------------------------------------------


def _weigh(reader: ObjectReader, folders: Iterable[RunFolder]) -> _Weighed:
    entries = [entry for folder in folders for entry in folder.entries.values()]
    trees = list(dict.fromkeys(entry.oid for entry in entries if entry.mode == FOLDER))
    series = dict(zip(trees, open_trees(reader, trees), strict=True))
    chunks = [chunk for opened in series.values() for chunk in opened.entries.values()]
    oids = list(dict.fromkeys(entry.oid for entry in (*entries, *chunks) if entry.oid not in series))
    return _Weighed(dict(zip(oids, reader.sizes(oids), strict=True)), series)


def _check_sizes(folder: RunFolder, weighed: _Weighed) -> None:
    for name, entry in folder.entries.items():
        if entry.mode != FOLDER:
            _check_size(name, entry, weighed, _MOST_BYTES.get(name, MAX_DOCUMENT_BYTES))
            continue
        opened = weighed.series[entry.oid]
        if opened.damage:
            raise DamagedRecord(f"its {name} cannot be opened: {opened.damage}")
        numbered = [f"{number:04d}" for number in range(1, len(opened.entries) + 1)]
        if opened.twice or not numbered or sorted(opened.entries) != sorted(numbered):
            raise DamagedRecord(f"its {name} is not in pieces that are named 0001, 0002 …")
        for piece in opened.entries.values():
            if piece.mode != FILE:
                raise DamagedRecord(f"{name}/{piece.name} has the mode {piece.mode}")
            _check_size(f"{name}/{piece.name}", piece, weighed, _MOST_BYTES[name])


def _check_size(name: str, entry: TreeEntry, weighed: _Weighed, most: int) -> None:
    size, kind = weighed.sizes.get(entry.oid), "commit" if name == "run" else "blob"
    if size is None:
        raise DamagedRecord(f"git does not have its {name}, {entry.oid[:10]}")
    if size.kind != kind:
        raise DamagedRecord(f"its {name} is a {size.kind}, no {kind}")
    if size.size_bytes > most:
        raise DamagedRecord(f"its {name} has {size.size_bytes} bytes: more than gxt reads")


def _portions(folders: Sequence[RunFolder], sizes: Mapping[str, Size | None]) -> Iterator[list[RunFolder]]:
    """The directories in portions whose documents are in memory together."""
    portion, together = list[RunFolder](), 0
    for folder in folders:
        found = [sizes[entry.oid] for name, entry in folder.entries.items() if name in _READ]
        weight = sum(size.size_bytes for size in found if size)
        if portion and together + weight > _AT_ONCE_BYTES:
            yield portion
            portion, together = [], 0
        portion.append(folder)
        together += weight
    if portion:
        yield portion


# --- documents -------------------------------------------------------------------------------------------


def _judge_all(reader: ObjectReader, folders: Iterable[RunFolder], judged: JudgedByFile) -> None:
    wanted = dict.fromkeys(  # in their order: git finds neighbours faster
        (name, folder.entries[name].oid)
        for folder in folders
        for name in _READ
        if name in folder.entries and (name, folder.entries[name].oid) not in judged
    )
    for one, found in zip(wanted, reader.read_many([oid for _, oid in wanted]), strict=True):
        try:
            judged[one] = _judge(one[0], found)
        except (DamagedRecord, NewerFormat) as error:
            judged[one] = Judged(refusal=error)


def _judge(name: str, found: GitObject | None) -> Judged:
    if found is None:
        raise DamagedRecord(f"git cannot read its {name}")
    if name == "run":
        return Judged(trailers(commit_headers(found)[1]).get("Run-Uid", ""))
    if name == "annotations.jsonl":
        return Judged(removals=_standing_removals(_events(found.data, name)))
    document = _loaded(found.data, name)
    try:
        _CHECKS[name](document, name)
    except KeyError as error:
        raise DamagedRecord(f"{name} lacks a field: {error}") from error
    marks = (_mark(document),) if name == "removed.json" else ()
    return Judged(str(document.get("uid")), marks)


def _loaded(data: bytes, name: str) -> JsonObject:
    document = load_document(data, name)
    if repeats_a_key(data, document):
        raise DamagedRecord(f"{name} has a key twice")
    return document


def _events(data: bytes, name: str) -> list[JsonObject]:
    """The events of a file. One bad line refuses all: without it the others may say something else."""
    if len(_LINE_ENDS.findall(data)) > _MOST_EVENTS:
        raise DamagedRecord(f"{name} has more than {_MOST_EVENTS} lines")
    events = list[JsonObject]()
    for line in data.splitlines():
        if len(line) > _MOST_EVENT_BYTES:
            raise DamagedRecord(f"{name} has a line of {len(line)} bytes: more than gxt reads")
        if line.strip():
            events.append(_loaded(line, name))
            check_annotation(events[-1], name)
    return events


def _standing_removals(events: Iterable[JsonObject]) -> tuple[tuple[str, str], ...]:
    events = list(events)
    back: set[Json] = set()
    for event in events:
        removes = event.get("removes")
        if event["op"] == "remove" and isinstance(removes, list):
            back.update(str(one) for one in removes)
    return tuple(_mark(event) for event in events if event["op"] == "removed" and event["id"] not in back)


def _mark(document: JsonObject) -> tuple[str, str]:
    """When and by whom a run was removed."""
    by = document.get("by")
    who = {str(key): value for key, value in sorted(by.items())} if isinstance(by, dict) else None
    return str(document.get("at")), compact_json(who)


def _uid(folder: RunFolder, judged: JudgedByFile) -> str:
    """The uid of a run, all of whose documents are as they should be and agree."""
    found = {name: judged[name, entry.oid] for name, entry in folder.entries.items() if name in _READ}
    for one in found.values():
        if one.refusal is not None:
            raise one.refusal
    uid = found["run"].uid
    if not is_uid(uid):
        raise DamagedRecord("its commit is that of no run")
    for name in _WITH_UID.intersection(found):
        if found[name].uid != uid:
            raise DamagedRecord(f"its commit is that of the run {uid}, its {name} that of {found[name].uid}")
    said = found["annotations.jsonl"].removals if "annotations.jsonl" in found else ()
    if "removed.json" in found and not set(found["removed.json"].removals).intersection(said):
        raise DamagedRecord("its removed.json is not what its annotations say")
    if said and "removed.json" not in found:
        raise DamagedRecord("its annotations say that it is removed, and its files are there")
    return uid
