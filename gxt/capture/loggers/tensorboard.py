"""TensorBoard's event files, as torch, tensorboardX, TensorFlow and Keras write them.

A file is a row of records (TFRecord): length as u64, its checksum, the bytes, theirs; all little-endian. The
checksums are not looked at: CRC-32C in Python would take longer than all else. Each record is a protobuf
`tensorflow.Event`; of its summaries the scalars are read, and the parameters of the plugin hparams. Values
are single precision in most files.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from math import isfinite
from typing import Final

from gxt.capture.loggers.content import Content, Point
from gxt.capture.loggers.protobuf import fields, inner, signed, text
from gxt.model.json_types import Json, JsonObject
from gxt.model.scalars import parse_scalar
from gxt.named_tuple import NamedTuple

_HEAD: Final = 12  # bytes before a record; 4 follow it
_LARGEST_READ: Final = 1 << 20  # bytes: what is larger holds images or a graph
_LARGEST: Final = 1 << 31
_LARGEST_SINGLE: Final = 3.4028234e38
_FORMATS: Final = {1: "f", 2: "d", 3: "i", 9: "q"}  # DT_FLOAT, DT_DOUBLE, DT_INT32, DT_INT64
_VALUES: Final = {5: "f", 6: "d"}  # fields float_val, double_val of a tensor
_SESSION: Final = "_hparams_/session_start_info"
_SESSION_END: Final = "_hparams_/session_end_info"
_TABLE: Final = "hyperparameters"  # a text that scripts of reinforcement learning write: a table in Markdown


class Session(NamedTuple):
    """What the plugin hparams tells of a run besides its parameters; None for what it does not.

    Attributes:
        started_us: when it began, in microseconds since 1970.
        ended_us: when it ended.
        status: 1 for success, 2 for failure, others where that is not known.
    """

    started_us: int | None = None
    ended_us: int | None = None
    status: int = 0


class EventReader:
    """Reads an event file piece by piece. `session` holds what is known of the run by now."""

    def __init__(self) -> None:
        self.session = Session()
        self._rest = bytearray()
        self._skip = 0
        self._broken = False

    def feed(self, data: bytes) -> Content:
        """What the next bytes of the file hold; a record that is not all there waits for the rest of it."""
        points: list[Point] = []
        params: JsonObject = {}
        for record in self._records(data):
            try:
                self._event(record, points, params)
            except (ValueError, TypeError, OverflowError, struct.error):
                continue  # one damaged record among good ones
        return Content(points, params)

    def _records(self, data: bytes) -> Iterator[bytes]:
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        self._rest += data
        at = 0
        while not self._broken and len(self._rest) - at >= _HEAD:
            (size,) = struct.unpack_from("<Q", self._rest, at)
            whole = _HEAD + size + 4
            if size > _LARGEST:
                self._broken = True  # nobody can tell where the next one begins
            elif size > _LARGEST_READ:
                left = len(self._rest) - at
                self._skip, at = max(0, whole - left), at + min(whole, left)
            elif len(self._rest) - at < whole:
                break
            else:
                yield bytes(self._rest[at + _HEAD : at + _HEAD + size])
                at += whole
        del self._rest[:at]
        if self._broken:
            self._rest.clear()

    def _event(self, record: bytes, points: list[Point], params: JsonObject) -> None:
        step, time_us, values = 0, 0, []
        for number, value in fields(record):
            if number == 1:
                time_us = _microseconds(value)
            elif number == 2:
                step = signed(value)
            elif number == 5:
                values += [inner(one) for inner_number, one in fields(inner(value)) if inner_number == 1]
        if self.session.started_us is None:
            self.session = self.session._replace(started_us=time_us)
        for value in values:
            self._summary(value, step, time_us, points, params)

    def _summary(
        self, summary: bytes, step: int, time_us: int, points: list[Point], params: JsonObject
    ) -> None:
        """One value of an event: a scalar, or what a plugin has to say."""
        found = dict(fields(summary))
        tag = text(found.get(1, b""))
        plugin = _plugin(inner(found[9])) if 9 in found else ("", b"")
        if 2 in found:
            number: float | None = _shortest(inner(found[2]))
        elif plugin[0] == "hparams":
            if tag == _SESSION:
                params.update(_session(plugin[1]))
            if tag in (_SESSION, _SESSION_END):
                self.session = _told(plugin[1], self.session)
            return
        elif plugin[0] == "text":
            if tag.startswith(_TABLE) and 8 in found:
                params.update(_table(inner(found[8])))
            return
        else:
            number = _scalar(inner(found[8])) if 8 in found and plugin[0] in {"scalars", ""} else None
        if number is not None and tag:
            points.append(Point(step, time_us, {tag: number}))


def _microseconds(seconds: int | bytes) -> int:
    (found,) = struct.unpack("<d", inner(seconds))
    return round(float(found) * 1e6)


def _told(content: bytes, before: Session) -> Session:
    """What a session tells: `3 session_start_info {5 start}`, `4 session_end_info {1 status, 2 end}`."""
    for number, info in fields(content):
        said = dict(fields(inner(info))) if number in (3, 4) else {}
        if number == 3 and 5 in said:
            before = before._replace(started_us=_microseconds(said[5]))
        elif number == 4:
            ended_us = _microseconds(said[2]) if 2 in said else None
            before = before._replace(ended_us=ended_us, status=signed(said.get(1, 0)))
    return before


def _plugin(metadata: bytes) -> tuple[str, bytes]:
    data = next((inner(value) for number, value in fields(metadata) if number == 1), b"")
    found = dict(fields(data))
    return text(found.get(1, b"")), inner(found.get(2, b""))


def _scalar(tensor: bytes) -> float | None:
    """The number in a tensor of one; None for any other tensor."""
    found: dict[int, int | bytes] = dict(fields(tensor))
    shape = inner(found.get(2, b""))
    if any(number == 2 and dict(fields(inner(size))).get(1) != 1 for number, size in fields(shape)):
        return None
    code = _FORMATS.get(int(signed(found.get(1, 0))))
    for number, values in _VALUES.items():
        if number in found:
            packed = inner(found[number])
            if number == 5 and len(packed) == 4:
                return _shortest(packed)
            return (
                float(struct.unpack(f"<{values}", packed)[0])
                if len(packed) == struct.calcsize(values)
                else None
            )
    content = inner(found.get(4, b""))
    if code == "f" and len(content) == 4:
        return _shortest(content)
    if code is None or len(content) != struct.calcsize(code):
        return None
    return float(struct.unpack(f"<{code}", content)[0])


def _shortest(single: bytes) -> float:
    """The number with the fewest digits that this single stands for: 0.2, not 0.20000000298."""
    number: float = struct.unpack("<f", single)[0]
    if not isfinite(number):
        return number
    for digits in (6, 7, 8):
        short = float(f"{number:.{digits}g}")
        if abs(short) < _LARGEST_SINGLE and struct.pack("<f", short) == single:
            return short
    return number


def _session(content: bytes) -> JsonObject:
    """The parameters of a session: `HParamsPluginData{3 session_start_info{1 hparams{name: Value}}}`."""
    params: JsonObject = {}
    for number, info in fields(content):
        if number != 3:
            continue
        for inner_number, entry in fields(inner(info)):
            if inner_number == 1:
                pair = dict(fields(inner(entry)))
                params[text(pair.get(1, b""))] = _value(inner(pair.get(2, b"")))
    return params


def _value(value: bytes) -> Json:
    """A `google.protobuf.Value`: number, text or truth; what else there may be is none of a parameter."""
    for number, content in fields(value):
        if number == 2:
            double = float(struct.unpack("<d", inner(content))[0])
            return int(double) if double.is_integer() and abs(double) < 1 << 53 else double
        if number == 3:
            return text(content)
        if number == 4:
            return bool(content)
    return None


def _table(tensor: bytes) -> JsonObject:
    """The rows of `|param|value|`, `|-|-|`, `|lr|0.1|`, which scripts write as text."""
    written = "".join(text(value) for number, value in fields(tensor) if number == 8)
    rows = [
        line.strip().strip("|").split("|") for line in written.splitlines() if line.strip().startswith("|")
    ]
    return {row[0].strip(): parse_scalar(row[1].strip()) for row in rows[2:] if len(row) == 2}
