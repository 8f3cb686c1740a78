"""Tables as text: csv, tsv, and JSON on lines. The first bytes tell their form, all of them are counted."""

from __future__ import annotations

import csv
import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Final

from gxt.model.json_types import Json, JsonObject

MOST_COLUMNS: Final = 200
_PARSED_BYTES: Final = 32 << 20  # of a table; more are counted by their line ends
_COUNTED_BYTES: Final = 1 << 30
_TIME_S: Final = 0.9
_SAMPLE_BYTES: Final = 1 << 16
_SAMPLED: Final = 1000  # rows that tell the types
_LONGEST_LINE: Final = 4 << 20
_LONGEST_NAME: Final = 200
_LABELS: Final = ("label", "labels", "target", "class", "y", "category", "species", "outcome")
_MOST_CLASSES: Final = 100
_FEW_CLASSES: Final = 20  # of a last column that has no label's name
_DELIMITERS: Final = ",;\t|"
_INT: Final = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_FLOAT: Final = re.compile(
    r"[+-]?(\d{1,40}\.?\d{0,40}|\.\d{1,40})([eE][+-]?\d{1,4})?|[+-]?(nan|inf)", re.ASCII | re.IGNORECASE
)
_BOOLS: Final = frozenset(("true", "false"))


def describe_table(path: Path, delimiter: str) -> JsonObject:
    """Rows, columns with their types, and the classes of a label column.

    Args:
        path: a csv or tsv file.
        delimiter: what separates its columns; empty to find out.

    Raises:
        OSError, ValueError: it cannot be read as a table.
    """
    with path.open("rb") as file:
        sample = file.read(_SAMPLE_BYTES)
        if b"\0" in sample or not sample.strip():
            return {}
        delimiter = delimiter or _delimiter(sample.decode("utf-8-sig", "replace"))
        file.seek(0)
        lines = _Lines(file)
        rows = _csv_rows(lines, delimiter)
        head = next(rows, [])
        # of a million columns a thousand rows do not fit into memory
        first = [head[:MOST_COLUMNS], *(row[:MOST_COLUMNS] for row in islice(rows, _SAMPLED))]
        body = first[1:] if _is_head(first) else first
        names = head if body is not first else list(map(str, range(len(head))))
        types = [_type_of([row[i] for row in body if i < len(row)]) for i in range(len(first[0]))]
        label, named = _label(names, types)
        counts: Counter[str] = Counter()
        count = _count_rows(body, rows, label, counts) + lines.rest()
    columns = [*zip(names, types, strict=False), *((name, "") for name in names[len(types) :])]
    found: JsonObject = {
        "format": "tsv" if delimiter == "\t" else "csv",
        **_total(count, lines.at, path.stat().st_size),
        **listed_columns(columns),
    }
    if label is not None and lines.is_parsed:
        found |= counted(names[label], counts, named=named)
    return found


def describe_json_lines(path: Path) -> JsonObject:
    """Rows, the keys of the first ones with their types, and the classes of a label.

    Raises:
        OSError, ValueError, RecursionError: it is no JSON on lines.
    """
    with path.open("rb") as file:
        lines = _Lines(file)
        texts = (line for line in lines if line.strip())
        first = [json.loads(line) for line in islice(texts, _SAMPLED)]
        objects = [one for one in first if isinstance(one, dict)]
        if not objects:
            return {}
        names = list(dict.fromkeys(key for one in objects for key in islice(one, MOST_COLUMNS)))
        columns = [(name, _json_type([one.get(name) for one in objects])) for name in names[:MOST_COLUMNS]]
        label = label_among([name for name, _ in columns])
        key = None if label is None else names[label]
        counts = Counter(_class_of(one.get(key)) for one in objects) if key is not None else Counter[str]()
        count = len(first)
        for line in texts:
            count += 1
            if key is not None and len(counts) <= _MOST_CLASSES:
                one = json.loads(line)
                counts[_class_of(one.get(key) if isinstance(one, dict) else None)] += 1
        count += lines.rest()
    found: JsonObject = {
        "format": "jsonl",
        **_total(count, lines.at, path.stat().st_size),
        **listed_columns(columns),
    }
    return {**found, **counted(key, counts, named=True)} if key is not None and lines.is_parsed else found


def label_among(names: Sequence[str]) -> int | None:
    """Which column has the name of a label, the most usual name first."""
    lowered = [name.strip().lower() for name in names]
    return next((lowered.index(name) for name in _LABELS if name in lowered), None)


def counted(name: str, counts: Counter[str], *, named: bool) -> JsonObject:
    """The class counts of a label column, if it is one: few values, each more than once on the average."""
    most = _MOST_CLASSES if named else _FEW_CLASSES
    if not 1 < len(counts) <= most or sum(counts.values()) < 2 * len(counts):
        return {}
    classes: dict[str, Json] = {text[:_LONGEST_NAME]: counts[text] for text in sorted(counts, key=_by_value)}
    return {"classes": {name[:_LONGEST_NAME]: classes}}


