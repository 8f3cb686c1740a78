"""Norms of gradients over the training: of all layers of one run, or the total of several."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from gxt.errors import UsageError
from gxt.model.points import Series
from gxt.model.run import metrics_of
from gxt.named_tuple import NamedTuple
from gxt.ops.plotted import Plotted
from gxt.render.clean import one_line, shortened
from gxt.visualization import looks
from gxt.visualization.reduction import Floats, drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NORM: Final = re.compile(r"(.*?)(?:^|/)(?:grads?|gradients?)[_-]?(?:norms?)?(?:/(.+))?$", re.IGNORECASE)
_COLUMNS = 400
_NAMED_LAYERS = 60


class Norms(NamedTuple):
    """The norms that a run has logged: the total's name, or None, and the layers' by layer, first to last."""

    total: str | None
    layers: Mapping[str, str]


def norms_of(names: Sequence[str]) -> Norms:
    """The norms among metrics: `grad_norm` and `train/grad_norm` are totals, `watch/grad_norm/conv1` a layer.

    Of several models the first one is taken.
    """
    found: dict[str, tuple[list[str], dict[str, str]]] = {}
    for name in names:
        matched = _NORM.fullmatch(name)
        if matched:
            totals, layers = found.setdefault(matched[1], ([], {}))
            if matched[2]:
                layers.setdefault(matched[2], name)
            else:
                totals.append(name)
    best = next((one for one in found.values() if one[1]), next(iter(found.values()), ([], {})))
    return Norms(next(iter(best[0]), None), best[1])


def has_layers(plotted: Plotted) -> bool:
    """Whether it is one run, with norms of layers: then these are drawn."""
    return len(plotted.runs) == 1 and bool(norms_of(_names(plotted, 0)).layers)


def totals(plotted: Plotted) -> list[str]:
    """The names of the total norms of the runs.

    Raises:
        UsageError: none has any.
    """
    found = dict.fromkeys(norms_of(_names(plotted, at)).total for at in range(len(plotted.runs)))
    names = [name for name in found if name]
    if not names:
        raise UsageError(
            "nothing to draw: no norm of gradients was logged",
            hint="gxt.torch.watch(model) logs them, or gxt.log({'grad_norm/LAYER': …})",
        )
    return names


def draw_layers(plotted: Plotted, title: str | None, ax: Axes | None) -> Figure:
    """The norm of each layer over the steps as colours, the first layer on top.

    A cross marks where one is not finite.
    """
    from matplotlib import colormaps
    from matplotlib.colors import LogNorm

    layers = norms_of(_names(plotted, 0)).layers
    edges, table, broken = _table([plotted.series[0][name] for name in layers.values()])
    positive = table[np.nan_to_num(table, nan=0.0) > 0]
    colours = colormaps["viridis"].with_extremes(under="black")  # black: a layer that learns nothing
    with looks.looks(ax):
        figure, (ax,) = looks.panels(ax, ["gradients"], 1, 6.8, min(20.0, 1.4 + 0.2 * max(5, len(layers))))
        norm = (
            LogNorm(positive.min(), max(positive.max(), positive.min() * 1.0001)) if len(positive) else None
        )
        mesh = ax.pcolormesh(
            edges, np.arange(len(layers) + 1) - 0.5, np.ma.masked_invalid(table), cmap=colours, norm=norm
        )
        ax.set_facecolor(looks.PALE)
        ax.grid(visible=False)
        rows, columns = np.nonzero(broken)
        ax.plot(
            (edges[:-1] + edges[1:])[columns] / 2, rows, linestyle="none", marker="x", color=looks.WORSE,
            markersize=4, label="_not finite",
        )  # fmt: skip
        ax.set_xlim(edges[0], edges[-1])
        ax.set_ylim(len(layers) - 0.5, -0.5)
        every = -(-len(layers) // _NAMED_LAYERS)
        shown = [shortened(one_line(name), 32, keep_end=True) for name in layers]
        looks.name_ticks(ax.yaxis, range(0, len(shown), every), shown[::every])
        bar = figure.colorbar(mesh, ax=ax, pad=0.02)
        bar.set_label("L2 norm of the gradient")
        run = looks.label_of(plotted.runs[0])
        looks.name_axes(ax, title=one_line(title or f"Gradients, {run}"), x="step", y="")
    return figure


def _names(plotted: Plotted, at: int) -> list[str]:
    """The metrics of a run over time, first logged first."""
    series = plotted.series[at]
    return [*(name for name in metrics_of(plotted.runs[at]) if name in series), *sorted(series)]


def _table(series: Sequence[Series]) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """The largest norm of each layer in each stretch of steps, so that no spike is hidden.

    Returns:
        The edges of the stretches, of shape (columns + 1,); the norms, of shape (layers, columns), NaN where
        there is none; where a norm was not finite, of the same shape.
    """
    places = [np.array(one.step, dtype=float) for one in series]
    steps = np.unique(np.concatenate(places))
    if len(steps) > _COLUMNS:
        edges = np.linspace(steps[0], steps[-1], _COLUMNS + 1)
    elif len(steps) > 1:
        middles = (steps[:-1] + steps[1:]) / 2
        edges = np.r_[2 * steps[0] - middles[0], middles, 2 * steps[-1] - middles[-1]]
    else:
        edges = np.array([steps[0] - 0.5, steps[0] + 0.5])
    table = np.full((len(series), len(edges) - 1), -np.inf)
    broken = np.zeros(table.shape, dtype=bool)
    for row, (one, x) in enumerate(zip(series, places, strict=True)):
        column = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, len(edges) - 2)
        values = np.array(one.value)
        finite = drawable(values)
        np.maximum.at(table[row], column[finite], values[finite])
        broken[row, column[~finite]] = True
    table[np.isneginf(table)] = np.nan
    return edges, table, broken
