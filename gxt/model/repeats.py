"""Repeats of one experiment with different seeds, summed up: what stands for a group, and its spread."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from gxt.model.codec import double_from_json, number_from_json, number_to_json
from gxt.model.evidence import Evidence, Sample, sample, weigh
from gxt.model.goals import Goal, judge
from gxt.model.json_types import Json, JsonObject
from gxt.model.run import Row, metric_of, metrics_of, params_of
from gxt.named_tuple import NamedTuple

MANY = "+"
"""Behind the id of a run: the group that it belongs to. `exp-012+4` is exp-012 with four other repeats."""


class Folded(NamedTuple):
    """Rows of a list with each group in one of them; the spread of its metrics by the id of that row."""

    rows: list[Row]
    samples: Mapping[str, Mapping[str, Sample]]


def fold_rows(rows: Iterable[Row], groups: Mapping[str, Sequence[Row]]) -> Folded:
    """Each group in one row, where its first run stands.

    Args:
        rows: of runs.
        groups: all runs of each group that has one among them, oldest first.
    """
    seen: set[str] = set()
    folded: list[Row] = []
    samples: dict[str, Mapping[str, Sample]] = {}
    for row in rows:
        members = groups.get(row.group) if row.group else None
        if members is None or len(members) < 2:
            folded.append(row)
        elif row.group not in seen:
            seen.add(row.group)
            one, spread = _fold(members)
            folded.append(one)
            samples[one.id] = spread
    return Folded(folded, samples)


def _fold(members: Sequence[Row]) -> tuple[Row, dict[str, Sample]]:
    counted = [one.metrics for one in members if one.status == "completed"]
    means, spread = _spread(counted)
    durations = [one.duration_s for one in members if one.duration_s is not None]
    tags = dict.fromkeys(tag for one in members for tag in one.tags.split(" ") if tag)
    first = members[0]
    return first._replace(
        id=group_id([one.id for one in members]),
        status=_status([one.status for one in members]),
        title=" ".join(_common([one.title.split(" ") for one in members])),
        duration_s=sum(durations) / len(durations) if durations else None,
        tags=" ".join(tags),
        metrics=means,
    ), spread


def group_id(ids: Sequence[str]) -> str:
    """What a group goes by: its first run, and how many others there are."""
    return f"{ids[0]}{MANY}{len(ids) - 1}"


def fold_runs(members: Sequence[JsonObject]) -> JsonObject:
    """A run that stands for its group: the first one with the means of the metrics of those that completed.

    Parameters that differ are lists; what only a single run can have is empty. `repeats` has the runs, and of
    each metric n, mean, sd (the standard deviation) and se (the standard error of the mean).

    Args:
        members: the runs of a group, oldest first.
    """
    means, spread = _spread([metrics_of(one) for one in members if one["status"] == "completed"])
    runs = [
        {key: one[key] for key in ("id", "uid", "seed", "status", "duration_s", "metrics")} for one in members
    ]
    ids = [str(one["id"]) for one in members]
    durations = [number for one in members if (number := number_from_json(one["duration_s"])) is not None]
    return {
        **members[0],
        "id": group_id(ids),
        "commit": None,
        "command": list[Json](_common([cast("list[str]", one["command"]) for one in members])),
        "exit_code": next((one["exit_code"] for one in members if one["exit_code"]), members[0]["exit_code"]),
        "seed": None,
        "repeat": None,
        "status": _status([str(one["status"]) for one in members]),
        "duration_s": sum(durations) / len(durations) if durations else None,
        "params": _together([params_of(one) for one in members]),
        "metrics": means,
        "metric_stats": {},
        "evals": [],
        "artifacts": [],
        "repeats": {
            "runs": list[Json](runs),
            "metrics": {name: _sample_json(one) for name, one in spread.items()},
        },
    }


def sample_of(run: JsonObject, name: str) -> Sample | None:
    """The values of a metric in a run, or in the repeats that it stands for; None without a finite one."""
    repeats = run.get("repeats")
    if isinstance(repeats, dict):
        found = cast("Mapping[str, Mapping[str, float]]", repeats["metrics"]).get(name)
        sd = number_from_json(found["sd"]) if found else None
        return Sample(int(found["n"]), found["mean"], sd) if found and sd is not None else None
    value = double_from_json(metric_of(run, name))
    return None if value is None or not math.isfinite(value) else Sample(1, value)


def how_many(run: JsonObject) -> int:
    """How many runs a run stands for."""
    return len(uids_of(run))


def uids_of(run: JsonObject) -> list[str]:
    """The identities of the runs that a run stands for; its own where it is but one."""
    repeats = run.get("repeats")
    members = cast("list[JsonObject]", repeats["runs"]) if isinstance(repeats, dict) else [run]
    return [str(one["uid"]) for one in members]


def evidence_of(
    before: JsonObject | None, after: JsonObject, name: str, goal: Goal | None
) -> Evidence | None:
    """How a metric differs between two runs, or between groups of repeats; None where one lacks it."""
    old = double_from_json(metric_of(before, name)) if before else None
    new = double_from_json(metric_of(after, name))
    if before is None or old is None or new is None:
        return None
    first, second = sample_of(before, name), sample_of(after, name)
    if first is None or second is None:  # NaN and infinity have no spread
        return Evidence(judge(new - old, goal), new - old, "single", (1, 1))
    return weigh(first, second, goal)


def _spread(found: Sequence[Mapping[str, Json]]) -> tuple[JsonObject, dict[str, Sample]]:
    """The mean of each metric as JSON, and its spread where all values are finite."""
    means: JsonObject = {}
    spread: dict[str, Sample] = {}
    for name in dict.fromkeys(name for metrics in found for name in metrics):
        numbers = [double_from_json(metrics[name]) for metrics in found if name in metrics]
        values = [number for number in numbers if number is not None]
        one = sample(values)
        if one is not None:
            means[name], spread[name] = one.mean, one
        elif values:
            means[name] = number_to_json(sum(values) / len(values))
    return means, spread


def _sample_json(one: Sample) -> JsonObject:
    error = one.error
    return {
        "n": one.n,
        "mean": one.mean,
        "sd": number_to_json(one.sd),
        "se": None if error is None else number_to_json(error),
    }


def _status(found: Sequence[str]) -> str:
    """The status that all have, else how many have which."""
    counts = {status: found.count(status) for status in dict.fromkeys(found)}
    return (
        found[0] if len(counts) == 1 else ", ".join(f"{count} {status}" for status, count in counts.items())
    )


def _common(texts: Sequence[Sequence[str]]) -> list[str]:
    """Words, with dots for those that differ: the seed in a command. The first where their number differs."""
    if len(set(map(len, texts))) > 1:
        return list(texts[0])
    return [words[0] if len(set(words)) == 1 else "…" for words in zip(*texts, strict=True)]


def _together(found: Sequence[JsonObject]) -> JsonObject:
    """Parameters, nested; one that differs is the list of its values, null where it is not set."""
    merged: JsonObject = {}
    for key in dict.fromkeys(key for one in found for key in one):
        values = [one.get(key) for one in found]
        objects = [one.get(key, {}) for one in found]
        inner = [one for one in objects if isinstance(one, dict)]
        if len(inner) == len(found):
            merged[key] = _together(inner)
        else:
            merged[key] = values[0] if all(one == values[0] for one in values) else values
    return merged
