"""Which data a repository declares: what its `.dvc`, `dvc.yaml` and `dvc.lock` files say, already parsed."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from gxt.errors import DamagedRecord
from gxt.model.json_types import Json
from gxt.model.pipeline import DeclaredData
from gxt.model.pointers import Pointer, read_pointer, read_pointers
from gxt.model.secrets import redact_text
from gxt.named_tuple import NamedTuple


class Source(NamedTuple):
    """A dataset that a run may use.

    Attributes:
        path: relative to the top of the repository, with `/`.
        kind: `input`, or `intermediate` for what a stage of a pipeline makes.
        tracked: by `git`, by `dvc`, or by neither.
        origin: where it came from, without credentials.
        md5, size_bytes, files: as they were recorded last; None where they never were.
    """

    path: str
    kind: str = "input"
    tracked: str | None = None
    origin: str | None = None
    md5: str | None = None
    size_bytes: int | None = None
    files: int | None = None


def of_pointer_file(document: object, folder: str, name: str) -> list[Source]:
    """The datasets of a `.dvc` file.

    Args:
        document: the file, parsed.
        folder: where it lies, relative to the top.
        name: names it for people.

    Raises:
        DamagedRecord: it is no such file.
    """
    pointers = read_pointers(document, name)
    assert isinstance(document, dict), "read_pointers has raised"
    base = posixpath.join(folder, str(document.get("wdir") or "."))
    origin = _origin(document.get("deps"))
    return [
        _recorded(Source(path, "input", "dvc", origin), pointer)
        for pointer in pointers
        if (path := _inside(base, pointer.path)) is not None
    ]


def of_pipeline(declared: DeclaredData, lock: object, folder: str) -> list[Source]:
    """The datasets of a `dvc.yaml`, with what its `dvc.lock` has recorded of them.

    Args:
        declared: what the stages read and write.
        lock: the `dvc.lock` beside it, parsed; None without one.
        folder: where both lie, relative to the top.
    """
    outs = {path for one in declared.outs if (path := _inside(folder, one)) is not None}
    paths = [*(path for one in declared.deps if (path := _inside(folder, one)) is not None), *sorted(outs)]
    recorded = dict(locked(declared, lock, folder))
    made = {path: Source(path, "intermediate" if path in outs else "input") for path in paths}
    return [_recorded(one, recorded[path]) if path in recorded else one for path, one in made.items()]


def locked(declared: DeclaredData, lock: object, folder: str) -> Iterator[tuple[str, Pointer]]:
    """What a `dvc.lock` has recorded: paths relative to the top. Arguments as above."""
    stages = lock.get("stages") if isinstance(lock, dict) else None
    for name, stage in (stages if isinstance(stages, dict) else {}).items():
        base = posixpath.join(folder, declared.folders.get(str(name).partition("@")[0], "."))
        for entry in _entries(stage, "deps", "outs"):
            try:
                pointer = read_pointer(entry, "dvc.lock")
            except DamagedRecord:
                continue
            path = _inside(base, pointer.path)
            if path is not None:
                yield path, pointer


def _entries(stage: Any, *parts: str) -> Iterator[object]:  # noqa: ANN401 whatever a YAML file holds
    for part in parts:
        entries = stage.get(part) if isinstance(stage, dict) else None
        yield from entries if isinstance(entries, list) else ()


def _recorded(source: Source, pointer: Pointer) -> Source:
    return source._replace(md5=pointer.md5, size_bytes=pointer.size_bytes, files=pointer.files)


def _origin(deps: Any) -> str | None:  # noqa: ANN401 whatever a YAML file holds
    """Of data that `dvc import` or `dvc import-url` brought: the repository or the URL."""
    for one in deps if isinstance(deps, list) else ():
        if not isinstance(one, dict):
            continue
        repo = one.get("repo")
        url = repo.get("url") if isinstance(repo, dict) else one.get("path")
        if isinstance(url, str):
            return redact_text(url)
    return None


def _inside(base: str, path: str) -> str | None:
    """A path relative to the top; None for what lies elsewhere, such as in a bucket."""
    joined = posixpath.normpath(posixpath.join(base, path))
    outside = joined.startswith(("../", "/")) or joined in ("..", ".") or "://" in path or "\0" in path
    return None if outside else joined


def to_json(source: Source) -> Json:
    """The source as it is kept in a cache."""
    return list(source)


def from_json(value: Json) -> Source | None:
    """What `to_json` returned; None for anything else."""
    return Source(*value) if isinstance(value, list) and len(value) == len(Source._fields) else None  # type: ignore[arg-type]
