"""Which runs a list is asked for: conditions and orders over the columns of the index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias, cast

from gxt.model.fields import MEASURED, MISSING, Field, Missing, parse_sort, reader, sort_by, spelled_out
from gxt.model.json_types import Json, JsonObject
from gxt.model.names import Asked, asked_column, asked_order, check_names
from gxt.named_tuple import NamedTuple
from gxt.ops.history import History

if TYPE_CHECKING:
    from gxt.model.fields import Reader
    from gxt.ops.listing import ListRequest

Found: TypeAlias = "JsonObject | int"
"""A run that is not in git yet, or the number of one that is (or was, or never came to be)."""

_TAGS = Field("tags", "tags", ())


class _Columns(NamedTuple):
    """All runs by position, the running ones on top, then newest first; some facts of each."""

    runs: Sequence[Found]
    values: dict[Field, list[Json | Missing]]

    def reading(self, field: Field) -> Reader:
        """Reads the field by position, as `fields.number_reader` does by run."""
        column = self.values[field]
        if field.root in MEASURED:
            column = [spelled_out(value) if type(value) is str else value for value in column]
        return cast("Reader", column.__getitem__)  # what stands for a run is a position here


def matching(history: History, request: ListRequest) -> Iterator[Found]:
    """The runs that match, in the order asked for, whatever the limit.

    Raises:
        QueryError: `where` or `sort` cannot be understood, or no run has what they or `columns` name.
    """
    asked = _asked(request)
    order = parse_sort(request.sort) if request.sort is not None else None
    fields = [one.field for one in asked]
    columns = _columns(history, [*fields, _TAGS] if request.tags else fields)
    _check(history, [*asked, *map(asked_column, request.columns)], columns)
    chosen: Iterable[int] = range(len(columns.runs))
    if request.where is not None:
        from gxt.model.query import parse_where

        matches = parse_where(request.where, columns.reading)
        chosen = filter(cast("type[object]", matches), chosen)
    if request.tags:
        chosen = _tagged(columns.values[_TAGS], set(request.tags), chosen)
    if order is not None:
        chosen = sort_by(chosen, columns.values[order[0]].__getitem__, order[1])
    return map(columns.runs.__getitem__, chosen)


def check_columns(history: History, request: ListRequest) -> None:
    """Refuse columns that no run has a value for; raises as `matching` does."""
    _check(history, [asked_column(name) for name in request.columns], _Columns((), {}))


def _asked(request: ListRequest) -> list[Asked]:
    from gxt.model.query import asked_names

    asked = asked_names(request.where) if request.where is not None else []
    return [*asked, asked_order(request.sort)] if request.sort is not None else asked


def _columns(history: History, fields: Sequence[Field]) -> _Columns:
    live = [run.run for run in reversed(history.live)]  # first: it may bring the index to a newer tip
    facts = history.index.facts(list(dict.fromkeys(fields)))
    values = {field: [*map(reader(field), live), *column] for field, column in facts.columns.items()}
    return _Columns([*live, *facts.numbers], values)


def _check(history: History, asked: Sequence[Asked], columns: _Columns) -> None:
    def known(field: Field) -> bool:
        values = columns.values.get(field) or _columns(history, [field]).values[field]
        return any(value is not MISSING for value in values)

    check_names(asked, history.runs, known)


def _tagged(tags: Sequence[Json | Missing], wanted: set[str], chosen: Iterable[int]) -> Iterator[int]:
    for position in chosen:
        given = tags[position]
        if isinstance(given, list) and wanted <= set(map(str, given)):
            yield position
