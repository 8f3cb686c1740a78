"""A run in MLflow's terms: its names and their letters, its limits, its tags.

Pure values; how they get there is `gxt.ops.mlflow_store`. The limits are those of MLflow 3
(`mlflow/utils/validation.py`), which its servers keep as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Final, cast

from gxt.model.codec import number_from_json
from gxt.model.json_types import Json, JsonObject
from gxt.model.params import flatten, split_keys
from gxt.model.points import SeriesByName
from gxt.model.run import command_line, params_of, title
from gxt.named_tuple import NamedTuple

MAX_NAME: Final = 250
MAX_PARAM: Final = 6000
MAX_TAG: Final = 8000
UID: Final = "gxt.uid"
LABELS: Final = "gxt.tags"
PARENT: Final = "mlflow.parentRunId"
NAME: Final = "mlflow.runName"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_OWN: Final = ("gxt.", "mlflow.")
_REFUSED: Final = re.compile(r"[^/\w.\- :]")
_STATUS: Final = {"completed": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}


class MlflowPoint(NamedTuple):
    """One value of a metric; `at_ms` is milliseconds since the Unix epoch."""

    name: str
    value: float
    at_ms: int
    step: int


class MlflowForm(NamedTuple):
    """A run as MLflow takes it.

    Attributes:
        status: `FINISHED`, `FAILED` or `KILLED`.
        began_ms, ended_ms: milliseconds since the Unix epoch.
        params: texts, by names that MLflow takes.
        tags: what is said of the run; its name and what it comes from are among them.
        cut: what was too long or is called otherwise there, in words.
    """

    status: str
    began_ms: int
    ended_ms: int
    params: dict[str, str]
    tags: dict[str, str]
    cut: tuple[str, ...] = ()


def mlflow_form(run: JsonObject) -> MlflowForm:
    """The run with its parameters and tags; its metrics are `points_of` and `evaluated_points`."""
    flat = {".".join(split_keys(name)): value for name, value in flatten(params_of(run)).items()}
    names = mlflow_names(flat)
    params = {names[name]: _text(value) for name, value in flat.items()}
    tags = {**label_tags(labels_of(run)), **_facts(run)}
    began_ms = _ms(run["created"])
    duration_s = run["duration_s"]
    return MlflowForm(
        status=_STATUS[str(run["status"])],
        began_ms=began_ms,
        ended_ms=began_ms + (round(duration_s * 1000) if isinstance(duration_s, (int, float)) else 0),
        params={name: _cut(value, MAX_PARAM) for name, value in params.items()},
        tags={name: _cut(value, MAX_TAG) for name, value in tags.items()},
        cut=(
            *told("called otherwise there", [name for name, given in names.items() if name != given]),
            *told(f"cut to {MAX_PARAM} characters", [k for k, v in params.items() if len(v) > MAX_PARAM]),
            *told(f"cut to {MAX_TAG} characters", [k for k, v in tags.items() if len(v) > MAX_TAG]),
        ),
    )


def points_of(series: SeriesByName) -> Iterator[MlflowPoint]:
    """The points of the metrics, in the order of each, at their times to the millisecond."""
    names = mlflow_names(series)
    for name, one in series.items():
        for step, at_us, value in zip(one.step, one.time_us, one.value, strict=True):
            yield MlflowPoint(names[name], value, at_us // 1000, step)


def evaluated_points(run: JsonObject) -> Iterator[MlflowPoint]:
    """The numbers of the run's evaluations as metrics `NAME/KEY`, at the times at which they were said."""
    for one in cast("list[JsonObject]", run["evals"]):
        values = flatten(cast("JsonObject", one["values"]))
        said = {"/".join((str(one["name"]), *split_keys(key))): value for key, value in values.items()}
        names, step = mlflow_names(said), one["step"]
        for name, value in said.items():
            number = number_from_json(value)
            if number is not None:
                at_step = step if isinstance(step, int) else 0
                yield MlflowPoint(names[name], float(number), _ms(one["at"]), at_step)


def mlflow_names(names: Iterable[str]) -> dict[str, str]:
    """What each is called there: letters that MLflow refuses are `_`, no two are the same, none is too long.

    MLflow treats names as paths, too: `a//b`, `../a` and `/a` are none of its names.
    """
    given: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        parts = _REFUSED.sub("_", name).split("/")
        stem = "/".join("_" if part in {"", ".", ".."} else part for part in parts)[:MAX_NAME].rstrip("/")
        free, number = stem, 1
        while free in taken:
            number += 1
            free = f"{stem[: MAX_NAME - 8]}.{number}"
        taken.add(free)
        given[name] = free
    return given


def label_tags(labels: Iterable[str]) -> dict[str, str]:
    """A run's labels as tags: `good` is `good = true` there, and `team=a` the tag team with the value a."""
    found: dict[str, str] = {}
    for label in labels:
        name, given, value = label.partition("=")
        found.update({name: value} if name.strip() and given else {label: "true"})
    # what only looks like MLflow's own, or ours, must not be taken for it
    names = mlflow_names(f"tag.{name}" if name.startswith(_OWN) else name for name in found)
    return dict(zip(names.values(), found.values(), strict=True))


def labels_of(run: JsonObject) -> list[str]:
    """The run's tags."""
    return [str(one) for one in cast("list[Json]", run["tags"])]


def _facts(run: JsonObject) -> dict[str, str]:
    """Where the run comes from and what was said of it, by MLflow's names and by ours."""
    code = cast("JsonObject", run["code"] or {})
    author = str(run["author"])
    facts = {
        NAME: title(run)[:MAX_NAME],
        "mlflow.user": author.partition(" <")[0] or author,
        "mlflow.source.name": command_line(run),
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": code.get("head") or run["commit"],
        "mlflow.source.git.branch": code.get("branch"),
        "mlflow.note.content": _note(run),
        UID: run["uid"],
        "gxt.id": run["id"],
        "gxt.commit": run["commit"],
        "gxt.group": run["group"],
        LABELS: json.dumps(run["tags"]) if run["tags"] else None,
    }
    return {name: str(value) for name, value in facts.items() if value}


def _note(run: JsonObject) -> str:
    """What was said of the run, as Markdown."""
    said = [str(run["message"] or "")]
    said += [f"**Hypothesis:** {run['hypothesis']}"] if run["hypothesis"] else []
    for kind, heading in (("conclusions", "Conclusion"), ("comments", "Note")):
        for one in cast("list[JsonObject]", run[kind]):
            who = str(one["by"]).partition(" <")[0]
            said.append(f"**{heading}** ({who}, {str(one['at'])[:10]}): {one['text']}")
    return "\n\n".join(filter(None, said))


def _text(value: Json) -> str:
    """A parameter as MLflow's own `log_param` would write it: Python's words, lists as JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else str(value)


def _ms(at: Json) -> int:
    return (datetime.fromisoformat(str(at).replace("Z", "+00:00")) - _EPOCH) // timedelta(milliseconds=1)


def _cut(text: str, most: int) -> str:
    # half a character, which JSON can spell, has no place in a database
    text = text.encode(errors="replace").decode()
    return text if len(text) <= most else f"{text[: most - 1]}…"


def told(what: str, names: list[str]) -> list[str]:
    """What has become of names, in words; nothing of none."""
    shown = ", ".join(name[:60] for name in names[:5]) + (" …" if len(names) > 5 else "")
    return [f"{what}: {shown}"] if names else []
