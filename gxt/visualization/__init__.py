"""Pictures of runs for notebooks and papers: each function returns the matplotlib figure.

    from gxt.visualization import plot_learning_curve

    plot_learning_curve(["exp-003", "exp-007"], x="time", log="y", smooth=0.9)

matplotlib and numpy are loaded when the first picture is drawn; `pip install 'gxt[plot]'` brings them. Runs
are named as on the command line (`exp-003`, 3, a name, `best`, `exp-003+` for all repeats of its experiment),
or given as objects with a `uid`. With `ax` a picture is drawn into axes of yours. What a picture leaves out
is told by a `PlotWarning`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING, Literal, SupportsIndex, cast

from gxt.errors import GxtError, UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gxt.analysis.study import Study
    from gxt.ops.plotted import Plotted

__all__ = [
    "PlotWarning",
    "plot_architecture_comparison",
    "plot_compare",
    "plot_gradients",
    "plot_learning_curve",
    "plot_scaling_curve",
    "plot_tree",
]


class PlotWarning(UserWarning):
    """Something to know about a picture, such as what it leaves out."""


def plot_learning_curve(
    ids: object = "@",
    metrics: str | Sequence[str] = (),
    *,
    x: str = "step",
    log: str = "",
    smooth: float = 0.0,
    spread: Literal["se", "sd", "range", "none"] = "se",
    title: str | None = None,
    ax: Axes | None = None,
    cwd: str | Path | None = None,
) -> Figure:
    """Metrics over the training: training dashed beside validation, each run in a colour of its own.

    Curves of any length are drawn with all their spikes. A cross marks where a metric stopped being finite;
    error bars are the intervals of evaluations. Repeats of one experiment are their mean with a band.

    Args:
        ids: a run or several.
        metrics: names, or quantities: `loss` is also train/loss and val/loss. By default the main metric.
        x: `step`, `time` since the start of the run, or a metric, as `epoch`.
        log: the axes that are logarithmic.
        smooth: the weight of what was before in a moving average, 0 to below 1; the raw line stays visible.
        spread: what the band of repeats is: standard error, standard deviation, range, or no band.
        title: of the picture.
        ax: where to draw; it takes one quantity.
        cwd: a directory in the repository; the working directory by default.

    Raises:
        UsageError: there is nothing to draw, or no such run or metric.
    """
    check_loaded()
    from gxt.visualization import curves
    from gxt.visualization.lines import Request

    if not 0 <= smooth < 1:
        raise UsageError(f"smooth is {smooth:g}", hint="it is a weight from 0 to below 1, for example 0.9")
    if spread not in {"se", "sd", "range", "none"}:
        raise UsageError(f"there is no spread {spread!r}", hint="there are se, sd, range, none")
    request = Request(_several(metrics), x, _axes(log), smooth, spread, title)
    figure, notices = curves.draw(_read(ids, cwd, series=True), request, ax)
    return _told(figure, notices)


def plot_architecture_comparison(
    experiments: object = None,
    metric: str | None = None,
    *,
    by: str | None = None,
    log: str = "",
    title: str | None = None,
    ax: Axes | None = None,
    cwd: str | Path | None = None,
) -> Figure:
    """The runs of each architecture, their mean and its standard error, the best architecture on top.

    Args:
        experiments: runs; by default all that are completed.
        metric: its name; by default the main metric.
        by: what tells architectures apart, as `params.model.type`; by default a parameter that is called so.
        log: whether the axis is logarithmic.
        title: of the picture.
        ax: where to draw.
        cwd: a directory in the repository.

    Raises:
        UsageError: there is nothing to draw, or no such run or metric.
    """
    check_loaded()
    from gxt.visualization import comparing

    plotted = _read(experiments, cwd)
    return _told(*comparing.draw_architectures(plotted, metric, by, _axes(log, "x"), title, ax))


def plot_compare(
    ids: object,
    metrics: str | Sequence[str] = (),
    *,
    log: str = "",
    title: str | None = None,
    ax: Axes | None = None,
    cwd: str | Path | None = None,
) -> Figure:
    """Runs side by side: a panel for each metric, the best with a star, repeats as mean ± standard error.

    Args:
        ids: two runs or more.
        metrics: their names; by default the main metric and others that differ, six at most.
        log: whether the axes are logarithmic.
        title: of the picture.
        ax: where to draw; it takes one metric.
        cwd: a directory in the repository.

    Raises:
        UsageError: there is nothing to draw, or no such run or metric.
    """
    check_loaded()
    from gxt.visualization import comparing

    plotted = _read(ids, cwd)
    return _told(*comparing.draw_comparison(plotted, _several(metrics), _axes(log, "x"), title, ax))


def plot_gradients(
    ids: object = "@",
    *,
    log: str = "y",
    title: str | None = None,
    ax: Axes | None = None,
    cwd: str | Path | None = None,
) -> Figure:
    """Norms of gradients over the steps: of one run each layer's as colours, of several runs the totals.

    What is read are metrics like `grad_norm` and `watch/grad_norm/LAYER`, as `gxt.torch.watch` logs them.

    Args:
        ids: a run or several.
        log: the axes of totals that are logarithmic; the colours always are.
        title: of the picture.
        ax: where to draw.
        cwd: a directory in the repository.

    Raises:
        UsageError: no such norm was logged, or there is no such run.
    """
    check_loaded()
    from gxt.visualization import curves, gradients
    from gxt.visualization.lines import Request

    plotted = _read(ids, cwd, series=True)
    if gradients.has_layers(plotted):
        return _told(gradients.draw_layers(plotted, title, ax), plotted.notices)
    request = Request(gradients.totals(plotted), log=_axes(log), title=title)
    return _told(*curves.draw(plotted, request, ax))


def plot_scaling_curve(
    experiments: object = None,
    x: str = "params",
    y: str | None = None,
    *,
    where: str | None = None,
    group: str | None = None,
    log: str = "x",
    title: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """How y scales with x: the runs, the law y = a·x^b + c with its bands, and the residuals below.

    Args:
        experiments: a study of `gxt.analysis.analyze_scaling_law`, or what that takes: runs, or a table; by
            default all completed runs of the repository around the working directory.
        x: a name as in `--where`; by default the recorded number of parameters.
        y: such a name; by default the main metric.
        where: a condition that the runs have to meet.
        group: a name whose values tell runs apart that have a law of their own.
        log: the axes that are logarithmic.
        title: of the picture.
        ax: where to draw; there are no residuals then.

    Raises:
        CannotFit: the points are too few or too much alike.
        GxtError: scipy is not installed, or no run has x or y.
    """
    check_loaded()
    from gxt.analysis import analyze_scaling_law
    from gxt.visualization import scaling

    if hasattr(experiments, "scaling"):
        study = cast("Study", experiments)
    else:
        given = cast("Iterable[object] | None", experiments)
        study = analyze_scaling_law(given, x, y, where=where, group=group)
    told = (*(f"{one.id} is left out: {one.reason}" for one in study.left_out), *study.warnings)
    return _told(scaling.draw(study, _axes(log), title, ax), told)


def plot_tree(
    id: str | None = None,  # noqa: A002 what everybody calls it
    *,
    metric: str | None = None,
    limit: int | None = 200,
    title: str | None = None,
    ax: Axes | None = None,
    cwd: str | Path | None = None,
) -> Figure:
    """The evolution tree: which run derives from which, better or worse by colour and shape.

    Args:
        id: only what derives from this run.
        metric: the metric to show; by default the main metric.
        limit: how many of the newest runs at most; None: all.
        title: of the picture.
        ax: where to draw.
        cwd: a directory in the repository.

    Raises:
        UsageError: there are no runs, or no such run or metric.
    """
    check_loaded()
    from gxt.ops.tree import tree
    from gxt.ops.workspace import open_workspace
    from gxt.visualization import evolution

    workspace = open_workspace(_directory(cwd))
    found = tree(workspace, id, limit=limit, metric=metric)
    return _told(evolution.draw(found, title, ax), (*workspace.notices, *found.notices))


def check_loaded() -> None:
    """Raise where what draws is not installed."""
    try:
        from importlib import import_module

        for name in ("numpy", "matplotlib"):
            import_module(name)
    except ImportError as error:
        raise GxtError(
            f"pictures need {error.name or 'matplotlib'}, which is not installed",
            hint="pip install 'gxt[plot]'",
        ) from error


def _read(ids: object, cwd: str | Path | None, *, series: bool = False) -> Plotted:
    from gxt.ops.plotted import matching_ids, plotted
    from gxt.ops.workspace import open_workspace

    workspace = open_workspace(_directory(cwd))
    refs = matching_ids(workspace, None)[0] if ids is None else refs_of(ids)
    if not refs:
        raise UsageError("nothing to draw: there are no runs", hint="gxt list shows the runs there are")
    return plotted(workspace, refs, series=series)


def refs_of(ids: object) -> list[str]:
    """The references in what a caller gives as runs: texts, numbers, or what has a `uid`; one or several.

    Raises:
        UsageError: there is something else among them.
    """
    if isinstance(ids, str):
        return [ids]
    with suppress(TypeError):
        return [str(index(cast("SupportsIndex", ids)))]  # numpy's numbers too
    uid = ids.get("uid") if isinstance(ids, Mapping) else getattr(ids, "uid", None)
    if isinstance(uid, str):
        return [uid]
    if isinstance(ids, Iterable) and not isinstance(ids, (Mapping, bytes)):
        return [ref for one in ids for ref in refs_of(one)]
    raise UsageError(f"{ids!r} names no run", hint="give ids, for example ['exp-001', 'exp-002']")


def _several(names: str | Sequence[str]) -> Sequence[str]:
    return [names] if isinstance(names, str) else list(names)


def _axes(log: str, known: str = "xy") -> str:
    if not set(log) <= set(known):
        raise UsageError(
            f"log cannot be {log!r} here", hint="it is x, y or xy" if known == "xy" else "it is x"
        )
    return log


def _directory(cwd: str | Path | None) -> Path | None:
    return None if cwd is None else Path(cwd)


def _told(figure: Figure, notices: Iterable[str]) -> Figure:
    for notice in notices:
        warnings.warn(notice, PlotWarning, stacklevel=3)
    return figure
