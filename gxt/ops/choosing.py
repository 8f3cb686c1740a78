"""Which runs an export takes: those that are named, those that match, or all; the oldest first."""

from __future__ import annotations

from collections.abc import Sequence

from gxt.errors import UsageError
from gxt.model.json_types import JsonObject
from gxt.model.run import without_packages
from gxt.ops.history import History
from gxt.ops.listing import ListRequest


def chosen(history: History, refs: Sequence[str], where: str | None) -> list[JsonObject]:
    """The runs, each once.

    Args:
        history: of all runs.
        refs: those that are named; none for all.
        where: the condition that they meet.

    Raises:
        UsageError: runs are named, and a condition as well.
        UnknownRun, AmbiguousRun, RemovedRun: a reference names no single run.
        QueryError: the condition cannot be understood, or no run has what it names.
    """
    if refs and where is not None:
        raise UsageError("runs are named, and --where as well", hint="give one of them")
    if refs:
        named = {str(run["uid"]): without_packages(run) for run in map(history.resolve, refs)}
        return sorted(named.values(), key=lambda run: (len(str(run["id"])), str(run["id"])))
    if where is None:
        return list(history.runs())[::-1]
    from gxt.ops.matching import matching  # and what understands conditions

    found = matching(history, ListRequest(where))
    runs = (history.index.by_number(one) if isinstance(one, int) else one for one in found)
    return [run for run in runs if run is not None][::-1]
