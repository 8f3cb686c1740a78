"""What scripts say of their metrics: which way one is better, and which of its values stands for the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from gxt.errors import UsageError
from gxt.model.goals import guess_goal
from gxt.model.json_types import Json, JsonObject
from gxt.model.scalars import clean_text

SUMMARIES: Final = ("last", "min", "max", "best", "mean")
_GOALS: Final = ("min", "max")
_UNIT: Final = 100


def check_defined(value: Json) -> None:
    """Raise TypeError unless all of `defined` is as `gxt.define_metric` says it."""
    if not isinstance(value, dict) or not all(map(_is_definition, value.values())):
        raise TypeError("no definition of a metric")


def definition(name: object, goal: object, summary: object, unit: object) -> JsonObject:
    """What a script says of a metric, as the event `metric_defined` has it.

    Raises:
        UsageError: goal or summary is none that there is, or the unit is too long.
    """
    said = clean_text(str(name))
    short = None if goal is None else str(goal).removesuffix("imize")  # as other trackers spell it
    if short is not None and short not in _GOALS:
        raise UsageError(f"{said} cannot have the goal {goal!r}", hint="there are min and max")
    if summary is not None and summary not in SUMMARIES:
        raise UsageError(
            f"{said} cannot have the summary {summary!r}", hint=f"there are {', '.join(SUMMARIES)}"
        )
    text = None if unit is None else clean_text(str(unit))
    if text is not None and len(text) > _UNIT:
        raise UsageError(f"a unit has {_UNIT} characters at most, not {len(text)}", hint="shorten it")
    return {"name": said, "goal": short, "summary": cast("Json", summary), "unit": text}


def summarised(stats: Mapping[str, JsonObject], defined: Mapping[str, JsonObject]) -> JsonObject:
    """The value of each metric that stands for the run: the last one, or what its definition says."""
    values = {name: stat.get("last") for name, stat in stats.items()}
    for name, one in defined.items():
        if name in stats:
            values[name] = _summary(name, stats[name], one)
    return values


def _summary(name: str, stat: JsonObject, definition: JsonObject) -> Json:
    chosen = definition.get("summary")
    if chosen == "best":
        chosen = definition.get("goal") or guess_goal(name)
    return stat.get(str(chosen), stat.get("last"))


def _is_definition(value: Json) -> bool:
    if not isinstance(value, dict):
        return False
    goal, summary, unit = (value.get(key) for key in ("goal", "summary", "unit"))
    return (
        (goal is None or goal in _GOALS)
        and (summary is None or summary in SUMMARIES)
        and (unit is None or (isinstance(unit, str) and len(unit) <= _UNIT))
    )
