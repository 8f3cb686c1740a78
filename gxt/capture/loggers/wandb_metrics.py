"""What a script has told W&B of its metrics by `define_metric`: their steps, and the value that counts."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

from gxt.capture.loggers.content import Point
from gxt.capture.loggers.protobuf import fields, inner, text
from gxt.model.json_types import JsonObject
from gxt.named_tuple import NamedTuple

_SUMMARIES: Final = {1: "min", 2: "max", 3: "mean", 4: "best", 5: "last", 8: "first"}
_GOALS: Final = {1: "min", 2: "max"}


class _Defined(NamedTuple):
    """A record `MetricRecord`: the name or pattern, the metric that it counts by, its goal and summaries."""

    pattern: str
    step: str = ""
    goal: str | None = None
    summaries: tuple[str, ...] = ()


class Definitions:
    """The definitions of one run by now; of several that fit a name its own comes first, then the last."""

    def __init__(self) -> None:
        self._names: dict[str, _Defined] = {}
        self._patterns: dict[str, _Defined] = {}
        self._steps: dict[str, int] = {}
        self._told: dict[str, JsonObject] = {}

    def learn(self, record: bytes) -> None:
        """Take a record in."""
        one, is_pattern = _Defined(""), False
        for number, value in fields(record):
            if number in (1, 2) and value:
                one, is_pattern = one._replace(pattern=text(value)), number == 2
            elif number == 4:
                one = one._replace(step=text(value))
            elif number == 7:
                chosen = tuple(
                    _SUMMARIES[key] for key, on in fields(inner(value)) if on and key in _SUMMARIES
                )
                one = one._replace(summaries=chosen)
            elif number == 8 and isinstance(value, int):
                one = one._replace(goal=_GOALS.get(value))
        (self._patterns if is_pattern else self._names)[one.pattern] = one

    def placed(self, point: Point) -> list[Point]:
        """A row as points, each number at the last step of the metric that it counts by."""
        if not self._names and not self._patterns:
            return [point] if point.numbers else []
        self._steps |= {name: int(value) for name, value in point.numbers.items() if value.is_integer()}
        at: dict[int, dict[str, float]] = {}
        for name, value in point.numbers.items():
            at.setdefault(self._steps.get(self._of(name).step, point.step), {})[name] = value
        return [point._replace(step=step, numbers=numbers) for step, numbers in at.items()]

    def told(self, names: Iterable[str]) -> dict[str, JsonObject]:
        """What is newly known of metrics that were logged: `goal`, and the `summary` that counts."""
        found: dict[str, JsonObject] = {}
        for name in sorted(names) if self._names or self._patterns else ():
            one = self._of(name)
            summary = next((said for said in one.summaries if said != "first"), None)
            said: JsonObject = {"goal": one.goal, "summary": summary}
            if any(said.values()) and self._told.get(name) != said:
                found[name] = self._told[name] = said
        return found

    def without_summaries(self, numbers: dict[str, float]) -> dict[str, float]:
        """The numbers of the summary but those that W&B has computed: `acc/max` of the metric `acc`."""
        parted = {name: name.rpartition("/") for name in numbers}
        return {
            name: numbers[name]
            for name, (metric, _, kind) in parted.items()
            if kind not in self._of(metric).summaries
        }

    def _of(self, name: str) -> _Defined:
        if name in self._names:
            return self._names[name]
        fitting = (one for one in reversed(self._patterns.values()) if fnmatchcase(name, one.pattern))
        return next(fitting, _Defined(name))
