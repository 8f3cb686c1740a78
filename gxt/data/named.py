"""The content that a run names: what it has put out, and what it was given that DVC keeps."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Final

from gxt.data.cache import Cache
from gxt.errors import DamagedData
from gxt.model.json_types import Json, JsonObject
from gxt.model.pointers import FOLDER, is_md5
from gxt.named_tuple import NamedTuple

_MOST_LISTED_BYTES: Final = 256 << 20  # a list of two million files


class Named(NamedTuple):
    """Content, and who names it.

    Attributes:
        md5: its hash.
        size_bytes: as the run tells it; None where it does not. Of a folder that of all files together.
        run: the id of a run that names it.
        path: under which name.
        was_here: the run had it; it may do without what it had not.
    """

    md5: str
    size_bytes: int | None
    run: str
    path: str
    was_here: bool = True

    @property
    def is_folder(self) -> bool:
        """Whether it is the list of a folder's files."""
        return self.md5.endswith(FOLDER)


def named_by(run: str, config: JsonObject, metrics: JsonObject) -> list[Named]:
    """What a run names, by its documents (or twice the run's JSON); what has no hash is left out."""
    data, artifacts = _entries(config.get("data")), _entries(metrics.get("artifacts"))
    kept = [*(one for one in data if one.get("tracked") == "dvc"), *artifacts]
    return [
        Named(
            str(one["md5"]),
            _whole(one.get("size")),
            run,
            str(one.get("path", "")),
            one.get("missing") is not True,
        )
        for one in kept
        if is_md5(one.get("md5"))
    ]


def members(cache: Cache, folder: Named) -> list[Named]:
    """The files of a folder whose list is in the cache.

    Raises:
        DamagedData: it is not what its hash says.
        OSError: it cannot be read.
    """
    place = cache.path_of(folder.md5)
    if place.stat().st_size > _MOST_LISTED_BYTES:
        raise _damaged(folder)
    content = place.read_bytes()
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != folder.md5.removesuffix(FOLDER):
        raise _damaged(folder)
    try:
        listed = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _damaged(folder) from error
    found = []
    for one in listed if isinstance(listed, list) else [None]:
        if not isinstance(one, dict) or not is_md5(one.get("md5")) or one["md5"].endswith(FOLDER):
            raise _damaged(folder)
        found.append(Named(one["md5"], None, folder.run, f"{folder.path}/{one.get('relpath', '')}"))
    return found


def each_once(named: Iterable[Named]) -> list[Named]:
    """The same, each content under the first of its names."""
    found: dict[str, Named] = {}
    for one in named:
        found.setdefault(one.md5, one)
    return list(found.values())


def _damaged(folder: Named) -> DamagedData:
    hint = "remove it there, and get it again: gxt pull --data"
    return DamagedData(folder.run, folder.path, folder.md5, "the cache", hint=hint)


def _entries(listed: Json) -> list[JsonObject]:
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
