"""`gxt compare`: runs side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gxt.errors import UsageError
from gxt.model.goals import Goal, goal_of, goals_of
from gxt.model.json_types import JsonObject
from gxt.model.run import metrics_of
from gxt.named_tuple import NamedTuple
from gxt.ops.history import History
from gxt.ops.workspace import Workspace


class Comparison(NamedTuple):
    """Runs in the order asked for, and the goals of their metrics where they are known."""

    runs: tuple[JsonObject, ...]
    goals: Mapping[str, Goal | None]


def compare(workspace: Workspace, refs: Sequence[str]) -> Comparison:
    """The runs, or repeats summed up, that the references name, each once.

    Raises:
        UsageError: fewer than two runs.
        UnknownRun, AmbiguousRun: a reference names no single run.
    """
    with History(workspace) as history:
        found = {str(run["uid"]): run for run in map(history.resolve_many, refs)}
    if len(found) < 2:
        raise UsageError("a comparison needs two runs or more", hint="gxt compare exp-001 exp-002")
    runs = tuple(found.values())
    names = dict.fromkeys(name for run in runs for name in metrics_of(run))
    goals = {**goals_of(*runs), **workspace.settings.goals}
    return Comparison(runs, {name: goal_of(name, goals) for name in names})
