"""The `.wandb` file that W&B writes for each run, online and offline: config, history, summary.

After 7 bytes of its own it is a log as LevelDB has it: blocks of 32 KiB with records, each checksum u32,
length u16, kind u8 (whole, first, middle, last). Its payloads are protobuf `wandb_internal.Record`.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Final

from gxt.capture.loggers.content import Content, Point
from gxt.capture.loggers.protobuf import fields, inner, signed, text, unzigzag
from gxt.capture.loggers.wandb_artifacts import Artifacts
from gxt.capture.loggers.wandb_metrics import Definitions
from gxt.model.json_types import Json, JsonObject
from gxt.model.metrics import flatten_numbers

_FILES, _ARTIFACT, _METRIC = 6, 8, 12
_BLOCK: Final = 32 << 10
_HEADER: Final = 7
_WHOLE, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_HISTORY, _SUMMARY, _CONFIG = 2, 3, 5
RUN, EXIT, ENVIRONMENT = 17, 18, 26
GXT_STEP: Final = "gxt/step"
"""The step of a run that gxt has exported, where W&B's own could not hold it."""
COUNTERS: Final = (GXT_STEP, "trainer/global_step", "global_step", "iteration", "iter", "step")
"""Metrics that count what W&B's own steps may not."""
_OWN: Final = "_"  # keys of W&B's own begin so, in histories and summaries
_OWN_CONFIG: Final = "_wandb"


