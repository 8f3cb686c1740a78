"""A small picture of a run's metrics over its steps, where matplotlib is installed."""

from __future__ import annotations

import io
import warnings
from importlib.util import find_spec
from math import isfinite
from typing import TYPE_CHECKING, Final

from gxt.model.points import thin
from gxt.render.clean import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gxt.model.goals import Metric
    from gxt.model.series import Series, SeriesByName

_MOST_AXES: Final = 3
_WIDTH: Final = 4  # inches of one
_MOST_ROWS: Final = 2000  # of a metric: a small picture shows no more
_NAME: Final = 34
_COLOUR: Final = "#0072B2"  # told apart by everybody (Okabe and Ito)


def can_draw() -> bool:
    """Whether matplotlib is installed; loads nothing."""
    return find_spec("matplotlib") is not None


def picture(series: SeriesByName, main: Metric | None, title: str) -> bytes | None:
    """The main metric and two others as a PNG; None where nothing can be drawn."""
    names = _names(series, main)
    if not names:
        return None
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return None
    width = _WIDTH * len(names)
    figure = Figure(figsize=(width, 3), dpi=100)
    # fixed margins: a layout that measures its texts takes half as long again, for each of all runs
    figure.subplots_adjust(left=0.75 / width, right=1 - 0.15 / width, bottom=0.16, top=0.8, wspace=0.24)
    FigureCanvasAgg(figure)
    figure.suptitle(one_line(title, _NAME * len(names)), parse_math=False, fontsize=10)
    thinned = thin({name: series[name] for name in names}, max_rows=_MOST_ROWS)
    for position, name in enumerate(names, 1):
        axes = figure.add_subplot(1, len(names), position)
        _draw(axes, name, thinned[name])
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a glyph that its font lacks
        figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def _names(series: SeriesByName, main: Metric | None) -> list[str]:
    """The main metric first; what has no finite value cannot be drawn, the machine's metrics are others'."""
    first = main.name if main else ""
    known: Mapping[str, Series] = {
        name: one
        for name, one in series.items()
        if not name.startswith("system/") and any(map(_is_drawn, one.value))
    }
    return sorted(known, key=lambda name: name != first)[:_MOST_AXES]


def _draw(axes: object, name: str, one: Series) -> None:
    from matplotlib.axes import Axes
    from matplotlib.ticker import MaxNLocator

    assert isinstance(axes, Axes)
    values = [value if _is_drawn(value) else float("nan") for value in one.value]
    single = len(values) == 1
    axes.plot(list(one.step), values, color=_COLOUR, linewidth=1.2, marker="o" if single else "")
    axes.set_title(one_line(name, _NAME), parse_math=False, fontsize=9)
    axes.set_xlabel("step", fontsize=8)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.tick_params(labelsize=8)
    axes.grid(visible=True, alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def _is_drawn(value: float) -> bool:
    """Whether an axis can hold it: the picture of 1e308 overflows."""
    return isfinite(value) and abs(value) < 1e300
