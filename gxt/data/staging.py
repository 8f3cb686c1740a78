"""Content on its way into the cache: copied aside at once, hashed and stored when there is time.

`<home>/<id>/` appears whole or not at all. It holds `main`, with the suffix of what it is a copy of, a file
or a folder; and in `parts` what belongs to a file: the external data of an ONNX model.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from errno import ENOENT
from pathlib import Path
from typing import Final

from gxt.data.cache import Cache, copy_content
from gxt.data.digest import Digest, Ignored, digest, files_in
from gxt.data.onnx_file import NotOnnxError, read_onnx
from gxt.model.artifacts import growing_id
from gxt.model.json_types import Json, JsonObject

_MAIN: Final = "main"
_PARTS: Final = "parts"


def stage(source: Path, home: Path, id_: str) -> tuple[str, ...]:
    """Copy a file or a folder aside; the names of its parts, relative to its own folder.

    Raises:
        OSError: it cannot be read, or there is no room. Then nothing of it is left.
    """
    making = _making(home, id_)
    try:
        main = making / f"{_MAIN}{source.suffix}"
        parts: tuple[str, ...] = ()
        if source.is_dir():
            for file in files_in(source):
                _copy(file, main / file.relative_to(source))
            main.mkdir(exist_ok=True)
        else:
            _copy(source, main)
            parts = parts_of(source, main)
        for name in parts:
            _copy(source.parent / name, making / _PARTS / name)
        making.rename(home / id_)
    except BaseException:
        _remove(making)
        raise
    return parts


def stage_bytes(content: bytes, suffix: str, home: Path, id_: str) -> None:
    """Put content aside that was made here. Raises OSError; then nothing of it is left."""
    making = _making(home, id_)
    try:
        (making / f"{_MAIN}{suffix}").write_bytes(content)
        making.rename(home / id_)
    except BaseException:
        _remove(making)
        raise


def grow(line: bytes, suffix: str, home: Path, id_: str) -> None:
    """Append a line to an output that grows: one `write`, so that several processes may. Raises OSError.

    Args:
        line: ends with a newline.
        suffix: of its file.
        home: where what waits is.
        id_: of an output that grows; until `all_grown` its folder has a hidden name, as a half made one has.
    """
    path, flags = f"{home}/.{id_}/{_MAIN}{suffix}", os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    try:
        file = os.open(path, flags, 0o666)
    except FileNotFoundError:
        _making(home, id_, exist_ok=True)
        file = os.open(path, flags, 0o666)
    try:
        written = os.write(file, line)
        if written < len(line):
            os.write(file, b"\n")  # so that the next line does not grow onto this torn one
            raise OSError(f"only {written} of {len(line)} bytes written")
    finally:
        os.close(file)


def all_grown(home: Path) -> None:
    """The run is over: what has grown is to be stored, as far as it can be."""
    for folder in home.glob(f".{growing_id('*')}"):
        with suppress(OSError):
            folder.rename(home / folder.name[1:])


def keep_staged(cache: Cache, folder: Path) -> JsonObject:
    """Store what was staged; the facts of the event `stored`. It stays staged until `forget`.

    Raises:
        OSError: it cannot be stored.
    """
    main = next((path for path in folder.iterdir() if path.name != _PARTS), None)
    if main is None:
        raise FileNotFoundError(ENOENT, "its content is gone", str(folder))
    beside = folder / _PARTS
    parts = (
        {path.relative_to(beside).as_posix(): path for path in files_in(beside)} if beside.is_dir() else {}
    )
    return _kept(cache, main, parts, changes=False)


def keep_path(
    cache: Cache, path: Path, *, ignored: Ignored | None = None
) -> tuple[JsonObject, tuple[str, ...]]:
    """Store a file or a folder as it is at this moment; the same facts, and the names of its parts.

    Args:
        cache: where.
        path: of what.
        ignored: what of a folder does not count.

    Raises:
        OSError: it cannot be read or stored.
    """
    names = () if path.is_dir() else parts_of(path)
    parts = {name: path.parent / name for name in names}
    return _kept(cache, path, parts, changes=True, ignored=ignored), names


def forget(folder: Path) -> None:
    """Take away what is stored: out of sight first, so that no half of it is stored again."""
    gone = folder.with_name(f".done-{folder.name}")
    with suppress(OSError):
        folder.rename(gone)
    _remove(gone)


def parts_of(path: Path, copy: Path | None = None) -> tuple[str, ...]:
    """The files with the weights of an ONNX model that are there, relative to its folder.

    Args:
        path: the model.
        copy: one of it, that nobody writes to.
    """
    if path.suffix.lower() != ".onnx":
        return ()
    try:
        external = read_onnx(copy or path).external
    except (NotOnnxError, OSError):  # it is kept all the same, and told when it is stored
        return ()
    folder = path.parent.resolve()
    # a link could lead to any file of this machine
    return tuple(name for name in external if _is_below(folder, path.parent / name))


def _making(home: Path, id_: str, *, exist_ok: bool = False) -> Path:
    """A folder for what is not whole yet; OSError where the directory of the run has been deleted."""
    home.mkdir(exist_ok=True)
    making = home / f".{id_}"
    making.mkdir(exist_ok=exist_ok)
    return making


def _remove(folder: Path) -> None:
    """Remove a folder as far as that is possible; shutil would cost a training 8 ms to load."""
    for place, folders, names in os.walk(folder, topdown=False):
        with suppress(OSError):
            for name in names:
                Path(place, name).unlink()
            for name in folders:
                Path(place, name).rmdir()
    with suppress(OSError):
        folder.rmdir()


def _is_below(folder: Path, path: Path) -> bool:
    return path.is_file() and path.resolve().is_relative_to(folder)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    copy_content(source, target)


def _kept(
    cache: Cache, main: Path, parts: Mapping[str, Path], *, changes: bool, ignored: Ignored | None = None
) -> JsonObject:
    facts = _content(_stored(cache, main, changes=changes, ignored=ignored))
    if parts:
        content = {name: _content(_stored(cache, path, changes=changes)) for name, path in parts.items()}
        facts["parts"] = dict[str, Json](content)
    if main.suffix.lower() == ".onnx" and main.is_file():
        facts |= _model(main, list(parts))
    return facts


def _stored(cache: Cache, path: Path, *, changes: bool, ignored: Ignored | None = None) -> Digest:
    """Put content into the cache, and hold it. Nothing is copied where a file can have a second name."""
    cache.root.mkdir(parents=True, exist_ok=True)
    found = _put_in(cache, path, changes=changes, ignored=ignored)
    cache.hold(found)
    return found


def _put_in(cache: Cache, path: Path, *, changes: bool, ignored: Ignored | None) -> Digest:
    if not changes and path.stat().st_dev == cache.root.stat().st_dev:
        found = digest(path)
        cache.keep(path, found, share=True)
        return found
    found = digest(path, hash_file=cache.take_in, ignored=ignored)
    if found.members is not None:
        cache.keep_bytes(found.listing(), found.md5)
    return found


def _content(found: Digest) -> JsonObject:
    files = None if found.members is None else len(found.members)
    return {"md5": found.md5, "size": found.size_bytes, "files": files}


def _model(path: Path, parts: Sequence[str]) -> JsonObject:
    try:
        onnx = read_onnx(path)
    except NotOnnxError as error:
        return {"notice": f"is no valid ONNX model: {error}"}
    missing = [name for name in onnx.external if name not in parts]
    lost: JsonObject = {"notice": f"lacks its external data: {', '.join(missing[:3])}"} if missing else {}
    return {"model": onnx.facts, **lost}
