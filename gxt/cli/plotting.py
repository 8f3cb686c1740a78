"""`gxt plot`: pictures of runs, into a file, a window, or the terminal."""

from __future__ import annotations

import warnings
from argparse import ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from gxt.cli import output
from gxt.cli.parser import Parser, count_from
from gxt.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_OWN = {  # each kind of picture, and the options that are its own
    "curves": ("metric", "x", "log", "smooth", "band"),
    "scaling": ("x", "y", "log", "group"),
    "architectures": ("metric", "log", "by"),
    "compare": ("metric", "log"),
    "gradients": ("log",),
    "tree": ("metric", "limit"),
}

# backends of matplotlib without windows
_FILES_ONLY = {"agg", "cairo", "pdf", "pgf", "ps", "svg", "template"}


def plot_words(parser: Parser) -> None:
    """What `gxt plot` takes."""
    parser.add("kind", metavar="KIND", choices=_OWN, help=f"One of {', '.join(_OWN)}.")
    parser.add("ids", metavar="ID", nargs="*", help="Runs; exp-012+ is all repeats of its experiment.")
    parser.add("--where", metavar="CONDITION", help="Runs that match, in place of ids.")
    parser.add_repeated("--metric", metavar="NAME", help="What to draw: val/acc, or loss for train and val.")
    parser.add(
        "--x", metavar="NAME", help="Of curves: step, time or a metric, as epoch; of scaling as there."
    )
    parser.add("--y", metavar="NAME", help="Of scaling: a name as in --where; unasked the main metric.")
    parser.add("--group", metavar="NAME", help="Of scaling: a law for each value of this.")
    parser.add("--log", metavar="AXES", choices=("x", "y", "xy"), help="Logarithmic axes: x, y or xy.")
    parser.add("--smooth", metavar="WEIGHT", type=_weight, help="Of curves: 0 to below 1, for example 0.9.")
    parser.add(
        "--band",
        metavar="SPREAD",
        choices=("se", "sd", "range", "none"),
        help="Around the mean of repeats: se (standard error), sd (standard deviation), range, none.",
    )
    parser.add("--by", metavar="NAME", help="What tells architectures apart, as params.model.type.")
    parser.add("--limit", metavar="N", type=count_from(1), help="Of the tree: only the newest runs; 200.")
    parser.add("--title", metavar="TEXT", help="Of the picture.")
    parser.add("-o", "--output", metavar="FILE", help="A .png, .svg or .pdf file.")
    parser.add("--show", action="store_true", help="Show it in a window.")
    parser.add_json()


def plot(words: Namespace) -> None:
    """Draw runs: learning curves, comparisons, architectures, gradients, the tree.

    Without -o and --show the picture is drawn in the terminal. curves and gradients draw the latest run when
    none is named, architectures all completed runs, tree all of them.
    """
    _check(words)
    if words.output:
        _check_file(words.output)
    if not (words.output or words.show or words.json or output.on_terminal()):
        raise UsageError(
            "there is no terminal to draw in",
            hint=f"gxt plot {words.kind} -o picture.png, or --json for numbers",
        )
    if words.kind == "tree" and not (words.output or words.show):
        _tree_as_text(words)
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure = _drawn(words)
    _put_out(figure, words, _told(caught))


def _put_out(figure: Figure, words: Namespace, notices: list[str]) -> None:
    """Bring the picture to where it was asked for."""
    if not words.json:
        output.say_notices(notices)
    if words.output:
        from gxt.visualization.looks import save

        save(figure, Path(words.output))
        output.say(f"wrote {words.output}")
    if words.show:
        _show(figure)
    if words.json and words.kind == "tree":
        _tree_as_text(words)
    elif words.json:
        from gxt.visualization.as_json import panels

        output.show_json({"kind": words.kind, "file": words.output, "panels": panels(figure)}, notices)
    elif not (words.output or words.show):
        from gxt.visualization.terminal import view_of

        output.show(view_of(figure, output.data_width() or 80))


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = -1.0
    if not 0 <= weight < 1:
        raise ArgumentTypeError(f"{text!r} is no weight from 0 to below 1, for example 0.9")
    return weight


