"""Runs, or kinds of runs, side by side: what each measured, its interval, the mean of repeats."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gxt.errors import UsageError
from gxt.model.fields import MISSING, Field, parse_field, reader
from gxt.model.goals import Goal
from gxt.model.json_types import Json, JsonObject
from gxt.model.metric_parts import is_bound
from gxt.model.run import metrics_of
from gxt.named_tuple import NamedTuple
from gxt.ops.plotted import Measured, Plotted, measured, unit_of
from gxt.render.clean import one_line
from gxt.render.values import number, scalar
from gxt.visualization import looks
from gxt.visualization.reduction import HUGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_PANELS = 6
_SYSTEM = "system/"
ARCHITECTURES = tuple(
    "architecture arch model.architecture model.arch model.type model.name model_type model_name model "
    "network net backbone".split()
)
"""Parameters that tell an architecture, the more telling first."""


class Row(NamedTuple):
    """A line of the picture: a run, the repeats of one, or the runs of a kind."""

    label: str
    found: tuple[Measured, ...]

    def mean(self) -> float:
        """The mean of what was measured; NaN where nothing finite was."""
        n = len(self.found)
        return math.fsum(one.value / n for one in self.found) if n else math.nan

    def error(self) -> float | None:
        """The standard error of the mean, s/√n; None of fewer than two values."""
        n = len(self.found)
        if n < 2:
            return None
        mean = self.mean()
        return math.hypot(*(one.value - mean for one in self.found)) / math.sqrt(n * (n - 1))


def draw_comparison(
    plotted: Plotted, metrics: Sequence[str], log: str, title: str | None, ax: Axes | None
) -> tuple[Figure, list[str]]:
    """A panel for each metric, in it a line for each run, repeats together; the best has a star.

    Raises:
        UsageError: fewer than two runs, or nothing to compare.
    """
    groups = plotted.groups()
    if len(plotted.runs) < 2:
        raise UsageError("a comparison needs two runs or more", hint="gxt plot compare exp-001 exp-002")
    names = list(metrics) or _telling(plotted)
    _check(plotted, names)
    labels = [_label(plotted, members) for members in groups]
    notices = list(plotted.notices)
    columns = min(3, len(names))
    height = (0.9 + 0.28 * max(3, len(groups))) * -(-len(names) // columns)
    with looks.looks(ax):
        figure, axes = looks.panels(ax, names, columns, 2.4 + 2.9 * columns, min(40.0, height))
        for nth, (name, one) in enumerate(zip(names, axes, strict=True)):
            rows = [
                Row(label, _finite([plotted.runs[at] for at in members], name, notices))
                for label, members in zip(labels, groups, strict=True)
            ]
            goal = plotted.goals.get(name)
            _draw_rows(
                one, rows, goal, _log(log, name, rows, notices), named=nth % columns == 0, starred=True
            )
            x = looks.measured_label(name, unit_of(plotted.runs, name), goal)
            looks.name_axes(one, title=one_line(title or "") if len(names) == 1 else "", x=x, y="")
        if title and len(names) > 1:
            looks.name_figure(figure, title)
    return figure, notices


def _label(plotted: Plotted, members: Sequence[int]) -> str:
    label = looks.label_of(plotted.runs[members[0]])
    return label if len(members) == 1 else f"{label} (n={len(members)})"


def draw_architectures(
    plotted: Plotted, metric: str | None, by: str | None, log: str, title: str | None, ax: Axes | None
) -> tuple[Figure, list[str]]:
    """The runs of each architecture, their mean and its standard error, the best architecture on top.

    Raises:
        UsageError: there is nothing to compare, or nothing tells the architectures.
    """
    name = metric or (plotted.main.name if plotted.main else None)
    if not plotted.runs or name is None:
        raise UsageError("nothing to draw: there is no run with a metric", hint="gxt list shows the runs")
    _check(plotted, [name])
    field = parse_field(by) if by else _architecture(plotted.runs)
    notices = list(plotted.notices)
    kinds = _kinds(plotted.runs, field, notices)
    goal = plotted.goals.get(name)
    found = {kind: _finite(runs, name, notices) for kind, runs in kinds.items()}
    rows = [
        Row(f"{one_line(kind, 36)} (n={len(values)})", values) for kind, values in found.items() if values
    ]
    if not rows:
        raise UsageError(
            f"nothing to draw: no run has both {field.text} and a finite {name}",
            hint="--by NAME tells another parameter, --metric NAME another metric",
        )
    rows.sort(key=Row.mean, reverse=goal != "min")
    with looks.looks(ax):
        figure, axes = looks.panels(ax, [name], 1, 6.4, min(40.0, 1.2 + 0.34 * max(3, len(rows))))
        _draw_rows(axes[0], rows, goal, _log(log, name, rows, notices), named=True, starred=False)
        x = looks.measured_label(name, unit_of(plotted.runs, name), goal)
        looks.name_axes(axes[0], title=one_line(title or f"{name} by {field.text}"), x=x, y="")
    return figure, notices


def _kinds(runs: Sequence[JsonObject], field: Field, notices: list[str]) -> dict[str, list[JsonObject]]:
    """The runs by what they have for a field; those that have nothing are told and left out."""
    kinds: dict[str, list[JsonObject]] = {}
    for run in runs:
        value = reader(field)(run)
        kinds.setdefault("" if value is MISSING or value is None else scalar(value), []).append(run)
    if untold := kinds.pop("", []):
        ids = ", ".join(str(run["id"]) for run in untold[:5]) + (" …" if len(untold) > 5 else "")
        notices.append(f"left out, for they have no {field.text}: {ids}")
    return kinds


def _telling(plotted: Plotted) -> list[str]:
    """The metric that stands for the runs, then those that differ and of which it is known what is better."""
    names = dict.fromkeys(name for run in plotted.runs for name in metrics_of(run))
    differing = [
        name
        for name in names
        if not name.startswith(_SYSTEM)
        and not is_bound(name, names)
        and len({str(metrics_of(run).get(name)) for run in plotted.runs}) > 1
    ]
    main = [plotted.main.name] if plotted.main else []
    ordered = [*main, *(name for name in differing if plotted.goals.get(name))] or differing
    if not ordered:
        raise UsageError("nothing to draw: the runs have no metrics", hint="gxt show ID shows what they have")
    return list(dict.fromkeys(ordered))[:_MOST_PANELS]


def _check(plotted: Plotted, names: Iterable[str]) -> None:
    for name in names:
        if not any(measured(run, name) for run in plotted.runs):
            known = list(dict.fromkeys(name for run in plotted.runs for name in metrics_of(run)))
            shown = ", ".join(known[:8]) + (" …" if len(known) > 8 else "")
            raise UsageError(f"no run has a metric {name!r}", hint=f"there are {shown}" if known else "")


def _architecture(runs: Sequence[Mapping[str, Json]]) -> Field:
    """The parameter that tells the architecture."""
    for name in ARCHITECTURES:
        field = parse_field(f"params.{name}")
        values = (reader(field)(run) for run in runs)
        if any(isinstance(value, (str, int, float)) for value in values):
            return field
    raise UsageError(
        "no parameter tells the architecture: there is no params.architecture, params.model.type or the like",
        hint="--by NAME tells which one does, for example --by params.width",
    )


def _finite(runs: Sequence[JsonObject], name: str, notices: list[str]) -> tuple[Measured, ...]:
    """What the runs have for the metric; what is not finite is told and left out."""
    kept = []
    for run in runs:
        found = measured(run, name)
        if found is None:
            continue
        if math.isfinite(found.value) and abs(found.value) < HUGE:
            kept.append(found)
        else:
            notices.append(f"{run['id']}: {name} is {number(found.value)}: left out")
    return tuple(kept)


def _draw_rows(
    ax: Axes, rows: Sequence[Row], goal: Goal | None, log: bool, *, named: bool, starred: bool
) -> None:
    """The rows from top to bottom: what was measured, small and pale where there is a mean of it."""
    best = _best(rows, goal) if starred else None
    if any(row.error() is not None for row in rows):
        looks.note(ax, "mean ± standard error")
    for at, row in enumerate(rows):
        error = row.error()
        if error is not None:
            _draw_points(ax, row.found, at)
        ends: Sequence[Measured] = row.found
        if error is not None:
            ends = [Measured(row.mean(), row.mean() - error, row.mean() + error)]
        if ends:
            _draw_value(ax, ends[0], at, row.label, best=at == best)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    looks.name_ticks(ax.yaxis, range(len(rows)), [row.label for row in rows] if named else [""] * len(rows))
    if log:
        ax.set_xscale("log")
    else:
        looks.choose_ticks(ax.xaxis, nbins=5)


def _log(log: str, name: str, rows: Sequence[Row], notices: list[str]) -> bool:
    """Whether the axis of a metric is logarithmic: as asked for, where all values are above 0."""
    if log and not all(one.value > 0 for row in rows for one in row.found):
        notices.append(f"{name} is not above 0 everywhere: its axis is not logarithmic")
        return False
    return bool(log)


def _draw_points(ax: Axes, found: Sequence[Measured], at: int) -> None:
    """The single runs below their mean."""
    look: dict[str, Any] = {"linestyle": "none", "marker": "|", "markersize": 6, "alpha": 0.8}
    values = [one.value for one in found]
    ax.plot(values, [at + 0.27] * len(found), color=looks.PALETTE[5], label="_runs", **look)


def _draw_value(ax: Axes, one: Measured, at: int, label: str, *, best: bool) -> None:
    """A value with its interval, the best one as a star."""
    if one.low is not None and one.high is not None:
        looks.draw_interval(ax, (one.value, at), (one.low, one.high), looks.PALETTE[0], across=True)
    look: dict[str, Any] = {"marker": "*", "markersize": 10} if best else {"marker": "o", "markersize": 5}
    ax.plot([one.value], [at], linestyle="none", color=looks.PALETTE[0], label=label, **look)


def _best(rows: Sequence[Row], goal: Goal | None) -> int | None:
    """The row with the best mean; None where nobody knows, or all are equal."""
    means = {at: row.mean() for at, row in enumerate(rows) if row.found}
    if goal is None or len(set(means.values())) < 2:
        return None
    return (max if goal == "max" else min)(means, key=means.__getitem__)
