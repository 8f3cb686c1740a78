"""The evolution tree: which run derives from which, and whether it was better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from gxt.errors import UsageError
from gxt.named_tuple import NamedTuple
from gxt.ops.tree import Evolution
from gxt.render.clean import one_line, shortened
from gxt.render.forest import page
from gxt.render.view import Span, Table, text_of
from gxt.visualization import looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INDENT, _LINE = 0.22, 0.23  # inches: of a step to the right, and of a run
_TEXT = 4.6  # inches for the words beside the deepest run
_KINDS: dict[str, dict[str, Any]] = {
    "better": {"marker": "^", "color": looks.BETTER},
    "worse": {"marker": "v", "color": looks.WORSE},
    "unsure": {"marker": "D", "color": looks.PALETTE[4]},
    "failed": {"marker": "x", "color": "black"},
    "running": {"marker": "o", "color": "white", "markeredgecolor": "black"},
    "": {"marker": "o", "color": looks.GREY},
}
_VERDICTS = {"good": "better", "bad": "worse", "unsure": "unsure"}  # by their style on a terminal
_OUTCOMES = {"failed": "failed", "interrupted": "failed", "running": "running"}
_NAMES = {
    "better": "better than its parent",
    "worse": "worse",
    "unsure": "not sure",
    "failed": "failed or interrupted",
    "running": "running",
    "": "no verdict",
}


class Place(NamedTuple):
    """Where a run stands: how far to the right, and in which line from the top."""

    column: int
    row: int


def draw(evolution: Evolution, title: str | None, ax: Axes | None) -> Figure:
    """The forest, a line a run, as `gxt tree` shows it.

    Raises:
        UsageError: there are no runs.
    """
    if not evolution.nodes:
        raise UsageError("nothing to draw: there are no runs", hint="gxt run -- COMMAND records one")
    places = _places(evolution)
    depth = max(place.column for place in places.values())
    metric = evolution.metric.name if evolution.metric else ""
    with looks.looks(ax):
        height = min(200.0, 0.9 + _LINE * len(places))
        figure, (ax,) = looks.panels(ax, ["the tree"], 1, _INDENT * depth + _TEXT, height)
        _draw_edges(ax, evolution, places)
        _draw_nodes(ax, _told(evolution), list(places.values()))
        ax.set_xlim(-0.7, depth + _TEXT / _INDENT)
        ax.set_ylim(len(places) - 0.3, -0.7)
        ax.set_axis_off()
        more = f", {evolution.hidden} older left out" if evolution.hidden else ""
        default = f"Evolution by {metric}{more}" if metric else f"Evolution{more}"
        looks.name_axes(ax, title=one_line(title or default), x="", y="")
    return figure


def _places(evolution: Evolution) -> dict[str, Place]:
    """Each run's place, from top to bottom: an only child, or the one with the most runs, straight below."""
    weights = evolution.forest.weights()
    waiting = [(root, 0) for root in reversed(evolution.forest.roots)]
    places: dict[str, Place] = {}
    while waiting:
        uid, column = waiting.pop()
        places[uid] = Place(column, len(places))
        children = sorted(evolution.forest.children[uid], key=lambda child: weights[child])
        if children:
            waiting.append((children[-1], column))
            waiting += [(child, column + 1) for child in reversed(children[:-1])]
    return places


def _draw_edges(ax: Axes, evolution: Evolution, places: Mapping[str, Place]) -> None:
    from matplotlib.collections import LineCollection

    bends = []
    for uid, children in evolution.forest.children.items():
        for child in children:
            if uid in places and child in places:
                start, end = places[uid], places[child]
                bends.append([(start.column, start.row), (start.column, end.row), (end.column, end.row)])
    ax.add_collection(LineCollection(bends, colors=looks.GREY, linewidths=0.9, zorder=1), autolim=False)


def _draw_nodes(ax: Axes, told: Sequence[_Told], places: Sequence[Place]) -> None:
    kinds: dict[str, list[Place]] = {}
    for one, place in zip(told, places, strict=True):
        kinds.setdefault(one.kind, []).append(place)
        text = ax.text(place.column + 0.55, place.row, "", va="center", ha="left", fontsize=8)
        looks.say(text, one.words)
    entries = []
    for kind in (kind for kind in _KINDS if kind in kinds):
        columns, rows = zip(*kinds[kind], strict=True)
        look: dict[str, Any] = {"linestyle": "none", "markersize": 6, "zorder": 2, **_KINDS[kind]}
        (drawn,) = ax.plot(columns, rows, label=_NAMES[kind], **look)
        entries.append((drawn, _NAMES[kind]))
    if len(entries) > 1:
        looks.add_legend(ax, entries, place="below")


class _Told(NamedTuple):
    """What is said of a run: how it came out, one of `_KINDS`, and the words beside it."""

    kind: str
    words: str


def _told(evolution: Evolution) -> list[_Told]:
    """What the tree on a terminal says of each run, from top to bottom."""
    (rows,) = (part.rows for part in page(evolution) if isinstance(part, Table))
    runs = (evolution.nodes[uid].run for uid in _places(evolution))
    lines = (list(map(text_of, row)) for row in rows if any(map(text_of, row)))
    styles = (cast("Span", row[-1]).style for row in rows if any(map(text_of, row)))
    return [
        _Told(
            _OUTCOMES.get(str(run["status"])) or _VERDICTS.get(style, ""),
            "  ".join(filter(None, (str(run["id"]), shortened(name, 36), value, changed))),
        )
        for run, (_, name, _, value, changed), style in zip(runs, lines, styles, strict=True)
    ]
