"""The two lines of a run: what is about to begin, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gxt.model.goals import Metric, goal_of, goals_of
from gxt.model.ids import parse_run_id
from gxt.model.json_types import Json, JsonObject
from gxt.model.params import Missing, difference, flatten
from gxt.model.run import command_line, metrics_of, params_of, title, without_bounds
from gxt.ops.run import RunResult, Started
from gxt.ops.start import Plan, StartRequest
from gxt.render.clean import cells, one_line, shortened
from gxt.render.values import (
    change,
    duration,
    ending,
    judged,
    left_out,
    scalar,
    standing_on,
    with_bounds,
)
from gxt.render.view import Span, Style, View, line, pairs
from gxt.store.settings import Settings

if TYPE_CHECKING:
    from gxt.model.evidence import Evidence

_METRICS = 3
_PARAMS = 3
_LABEL = 60
STYLES: dict[str, Style] = {"completed": "good", "failed": "bad", "interrupted": "unsure"}


def start_line(started: Started, width: int | None) -> str:
    """`exp-013 ← exp-012  deeper  lr 0.1 → 0.3`: as much of it as one line of the terminal holds."""
    planned = started.plan
    head = started.id
    if planned.parent:
        left = " (HEAD does not descend from it)" if planned.base_left else ""
        head += f" ← {planned.parent['id']}{left}"
    elif planned.absent:
        head += f" ← {one_line(planned.absent)}"
    label = one_line(str(planned.config["name"] or planned.config["message"] or ""), width and _LABEL)
    parts = [part for part in (head, label, _place(planned.config)) if part]
    changes = _changes(planned.parent, planned.config)
    for count in range(min(len(changes), _PARAMS), -1, -1):
        untold = len(changes) - count
        more = [f"and {untold} more" if count else f"{untold} parameters differ"] if untold else []
        text = "  ".join([*parts, *changes[:count], *more])
        if width is None or cells(text) <= width:
            return text
    return shortened("  ".join(parts), width or 0)


def end_line(result: RunResult, settings: Settings, width: int | None) -> tuple[str, Style]:
    """`exp-013 completed in 12 s  acc 0.94 (+0.02 better)  → gxt diff exp-012 exp-013`, and its colour.

    On a narrow terminal the ids of the next command become numbers, then metrics go, the main one last.
    """
    if result.finished is None:
        if result.kept:
            return f"{result.id} ended, and could not be recorded: gxt list tries again", "bad"
        return f"{result.id} ended, and is not recorded: somebody removed its journal", "bad"
    run = result.finished.run
    head = f"{run['id']} {run['status']} in {duration(run['duration_s'])}"
    if result.ended.error:
        head += f"  {result.ended.error}"
    elif ending(run):
        head += f"  {ending(run)}"
    metrics = _metrics(result, run, settings)
    long, short = _following(result, run)
    for count in range(len(metrics), -1, -1):
        for following in (long, short):
            text = "  ".join([head, *metrics[:count], following])
            if width is None or cells(text) <= width:
                return text, STYLES.get(str(run["status"]), "")
    return shortened(head, width or 0), STYLES.get(str(run["status"]), "")


def _following(result: RunResult, run: JsonObject) -> tuple[str, str]:
    """The command to try next, with ids and with numbers."""
    ids = [str(run["id"])]
    verb = "show"
    if run["status"] == "failed" and not result.ended.error:
        verb = "output"
    elif result.parent and not result.ended.error:
        verb, ids = "diff", [str(result.parent["id"]), *ids]
    numbers = [str(parse_run_id(one) or one) for one in ids]
    return f"→ gxt {verb} {' '.join(ids)}", f"→ gxt {verb} {' '.join(numbers)}"


def _place(config: JsonObject) -> str:
    """Which of the repeats it is."""
    repeat, seed = config["repeat"], config["seed"]
    place = [f"repeat {repeat['index']} of {repeat['of']}"] if isinstance(repeat, dict) else []
    return ", ".join([*place, *([f"seed {seed}"] if seed is not None else [])])


def shown_metrics(main: Metric | None, names: Sequence[str]) -> list[str]:
    """The main metric, then the next ones; not those that tell the interval of another."""
    return without_bounds([*([main.name] if main else []), *names])[:_METRICS]


def plan_view(planned: Plan, repeats: Sequence[StartRequest] = ()) -> View:
    """What `--dry-run` shows: everything that would be recorded; of repeats the first, and all seeds."""
    config, snapshot = planned.config, planned.snapshot
    said = [(key, one_line(str(config[key]))) for key in ("name", "message", "hypothesis") if config[key]]
    rows = [
        *said,
        ("tags", " ".join(planned.request.tags)),
        ("command", command_line(config)),
        ("directory", str(config["cwd"])),
        ("parent", _parent(planned)),
        ("seeds", " ".join(str(one.seed) for one in repeats)),
        ("code", standing_on(snapshot.head, snapshot.branch)),
        *(("", f"changed: {path}") for path in snapshot.changed),
        *(("", left_out(one.path, one.reason)) for one in snapshot.skipped),
        *(("", f"{_why_secret(kind)}, and git tracks it: {path}") for path, kind in snapshot.secrets.items()),
    ]
    params = [f"{key} = {scalar(value)}" for key, value in flatten(params_of(config)).items()]
    if config["data"]:
        rows += _data_rows(config)
    rows += [("params" if i == 0 else "", one_line(text)) for i, text in enumerate(params)]
    return [
        line(Span("would be recorded; nothing was run", "title")),
        pairs([(label, text) for label, text in rows if text]),
    ]


def _data_rows(config: JsonObject) -> list[tuple[str, str]]:
    from gxt.model.datasets import data_of
    from gxt.render.datasets import facts

    data = data_of(config).items()
    return [("" if i else "data", f"{one_line(path)}  {facts(one)}") for i, (path, one) in enumerate(data)]


def _why_secret(kind: str) -> str:
    return f"holds what looks like a secret ({kind})" if kind else "looks like a secret"


def _parent(planned: Plan) -> str:
    if planned.parent:
        left = "  (HEAD does not descend from it)" if planned.base_left else ""
        return f"{planned.parent['id']}  {one_line(title(planned.parent))}{left}"
    return planned.absent or "none"


def _changes(parent: JsonObject | None, config: JsonObject) -> list[str]:
    """The parameters that differ from the parent's; those that only a script can say are not known yet."""
    if parent is None:
        return []
    changed = difference(params_of(parent), params_of(config)).items()
    known = [(key, old, new) for key, (old, new) in changed if not isinstance(new, Missing)]
    return [f"{one_line(key, 40)} {_side(old)} → {_side(new)}" for key, old, new in known]


def _side(value: Json | Missing) -> str:
    return "absent" if isinstance(value, Missing) else one_line(scalar(value), 30)


def _metrics(result: RunResult, run: JsonObject, settings: Settings) -> list[str]:
    """The main metric, then the next ones, each with its change from the parent."""
    metrics = metrics_of(run)
    first = result.main if result.main and result.main.name in metrics else None
    texts = []
    for name in shown_metrics(first, list(metrics)):
        evidence = _evidence(result.parent, run, name, settings) if result.parent else None
        told = f"{change(evidence.difference)} {judged(evidence)}".strip() if evidence else ""
        texts.append(f"{one_line(name, 40)} {with_bounds(metrics, name)}" + (f" ({told})" if told else ""))
    return texts


def _evidence(parent: JsonObject, run: JsonObject, name: str, settings: Settings) -> Evidence | None:
    from gxt.model.repeats import evidence_of  # a first run is nothing to be judged

    goals = {**goals_of(parent, run), **settings.goals}
    return evidence_of(parent, run, name, goal_of(name, goals))