def listed_columns(columns: Sequence[tuple[str, str]]) -> JsonObject:
    """Names and types of the first columns, and how many there are where that is not all of them."""
    listed: list[Json] = [
        {"name": name[:_LONGEST_NAME], "type": kind} for name, kind in columns[:MOST_COLUMNS]
    ]
    more: JsonObject = {"column_count": len(columns)} if len(columns) > MOST_COLUMNS else {}
    return {"columns": listed, **more}


def _total(count: int, at: int, size: int) -> JsonObject:
    """Rows of the whole file, of which so many bytes were counted."""
    if at >= size:
        return {"rows": count}
    return {"rows": round(count * size / max(at, 1)), "approximate": True}


class _Lines:
    """The lines of a file, up to a number of bytes and a time; what comes after is only counted.

    Attributes:
        at: how many bytes were taken.
        is_parsed: whether all lines were given out.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._until_s = time.monotonic() + _TIME_S
        self._quoted = False
        self.at = 0
        self.is_parsed = False

    def __iter__(self) -> Iterator[str]:
        count = 0
        while self.at < _PARSED_BYTES:
            line = self._file.readline(_LONGEST_LINE)
            if not line:
                self.is_parsed = True
                return
            if len(line) == _LONGEST_LINE:
                raise ValueError("no lines")
            self._quoted = self._quoted or b'"' in line
            yield line.decode("utf-8-sig" if self.at == 0 else "utf-8", "replace").replace("\0", "")
            self.at += len(line)
            count += 1
            if not count % 1000 and time.monotonic() > self._until_s:
                return

    def rest(self) -> int:
        """How many lines come after those that were given out, as far as they can be told without parsing."""
        if self.is_parsed or self._quoted:
            return 0
        ends, last = 0, b"\n"
        while self.at < _COUNTED_BYTES and time.monotonic() < self._until_s:
            piece = self._file.read(1 << 20)
            if b'"' in piece:  # a line end may be in a field
                return ends
            if not piece:
                return ends + (not last.endswith(b"\n"))
            self.at += len(piece)
            ends += piece.count(b"\n")
            last = piece
        return ends


def _csv_rows(lines: _Lines, delimiter: str) -> Iterator[list[str]]:
    """The rows that are not empty. Raises csv.Error as a ValueError."""
    try:
        yield from filter(None, csv.reader(lines, delimiter=delimiter))
    except csv.Error as error:
        raise ValueError(str(error)) from error


def _delimiter(text: str) -> str:
    """The separator that the first lines have most evenly; csv.Sniffer takes seconds for odd texts."""
    lines = [line for line in text.split("\n")[:20] if line]
    if len(lines) > 1 and len(text) >= _SAMPLE_BYTES // 2:
        lines = lines[:-1]  # may be cut
    counts = {one: [line.count(one) for line in lines] for one in _DELIMITERS}
    even = [one for one in _DELIMITERS if counts[one][0] and len(set(counts[one])) == 1]
    return max(even or _DELIMITERS, key=lambda one: counts[one][0]) if any(map(any, counts.values())) else ","


def _is_head(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names columns: no number in it, and nothing twice."""
    first = [cell.strip() for cell in rows[0]]
    if not any(first) or len(set(first)) < len(first):
        return False
    return not any(_INT.fullmatch(cell) or _FLOAT.fullmatch(cell) for cell in first[:MOST_COLUMNS])


def _type_of(cells: Sequence[str]) -> str:
    filled = [cell.strip() for cell in cells if cell.strip()]
    if not filled:
        return "empty"
    if all(map(_INT.fullmatch, filled)):
        return "int"
    if all(map(_FLOAT.fullmatch, filled)):
        return "float"
    return "bool" if {cell.lower() for cell in filled} <= _BOOLS else "text"


def _label(names: Sequence[str], types: Sequence[str]) -> tuple[int | None, bool]:
    """The column of the label, and whether its name says so: else the last, unless it holds measurements."""
    named = label_among(names[:MOST_COLUMNS])
    if named is not None:
        return named, True
    last = len(names) - 1
    return (
        (last, False) if 0 < last < len(types) and types[last] in ("int", "text", "bool") else (None, False)
    )


def _count_rows(
    first: Sequence[Sequence[str]], rows: Iterator[list[str]], label: int | None, counts: Counter[str]
) -> int:
    """How many rows there are; counts the label's values until they are too many for one."""
    count = 0
    for part in (first, rows):
        for row in part:
            count += 1
            if label is not None and len(counts) <= _MOST_CLASSES:
                counts[row[label].strip() if label < len(row) else ""] += 1
    return count


def _json_type(values: Sequence[object]) -> str:
    names = {bool: "bool", int: "int", float: "float", str: "text", list: "list", dict: "object"}
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        return "float"
    return names.get(kinds.pop(), "mixed") if len(kinds) == 1 else "mixed" if kinds else "empty"


def _class_of(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)[:_LONGEST_NAME]


def _by_value(text: str) -> tuple[bool, float, str]:
    """Numbers in their order, then texts."""
    is_number = _FLOAT.fullmatch(text) is not None
    return (not is_number, float(text) if is_number else 0.0, text)
