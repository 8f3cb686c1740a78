"""What pictures are made of: runs with their metrics over time, repeats of one experiment together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from gxt.errors import DamagedRecord, NewerFormat
from gxt.model.codec import number_from_json
from gxt.model.goals import Goal, Metric, goal_of, goals_of
from gxt.model.json_types import Json, JsonObject
from gxt.model.metric_parts import interval_of
from gxt.model.points import Series
from gxt.model.run import metrics_of
from gxt.named_tuple import NamedTuple
from gxt.ops.history import History
from gxt.ops.listing import ListRequest, list_runs
from gxt.ops.show import series_of
from gxt.ops.workspace import Workspace


class Plotted(NamedTuple):
    """Runs to draw, in the order asked for.

    Attributes:
        runs: each once, as JSON.
        series: of each run its metrics over time; empty unless asked for.
        main: the metric that stands for them.
        goals: which way each metric is better, where that is known.
        notices: what happened on opening the workspace, and what could not be read.
    """

    runs: tuple[JsonObject, ...]
    series: tuple[Mapping[str, Series], ...]
    main: Metric | None
    goals: Mapping[str, Goal | None]
    notices: tuple[str, ...]

    def groups(self) -> list[list[int]]:
        """The positions of the runs, repeats of one experiment together, where the first of them stands."""
        groups: dict[str, list[int]] = {}
        for at, run in enumerate(self.runs):
            groups.setdefault(str(run.get("group") or run["uid"]), []).append(at)
        return list(groups.values())


class Measured(NamedTuple):
    """A value with the ends of its interval, where it has one; the step, where one was said."""

    value: float
    low: float | None = None
    high: float | None = None
    step: int | None = None


def plotted(workspace: Workspace, refs: Sequence[str], *, series: bool = False) -> Plotted:
    """The runs that the references name, and where `+` follows one all repeats of its group.

    Raises:
        UnknownRun, AmbiguousRun: a reference names no single run, nor the repeats of one experiment.
    """
    with History(workspace, series=series) as history:
        found = {str(run["uid"]): run for ref in refs for run in _named(history, ref)}
        runs = tuple(found.values())
        notices = list(workspace.notices)
        read = [_series(history, run, notices) for run in runs] if series else []
        names = dict.fromkeys(name for run in runs for name in metrics_of(run))
        own = goals_of(*runs)
        main = history.main_metric([metrics_of(run) for run in runs], own)
    goals = {name: goal_of(name, {**own, **workspace.settings.goals}) for name in names}
    return Plotted(runs, tuple(read), main, goals, tuple(notices))


def matching_ids(workspace: Workspace, where: str | None) -> tuple[list[str], tuple[str, ...]]:
    """The uids of the runs that match, oldest first, those that failed left out unless conditions were given.

    Raises:
        QueryError: the condition cannot be understood.
    """
    listing = list_runs(workspace, ListRequest(where))
    runs = [run for run in reversed(listing.runs) if where is not None or run["status"] == "completed"]
    return [str(run["uid"]) for run in runs], listing.notices


def measured(run: JsonObject, name: str) -> Measured | None:
    """What the run has for a metric, with its interval: of its metrics, else of its last such evaluation."""
    metrics = _numbers(metrics_of(run))
    if name in metrics:
        ends = interval_of(metrics, name)
        evaluated = [one for one in evaluations(run, name) if one.value == metrics[name]]
        if ends is None and evaluated:
            return evaluated[-1]._replace(step=None)
        return Measured(metrics[name], *(ends or (None, None)))
    found = evaluations(run, name)
    return found[-1] if found else None


def evaluations(run: JsonObject, name: str) -> list[Measured]:
    """What evaluations of the run found for a metric, by its own name or below that of the evaluation.

    `acc` and `test/acc` find what the evaluation `test` has as `acc`, also where that is an object with a
    `value` or a `mean`.
    """
    wanted = name.removeprefix("evals.").replace(".", "/")
    found = []
    for evaluation in cast("list[JsonObject]", run.get("evals") or []):
        flat = _leaves(evaluation["values"])
        for path, value in flat.items():
            spelled = path.replace(".", "/")
            if wanted in {spelled, f"{evaluation['name']}/{spelled}"}:
                step = evaluation.get("step")
                low, high = interval_of(flat, path) or (None, None)
                found.append(Measured(value, low, high, step if isinstance(step, int) else None))
    return found


def _leaves(values: Json, before: str = "") -> dict[str, float]:
    """The numbers in an evaluation by their path; its depth is bounded."""
    flat: dict[str, float] = {}
    for key, value in values.items() if isinstance(values, dict) else ():
        path = f"{before}{key}"
        if isinstance(value, dict):
            flat |= _leaves(value, f"{path}/")
        elif (known := number_from_json(value)) is not None:
            flat[path] = known
    for path, value in list(flat.items()):
        of, _, kind = path.rpartition("/")
        if of and kind in {"value", "mean"}:
            flat.setdefault(of, value)
    return flat


def _numbers(values: Mapping[str, Json]) -> dict[str, float]:
    known = {name: number_from_json(value) for name, value in values.items()}
    return {name: value for name, value in known.items() if value is not None}


def _named(history: History, ref: str) -> list[JsonObject]:
    """The run of a reference; the repeats of one experiment where that is what it names."""
    if (known := history.by_uid(ref)) is not None:  # whoever draws thousands of runs has their uids
        return [known]
    run = history.resolve_many(ref)
    return history.group(str(run["group"])) if "repeats" in run else [run]


def _series(history: History, run: JsonObject, notices: list[str]) -> Mapping[str, Series]:
    """The metrics of a run over time; nothing, with a notice, where they cannot be read."""
    try:
        return series_of(history, run)
    except (DamagedRecord, NewerFormat) as error:
        notices.append(f"{run['id']} is left out: {error.message}")
        return {}


def unit_of(runs: Iterable[JsonObject], name: str) -> str:
    """The unit that a run has defined for a metric; empty where none has."""
    for run in runs:
        defined = run.get("defined")
        one = defined.get(name) if isinstance(defined, dict) else None
        if isinstance(one, dict) and one.get("unit"):
            return str(one["unit"])
    return ""
