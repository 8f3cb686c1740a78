"""What a commit of a DVC project tells of a run: `dvc.yaml`, `dvc.lock`, `.dvc` files and DVCLive's tables.

All of it is read from git, and from DVC's cache where git has a hash alone. DVC itself is not asked: to
import it takes a second, and to open a hundred revisions a minute.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from gxt.capture.loggers.tables import TableReader
from gxt.capture.params_files import MAX_BYTES, parse_params
from gxt.capture.yaml_source import load_yaml
from gxt.data.cache import Cache
from gxt.data.named import Named, members
from gxt.data.sources import Source, locked, of_pipeline, of_pointer_file
from gxt.errors import DamagedData, DamagedRecord, InvalidParams
from gxt.git import process
from gxt.git.objects import ObjectReader
from gxt.git.repository import Repository
from gxt.git.snapshot import CODE_ENDINGS
from gxt.model.json_types import JsonObject
from gxt.model.metrics import flatten_numbers
from gxt.model.params import merge
from gxt.model.pipeline import DeclaredData, data_declared, metrics_declared
from gxt.model.pointers import Pointer
from gxt.named_tuple import NamedTuple
from gxt.ops.declared import is_pointer
from gxt.ops.foreign import Artifact

_PIPELINE: Final = "dvc.yaml"
_LOCK: Final = "dvc.lock"
_PARAMS: Final = "params.yaml"
_FORMATS: Final = (".yaml", ".yml", ".json", ".toml")
_TABLE: Final = re.compile(r"(?:.*/)?plots/metrics/(?P<name>.+)\.tsv")
_MOST_BYTES: Final = 64 << 20


class Told(NamedTuple):
    """What a commit tells of a run.

    Attributes:
        params: of all parameters files.
        points: times in microseconds since 1970, steps, and values by name.
        data: entries of `config.data`.
        artifacts: what the pipeline has made at its end, by hash.
        has_stages: whether it is a pipeline that DVC can run.
        footprint: what it was told by: commits with the same one tell the same.
        notices: what could not be read, in words.
    """

    params: JsonObject
    points: tuple[tuple[int, int, dict[str, float]], ...]
    data: tuple[JsonObject, ...]
    artifacts: tuple[Artifact, ...]
    has_stages: bool
    footprint: frozenset[tuple[str, str]]
    notices: tuple[str, ...]


class _Files(NamedTuple):
    """The files of a commit, relative to the top: ids of those in git, hashes of those that are not."""

    reader: ObjectReader
    cache: Cache
    oids: Mapping[str, str]
    hashes: Mapping[str, str]

    def read(self, path: str) -> bytes | None:
        """What a file holds; None where it is neither in git nor in the cache, or too large."""
        if path in self.oids:
            (size,) = self.reader.sizes([self.oids[path]])
            found = self.reader.read(self.oids[path]) if size and size.size_bytes <= _MOST_BYTES else None
            return found.data if found else None
        with suppress(OSError, KeyError):
            place = self.cache.path_of(self.hashes[path])
            return place.read_bytes() if place.stat().st_size <= _MOST_BYTES else None
        return None

    def load(self, path: str) -> JsonObject | None:
        """The parameters in a file, None where there is none. Raises InvalidParams."""
        data = self.read(posixpath.normpath(path)) if path.endswith(_FORMATS) else None
        if data is None or len(data) > MAX_BYTES:
            return None
        return parse_params(data.decode(errors="replace"), Path(path))


class _Pipeline(NamedTuple):
    """A `dvc.yaml` and the folder that it lies in."""

    folder: str
    document: JsonObject
    declared: DeclaredData
    lock: object


_NONE: Final = _Pipeline("", {}, DeclaredData((), (), {}), None)


def told_by(repository: Repository, reader: ObjectReader, cache: Cache, commit: str, at_us: int) -> Told:
    """What a commit tells.

    Args:
        repository: where.
        reader: reads it.
        cache: DVC's.
        commit: its id.
        at_us: when it was made: points that have no time of their own get this one.
    """
    files = _Files(reader, cache, _listed(repository, commit), {})
    notices: list[str] = []
    pipelines = list(_pipelines(files, notices)) or [_NONE]
    pointers = dict(_pointers(files, pipelines))
    files = files._replace(hashes=dict(_hashes(cache, pointers)))
    params_at = list(dict.fromkeys(name for one in pipelines for name in _params_files(one)))
    metrics_at = list(dict.fromkeys(name for one in pipelines for name in _metrics_files(one, files)))
    tables = {
        path: match["name"] for path in (*files.oids, *files.hashes) if (match := _TABLE.fullmatch(path))
    }
    points = [
        point for path, name in tables.items() for point in _series(files.read(path) or b"", name, at_us)
    ]
    points += _summary(files, metrics_at, {name for _, _, values in points for name in values}, at_us)
    told_at = (*params_at, *metrics_at, *tables, *(f"{one.folder}/{_LOCK}" for one in pipelines))
    known = {**files.hashes, **files.oids}
    paths = map(posixpath.normpath, told_at)
    data, artifacts = _content(files, pipelines, pointers)
    return Told(
        _params(files, params_at, notices),
        tuple(points),
        tuple(data),
        tuple(artifacts),
        any(isinstance(one.lock, dict) for one in pipelines),
        frozenset((path, known[path]) for path in paths if path in known),
        tuple(notices),
    )


def _listed(repository: Repository, commit: str) -> dict[str, str]:
    """The ids of the files of a commit by their paths; no links."""
    said = process.run(repository.top, ("ls-tree", "-r", "-z", "--full-tree", commit))
    lines = (line.partition("\t") for line in os.fsdecode(said).split("\0") if line.startswith("100"))
    return {path: about.split()[2] for about, _, path in lines}


def _pipelines(files: _Files, notices: list[str]) -> Iterator[_Pipeline]:
    for path in files.oids:
        folder, name = posixpath.split(path)
        if name != _PIPELINE:
            continue
        try:
            document = files.load(path) or {}
            declared = data_declared(document, partial(_load_below, files, folder))
            lock = load_yaml(
                (files.read(posixpath.join(folder, _LOCK)) or b"").decode(errors="replace"), _LOCK
            )
        except InvalidParams as error:
            notices.append(f"{path} cannot be read: {error.message}")
            continue
        yield _Pipeline(folder, document, declared, lock)


def _load_below(files: _Files, folder: str, name: str) -> JsonObject | None:
    return files.load(posixpath.join(folder, name))


def _pointers(files: _Files, pipelines: list[_Pipeline]) -> Iterator[tuple[str, Pointer]]:
    """What DVC keeps, by path: as the `.dvc` files say, and as the pipelines have made it."""
    for path in files.oids:
        if is_pointer(posixpath.basename(path)):
            for source in _pointed(files, path):
                if source.md5:
                    yield source.path, Pointer(source.path, source.md5, source.size_bytes, source.files)
    for one in pipelines:
        yield from locked(one.declared, one.lock, one.folder)


def _pointed(files: _Files, path: str) -> list[Source]:
    try:
        document = load_yaml((files.read(path) or b"").decode(errors="replace"), path)
        return of_pointer_file(document, posixpath.dirname(path), path)
    except (InvalidParams, DamagedRecord):
        return []


def _hashes(cache: Cache, pointers: Mapping[str, Pointer]) -> Iterator[tuple[str, str]]:
    """The hashes of the files that DVC keeps; of its folders those whose lists are here."""
    for path, pointer in pointers.items():
        if pointer.version == 2:  # hashed otherwise, and elsewhere in the cache
            continue
        if not pointer.is_folder:
            yield path, pointer.md5
        elif cache.has(pointer.md5):
            with suppress(DamagedData, OSError):
                named = Named(pointer.md5, None, "", path)
                yield from ((posixpath.normpath(one.path), one.md5) for one in members(cache, named))


# --- parameters and metrics ------------------------------------------------------------------------------


def _params_files(pipeline: _Pipeline) -> Iterator[str]:
    """The parameters files that a pipeline names, the one that DVC reads unasked last: it counts most."""
    stages = pipeline.document.get("stages")
    bodies = [one for one in (stages.values() if isinstance(stages, dict) else ()) if isinstance(one, dict)]
    inner = [one["do"] for one in bodies if isinstance(one.get("do"), dict)]
    listed = [one.get("params") for one in (pipeline.document, *bodies, *inner) if isinstance(one, dict)]
    top = pipeline.document.get("params")
    names = [str(name) for name in (top if isinstance(top, list) else [top]) if isinstance(name, str)]
    for entries in listed:
        for entry in entries if isinstance(entries, list) else ():
            names += [str(name) for name in entry] if isinstance(entry, dict) else []
    for name in (*names, _PARAMS):
        yield posixpath.normpath(posixpath.join(pipeline.folder, name))


def _params(files: _Files, names: list[str], notices: list[str]) -> JsonObject:
    found: list[JsonObject] = []
    for name in names:
        try:
            found.append(files.load(name) or {})
        except InvalidParams as error:
            notices.append(f"{name} cannot be read: {error.message}")
    return merge(*found) if found else {}


def _metrics_files(pipeline: _Pipeline, files: _Files) -> Iterator[str]:
    declared = metrics_declared(pipeline.document, partial(_load_below, files, pipeline.folder))
    for name in declared.files:
        yield posixpath.normpath(posixpath.join(pipeline.folder, name))


def _series(data: bytes, name: str, at_us: int) -> Iterator[tuple[int, int, dict[str, float]]]:
    """The rows of one of DVCLive's tables."""
    for point in TableReader(one=name).feed(data if data.endswith(b"\n") else data + b"\n").points:
        yield point.time_us or at_us, point.step, point.numbers


