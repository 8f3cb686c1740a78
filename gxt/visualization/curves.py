"""Learning curves as pictures: training beside validation, runs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from gxt.errors import UsageError
from gxt.model.metric_parts import PARTS
from gxt.named_tuple import NamedTuple
from gxt.ops.plotted import Plotted, unit_of
from gxt.render.clean import one_line
from gxt.visualization import looks
from gxt.visualization.averaging import SPREADS
from gxt.visualization.lines import Clock, Line, Request, clock_of, lines_of, named, panels_of
from gxt.visualization.reduction import Floats, Rows, drawable, kept_rows

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DASHES: dict[str, Any] = {"train": (0, (4, 1.5)), "": "solid", "val": "solid", "test": (0, (1, 1.2))}
_FEW = 30  # points that each get a marker
_DENSE = 300  # points from which on a thick line is a blot
_MOST_NAMED = 20  # runs in a legend
_BESIDE = 3  # runs from which on the legend stands beside the panel


class _Setting(NamedTuple):
    """What all panels of a picture share.

    Attributes:
        plotted: the runs.
        request: how they are drawn.
        labels: of each run, or of each group of repeats.
        clock: the unit of time, where x is the time.
        notices: what to tell about the picture; grows while it is drawn.
    """

    plotted: Plotted
    request: Request
    labels: Sequence[str]
    clock: Clock | None
    notices: list[str]


def draw(plotted: Plotted, request: Request, ax: Axes | None) -> tuple[Figure, list[str]]:
    """The curves of the runs, a panel for each quantity, and what to tell about them.

    Raises:
        UsageError: there is nothing to draw, or more panels than axes.
    """
    chosen = panels_of(plotted, request.metrics)
    if ax is not None and not request.metrics:  # one panel was asked for
        chosen = dict([next(iter(chosen.items()))])
    clock = clock_of(plotted) if request.x == "time" else None
    labels = [_group_label(plotted, members) for members in plotted.groups()]
    setting = _Setting(plotted, request, labels, clock, list(plotted.notices))
    panels = {
        quantity: lines_of(plotted, parts, request, clock, setting.notices)
        for quantity, parts in chosen.items()
    }
    if not any(panels.values()):
        what = f"{named(plotted.runs)}: no point has both {request.x} and {' or '.join(panels)}"
        raise UsageError(
            f"nothing to draw of {what}",
            hint="gxt show --series ID shows every point",
        )
    beside = len(labels) > _BESIDE
    columns = min(2, len(panels))
    width = (6.4 if columns == 1 else 9.6) + (1.6 if beside else 0)
    with looks.looks(ax):
        figure, axes = looks.panels(ax, list(panels), columns, width, 3.6 * -(-len(panels) // columns))
        for nth, (one, (quantity, lines)) in enumerate(zip(axes, panels.items(), strict=True)):
            _draw_panel(one, lines, setting, with_runs=len(labels) > 1 and nth == columns - 1)
            _name_panel(one, quantity, lines, setting, request.title if len(panels) == 1 else None)
        if request.title and len(panels) > 1:
            looks.name_figure(figure, request.title)
    return figure, setting.notices


def _draw_panel(ax: Axes, lines: Sequence[Line], setting: _Setting, *, with_runs: bool) -> None:
    """The lines of a panel, and its legend, with the runs or only with the parts of the data."""
    labels = setting.labels
    colours = looks.colours(len(labels))
    dashed = len({line.part for line in lines}) > 1
    lines = _within_logs(lines, setting)
    for axis in setting.request.log if lines else "":
        getattr(ax, f"set_{axis}scale")("log")
    if setting.request.x == "step":
        looks.choose_ticks(ax.xaxis, integer=True)
    broken = None
    for line in lines:
        label = labels[line.owner]
        _draw_line(ax, line, colours[line.owner], label, dashed=dashed, crowded=len(labels) > _MOST_NAMED)
        broken = _mark_ends(ax, line, colours[line.owner]) or broken
    entries = _run_entries(labels, colours) if with_runs else []
    if dashed:
        entries += _part_entries(lines)
    if broken is not None:
        entries.append((broken, "not finite after this"))
    looks.add_legend(ax, entries, place="beside" if with_runs and len(labels) > _BESIDE else "inside")


def _within_logs(lines: Sequence[Line], setting: _Setting) -> list[Line]:
    """The lines without what logarithmic axes have no place for."""
    log = setting.request.log
    kept = []
    for line in lines:
        there = (line.x > 0) | ("x" not in log)
        there &= (line.y > 0) | ~drawable(line.y) | ("y" not in log)
        lost = int((~there & (line.x != 0)).sum())
        if lost:
            points = "1 point" if lost == 1 else f"{lost} points"
            setting.notices.append(
                f"{setting.labels[line.owner]}: {points} of {line.metric} left out: not above 0 on a log axis"
            )
        if there.any():
            kept.append(_rows(line, np.flatnonzero(there)))
    return kept


def _rows(line: Line, rows: Rows) -> Line:
    """Some points of a line."""
    columns = (line.x, line.y, line.raw, line.low, line.high)
    x, y, raw, low, high = (None if one is None else one[rows] for one in columns)
    return line._replace(x=cast("Floats", x), y=cast("Floats", y), raw=raw, low=low, high=high)


def _draw_line(ax: Axes, line: Line, colour: str, label: str, *, dashed: bool, crowded: bool) -> None:
    """A line with all that belongs to it: what it was before smoothing, its band, its evaluations."""
    shown, name = _finite(line), f"{label}: {one_line(line.metric)}"
    if shown.raw is not None:
        rows = kept_rows(shown.raw)
        ax.plot(shown.x[rows], shown.raw[rows], color=colour, alpha=0.3, linewidth=0.7, label="_raw")
    if shown.low is not None and shown.high is not None and not np.isnan(shown.low).all():
        rows = np.unique(np.concatenate([kept_rows(shown.low), kept_rows(shown.high)]))
        x, low, high = shown.x[rows], shown.low[rows], shown.high[rows]
        ax.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
        for end, values in (("low", low), ("high", high)):  # on paper the fill alone may be too pale
            ax.plot(x, values, color=colour, alpha=0.5, linewidth=0.4, label=f"_{end} {name}")
    rows = kept_rows(shown.y)
    few = len(rows) <= _FEW
    behind = dashed and line.part == "train" and not few
    marker = looks.MARKERS[line.owner % len(looks.MARKERS)]
    ax.plot(
        shown.x[rows],
        shown.y[rows],
        color=colour,
        linestyle=_DASHES[line.part] if dashed else "solid",
        linewidth=0.9 if behind or crowded or len(rows) > _DENSE else 1.4,
        # markers tell lines apart where there is no colour; each line has its own places for them
        marker="" if behind or (crowded and not few) else marker,
        markevery=1 if few else (len(rows) // 8 * (1 + line.owner % 4) // 5, max(1, len(rows) // 8)),
        label=name,
    )
    for at, found in line.evaluated:
        ends = (cast("float", found.low), cast("float", found.high))
        looks.draw_interval(ax, (at, found.value), ends, colour, across=False)
        ax.plot([at], [found.value], color=colour, marker=marker, markersize=6, label="_evaluation")


def _finite(line: Line) -> Line:
    """The line with gaps where there is nothing that can be drawn."""

    def gapped(values: Floats | None) -> Floats | None:
        return None if values is None else np.where(drawable(values), values, np.nan)

    y = cast("Floats", gapped(line.y))
    x = np.where(drawable(line.x), line.x, np.nan)
    return line._replace(x=x, y=y, raw=gapped(line.raw), low=gapped(line.low), high=gapped(line.high))


def _mark_ends(ax: Axes, line: Line, colour: str) -> Artist | None:
    """A cross where a metric stopped being finite, and dots where a single point has no neighbour."""
    finite = drawable(line.y)
    if finite.all() or not finite.any():
        return None
    before = np.flatnonzero(finite[:-1] & ~finite[1:])
    alone = finite & ~np.r_[False, finite[:-1]] & ~np.r_[finite[1:], False]
    ax.plot(line.x[alone], line.y[alone], linestyle="none", marker=".", color=colour, label="_alone")
    (crosses,) = ax.plot(
        line.x[before][-100:],
        line.y[before][-100:],
        linestyle="none",
        marker="x",
        markersize=8,
        markeredgewidth=2,
        color=colour,
        label="_not finite",
    )
    return crosses if len(before) else None


def _run_entries(labels: Sequence[str], colours: Sequence[str]) -> list[tuple[Artist, str]]:
    """The runs in the legend; of very many the first and the last."""
    from matplotlib.lines import Line2D

    entries: list[tuple[Artist, str]] = [
        (Line2D([], [], color=colour, marker=looks.MARKERS[at % len(looks.MARKERS)]), label)
        for at, (colour, label) in enumerate(zip(colours, labels, strict=True))
    ]
    if len(entries) <= _MOST_NAMED:
        return entries
    gap = Line2D([], [], linestyle="none")
    return [*entries[:4], (gap, f"… {len(entries) - 8} more"), *entries[-4:]]


def _part_entries(lines: Sequence[Line]) -> list[tuple[Artist, str]]:
    """The parts of the data in the legend, by how their lines are dashed."""
    from matplotlib.lines import Line2D

    names = {line.part: line.metric for line in lines}
    alone = len({(line.part, line.metric) for line in lines}) == len(names)
    return [
        (Line2D([], [], color=looks.GREY, linestyle=_DASHES[part]), one_line(names[part], 30))
        for part in PARTS
        if part in names and (alone or part)
    ]


def _name_panel(ax: Axes, quantity: str, lines: Sequence[Line], setting: _Setting, title: str | None) -> None:
    plotted, request = setting.plotted, setting.request
    names = list(dict.fromkeys(line.metric for line in lines))
    alone = names[0] if len(names) == 1 else quantity
    goal = next((plotted.goals[name] for name in names if plotted.goals.get(name)), None)
    unit = next((unit for name in names if (unit := unit_of(plotted.runs, name))), "")
    if not title:
        whose = setting.labels[0] if len(setting.labels) == 1 else f"{len(plotted.runs)} runs"
        title = f"{one_line(alone, 30)}, {whose}"
    x = f"time ({setting.clock.sign})" if setting.clock else one_line(request.x, 40)
    looks.name_axes(ax, title=one_line(title), x=x, y=looks.measured_label(alone, unit, goal))
    notes = [f"smoothed {request.smooth:g}"] if request.smooth else []
    if any(line.low is not None for line in lines) and request.spread in SPREADS:
        notes.append(SPREADS[request.spread])
    if notes:
        looks.note(ax, ", ".join(notes))


def _group_label(plotted: Plotted, members: Sequence[int]) -> str:
    label = looks.label_of(plotted.runs[members[0]])
    return label if len(members) == 1 else f"{label} (n={len(members)})"