def _check(words: Namespace) -> None:
    """Refuse options that the picture does not have."""
    own = _OWN[words.kind]
    for name in sorted({one for options in _OWN.values() for one in options} - set(own)):
        if getattr(words, name) not in (None, []):
            having = ", ".join(kind for kind, options in _OWN.items() if name in options)
            raise UsageError(f"--{name} is not an option of {words.kind}", hint=f"it is one of {having}")
    if words.kind in {"architectures", "tree"} and len(words.metric) > 1:
        raise UsageError(f"{words.kind} shows one metric", hint="name one --metric")
    if words.kind == "tree" and (len(words.ids) > 1 or words.where):
        raise UsageError("a tree has one root", hint="gxt plot tree, or gxt plot tree ID")
    if words.where and words.ids:
        raise UsageError("both ids and --where name runs", hint="leave out one of them")


def _check_file(name: str) -> None:
    from gxt.visualization import check_loaded

    check_loaded()
    from gxt.visualization.looks import kind_of

    kind_of(Path(name))


def _drawn(words: Namespace) -> Figure:
    from gxt import visualization

    title, log = words.title, words.log or ""
    one = words.metric[0] if words.metric else None
    ids = _ids(words) if words.kind != "scaling" else None
    if words.kind == "curves":
        return visualization.plot_learning_curve(
            ids or "@",
            words.metric,
            x=words.x or "step",
            log=log,
            smooth=words.smooth or 0.0,
            spread=words.band or "se",
            title=title,
        )
    if words.kind == "scaling":
        return visualization.plot_scaling_curve(
            words.ids or None,
            words.x or "params",
            words.y,
            where=words.where,
            group=words.group,
            log=words.log or "x",
            title=title,
        )
    if words.kind == "architectures":
        return visualization.plot_architecture_comparison(ids, one, by=words.by, log=log, title=title)
    if words.kind == "compare":
        if not ids:
            raise UsageError("a comparison needs two runs or more", hint="gxt plot compare exp-001 exp-002")
        return visualization.plot_compare(ids, words.metric, log=log, title=title)
    if words.kind == "gradients":
        return visualization.plot_gradients(ids or "@", log=words.log or "y", title=title)
    root = words.ids[0] if words.ids else None
    return visualization.plot_tree(root, metric=one, limit=words.limit or 200, title=title)


def _ids(words: Namespace) -> list[str] | None:
    """The runs that the words name; None where they name none."""
    if not words.where:
        return words.ids or None
    from gxt.ops.plotted import matching_ids
    from gxt.ops.workspace import open_workspace

    ids, _ = matching_ids(open_workspace(), words.where)
    if not ids:
        raise UsageError("no run matches", hint="gxt list --where … shows what does")
    return ids


def _told(caught: list[warnings.WarningMessage]) -> list[str]:
    from gxt.visualization import PlotWarning

    return [str(one.message) for one in caught if issubclass(one.category, PlotWarning)]


def _tree_as_text(words: Namespace) -> None:
    """In a terminal the tree is what `gxt tree` shows."""
    from gxt.cli.reading import tree

    metric = words.metric[0] if words.metric else None
    root = words.ids[0] if words.ids else None
    tree(Namespace(id=root, limit=words.limit, metric=metric, json=words.json))


def _show(figure: Figure) -> None:
    """Show a figure in a window, until it is closed.

    Raises:
        UsageError: there is none to be had here.
    """
    from matplotlib import get_backend
    from matplotlib import pyplot as plt

    try:
        window = plt.figure(figsize=figure.get_size_inches()).canvas.manager
        shown = get_backend().lower() not in _FILES_ONLY
    except ImportError:  # a backend that was asked for, and cannot be had
        window, shown = None, False
    if window is None or not shown:
        raise UsageError("there is no display to show it on", hint="write it into a file with -o picture.png")
    window.canvas.figure = figure
    figure.set_canvas(window.canvas)
    plt.show()
