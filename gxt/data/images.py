"""Folders of images: how many each class has, by the folders that they lie in."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

from gxt.data.digest import Member
from gxt.model.json_types import Json, JsonObject

_ENDINGS: Final = tuple(".png .jpg .jpeg .gif .bmp .webp .tif .tiff".split())
_MOST_CLASSES: Final = 200
_MOST_SEGMENTS: Final = 200  # of a JPEG, before its size
_LONGEST: Final = 200


def describe_images(folder: Path, members: Sequence[Member]) -> JsonObject:
    """Of a folder that holds mostly images: their classes and the size of the first; else nothing.

    `shape` is height and width in pixels. Raises OSError, ValueError where the first cannot be read.
    """
    images = [one.path for one in members if one.path.lower().endswith(_ENDINGS)]
    if not images or len(images) * 2 < len(members):
        return {}
    counts = Counter(path.rpartition("/")[0] for path in images)
    found: JsonObject = {"format": "images", "rows": len(images)}
    if len(counts) > 1 and len(counts) <= _MOST_CLASSES:
        classes: dict[str, Json] = {(name or ".")[:_LONGEST]: counts[name] for name in sorted(counts)}
        found["classes"] = {"folders": classes}
    shape = image_size(folder / images[0])
    return {**found, "shape": [*shape]} if shape else found


def image_size(path: Path) -> tuple[int, int] | None:
    """Height and width of a PNG or a JPEG, from its header; None for what is neither."""
    with path.open("rb") as file:
        head = file.read(24)
        if head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR" and len(head) == 24:
            width, height = struct.unpack(">II", head[16:24])
            return height, width
        return _jpeg_size(file) if head.startswith(b"\xff\xd8") else None


def _jpeg_size(file: IO[bytes]) -> tuple[int, int] | None:
    file.seek(2)
    for _ in range(_MOST_SEGMENTS):
        head = file.read(4)
        if len(head) < 4 or head[0] != 0xFF:
            return None
        marker, length = head[1], int.from_bytes(head[2:], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a start of a frame
            frame = file.read(5)
            return struct.unpack(">HH", frame[1:]) if len(frame) == 5 else None
        file.seek(length - 2, 1)
    return None
