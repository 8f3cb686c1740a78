"""`gxt compare --pivot`: a metric by one or two parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from gxt.errors import UsageError
from gxt.model.evidence import Sample, sample
from gxt.model.fields import MISSING, Missing, parse_field, reader, sort_by
from gxt.model.goals import Goal
from gxt.model.json_types import Json, JsonObject
from gxt.named_tuple import NamedTuple
from gxt.ops.compare import CompareRequest, best_of
from gxt.ops.history import History
from gxt.ops.measuring import LeftOut, measured
from gxt.ops.workspace import Workspace

Value: TypeAlias = "Json | Missing"


class Cell(NamedTuple):
    """The runs with two values, one in each parameter.

    Attributes:
        runs: their ids.
        mean: of the metric; NaN or infinite where one is.
        error: the standard error of the mean; None for one run, or where the mean is not finite.
        best: whether no other cell has a better mean.
    """

    runs: tuple[str, ...]
    mean: float
    error: float | None
    best: bool = False


class Pivot(NamedTuple):
    """A metric by one or two parameters.

    Attributes:
        metric, goal: as it was asked for, and which way it is better, where that is known.
        names: of the parameter of the rows, and of that of the columns if there is one.
        rows: its values, numbers in order, then texts; `MISSING` last, for the runs without it.
        columns: the same of the columns; `MISSING` alone without such a parameter.
        cells: by the places of row and column; those without a run are not there.
        left_out: runs that do not count.
        notices: what could not be read.
    """

    metric: str
    goal: Goal | None
    names: tuple[str, ...]
    rows: tuple[Value, ...]
    columns: tuple[Value, ...]
    cells: Mapping[tuple[int, int], Cell]
    left_out: tuple[LeftOut, ...]
    notices: tuple[str, ...] = ()


def pivot(workspace: Workspace, request: CompareRequest, names: Sequence[str], metric: str | None) -> Pivot:
    """The mean of a metric over the runs with each value of one or two parameters.

    Args:
        workspace: whose.
        request: which runs; all where it names none.
        names: one or two, as in `--where`, or bare.
        metric: such a name, or None for the main metric.

    Raises:
        UsageError: there are more names than two, none, or the same twice.
        UsageError, UnknownRun, AmbiguousRun, QueryError: as `gxt.ops.measuring.measured`.
    """
    if not 1 <= len(names) <= 2:
        raise UsageError(
            f"a table has rows and columns, and {len(names)} names are given",
            hint="runs stand before --pivot: gxt compare 1 2 3 --pivot model.type lr",
        )
    if len(set(names)) < len(names):
        raise UsageError(f"{names[0]} is named for rows and columns", hint="name two, or one for rows alone")
    with History(workspace) as history:
        found = measured(history, request, metric, names)
    keys = [_values(name, found.runs) for name in names]
    rows, columns = _distinct(keys[0]), _distinct(keys[1]) if len(keys) > 1 else [MISSING]
    places = [{_key(value): at for at, value in enumerate(values)} for values in (rows, columns)]
    members: dict[tuple[int, int], list[int]] = {}
    for at in range(len(found.runs)):
        row = places[0][_key(keys[0][at])]
        column = places[1][_key(keys[1][at])] if len(keys) > 1 else 0
        members.setdefault((row, column), []).append(at)
    cells = {
        place: _cell([found.runs[at] for at in members[place]], [found.values[at] for at in members[place]])
        for place in sorted(members)
    }
    best = best_of([one.mean for one in cells.values()], found.goal)
    marked = {place: one._replace(best=at in best) for at, (place, one) in enumerate(cells.items())}
    return Pivot(
        found.metric,
        found.goal,
        tuple(names),
        tuple(rows),
        tuple(columns),
        marked,
        found.left_out,
        found.notices,
    )


def labels(values: Sequence[Value]) -> list[Json]:
    """The values as JSON: null for the runs without one."""
    return [None if isinstance(value, Missing) else value for value in values]


def _values(name: str, runs: Sequence[JsonObject]) -> list[Value]:
    return list(map(reader(parse_field(name)), runs))


def _distinct(values: Sequence[Value]) -> list[Value]:
    """The different values in order, that of the runs without one last."""
    found = {_key(value): value for value in values}.values()
    return sort_by(sorted(found, key=lambda value: value is MISSING), lambda value: value, False)


def _key(value: Value) -> str:
    """What equal values share: 1 and 1.0, but not true."""
    if isinstance(value, Missing):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, sort_keys=True)


def _cell(runs: Sequence[JsonObject], values: list[float]) -> Cell:
    ids = tuple(str(run["id"]) for run in runs)
    found: Sample | None = sample(values)
    if found is None:
        return Cell(ids, sum(one / len(values) for one in values), None)
    return Cell(ids, found.mean, found.error)