def _summary(
    files: _Files, names: list[str], told: set[str], at_us: int
) -> Iterator[tuple[int, int, dict[str, float]]]:
    """The numbers of metrics files that have no table; DVCLive's tell the step, too."""
    for name in names:
        data = files.read(name)
        if data is None:
            continue
        text = data.decode(errors="replace")
        try:
            numbers = flatten_numbers(json.loads(text) if name.endswith(".json") else load_yaml(text, name))
        except (ValueError, RecursionError, InvalidParams):
            continue
        step = int(numbers.pop("step")) if _counts(numbers.get("step")) else 0
        left = {key: value for key, value in numbers.items() if key not in told}
        if left:
            yield at_us, step, left


def _counts(step: float | None) -> bool:
    return step is not None and step.is_integer() and 0 <= step < 1 << 53


# --- data ------------------------------------------------------------------------------------------------


def _content(
    files: _Files, pipelines: list[_Pipeline], pointers: Mapping[str, Pointer]
) -> tuple[list[JsonObject], list[Artifact]]:
    """What the pipelines read, and what they have made that none of them reads."""
    sources = {
        one.path: one for each in pipelines for one in of_pipeline(each.declared, each.lock, each.folder)
    }
    read = {
        posixpath.normpath(posixpath.join(one.folder, dep)) for one in pipelines for dep in one.declared.deps
    }
    declared = {
        one.path: one
        for path in files.oids
        if is_pointer(posixpath.basename(path))
        for one in _pointed(files, path)
    }
    made = [one for one in sources.values() if one.path not in read and one.kind == "intermediate"]
    data = {
        one.path: one for one in sources.values() if one.path in read and not one.path.endswith(CODE_ENDINGS)
    }
    entries = [_entry(files, one) for one in {**data, **declared}.values()]
    artifacts = [
        Artifact(
            posixpath.basename(one.path),
            None,
            _kind(pointers[one.path]),
            one.path,
            _known(pointers[one.path]),
        )
        for one in made
        if one.path in pointers and pointers[one.path].version != 2 and one.path not in files.oids
    ]
    return entries, artifacts


def _entry(files: _Files, source: Source) -> JsonObject:
    in_git = source.path in files.oids or any(path.startswith(f"{source.path}/") for path in files.oids)
    tracked = source.tracked or ("git" if in_git else "dvc" if source.md5 else None)
    return {
        "path": source.path,
        "md5": source.md5,
        "size": source.size_bytes,
        "files": source.files,
        "tracked": tracked,
        "kind": source.kind,
        "source": source.origin or ("git" if tracked == "git" else None),
        "missing": False,
        "description": {},
    }


def _kind(pointer: Pointer) -> str:
    return "folder" if pointer.is_folder else "model" if pointer.path.endswith(".onnx") else "file"


def _known(pointer: Pointer) -> JsonObject:
    files = pointer.files or 0 if pointer.is_folder else None
    return {"md5": pointer.md5, "size": pointer.size_bytes or 0, "files": files}
