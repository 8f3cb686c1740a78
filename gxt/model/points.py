"""The metrics of a run as points in memory: gathered call by call, or thinned to fewer of them.

How they are stored is `gxt.model.series`; what a metric comes to (its last, its best) is not known here.
Nothing here needs numpy: points are gathered while a run is sealed.
"""

from __future__ import annotations

from array import array
from itertools import pairwise
from math import inf, isfinite
from typing import TYPE_CHECKING, TypeAlias

from gxt.model.columns import Floats, Ints, Numbers
from gxt.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LEAST_ROWS = 4  # first, last, lowest and highest
PICKED_ROWS = 8  # those, and one of each kind of NaN and infinity


class Series:
    """One metric over time, one row a logged point, in the order of the journal.

    Two series are equal when every bit is: NaN equals the same NaN, and 0.0 is not -0.0.

    Attributes:
        step: int64, `array('q')`; may repeat or go back.
        time_us: microseconds since the Unix epoch, `array('q')`.
        value: doubles, `array('d')`.
    """

    __slots__ = ("step", "time_us", "value")

    def __init__(self, step: Ints, time_us: Ints, value: Floats) -> None:
        if not len(step) == len(time_us) == len(value):
            raise ValueError("the columns of a series differ in length")
        self.step = step
        self.time_us = time_us
        self.value = value

    def __repr__(self) -> str:
        return f"Series(step={self.step!r}, time_us={self.time_us!r}, value={self.value!r})"

    def __len__(self) -> int:
        return len(self.step)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Series):
            return NotImplemented
        return (
            self.step == other.step
            and self.time_us == other.time_us
            and self.value.tobytes() == other.value.tobytes()
        )

    __hash__ = None  # type: ignore[assignment]


SeriesByName: TypeAlias = "Mapping[str, Series]"


# --- gathering -------------------------------------------------------------------------------------------


class SeriesBuilder:
    """Gathers logged points in the order of the journal, some 50 bytes a call of four metrics.

    Calls with the same names share one group of columns; a metric that was logged in several company is
    put back in order by the number of its call at the end.
    """

    def __init__(self) -> None:
        self._groups: dict[tuple[str, ...], _Group] = {}
        self._calls = 0

    def add(self, step: int, time_us: int, metrics: Mapping[str, float]) -> None:
        """Take the values that one call logged.

        Raises:
            OverflowError: a step or time beyond int64 or a value beyond a double; nothing was taken.
        """
        names = tuple(metrics)
        group = self._groups.get(names)
        if group is None:
            group = self._groups[names] = _Group()
        try:
            group.values.extend(metrics.values())
            group.time_us.append(time_us)
            group.step.append(step)
            group.call.append(self._calls)
        except (OverflowError, TypeError):
            group.cut(len(group.call), width=len(names))
            raise
        self._calls += 1

    def build(self) -> dict[str, Series]:
        """The series by name, first logged first; hands the columns over and leaves the builder empty."""
        groups = {names: group for names, group in self._groups.items() if group.call}
        self._groups = {}
        parts: dict[str, list[tuple[_Group, Floats]]] = {}
        for names, group in groups.items():
            for position, name in enumerate(names):
                parts.setdefault(name, []).append((group, group.values[position :: len(names)]))
            group.values = array("d")
        merged: dict[tuple[int, ...], _Merged] = {}
        series: dict[str, Series] = {}
        for name in list(parts):
            among = [group for group, _ in parts[name]]
            key = tuple(map(id, among))
            if key not in merged:
                merged[key] = _merge(among)
            series[name] = merged[key].series([values for _, values in parts.pop(name)])
        return series


class _Group:
    """The rows of the calls that logged the same names; `values` holds them row after row."""

    __slots__ = ("call", "step", "time_us", "values")

    def __init__(self) -> None:
        self.call: Ints = array("q")
        self.step: Ints = array("q")
        self.time_us: Ints = array("q")
        self.values: Floats = array("d")

    def cut(self, rows: int, *, width: int) -> None:
        """Keep only the first rows."""
        del self.call[rows:], self.step[rows:], self.time_us[rows:], self.values[rows * width :]


class _Merged(NamedTuple):
    """The shared columns of some groups, and the order that their rows were logged in (None: as they are)."""

    order: list[int] | None
    step: Ints
    time_us: Ints

    def series(self, values: list[Floats]) -> Series:
        return Series(self.step, self.time_us, _ordered(values, self.order))


