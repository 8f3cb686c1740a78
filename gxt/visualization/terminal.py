"""A picture in the cells of a terminal: the lines of a matplotlib figure in Braille, its axes in numbers.

What is read are the artists of the figure, so every picture can be shown so. Of bands the ends are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter
from numpy.typing import NDArray

from gxt.render.clean import cells, shortened
from gxt.render.values import number
from gxt.render.view import Line, Span, Style, View, line
from gxt.visualization.reduction import Floats

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

LINES: tuple[Style, ...] = ("line0", "line1", "line2", "line3", "line4", "line5")
_HEIGHT = 16  # lines of a panel of curves
_SHADES = "·░▒▓█"
_SIGNS = {"o": "●", "s": "■", "^": "▲", "D": "◆", "v": "▼", "P": "✚", "X": "✖", "*": "★", "x": "×", "|": "╷"}
_BLANK = 0x2800  # the Braille pattern without dots; each dot is a bit
_BITS = np.array(
    [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]]
)  # rows and columns of dots in a cell


def view_of(figure: Figure, width: int) -> View:
    """The figure's panels, one below the other, in that many cells."""
    styles: dict[str, Style] = {}
    names: list[str] = []
    view: list[Line] = []
    for ax in figure.axes:
        if not ax.axison or ax.get_label() == "<colorbar>":
            continue
        ticks = _ticks(ax.yaxis, ax.get_ylim())
        if isinstance(ax.yaxis.get_major_formatter(), FixedFormatter):
            names = [name for _, name in ticks if name] or names  # panels beside each other share them
            ticks = [(place, name) for (place, _), name in zip(ticks, names, strict=False)]
            height = max(3, round(abs(np.subtract(*ax.get_ylim()))))
        else:
            height = _HEIGHT
        view += [line()] if view else []
        view += _panel(ax, ticks, max(20, width), height, styles)
    return view


class _Canvas:
    """Cells of dots: 2 across and 4 down in each, with the style of what was drawn there last."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.dots = np.zeros((height, width), dtype=np.int64)
        self.signs: dict[tuple[int, int], str] = {}
        self.styles = np.full((height, width), -1, dtype=np.int64)

    def draw(self, points: Floats, style: int) -> None:
        """A line through points of shape (rows, 2), 0 to 1 in each direction; NaN interrupts it."""
        scaled = np.clip(points, -0.5, 1.5) * (2 * self.width - 1, 4 * self.height - 1)
        starts, ends = scaled[:-1], scaled[1:]
        whole = ~np.isnan(starts).any(axis=1) & ~np.isnan(ends).any(axis=1)
        starts, ends = starts[whole], ends[whole]
        steps = np.ceil(np.abs(ends - starts).max(axis=1, initial=0)).astype(int) + 1
        nth = np.arange(steps.sum()) - np.repeat(np.cumsum(steps) - steps, steps)
        share = (nth / np.repeat(steps, steps))[:, None]
        path = np.repeat(starts, steps, axis=0) + share * np.repeat(ends - starts, steps, axis=0)
        alone = scaled[~np.isnan(scaled).any(axis=1)]
        self._set(np.rint(np.concatenate([path, alone])).astype(int), style)

    def _set(self, places: NDArray[np.int64], style: int) -> None:
        x, y = places[:, 0], 4 * self.height - 1 - places[:, 1]
        inside = (x >= 0) & (x < 2 * self.width) & (y >= 0) & (y < 4 * self.height)
        x, y = x[inside], y[inside]
        np.bitwise_or.at(self.dots, (y // 4, x // 2), _BITS[y % 4, x % 2])
        self.styles[y // 4, x // 2] = style

    def put(self, x: float, y: float, sign: str, style: int) -> None:
        """A sign at a place, 0 to 1 in each direction."""
        row, column = int((1 - y) * self.height), int(x * self.width)
        if 0 <= row < self.height and 0 <= column < self.width:
            self.signs[row, column] = sign
            self.styles[row, column] = style

    def row(self, at: int, styles: Sequence[Style]) -> list[Span]:
        """A line of cells, those of one style together."""
        spans: list[Span] = []
        for column in range(self.width):
            dots = int(self.dots[at, column])
            text = self.signs.get((at, column)) or (chr(_BLANK + dots) if dots else " ")
            style: Style = styles[int(self.styles[at, column])] if text != " " else ""
            if spans and spans[-1].style == style:
                spans[-1] = Span(spans[-1].text + text, style)
            else:
                spans.append(Span(text, style))
        return spans


def _panel(
    ax: Axes, ticks: Sequence[tuple[float, str]], width: int, height: int, styles: dict[str, Style]
) -> Iterator[Line]:
    named = [(place, shortened(name, width // 3)) for place, name in ticks]
    margin = max((cells(name) for _, name in named), default=0)
    canvas = _Canvas(max(8, width - margin - 2), height)
    used = _draw(ax, canvas, styles)
    title = next((one for where in ("left", "center") if (one := ax.get_title(loc=cast("Any", where)))), "")
    if title or ax.get_ylabel():
        yield line(Span(title, "title"), Span(f"  {ax.get_ylabel()}" if ax.get_ylabel() else "", "dim"))
    beside = {_row_of(ax, place, height): name for place, name in named}
    for at in range(height):
        name = beside.get(at, "")
        edge = "┤" if name else "│"
        yield line(Span(" " * (margin - cells(name)) + name, "dim"), Span(edge, "dim"), *canvas.row(at, used))
    marks, below = _foot(ax, canvas.width)
    yield line(" " * margin, Span(f"└{marks}", "dim"))
    yield line(" " * (margin + 1), Span(below, "dim"))
    if ax.get_xlabel():
        yield line(" " * (margin + 1), Span(ax.get_xlabel().center(canvas.width).rstrip(), "dim"))
    yield from _legend(ax, styles)


def _draw(ax: Axes, canvas: _Canvas, styles: dict[str, Style]) -> list[Style]:
    """Draw what the axes hold; the styles by the numbers that the canvas has."""
    used: list[Style] = ["dim", *LINES]
    for mesh in (one for one in ax.collections if isinstance(one, QuadMesh)):
        _shade(mesh, canvas)
        used[0] = ""
    for one in sorted(ax.lines, key=lambda one: not _is_behind(one)):
        points = _within(ax, np.asarray(one.get_xydata(), dtype=float))
        style = 0 if _is_behind(one) else used.index(_style(one, styles))
        if one.get_linestyle() in {"None", "none", " ", ""}:
            sign = _SIGNS.get(str(one.get_marker()), "")
            for x, y in points if sign else ():
                canvas.put(x, y, sign, style)
        elif len(points):
            canvas.draw(points, style)
    for bars in (one for one in ax.collections if isinstance(one, LineCollection)):
        for segment in bars.get_segments():
            canvas.draw(_within(ax, np.asarray(segment, dtype=float)), used.index(_style(bars, styles)))
    return used


def _is_behind(one: Line2D) -> bool:
    """Whether a line is pale: what was before smoothing, the ends of a band."""
    return one.get_alpha() is not None and str(one.get_label()).startswith(("_raw", "_low", "_high"))


def _style(artist: Artist, styles: dict[str, Style]) -> Style:
    """The style that stands for the colour of a line: the same one for the same colour."""
    colour = cast("Any", artist).get_color()
    if not isinstance(colour, (str, tuple)):
        colour = colour[0]
    return styles.setdefault(to_hex(colour), LINES[len(styles) % len(LINES)])


def _within(ax: Axes, points: Floats) -> Floats:
    """Points of the data by their share of the axes; NaN where an axis has no place for them."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = (ax.transScale + ax.transLimits).transform(points)
    return np.where(np.isfinite(found), found, np.nan)


