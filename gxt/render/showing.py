"""One run on a page: the hypothesis, what went in, what came out."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar, cast

from gxt.model.codec import number_to_json, time_to_json
from gxt.model.datasets import data_of
from gxt.model.goals import ASIDE, SYSTEM
from gxt.model.json_types import Json, JsonObject
from gxt.model.params import flatten
from gxt.model.run import command_line, metrics_of, params_of, title, without_bounds
from gxt.ops.show import Shown
from gxt.render.clean import one_line, shortened
from gxt.render.machine import machine
from gxt.render.putting_out import outputs
from gxt.render.values import (
    VERDICT_STYLES,
    change,
    duration,
    ending,
    judged,
    left_out,
    local_time,
    mean,
    measured,
    number,
    reason,
    scalar,
    size,
    standing_on,
    status,
    with_bounds,
)
from gxt.render.view import Column, Line, Span, Table, View, line, pairs

if TYPE_CHECKING:
    from gxt.model.evidence import Evidence

_POINT = [Column("metric"), Column("step", right=True), Column("time"), Column("value", right=True)]
Number = TypeVar("Number", int, float)

_TITLE = 60
_LISTED = 200  # cells of a value: a list of matches is long, and whole with --json
_TOGETHER = 4096  # points whose text is made at a time
# What a metric's row tells, and what goes first where a terminal is narrow.
_COLUMNS = (("from parent", 0), ("min", 1), ("at", 3), ("max", 2), ("at", 4), ("points", 5))


def page(shown: Shown) -> View:
    """Everything about a run that fits on a page."""
    run = shown.run
    heading = [Span(str(run["id"]), "id"), Span(one_line(title(run)), "title"), status(run["status"])]
    return [
        Table([Column(""), Column("", cut=True, most=_TITLE), Column("")], [heading], head=False),
        _identity(shown),
        *_section("Message", run["message"] if _has_lines(run) else None),
        *_section("Hypothesis", run["hypothesis"]),
        *_remarks("Conclusions", run["conclusions"]),
        *_remarks("Comments", run["comments"]),
        *_inputs(run),
        *_repeats(shown),
        *_metrics(shown),
        *_sources(run),
        *machine(cast("dict[str, JsonObject]", run["metric_stats"])),
        *outputs(run),
        *_evaluations(run["evals"]),
        *_notices(run),
    ]


def with_series(shown: Shown) -> Iterator[bytes]:
    """The run with its `series` as JSON in ASCII, in parts: a million points are never a text as a whole.

    Times are ISO 8601 in UTC.
    """
    yield f'{json.dumps(shown.run, allow_nan=False)[:-1]}, "series": {{'.encode("ascii")
    between = ""
    for name, one in shown.series.items():
        yield f'{between}{json.dumps(name)}: {{"step": ['.encode("ascii")
        yield from _listed(one.step, int)
        yield b'], "time": ['
        yield from _listed(one.time_us, time_to_json)
        yield b'], "value": ['
        yield from _listed(one.value, number_to_json)
        yield b"]}"
        between = ", "
    yield b"}}"


def _listed(column: array[Number], to_json: Callable[[Number], Json]) -> Iterator[bytes]:
    """The items of a JSON list, without its brackets."""
    between = ""
    for piece in _pieces(column):
        values: list[Json] = [to_json(item) for item in piece]
        yield f"{between}{json.dumps(values, allow_nan=False)[1:-1]}".encode("ascii")
        between = ", "


def _pieces(column: array[Number]) -> Iterator[array[Number]]:
    return (column[start : start + _TOGETHER] for start in range(0, len(column), _TOGETHER))


def series_table(shown: Shown) -> Table:
    """Every point of every metric, a row each."""
    return Table(_POINT, [row for table in series_tables(shown) for row in table.rows])


def series_tables(shown: Shown) -> Iterator[Table]:
    """The same in tables of some thousand rows, only the first with a head."""
    yield Table(_POINT, [])
    for name, one in shown.series.items():
        for points in zip(*map(_pieces, (one.step, one.time_us)), _pieces(one.value), strict=True):
            rows = [
                [Span(name), Span(str(step)), Span(time_to_json(at)), Span(scalar(number_to_json(value)))]
                for step, at, value in zip(*points, strict=True)
            ]
            yield Table(_POINT, rows, head=False)


def _identity(shown: Shown) -> Table:
    run = shown.run
    code = cast("JsonObject", run["code"])
    environment = cast("JsonObject", run["environment"])
    fields = [
        ("uid", str(run["uid"])),
        ("commit", str(run["commit"] or "not in git yet") if "repeats" not in run else ""),
        ("parent", _parent(shown)),
        ("children", " ".join(shown.children)),
        ("seed", str(run["seed"]) if run["seed"] is not None else ""),
        ("repeat of", shown.group),
        ("tags", _words(run["tags"])),
        ("message", _message(run)),
        ("created", f"{local_time(run['created'])} by {run['author']}{_on_host(run)}"),
        ("took", _took(run)),
        ("command", command_line(run)),
        ("directory", str(run["cwd"]) if run["cwd"] != "." else ""),
        ("code", standing_on(code.get("head"), code.get("branch")) + _dirt(code) if code else ""),
        ("python", _python(environment)),
        ("machine", _machine(environment)),
        ("variables", _variables(environment)),
    ]
    return pairs([(label, text) for label, text in fields if text.strip()])


def _python(environment: JsonObject) -> str:
    version = str(environment.get("python") or "")
    return f"{version} (assumed: the first on PATH)" if environment.get("python_assumed") else version


def _words(values: Json) -> str:
    """Tags and the like; one with a space in it is told from two by its quotes."""
    words = [str(word) for word in cast("list[Json]", values)]
    return " ".join(f"'{word}'" if " " in word or not word else word for word in words)


def _message(run: JsonObject) -> str:
    """The message, unless the heading shows all of it, or it has a section of its own."""
    text = one_line(str(run["message"] or ""))
    in_heading = title(run) == run["message"] and len(text) <= _TITLE
    return "" if in_heading or _has_lines(run) else text


def _has_lines(run: JsonObject) -> bool:
    return len(str(run["message"] or "").strip().splitlines()) > 1


def _parent(shown: Shown) -> str:
    return f"{shown.parent['id']}  {one_line(title(shown.parent))}" if shown.parent else shown.absent


def _took(run: JsonObject) -> str:
    if run["duration_s"] is None:
        return ""
    return ", ".join(filter(None, (duration(run["duration_s"]), ending(run))))


def _on_host(run: JsonObject) -> str:
    return f" on {run['host']}" if run["host"] else ""


def _dirt(code: JsonObject) -> str:
    return " with uncommitted changes" if code.get("dirty") else ""


def _machine(environment: JsonObject) -> str:
    gpus = cast("list[JsonObject]", environment.get("gpus") or [])
    parts = [str(environment.get("platform") or ""), str(environment.get("cpu") or "")]
    if environment.get("cpu_count"):
        parts.append(f"{environment['cpu_count']} CPUs")
    parts += [size(environment.get("memory_bytes")), *(str(gpu.get("name")) for gpu in gpus)]
    return ", ".join(part for part in parts if part)


def _variables(environment: JsonObject) -> str:
    """The environment variables that change results, as one would set them in a shell."""
    from shlex import quote

    variables = cast("JsonObject", environment.get("variables") or {})
    return " ".join(f"{name}={quote(str(value))}" for name, value in variables.items())


def _section(heading: str, text: Json) -> list[Line]:
    """What somebody wrote, on its own lines."""
    if not text:
        return []
    return [
        line(),
        line(Span(heading, "head")),
        *(line("  ", part) for part in str(text).strip().splitlines()),
    ]


def _remarks(heading: str, remarks: Json) -> list[Line]:
    """What people said of the run, each with who and when before it."""
    lines: list[Line] = []
    for one in cast("list[JsonObject]", remarks):
        by = str(one["by"]).partition(" <")[0]
        lines.append(line("  ", Span(f"{local_time(one['at'])}  {by}", "dim")))
        lines += [line("    ", part) for part in str(one["text"]).strip().splitlines()]
    return [line(), line(Span(heading, "head")), *lines] if lines else []


def _inputs(run: JsonObject) -> View:
    """Parameters, then data: what came from elsewhere apart from what a stage of the pipeline has made."""
    shown: list[Line | Table] = []
    flat = flatten(params_of(run))
    if flat:
        rows = [(one_line(key), one_line(scalar(value))) for key, value in flat.items()]
        shown += [line(), line(Span("Parameters", "head")), pairs(rows)]
    data = list(data_of(run).values())
    if data:
        from gxt.render.datasets import data_table

        made = [one for one in data if one.get("kind") == "intermediate"]
        for heading, entries in (
            ("Data", [one for one in data if one not in made]),
            ("Intermediate data", made),
        ):
            if entries:
                shown += [line(), line(Span(heading, "head")), data_table(entries)]
    return shown


def _repeats(shown: Shown) -> View:
    """The runs of a group, then the means of their metrics and what these are against the parent's."""
    repeats = shown.run.get("repeats")
    if not isinstance(repeats, dict):
        return []
    runs = cast("list[JsonObject]", repeats["runs"])
    main = shown.main.name if shown.main else ""
    rows = [
        [
            Span(str(one["id"]), "id"),
            Span("" if one["seed"] is None else str(one["seed"])),
            status(one["status"]),
            Span(duration(one["duration_s"]), "dim"),
            Span(with_bounds(metrics_of(one), main)),
        ]
        for one in runs
    ]
    columns = [Column("run"), Column("seed", right=True), Column("status"), Column("took", right=True)]
    table = Table([*columns, Column(main, right=True)], rows, indent=2)
    return [line(), line(Span("Repeats", "head")), table, *_means(shown)]


