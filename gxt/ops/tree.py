"""`gxt tree`: the evolution of ideas, as a forest by parent run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from gxt.errors import UsageError
from gxt.model.codec import number_from_json
from gxt.model.forest import Forest, build_forest
from gxt.model.goals import Goal, Metric, Verdict, goal_of, judge
from gxt.model.json_types import Json, JsonObject
from gxt.model.run import metrics_of
from gxt.ops.history import History
from gxt.ops.workspace import Workspace


class Node(NamedTuple):
    """A run in the tree: its metric, and how that changed from the parent run."""

    run: JsonObject
    value: Json
    change: float | None
    verdict: Verdict | None


class Evolution(NamedTuple):
    """The forest with a node for each run.

    Attributes:
        forest: who derives from whom, by uid.
        nodes: the runs by uid.
        metric: the metric shown.
        hidden: how many runs a limit left out.
        notices: what cannot be read.
    """

    forest: Forest
    nodes: Mapping[str, Node]
    metric: Metric | None
    hidden: int = 0
    notices: tuple[str, ...] = ()


def tree(
    workspace: Workspace, ref: str | None = None, *, limit: int | None = None, metric: str | None = None
) -> Evolution:
    """The whole forest, or the part below one run; with a limit, of the newest runs.

    Raises:
        UnknownRun, AmbiguousRun: the reference names no single run.
        UsageError: no run has the metric.
    """
    with History(workspace) as history:
        newest_first = list(history.runs())
        root = str(history.resolve(ref)["uid"]) if ref is not None else None
        goals = workspace.settings.goals
        main = _metric(history, metric, newest_first)
        notices = history.damage()
    by_uid = {str(run["uid"]): run for run in reversed(newest_first)}
    kept = [str(run["uid"]) for run in newest_first[:limit]]
    if root is not None:
        below = set(build_forest(_links(by_uid.values()), root).order())
        kept = [str(run["uid"]) for run in newest_first if str(run["uid"]) in below][:limit]
        hidden = len(below) - len(kept)
    else:
        hidden = len(newest_first) - len(kept)
    shown = {uid: by_uid[uid] for uid in reversed(kept)}
    nodes = {uid: _node(run, by_uid, main, goals) for uid, run in shown.items()}
    return Evolution(build_forest(_links(shown.values())), nodes, main, hidden, notices)


def _metric(history: History, name: str | None, runs: list[JsonObject]) -> Metric | None:
    metrics = [metrics_of(run) for run in runs]
    if name is None:
        return history.main_metric(metrics)
    known = dict.fromkeys(known for one in metrics for known in one)
    if runs and name not in known:
        shown = ", ".join(list(known)[:8])
        raise UsageError(
            f"no run has a metric {name!r}", hint=f"there are {shown}" if known else "there are none"
        )
    return Metric(name, goal_of(name, history.workspace.settings.goals))


def _links(runs: Iterable[JsonObject]) -> dict[str, str | None]:
    return {str(run["uid"]): str(run["parent_uid"]) if run["parent_uid"] else None for run in runs}


def _node(
    run: JsonObject, runs: Mapping[str, JsonObject], metric: Metric | None, goals: Mapping[str, Goal]
) -> Node:
    if metric is None:
        return Node(run, None, None, None)
    value = metrics_of(run).get(metric.name)
    parent = runs.get(str(run["parent_uid"]))
    new = number_from_json(value)
    old = number_from_json(metrics_of(parent).get(metric.name)) if parent else None
    if new is None or old is None:
        return Node(run, value, None, None)
    return Node(run, value, new - old, judge(new - old, metric.goal or goal_of(metric.name, goals)))
