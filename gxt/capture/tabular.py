"""Tables that scripts have, as CSV: data frames, rows, columns by name."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from typing import Any

from gxt.errors import UsageError
from gxt.model.json_types import Json, JsonObject
from gxt.model.scalars import clean_text
from gxt.named_tuple import NamedTuple

_EXAMPLE = 'write for example gxt.log_table("errors", [{"image": "a.png", "loss": 0.5}])'


class Written(NamedTuple):
    """A CSV file in UTF-8, and what is to be known of it."""

    content: bytes
    meta: JsonObject


def csv_of(table: Any, columns: Sequence[object] | None = None) -> Written:  # noqa: ANN401 whatever a script has
    """A table as CSV, with a line of names where there are any.

    Args:
        table: a data frame of pandas or polars; rows as mappings or sequences; or columns by name.
        columns: the names, of rows that have none; of those that have some the ones to keep.

    Raises:
        UsageError: it is no table.
    """
    if hasattr(table, "write_csv"):
        table = {name: table[name].to_list() for name in table.columns}
    elif hasattr(table, "to_csv") and hasattr(table, "itertuples"):
        named = type(table.index).__name__ != "RangeIndex"
        names = [*([table.index.name or "index"] if named else []), *table.columns]
        return _written(names if columns is None else list(columns), table.itertuples(index=named, name=None))
    elif hasattr(table, "tolist"):
        table = table.tolist()
    if isinstance(table, Mapping):
        return _of_columns(table, columns)
    if isinstance(table, (str, bytes)) or not isinstance(table, Iterable):
        raise UsageError(f"a {type(table).__name__} is no table", hint=_EXAMPLE)
    return _of_rows(list(table), columns)


def _of_columns(table: Mapping[object, Any], columns: Sequence[object] | None) -> Written:
    names = list(table) if columns is None else list(columns)
    try:
        lists = [_plain(table[name]) for name in names]
        return _written(names, zip(*lists, strict=True))
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"the columns are no table: {error}", hint="columns are lists of one length"
        ) from error


def _of_rows(rows: list[Any], columns: Sequence[object] | None) -> Written:
    if rows and all(isinstance(row, Mapping) for row in rows):
        found = dict.fromkeys(name for row in rows for name in row)
        names = list(found) if columns is None else list(columns)
        return _written(names, ([row.get(name) for name in names] for row in rows))
    if not all(isinstance(row, Iterable) and not isinstance(row, (str, bytes)) for row in rows):
        raise UsageError("a row is neither a mapping nor a list", hint=_EXAMPLE)
    return _written([] if columns is None else list(columns), map(_plain, rows))


def _plain(values: Any) -> list[object]:  # noqa: ANN401 as above
    return list(values.tolist()) if hasattr(values, "tolist") else list(values)


def _written(names: Sequence[object], rows: Iterable[Iterable[object]]) -> Written:
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if names:
        writer.writerow(names)
    count = 0
    for row in rows:
        writer.writerow([cell.item() if hasattr(cell, "item") else cell for cell in row])
        count += 1
    meta: JsonObject = {"rows": count, "columns": list[Json](clean_text(str(name)) for name in names)}
    return Written(clean_text(out.getvalue()).encode(), meta)
