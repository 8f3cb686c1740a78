"""The evolution tree: which run derives from which, and whether it was better."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gxt.errors import UsageError
from gxt.model.run import title as title_of
from gxt.named_tuple import NamedTuple
from gxt.ops.tree import Evolution, Node
from gxt.render.clean import one_line
from gxt.render.values import change, number
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
    places = dict(_places(evolution))
    depth = max(place.column for place in places.values())
    metric = evolution.metric.name if evolution.metric else ""
    with looks.looks(ax):
        height = min(200.0, 0.9 + _LINE * len(places))
        figure, (ax,) = looks.panels(ax, ["the tree"], 1, _INDENT * depth + _TEXT, height)
        _draw_edges(ax, evolution, places)
        _draw_nodes(ax, evolution, places)
        ax.set_xlim(-0.7, depth + _TEXT / _INDENT)
        ax.set_ylim(len(places) - 0.3, -0.7)
        ax.set_axis_off()
        more = f", {evolution.hidden} older left out" if evolution.hidden else ""
        told = title or (f"Evolution by {metric}{more}" if metric else f"Evolution{more}")
        looks.name_axes(ax, title=one_line(told), x="", y="")
    return figure


def _places(evolution: Evolution) -> Iterator[tuple[str, Place]]:
    """Each run's place, the line with the most runs going straight down."""
    weights = evolution.forest.weights()
    waiting = [(root, 0) for root in reversed(evolution.forest.roots)]
    row = 0
    while waiting:
        uid, column = waiting.pop()
        yield uid, Place(column, row)
        row += 1
        children = sorted(evolution.forest.children[uid], key=lambda child: weights[child])
        if children:
            waiting.append((children[-1], column))
            waiting += [(child, column + 1) for child in reversed(children[:-1])]


def _draw_edges(ax: Axes, evolution: Evolution, places: dict[str, Place]) -> None:
    from matplotlib.collections import LineCollection

    bends = []
    for uid, children in evolution.forest.children.items():
        for child in children:
            if uid in places and child in places:
                start, end = places[uid], places[child]
                bends.append([(start.column, start.row), (start.column, end.row), (end.column, end.row)])
    ax.add_collection(LineCollection(bends, colors=looks.GREY, linewidths=0.9, zorder=1), autolim=False)


def _draw_nodes(ax: Axes, evolution: Evolution, places: dict[str, Place]) -> None:
    kinds: dict[str, list[Place]] = {}
    for uid, place in places.items():
        node = evolution.nodes[uid]
        kinds.setdefault(_kind(node), []).append(place)
        text = ax.text(place.column + 0.55, place.row, "", va="center", ha="left", fontsize=8)
        looks.say(text, _words(node))
    entries = []
    for kind, found in kinds.items():
        (drawn,) = ax.plot(
            [place.column for place in found],
            [place.row for place in found],
            linestyle="none",
            markersize=6,
            zorder=2,
            label=_NAMES[kind],
            **_KINDS[kind],
        )
        entries.append((drawn, _NAMES[kind]))
    if len(kinds) > 1:
        looks.add_legend(
            ax, sorted(entries, key=lambda one: list(_NAMES.values()).index(one[1])), place="below"
        )


def _kind(node: Node) -> str:
    status = str(node.run["status"])
    if status in {"failed", "interrupted"}:
        return "failed"
    if status == "running":
        return "running"
    return str(node.verdict) if node.verdict in _KINDS else ""


def _words(node: Node) -> str:
    """What stands beside a run: its id, what it is called, its metric and the change."""
    value = f"  {number(node.value)}" if node.value is not None else ""
    changed = f"  ({change(node.change)})" if change(node.change) else ""
    return f"{node.run['id']}  {one_line(title_of(node.run), 36)}{value}{changed}"
