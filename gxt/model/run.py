"""A run as everybody reads it: the JSON object of `gxt show --json`, made from the stored documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, cast

from gxt.model.annotations import Said, fold
from gxt.model.codec import number_from_json
from gxt.model.goals import ASIDE
from gxt.model.json_types import Json, JsonObject
from gxt.named_tuple import NamedTuple

CONSOLE: Final = "console"
"""The kind of source that is what the run has printed."""
_ENDS: Final = (("/low", "/high"), ("_low", "_high"))
_BOUNDS: Final = tuple(end for ends in _ENDS for end in ends)
_RATING: Final = "elo"


class Row(NamedTuple):
    """A run as lists show it: `parent` is an id or empty, `group` a uid or empty, `tags` are words."""

    id: str
    parent: str
    status: str
    title: str
    created: str
    duration_s: float | None
    tags: str
    group: str
    metrics: Mapping[str, Json]


def run_json(
    *,
    commit: str | None,
    config: JsonObject,
    environment: JsonObject,
    metrics: JsonObject,
    annotations: Sequence[JsonObject] = (),
) -> JsonObject:
    """The run as one JSON object. `id` and `parent` stay None: they depend on the clone's numbers."""
    said = fold(annotations)
    listed = _listed(config, metrics, said)
    return {
        "id": None,
        "uid": config["uid"],
        "commit": commit,
        "name": listed["name"],
        "message": listed["message"],
        "hypothesis": config.get("hypothesis"),
        "status": listed["status"],
        "exit_code": metrics.get("exit_code"),
        "parent": None,
        "parent_uid": config.get("parent"),
        "group": listed["group"],
        "seed": config.get("seed"),
        "repeat": config.get("repeat"),
        "tags": listed["tags"],
        "comments": [_remark(event) for event in said.comments],
        "conclusions": [_remark(event) for event in said.conclusions],
        "created": listed["created"],
        "duration_s": listed["duration_s"],
        "author": _author(config.get("author")),
        "host": config.get("host"),
        "command": listed["command"],
        "cwd": config.get("cwd", "."),
        "code": config.get("code", {}),
        "params": config.get("params", {}),
        "param_files": config.get("param_files", []),
        "metrics_files": config.get("metrics_files", []),
        "outs": config.get("outs", []),
        "reproduces": config.get("reproduces"),
        "metrics": listed["metrics"],
        "metric_stats": _object(metrics.get("metrics")),
        "defined": _object(metrics.get("defined")),
        "evals": [_evaluation(event) for event in said.evaluated()],
        "sources": metrics.get("sources", []),
        "data": config.get("data", []),
        "artifacts": metrics.get("artifacts", []),
        "environment": _environment(environment),
        "notices": metrics.get("notices", []),
    }


def listed_json(config: JsonObject, metrics: JsonObject, annotations: Sequence[JsonObject]) -> JsonObject:
    """Of the run's JSON object what `row_of` reads."""
    return _listed(config, metrics, fold(annotations))


def _listed(config: JsonObject, metrics: JsonObject, said: Said) -> JsonObject:
    return {
        "id": None,
        "name": said.name(config.get("name")),
        "message": config.get("message"),
        "status": metrics["status"],
        "parent": None,
        "group": config.get("group"),
        "tags": list[Json](said.tags),
        "created": config.get("created"),
        "duration_s": metrics.get("duration_s"),
        "command": config.get("command", []),
        "metrics": _with_results(_values(metrics), said),
    }


def _with_results(metrics: JsonObject, said: Said) -> JsonObject:
    """The metrics, and of evaluations what they have measured: a rating, and values with their interval.

    Counts and settings, which evaluations hold as well, are none of them. What the run has logged counts,
    be it `loss` or, for that of the evaluation `val`, `val/loss`. A rating is the last one; of other values
    that several evaluations tell nobody knows which is meant.
    """
    results: dict[str, JsonObject] = {}
    told: set[str] = set()
    for event in said.evaluated():
        values = _object(event["values"])
        for name in filter(lambda one: _is_number(values[one]), values):
            ends = next(
                (ends for ends in _ENDS if all(_is_number(values.get(name + end)) for end in ends)), ()
            )
            if name in metrics or f"{event['name']}/{name}" in metrics or not (ends or name == _RATING):
                continue
            if name in told and name != _RATING:
                results.pop(name, None)
                continue
            told.add(name)
            results[name] = {key: values[key] for key in (name, *(name + end for end in ends))}
    found = {key: value for one in results.values() for key, value in one.items() if key not in metrics}
    return {**metrics, **found}


def _is_number(value: Json) -> bool:
    return number_from_json(value) is not None


def _values(metrics: JsonObject) -> JsonObject:
    stats, defined = _object(metrics.get("metrics")), _object(metrics.get("defined"))
    if defined:
        from gxt.model.defined import summarised  # most runs define none

        return summarised(cast("dict[str, JsonObject]", stats), cast("dict[str, JsonObject]", defined))
    return {name: _object(stat).get("last") for name, stat in stats.items()}


