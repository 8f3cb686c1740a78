"""What a dataset holds, in short: rows, columns, classes, shapes. Whatever is not known is absent.

The work on one dataset is bounded in bytes and in time, and so is what is said of it. A file that is not
what its name says has no description.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gxt.data.digest import Member
from gxt.model.json_types import Json, JsonObject

VERSION: Final = 1  # of the descriptions: another one is found out anew
_TABLES: Final = frozenset((".csv", ".tsv"))
_LINES: Final = frozenset((".jsonl", ".ndjson"))
_READ: Final = (*_TABLES, *_LINES)  # of the others the header is enough
_OF_A_FOLDER: Final = 32 << 20  # bytes of the files that are read
_MOST_PARTS: Final = 20
_LONGEST_PATH: Final = 1000
_FAILURES: Final = (
    *(OSError, ValueError, ArithmeticError, LookupError, TypeError, SyntaxError, AttributeError),
    *(RecursionError, MemoryError, EOFError, NotImplementedError),
)


def describe_file(path: Path) -> JsonObject:
    """What a file holds, by the ending of its name; empty when that is not known.

    Args:
        path: csv, tsv, jsonl, parquet (where pyarrow is installed), npy or npz.
    """
    ending = path.suffix.lower()
    try:
        if ending in _TABLES:
            from gxt.data.tables import describe_table

            return describe_table(path, "\t" if ending == ".tsv" else "")
        if ending in _LINES:
            from gxt.data.tables import describe_json_lines

            return describe_json_lines(path)
        if ending == ".parquet":
            from gxt.data.parquet import describe_parquet

            return describe_parquet(path)
        if ending in (".npy", ".npz"):
            from gxt.data.arrays import describe_npy, describe_npz

            return describe_npy(path) if ending == ".npy" else describe_npz(path)
    except _FAILURES:  # it is not what its name says
        return {}
    return {}


def describe_folder(folder: Path, members: Sequence[Member]) -> JsonObject:
    """What a folder holds: images by their class, else what its first files hold, by their paths."""
    from gxt.data.images import describe_images

    try:
        if images := describe_images(folder, members):
            return images
    except _FAILURES:
        return {}
    parts: dict[str, Json] = {}
    left = _OF_A_FOLDER
    for one in members:
        left -= one.size_bytes if one.path.lower().endswith(_READ) else 0
        if left < 0 or len(parts) >= _MOST_PARTS:
            break
        if found := describe_file(folder / one.path):
            parts[one.path[:_LONGEST_PATH]] = found
    return {"parts": parts} if parts else {}


def description_key(path: Path, md5: str) -> str:
    """By what a description can be remembered: the content, and what the name says of it."""
    return f"{VERSION} {md5} {os.path.splitext(path.name)[1].lower()}"  # noqa: PTH122 a name such as `.csv`
