"""The two lines of a run: what is about to begin, and what came of it."""

from __future__ import annotations

from gxt.model.codec import number_from_json
from gxt.model.goals import goal_of, judge, main_metric
from gxt.model.json_types import Json, JsonObject
from gxt.model.params import Missing, difference, flatten
from gxt.model.run import metrics_of, params_of
from gxt.ops.run import RunResult, Started
from gxt.ops.start import Plan
from gxt.render.clean import one_line
from gxt.render.values import change, duration, number, scalar
from gxt.render.view import Span, View, line
from gxt.store.settings import Settings

_METRICS = 3
_PARAMS = 3


def start_line(started: Started) -> str:
    """`exp-013 ← exp-012  lr 0.1 → 0.3  2 files changed`."""
    planned = started.plan
    parent = planned.parent
    parts = [started.id]
    if parent:
        parts.append(f"← {parent['id']}")
    elif planned.config["parent"]:
        parts.append("← a run that is not here")
    text = " ".join(parts)
    label = planned.config["name"] or planned.config["message"]
    details = [one_line(str(label), 60)] if label else []
    details += _changes(parent, planned.config)
    return "  ".join([text, *details])


def end_line(result: RunResult, settings: Settings) -> tuple[str, str]:
    """`exp-013 completed in 12 s  acc 0.94 (+0.02 better)  → gxt diff exp-012 exp-013`, and its colour."""
    if result.finished is None:
        return f"{result.id} ended, and could not be recorded: gxt list tries again", "31"
    run = result.finished.run
    parent = result.plan.parent
    parts = [f"{run['id']} {run['status']} in {duration(run['duration_s'])}"]
    if result.ended.error:
        parts.append(result.ended.error)
    elif run["status"] == "failed":
        parts.append(f"exit code {run['exit_code']}")
    parts += _metrics(run, parent, settings)
    following = f"gxt diff {parent['id']} {run['id']}" if parent else f"gxt show {run['id']}"
    if run["status"] == "failed":
        following = f"gxt output {run['id']}"
    colours = {"completed": "32", "failed": "31", "interrupted": "33"}
    return "  ".join([*parts, f"→ {following}"]), colours.get(str(run["status"]), "")


def plan_view(planned: Plan) -> View:
    """What `--dry-run` shows: everything that would be recorded."""
    config, snapshot = planned.config, planned.snapshot
    head = f"{snapshot.head[:10]} on {snapshot.branch or 'no branch'}" if snapshot.head else "no commit yet"
    rows: list[tuple[str, str]] = [
        ("command", " ".join(map(str, planned.request.command))),
        ("directory", str(config["cwd"])),
        ("parent", str(planned.parent["id"]) if planned.parent else "none"),
        ("code", head),
        *(("", f"changed: {path}") for path in snapshot.changed),
        *(("", f"left out: {one.path} ({one.reason})") for one in snapshot.skipped),
        *(("", f"looks like a secret, and git tracks it: {path}") for path in snapshot.secrets),
    ]
    params = [(key, scalar(value)) for key, value in flatten(params_of(config)).items()]
    rows += [("params" if i == 0 else "", f"{key} = {value}") for i, (key, value) in enumerate(params)]
    return [
        line(Span("would be recorded; nothing was run", "title")),
        *(line(Span(f"{label:<10}", "dim"), text) for label, text in rows),
    ]


def _changes(parent: JsonObject | None, config: JsonObject) -> list[str]:
    """What is different from the parent: parameters, code."""
    if parent is None:
        return []
    changed = list(difference(params_of(parent), params_of(config)).items())
    texts = [f"{key} {_side(old)} → {_side(new)}" for key, (old, new) in changed[:_PARAMS]]
    if len(changed) > _PARAMS:
        texts.append(f"and {len(changed) - _PARAMS} more")
    return texts


def _side(value: Json | Missing) -> str:
    return "absent" if isinstance(value, Missing) else one_line(scalar(value), 30)


def _metrics(run: JsonObject, parent: JsonObject | None, settings: Settings) -> list[str]:
    metrics = metrics_of(run)
    before = metrics_of(parent) if parent else {}
    main = main_metric(metrics, chosen=settings.metric, goals=settings.goals)
    names = [*([main.name] if main else []), *(name for name in metrics if not main or name != main.name)]
    texts = []
    for name in names[:_METRICS]:
        new, old = number_from_json(metrics[name]), number_from_json(before.get(name))
        text = f"{name} {number(metrics[name])}"
        if new is not None and old is not None:
            verdict = judge(new - old, goal_of(name, settings.goals))
            word = f" {verdict}" if verdict in {"better", "worse"} else ""
            text += f" ({change(new - old)}{word})"
        texts.append(text)
    return texts
