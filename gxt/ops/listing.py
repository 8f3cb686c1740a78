"""`gxt list`: the runs that match, in the order asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from gxt.model.fields import Field, parse_field, parse_sort, sort_runs
from gxt.model.goals import Metric
from gxt.model.json_types import JsonObject
from gxt.ops.history import History
from gxt.ops.workspace import Workspace


@dataclass(frozen=True)
class ListRequest:
    """What to list. `limit` None means all; `columns` None means the usual ones."""

    where: str | None = None
    sort: str | None = None
    limit: int | None = None
    columns: Sequence[str] | None = None
    tags: Sequence[str] = ()


@dataclass(frozen=True)
class Listing:
    """Runs in order, the metric that stands for them, and the columns that were asked for.

    `total` is how many match; None when nobody counted, since the newest were enough.
    """

    runs: list[JsonObject]
    main: Metric | None
    columns: tuple[Field, ...] | None
    total: int | None
    notices: tuple[str, ...] = ()


def list_runs(workspace: Workspace, request: ListRequest) -> Listing:
    """The runs that match.

    Raises:
        QueryError: `where`, `sort` or `columns` cannot be understood.
    """
    matches = None
    if request.where is not None:
        from gxt.model.query import parse_where

        matches = parse_where(request.where)
    order = parse_sort(request.sort) if request.sort else None
    columns = tuple(parse_field(c) for c in request.columns) if request.columns is not None else None
    with History(workspace) as history:
        runs = history.runs()
        if matches is not None:
            runs = filter(matches, runs)
        if request.tags:
            wanted = set(request.tags)
            runs = (run for run in runs if wanted <= set(map(str, _tags(run))))
        total = None
        if order is not None:
            chosen = sort_runs(runs, *order)
            total = len(chosen)
            chosen = chosen[: request.limit]
        else:
            chosen = list(islice(runs, request.limit))
        damaged = tuple(f"{name} cannot be read: {reason}" for name, reason in history.index.damaged())
        return Listing(chosen, history.main_metric(chosen), columns, total, damaged)


def _tags(run: JsonObject) -> list[object]:
    tags = run["tags"]
    return list(tags) if isinstance(tags, list) else []
