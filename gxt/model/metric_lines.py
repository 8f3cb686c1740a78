"""The metrics of a run as lines of JSON, as many scripts write them by themselves: a line for each step."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, TypeAlias

from gxt.model.codec import number_to_json, time_to_json

if TYPE_CHECKING:
    from gxt.model.json_types import JsonObject
    from gxt.model.series import Series, SeriesByName

Row: TypeAlias = "tuple[int, int, dict[str, float]]"


def metric_lines(series: SeriesByName) -> Iterator[bytes]:
    """A line for what was logged at a time for a step: `{"step": 0, "time": "…", "loss": 0.5}`.

    NaN and infinities are the strings that JSON documents here have for them.
    """
    for at_us, step, values in metric_rows(series):
        line: JsonObject = {"step": step, "time": time_to_json(at_us)}
        line.update({name: number_to_json(value) for name, value in values.items()})
        yield json.dumps(line).encode() + b"\n"


def metric_rows(series: SeriesByName) -> Iterator[Row]:
    """What was logged at a time for a step, in the order of time: `(time in us, step, {name: value})`."""
    tables: dict[tuple[int, int], dict[str, Series]] = {}
    for name, one in series.items():
        tables.setdefault((id(one.step), id(one.time_us)), {})[name] = one
    rows = heapq.merge(*map(_rows, tables.values()), key=_when)
    for (at_us, step), together in groupby(rows, key=_when):
        row: dict[str, float] = {}
        for _, _, values in together:
            if row.keys() & values.keys():  # logged twice in a microsecond
                yield at_us, step, row
                row = {}
            row.update(values)
        yield at_us, step, row


def _rows(table: dict[str, Series]) -> Iterator[Row]:
    """What was logged together, in the order of logging."""
    first = next(iter(table.values()))
    columns = [one.value for one in table.values()]
    for step, at_us, *values in zip(first.step, first.time_us, *columns, strict=True):
        yield int(at_us), int(step), dict(zip(table, values, strict=True))


def _when(row: Row) -> tuple[int, int]:
    return row[0], row[1]
