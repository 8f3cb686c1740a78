"""`gxt compare`: runs side by side."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias, cast

from gxt.errors import UsageError
from gxt.model.codec import double_from_json, number_from_json
from gxt.model.fields import MISSING, Missing, spelled_out
from gxt.model.goals import Goal, goal_of, goals_of
from gxt.model.json_types import Json, JsonObject
from gxt.model.names import spelled
from gxt.model.params import flatten
from gxt.model.run import (
    command_line,
    evals_of,
    metrics_of,
    params_of,
    title,
    without_bounds,
    without_packages,
)
from gxt.named_tuple import NamedTuple
from gxt.ops.history import History
from gxt.ops.listing import ListRequest
from gxt.ops.workspace import Workspace

Cell: TypeAlias = "Json | Missing"

_FACTS: Final = ("status", "parent", "created", "duration_s", "seed", "author")
_UNASKED: Final = 2  # of these; the others are told when all is asked for


class CompareRequest(NamedTuple):
    """Which runs: those that are named, or those that match; repeats are one, all of them together."""

    refs: Sequence[str] = ()
    where: str | None = None
    tags: Sequence[str] = ()

    @property
    def narrowed(self) -> bool:
        """Whether conditions choose the runs."""
        return self.where is not None or bool(self.tags)


class Fact(NamedTuple):
    """One thing of all the runs.

    Attributes:
        name: as `--where` and `--columns` take it, a metric by its bare name.
        kind: `fact`, `params`, `metrics` or `evals`.
        values: of each run.
        goal: of a metric, where it is known.
        minor: whether only programs want it: the end of an interval that stands beside its metric.
    """

    name: str
    kind: str
    values: tuple[Cell, ...]
    goal: Goal | None = None
    minor: bool = False

    @property
    def differs(self) -> bool:
        """Whether the runs have different values, or some none."""
        return any(not _same(self.values[0], other) for other in self.values[1:])

    @property
    def best(self) -> frozenset[int]:
        """The places of the best values: several where they are equal, none where all are."""
        return best_of([double_from_json(None if one is MISSING else one) for one in self.values], self.goal)


class Comparison(NamedTuple):
    """Runs in the order asked for, what there is to say of them, and notices."""

    runs: tuple[JsonObject, ...]
    facts: tuple[Fact, ...]
    notices: tuple[str, ...] = ()


def compare(workspace: Workspace, request: CompareRequest, *, everything: bool = False) -> Comparison:
    """The runs, or repeats summed up, each once.

    Args:
        workspace: whose.
        request: which runs.
        everything: also facts that are seldom worth a line: tags, times, the command.

    Raises:
        UsageError: fewer than two runs, or they are named and conditions given as well.
        UnknownRun, AmbiguousRun: a reference names no single run, nor the repeats of one experiment.
        QueryError: the condition cannot be understood.
    """
    with History(workspace) as history:
        runs = chosen(history, request)
        notices = history.damage() if request.narrowed else ()
    if len(runs) < 2:
        matching = f"; {'one matches' if runs else 'none matches'}" if request.narrowed else ""
        raise UsageError(
            f"a comparison needs two runs or more{matching}",
            hint="gxt list shows what there is" if matching else "gxt compare exp-001 exp-002",
        )
    return _compared(workspace, runs, notices, everything=everything)


def side_by_side(workspace: Workspace, refs: Sequence[str]) -> Comparison:
    """The same of what the references name, however few they are."""
    with History(workspace) as history:
        return _compared(workspace, chosen(history, CompareRequest(refs)), ())


def _compared(
    workspace: Workspace, runs: tuple[JsonObject, ...], notices: tuple[str, ...], *, everything: bool = False
) -> Comparison:
    goals = {**goals_of(*runs), **workspace.settings.goals}
    return Comparison(runs, tuple(_facts(runs, goals, everything=everything)), notices)


def chosen(history: History, request: CompareRequest) -> tuple[JsonObject, ...]:
    """The runs of a request: the order asked for, or the oldest first.

    Raises as `compare` does, but for their number.
    """
    check_narrowing(request)
    if not request.narrowed:
        named = (without_packages(history.resolve_many(ref)) for ref in request.refs)
        return tuple({str(run["uid"]): run for run in named}.values())
    firsts = {str(run["group"] or run["uid"]): run for run in reversed(matching_runs(history, request))}
    return tuple(history.whole_group(run) for run in reversed(firsts.values()))


def check_narrowing(request: CompareRequest) -> None:
    """Refuse a request that says twice which runs are meant.

    Raises:
        UsageError: it does.
    """
    if request.refs and request.narrowed:
        raise UsageError("runs are named, and conditions given as well", hint="leave out one of them")


def matching_runs(history: History, request: CompareRequest) -> list[JsonObject]:
    """The runs that fulfil the conditions, each by itself, the oldest first; all without any.

    Raises:
        QueryError: the condition cannot be understood, or no run has what it names.
    """
    if not request.narrowed:
        return list(history.runs())[::-1]
    from gxt.ops.matching import matching  # and what understands conditions

    found = matching(history, ListRequest(request.where, tags=request.tags))
    runs = (history.index.by_number(one) if isinstance(one, int) else without_packages(one) for one in found)
    return [run for run in runs if run is not None][::-1]


def best_of(values: Sequence[float | None], goal: Goal | None) -> frozenset[int]:
    """The places of the best values; none where nobody knows which way is better, or all are equal.

    What is not finite is never the best: it has diverged.
    """
    known = {at: one for at, one in enumerate(values) if one is not None and math.isfinite(one)}
    if goal is None or len(set(known.values())) < 2:
        return frozenset()
    best = max(known.values()) if goal == "max" else min(known.values())
    return frozenset(at for at, one in known.items() if one == best)


def _facts(runs: Sequence[JsonObject], goals: Mapping[str, Goal], *, everything: bool) -> Iterable[Fact]:
    yield Fact("name", "fact", tuple(title(run) for run in runs))
    for name in _FACTS if everything else _FACTS[:_UNASKED]:
        yield Fact(name, "fact", tuple(run.get(name) for run in runs))
    if everything:
        tags = (" ".join(map(str, cast("list[Json]", run["tags"]))) for run in runs)
        yield Fact("tags", "fact", tuple(tags))
        yield Fact("command", "fact", tuple(map(command_line, runs)))
    metrics: dict[str, tuple[Cell, ...]] = {}
    for kind, flats in (
        ("params", [flatten(params_of(run)) for run in runs]),
        ("metrics", [metrics_of(run) for run in runs]),
        ("evals", [_numbers(flatten(evals_of(run))) for run in runs]),
    ):
        names = dict.fromkeys(name for flat in flats for name in flat)
        major = set(without_bounds(names)) if kind != "params" else set(names)
        for name in names:
            values = tuple(flat.get(name, MISSING) for flat in flats)
            if kind == "metrics":
                metrics[name] = values
            elif kind == "evals" and metrics.get(name.rpartition(".")[2]) == values:
                continue  # a metric already, as ratings are
            goal = None if kind == "params" else goal_of(name, goals)
            told = name if kind == "metrics" else spelled(kind, name)
            yield Fact(told, kind, values, goal, name not in major)


def _numbers(found: Mapping[str, Json]) -> dict[str, Json]:
    """What of an evaluation can be set side by side."""
    return {name: value for name, value in found.items() if number_from_json(value) is not None}


def _same(a: Cell, b: Cell) -> bool:
    one, other = spelled_out(a), spelled_out(b)
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other):
        return True
    return isinstance(one, bool) == isinstance(other, bool) and one == other
