"""What a piece of a log holds, whichever logger wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from gxt.model.json_types import JsonObject
from gxt.named_tuple import NamedTuple


class Point(NamedTuple):
    """Numbers that were logged together.

    Attributes:
        step: as the logger counts.
        time_us: when, in microseconds since the epoch; None where the format has no times.
        numbers: by name.
    """

    step: int
    time_us: int | None
    numbers: dict[str, float]


class Aside(NamedTuple):
    """A file or folder that a logger has put aside as a result, and its name where the path has another."""

    path: Path
    name: str | None = None


class Content(NamedTuple):
    """What was new in a log: points in their order, parameters, labels, and the name that its run goes by.

    `defined` holds what the script has said of metrics, as `gxt.define_metric` does: `goal` and `summary`.
    """

    points: list[Point]
    params: JsonObject = {}  # noqa: RUF012 nobody writes into it
    tags: tuple[str, ...] = ()
    title: str = ""
    defined: Mapping[str, JsonObject] = MappingProxyType({})


NOTHING = Content([])
_TOGETHER_US = 1_000_000


def joined(points: list[Point]) -> list[Point]:
    """Neighbours of one step and about one time as one point: many formats have a record for each number."""
    together: list[Point] = []
    for point in points:
        last = together[-1] if together else None
        if last is not None and last.step == point.step and last.numbers.keys().isdisjoint(point.numbers):
            apart_us = 0 if point.time_us is None or last.time_us is None else point.time_us - last.time_us
            if 0 <= apart_us <= _TOGETHER_US:
                last.numbers.update(point.numbers)
                continue
        together.append(point._replace(numbers={**point.numbers}))
    return together
