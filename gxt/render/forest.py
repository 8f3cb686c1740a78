"""The evolution tree, drawn so that it stays readable at any depth.

An only child, and of several children the one with the most runs below it, continues its parent's line; the
others branch off before it. Every branching at least halves what can be below a branch, so the indentation
grows with the logarithm of the number of runs and never with the depth.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from gxt.model.codec import number_to_json
from gxt.model.evidence import evidence_json
from gxt.model.json_types import JsonObject
from gxt.model.run import title
from gxt.ops.tree import Evolution, Node
from gxt.render.clean import one_line
from gxt.render.values import VERDICT_STYLES, change, judged, metric_value, status
from gxt.render.view import Column, Line, Span, Table, View, line


def page(evolution: Evolution) -> View:
    """The forest, a line a run, an empty line between trees."""
    if not evolution.nodes:
        return []
    rows: list[list[Span]] = []
    roots = set(evolution.forest.roots)
    for rails, node in _rows(evolution):
        if rows and node.run["uid"] in roots:
            rows.append([Span("")] * 5)
        rows.append(_row(rails, node, evolution))
    metric = evolution.metric.name if evolution.metric else ""
    widest = max(len(row[3].text) for row in rows)
    columns = [
        Column("run"),
        Column("name", cut=True, floor=6, most=60),
        Column("status" if any(row[2].text for row in rows) else "", drop=2),
        Column(metric, right=True, cut=True, tail=True, floor=max(8, widest)),
        Column("change" if metric else "", drop=1),
    ]
    view: list[Line | Table] = [Table(columns, rows)]
    if evolution.hidden:
        runs = "1 older run" if evolution.hidden == 1 else f"{evolution.hidden} older runs"
        view += [line(), line(Span(f"{runs}: gxt tree --limit N shows more", "dim"))]
    return view


def to_json(evolution: Evolution) -> str:
    """`gxt tree --json`: nested children, written without recursion so that any depth can be."""
    pieces: list[str] = []
    waiting = _siblings(evolution.forest.roots)
    while waiting:
        uid, after = waiting.pop()
        if uid:
            pieces.append(f'{json.dumps(_node_json(uid, evolution.nodes[uid]))[:-1]}, "children": [')
            waiting += [("", f"]}}{after}"), *_siblings(evolution.forest.children[uid])]
        else:
            pieces.append(after)
    return f"[{''.join(pieces)}]"


def _siblings(uids: Sequence[str]) -> list[tuple[str, str]]:
    """Runs to write, the last on top, each with what stands behind it."""
    return [(uid, ", " if i else "") for i, uid in enumerate(reversed(uids))]


def _node_json(uid: str, node: Node) -> JsonObject:
    evidence, repeats = node.evidence, node.run.get("repeats")
    return {
        "id": node.run["id"],
        "uid": uid,
        "name": node.run["name"],
        "status": node.run["status"],
        "metric": node.value,
        "change": None if evidence is None else number_to_json(evidence.difference),
        "verdict": evidence.verdict if evidence else None,
        "evidence": evidence_json(evidence) if evidence else None,
        "repeats": repeats,
    }


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


def _row(rails: str, node: Node, evolution: Evolution) -> list[Span]:
    run = node.run
    evidence = node.evidence
    style = VERDICT_STYLES[evidence.verdict if evidence else None]
    removed = evolution.removed.get(str(run["parent_uid"]))
    return [
        Span(rails + str(run["id"]), "id"),
        Span(f"{one_line(title(run))} ← {removed}" if removed else one_line(title(run))),
        status(run["status"]) if run["status"] != "completed" else Span(""),
        Span(metric_value(run, evolution.metric.name) if evolution.metric else "", style),
        Span(f"{change(evidence.difference)} {judged(evidence)}".rstrip() if evidence else "", style),
    ]