def _means(shown: Shown) -> View:
    from gxt.model.repeats import sample_of

    rows, reasons = [], []
    for name in without_bounds(metrics_of(shown.run)):
        found, evidence = sample_of(shown.run, name), _evidence(name, shown)
        if found is None:
            continue
        deviation = f"{found.sd:.3g}" if found.n > 1 else ""
        style = VERDICT_STYLES[evidence.verdict if evidence else None]
        told = f"{change(evidence.difference)} {judged(evidence)}" if evidence else ""
        rows.append([Span(name), Span(mean(found)), Span(deviation), Span(told, style)])
        if evidence and evidence.kind != "single":
            reasons.append(line("  ", Span(f"{one_line(name, 40)}: {reason(evidence)}", "dim")))
    columns = [Column("metric", cut=True, tail=True, floor=16), Column("mean ± error (runs)", right=True)]
    columns += [Column("deviation", right=True), Column("from parent", right=True)]
    return [line(), line(Span("Metrics", "head")), Table(columns, rows, indent=2), *reasons] if rows else []


def _evidence(name: str, shown: Shown) -> Evidence | None:
    if shown.parent is None:
        return None
    from gxt.model.repeats import evidence_of

    return evidence_of(shown.parent, shown.run, name, shown.goals.get(name))


def _metrics(shown: Shown) -> View:
    stats = cast("dict[str, JsonObject]", shown.run["metric_stats"])
    stats = {name: stat for name, stat in stats.items() if not name.startswith(SYSTEM)}
    if not stats:
        return []
    said = {name: str(one.get("summary") or "last") for name, one in _defined(shown).items()}
    chosen = {name: summary for name, summary in said.items() if summary != "last"}
    columns = [
        Column("metric", cut=True, tail=True, floor=16),
        Column("value" if chosen else "last", right=True),
        *([Column("", style="dim")] if chosen else []),
        *(Column(name, right=True, drop=drop) for name, drop in _COLUMNS),
    ]
    names = sorted(without_bounds(stats), key=lambda name: name.startswith(ASIDE))
    rows = [_metric_row(name, stats[name], shown, chosen) for name in names]
    return [line(), line(Span("Metrics", "head")), Table(columns, rows, indent=2)]


