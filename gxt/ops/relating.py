"""`gxt compare --metric`: which parameters a metric goes with.

What counts is the experiment: repeats with different seeds are one of them, with the mean of those that
completed. Were each counted by itself, five seeds of three settings would pass for fifteen settings.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from gxt.analysis.importance import FEWEST, Effect, Together, effects
from gxt.model.goals import Goal
from gxt.model.json_types import Json, JsonObject
from gxt.model.params import flatten
from gxt.model.run import params_of
from gxt.named_tuple import NamedTuple
from gxt.ops.compare import CompareRequest
from gxt.ops.history import History
from gxt.ops.measuring import LeftOut, measured
from gxt.ops.workspace import Workspace

_FEW: Final = 10  # experiments
_SHOWN: Final = 4  # pairs of parameters, in warnings


class Relation(NamedTuple):
    """What a metric has to do with the parameters.

    Attributes:
        metric, goal: as it was asked for, and which way it is better, where that is known.
        runs, experiments: how many count; repeats are one experiment.
        effects: of each parameter that differs, the most important first.
        together: pairs of parameters that change together.
        left_out: runs that do not count.
        notices: what could not be read.
    """

    metric: str
    goal: Goal | None
    runs: int
    experiments: int
    effects: tuple[Effect, ...]
    together: tuple[Together, ...]
    left_out: tuple[LeftOut, ...]
    notices: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What these runs cannot tell, in words."""
        said = []
        if self.experiments < FEWEST:
            said.append(f"{_count(self.experiments)} cannot tell what matters: it takes {FEWEST} or more")
        elif self.experiments < _FEW:
            said.append(f"{_count(self.experiments)} are few: only large effects can show")
        for one in self.together[:_SHOWN]:
            how = "always change together" if one.always else f"mostly change together ({one.share:.0%})"
            said.append(f"{one.first} and {one.second} {how}: what one does may be the other's doing")
        if len(self.together) > _SHOWN:
            said.append(f"and {len(self.together) - _SHOWN} more pairs of parameters change together")
        return tuple(said)


RECORD: Final = (
    *("name", "kind", "n", "values"),
    *("importance", "importance_low", "importance_high"),
    *("beyond", "beyond_low", "beyond_high"),
    *("correlation", "correlation_low", "correlation_high", "p"),
    "why",
)
"""What programs are told of each parameter."""
TEXTS: Final = frozenset({"name", "kind", "why"})
"""Which of that are no numbers."""


def as_record(one: Effect) -> JsonObject:
    """An effect by the names of `RECORD`."""
    told: list[Json] = [one.name, one.kind, one.n, one.values]
    for value, interval in (
        (one.importance, one.interval),
        (one.beyond, one.beyond_interval),
        (one.rho, one.rho_interval),
    ):
        told += [value, *(interval or (None, None))]
    return dict(zip(RECORD, (*told, one.p, one.why or None), strict=True))


def relate(
    workspace: Workspace, request: CompareRequest, metric: str | None, level: float = 0.95
) -> Relation:
    """What a metric has to do with each parameter that differs between experiments.

    Raises:
        UsageError, UnknownRun, AmbiguousRun, QueryError: as `gxt.ops.measuring.measured`.
    """
    with History(workspace) as history:
        found = measured(history, request, metric, whole_groups=True)
    experiments: dict[str, list[int]] = {}
    for at, run in enumerate(found.runs):
        experiments.setdefault(str(run["group"] or run["uid"]), []).append(at)
    params, y, left_out, count = [], [], list(found.left_out), 0
    for places in experiments.values():
        value = sum(found.values[at] / len(places) for at in places)
        if math.isnan(value):
            left_out += [LeftOut(str(found.runs[at]["id"]), f"{found.metric} is NaN") for at in places]
            continue
        params.append(_shared([found.runs[at] for at in places]))
        y.append(value)
        count += len(places)
    related = effects(params, y, level=level)
    return Relation(found.metric, found.goal, count, len(y), *related, tuple(left_out), found.notices)


def _shared(runs: Sequence[JsonObject]) -> Mapping[str, Json]:
    """The parameters that all repeats have alike, flat."""
    first, *others = [flatten(params_of(run)) for run in runs]
    return {
        name: value
        for name, value in first.items()
        if all(name in one and one[name] == value for one in others)
    }


def _count(experiments: int) -> str:
    return "1 experiment" if experiments == 1 else f"{experiments} experiments"
