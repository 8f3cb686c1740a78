"""What the script of the page reads: texts ready to be shown, numbers to sort and draw by."""

from __future__ import annotations

import math
import sys
from array import array
from base64 import b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

from gxt.model.codec import number_from_json
from gxt.model.json_types import Json, JsonObject
from gxt.model.params import flatten
from gxt.model.repeats import how_many
from gxt.model.run import metric_of, metrics_of, params_of, title
from gxt.model.version import __version__
from gxt.ops.compare import best_of
from gxt.ops.report import Curve, Entry, Report
from gxt.render import showing
from gxt.render.clean import clean, one_line, shortened
from gxt.render.differing import changes_page, files_page
from gxt.render.values import change, duration, judged, local_time, metric_value, reason, scalar, status
from gxt.render.view import Span, Table, View, line, pairs

if TYPE_CHECKING:
    from gxt.model.evidence import Evidence
    from gxt.model.goals import Goal

_COLOURS: Final = 8
_MOST_CELLS: Final = 60_000
_LEAST_COLUMNS: Final = 12
_CELL: Final = 200
_MOST_ROWS: Final = 200  # of a table about a run
_MOST_ROWS_ALONE: Final = 5000
_LONGEST: Final = 2000  # text on the page of a run
_LARGEST_SINGLE: Final = 3e38
_NEAR: Final = 1e-5  # of the height of a curve: nobody sees what single precision loses


def facts(report: Report) -> JsonObject:
    """The report as one JSON object."""
    runs = [report.evolution.nodes[entry.uid].run for entry in report.entries]
    columns, cells, notices = _table(report, runs)
    drawn = [name for name in _drawn(report) if any(name in entry.curves for entry in report.entries)]
    return {
        "title": heading(report),
        "about": list[Json](about(report)),
        "notices": [clean(one) for one in (*report.notices, *notices)],
        "main": drawn.index(_main(report)) if _main(report) in drawn else 0,
        "first": _first(report, runs),
        "metrics": [{"name": clean(name), "goal": report.goals.get(name)} for name in drawn],
        "columns": columns,
        "runs": [_run(report, entry, row, drawn) for entry, row in zip(report.entries, cells, strict=True)],
        "tree": _tree(report),
    }


def heading(report: Report) -> str:
    """What the report is about."""
    runs = [report.evolution.nodes[entry.uid].run for entry in report.entries]
    repository = one_line(report.repository)
    if len(runs) == 1:
        return f"{runs[0]['id']} {one_line(title(runs[0]))}"
    return repository if report.whole else f"{counted(sum(map(how_many, runs)))} of {repository}"


def about(report: Report) -> list[str]:
    """The facts below the heading."""
    count = sum(how_many(report.evolution.nodes[entry.uid].run) for entry in report.entries)
    metric = report.evolution.metric
    goal = metric.goal if metric else None
    wish = {"max": ", higher is better", "min": ", lower is better", None: ""}[goal]
    told = [
        one_line(report.repository) if len(report.entries) == 1 else counted(count) if report.whole else "",
        f"{one_line(metric.name)}{wish}" if metric else "",
        f"{report.made:%Y-%m-%d %H:%M} UTC",
        f"gxt {__version__}",
    ]
    return [one for one in told if one]


def counted(count: int) -> str:
    """`1 run`, `12 runs`."""
    return "1 run" if count == 1 else f"{count} runs"


def _main(report: Report) -> str:
    return report.evolution.metric.name if report.evolution.metric else ""


def _drawn(report: Report) -> list[str]:
    """The metrics with curves: the usual ones, then what stands aside."""
    others = {name for entry in report.entries for name in entry.curves} - set(report.metrics)
    return [*report.metrics, *sorted(others)]


def _first(report: Report, runs: Sequence[JsonObject]) -> list[Json]:
    """The places of the runs that are drawn at first: all of few, of many the best by the main metric."""
    goal = report.evolution.metric.goal if report.evolution.metric else None
    values = [_finite(number_from_json(metric_of(run, _main(report)))) for run in runs]
    known = [(-value if goal == "max" else value, at) for at, value in enumerate(values) if value is not None]
    if len(runs) <= _COLOURS or goal is None or not known:
        return [*range(len(runs))][:_COLOURS]
    return [at for _, at in sorted(known)[:_COLOURS]]


# --- the table -------------------------------------------------------------------------------------------


