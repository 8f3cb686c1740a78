"""The content of what imported runs have put out: what their folders have of it goes into the cache."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gxt.data.bringing import is_inside
from gxt.data.cache import Cache
from gxt.data.digest import Digest, Member
from gxt.data.received import Received, below
from gxt.errors import DamagedRecord, NewerFormat
from gxt.model.codec import MAX_DOCUMENT_BYTES, load_document
from gxt.model.json_types import JsonObject
from gxt.model.layout import RECORD, RUN
from gxt.model.pointers import FOLDER, is_md5

_PIECE_BYTES: Final = 1 << 20
_DEEPEST: Final = 64
_FOLDER_PARTS: Final = 3  # of the path of a file in a folder: outputs/NAME/…


def keep_outputs(cache: Cache, folder: Received) -> None:
    """Store what the folder of a run has of the content that the run names, and the cache has not.

    What has another hash than the run says is left where it is.

    Raises:
        OSError: it cannot be read or stored.
    """
    names = _names(folder)
    wanted = {md5 for md5 in _wanted(folder) if not cache.has(md5)} if names else set()
    if not wanted:
        return
    for path, md5 in names.items():
        if md5 in wanted:
            _keep(cache, folder, path, md5)
    for place, members in _folders(names).items():
        found = _digest(folder, place, members)
        if (
            found
            and found.md5 in wanted
            and all(_keep(cache, folder, f"{place}/{one.path}", one.md5) for one in found.members or ())
        ):
            cache.keep_bytes(found.listing(), found.md5)
            cache.hold(found)


def _names(folder: Received) -> dict[str, str]:
    """The files with content, and which: as the export tells it, and anybody may have told otherwise."""
    contents = _document(folder, RUN).get("contents")
    found = contents.items() if isinstance(contents, dict) else ()
    return {
        path: str(md5)
        for path, md5 in found
        if is_inside(path) and path.count("/") < _DEEPEST and is_md5(md5)
    }


def _wanted(folder: Received) -> list[str]:
    with folder.folder(RECORD) as record:
        artifacts = _document(record, "metrics.json").get("artifacts") if record else None
    listed = artifacts if isinstance(artifacts, list) else []
    return [str(one["md5"]) for one in listed if isinstance(one, dict) and is_md5(one.get("md5"))]


def _document(folder: Received, name: str) -> JsonObject:
    """A document; an empty one where it cannot be read."""
    try:
        found = folder.read(name, MAX_DOCUMENT_BYTES)
        return load_document(found.data, name) if found else {}
    except (DamagedRecord, NewerFormat):
        return {}


def _folders(names: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The files that lie in folders of outputs: their hashes by the path in the folder, by folder."""
    folders: dict[str, dict[str, str]] = {}
    for path, md5 in names.items():
        parts = path.split("/", _FOLDER_PARTS - 1)
        if len(parts) == _FOLDER_PARTS and not md5.endswith(FOLDER):
            folders.setdefault("/".join(parts[:2]), {})[parts[2]] = md5
    return folders


def _digest(folder: Received, place: str, members: Mapping[str, str]) -> Digest | None:
    """A folder as DVC lists it; None where a file of it is not there."""
    listed = []
    for path, md5 in sorted(members.items()):
        with below(folder, f"{place}/{path}") as handle:
            if handle is None:
                return None
            listed.append(Member(path, md5, os.fstat(handle).st_size))
    found = Digest("", sum(one.size_bytes for one in listed), tuple(listed))
    md5 = hashlib.md5(found.listing(), usedforsecurity=False).hexdigest()
    return found._replace(md5=f"{md5}{FOLDER}")


def _keep(cache: Cache, folder: Received, path: str, md5: str) -> bool:
    """Store a file under its hash; whether the cache has it then."""
    if cache.has(md5):
        return True
    with below(folder, path) as handle:
        if handle is None or _md5(handle) != md5:
            return False
        os.lseek(handle, 0, os.SEEK_SET)  # on macOS the file that /dev/fd opens is at the same place
        found = cache.take_in(Path(f"/dev/fd/{handle}"))
        cache.hold(Digest(found.md5, found.size_bytes))
        return found.md5 == md5


def _md5(handle: int) -> str:
    seen = hashlib.md5(usedforsecurity=False)
    while piece := os.read(handle, _PIECE_BYTES):
        seen.update(piece)
    return seen.hexdigest()
