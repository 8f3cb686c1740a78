"""Runs as they lie in git: their documents read in one stream, checked, and made into what lists show."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

from gxt.errors import DOCTOR, DamagedRecord, GxtError, NewerFormat
from gxt.git.objects import GitObject, ObjectReader
from gxt.model.annotations import fold, parse_events
from gxt.model.codec import compact_json, load_document
from gxt.model.ids import run_id
from gxt.model.json_types import JsonObject
from gxt.model.run import listed_json, row_of, run_json, without_packages
from gxt.model.shapes import check_config, check_environment, check_metrics, check_removed
from gxt.named_tuple import NamedTuple
from gxt.store.tree import REMOVED, RunFolder

LOST = "git cannot read"  # how the damage begins that somebody may undo by bringing git the object
ANNOTATIONS = "annotations.jsonl"
_DOCUMENTS = frozenset(("config.json", "environment.json", "metrics.json", ANNOTATIONS))

_compact = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def read_documents(
    reader: ObjectReader, folders: list[RunFolder], environments: dict[str, JsonObject]
) -> list[Documents]:
    """The documents of runs, read in one stream.

    Args:
        reader: reads the objects.
        folders: the runs' directories.
        environments: those that were read before, by the id of their blob; runs share them, and they are the
            largest document. New ones are added when they are asked for.
    """
    wanted = dict.fromkeys(  # in their order: git finds neighbours faster
        entry.oid
        for folder in folders
        for name, entry in folder.entries.items()
        if name in _DOCUMENTS and entry.oid not in environments
    )
    blobs = dict(zip(wanted, reader.read_many(wanted), strict=True))
    return [Documents(folder, blobs, environments) for folder in folders]


def read_folders(
    reader: ObjectReader, folders: list[RunFolder]
) -> Iterator[tuple[RunFolder, JsonObject | GxtError]]:
    """The runs as lists see them, each with the reason when it cannot be read; read in one stream."""
    for documents in read_documents(reader, folders, {}):
        try:
            yield documents.folder, read_run(documents)
        except (DamagedRecord, NewerFormat) as error:
            yield documents.folder, error


class Documents(NamedTuple):
    """The stored documents of one run, read and checked when asked for."""

    folder: RunFolder
    blobs: Mapping[str, GitObject | None]
    environments: dict[str, JsonObject]

    def check_present(self) -> None:
        """Raise where git has lost what the directory names, and where the run itself is no commit."""
        run = self.folder.entries.get("run")
        if run and run.mode != "160000":
            raise DamagedRecord(f"{run_id(self.folder.number)}/run is no commit", hint=DOCTOR)
        for name, entry in self.folder.entries.items():
            if name in _DOCUMENTS and entry.oid not in self.environments and not self.blobs.get(entry.oid):
                raise lost(f"{name} of {run_id(self.folder.number)}", entry.oid)

    def data(self, name: str) -> bytes:
        """The bytes of a document; DamagedRecord where the run has none of this name."""
        entry = self.folder.entries.get(name)
        blob = self.blobs.get(entry.oid) if entry else None
        if blob is None:
            raise DamagedRecord(f"{run_id(self.folder.number)} has no {name}", hint=DOCTOR)
        return blob.data

    def checked(self, name: str, check: Callable[[JsonObject, str], None]) -> JsonObject:
        """A document that passes a check of `gxt.model.shapes`."""
        what = f"{run_id(self.folder.number)}/{name}"
        document = load_document(self.data(name), what)
        check(document, what)
        return document

    def environment(self) -> JsonObject:
        """The environment's document without the packages."""
        entry = self.folder.entries.get("environment.json")
        oid = entry.oid if entry else ""
        if oid not in self.environments:
            document = self.checked("environment.json", check_environment)
            self.environments[oid] = {**document, "packages": {}}
        return self.environments[oid]

    def annotations(self) -> list[JsonObject]:
        """The events of `annotations.jsonl`; none where there is no such file."""
        if ANNOTATIONS not in self.folder.entries:
            return []
        return parse_events(self.data(ANNOTATIONS), f"{run_id(self.folder.number)}/{ANNOTATIONS}")


