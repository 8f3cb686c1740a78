"""A listing as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from gxt.model.fields import Field, parse_field, value_of
from gxt.model.json_types import Json, JsonObject
from gxt.model.run import metrics_of, params_of, title
from gxt.ops.listing import Listing
from gxt.render.clean import one_line
from gxt.render.values import duration, local_time, number, scalar, status
from gxt.render.view import Column, Span, Table

_METRICS = 3  # columns of metrics that a list shows unasked
_RAW = ("id", "name", "status", "parent", "tags", "created", "duration_s")


def table(listing: Listing) -> Table:
    """For people: the usual columns or those asked for, values rounded."""
    if listing.columns is not None:
        return _chosen(listing.runs, listing.columns, raw=False)
    metrics = _shown_metrics(listing)
    columns = [
        Column("id"),
        Column("parent"),
        Column("status"),
        *(Column(name, right=True) for name in metrics),
        Column("name", cut=True),
        Column("created"),
        Column("took", right=True),
        Column("tags", cut=True),
    ]
    return Table(columns, [_row(run, metrics) for run in listing.runs])


def raw_table(listing: Listing) -> Table:
    """For programs: exact values; without a choice every parameter and every metric."""
    if listing.columns is not None:
        return _chosen(listing.runs, listing.columns, raw=True)
    from gxt.model.params import flatten  # only this table needs it

    runs = listing.runs
    params = dict.fromkeys(key for run in reversed(runs) for key in flatten(params_of(run)))
    metrics = dict.fromkeys(name for run in reversed(runs) for name in metrics_of(run))
    head = [parse_field(name) for name in _RAW]
    rows = []
    for run in runs:
        flat, values = flatten(params_of(run)), metrics_of(run)
        cells = [value_of(field, run) for field in head]
        cells += [flat.get(key) for key in params]
        cells += [values.get(name) for name in metrics]
        rows.append([Span(_exact(cell)) for cell in cells])
    names = [*_RAW, *(f"params.{key}" for key in params), *(f"metrics.{name}" for name in metrics)]
    return Table([Column(name) for name in names], rows)


def _row(run: JsonObject, metrics: Sequence[str]) -> list[Span]:
    values = metrics_of(run)
    tags = run["tags"]
    return [
        Span(str(run["id"]), "id"),
        Span(str(run["parent"] or ""), "dim"),
        status(run["status"]),
        *[Span(number(values.get(name))) for name in metrics],
        Span(one_line(title(run), 60)),
        Span(local_time(run["created"]), "dim"),
        Span(duration(run["duration_s"]), "dim"),
        Span(" ".join(map(str, tags)) if isinstance(tags, list) else ""),
    ]


def _shown_metrics(listing: Listing) -> list[str]:
    """The main metric, then those that most of the runs have."""
    counts = Counter(name for run in listing.runs for name in metrics_of(run))
    first = [listing.main.name] if listing.main and listing.main.name in counts else []
    others = [name for name, _ in counts.most_common() if name not in first]
    return [*first, *others][:_METRICS]


def _chosen(runs: Sequence[JsonObject], fields: Sequence[Field], *, raw: bool) -> Table:
    rows = [[value_of(field, run) for field in fields] for run in runs]
    columns = [
        Column(field.text, right=any(isinstance(row[i], float) for row in rows), cut=True)
        for i, field in enumerate(fields)
    ]
    show = _exact if raw else _rounded
    return Table(columns, [[Span(show(cell)) for cell in row] for row in rows])


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


def nothing(asked: object) -> str:
    """The line in place of an empty list."""
    return "no run matches" if asked else "no runs yet: gxt run -- python train.py"
