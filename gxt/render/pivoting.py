"""A metric by one or two parameters, as a table."""

from __future__ import annotations

from gxt.model.codec import number_to_json
from gxt.model.fields import Missing
from gxt.model.json_types import Json, JsonObject
from gxt.ops.pivot import Cell, Pivot, Value, labels
from gxt.render.clean import one_line
from gxt.render.columnar import Columns, Numbers
from gxt.render.leaving_out import left_out_json, left_out_lines
from gxt.render.side_by_side import in_blocks, marked
from gxt.render.values import number, scalar
from gxt.render.view import Column, Line, Span, Table, View, line

_UNSET = "not set"
_NUMBERS = ("mean", "se", "n")


def page(result: Pivot, width: int | None) -> View:
    """For people: what the numbers are, and the table; in blocks where a terminal is narrow."""
    told = table(result)
    goal = {"max": ", higher is better", "min": ", lower is better", None: ""}[result.goal]
    head: Line = line(Span(one_line(result.metric), "title"), f", mean ± standard error (runs){goal}")
    out = left_out_lines(result.left_out)
    return [head, *out, line(), *(in_blocks(told, width) if width else [told])]


def table(result: Pivot, *, star: bool = True) -> Table:
    """Rows by the values of the first parameter, columns by those of the second; the best marked."""
    labels = " \\ ".join(one_line(name) for name in result.names)
    names = [one_line(result.metric)] if len(result.names) == 1 else [_label(one) for one in result.columns]
    places = [(row, column) for row in range(len(result.rows)) for column in range(len(result.columns))]
    cells = [result.cells.get(place) for place in places]
    best = frozenset(at for at, cell in enumerate(cells) if cell and cell.best)
    spans = marked(["" if cell is None else _shown(cell) for cell in cells], best, star=star)
    count = len(result.columns)
    rows = [
        [Span(_label(one), "dim"), *spans[at * count : (at + 1) * count]]
        for at, one in enumerate(result.rows)
    ]
    floors = [max([len(name), *(len(row[at].text) for row in rows)]) for at, name in enumerate(names, 1)]
    shown = [Column(name, right=True, floor=floor) for name, floor in zip(names, floors, strict=True)]
    return Table([Column(labels, cut=True, tail=True, floor=16), *shown], rows)


def columns(result: Pivot) -> Columns:
    """A row for each cell, with whole values: the parameters, `mean`, `se`, `n`."""
    cells = list(result.cells.items())
    found: dict[str, list[Json]] = {}
    for part, (name, values) in enumerate(zip(result.names, (result.rows, result.columns), strict=False)):
        told = labels(values)
        found[f"by {name}" if name in _NUMBERS else name] = [told[place[part]] for place, _ in cells]
    numbers = [(number_to_json(cell.mean), cell.error, len(cell.runs)) for _, cell in cells]
    return {**found, **{name: Numbers(one[at] for one in numbers) for at, name in enumerate(_NUMBERS)}}


def as_json(result: Pivot) -> JsonObject:
    """`gxt compare --pivot --json`."""
    parts = [labels(result.rows), labels(result.columns)][: len(result.names)]
    return {
        "metric": result.metric,
        "goal": result.goal,
        "names": list(result.names),
        "cells": [
            {
                "values": [part[at] for part, at in zip(parts, place, strict=False)],
                "mean": number_to_json(cell.mean),
                "se": cell.error,
                "n": len(cell.runs),
                "best": cell.best,
                "runs": list[Json](cell.runs),
            }
            for place, cell in result.cells.items()
        ],
        "left_out": left_out_json(result.left_out),
    }


def _label(value: Value) -> str:
    if isinstance(value, Missing):
        return _UNSET
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        return one_line(" ".join(map(str, value)))
    return one_line(scalar(value)) or '""'


def _shown(cell: Cell) -> str:
    count = len(cell.runs)
    error = f" ± {cell.error:.2g}" if cell.error is not None else ""
    return f"{number(number_to_json(cell.mean))}{error} ({count})"