def without_packages(run: JsonObject) -> JsonObject:
    """The run as lists show it."""
    environment = {k: v for k, v in _object(run.get("environment")).items() if k != "packages"}
    return {**run, "environment": environment}


def with_packages(run: JsonObject, environment: JsonObject) -> JsonObject:
    """The run as `show` shows it, with the packages of its environment document."""
    return {**run, "environment": _environment(environment)}


def title(run: Mapping[str, Json]) -> str:
    """What people recognise a run by: its name, else what is different, else the command."""
    for key in ("name", "message"):
        if run.get(key):
            return str(run[key])
    return command_line(run)


def command_line(run: Mapping[str, Json]) -> str:
    """The command as one would type it into a shell."""
    import shlex

    return shlex.join(str(word) for word in cast("list[Json]", run.get("command") or []))


def row_of(run: Mapping[str, Json]) -> Row:
    """The run as lists show it."""
    duration = run["duration_s"]
    return Row(
        id=str(run["id"]),
        parent=str(run["parent"] or ""),
        status=str(run["status"]),
        title=title(run),
        created=str(run["created"] or ""),
        duration_s=float(duration) if isinstance(duration, (int, float)) else None,
        tags=" ".join(map(str, cast("list[Json]", run["tags"]))),
        group=str(run["group"] or ""),
        metrics=metrics_of(run),
    )


def is_recorded(reason: str) -> bool:
    """Whether something of a path in `code.skipped` is in the snapshot all the same: its reason says so."""
    return "recorded" in reason


def params_of(run: Mapping[str, Json]) -> JsonObject:
    """The run's parameters, nested."""
    return _object(run.get("params"))


def metrics_of(run: Mapping[str, Json]) -> JsonObject:
    """The run's metrics, {name: value}, the last one unless the script has chosen another.

    Those of the machine are left out, and what `gxt.torch.watch` looks at.
    """
    metrics = _object(run.get("metrics"))
    return {name: value for name, value in metrics.items() if not name.startswith(ASIDE)}


def metric_of(run: Mapping[str, Json], name: str) -> Json:
    """One of the run's metrics, without a copy of all the others; None where it is not there."""
    return None if name.startswith(ASIDE) else _object(run.get("metrics")).get(name)


def sources_of(run: Mapping[str, Json]) -> dict[str, JsonObject]:
    """What gave the run metrics or parameters besides the script itself, {kind: the last of that kind}."""
    sources = run.get("sources")
    found = sources if isinstance(sources, list) else []
    return {str(one["kind"]): one for one in found if isinstance(one, dict)}


def bounds_of(metrics: Mapping[str, Json], name: str) -> tuple[Json, Json] | None:
    """The ends of a metric's interval, where metrics named after it tell them: `elo/low` or `elo_low`."""
    for mark in "/_":
        low, high = metrics.get(f"{name}{mark}low"), metrics.get(f"{name}{mark}high")
        if low is not None and high is not None:
            return low, high
    return None


def without_bounds(names: Iterable[str]) -> list[str]:
    """The metrics but those that tell the interval of another one."""
    found = dict.fromkeys(names)
    return [
        name
        for name in found
        if not any(name.endswith(end) and name[: -len(end)] in found for end in _BOUNDS)
    ]


def evals_of(run: Mapping[str, Json]) -> JsonObject:
    """The run's evaluations, {name: values}."""
    evals = run.get("evals")
    found = evals if isinstance(evals, list) else []
    return {str(one["name"]): one["values"] for one in found if isinstance(one, dict)}


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _author(value: Json) -> str:
    author = _object(value)
    name, email = author.get("name", ""), author.get("email", "")
    return f"{name} <{email}>" if email or not name else str(name)  # other trackers know a login alone


def _remark(event: JsonObject) -> JsonObject:
    """A comment or a conclusion as the run shows it."""
    return {"id": event["id"], "at": event["at"], "by": _author(event["by"]), "text": event["text"]}


def _evaluation(event: JsonObject) -> JsonObject:
    """An evaluation as the run shows it."""
    kept = {key: event[key] for key in ("id", "at", "name", "values")}
    return {**kept, "by": _author(event["by"]), "step": event.get("step")}


def _environment(document: JsonObject) -> JsonObject:
    """The environment as the run shows it: versions and names instead of the document's records."""
    python = document.get("python")
    cpu = document.get("cpu")
    return {
        "python": _object(python).get("version"),
        "python_assumed": _object(python).get("assumed") is True,
        "platform": document.get("platform"),
        "cpu": _object(cpu).get("name"),
        "cpu_count": _object(cpu).get("count"),
        "memory_bytes": document.get("memory_bytes"),
        "gpus": document.get("gpus", []),
        "variables": document.get("variables", {}),
        "packages": document.get("packages", {}),
    }