def _table(report: Report, runs: Sequence[JsonObject]) -> tuple[list[Json], list[list[Json]], list[str]]:
    """The columns, of each run its cells, and what is left out; of a single run there is no table."""
    if len(runs) == 1:
        return [], [[]], []
    main, others = report.metrics[:1], report.metrics[1:]
    params = _differing(runs)
    most = max(_LEAST_COLUMNS, _MOST_CELLS // max(1, len(runs)))
    left = len(params) + len(others) - most
    params, others = params[:most], others[: max(0, most - len(params))]
    flats = [flatten(params_of(run)) for run in runs]
    metrics = [metrics_of(run) for run in runs]

    def measured(name: str) -> list[list[Json]]:
        values = [number_from_json(one.get(name)) for one in metrics]
        return _metric_cells(runs, name, values, report.goals.get(name))

    columns: list[tuple[str, str, Sequence[list[Json]]]] = [
        ("name", "text", [[one_line(title(run), _CELL)] for run in runs]),
        *((name, "metric", measured(name)) for name in main),
        ("change", "verdict", [_change_cell(report.evolution.nodes[e.uid].evidence) for e in report.entries]),
        ("status", "text", [[one_line(str(run["status"]))] for run in runs]),
        *((key, "param", [_param_cell(flat.get(key, "")) for flat in flats]) for key in params),
        *((name, "metric", measured(name)) for name in others),
        ("tags", "text", [[one_line(", ".join(map(str, cast("list[Json]", r["tags"]))))] for r in runs]),
        ("created", "text", [[local_time(run["created"])] for run in runs]),
        ("took", "number", [[duration(run["duration_s"]), run["duration_s"]] for run in runs]),
    ]
    kept = [one for one in columns if any(cell[0] for cell in one[2])]
    heads: list[Json] = [[one_line(name), kind] for name, kind, _ in kept]
    rows = [list(row) for row in zip(*(cells for _, _, cells in kept), strict=True)]
    return heads, rows, [f"{left} more columns are left out of the table"] if left > 0 else []


def _differing(runs: Sequence[JsonObject]) -> list[str]:
    """The parameters that differ between runs."""
    flats = [flatten(params_of(run)) for run in runs]
    keys = dict.fromkeys(key for flat in flats for key in flat)
    return [key for key in keys if len({scalar(flat[key]) if key in flat else None for flat in flats}) > 1]


def _metric_cells(
    runs: Sequence[JsonObject], name: str, values: Sequence[float | None], goal: Goal | None
) -> list[list[Json]]:
    """A metric of each run: its text, its number, and whether it is the best."""
    best = best_of(values, goal)
    return [
        [one_line(metric_value(run, name)), _finite(value), at in best]
        for at, (run, value) in enumerate(zip(runs, values, strict=True))
    ]


def _param_cell(value: Json) -> list[Json]:
    text = one_line(scalar(value), _CELL)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 1e300:
        return [text]
    return [text, _finite(value)]


def _change_cell(evidence: Evidence | None) -> list[Json]:
    """How the main metric changed from the parent's, the difference to sort by, the verdict."""
    if evidence is None:
        return ["", None, ""]
    told = f"{change(evidence.difference)} {judged(evidence)}".strip()
    return [told, _finite(evidence.difference), evidence.verdict or ""]


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


# --- the tree --------------------------------------------------------------------------------------------


def _tree(report: Report) -> list[Json]:
    """Each run before its children: its place among the runs, its lane, how many it has below with itself,
    and whether its parent is not the run above it.

    The child with the most runs below continues its parent's lane, as `gxt tree` draws it.
    """
    forest, roots = report.forest, set(report.evolution.forest.roots)
    places = {entry.uid: at for at, entry in enumerate(report.entries)}
    weights = forest.weights()
    rows: list[Json] = []
    waiting = [(root, 0) for root in reversed(forest.roots)]
    while waiting:
        uid, lane = waiting.pop()
        rows.append([places[uid], lane, weights[uid], uid in roots and uid not in forest.roots])
        children = sorted(forest.children[uid], key=lambda child: weights[child])
        if children:
            waiting.append((children[-1], lane))
            waiting += [(child, lane + 1) for child in reversed(children[:-1])]
    return rows


# --- a run -----------------------------------------------------------------------------------------------


def _run(report: Report, entry: Entry, cells: list[Json], drawn: Sequence[str]) -> JsonObject:
    node = report.evolution.nodes[entry.uid]
    evidence = node.evidence
    run = node.run
    above = _above(report, entry.uid)
    return {
        "id": str(run["id"]),
        "title": one_line(title(run), _CELL) + (f" ← {above}" if above else ""),
        "status": one_line(str(run["status"])),
        "value": one_line(metric_value(run, _main(report))) if _main(report) else "",
        "change": f"{change(evidence.difference)} {judged(evidence)}".strip() if evidence else "",
        "verdict": (evidence.verdict or "") if evidence else "",
        "why": reason(evidence) if evidence and evidence.kind != "single" else "",
        "cells": cells,
        "page": _blocks(_page(entry), _MOST_ROWS if len(report.entries) > 1 else _MOST_ROWS_ALONE),
        "images": [
            [clean(one.name), one.step, f"data:image/{one.format};base64,{b64encode(one.content).decode()}"]
            for one in entry.images
        ],
        "curves": {
            str(at): [_curve(one) for one in entry.curves[name]]
            for at, name in enumerate(drawn)
            if name in entry.curves
        },
    }


def _above(report: Report, uid: str) -> str:
    """What to call the parent of a run, where that is not in the report."""
    run = report.evolution.nodes[uid].run
    if uid not in report.evolution.forest.roots:
        return ""
    return one_line(report.evolution.removed.get(str(run["parent_uid"])) or str(run["parent"] or ""))


def _page(entry: Entry) -> View:
    """All that `gxt show` tells, and what changed from the parent."""
    if entry.shown is None:
        return [line(Span("It cannot be read.", "unsure"))]
    identity, *rest = showing.page(entry.shown)[1:]  # the page has a heading of its own
    known = cast("Table", identity)
    rows = [*pairs([("status", status(entry.shown.run["status"]))]).rows, *known.rows]
    parent = entry.shown.parent
    differs = [*changes_page(entry.changed or {}), *files_page(entry.files or ())]
    title_ = [line(Span(f"What changed from {parent['id']}", "head"))] if parent and differs else []
    return [known._replace(rows=rows), *title_, *(differs if title_ else []), *rest]


def _blocks(view: View, most: int) -> list[Json]:
    """A view for the page: sections, lines, tables of [text, role] with at most so many rows."""
    blocks: list[Json] = []
    for one in view:
        if isinstance(one, Table):
            blocks.append(_table_block(one._replace(rows=one.rows[:most])))
            if len(one.rows) > most:
                blocks.append(_line(line(Span(f"… and {len(one.rows) - most} more: see gxt show", "dim"))))
        elif block := _line(one):
            blocks.append(block)
    return blocks


def _line(spans: Sequence[Span]) -> Json:
    if len(spans) == 1 and spans[0].style == "head":
        return {"section": clean(spans[0].text)}
    kept = spans[1:] if spans and not spans[0].text.strip() else spans  # what indents it in a terminal
    return {"line": list(map(_span, kept))} if kept else None


def _span(span: Span) -> Json:
    return [shortened(clean(span.text), _LONGEST), span.style]


def _table_block(table: Table) -> Json:
    return {
        "head": [clean(column.name) for column in table.columns] if table.head else None,
        "right": [column.right for column in table.columns],
        "rows": [
            [_span(column.span(cell)) for column, cell in zip(table.columns, row, strict=True)]
            for row in table.rows
        ],
    }


def _curve(curve: Curve) -> list[Json]:
    """Its run, how many points it has, step, seconds, value; of stretches step, seconds, mean, points."""
    means = curve.means if curve.means[0] else ()
    return [curve.run, curve.logged, *(packed(column) for column in (*curve.points, *means))]


def packed(column: array[int] | array[float]) -> str:
    """Numbers as base64 behind the letter of their form: `f` for single precision where it shows, else `d`.

    Little-endian.
    """
    doubles = array("d", column)
    finite = [value for value in doubles if math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    kept = doubles
    if max(-low, high) < _LARGEST_SINGLE:
        singles = array("f", doubles)
        near = _NEAR * (high - low) or math.inf
        pairs = zip(singles, doubles, strict=True)
        if not any(abs(single - value) > near for single, value in pairs):  # with NaN it is not
            kept = singles
    if sys.byteorder == "big":
        kept.byteswap()
    return kept.typecode + b64encode(kept.tobytes()).decode("ascii")
