"""Parquet files, where pyarrow is installed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

from gxt.data.tables import MOST_COLUMNS, counted, label_among, listed_columns
from gxt.model.json_types import JsonObject

_MOST_COUNTED: Final = 1_000_000  # rows
_TYPES: Final = {"double": "float64", "float": "float32", "halffloat": "float16", "string": "text"}


def describe_parquet(path: Path) -> JsonObject:
    """Rows, columns and their types, and the classes of a label; nothing without pyarrow.

    Raises:
        ValueError, OSError: it is no parquet file.
    """
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        return {}
    with parquet.ParquetFile(path) as file:
        rows = int(file.metadata.num_rows)
        fields = list(file.schema_arrow)
        columns = [(field.name, _TYPES.get(str(field.type), str(field.type)[:60])) for field in fields]
        found: JsonObject = {"format": "parquet", "rows": rows, **listed_columns(columns)}
        label = label_among([name for name, _ in columns[:MOST_COLUMNS]])
        if label is None or rows > _MOST_COUNTED or arrow.types.is_nested(fields[label].type):
            return found
        values = file.read(columns=[columns[label][0]], use_threads=False).column(0).value_counts()
        counts = Counter({str(one["values"]): int(one["counts"]) for one in values.to_pylist()[:1000]})
        return {**found, **counted(columns[label][0], counts, named=True)}
