"""The index: what lists need, derived from the experiments ref and keyed by its tip.

With it, without it and after its deletion every command returns the same. It is brought up to date by the
difference between two tips, so its cost follows the change and not the history.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any

from gxt.errors import DOCTOR, DamagedRecord, GxtError
from gxt.git.objects import ObjectReader
from gxt.git.repository import Repository
from gxt.model.ids import parse_run_id, run_id, run_path
from gxt.model.json_types import JsonObject
from gxt.model.run import Row
from gxt.model.scalars import clean_text
from gxt.store.places import home
from gxt.store.progress import Progress, untold
from gxt.store.reading import LOST, read_cells, read_documents, read_run
from gxt.store.texts import Texts
from gxt.store.tree import REMOVED, Change, RunFolder, Tip, changes, open_folders, read_tip, uid_of

if TYPE_CHECKING:
    from gxt.model.fields import Field
    from gxt.store.facts import Facts

VERSION = 10
_BATCH = 500  # runs read and written at a time: bounds memory at any length of history
FACTS_PART = 256  # numbers of runs whose facts lie together, and are made anew when one of the runs changes
_PART_BYTES = 1 << 18  # a view of 18 MB in one part costs twice the time
_SCHEMA = """
CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS runs (
    number INTEGER PRIMARY KEY, uid TEXT, parent_uid TEXT, oid TEXT, run_oid TEXT, name TEXT, damage TEXT,
    status TEXT, title TEXT, created TEXT, duration_s REAL, tags TEXT, repeats TEXT, metrics TEXT,
    formerly TEXT
);
CREATE TABLE IF NOT EXISTS docs (number INTEGER PRIMARY KEY, doc TEXT);
CREATE TABLE IF NOT EXISTS removed (number INTEGER PRIMARY KEY, uid TEXT);
CREATE TABLE IF NOT EXISTS strays (path TEXT PRIMARY KEY, oid TEXT, lost INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS views (key TEXT, part INTEGER, data BLOB, PRIMARY KEY (key, part));
CREATE TABLE IF NOT EXISTS parts (part INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS facts (name TEXT, part INTEGER, cells TEXT, PRIMARY KEY (name, part));
CREATE INDEX IF NOT EXISTS facts_part ON facts (part);
CREATE INDEX IF NOT EXISTS runs_uid ON runs (uid);
CREATE INDEX IF NOT EXISTS runs_name ON runs (name);
CREATE INDEX IF NOT EXISTS runs_parent ON runs (parent_uid);
CREATE INDEX IF NOT EXISTS runs_repeats ON runs (repeats) WHERE repeats IS NOT NULL;
CREATE INDEX IF NOT EXISTS runs_formerly ON runs (number) WHERE formerly IS NOT NULL;
CREATE INDEX IF NOT EXISTS runs_damage ON runs (number) WHERE damage IS NOT NULL;
"""
_INSERT = f"INSERT OR REPLACE INTO runs VALUES ({', '.join('?' * 15)})"  # noqa: S608 our own
_AS_ROWS = """
SELECT r.number, p.number, r.status, r.title, r.created, r.duration_s, r.tags, ifnull(r.repeats, ''),
    r.metrics
FROM runs r LEFT JOIN runs p ON p.uid = r.parent_uid AND p.damage IS NULL WHERE r.damage IS NULL
"""
_ROWS = f"{_AS_ROWS} ORDER BY r.number DESC LIMIT ?"
_ROW = f"{_AS_ROWS} AND r.number = ?"
_REPEATS = f"{_AS_ROWS} AND r.repeats = ? ORDER BY r.number"
_COUNT = "SELECT (SELECT count(*) FROM runs) - (SELECT count(*) FROM runs WHERE damage IS NOT NULL)"
_BELOW = """
WITH RECURSIVE below (uid) AS (
    VALUES (?) UNION SELECT r.uid FROM below b JOIN runs r ON r.parent_uid = b.uid AND r.damage IS NULL
)
SELECT r.number, r.uid FROM below b JOIN runs r ON r.uid = b.uid AND r.damage IS NULL
ORDER BY r.number DESC
"""


class Index:
    """The sealed runs of a repository, as they are at the tip of the experiments ref.

    Use it as a context manager; entering brings it up to date, and tells of its progress. A reader that is
    given stays open.
    """

    def __init__(
        self, repository: Repository, reader: ObjectReader | None = None, progress: Progress = untold
    ) -> None:
        self._progress = progress
        self._path = home(repository) / f"index-{VERSION}.sqlite"
        self.reader = reader or ObjectReader(repository)
        self._own_reader = reader is None
        self.tip: Tip | None = None
        self._environments: dict[str, JsonObject] = {}
        self._texts = Texts(self._query, lambda: self._db, self.reader, self._environments)

    def __enter__(self) -> Index:
        try:
            self.tip = read_tip(self.reader)
            self._db = self._current()
        except BaseException:
            self._close_reader()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()
        self._close_reader()

    def _close_reader(self) -> None:
        if self._own_reader:
            self.reader.close()

    def refresh(self) -> None:
        """Look again what the tip is."""
        self.tip = read_tip(self.reader)
        self._db.close()
        self._db = self._current()

    def runs(self) -> Iterator[JsonObject]:
        """Every run, newest first, without its packages."""
        return (text.run() for text in self._texts.where())

    def rows(self, limit: int | None) -> list[Row]:
        """The newest runs as lists show them."""
        return _as_rows(list(self._query(_ROWS, -1 if limit is None else limit)))

    def group_rows(self, group: str) -> list[Row]:
        """The repeats of a group as lists show them, oldest first."""
        return _as_rows(list(self._query(_REPEATS, clean_text(group))))

    def texts(self, limit: int | None) -> Iterator[str]:
        """The newest runs as JSON text, without parsing it."""
        return (text.json() for text in islice(self._texts.where(), limit))

    def row(self, number: int) -> Row | None:
        """The run with this number as lists show it; None where there is none that can be read."""
        found = next(self._query(_ROW, number), None)
        return _as_row(found, json.loads(found[-1])) if found else None

    def facts(self, fields: Sequence[Field]) -> Facts:
        """Facts of every run, in columns."""
        from gxt.store.facts import lacking, load  # with the language of names, which plain lists do without

        try:
            parts = lacking(self._db, fields)
            for done, part in enumerate(parts, 1):
                self._texts.make(part * FACTS_PART, (part + 1) * FACTS_PART - 1)
                self._progress("reading the history", done, len(parts))
            return load(self._db, fields, self._texts.between, self._progress)
        except (sqlite3.DatabaseError, ValueError):
            self._make_anew()
            return load(self._db, fields, self._texts.between, self._progress)

    def count(self) -> int:
        """How many runs there are that can be read."""
        found: tuple[int] = next(self._query(_COUNT))
        return found[0]

    def below(self, uid: str) -> list[tuple[int, str]]:
        """The number and the uid of every run that derives from this one, itself included; newest first."""
        return list(self._query(_BELOW, uid))

    def view(self, key: str) -> list[bytes]:
        """What somebody made of the runs at this tip, by all else that it depends on; parts, or nothing."""
        return [row[0] for row in self._query("SELECT data FROM views WHERE key = ? ORDER BY part", key)]

    def keep_view(self, key: str, data: bytes) -> None:
        """Keep it until the tip moves; where nothing can be written it is made again."""
        parts = [
            (key, part, data[start : start + _PART_BYTES])
            for part, start in enumerate(range(0, len(data), _PART_BYTES))
        ]
        with suppress(sqlite3.Error):
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("DELETE FROM views WHERE key = ?", (key,))
            self._db.executemany("INSERT INTO views VALUES (?, ?, ?)", parts)
            self._db.execute("COMMIT")

    def damaged(self) -> list[tuple[str, str]]:
        """Runs that cannot be read, with the reason."""
        rows = self._query("SELECT number, damage FROM runs WHERE damage IS NOT NULL ORDER BY number")
        return [(run_id(number), damage) for number, damage in rows]

    def unreadable(self, uid: str) -> tuple[str, str] | None:
        """Of the runs that cannot be read the one whose commit tells this identity, with the reason."""
        rows = list(self._query("SELECT number, oid, damage FROM runs WHERE damage IS NOT NULL"))
        folders = open_folders(self.reader, [(number, oid) for number, oid, _ in rows]) if rows else ()
        reasons = {number: damage for number, _, damage in rows}
        found = (one.number for one in folders if uid_of(self.reader, one) == uid)
        return next(((run_id(number), reasons[number]) for number in found), None)

    def strays(self) -> list[tuple[str, bool]]:
        """Directories that hold no run though they are named like it; whether git has lost them."""
        return [
            (path, bool(lost)) for path, lost in self._query("SELECT path, lost FROM strays ORDER BY path")
        ]

    def by_number(self, number: int) -> JsonObject | None:
        """The run with this number."""
        return self._one("r.number = ?", number)

    def by_uid(self, uid: str) -> JsonObject | None:
        """The run with this identity."""
        return self._one("r.uid = ?", uid)

    def number_of(self, uid: str) -> int | None:
        """The number of a run."""
        row = next(self._query("SELECT number FROM runs WHERE uid = ? AND damage IS NULL", uid), None)
        return row[0] if row else None

    def formerly(self, number: int) -> list[int]:
        """The numbers of runs that had this one before a pull gave it to another run."""
        rows = self._query("SELECT number, formerly FROM runs WHERE formerly IS NOT NULL ORDER BY number")
        return [now for now, had in rows if number in json.loads(had)]

    def by_name(self, name: str) -> list[JsonObject]:
        """The runs that people gave this name."""
        return self._many("r.name = ?", name)

    def by_parent(self, uid: str) -> list[JsonObject]:
        """The runs derived from this one."""
        return self._many("r.parent_uid = ?", uid)

    def by_group(self, group: str) -> list[JsonObject]:
        """The repeats of a group, oldest first."""
        return self._many("r.repeats = ?", group)

    def by_prefix(self, prefix: str) -> list[JsonObject]:
        """The runs whose uid or commit starts with this."""
        return self._many("r.uid LIKE ?1 || '%' OR r.run_oid LIKE ?1 || '%'", prefix)

    def removed(self, uid: str) -> int | None:
        """The number of a run that was removed."""
        row = next(self._query("SELECT number FROM removed WHERE uid = ?", clean_text(uid)), None)
        return row[0] if row else None

    def removed_with(self, prefix: str) -> list[int]:
        """The numbers of the runs that were removed and whose uid starts with this."""
        return [row[0] for row in self._query("SELECT number FROM removed WHERE uid LIKE ? || '%'", prefix)]

    def removed_folder(self, number: int) -> RunFolder | None:
        """What git keeps of a run that was removed; None for any other number."""
        path = f"{self.tip.oid}:{run_path(number)}" if self.tip else ""
        found = self.reader.read(path) if path else None
        folder = next(open_folders(self.reader, [(number, found.oid)])) if found else None
        return folder if folder and REMOVED in folder.entries else None

    def check(self, number: int) -> None:
        """Say what is wrong with a run that cannot be read; nothing for any other number.

        Raises:
            DamagedRecord: a document is missing, cut off or not what it should be.
            NewerFormat: a newer gxt wrote one.
        """
        query = "SELECT damage FROM runs WHERE number = ? AND damage IS NOT NULL"
        row, folder = next(self._query(query, number), None), self.folder(number)
        if row and folder:
            for documents in read_documents(self.reader, [folder], {}):
                read_run(documents)
            raise DamagedRecord(row[0], hint=DOCTOR)

    def check_named(self, prefix: str) -> None:
        """The same for the runs whose uid or commit starts with this."""
        for name, _ in self.damaged():
            number = parse_run_id(name)
            folder = self.folder(number) if number is not None else None
            if folder is None or number is None:
                continue
            commit, uid = folder.entries.get("run"), uid_of(self.reader, folder) or ""
            if uid.startswith(prefix.upper()) or (commit and commit.oid.startswith(prefix.lower())):
                self.check(number)

    def folder(self, number: int) -> RunFolder | None:
        """The directory of a run in git."""
        row = next(self._query("SELECT oid FROM runs WHERE number = ?", number), None)
        return next(open_folders(self.reader, [(number, row[0])]), None) if row else None

    def _one(self, condition: str, value: str | int) -> JsonObject | None:
        return next(iter(self._many(condition, value)), None)

    def _many(self, condition: str, value: str | int) -> list[JsonObject]:
        bound = clean_text(value) if isinstance(value, str) else value
        return [text.run() for text in self._texts.where(condition, bound)][::-1]

    def _query(self, query: str, *values: str | int) -> Iterator[Any]:
        """The rows of a query, whose order must be fixed.

        Damage shows only where it is read: the file is then made anew, and the rows that were given before
        are not given again.
        """
        given = 0
        for last in (False, True):
            try:
                for row in islice(self._db.execute(query, values), given, None):
                    given += 1
                    yield row
            except sqlite3.DatabaseError:
                if last:
                    raise
                self._make_anew()
            else:
                return

    def _make_anew(self) -> None:
        """Replace a file that turned out to be damaged."""
        self._db.close()
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        self._db = self._current()

    def _current(self) -> sqlite3.Connection:
        """The database at the present tip: the file, made anew when it is damaged, else one in memory."""
        path = self._path
        for place in (path, path, None):
            db = None
            try:
                if place is not None:
                    place.parent.mkdir(exist_ok=True)
                db = sqlite3.connect(place or ":memory:", timeout=10, isolation_level=None)
                self._refresh(db)
            except (sqlite3.Error, OSError):
                if db is not None:
                    db.close()
                with suppress(OSError):
                    path.unlink(missing_ok=True)
            else:
                return db
        raise GxtError("the index could not be made even in memory", hint="is the machine out of memory?")

    def _refresh(self, db: sqlite3.Connection) -> None:
        with suppress(sqlite3.OperationalError):
            old = db.execute("SELECT value FROM state WHERE key = 'tip'").fetchone()
            if old and self.tip and old[0] == self.tip.oid and not self._has_healed(db):
                return
        db.execute("PRAGMA synchronous = OFF")  # what a power cut damages is made again
        db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA}")
        if self.tip is None and not _has_runs(db):
            db.execute("COMMIT")
            return
        before = self._before(db)
        if before is None:
            for table in ("runs", "docs", "removed", "strays", "views", "state", "parts", "facts"):
                db.execute(f"DELETE FROM {table}")  # noqa: S608 our own names
        if self.tip is not None:
            # read to the end first: the walk and the reading of documents share one git process
            found = list(changes(self.reader, before, self.tip.oid))
            _take_strays(db, found)
            wanted = _to_take(db, found)
            for start in range(0, len(wanted), _BATCH):
                self._take(db, wanted[start : start + _BATCH])
                self._progress("reading the history", min(start + _BATCH, len(wanted)), len(wanted))
            _name_copies(db, [number for number, _ in wanted])
            db.execute("DELETE FROM views")
            db.execute("INSERT OR REPLACE INTO state VALUES ('tip', ?)", (self.tip.oid,))
        db.execute("COMMIT")

    def _before(self, db: sqlite3.Connection) -> str | None:
        """The tip from which to go on; None to begin anew: it is gone, or what it had lost is there again."""
        old = db.execute("SELECT value FROM state WHERE key = 'tip'").fetchone()
        if not old or not self.tip or not self.reader.read(old[0]):
            return None
        return None if self._has_found(db) else str(old[0])

    def _has_found(self, db: sqlite3.Connection) -> bool:
        """Whether git has a directory of many runs again that it had lost."""
        lost = [row[0] for row in db.execute("SELECT oid FROM strays WHERE lost")]
        return any(found is not None for found in (self.reader.read_many(lost) if lost else ()))

    def _has_healed(self, db: sqlite3.Connection) -> bool:
        """Whether something that could not be read can be now: somebody has brought git the object."""
        query = "SELECT number, oid, damage FROM runs WHERE damage LIKE ? AND uid IS NULL"
        damage = {(number, oid): reason for number, oid, reason in db.execute(query, (f"{LOST}%",))}
        folders = open_folders(self.reader, list(damage)) if damage else ()
        now = {
            (one.folder.number, one.folder.oid): read_cells(one)[6]
            for one in read_documents(self.reader, list(folders), self._environments)
        }
        return now != damage or self._has_found(db)

    def _take(self, db: sqlite3.Connection, changes: list[tuple[int, str | None]]) -> None:
        gone = [(number,) for number, _ in changes]
        parts = [(part,) for part in {number // FACTS_PART for number, _ in changes}]
        db.executemany("INSERT OR IGNORE INTO parts VALUES (?)", parts)
        db.executemany("DELETE FROM facts WHERE part = ?", parts)
        db.executemany("DELETE FROM docs WHERE number = ?", gone)
        folders = list(open_folders(self.reader, [(number, oid) for number, oid in changes if oid]))
        present = [folder for folder in folders if REMOVED not in folder.entries]
        removed = [(one.number, uid_of(self.reader, one)) for one in folders if REMOVED in one.entries]
        db.executemany("DELETE FROM removed WHERE number = ?", gone)
        db.executemany("INSERT INTO removed VALUES (?, ?)", removed)
        if len(present) < len(gone):
            db.executemany("DELETE FROM runs WHERE number = ?", gone)
        rows = [read_cells(one) for one in read_documents(self.reader, present, self._environments)]
        try:
            db.executemany(_INSERT, rows)
        except UnicodeEncodeError:  # lone surrogates, of a path that is no UTF-8
            db.executemany(_INSERT, [tuple(map(_bindable, row)) for row in rows])


def _bindable(cell: object) -> object:
    return clean_text(cell) if isinstance(cell, str) else cell


def _as_rows(found: list[Any]) -> list[Row]:
    # one call for all: 10,000 calls of the parser would take longer than the query
    metrics = json.loads(f"[{','.join([row[-1] for row in found])}]")
    return [_as_row(row, numbers) for row, numbers in zip(found, metrics, strict=True)]


def _as_row(cells: tuple[Any, ...], metrics: JsonObject) -> Row:
    number, parent, *rest = cells[:-1]
    return Row._make((run_id(number), run_id(parent) if parent else "", *rest, metrics))


def _to_take(db: sqlite3.Connection, found: list[Change]) -> list[tuple[int, str | None]]:
    """The runs to read: what changed, and what could not be read, be it for another run's sake."""
    damaged: dict[int, str | None] = dict(
        db.execute("SELECT number, oid FROM runs WHERE damage IS NOT NULL").fetchall()
    )
    return list((damaged | {one.number: one.oid for one in found if one.number is not None}).items())


def _take_strays(db: sqlite3.Connection, found: list[Change]) -> None:
    strays = [one for one in found if one.number is None]
    db.executemany("DELETE FROM strays WHERE path = ?", [(clean_text(one.path),) for one in strays])
    rows = [(clean_text(one.path), one.oid, one.lost) for one in strays if one.oid]
    db.executemany("INSERT INTO strays VALUES (?, ?, ?)", rows)


def _name_copies(db: sqlite3.Connection, taken: list[int]) -> None:
    """Of several runs with one identity the first stands; the others, copied by hand, count as damaged.

    One that was taken just now is among them, or nothing has changed.
    """
    query = """
        SELECT r.number, min(f.number) FROM json_each(?) j
        JOIN runs t ON t.number = j.value JOIN runs r ON r.uid = t.uid JOIN runs f ON f.uid = r.uid
        GROUP BY r.number HAVING min(f.number) < r.number
    """
    copies = db.execute(query, (json.dumps(taken),)).fetchall()
    reasons = [(f"{run_id(number)} is a copy of {run_id(first)}", number) for number, first in copies]
    db.executemany("UPDATE runs SET damage = ? WHERE number = ?", reasons)
    db.executemany("DELETE FROM docs WHERE number = ?", [(number,) for _, number in reasons])
    db.executemany("DELETE FROM facts WHERE part = ?", [(number // FACTS_PART,) for _, number in reasons])


def _has_runs(db: sqlite3.Connection) -> bool:
    try:
        return db.execute("SELECT 1 FROM runs LIMIT 1").fetchone() is not None
    except sqlite3.OperationalError:
        return False