class Loaded(NamedTuple):
    """The id of a run's commit and its stored documents, all of them checked."""

    run: str
    config: JsonObject
    environment: JsonObject
    metrics: JsonObject
    annotations: list[JsonObject]


def read_run(documents: Documents) -> JsonObject:
    """The run that the documents describe.

    Raises:
        DamagedRecord, NewerFormat: they describe none that this gxt can read.
    """
    said = _load(documents)
    return run_json(
        commit=said.run,
        config=said.config,
        environment=said.environment,
        metrics=said.metrics,
        annotations=said.annotations,
    )


def _load(documents: Documents) -> Loaded:
    folder = documents.folder
    if not folder.entries:
        raise lost(f"the directory of {run_id(folder.number)}", folder.oid)
    documents.check_present()
    try:
        return Loaded(
            folder.entries["run"].oid,
            documents.checked("config.json", check_config),
            documents.environment(),
            documents.checked("metrics.json", check_metrics),
            documents.annotations(),
        )
    except DamagedRecord as error:
        raise DamagedRecord(error.message, hint=DOCTOR) from error
    except KeyError as error:
        what = f"{run_id(folder.number)} lacks a field: {error}"
        raise DamagedRecord(what, hint=DOCTOR) from error


def read_annotations(reader: ObjectReader, folder: RunFolder) -> list[JsonObject]:
    """What was said of a run, be it removed or not.

    Raises:
        DamagedRecord, NewerFormat: it cannot be read.
    """
    entry, what = folder.entries.get(ANNOTATIONS), f"{run_id(folder.number)}/{ANNOTATIONS}"
    if entry is None:
        return []
    blob = reader.read(entry.oid)
    if blob is None:
        raise lost(what, entry.oid)
    return parse_events(blob.data, what)


def read_removed(reader: ObjectReader, folder: RunFolder) -> JsonObject:
    """What is said of a run that was removed: its `uid`, `at` and `by`.

    Raises:
        DamagedRecord, NewerFormat: it is not what it should be.
    """
    what, oid = f"{run_id(folder.number)}/{REMOVED}", folder.entries[REMOVED].oid
    blob = reader.read(oid)
    if blob is None:
        raise lost(what, oid)
    document = load_document(blob.data, what)
    check_removed(document, what)
    return document


def lost(what: str, oid: str) -> DamagedRecord:
    """The error for what git has lost, which another clone may still have."""
    path = f".git/objects/{oid[:2]}/{oid[2:]}"
    return DamagedRecord(f"{LOST} {what}: {oid[:10]} is lost", hint=f"copy {path} from another clone")


def read_cells(documents: Documents) -> tuple[object, ...]:
    """A row of the index's table of runs; one that cannot be read has the reason in its row."""
    folder = documents.folder
    try:
        said = _load(documents)
    except (DamagedRecord, NewerFormat) as error:
        return (folder.number, None, None, folder.oid, None, None, error.message, *[None] * 8)
    listed = listed_json(said.config, said.metrics, said.annotations)
    row = row_of(listed)
    formerly = fold(said.annotations).formerly
    return (
        *(folder.number, said.config["uid"], said.config.get("parent"), folder.oid),
        *(said.run, listed["name"], None),
        *(row.status, row.title, row.created, row.duration_s, row.tags, row.group or None),
        compact_json(dict(row.metrics)),
        json.dumps(formerly) if formerly else None,
    )


def read_text(documents: Documents) -> str:
    """The run as JSON text, without its packages and without what depends on a clone's numbers.

    Raises:
        DamagedRecord, NewerFormat: as `read_run` does.
    """
    listed = without_packages(read_run(documents))
    del listed["id"], listed["parent"]
    return _compact(listed)
