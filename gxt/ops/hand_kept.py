"""A run that was kept by hand: a folder with `config.yaml`, `metrics.jsonl`, `eval.json`, or some of them.

It tells no identity: that follows from its name and its content, so that the same folder is the same run in
every repository. It tells no times but those of its files, unless a line of its metrics does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final, cast

from gxt.capture.params_files import MAX_BYTES, parse_params
from gxt.data.received import Content, Received
from gxt.errors import DamagedRecord, InvalidParams
from gxt.model.codec import is_deeper, number_from_json, time_to_json
from gxt.model.ids import new_uid
from gxt.model.json_types import Json, JsonObject
from gxt.model.layout import CONFIG, EVAL, METRICS
from gxt.model.scalars import clean_text
from gxt.model.shapes import MAX_EVALUATION_DEPTH
from gxt.named_tuple import NamedTuple
from gxt.ops.foreign import LAST_US, Foreign, from_foreign
from gxt.ops.workspace import Workspace
from gxt.store.sync.from_files import FromFiles

_FILES: Final = {CONFIG: MAX_BYTES, METRICS: 256 << 20, EVAL: 1 << 20}
_MOST_LINE_BYTES: Final = 1 << 20
_STEPS: Final = ("step", "_step", "global_step", "iteration", "iter")
_TIMES: Final = ("time", "_timestamp", "timestamp")
_LONGEST_TIME: Final = 40
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FIRST_US: Final = 946_684_800 * 1_000_000  # 2000: a smaller number counts something else
_DEEPEST: Final = 8  # of the metrics in a line


class _Line(NamedTuple):
    """What a line of metrics tells; None for the step and the time that it does not."""

    step: int | None
    at_us: int | None
    values: Mapping[str, float]


def is_by_hand(folder: Received) -> bool:
    """Whether a folder holds what a run consists of."""
    return any(map(folder.has_file, _FILES))


def by_hand(workspace: Workspace, folder: Received, label: str) -> tuple[str, FromFiles]:
    """The run in a folder, and when it was made.

    Args:
        workspace: where it is to go.
        folder: with at least one of its files.
        label: the folder's name, which the run gets.

    Raises:
        DamagedRecord: a file is not what it should be.
    """
    found = {name: folder.read(name, most) for name, most in _FILES.items()}
    files = {name: one._replace(at_us=_clipped(one.at_us)) for name, one in found.items() if one}
    lines, odd = _lines(files[METRICS].data) if METRICS in files else ([], 0)
    said = [one.at_us for one in lines if one.at_us is not None]
    times = [*said, *(one.at_us for name, one in files.items() if not (said and name == METRICS))]
    uid = _uid(label, files, min(said, default=0))
    run = _run(label, files, lines, odd, _Span(min(times), max(times)))
    return time_to_json(run.created_us), from_foreign(workspace, uid, run)


class _Span(NamedTuple):
    """From when to when, in microseconds since 1970."""

    first_us: int
    last_us: int


def _clipped(at_us: int) -> int:
    """The time of a file as documents can hold it."""
    return min(max(at_us, 0), LAST_US - 1)


def _uid(label: str, files: Mapping[str, Content], at_us: int) -> str:
    """The identity that follows from the content; its time is what that tells, else none."""
    seen = hashlib.sha256(label.encode(errors="surrogateescape"))
    for name, one in files.items():
        seen.update(f"\0{name}\0{len(one.data)}\0".encode())
        seen.update(one.data)
    return new_uid(at_us // 1000, seen.digest()[:10])


def _run(label: str, files: Mapping[str, Content], lines: list[_Line], odd: int, span: _Span) -> Foreign:
    """What its files tell of it."""
    at_us = files[METRICS].at_us if METRICS in files else span.last_us
    told = [f"imported from {label}, which was kept by hand: its times are those of its files"]
    told += [f"lines of {METRICS} without a metric: {odd}"] if odd else []
    return Foreign(
        "hand",
        label,
        label,
        span.first_us,
        span.last_us,
        params=_mapping(files[CONFIG], CONFIG) if CONFIG in files else {},
        metrics=[
            (
                at_us if one.at_us is None else one.at_us,
                position if one.step is None else one.step,
                one.values,
            )
            for position, one in enumerate(lines)
        ],
        notices=told,
        evaluation=_evaluation(files[EVAL]) if EVAL in files else None,
    )


def _mapping(content: Content, name: str) -> JsonObject:
    """What a file of YAML or JSON holds."""
    try:
        return parse_params(content.data.decode(), Path(name))
    except (UnicodeDecodeError, InvalidParams) as error:
        raise DamagedRecord(f"{name} cannot be read: {error}") from error


def _evaluation(content: Content) -> JsonObject:
    """The evaluation that a file tells; empty where it tells nothing."""
    values = _mapping(content, EVAL)
    if is_deeper(values, MAX_EVALUATION_DEPTH):
        raise DamagedRecord(f"{EVAL} is nested deeper than {MAX_EVALUATION_DEPTH}")
    return values


# --- metrics ---------------------------------------------------------------------------------------------


def _lines(data: bytes) -> tuple[list[_Line], int]:
    """The lines with metrics, and how many others there are."""
    found, odd = [], 0
    for text in data.splitlines():
        if not text.strip():
            continue
        line = _line(text) if len(text) <= _MOST_LINE_BYTES else None
        if line is None:
            odd += 1
        else:
            found.append(line)
    return found, odd


def _line(text: bytes) -> _Line | None:
    try:
        said: Json = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    step = next((key for key in _STEPS if type(said.get(key)) is int and _is_step(said[key])), None)
    at = next((key for key in _TIMES if _time_us(said.get(key)) is not None), None)
    rest = {key: value for key, value in said.items() if key not in (step, at)}
    values = dict(_numbers("", rest, 1))
    if not values:
        return None
    return _Line(cast("int", said[step]) if step else None, _time_us(said[at]) if at else None, values)


def _is_step(value: Json) -> bool:
    return isinstance(value, int) and -(1 << 62) < value < 1 << 62


def _numbers(prefix: str, said: JsonObject, depth: int) -> Iterator[tuple[str, float]]:
    """The metrics by name, `val/loss` for nested ones; what is no number is none."""
    for key, value in said.items():
        name = f"{prefix}{clean_text(key)}"
        if isinstance(value, dict) and depth < _DEEPEST:
            yield from _numbers(f"{name}/", value, depth + 1)
            continue
        number = number_from_json(value)
        if number is not None and name:
            with suppress(OverflowError):  # a whole number that no double can hold
                yield name, float(number)


def _time_us(value: Json) -> int | None:
    """A time as people log it, in microseconds since 1970: ISO 8601, or seconds since then."""
    if isinstance(value, str) and len(value) <= _LONGEST_TIME:
        try:
            at = datetime.fromisoformat(value.replace("Z", "+00:00"))
            aware = at if at.tzinfo else at.replace(tzinfo=timezone.utc)
            at_us = (aware - _EPOCH) // timedelta(microseconds=1)
        except (ValueError, OverflowError):
            return None
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < LAST_US:
        at_us = round(value * 1e6)
    else:
        return None
    return at_us if _FIRST_US <= at_us < LAST_US else None
