"""`gxt tree`: the evolution of ideas, as a forest by parent run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from gxt.errors import UnknownRun, UsageError
from gxt.model.evidence import Evidence
from gxt.model.forest import Forest, build_forest
from gxt.model.goals import Goal, Metric, goal_of, goals_of
from gxt.model.json_types import Json, JsonObject
from gxt.model.repeats import evidence_of, how_many, uids_of
from gxt.model.run import metric_of, metrics_of
from gxt.named_tuple import NamedTuple
from gxt.ops.history import History
from gxt.ops.workspace import Workspace


class Node(NamedTuple):
    """A run in the tree, or what stands for repeats: its metric, and how that changed from the parent."""

    run: JsonObject
    value: Json
    evidence: Evidence | None


class Evolution(NamedTuple):
    """The forest with a node for each run.

    Attributes:
        forest: who derives from whom, by uid.
        nodes: the runs by uid.
        metric: the metric shown.
        hidden: how many runs a limit left out.
        notices: what cannot be read.
        removed: what to call the parents that were removed, by uid.
    """

    forest: Forest
    nodes: Mapping[str, Node]
    metric: Metric | None
    hidden: int = 0
    notices: tuple[str, ...] = ()
    removed: Mapping[str, str] = {}


def tree(
    workspace: Workspace, ref: str | None = None, *, limit: int | None = None, metric: str | None = None
) -> Evolution:
    """The whole forest, or the part below one run; with a limit, of the newest runs.

    Raises:
        UnknownRun, AmbiguousRun: the reference names no single run.
        UsageError: no run has the metric.
    """
    with History(workspace) as history:
        if ref is None:
            newest_first = list(islice(history.runs(), limit))
            there_are = len(history.live) + history.index.count()
        else:
            below = _below(history, uids_of(history.whole_group(history.resolve_many(ref))))
            newest_first = [_whole(history, one) for one in below[:limit]]
            there_are = len(below)
        grown = evolution(history, newest_first, metric)
    hidden = max(0, there_are - sum(how_many(node.run) for node in grown.nodes.values()))
    return grown._replace(hidden=hidden)


def evolution(
    history: History, newest_first: list[JsonObject], metric: str | None = None, *, folds: bool = True
) -> Evolution:
    """The forest of these runs; unless it `folds`, a repeat among them stands for itself.

    Raises:
        UsageError: no run has the metric.
    """
    goals = {**goals_of(*reversed(newest_first)), **history.workspace.settings.goals}
    main = _metric(history, metric, newest_first, goals)
    notices = history.damage()
    shown, stand = _folded(history, newest_first[::-1], folds=folds)
    known = {**shown, **_parents(history, shown, stand)}
    gone = {str(run["parent_uid"]) for run in newest_first} - known.keys() - stand.keys()
    removed = {uid: history.absent(uid).label for uid in gone if history.index.removed(uid) is not None}
    links = {uid: stand.get(parent, parent) for uid, parent in _links(shown.values()).items()}
    nodes = {uid: _node(run, known.get(links[uid]), main, goals) for uid, run in shown.items()}
    forest = build_forest({uid: parent or None for uid, parent in links.items()})
    return Evolution(forest, nodes, main, notices=notices, removed=removed)


def _folded(
    history: History, runs: Iterable[JsonObject], *, folds: bool
) -> tuple[dict[str, JsonObject], dict[str, str]]:
    """Runs by uid, each group as its first run, and for each repeat the uid of what stands for it."""
    shown: dict[str, JsonObject] = {}
    stand: dict[str, str] = {}
    for run in runs:
        if str(run["uid"]) in stand:
            continue
        one = history.whole_group(run) if run["group"] and folds else run
        if "repeats" in one:
            stand |= dict.fromkeys(uids_of(one), str(one["uid"]))
        shown[str(one["uid"])] = one
    return shown, stand


def _below(history: History, roots: list[str]) -> list[JsonObject | int]:
    """What derives from runs, themselves included: the running ones, then the numbers of the others."""
    live = history.live  # first: it may bring the index to a newer tip
    sealed = sorted({one for root in roots for one in history.index.below(root)}, reverse=True)
    uids = {*roots, *(uid for _, uid in sealed)}
    found: list[JsonObject | int] = [number for number, _ in sealed]
    for one in live:
        if {str(one.run["uid"]), str(one.run["parent_uid"])} & uids:
            uids.add(str(one.run["uid"]))
            found.insert(0, one.run)
    return found


def _whole(history: History, found: JsonObject | int) -> JsonObject:
    run = history.index.by_number(found) if isinstance(found, int) else found
    if run is None:
        raise UnknownRun(str(found), hint="it was removed this moment: try again")
    return run


def _parents(
    history: History, runs: Mapping[str, JsonObject], stand: Mapping[str, str]
) -> dict[str, JsonObject]:
    """The parent runs that are not among these runs, by uid; of repeats what stands for them."""
    wanted = {str(run["parent_uid"]) for run in runs.values() if run["parent_uid"]}
    found = ((uid, history.by_uid(uid)) for uid in wanted - runs.keys() - stand.keys())
    return {uid: history.whole_group(run) for uid, run in found if run is not None}


def _metric(
    history: History, name: str | None, runs: list[JsonObject], goals: Mapping[str, Goal]
) -> Metric | None:
    """The metric that was named, else the one that stands for these runs."""
    metrics = [metrics_of(run) for run in runs]
    if name is None:
        return history.main_metric(metrics, goals)
    known = dict.fromkeys(known for one in metrics for known in one)
    if runs and name not in known and not _is_logged(history, name):
        shown = ", ".join(list(known)[:8])
        raise UsageError(
            f"no run has a metric {name!r}", hint=f"there are {shown}" if known else "there are none"
        )
    return Metric(name, goal_of(name, goals))


def _is_logged(history: History, name: str) -> bool:
    """Whether any run has the metric."""
    from gxt.model.fields import MISSING, Field

    field = Field(name, "metrics", (name,))
    live = (metrics_of(one.run) for one in history.live)
    column = history.index.facts([field]).columns[field]
    return any(name in one for one in live) or any(value is not MISSING for value in column)


def _links(runs: Iterable[JsonObject]) -> dict[str, str]:
    return {str(run["uid"]): str(run["parent_uid"] or "") for run in runs}


def _node(
    run: JsonObject, parent: JsonObject | None, metric: Metric | None, goals: Mapping[str, Goal]
) -> Node:
    if metric is None:
        return Node(run, None, None)
    value = metric_of(run, metric.name)
    goal = metric.goal or goal_of(metric.name, goals)
    return Node(run, value, evidence_of(parent, run, metric.name, goal))
