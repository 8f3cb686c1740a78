"""Which lines a learning curve has: metrics over steps, time or another metric, repeats as one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import numpy as np

from gxt.errors import UsageError
from gxt.model.json_types import JsonObject
from gxt.model.metric_parts import PARTS, by_quantity, quantity_of, with_training
from gxt.model.points import Series
from gxt.named_tuple import NamedTuple
from gxt.ops.plotted import Measured, Plotted, evaluations
from gxt.visualization.averaging import Spread, band, smoothed
from gxt.visualization.reduction import HUGE, Floats, drawable

_CLOCK = ((120.0, 1.0, "s"), (7200.0, 60.0, "min"), (float("inf"), 3600.0, "h"))


class Request(NamedTuple):
    """How curves are drawn.

    Attributes:
        metrics: names, or quantities as `loss` for train/loss and val/loss; none: what stands for the runs.
        x: `step`, `time`, or the name of a metric.
        log: the axes that are logarithmic: "", "x", "y" or "xy".
        smooth: the weight of what was before in a moving average, 0 to below 1.
        spread: what the band around the mean of repeats is.
        title: of the picture.
    """

    metrics: Sequence[str] = ()
    x: str = "step"
    log: str = ""
    smooth: float = 0.0
    spread: Spread = "se"
    title: str | None = None


class Line(NamedTuple):
    """A curve of a picture: of a run, or of repeats with the ends of their band.

    Attributes:
        owner: the position of the run, or the group of repeats, among all.
        metric: its name; `part` is that of the data which it was measured on.
        x, y: of shape (rows,); `y` is smoothed.
        raw: y before that; None where nothing was asked for.
        low, high: the ends of the band.
        evaluated: what evaluations found for it.
    """

    owner: int
    metric: str
    part: str
    x: Floats
    y: Floats
    raw: Floats | None = None
    low: Floats | None = None
    high: Floats | None = None
    evaluated: tuple[tuple[float, Measured], ...] = ()


class Clock(NamedTuple):
    """A unit of time: the seconds in it, and its sign."""

    seconds: float
    sign: str


def panels_of(plotted: Plotted, metrics: Sequence[str]) -> dict[str, dict[str, str]]:
    """The metrics to draw, `{quantity: {part: name}}`, a panel for each quantity.

    Args:
        plotted: the runs.
        metrics: names or quantities that were asked for; none: what stands for the runs.

    Raises:
        UsageError: there are none, or no run has one of them.
    """
    names = dict.fromkeys(name for series in plotted.series for name in series)
    known = by_quantity(names)
    if not names:
        verb = "has" if len(plotted.runs) == 1 else "have"
        raise UsageError(
            f"nothing to draw: {named(plotted.runs)} {verb} no metrics over time",
            hint="log them with gxt.log({'loss': 0.5}, step=1)",
        )
    if metrics:
        return _asked(metrics, names, known)
    main = plotted.main.name if plotted.main and plotted.main.name in names else next(iter(names))
    quantity, part = quantity_of(main)
    panels = {quantity: known.get(quantity, {part: main})}
    if len(panels[quantity]) == 1:  # validation alone: beside it what was learned from
        training = next((q for q, parts in known.items() if "train" in parts and "loss" in q.lower()), None)
        if training is not None:
            panels.setdefault(training, known[training])
    return panels


def _asked(
    asked: Sequence[str], names: Mapping[str, None], known: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    panels: dict[str, dict[str, str]] = {}
    for name in asked:
        quantity, part = quantity_of(name)
        if name in names:
            panels.setdefault(quantity, {})[part] = name
        elif name in known:
            panels.setdefault(name, {}).update(known[name])
        else:
            shown = ", ".join(list(names)[:8]) + (" …" if len(names) > 8 else "")
            raise UsageError(f"no run has a metric {name!r}", hint=f"there are {shown}")
    return {quantity: with_training(parts) for quantity, parts in panels.items()}


def clock_of(plotted: Plotted) -> Clock:
    """The unit that suits the longest of the runs."""
    longest = max(
        (
            series.time_us[-1] / 1e6 - _began(run, by_name)
            for run, by_name in zip(plotted.runs, plotted.series, strict=True)
            for series in by_name.values()
            if len(series)
        ),
        default=0.0,
    )
    return next(Clock(seconds, sign) for most, seconds, sign in _CLOCK if longest < most)


def _began(run: JsonObject, series: Mapping[str, Series]) -> float:
    """When the run began, in seconds since 1970; where it does not tell, its first point."""
    if isinstance(run["created"], str):
        return datetime.fromisoformat(run["created"].replace("Z", "+00:00")).timestamp()
    return min((one.time_us[0] / 1e6 for one in series.values() if len(one)), default=0.0)


def lines_of(
    plotted: Plotted, parts: Mapping[str, str], request: Request, clock: Clock | None, notices: list[str]
) -> list[Line]:
    """The lines of a panel, those of training first.

    Args:
        plotted: the runs.
        parts: the metrics of the panel by part of the data.
        request: how they are drawn.
        clock: the unit of time, where x is the time.
        notices: takes what to tell about lines that are left out.
    """
    apart = _apart(plotted, parts.values())
    found = []
    for owner, members in enumerate(plotted.groups()):
        for part in (part for part in PARTS if part in parts):
            name = parts[part]
            having = [at for at in members if name in plotted.series[at]]
            curves = [(at, _curve(plotted, at, name, request, clock, apart, notices)) for at in having]
            curves = [(at, curve) for at, curve in curves if len(curve.x)]
            if len(curves) > 1:
                found.append(_repeats(owner, name, part, [curve for _, curve in curves], request))
            elif curves:
                at, (x, y, raw) = curves[0]
                evaluated = _evaluated(plotted.runs[at], name, x) if request.x == "step" else ()
                rough = raw if request.smooth else None
                found.append(Line(owner, name, part, x, y, rough, evaluated=evaluated))
    return found


def _repeats(owner: int, name: str, part: str, curves: Sequence[_Curve], request: Request) -> Line:
    calm = band([(one.x, one.y) for one in curves], request.spread)
    raw = None
    if request.smooth:
        rough = band([(one.x, one.raw) for one in curves], "none")
        raw = np.interp(calm.x, rough.x, rough.mean)
    return Line(owner, name, part, calm.x, calm.mean, raw, calm.low, calm.high)


def _apart(plotted: Plotted, names: Iterable[str]) -> float:
    """How many steps there are between two points of the densest curve."""
    steps = [
        np.diff(np.array(series[name].step, dtype=float))
        for name in names
        for series in plotted.series
        if name in series
    ]
    middles = [float(np.median(one[one > 0])) for one in steps if (one > 0).any()]
    return min(middles, default=1.0)


def _evaluated(run: JsonObject, name: str, x: Floats) -> tuple[tuple[float, Measured], ...]:
    """What evaluations found for the metric, at their step or else at the end."""
    found = [one for one in evaluations(run, name) if one.low is not None and abs(one.value) < HUGE]
    return tuple((float(x[-1]) if one.step is None else float(one.step), one) for one in found)


class _Curve(NamedTuple):
    """A metric of a run in the order it was logged: x, y smoothed, y as it was."""

    x: Floats
    y: Floats
    raw: Floats


def _curve(
    plotted: Plotted,
    at: int,
    name: str,
    request: Request,
    clock: Clock | None,
    apart: float,
    notices: list[str],
) -> _Curve:
    """A metric of a run; nothing where the run has no such x."""
    series, raw = plotted.series[at][name], np.array(plotted.series[at][name].value)
    steps = np.array(series.step, dtype=float)
    gaps = np.diff(steps, prepend=steps[:1]) / apart
    y = smoothed(raw, request.smooth, np.where(gaps > 0, gaps, 1.0))
    if clock is not None:
        began_us = _began(plotted.runs[at], plotted.series[at]) * 1e6
        return _Curve((np.array(series.time_us, dtype=float) - began_us) / (1e6 * clock.seconds), y, raw)
    if request.x == "step":
        return _Curve(steps, y, raw)
    along = _along(plotted.series[at], request.x)
    if along is None:
        notice = f"{plotted.runs[at]['id']} is left out: it has no metric {request.x}"
        notices += [] if notice in notices else [notice]
        return _Curve(*[np.empty(0)] * 3)
    places = _places(along, series)
    there = ~np.isnan(places)
    return _Curve(places[there], y[there], raw[there])


def _along(series: Mapping[str, Series], name: str) -> Series | None:
    """The metric that is x: by its name, or as `epoch` for train/epoch."""
    if name in series:
        return series[name]
    return next((one for key, one in series.items() if key.endswith(f"/{name}")), None)


def _places(along: Series, series: Series) -> Floats:
    """The values of a metric where another one was logged: between its points on straight lines, beyond NaN.

    Between them lie steps, or times where the two metrics count steps of their own.
    """
    known = np.array(along.value)
    by_step = _counts_alike(along, series)
    at = np.array(along.step if by_step else along.time_us, dtype=float)
    wanted = np.array(series.step if by_step else series.time_us, dtype=float)
    finite = drawable(known)
    at, last = np.unique(at[finite][::-1], return_index=True)
    if not len(at):
        return np.full(len(wanted), np.nan)
    found: Floats = np.interp(wanted, at, known[finite][::-1][last], left=np.nan, right=np.nan)
    return found


def _counts_alike(one: Series, other: Series) -> bool:
    """Whether two metrics count the same steps: what came before by step came before by time too."""
    columns = [np.array(column) for column in (other.step, other.time_us)]
    if any((np.diff(column) < 0).any() for column in columns):
        return False
    by_step, by_time = (
        np.searchsorted(column, np.array(wanted), side="right")
        for column, wanted in zip(columns, (one.step, one.time_us), strict=True)
    )
    return bool((np.abs(by_step - by_time) <= 1).all())


def named(runs: Sequence[JsonObject]) -> str:
    """The ids of runs, in words."""
    ids = [str(run["id"]) for run in runs]
    return ", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "") if ids else "no run"
