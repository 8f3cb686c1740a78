"""A listing as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from gxt.model.fields import Field, value_of
from gxt.model.json_types import Json, JsonObject
from gxt.model.run import bounds_of, evals_of, metrics_of, params_of, without_bounds
from gxt.ops.listing import Listing
from gxt.render.clean import one_line
from gxt.render.values import duration, local_time, mean, number, scalar, status, with_bounds
from gxt.render.view import Column, Table

_METRICS = 3  # columns of metrics that a list shows unasked
_RAW = ("id", "name", "status", "parent", "tags", "created", "duration_s")


def table(listing: Listing) -> Table:
    """For people: the usual columns, values rounded, titles on one line."""
    names = _shown_metrics(listing)
    metrics = [_metric_cells(listing, name) for name in names]
    columns = [
        Column("id", style="id"),
        Column("parent", style="dim", drop=1),
        Column("status"),
        *(_metric_column(name, i, metrics[i]) for i, name in enumerate(names)),
        Column("name", cut=True, floor=20, most=60),
        Column("created", style="dim", drop=6),
        Column("took", style="dim", right=True, drop=5),
        Column("tags", cut=True, drop=2),
    ]
    cells = zip(
        [row.id for row in listing.rows],
        [row.parent for row in listing.rows],
        [status(row.status) for row in listing.rows],
        *metrics,
        [one_line(row.title) for row in listing.rows],
        [local_time(row.created) for row in listing.rows],
        [duration(row.duration_s) for row in listing.rows],
        [row.tags for row in listing.rows],
        strict=True,
    )
    return Table(columns, list(cells))


def _metric_cells(listing: Listing, name: str) -> list[str]:
    """The values of a metric; of repeats the mean, its standard error and how many they are."""
    if not listing.samples and not any(bounds_of(row.metrics, name) for row in listing.rows):
        return [number(row.metrics.get(name)) for row in listing.rows]
    return [
        mean(listing.samples[row.id][name])
        if name in listing.samples.get(row.id, ())
        else with_bounds(row.metrics, name)
        for row in listing.rows
    ]


def plain_text(listing: Listing) -> str:
    """The table as it goes into a pipe; empty without runs."""
    from gxt.render import plain

    return plain.render([table(listing)]) if listing.rows else ""


def chosen_table(runs: Sequence[JsonObject], fields: Sequence[Field], *, exact: bool) -> Table:
    """The columns that were asked for; exact values for programs, rounded ones for people."""
    values = [[value_of(field, run) for field in fields] for run in runs]
    shows = [_exact if exact else duration if field.root == "took" else _rounded for field in fields]
    rows = [[show(value) for show, value in zip(shows, row, strict=True)] for row in values]
    columns = []
    for i, field in enumerate(fields):
        numeric = any(_is_number(row[i]) for row in values)
        whole = numeric or field.text == "id"  # half a number is another number
        floor = max((len(row[i]) for row in rows), default=0) if whole else 8
        columns.append(Column(field.text, right=numeric, cut=True, tail=numeric, floor=max(floor, 4)))
    return Table(columns, rows)


def _metric_column(name: str, rank: int, texts: Sequence[str]) -> Column:
    """Values whole, a longer name cut; the main metric, which has rank 0, is never left out."""
    floor = max(8, *map(len, texts))
    return Column(name, right=True, cut=True, tail=True, floor=floor, drop=rank + 2 if rank else 0)


def raw_table(runs: Sequence[JsonObject]) -> Table:
    """For programs: every parameter, every metric and what evaluations found, exact."""
    from gxt.model.names import spelled  # only this table needs them
    from gxt.model.params import flatten

    params = dict.fromkeys(key for run in reversed(runs) for key in flatten(params_of(run)))
    metrics = dict.fromkeys(name for run in reversed(runs) for name in metrics_of(run))
    evals = dict.fromkeys(key for run in reversed(runs) for key in flatten(evals_of(run)))
    rows = []
    for run in runs:
        flat, values, found = flatten(params_of(run)), metrics_of(run), flatten(evals_of(run))
        cells = [run[name] for name in _RAW]
        cells += [flat.get(key) for key in params]
        cells += [values.get(name) for name in metrics]
        cells += [found.get(key) for key in evals]
        rows.append([_exact(cell) for cell in cells])
    names = [*_RAW, *(spelled("params", key) for key in params), *(f"metrics.{name}" for name in metrics)]
    names += [spelled("evals", key) for key in evals]
    return Table([Column(name) for name in names], rows)


def _shown_metrics(listing: Listing) -> list[str]:
    """The main metric, then those that most of the runs have."""
    counts = Counter(name for row in listing.rows for name in row.metrics)
    for name in counts.keys() - without_bounds(counts):
        del counts[name]
    first = [listing.main.name] if listing.main and listing.main.name in counts else []
    others = [name for name, _ in counts.most_common() if name not in first]
    return [*first, *others][:_METRICS]


def _is_number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _rounded(value: Json) -> str:
    if isinstance(value, float):
        return number(value)
    return one_line(_exact(value))


def _exact(value: Json) -> str:
    """A value without loss: lists of words joined, other structures as JSON."""
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return " ".join(map(str, value))
    return scalar(value)


def first(table: Table, count: int) -> Table:
    """The first rows of a table."""
    return table._replace(rows=table.rows[:count])
