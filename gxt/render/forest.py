"""The evolution tree, drawn so that it stays readable at any depth.

An only child, and of several children the one with the most runs below it, continues its parent's line; the
others branch off before it. Every branching at least halves what can be below a branch, so the indentation
grows with the logarithm of the number of runs and never with the depth.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from gxt.model.codec import number_to_json
from gxt.model.json_types import Json, JsonObject
from gxt.model.run import title
from gxt.ops.tree import Evolution, Node
from gxt.render.clean import one_line
from gxt.render.values import VERDICT_STYLES, change, number, status
from gxt.render.view import Line, Span, View, line


def page(evolution: Evolution) -> View:
    """The forest, a line a run, an empty line between trees."""
    rows = list(_rows(evolution))
    if not rows:
        return []
    width = max(len(rails) + len(str(node.run["id"])) for rails, node in rows)
    named = min(40, max(len(one_line(title(node.run), 40)) for _, node in rows))
    view: list[Line] = []
    for rails, node in rows:
        if view and not rails and not _continues(node, evolution):
            view.append(line())
        view.append(_row(rails, node, width, named, evolution))
    if evolution.hidden:
        view += [line(), line(Span(f"{evolution.hidden} more runs: gxt tree --limit N, gxt tree ID", "dim"))]
    return view


def to_json(evolution: Evolution) -> str:
    """`gxt tree --json`: nested children, built without recursion so that any depth can be written."""
    weights = list(evolution.forest.order())
    texts: dict[str, str] = {}
    for uid in reversed(weights):
        node = evolution.nodes[uid]
        delta: Json = None if node.change is None else number_to_json(node.change)
        head: JsonObject = {
            "id": node.run["id"],
            "uid": uid,
            "name": node.run["name"],
            "status": node.run["status"],
            "metric": node.value,
            "change": delta,
            "verdict": node.verdict,
        }
        children = ",".join(texts.pop(child) for child in evolution.forest.children[uid])
        texts[uid] = f'{json.dumps(head)[:-1]}, "children": [{children}]}}'
    return "[" + ", ".join(texts[root] for root in evolution.forest.roots) + "]"


def _continues(node: Node, evolution: Evolution) -> bool:
    """Whether a run at the margin goes on from the line above it."""
    return str(node.run["uid"]) not in evolution.forest.roots


def _rows(evolution: Evolution) -> Iterator[tuple[str, Node]]:
    """Each run with the rails that lead to it."""
    weights = evolution.forest.weights()
    waiting = [(root, "", "") for root in reversed(evolution.forest.roots)]
    while waiting:
        uid, rails, below = waiting.pop()
        yield rails, evolution.nodes[uid]
        children = sorted(evolution.forest.children[uid], key=lambda child: weights[child])
        if children:
            waiting.append((children[-1], below, below))
            waiting += [(child, f"{below}├─ ", f"{below}│  ") for child in reversed(children[:-1])]


def _row(rails: str, node: Node, width: int, named: int, evolution: Evolution) -> Line:
    run = node.run
    metric = evolution.metric
    shown = f"{metric.name} {number(node.value)}" if metric and node.value is not None else ""
    word = status(run["status"]) if run["status"] != "completed" else Span("")
    style = VERDICT_STYLES[node.verdict]
    ident = str(run["id"])
    verdict = node.verdict if node.verdict in {"better", "worse"} else ""
    return line(
        Span(rails, "dim"),
        Span(ident, "id"),
        " " * (width - len(rails) - len(ident) + 2),
        Span(f"{one_line(title(run), named):<{named}}"),
        "  ",
        word,
        "  " if word.text and shown else "",
        Span(shown, style),
        Span(f"  {change(node.change)} {verdict}".rstrip(), style),
    )
