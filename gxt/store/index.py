"""The index: what lists need, derived from the experiments ref and keyed by its tip.

With it, without it and after its deletion every command returns the same. It is brought up to date by the
difference between two tips, so its cost follows the change and not the history.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from types import TracebackType

from gxt.errors import DamagedRecord, GxtError
from gxt.git.objects import GitObject, ObjectReader
from gxt.git.repository import Repository
from gxt.model.codec import load_document
from gxt.model.ids import run_id
from gxt.model.json_types import JsonObject
from gxt.model.run import run_json, without_packages
from gxt.store.places import home
from gxt.store.tree import RunFolder, Tip, changed_folders, open_folders, read_tip

VERSION = 1
_DOCUMENTS = frozenset(("config.json", "environment.json", "metrics.json", "annotations.jsonl"))
_BATCH = 500  # runs read and written at a time: bounds memory at any length of history
_SCHEMA = """
CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS runs (
    number INTEGER PRIMARY KEY, uid TEXT, parent_uid TEXT, oid TEXT, name TEXT, damage TEXT, doc TEXT
);
CREATE INDEX IF NOT EXISTS runs_uid ON runs (uid);
CREATE INDEX IF NOT EXISTS runs_name ON runs (name);
CREATE INDEX IF NOT EXISTS runs_parent ON runs (parent_uid);
"""
_ROW = "SELECT r.number, p.number, r.doc FROM runs r LEFT JOIN runs p ON p.uid = r.parent_uid"


class Index:
    """The sealed runs of a repository, as they are at the tip of the experiments ref.

    Use it as a context manager; entering brings it up to date.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self.reader = ObjectReader(repository.top)
        self.tip: Tip | None = None
        self._environments: dict[str, JsonObject] = {}  # runs share them, and they are the largest document

    def __enter__(self) -> Index:
        try:
            self.tip = read_tip(self.reader)
            self._db = self._current()
        except BaseException:
            self.reader.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()
        self.reader.__exit__(kind, error, trace)

    def runs(self) -> Iterator[JsonObject]:
        """Every run, newest first, without its packages."""
        for number, parent, doc in self._db.execute(f"{_ROW} WHERE r.doc IS NOT NULL ORDER BY r.number DESC"):
            yield _decode(number, parent, doc)

    def newest(self, count: int) -> list[JsonObject]:
        """The newest runs."""
        return list(islice(self.runs(), count))

    def damaged(self) -> list[tuple[str, str]]:
        """Runs that cannot be read, with the reason."""
        rows = self._db.execute("SELECT number, damage FROM runs WHERE damage IS NOT NULL ORDER BY number")
        return [(run_id(number), damage) for number, damage in rows]

    def by_number(self, number: int) -> JsonObject | None:
        """The run with this number."""
        return self._one("r.number = ?", number)

    def by_uid(self, uid: str) -> JsonObject | None:
        """The run with this identity."""
        return self._one("r.uid = ?", uid)

    def number_of(self, uid: str) -> int | None:
        """The number of a run."""
        row = self._db.execute("SELECT number FROM runs WHERE uid = ?", (uid,)).fetchone()
        return row[0] if row else None

    def by_name(self, name: str) -> list[JsonObject]:
        """The runs that people gave this name."""
        return self._many("r.name = ?", name)

    def by_parent(self, uid: str) -> list[JsonObject]:
        """The runs derived from this one."""
        return self._many("r.parent_uid = ?", uid)

    def by_prefix(self, prefix: str) -> list[JsonObject]:
        """The runs whose uid or commit starts with this."""
        return self._many("r.uid LIKE ?1 || '%' OR json_extract(r.doc, '$.commit') LIKE ?1 || '%'", prefix)

    def folder(self, number: int) -> RunFolder | None:
        """The directory of a run in git."""
        row = self._db.execute("SELECT oid FROM runs WHERE number = ?", (number,)).fetchone()
        return next(open_folders(self.reader, [(number, row[0])]), None) if row else None

    def _one(self, condition: str, value: str | int) -> JsonObject | None:
        return next(iter(self._many(condition, value)), None)

    def _many(self, condition: str, value: str | int) -> list[JsonObject]:
        rows = self._db.execute(
            f"{_ROW} WHERE r.doc IS NOT NULL AND ({condition}) ORDER BY r.number", (value,)
        )
        return [_decode(*row) for row in rows]

    def _current(self) -> sqlite3.Connection:
        """The database at the present tip: the file, made anew when it is damaged, else one in memory."""
        path = home(self._repository) / f"index-{VERSION}.sqlite"
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
            if old and self.tip and old[0] == self.tip.oid:
                return
        if self.tip is None and not _has_runs(db):
            db.executescript(_SCHEMA)
            return
        db.execute("PRAGMA synchronous = OFF")
        db.executescript(_SCHEMA)
        db.execute("BEGIN IMMEDIATE")
        old = db.execute("SELECT value FROM state WHERE key = 'tip'").fetchone()
        before = old[0] if old and self.reader.read(old[0]) else None
        if before is None:
            db.execute("DELETE FROM runs")
        if self.tip is not None:
            changes = changed_folders(self.reader, before, self.tip.oid)
            # read to the end first: the walk and the reading of documents share one git process
            for batch in _batches(list(changes), _BATCH):
                self._take(db, batch)
            db.execute("INSERT OR REPLACE INTO state VALUES ('tip', ?)", (self.tip.oid,))
        db.execute("COMMIT")

    def _take(self, db: sqlite3.Connection, changes: list[tuple[int, str | None]]) -> None:
        db.executemany("DELETE FROM runs WHERE number = ?", [(number,) for number, _ in changes])
        folders = list(open_folders(self.reader, [(number, oid) for number, oid in changes if oid]))
        wanted = {
            entry.oid
            for folder in folders
            for name, entry in folder.entries.items()
            if name in _DOCUMENTS and entry.oid not in self._environments
        }
        blobs = dict(zip(wanted, self.reader.read_many(wanted), strict=True))
        rows = [
            _row(folder, _Documents(folder, blobs, self._environments))
            for folder in folders
            if "removed.json" not in folder.entries
        ]
        db.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def load_annotations(data: bytes, what: str) -> list[JsonObject]:
    """The events of `annotations.jsonl`."""
    return [load_document(line, what) for line in data.splitlines() if line.strip()]