def _defined(shown: Shown) -> Mapping[str, JsonObject]:
    """What the script has said of its metrics."""
    return cast("Mapping[str, JsonObject]", shown.run["defined"])


def _metric_row(name: str, stat: JsonObject, shown: Shown, chosen: Mapping[str, str]) -> list[Span]:
    """A metric; where some have another value than their last one, which one that is comes behind it."""
    evidence = _evidence(name, shown)
    unit = _defined(shown).get(name, {}).get("unit")
    told = f"{change(evidence.difference)} {judged(evidence)}".strip() if evidence else ""
    return [
        Span(f"{name} [{unit}]" if unit else name, "title" if shown.main and shown.main.name == name else ""),
        Span(with_bounds(cast("JsonObject", shown.run["metrics"]), name)),
        *([Span(chosen.get(name, "last"))] if chosen else []),
        Span(told, VERDICT_STYLES[evidence.verdict if evidence else None]),
        Span(number(stat["min"])),
        Span(str(stat["min_step"]), "dim"),
        Span(number(stat["max"])),
        Span(str(stat["max_step"]), "dim"),
        Span(str(stat["count"]), "dim"),
    ]


def _sources(run: JsonObject) -> View:
    """The loggers that metrics and parameters were read from."""
    rows = []
    for one in cast("list[JsonObject]", run["sources"]):
        metrics, params = (
            len(cast("list[Json]", one.get("metrics") or [])),
            cast("int", one.get("params") or 0),
        )
        counts = ", ".join(filter(None, [_counted(metrics, "metric"), _counted(params, "parameter")]))
        about = "; ".join(filter(None, [counts, one_line(str(one.get("note") or ""))]))
        rows.append((str(one["kind"]), f"{one_line(str(one.get('path') or ''))}  {about}".strip()))
    return [line(), line(Span("Read from", "head")), pairs(rows)] if rows else []


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'s' * (count > 1)}" if count else ""


def _evaluations(evals: Json) -> View:
    """What was found afterwards, each with its name, who said it and when before it."""
    shown: list[Line | Table] = []
    for one in cast("list[JsonObject]", evals):
        step = f"  step {one['step']}" if one["step"] is not None else ""
        by = str(one["by"]).partition(" <")[0]
        about = Span(f"{step}  {local_time(one['at'])}  {by}", "dim")
        shown.append(line("  ", Span(one_line(str(one["name"])), "title"), about))
        values = flatten(cast("JsonObject", one["values"])).items()
        rows = [(one_line(key), shortened(measured(value), _LISTED)) for key, value in values]
        shown.append(pairs(rows)._replace(indent=4))
    return [line(), line(Span("Evaluations", "head")), *shown] if shown else []


def _notices(run: JsonObject) -> list[Line]:
    code = cast("JsonObject", run["code"])
    skipped = cast("list[JsonObject]", code.get("skipped") or [])
    texts = [left_out(one["path"], one["reason"]) for one in skipped]
    texts += map(str, cast("list[Json]", run["notices"] or []))
    if not texts:
        return []
    return [line(), line(Span("Notices", "head")), *(line("  ", text) for text in texts)]
