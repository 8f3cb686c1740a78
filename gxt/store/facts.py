"""Columns of the index: one fact of every run side by side, for conditions and orders over a whole history.

Reading 100,000 runs to compare one number of each takes seconds, reading the numbers alone milliseconds. A
column is made from the runs when it is first asked for, and kept in parts: the text of a JSON list, newest
run first, with NaN (which no document of gxt holds) for a run that lacks the fact. A change of a run takes
its part of every column away, so that it is made again from at most `FACTS_PART` runs. The tables are those
of `gxt.store.index`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from math import inf, nan
from typing import TypeAlias

from gxt.model.fields import MISSING, Field, Missing, reader
from gxt.model.ids import run_id
from gxt.model.json_types import Json, JsonObject
from gxt.named_tuple import NamedTuple
from gxt.store.index import FACTS_PART as PART
from gxt.store.progress import Progress

Column: TypeAlias = "list[Json | Missing]"
Texts: TypeAlias = "Callable[[int, int], Mapping[int, str]]"

MOST_NAMES = 64  # kept at a time: some 2 MB each at 100,000 runs
_CONSTANTS: Mapping[str, float | Missing] = {"NaN": MISSING, "Infinity": inf, "-Infinity": -inf}
_PARENTS = "SELECT r.number, p.number FROM runs r JOIN runs p ON p.uid = r.parent_uid AND p.damage IS NULL"
_encode = json.JSONEncoder(separators=(",", ":")).encode


class Facts(NamedTuple):
    """Facts of all sealed runs, newest first.

    Attributes:
        numbers: the number that each position of a column belongs to; no run need have it.
        columns: the values by field, MISSING where a run has none or there is no run.
    """

    numbers: list[int]
    columns: dict[Field, Column]


def lacking(db: sqlite3.Connection, fields: Sequence[Field]) -> list[int]:
    """The parts that some column does not have yet, newest first."""
    query = "SELECT part FROM parts EXCEPT SELECT part FROM facts WHERE name = ?"
    parts = {row[0] for field in _stored(fields) for row in db.execute(query, (_name(field),))}
    return sorted(parts, reverse=True)


def load(db: sqlite3.Connection, fields: Sequence[Field], texts: Texts, progress: Progress) -> Facts:
    """The columns of some facts; those that had to be made are kept for the next time.

    Args:
        db: the index, in no transaction.
        fields: which facts.
        texts: the runs of a range of numbers as JSON text.
        progress: told how many parts of how many were made.

    Raises:
        sqlite3.DatabaseError, ValueError: the index is damaged.
    """
    db.execute("BEGIN")  # what follows sees one state of the index
    try:
        tip = db.execute("SELECT value FROM state WHERE key = 'tip'").fetchone()
        parts = [row[0] for row in db.execute("SELECT part FROM parts ORDER BY part DESC")]
        numbers = [number for part in parts for number in range((part + 1) * PART - 1, part * PART - 1, -1)]
        columns: dict[Field, Column] = {}
        cells, made = _cells(db, _stored(fields), parts, texts, progress)
        for field in fields:
            columns[field] = _parsed(cells[field]) if field in cells else _of_numbers(db, field, numbers)
    finally:
        db.execute("ROLLBACK")
    if made:
        _keep(db, tip, made)
    return Facts(numbers, columns)


def _stored(fields: Sequence[Field]) -> list[Field]:
    """Those that have a column: ids are of this clone and in no document."""
    return [field for field in fields if field.root not in {"id", "parent"}]


def _cells(
    db: sqlite3.Connection, fields: Sequence[Field], parts: list[int], texts: Texts, progress: Progress
) -> tuple[dict[Field, list[str]], list[tuple[str, int, str]]]:
    """The cells of each part by field, and the rows of the table that are not in it yet."""
    query = "SELECT part, cells FROM facts WHERE name = ?"
    kept: dict[Field, dict[int, str]] = {field: dict(db.execute(query, (_name(field),))) for field in fields}
    made = []
    for done, part in enumerate(parts):
        absent = [field for field in fields if part not in kept[field]]
        if not absent:
            continue
        runs = _runs(texts, part)
        for field in absent:
            kept[field][part] = _made(field, runs)
            made.append((_name(field), part, kept[field][part]))
        progress("reading runs", done + 1, len(parts))
    return {field: [kept[field][part] for part in parts] for field in fields}, made


def _runs(texts: Texts, part: int) -> list[JsonObject]:
    """The runs of a part, newest first; an empty object where there is none."""
    last = (part + 1) * PART - 1
    found = texts(part * PART, last)
    return [json.loads(found.get(number, "{}")) for number in range(last, last - PART, -1)]


def _made(field: Field, runs: list[JsonObject]) -> str:
    values = map(reader(field), runs)
    return _encode([nan if value is MISSING else value for value in values])[1:-1]


def _parsed(cells: list[str]) -> Column:
    column: Column = json.loads(f"[{','.join(cells)}]", parse_constant=_CONSTANTS.__getitem__)
    if len(column) != len(cells) * PART:
        raise ValueError("a column does not hold its runs")
    return column


def _of_numbers(db: sqlite3.Connection, field: Field, numbers: list[int]) -> Column:
    """The column of ids, or of the parents' ids."""
    if field.root == "id":
        return [run_id(number) for number in numbers]
    runs = {row[0] for row in db.execute("SELECT number FROM runs WHERE damage IS NULL")}
    parents = dict(db.execute(_PARENTS))
    return [
        (run_id(parents[number]) if number in parents else None) if number in runs else MISSING
        for number in numbers
    ]


def _keep(db: sqlite3.Connection, tip: tuple[str] | None, made: list[tuple[str, int, str]]) -> None:
    """Keep what was made at this tip; where nothing can be written it is made again."""
    try:
        db.execute("PRAGMA synchronous = OFF")
        db.execute("BEGIN IMMEDIATE")
        if db.execute("SELECT value FROM state WHERE key = 'tip'").fetchone() == tip:
            names = {row[0] for row in db.execute("SELECT DISTINCT name FROM facts")}
            if len(names.union(row[0] for row in made)) > MOST_NAMES:
                db.execute("DELETE FROM facts")
            db.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", made)
        db.execute("COMMIT")
    except sqlite3.Error:
        if db.in_transaction:
            db.execute("ROLLBACK")


def _name(field: Field) -> str:
    return _encode([field.root, *field.keys])
