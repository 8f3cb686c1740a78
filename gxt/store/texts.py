"""Runs as JSON text: made from git when somebody first asks for them, and kept in the index's table `docs`.

Lists, trees and searches by name do without. The first command that needs whole runs pays for those that it
needs; where nothing can be written, every one does.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from gxt.errors import DamagedRecord, NewerFormat
from gxt.git.objects import ObjectReader
from gxt.model.ids import LAST_NUMBER, run_id
from gxt.model.json_types import JsonObject
from gxt.model.scalars import clean_text
from gxt.named_tuple import NamedTuple
from gxt.store.reading import read_cells, read_documents, read_text
from gxt.store.tree import open_folders

_PAGE = 8  # runs that are read at first; the pages grow
_MOST = 512  # bounds memory at any length of history
_FEW = 4  # a transaction costs as much as reading this many again
_PAGE_QUERY = """
SELECT r.number, p.number, r.oid, d.doc
FROM runs r LEFT JOIN docs d ON d.number = r.number LEFT JOIN runs p
    ON p.uid = r.parent_uid AND p.damage IS NULL
WHERE r.damage IS NULL AND ({}) AND r.number < ? ORDER BY r.number DESC LIMIT ?
"""
_BETWEEN = """
SELECT r.number, r.oid, d.doc FROM runs r LEFT JOIN docs d ON d.number = r.number
WHERE r.damage IS NULL AND r.number BETWEEN ? AND ?
"""
_LACKING = """
SELECT r.number, r.oid FROM runs r LEFT JOIN docs d ON d.number = r.number
WHERE r.damage IS NULL AND d.number IS NULL AND r.number BETWEEN ? AND ?
"""
# the run may have been changed, and read anew by another process, since its text was made
_KEEP = "INSERT OR REPLACE INTO docs SELECT number, ? FROM runs WHERE number = ? AND oid = ?"
_KEEP_DAMAGE = """
UPDATE runs SET uid = NULL, parent_uid = NULL, name = NULL, damage = ?
WHERE number = ? AND oid = ? AND damage IS NULL
"""


class Text(NamedTuple):
    """A run as it is kept: the text lacks the numbers, which are this clone's."""

    number: int
    parent: int | None
    doc: str

    def json(self) -> str:
        """The run as JSON text, with its numbers put in place."""
        parent = f'"{run_id(self.parent)}"' if self.parent is not None else "null"
        return f'{{"id":"{run_id(self.number)}","parent":{parent},{self.doc[1:]}'

    def run(self) -> JsonObject:
        """The run, parsed."""
        run: JsonObject = json.loads(self.json())
        return run


class Texts:
    """The texts of an index's runs.

    Args:
        query: asks the index.
        database: the index as it is open at present.
        reader: reads what the index has no text of yet.
        environments: parsed before, see `read_documents`.
    """

    def __init__(
        self,
        query: Callable[..., Iterator[Any]],
        database: Callable[[], sqlite3.Connection],
        reader: ObjectReader,
        environments: dict[str, JsonObject],
    ) -> None:
        self._query = query
        self._database = database
        self._reader = reader
        self._environments = environments

    def where(self, condition: str = "1", *values: str | int) -> Iterator[Text]:
        """The runs that fulfil a condition on the row `r`, newest first."""
        below, size = LAST_NUMBER + 1, _PAGE
        while True:
            page = list(self._query(_PAGE_QUERY.format(condition), *values, below, size))
            lacking = [(number, oid) for number, _, oid, doc in page if doc is None]
            made = self._made(lacking, keep=len(lacking) >= _FEW)
            for number, parent, _, doc in page:
                text = doc or made.get(number)
                if text is not None:
                    yield Text(number, parent, text)
            if len(page) < size:
                return
            below, size = page[-1][0], min(4 * size, _MOST)

    def between(self, first: int, last: int) -> Mapping[int, str]:
        """The texts by number, without ids; asks the database as it is, also in a transaction."""
        rows = self._database().execute(_BETWEEN, (first, last)).fetchall()
        made = self._made([(number, oid) for number, oid, doc in rows if doc is None])
        return {number: doc for number, _, doc in rows if doc is not None} | made

    def make(self, first: int, last: int) -> None:
        """Make those that are not there yet."""
        self._made(list(self._query(_LACKING, first, last)))

    def _made(self, wanted: list[tuple[int, str]], *, keep: bool = True) -> dict[int, str]:
        """The texts of runs, read from git; what cannot be read now, though it could before, is damaged."""
        if not wanted:
            return {}
        made: dict[int, str] = {}
        lost: list[tuple[str, int, str]] = []
        folders = list(open_folders(self._reader, wanted))
        for documents in read_documents(self._reader, folders, self._environments):
            number, oid = documents.folder.number, documents.folder.oid
            try:
                made[number] = read_text(documents)
            except (DamagedRecord, NewerFormat):
                lost.append((clean_text(str(read_cells(documents)[6])), number, oid))
        if keep or lost:
            kept = [(made[number], number, oid) for number, oid in wanted if number in made]
            self._keep(kept, lost)
        return made

    def _keep(self, made: list[tuple[str, int, str]], lost: list[tuple[str, int, str]]) -> None:
        db = self._database()
        if db.in_transaction:
            return
        with suppress(sqlite3.Error), db:  # where nothing can be written they are made again
            db.execute("PRAGMA synchronous = OFF")
            db.execute("BEGIN IMMEDIATE")
            db.executemany(_KEEP, made)
            db.executemany(_KEEP_DAMAGE, lost)
