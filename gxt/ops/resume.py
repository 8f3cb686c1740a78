"""A run that is gone on with: what its child has to know of it."""

from __future__ import annotations

from pathlib import Path
from typing import Final, cast

from gxt.errors import UsageError
from gxt.model.json_types import JsonObject
from gxt.model.params import merge
from gxt.model.run import params_of
from gxt.named_tuple import NamedTuple
from gxt.ops.history import History
from gxt.ops.workspace import open_workspace
from gxt.store import journal

_MACHINE: Final = "system/"  # metrics of the machine, whose steps are seconds


class Resumed(NamedTuple):
    """The run that is gone on with.

    Attributes:
        id, uid: which it is.
        params: its parameters, nested.
        last_step: the greatest step at which one of its metrics ended; -1 when nothing was logged.
        notices: what happened on opening the repository that the user should know.
    """

    id: str
    uid: str
    params: JsonObject
    last_step: int
    notices: tuple[str, ...] = ()


def resumed(ref: str, *, around: Path | None = None) -> Resumed:
    """The run that a script goes on with.

    Args:
        ref: the run; `@` is the latest that has ended, for another rank may have begun the next one.
        around: the directory of the live run that the script is a part of.

    Raises:
        UnknownRun, AmbiguousRun, RemovedRun: the reference names no single run.
        UsageError: the run is still running.
    """
    workspace = open_workspace()
    with History(workspace, without=around.name if around else None) as history:
        run = _latest(history) if ref == "@" else history.resolve(ref)
    if run["status"] == "running":
        raise UsageError(
            f"{run['id']} is still running",
            hint=f"wait for its end: gxt output {run['id']} --follow",
        )
    stats = cast("dict[str, JsonObject]", run["metric_stats"])
    ends = (cast("int", stat["last_step"]) for name, stat in stats.items() if not name.startswith(_MACHINE))
    return Resumed(str(run["id"]), str(run["uid"]), params_of(run), max(ends, default=-1), workspace.notices)


def _latest(history: History) -> JsonObject:
    ended = (run for run in history.runs() if run["status"] != "running")
    return next(ended, None) or history.resolve("@")


def inherited(directory: Path, before: Resumed) -> JsonObject:
    """The parameters of the run before, under those that a live run has by itself.

    Raises:
        GxtError, OSError: the journal of the live run cannot be read.
    """
    own = journal.read_summary(directory, unfinished="running").config["params"]
    return merge(before.params, cast("JsonObject", own))