@dataclass(frozen=True)
class _Documents:
    """The stored documents of one run, read and checked when asked for."""

    folder: RunFolder
    blobs: Mapping[str, GitObject | None]
    environments: dict[str, JsonObject]

    def data(self, name: str) -> bytes:
        entry = self.folder.entries.get(name)
        blob = self.blobs.get(entry.oid) if entry else None
        if blob is None:
            raise DamagedRecord(f"{run_id(self.folder.number)} has no {name}", hint="git fsck tells more")
        return blob.data

    def document(self, name: str) -> JsonObject:
        return load_document(self.data(name), f"{run_id(self.folder.number)}/{name}")

    def environment(self) -> JsonObject:
        oid = self.folder.entries["environment.json"].oid
        if oid not in self.environments:
            self.environments[oid] = {**self.document("environment.json"), "packages": {}}
        return self.environments[oid]

    def annotations(self) -> list[JsonObject]:
        if "annotations.jsonl" not in self.folder.entries:
            return []
        return load_annotations(
            self.data("annotations.jsonl"), f"{run_id(self.folder.number)}/annotations.jsonl"
        )


def _row(folder: RunFolder, documents: _Documents) -> tuple[object, ...]:
    try:
        run = run_json(
            commit=folder.entries["run"].oid,
            config=documents.document("config.json"),
            environment=documents.environment(),
            metrics=documents.document("metrics.json"),
            annotations=documents.annotations(),
        )
    except (GxtError, KeyError, TypeError, AttributeError) as error:
        reason = error.message if isinstance(error, GxtError) else f"a field is missing: {error}"
        return (folder.number, None, None, folder.oid, None, reason, None)
    doc = json.dumps(without_packages(run), separators=(",", ":"))
    return (folder.number, run["uid"], run["parent_uid"], folder.oid, run["name"], None, doc)


def _decode(number: int, parent: int | None, doc: str) -> JsonObject:
    run: JsonObject = json.loads(doc)
    run["id"] = run_id(number)
    run["parent"] = run_id(parent) if parent is not None else None
    return run


def _has_runs(db: sqlite3.Connection) -> bool:
    try:
        return db.execute("SELECT 1 FROM runs LIMIT 1").fetchone() is not None
    except sqlite3.OperationalError:
        return False


def _batches(items: Iterable[tuple[int, str | None]], size: int) -> Iterator[list[tuple[int, str | None]]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