def _merge(groups: list[_Group]) -> _Merged:
    order = None
    if len(groups) > 1:
        calls = joined([group.call for group in groups])
        order = sorted(range(len(calls)), key=calls.__getitem__)
    return _Merged(
        order,
        _ordered([group.step for group in groups], order),
        _ordered([group.time_us for group in groups], order),
    )


def _ordered(columns: list[Numbers], order: list[int] | None) -> Numbers:
    whole = joined(columns)
    if order is None:
        return whole
    ordered = whole[:0]
    ordered.extend(map(whole.__getitem__, order))
    return ordered


def joined(columns: list[Numbers]) -> Numbers:
    """The columns end to end; the very same array when there is one."""
    if len(columns) == 1:
        return columns[0]
    whole = columns[0][:]
    for column in columns[1:]:
        whole.extend(column)
    return whole


# --- thinning --------------------------------------------------------------------------------------------


def thin(series: SeriesByName, *, max_rows: int) -> dict[str, Series]:
    """At most that many rows of each metric, in their order, such that a plot looks the same.

    Kept first: the first and the last row and the first of the lowest and of the highest value, then the
    first row of each kind of NaN and infinity. Of the room that is left, up to half goes to other rows
    without a finite value, spread evenly; the rest to the lowest and highest row of equal stretches.

    Metrics that share their steps and times keep the same rows, so that they go on sharing them: each picks
    an equal part, and what room is left goes to rows that are spread evenly. Of many metrics only as many
    stay together as can pick `PICKED_ROWS` each.

    Args:
        series: every metric; one that is short enough comes back as it is.
        max_rows: at least 4.

    Raises:
        ValueError: max_rows is below 4.
    """
    if max_rows < LEAST_ROWS:
        raise ValueError(f"max_rows is {max_rows}; at least {LEAST_ROWS} rows are kept")
    sharing: dict[tuple[int, int], list[str]] = {}
    for name, one in series.items():
        sharing.setdefault((id(one.step), id(one.time_us)), []).append(name)
    thinned = dict(series)
    together = max(1, max_rows // PICKED_ROWS)
    for names in sharing.values():
        if len(series[names[0]]) > max_rows:
            for start in range(0, len(names), together):
                group = names[start : start + together]
                thinned.update(zip(group, _thinned([series[name] for name in group], max_rows), strict=True))
    return thinned


def _thinned(group: list[Series], max_rows: int) -> list[Series]:
    """Metrics of the same steps and times with the rows that one of them picked."""
    picked = set().union(*(_kept_rows(one.value, max_rows // len(group)) for one in group))
    if len(group) > 1:  # several picked the same row: there is room left
        rest = [row for row in range(len(group[0])) if row not in picked]
        picked.update(_spread(rest, max_rows - len(picked)))
    rows = sorted(picked)
    step = array("q", [group[0].step[row] for row in rows])
    time_us = array("q", [group[0].time_us[row] for row in rows])
    return [Series(step, time_us, array("d", [one.value[row] for row in rows])) for one in group]


def _kept_rows(values: Floats, max_rows: int) -> set[int]:
    finite = [row for row, value in enumerate(values) if isfinite(value)]
    odd = [row for row, value in enumerate(values) if not isfinite(value)]
    kept = set(_landmarks(values, finite, odd)[:max_rows])
    room = max_rows - len(kept)
    kept.update(_spread([row for row in odd if row not in kept], max(room // 2, room - len(finite))))
    kept.update(_extremes(values, finite, (max_rows - len(kept)) // 2))
    return kept


def _landmarks(values: Floats, finite: list[int], odd: list[int]) -> list[int]:
    """The rows that are never dropped, the most important first, each once."""
    rows = [0, len(values) - 1]
    if finite:
        rows += [min(finite, key=values.__getitem__), max(finite, key=values.__getitem__)]
    kinds: dict[float | None, int] = {}
    for row in odd:
        kinds.setdefault(values[row] if abs(values[row]) == inf else None, row)
    return list(dict.fromkeys([*rows, *kinds.values()]))


def _spread(rows: Sequence[int], most: int) -> list[int]:
    """At most that many of the rows, evenly."""
    if len(rows) <= most:
        return list(rows)
    return [rows[position * len(rows) // most] for position in range(most)]


def _extremes(values: Floats, rows: Sequence[int], stretches: int) -> list[int]:
    """The row of the lowest and of the highest value in each of that many stretches of the rows."""
    found: list[int] = []
    bounds = [position * len(rows) // stretches for position in range(stretches + 1)] if stretches else []
    for start, stop in pairwise(bounds):
        stretch = rows[start:stop]
        if stretch:
            found += [min(stretch, key=values.__getitem__), max(stretch, key=values.__getitem__)]
    return found
