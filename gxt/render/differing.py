"""What differs between two runs, and runs side by side."""

from __future__ import annotations

from math import isnan

from gxt.model.codec import number_from_json, number_to_json
from gxt.model.fields import Missing
from gxt.model.goals import Goal
from gxt.model.json_types import Json, JsonObject
from gxt.model.params import flatten
from gxt.model.run import metrics_of, params_of, title
from gxt.ops.compare import Comparison
from gxt.ops.diff import Changes, Diff, MetricChange
from gxt.render.clean import one_line
from gxt.render.values import VERDICT_STYLES, change, number, scalar
from gxt.render.view import Column, Line, Span, Style, Table, View, line


def page(diff: Diff) -> View:
    """The differences, a section each; one line when there are none."""
    a = f"{diff.a['id']} {one_line(title(diff.a), 40)}"
    b = f"{diff.b['id']} {one_line(title(diff.b), 40)}" if diff.b else "the work tree"
    sections = [
        *_section("Metrics", _metrics(diff)),
        *_section("Parameters", _changes(diff.params)),
        *_section("Code", _code(diff)),
        *_section("Environment", _changes(diff.environment)),
    ]
    head = line(Span(a, "id"), " → ", Span(b, "id"))
    return [head, *sections] if sections else [head, line("no difference")]


def table(diff: Diff) -> Table:
    """The differences as one table, for CSV and Markdown."""
    a, b = str(diff.a["id"]), str(diff.b["id"]) if diff.b else "workspace"
    columns = [Column(name) for name in ("kind", "name", a, b, "change", "verdict")]
    rows: list[list[Span]] = [
        [Span("metric"), Span(name), Span(_exact(one.a)), Span(_exact(one.b)), Span(_exact(one.delta)),
         Span(one.verdict or "")]
        for name, one in diff.metrics.items()
    ]  # fmt: skip
    for kind, changes in (("param", diff.params), ("environment", diff.environment)):
        rows += [
            [Span(kind), Span(key), Span(_side(old)), Span(_side(new)), Span(""), Span("")]
            for key, (old, new) in changes.items()
        ]
    rows += [
        [Span("file"), Span(one.path), Span(""), Span(""), Span(f"+{one.added} −{one.removed}"), Span("")]
        for one in diff.files
    ]
    return Table(columns, rows)


def patch(diff: Diff) -> View:
    """The code's patch, added and removed lines coloured."""
    styles: dict[str, Style] = {"+": "good", "-": "bad", "@": "id"}
    text = (diff.patch or b"").decode(errors="replace")
    # a tab is the one control character that a patch needs
    return [line(Span(one.expandtabs(), styles.get(one[:1], ""))) for one in text.splitlines()]


def as_json(diff: Diff) -> JsonObject:
    """`gxt diff --json`."""
    return {
        "a": diff.a["id"],
        "b": diff.b["id"] if diff.b else None,
        "params": _pairs(diff.params),
        "metrics": {
            name: {"a": one.a, "b": one.b, "delta": _delta(one), "verdict": one.verdict}
            for name, one in diff.metrics.items()
        },
        "data": {},
        "environment": _pairs(diff.environment),
        "code": {
            "files": [{"path": one.path, "added": one.added, "removed": one.removed} for one in diff.files],
            **({"patch": diff.patch.decode(errors="replace")} if diff.patch is not None else {}),
        },
    }


def comparison(result: Comparison) -> Table:
    """Runs as columns: what differs in the parameters, and every metric with the best value marked."""
    runs = result.runs
    columns = [Column(""), *(Column(str(run["id"]), right=True, cut=True) for run in runs)]
    rows = [
        [Span("name", "dim"), *(Span(one_line(title(run), 24), "title") for run in runs)],
        [Span("status", "dim"), *(Span(str(run["status"])) for run in runs)],
        [Span("parent", "dim"), *(Span(str(run["parent"] or "")) for run in runs)],
    ]
    flats = [flatten(params_of(run)) for run in runs]
    for key in dict.fromkeys(key for flat in flats for key in flat):
        cells = [scalar(flat[key]) if key in flat else "" for flat in flats]
        if len(set(cells)) > 1:
            rows.append([Span(f"params.{key}", "dim"), *(Span(one_line(cell, 40)) for cell in cells)])
    for name, goal in result.goals.items():
        rows.append([Span(name), *_metric_cells(name, goal, runs)])
    return Table(columns, rows)


def _metric_cells(name: str, goal: Goal | None, runs: tuple[JsonObject, ...]) -> list[Span]:
    values = [metrics_of(run).get(name) for run in runs]
    numbers = [known for known in map(number_from_json, values) if known is not None and not isnan(known)]
    best = None
    if goal and numbers:
        best = max(numbers) if goal == "max" else min(numbers)
    return [
        Span(f"{number(value)} *", "good") if best is not None and value == best else Span(number(value))
        for value in values
    ]


def _section(name: str, body: View) -> View:
    return [line(), line(Span(name, "head")), *body] if body else []


def _metrics(diff: Diff) -> View:
    if not diff.metrics or diff.b is None:
        return []
    columns = [
        Column("  metric"),
        Column(str(diff.a["id"]), right=True),
        Column(str(diff.b["id"]), right=True),
        Column("change", right=True),
        Column(""),
    ]
    return [Table(columns, [_metric_row(name, one) for name, one in diff.metrics.items()])]


def _metric_row(name: str, one: MetricChange) -> list[Span]:
    style = VERDICT_STYLES[one.verdict]
    return [
        Span(f"  {name}"),
        Span(number(one.a)),
        Span(number(one.b)),
        Span(change(one.delta), style),
        Span(one.verdict or "", style),
    ]


def _changes(changes: Changes) -> list[Line]:
    if not changes:
        return []
    width = max(len(key) for key in changes)
    return [
        line("  ", Span(f"{key:<{width}}"), "  ", Span(_side(old), "dim"), " → ", _side(new))
        for key, (old, new) in changes.items()
    ]


def _code(diff: Diff) -> list[Line]:
    lines: list[Line] = []
    for one in diff.files:
        if one.added is None or one.removed is None:
            lines.append(line("  ", one.path, "  ", Span("binary", "dim")))
        else:
            lines.append(
                line("  ", one.path, "  ", Span(f"+{one.added}", "good"), " ", Span(f"−{one.removed}", "bad"))
            )
    return lines


def _side(value: Json | Missing) -> str:
    return "absent" if isinstance(value, Missing) else one_line(scalar(value), 60)


def _exact(value: Json) -> str:
    return "" if value is None else scalar(value)


def _delta(one: MetricChange) -> Json:
    return None if one.delta is None else number_to_json(one.delta)


def _pairs(changes: Changes) -> JsonObject:
    return {
        key: [None if isinstance(side, Missing) else side for side in pair] for key, pair in changes.items()
    }
