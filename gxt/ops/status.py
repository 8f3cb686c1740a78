"""`gxt status`: what is running, what the work tree stands on, and what the next run would record."""

from __future__ import annotations

from typing import NamedTuple

from gxt.git.snapshot import Snapshot, take
from gxt.model.json_types import JsonObject
from gxt.ops.base import descends, read_base
from gxt.ops.history import History
from gxt.ops.start import limits
from gxt.ops.workspace import Workspace


class Status(NamedTuple):
    """Where the user stands.

    Attributes:
        running: the live runs, oldest first.
        base: the run that the work tree stands on, if it is here.
        base_left: HEAD no longer descends from the base's commit.
        latest: the newest run.
        snapshot: the code as the next run would record it (`tree` is empty when it is dirty).
    """

    running: tuple[JsonObject, ...]
    base: JsonObject | None
    base_left: bool
    latest: JsonObject | None
    snapshot: Snapshot


def status(workspace: Workspace) -> Status:
    """Where the user stands. Nothing is written."""
    repository = workspace.repository
    base = read_base(repository)
    with History(workspace) as history:
        snapshot = take(repository, history.index.reader, limits(workspace.settings), write=False)
        return Status(
            running=tuple(live.run for live in history.live),
            base=history.by_uid(base.uid) if base else None,
            base_left=base is not None and not descends(repository, base, snapshot.head),
            latest=next(history.runs(), None),
            snapshot=snapshot,
        )
