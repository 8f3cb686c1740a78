"""Remembers slow answers in a cache folder, each for as long as the files it was read from stay as they are.

One file per question. A file that is damaged, of another question or not writable is as good as none: the
same is found, later. What is asked is the matter of the callers.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar
from zlib import crc32

from gxt.capture.files import read_json
from gxt.model.json_types import Json, JsonObject
from gxt.named_tuple import NamedTuple

_T = TypeVar("_T")

# A file changed less than this before it was looked at may change again without a new time stamp: the
# coarsest file systems (FAT) count in steps of 2 s.
_TIMESTAMP_GRAIN_NS = 2_000_000_000


class Answer(NamedTuple):
    """What was found out.

    Attributes:
        value: as it is written into the cache.
        watched: the files and folders that it holds for, as long as they stay as they are.
        lasting: whether it may be remembered at all.
    """

    value: Json
    watched: Sequence[str]
    lasting: bool = True


def remembered(
    cache_dir: Path,
    question: JsonObject,
    *,
    parse: Callable[[Json], _T | None],
    ask: Callable[[], Answer | None],
) -> _T | None:
    """The answer in the cache while all that it was read from is as it was, else a new one.

    Args:
        cache_dir: made when there is something to write.
        question: what is asked, with all that the answer depends on besides the watched files.
        parse: the value as what it stands for; None when it is no such thing.
        ask: finds the answer; None when there is none now, which is not remembered.
    """
    # a file holds its question, so that two with one checksum only overwrite each other; hashlib costs 3 ms
    checksum = crc32(json.dumps(question, sort_keys=True).encode())
    path = cache_dir / f"{checksum:08x}.json"
    known = read_json(str(path))
    if isinstance(known, dict) and known.get("key") == question and _unchanged(known.get("watched")):
        value = parse(known.get("value"))
        if value is not None:
            return value
    asked_ns = time.time_ns()
    answer = ask()
    if answer is None:
        return None
    stamps = {name: _stamp(name) for name in answer.watched}
    if answer.lasting and all(_is_settled(stamp, asked_ns) for stamp in stamps.values()):
        _write_json(path, {"key": question, "watched": {**stamps}, "value": answer.value})
    return parse(answer.value)


def _unchanged(stamps: Json) -> bool:
    return isinstance(stamps, dict) and all(_stamp(name) == stamp for name, stamp in stamps.items())


def _stamp(path: str) -> list[Json] | None:
    """What changes when a file or folder changes, or a link to it; None when there is none."""
    try:
        link, target = Path(path).lstat(), Path(path).stat()
    except (OSError, ValueError):
        return None
    times = [link.st_mtime_ns, link.st_ctime_ns, target.st_mtime_ns, target.st_ctime_ns]
    return [*times, link.st_ino, target.st_ino, target.st_size]


def _is_settled(stamp: list[Json] | None, asked_ns: int) -> bool:
    if stamp is None:
        return True
    newest = max(time_ns for time_ns in (stamp[0], stamp[2]) if isinstance(time_ns, int))
    return newest < asked_ns - _TIMESTAMP_GRAIN_NS


def _write_json(path: Path, document: JsonObject) -> None:
    """Write a cache file whole or not at all; a cache that cannot be written is done without."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("x", encoding="ascii") as file:
            json.dump(document, file)
        draft.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
