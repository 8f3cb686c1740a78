"""A law of scaling: the runs as points, the fit with its bands, and what it leaves unexplained."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from gxt.render.clean import one_line
from gxt.visualization import looks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gxt.analysis.law import Law
    from gxt.analysis.study import Measured, Study

_PLACES = 200  # of the law between the smallest and the largest run


def draw(study: Study, log: str, title: str | None, ax: Axes | None) -> Figure:
    """The points, the law with its confidence band and the dotted band of another run; below, the residuals.

    Args:
        study: see `gxt.analysis.analyze_scaling_law`.
        log: the axes that are logarithmic.
        title: of the picture.
        ax: where to draw; there are no residuals then.
    """
    x, y = one_line(study.x, 40), one_line(study.y, 40)
    with looks.looks(ax):
        if ax is None:
            figure: Figure = looks.Picture(figsize=(6.4, 4.8), layout="constrained")
            above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
            _draw_residuals(below, study)
            looks.name_axes(below, title="", x=x, y="residual")
        else:
            figure, above = looks.figure_of(ax), ax
        for axis in log:
            getattr(above, f"set_{axis}scale")("log")
        _draw_laws(above, study, "outside" if ax is None else "inside")
        default = f"{y} by {x}, {len(study.runs)} runs"
        looks.name_axes(above, title=one_line(title or default), x=x if ax is not None else "", y=y)
        looks.note(above, f"law, bands and bars at {study.fit.level:.0%}; dotted: of another run")
    return figure


def _groups(study: Study) -> dict[str, list[Measured]]:
    found: dict[str, list[Measured]] = {}
    for run in study.runs:
        found.setdefault(run.group, []).append(run)
    return found


def _draw_laws(ax: Axes, study: Study, legend: str) -> None:
    groups = _groups(study)
    colours = looks.colours(len(groups))
    errors = NormalDist().inv_cdf((1 + study.fit.level) / 2)
    entries: list[tuple[Artist, str]] = []
    for nth, (group, runs) in enumerate(groups.items()):
        points = _draw_points(ax, runs, _look(nth, colours[nth]), group, errors)
        entries += [(points, one_line(group, 40))] if group else []
    laws = [("", study.fit)] if study.scaling.is_one else [(group, study.law_of(group)) for group in groups]
    for nth, (group, law) in enumerate(laws):
        colour = colours[nth] if group else "black"
        runs = groups[group] if group else list(study.runs)
        entries.append((_draw_law(ax, law, runs, colour), f"{one_line(group, 20)} {words(law)}".strip()))
    looks.add_legend(ax, entries, place=legend)


def _draw_points(
    ax: Axes, runs: Sequence[Measured], look: Mapping[str, Any], group: str, errors: float
) -> Artist:
    """The runs of a group, each with the interval of its y if that is known."""
    for run in runs:
        if run.x is not None and run.y is not None and run.error:
            half = errors * run.error
            ends = (run.y - half, run.y + half)
            looks.draw_interval(ax, (run.x, run.y), ends, look["color"], across=False)
    x, y = _places(runs)
    (drawn,) = ax.plot(x, y, label=group or "runs", zorder=3, **look)
    return drawn


def _look(nth: int, colour: str) -> dict[str, Any]:
    return {"linestyle": "none", "color": colour, "marker": looks.MARKERS[nth % 8]}


def _draw_law(ax: Axes, law: Law, runs: Sequence[Measured], colour: str) -> Artist:
    x, _ = _places(runs)
    places = np.geomspace(min(x), max(x), _PLACES).tolist()
    band = law.at(places)
    ax.fill_between(places, band.low, band.high, color=colour, alpha=0.2, linewidth=0)
    for end, values in (("low", band.low), ("high", band.high)):
        ax.plot(places, values, color=colour, alpha=0.5, linewidth=0.4, label=f"_{end} law")
    for values in (band.next_low, band.next_high):
        ax.plot(places, values, color=colour, linestyle=(0, (1, 2)), linewidth=0.8, label="_next")
    (drawn,) = ax.plot(places, band.fitted, color=colour, label=words(law))
    return drawn


def words(law: Law) -> str:
    """The law, and its exponent with the interval."""
    low, high = law.b.low, law.b.high
    if low is None and high is None:
        return "a·x^b + c, b not determined"
    if low is None or high is None:  # the value is then the best of very many that fit as well
        ends = f"below {high:.3g}" if high is not None else f"above {low:.3g}"
        return f"a·x^b + c, b {ends}"
    return f"a·x^b + c, b = {law.b.value:.3g} ({low:.3g} to {high:.3g})"


def _draw_residuals(ax: Axes, study: Study) -> None:
    ax.axhline(0.0, color=looks.GREY, linewidth=0.8, label="_zero")
    fitted = dict(zip((run.id for run in study.runs), study.bands().fitted.tolist(), strict=True))
    groups = _groups(study)
    for nth, (colour, runs) in enumerate(zip(looks.colours(len(groups)), groups.values(), strict=True)):
        x, y = _places(runs)
        residuals = [value - fitted[run.id] for run, value in zip(runs, y, strict=True)]
        ax.plot(x, residuals, label="residuals", **_look(nth, colour))


def _places(runs: Sequence[Measured]) -> tuple[list[float], list[float]]:
    """The x and the y of runs that are points, which have both."""
    return [cast("float", run.x) for run in runs], [cast("float", run.y) for run in runs]
