"""One run on a page: the hypothesis, what went in, what came out."""

from __future__ import annotations

from typing import cast

from gxt.model.codec import number_from_json, number_to_json, time_to_json
from gxt.model.goals import judge
from gxt.model.json_types import Json, JsonObject
from gxt.model.params import flatten
from gxt.model.run import metrics_of, params_of, title
from gxt.ops.show import Shown
from gxt.render.clean import one_line
from gxt.render.values import (
    VERDICT_STYLES,
    change,
    duration,
    local_time,
    number,
    scalar,
    size,
    status,
)
from gxt.render.view import Column, Line, Span, Table, View, line


def page(shown: Shown) -> View:
    """Everything about a run that fits on a page."""
    run = shown.run
    return [
        line(
            Span(str(run["id"]), "id"), "  ", Span(one_line(title(run)), "title"), "  ", status(run["status"])
        ),
        *_identity(shown),
        *_hypothesis(run),
        *_inputs(run),
        *_outputs(shown),
        *_notices(run),
    ]


def as_json(shown: Shown, *, series: bool) -> JsonObject:
    """`gxt show --json`: the run, with `series` when asked for; times in ISO 8601 UTC."""
    if not series:
        return shown.run
    columns: JsonObject = {
        name: {
            "step": list[Json](one.step),
            "time": [time_to_json(at) for at in one.time_us],
            "value": [number_to_json(value) for value in one.value],
        }
        for name, one in shown.series.items()
    }
    return {**shown.run, "series": columns}


def series_table(shown: Shown) -> Table:
    """Every point of every metric, a row each."""
    rows = [
        [Span(name), Span(str(step)), Span(time_to_json(at)), Span(repr(value))]
        for name, one in shown.series.items()
        for step, at, value in zip(one.step, one.time_us, one.value, strict=True)
    ]
    return Table(
        [Column("metric"), Column("step", right=True), Column("time"), Column("value", right=True)], rows
    )


def _identity(shown: Shown) -> list[Line]:
    run, parent = shown.run, shown.parent
    code = cast("JsonObject", run["code"])
    environment = cast("JsonObject", run["environment"])
    head = str(code.get("head") or "")[:10] or "no commit"
    lines = [
        _field("uid", str(run["uid"])),
        _field("commit", str(run["commit"] or "not in git yet")),
        _field("parent", _parent(run, parent)),
        _field("children", " ".join(shown.children)),
        _field("tags", " ".join(map(str, cast("list[Json]", run["tags"])))),
        _field("message", one_line(str(run["message"] or "")) if run["name"] else ""),
        _field("created", f"{local_time(run['created'])} by {run['author']} on {run['host']}"),
        _field("took", _took(run)),
        _field("command", " ".join(map(str, cast("list[Json]", run["command"])))),
        _field("directory", str(run["cwd"]) if run["cwd"] != "." else ""),
        _field("code", f"{head} on {code.get('branch') or 'no branch'}{_dirt(code)}"),
        _field("python", str(environment.get("python") or "")),
        _field("machine", _machine(environment)),
    ]
    return [one for one in lines if one]


def _field(label: str, text: str) -> Line:
    return line("  ", Span(f"{label:<10}", "dim"), text) if text.strip() else []


def _parent(run: JsonObject, parent: JsonObject | None) -> str:
    if parent:
        return f"{parent['id']}  {one_line(title(parent), 60)}"
    return f"{run['parent_uid']} (not here)" if run["parent_uid"] else ""


def _took(run: JsonObject) -> str:
    if run["duration_s"] is None:
        return ""
    code = run["exit_code"]
    return duration(run["duration_s"]) + (f", exit code {code}" if code else "")


def _dirt(code: JsonObject) -> str:
    skipped = cast("list[Json]", code.get("skipped") or [])
    left_out = f", {len(skipped)} left out" if skipped else ""
    return (" with uncommitted changes" if code.get("dirty") else "") + left_out


def _machine(environment: JsonObject) -> str:
    gpus = cast("list[JsonObject]", environment.get("gpus") or [])
    parts = [str(environment.get("platform") or ""), str(environment.get("cpu") or "")]
    if environment.get("cpu_count"):
        parts.append(f"{environment['cpu_count']} CPUs")
    parts += [size(environment.get("memory_bytes")), *(str(gpu.get("name")) for gpu in gpus)]
    return ", ".join(part for part in parts if part)


def _hypothesis(run: JsonObject) -> list[Line]:
    if not run["hypothesis"]:
        return []
    return [line(), line(Span("Hypothesis", "head")), *_indented(str(run["hypothesis"]))]


def _indented(text: str) -> list[Line]:
    return [line("  ", part) for part in text.splitlines()]


def _inputs(run: JsonObject) -> list[Line]:
    flat = flatten(params_of(run))
    if not flat:
        return []
    width = max(len(key) for key in flat)
    shown = [
        line("  ", Span(f"{key:<{width}}", "dim"), "  ", one_line(scalar(value)))
        for key, value in flat.items()
    ]
    return [line(), line(Span("Parameters", "head")), *shown]


def _outputs(shown: Shown) -> View:
    stats = cast("dict[str, JsonObject]", shown.run["metric_stats"])
    if not stats:
        return []
    before = metrics_of(shown.parent) if shown.parent else {}
    columns = [
        Column("  metric"),
        *(Column(name, right=True) for name in ("last", "from parent", "min", "at", "max", "at", "points")),
    ]
    rows = [_metric_row(name, stat, before.get(name), shown) for name, stat in stats.items()]
    return [line(), line(Span("Metrics", "head")), Table(columns, rows)]


def _metric_row(name: str, stat: JsonObject, before: Json, shown: Shown) -> list[Span]:
    new, old = number_from_json(stat["last"]), number_from_json(before)
    delta = new - old if new is not None and old is not None else None
    verdict = judge(delta, shown.goals.get(name)) if delta is not None else None
    return [
        Span(f"  {name}", "title" if shown.main and shown.main.name == name else ""),
        Span(number(stat["last"])),
        Span(change(delta), VERDICT_STYLES[verdict]),
        Span(number(stat["min"])),
        Span(str(stat["min_step"]), "dim"),
        Span(number(stat["max"])),
        Span(str(stat["max_step"]), "dim"),
        Span(str(stat["count"]), "dim"),
    ]


def _notices(run: JsonObject) -> list[Line]:
    code = cast("JsonObject", run["code"])
    skipped = cast("list[JsonObject]", code.get("skipped") or [])
    texts = [f"left out of the code: {one['path']} ({one['reason']})" for one in skipped]
    texts += map(str, cast("list[Json]", run["notices"] or []))
    if not texts:
        return []
    return [line(), line(Span("Notices", "head")), *(line("  ", text) for text in texts)]
