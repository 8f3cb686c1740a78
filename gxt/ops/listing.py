"""`gxt list`: the runs that match, in the order asked for."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from gxt.model.goals import Metric, goals_of
from gxt.model.json_types import JsonObject
from gxt.model.run import Row, row_of, without_packages
from gxt.model.version import __version__
from gxt.named_tuple import NamedTuple
from gxt.ops.declared import declared_metric
from gxt.ops.history import History
from gxt.ops.workspace import Workspace

if TYPE_CHECKING:
    from gxt.model.evidence import Sample
    from gxt.model.repeats import Folded
    from gxt.ops.matching import Found

_WORTH_KEEPING = 500  # rows; fewer are laid out in the time that it takes to look for them


class ListRequest(NamedTuple):
    """What to list: conditions that hold together, an order, at most how many (None: all), facts to show.

    Repeats are one row, unless they are to be unfolded.
    """

    where: str | None = None
    sort: str | None = None
    limit: int | None = None
    tags: Sequence[str] = ()
    columns: Sequence[str] = ()
    unfold: bool = False

    @property
    def plain(self) -> bool:
        """Whether the newest runs as they are answer it, without a look into each."""
        return self.where is None and self.sort is None and not self.tags


class Listing(NamedTuple):
    """Runs as rows, and the metric that stands for them; the spread of repeats by the id of their row."""

    rows: list[Row]
    main: Metric | None
    notices: tuple[str, ...] = ()
    samples: Mapping[str, Mapping[str, Sample]] = {}


class Runs(NamedTuple):
    """Runs as JSON objects, without packages."""

    runs: list[JsonObject]
    notices: tuple[str, ...] = ()


def list_rows(workspace: Workspace, request: ListRequest) -> Listing:
    """The runs that match, as rows.

    Raises:
        QueryError: `where` or `sort` cannot be understood, or no run has what they or `columns` name.
    """
    with History(workspace) as history:
        return _rows(history, request)


def list_text(
    workspace: Workspace, request: ListRequest, render: Callable[[Listing], str]
) -> tuple[str, tuple[str, ...]]:
    """The runs that match as text, and notices; raises as `list_rows` does.

    A long list of a history at rest is made once and kept in the index: nine tenths of what it costs is to
    lay out its rows.
    """
    with History(workspace) as history:
        key = _view_key(history, request) if request.plain and not history.live else ""
        kept = history.index.view(key) if key else []
        if kept:
            return b"".join(kept).decode(), history.damage()
        listing = _rows(history, request)
        text = render(listing)
        if key and len(listing.rows) >= _WORTH_KEEPING:
            history.index.keep_view(key, text.encode())
        return text, history.damage()


def list_runs(workspace: Workspace, request: ListRequest) -> Runs:
    """The runs that match, as JSON objects; raises as `list_rows` does."""
    with History(workspace) as history:
        return Runs(_matching(history, request), history.damage())


def list_json(workspace: Workspace, request: ListRequest) -> tuple[list[bytes], tuple[str, ...]]:
    """The runs that match as a JSON array in ASCII, a line each, and notices; raises as `list_rows` does.

    The array comes in parts, to be written one after the other. The index holds the texts, and the whole of a
    long one: 10,000 runs are printed without being parsed.
    """
    with History(workspace) as history:
        if not request.plain:
            texts = [json.dumps(run) for run in _matching(history, request)]
            return [_array(texts)], history.damage()
        # whether a run is live is asked first: the answer may bring the index to a newer tip
        key = "" if history.live else repr(("json", _tip(history), __version__, request.limit))
        parts = history.index.view(key) if key else []
        if not parts:
            texts = history.texts(request.limit)
            parts = [_array(texts)]
            if key and len(texts) >= _WORTH_KEEPING:
                history.index.keep_view(key, parts[0])
        return parts, history.damage()


def _array(texts: list[str]) -> bytes:
    return ("[\n" + ",\n".join(texts) + "\n]").encode("ascii")


def _rows(history: History, request: ListRequest) -> Listing:
    rows = _some_rows(history, request, request.limit)
    samples: Mapping[str, Mapping[str, Sample]] = {}
    if not request.unfold and any(row.group for row in rows):
        rows, samples = _folded(history, request, rows)
    goals = goals_of(*(history.by_id(row.id) for row in history.rows(1)))
    main = history.main_metric([row.metrics for row in rows], goals)
    return Listing(rows, main, history.damage(), samples)


def _some_rows(history: History, request: ListRequest, limit: int | None) -> list[Row]:
    return history.rows(limit) if request.plain else _matching_rows(history, request, limit)


def _folded(history: History, request: ListRequest, rows: list[Row]) -> Folded:
    """The rows with each group in one, as many as were asked for.

    A group is always all of its repeats: a mean of those that fulfil a condition would be too good.
    """
    from gxt.model.repeats import Folded, fold_rows  # most histories have none

    limit = request.limit
    while True:
        groups = {
            group: history.group_rows(group) for group in dict.fromkeys(row.group for row in rows) if group
        }
        folded = fold_rows(rows, groups)
        if limit is None or request.limit is None or len(rows) < limit or len(folded.rows) >= request.limit:
            return Folded(folded.rows[: request.limit], folded.samples)
        limit *= 2
        rows = _some_rows(history, request, limit)


def _view_key(history: History, request: ListRequest) -> str:
    """All that a list depends on: the runs by their tip, the program, the settings, the time zone."""
    workspace = history.workspace
    declared = declared_metric(workspace.repository)
    zone = (time.tzname, time.timezone, time.altzone)
    return repr(
        (
            "list",
            _tip(history),
            __version__,
            request.limit,
            request.unfold,
            workspace.settings,
            declared,
            zone,
        )
    )


def _tip(history: History) -> str:
    return history.index.tip.oid if history.index.tip else ""


def _matching(history: History, request: ListRequest) -> list[JsonObject]:
    """The runs that match, as JSON objects."""
    if request.plain:
        if request.columns:
            from gxt.ops.matching import check_columns

            check_columns(history, request)
        return list(islice(history.runs(), request.limit))
    runs = (
        without_packages(found) if isinstance(found, dict) else history.index.by_number(found)
        for found in _found(history, request)
    )
    return list(islice((run for run in runs if run is not None), request.limit))


def _matching_rows(history: History, request: ListRequest, limit: int | None) -> list[Row]:
    """The runs that match, as lists show them."""
    rows = (
        row_of(found) if isinstance(found, dict) else history.index.row(found)
        for found in _found(history, request)
    )
    return list(islice((row for row in rows if row is not None), limit))


def _found(history: History, request: ListRequest) -> Iterator[Found]:
    from gxt.ops.matching import matching  # and what understands conditions

    return matching(history, request)