def _shade(mesh: QuadMesh, canvas: _Canvas) -> None:
    """Cells shaded by the largest value in each: a spike is seen however narrow."""
    values = np.ma.filled(cast("Any", mesh.get_array()), np.nan)
    shares = np.ma.filled(mesh.norm(np.ma.masked_invalid(values)), np.nan)
    edges = np.arange(canvas.width + 1) * values.shape[1] / canvas.width
    for row in range(min(canvas.height, len(values))):
        for column in range(canvas.width):
            start, stop = int(edges[column]), max(int(edges[column]) + 1, int(edges[column + 1]))
            part = shares[row, start:stop]
            if not np.isnan(part).all():
                level = int(np.clip(np.nanmax(part), 0, 1) * (len(_SHADES) - 1) + 0.5)
                canvas.signs[row, column] = _SHADES[level]
                canvas.styles[row, column] = 0


def _ticks(axis: Axis, limits: tuple[float, float]) -> list[tuple[float, str]]:
    """The places of an axis that have a name, and the names."""
    low, high = sorted(limits)
    places = [float(place) for place in axis.get_majorticklocs() if low <= place <= high]
    formatter = axis.get_major_formatter()
    if isinstance(formatter, FixedFormatter):
        return [(place, formatter(place, at)) for at, place in enumerate(places)]
    return [(place, number(place + 0.0)) for place in places]


def _row_of(ax: Axes, place: float, height: int) -> int:
    share = _within(ax, np.array([[ax.get_xlim()[0], place]]))[0, 1]
    return min(height - 1, int((1 - share) * height))


def _foot(ax: Axes, width: int) -> tuple[str, str]:
    """The lower edge with its marks, and their names below, those left out that would touch."""
    marks, names = ["─"] * width, [" "] * width
    free = 0
    for place, name in _ticks(ax.xaxis, ax.get_xlim()):
        share = _within(ax, np.array([[place, ax.get_ylim()[0]]]))[0, 0]
        at = min(width - 1, int(share * width))
        start = min(max(0, at - len(name) // 2), max(0, width - len(name)))
        if start >= free and name:
            marks[at] = "┬"
            names[start : start + len(name)] = name
            free = start + len(name) + 2
    return "".join(marks), "".join(names).rstrip()


def _legend(ax: Axes, styles: dict[str, Style]) -> Iterator[Line]:
    legend = ax.get_legend()
    if legend is None:
        return
    for handle, text in zip(legend.legend_handles, legend.get_texts(), strict=True):
        sign = "  "
        style: Style = ""
        if isinstance(handle, Line2D):
            style = styles.get(to_hex(handle.get_color()), "dim")
            dashed = handle.get_linestyle() not in {"-", "None"}
            sign = "╌╌" if dashed else "━━" if handle.get_linestyle() == "-" else "  "
            if handle.get_linestyle() == "None" and handle.get_marker() in _SIGNS:
                sign = f"{_SIGNS[str(handle.get_marker())]} "
        yield line("  ", Span(sign, style), f" {text.get_text()}")
