"""TensorBoard's event file, written: a header, then an event for what was logged at a time for a step.

A record is its length as u64, the checksum of that, the bytes, theirs; a checksum is CRC-32C, rotated and
moved (TFRecord). Its bytes are a protobuf `tensorflow.Event`: 1 wall_time, 2 step, 3 file_version, 5 summary.
The reader is `gxt.capture.loggers.tensorboard`.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import pairwise
from math import inf
from typing import Final

from gxt.capture.loggers.protobuf import put_bytes, put_double, put_text, put_whole, varint
from gxt.model.json_types import Json
from gxt.model.metric_lines import Row
from gxt.named_tuple import NamedTuple

VERSION: Final = "brain.Event:2"
_STRING: Final = 7  # DT_STRING
_SCALARS: Final = 1  # DataClass of a scalar
_MASK: Final = 0xA282EAD8
_COLOURS: Final = {0: 1, 4: 2, 2: 3, 6: 4}  # of a PNG (its colour type) to channels of tf.Summary.Image


class Session(NamedTuple):
    """What the plugin hparams knows of a run: `{name: number, text or truth}`, how it ended, when."""

    params: Mapping[str, Json]
    status: int
    started_us: int
    ended_us: int


UNKNOWN, SUCCESS, FAILURE, RUNNING = range(4)
"""How a session ended: `tensorboard.hparams.Status`."""


def header(at_us: int) -> bytes:
    """The first record."""
    return _record(put_double(1, at_us / 1e6) + put_text(3, VERSION))


def scalars(rows: Iterable[Row]) -> Iterator[bytes]:
    """A record for each row; what is beyond single precision is infinite."""
    for at_us, step, values in rows:
        body, floats = _layout(tuple(values))
        event = bytearray(b"\x09" + struct.pack("<d", at_us / 1e6))
        event += b"\x10" + varint(step & ((1 << 64) - 1)) + body
        first = len(event) - len(body)
        for at, value in zip(floats, values.values(), strict=True):
            struct.pack_into("<f", event, first + at, single(value))
        yield _record(bytes(event))


def session(said: Session) -> Iterator[bytes]:
    """The records that the tab HPARAMS reads."""
    entries = b"".join(
        put_bytes(1, put_text(1, name) + put_bytes(2, _value(value))) for name, value in said.params.items()
    )
    began = entries + put_double(5, said.started_us / 1e6)
    ended = put_whole(1, said.status) + put_double(2, said.ended_us / 1e6)
    yield _plugin("_hparams_/session_start_info", put_bytes(3, began), said.started_us)
    yield _plugin("_hparams_/session_end_info", put_bytes(4, ended), said.ended_us)


def text(tag: str, said: str, step: int, at_us: int) -> bytes:
    """A text, which the tab TEXT shows as Markdown."""
    shape = put_bytes(2, put_bytes(2, put_whole(1, 1)))
    tensor = put_whole(1, _STRING) + shape + put_text(8, said)
    about = put_bytes(9, put_bytes(1, put_text(1, "text")))
    return _event(put_text(1, tag) + put_bytes(8, tensor) + about, step, at_us)


def image(tag: str, png: bytes, step: int, at_us: int) -> bytes:
    """A picture.

    Raises:
        ValueError: it is no PNG.
    """
    if png[:8] != b"\x89PNG\r\n\x1a\n" or len(png) < 33:
        raise ValueError("no PNG")
    width, height, _, colours = struct.unpack_from(">IIBB", png, 16)
    facts = put_whole(1, height) + put_whole(2, width) + put_whole(3, _COLOURS.get(colours, 3))
    return _event(put_text(1, tag) + put_bytes(4, facts + put_bytes(4, png)), step, at_us)


def histogram(tag: str, counts: list[float], edges: list[float], step: int, at_us: int) -> bytes:
    """How values were distributed; their sums are those of the middles of the bins."""
    middles = [(low + high) / 2 for low, high in pairwise(edges)]
    total = sum(middle * count for middle, count in zip(middles, counts, strict=True))
    squares = sum(middle * middle * count for middle, count in zip(middles, counts, strict=True))
    # the first bucket begins at minus infinity: an empty one keeps the least edge
    limits, heights = edges, [0.0, *counts]
    packed = (struct.pack(f"<{len(limits)}d", *column) for column in (limits, heights))
    numbers = (edges[0], edges[-1], sum(counts), total, squares)
    facts = b"".join(put_double(number, one) for number, one in enumerate(numbers, 1))
    facts += b"".join(put_bytes(number, column) for number, column in enumerate(packed, 6))
    return _event(put_text(1, tag) + put_bytes(5, facts), step, at_us)


def decoded(value: str) -> Json:
    """What a text stands for that may be JSON: the inverse of how an export writes a parameter."""
    try:
        said: Json = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return said


def single(value: float) -> float:
    """The number as far as single precision reaches; infinite beyond."""
    if -_LARGEST_SINGLE <= value <= _LARGEST_SINGLE or value != value:  # noqa: PLR0124 NaN
        return value
    return inf if value > 0 else -inf


_LARGEST_SINGLE: Final = 3.4028234663852886e38


@cache
def _layout(names: tuple[str, ...]) -> tuple[bytes, tuple[int, ...]]:
    """The summary of metrics that were logged together, and where in it their numbers go."""
    values = [put_text(1, name) + b"\x15" + bytes(4) for name in names]  # 2 simple_value, float
    summary, ends = b"", []
    for value in values:
        summary += put_bytes(1, value)
        ends.append(len(summary))
    body = put_bytes(5, summary)
    before = len(body) - len(summary)
    return body, tuple(before + end - 4 for end in ends)


def _event(value: bytes, step: int, at_us: int) -> bytes:
    head = put_double(1, at_us / 1e6) + put_whole(2, step)
    return _record(head + put_bytes(5, put_bytes(1, value)))


def _plugin(tag: str, content: bytes, at_us: int) -> bytes:
    about = put_bytes(1, put_text(1, "hparams") + put_bytes(2, content))
    return _event(put_text(1, tag) + put_bytes(9, about), 0, at_us)


def _value(value: Json) -> bytes:
    """A `google.protobuf.Value`: number, text or truth."""
    if isinstance(value, bool):
        return put_whole(4, value)
    if isinstance(value, (int, float)):
        return put_double(2, float(value))
    return put_text(3, str(value))


def _record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return b"".join((length, _checksum_of_length(length), data, _checksum(data)))


def _checksum(data: bytes) -> bytes:
    crc, table = 0xFFFFFFFF, _TABLE
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF)


_checksum_of_length = cache(_checksum)


def _table() -> tuple[int, ...]:
    """What CRC-32C (Castagnoli) makes of each byte; its polynomial, mirrored, is 0x82F63B78."""
    made = []
    for number in range(256):
        crc = number
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
        made.append(crc)
    return tuple(made)


_TABLE: Final = _table()