class WandbReader:
    """Reads a file piece by piece.

    Attributes:
        summary: what `run.summary` has by now.
        artifacts: what the run has put aside by now.
        told: the records of some kinds, as they are: `RUN`, `EXIT`, `ENVIRONMENT`.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._offset = 0  # in the file, of the first byte of the rest
        self._started = False
        self._parts = bytearray()
        self._step = -1
        self._counts = False  # W&B's own steps count the calls, unless the script says them
        self.artifacts = Artifacts()  # what the run has put aside by now
        self._definitions = Definitions()
        self._learn = {
            _FILES: self.artifacts.save,
            _ARTIFACT: self.artifacts.log,
            _METRIC: self._definitions.learn,
        }
        self._logged: set[str] = set()
        self.summary: dict[str, Json] = {}
        self.told: list[tuple[int, bytes]] = []

    def feed(self, data: bytes) -> Content:
        """What the next bytes hold; a record that is not all there waits."""
        points: list[Point] = []
        params: JsonObject = {}
        about: dict[str, list[str]] = {"tags": [], "title": []}
        for record in self._records(data):
            try:
                self._take(record, points, params, about)
            except (ValueError, TypeError, OverflowError, struct.error):
                continue
        self._logged.update(name for point in points for name in point.numbers)
        defined = self._definitions.told(self._logged)
        return Content(points, params, tuple(about["tags"]), "".join(about["title"][-1:]), defined)

    def at_end(self) -> Content:
        """What is only in the summary: numbers that the script put there itself."""
        numbers = _numbers(self.summary)
        left = {name: value for name, value in numbers.items() if name not in self._logged}
        left = self._definitions.without_summaries(left)
        return Content([Point(max(self._step, 0), None, left)] if left else [])

    def _records(self, data: bytes) -> Iterator[bytes]:
        self._rest += data
        if not self._started:
            if len(self._rest) < _HEADER:
                return
            self._started = True
            self._drop(_HEADER)
        while True:
            room = _BLOCK - self._offset % _BLOCK
            if room < _HEADER:  # the rest of a block is empty
                if len(self._rest) < room:
                    return
                self._drop(room)
                continue
            if len(self._rest) < _HEADER:
                return
            _, size, kind = struct.unpack_from("<IHB", self._rest)
            if not _WHOLE <= kind <= _LAST or _HEADER + size > room:  # damaged: on with the next block
                if len(self._rest) < room:
                    return
                self._drop(room)
                self._parts.clear()
                continue
            if len(self._rest) < _HEADER + size:
                return
            payload = bytes(self._rest[_HEADER : _HEADER + size])
            self._drop(_HEADER + size)
            yield from self._whole(kind, payload)

    def _whole(self, kind: int, payload: bytes) -> Iterator[bytes]:
        if kind in (_WHOLE, _FIRST):
            self._parts.clear()
        self._parts += payload
        if kind in (_WHOLE, _LAST):
            yield bytes(self._parts)
            self._parts.clear()

    def _drop(self, count: int) -> None:
        del self._rest[:count]
        self._offset += count

    def _take(
        self, record: bytes, points: list[Point], params: JsonObject, about: dict[str, list[str]]
    ) -> None:
        for number, value in fields(record):
            if number in self._learn:
                self._learn[number](inner(value))
            if number == _HISTORY:
                points += self._definitions.placed(self._history(inner(value)))
            elif number == _SUMMARY:
                self.summary.update(_items(inner(value)))
            elif number == _CONFIG:
                params.update(_config(inner(value)))
            elif number in (RUN, EXIT, ENVIRONMENT):
                self.told.append((number, inner(value)))
                for run_number, said in fields(inner(value)) if number == RUN else ():
                    if run_number == 4:
                        params.update(_config(inner(said)))
                    elif run_number in (8, 10):
                        about["title" if run_number == 8 else "tags"].append(text(said))

    def _history(self, history: bytes) -> Point:
        row = _items(history)
        for number, value in fields(history):
            if number == 2:
                row.setdefault("_step", signed(dict(fields(inner(value))).get(1, 0)))
        step, at = row.get("_step"), row.get("_timestamp")
        counted = next((row[name] for name in COUNTERS if type(row.get(name)) in {int, float}), None)
        if isinstance(counted, (int, float)) and float(counted).is_integer():
            self._step, self._counts = int(counted), True
        elif not self._counts:
            self._step = int(step) if isinstance(step, (int, float)) else self._step + 1
        row.pop(GXT_STEP, None)
        return Point(self._step, round(at * 1e6) if isinstance(at, (int, float)) else None, _numbers(row))


def _numbers(row: JsonObject) -> dict[str, float]:
    """The numbers of a row by name: W&B writes them in any order."""
    shown = {key: _plain(value) for key, value in sorted(row.items()) if not key.startswith(_OWN)}
    return flatten_numbers(shown)


def _config(config: bytes) -> JsonObject:
    return {key: value for key, value in _items(config).items() if key != _OWN_CONFIG}


def _items(message: bytes) -> dict[str, Json]:
    """The items of a history, a config or a summary: `{1 key, 2 nested_key*, 16 value_json}`, or typed ones.

    The typed ones are 4 boolean, 5 integer, 6 number, 7 text, 8 json.
    """
    items: dict[str, Json] = {}
    for number, value in fields(message):
        if number == 1:
            key, found = _item(inner(value))
            if key:
                _put(items, key, found)
    return items


def _put(items: dict[str, Json], key: list[str], value: Json) -> None:
    for part in key[:-1]:
        below = items.setdefault(part, {})
        if not isinstance(below, dict):
            return
        items = below
    items[key[-1]] = value


def _item(item: bytes) -> tuple[list[str], Json]:
    key, nested = "", []
    found: Json = None
    for number, value in fields(item):
        if number == 1:
            key = text(value)
        elif number == 2:
            nested.append(text(value))
        elif number == 4:
            found = bool(value)
        elif number == 5:
            found = unzigzag(value)
        elif number == 6:
            found = float(struct.unpack("<d", inner(value))[0])
        elif number == 7:
            found = text(value)
        elif number in (8, 16):
            try:
                found = json.loads(text(value))
            except RecursionError as error:
                raise ValueError("too deep") from error
    return nested or [key], found


def _plain(value: Json) -> Json:
    """A value without what stands for a picture, a table, a histogram: objects with a `_type`."""
    if not isinstance(value, dict):
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else _special(value)
    if "_type" in value:
        return None
    return {key: _plain(one) for key, one in value.items()}


def _special(value: Json) -> Json:
    """Numbers that JSON has no word for are texts in some files."""
    words = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
    return words.get(value) if isinstance(value, str) else float(value) if isinstance(value, bool) else None
