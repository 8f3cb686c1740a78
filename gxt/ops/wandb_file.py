"""W&B's transaction log of a run, written: what `wandb sync` uploads, offline runs being nothing else.

After 7 bytes of its own it is a log as LevelDB has it: blocks of 32 KiB with parts of records, each checksum
u32, length u16, kind u8; the checksum is zlib's CRC-32 of kind and bytes. A record is a protobuf
`wandb_internal.Record`. The reader is `gxt.capture.loggers.wandb`.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Final

from gxt.capture.loggers.protobuf import put_bytes, put_text, put_whole, varint
from gxt.capture.loggers.wandb import GXT_STEP
from gxt.model.json_types import Json
from gxt.model.metric_lines import Row
from gxt.named_tuple import NamedTuple

_START: Final = b":W&B" + struct.pack("<HB", 0xBEE1, 0)
_BLOCK: Final = 32 << 10
_HEADER: Final = 7
_WHOLE, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_HISTORY, _SUMMARY, _METRIC, _RUN, _EXIT, _VERSION, _ENVIRONMENT = 2, 3, 12, 17, 18, 21, 26
_NEEDS: Final = "0.70.0"  # the least version of W&B that reads such records, as W&B itself writes it


class Said(NamedTuple):
    """What W&B shows of a run besides its numbers; texts may be empty."""

    id: str
    project: str
    name: str
    notes: str
    group: str
    tags: Sequence[str]
    host: str
    config: Mapping[str, Json]
    commit: str
    started_us: int


def log(records: Iterable[bytes]) -> bytes:
    """The file that holds the records."""
    written = bytearray(_START)
    for number, record in enumerate(records, 1):
        _append(written, put_whole(1, number) + record)
    return bytes(written)


def version(producer: str) -> bytes:
    """The first record: who has written the log."""
    return put_bytes(_VERSION, put_bytes(1, put_text(1, producer) + put_text(2, _NEEDS)))


def run(said: Said) -> bytes:
    """The record that makes the run."""
    config = b"".join(put_bytes(1, put_text(1, key) + _json(value)) for key, value in said.config.items())
    seconds, us = divmod(said.started_us, 1_000_000)
    texts = ((1, said.id), (3, said.project), (6, said.group), (8, said.name), (9, said.notes))
    fields = [put_text(number, text) for number, text in texts if text]
    fields += [put_text(10, tag) for tag in said.tags]
    fields += [put_text(13, said.host)] if said.host else []
    fields += [put_bytes(4, config), put_bytes(17, put_whole(1, seconds) + put_whole(2, us * 1000))]
    fields += [put_bytes(21, put_text(2, said.commit))] if said.commit else []
    return put_bytes(_RUN, b"".join(fields))


def environment(command: Sequence[str], host: str) -> bytes:
    """What was run: W&B shows it as program and arguments."""
    program, *args = command
    words = [put_text(5, word) for word in args]
    return put_bytes(_ENVIRONMENT, b"".join([*words, put_text(6, program), put_text(12, host)]))


def own_steps(names: Iterable[str]) -> Iterator[bytes]:
    """Let the charts of these metrics count as gxt does: W&B's own steps may not repeat or go back."""
    options = put_bytes(6, put_whole(3, 1))  # defined
    yield put_bytes(_METRIC, put_text(1, GXT_STEP) + options)
    for name in names:
        yield put_bytes(_METRIC, put_text(1, name) + put_text(4, GXT_STEP) + options)


def history(rows: Iterable[Row], started_us: int, *, counts: bool) -> Iterator[bytes]:
    """A record for each row.

    Args:
        rows: time, step, values by name.
        started_us: when the run began.
        counts: whether W&B's steps count the rows, those of gxt being a metric.
    """
    for position, (at_us, step, values) in enumerate(rows):
        own = position if counts else step
        items = [_item(name, repr_number(value)) for name, value in values.items()]
        items += [_item(GXT_STEP, str(step))] if counts else []
        items += [
            _item("_step", str(own)),
            _item("_timestamp", repr(at_us / 1e6)),
            _item("_runtime", repr((at_us - started_us) / 1e6)),
        ]
        yield put_bytes(_HISTORY, b"".join([*items, put_bytes(2, put_whole(1, own))]))


def summary(values: Mapping[str, Json]) -> bytes:
    """What the table of runs shows."""
    items = (put_bytes(1, put_text(2, key) + _json(value)) for key, value in values.items())
    return put_bytes(_SUMMARY, b"".join(items))


def ended(exit_code: int, duration_s: float) -> bytes:
    """The last record."""
    return put_bytes(_EXIT, put_whole(1, exit_code) + put_whole(2, int(duration_s)))


def repr_number(value: float) -> str:
    """A number as W&B spells it: JSON, and NaN, Infinity, -Infinity."""
    return json.dumps(value)


def _json(value: Json) -> bytes:
    return put_text(16, json.dumps(value))


def _item(name: str, spelled: str) -> bytes:
    return put_bytes(1, b"".join((_key(name), varint(len(spelled)), spelled.encode())))


@cache
def _key(name: str) -> bytes:
    """A key in one part, as W&B writes those of histories, and the mark of the value that follows."""
    return put_text(2, name) + varint(16 << 3 | 2)


def _append(log: bytearray, record: bytes) -> None:
    """Add a record, in parts where a block ends."""
    at, is_first = 0, True
    while is_first or at < len(record):
        room = _BLOCK - len(log) % _BLOCK
        if room < _HEADER:
            log += bytes(room)
            room = _BLOCK
        part = record[at : at + room - _HEADER]
        at += len(part)
        is_last = at == len(record)
        kind = (_WHOLE if is_last else _FIRST) if is_first else (_LAST if is_last else _MIDDLE)
        checked = bytes((kind,)) + part
        log += struct.pack("<IH", zlib.crc32(checked), len(part)) + checked
        is_first = False
