"""Columns with a type each: Parquet, exact to the last bit."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from gxt.errors import GxtError
from gxt.model.codec import number_from_json
from gxt.model.json_types import Json
from gxt.model.scalars import clean_text
from gxt.render.values import scalar
from gxt.render.view import Column, Table

Columns: TypeAlias = "Mapping[str, Sequence[Json]]"
"""Values by the name of their column, all as many; None where there is none."""

_INT64 = 2**63
_EXACT = 2**53  # whole numbers up to it are doubles


class Numbers(tuple[Json, ...]):
    """Values of a column that are numbers, though there may be none: then it is one of doubles."""

    __slots__ = ()


def parquet_bytes(columns: Columns) -> bytes:
    """The columns as a Parquet file: booleans, whole numbers of 64 bits, doubles, else text.

    A column is of the narrowest type that holds all of its values; metrics that are NaN or infinite are
    doubles, lists and objects JSON.

    Raises:
        GxtError: pyarrow is not installed.
    """
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError as error:
        raise GxtError("a Parquet file needs pyarrow", hint="pip install 'gxt[parquet]'") from error
    types = {"bool": arrow.bool_(), "int": arrow.int64(), "float": arrow.float64(), "text": arrow.string()}
    arrays = []
    for values in columns.values():
        kind, typed = _typed(values)
        arrays.append(arrow.array(typed, type=types[kind]))
    out = io.BytesIO()
    parquet.write_table(arrow.table(arrays, names=list(map(_text, columns))), out)
    return out.getvalue()


def exact_table(columns: Columns) -> Table:
    """The columns as a table of whole values."""
    texts = [["" if value is None else scalar(value) for value in values] for values in columns.values()]
    return Table([Column(name) for name in columns], list(zip(*texts, strict=True)))


def _typed(values: Sequence[Json]) -> tuple[str, list[object]]:
    """The name of a type, and the values as that."""
    known = [value for value in values if value is not None]
    if not known and isinstance(values, Numbers):
        return "float", list(values)
    if known and all(isinstance(value, bool) for value in known):
        return "bool", list(values)
    numbers = [None if value is None else number_from_json(value) for value in values]
    if not known or sum(number is not None for number in numbers) < len(known):
        return "text", [None if value is None else _text(value) for value in values]
    whole = [value for value in known if isinstance(value, int)]
    if len(whole) == len(known) and all(-_INT64 <= value < _INT64 for value in whole):
        return "int", list(values)
    if any(abs(value) > _EXACT for value in whole):
        return "text", [None if value is None else _text(value) for value in values]
    return "float", [None if number is None else float(number) for number in numbers]


def _text(value: Json) -> str:
    return clean_text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
