"""What is known to be at a remote, so that it is not asked again. To delete the file costs only time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from gxt.data.named import Named

_SCHEMA: Final = """
PRAGMA synchronous = OFF;
CREATE TABLE IF NOT EXISTS there (remote TEXT, md5 TEXT, PRIMARY KEY (remote, md5)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lacking (remote TEXT, md5 TEXT, size INTEGER, run TEXT, path TEXT,
    PRIMARY KEY (remote, md5)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (remote TEXT PRIMARY KEY, tip TEXT) WITHOUT ROWID;
"""
_FILE: Final = "data-1.sqlite"
_BATCH: Final = 500


def is_known(folder: Path) -> bool:
    """Whether anything is known."""
    return (folder / _FILE).is_file()


class Known:
    """What one remote has. Use it as a context manager.

    Args:
        folder: where the file lies; it is made.
        remote: the identity of the remote.
    """

    def __init__(self, folder: Path, remote: str) -> None:
        self._remote = remote
        self._db = _open(folder / _FILE)
        self._new: list[str] = []

    def __enter__(self) -> Known:
        """The file itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Keep what was learned, also where something has failed."""
        with suppress(sqlite3.Error):
            self._flush()
        self._db.close()

    def has(self, wanted: Iterable[str]) -> set[str]:
        """Those of the hashes that are known to be there."""
        hashes, found = list(wanted), set[str]()
        for start in range(0, len(hashes), _BATCH):
            part = hashes[start : start + _BATCH]
            marks = ",".join("?" * len(part))
            query = f"SELECT md5 FROM there WHERE remote = ? AND md5 IN ({marks})"  # noqa: S608 marks alone
            found.update(row[0] for row in self._db.execute(query, (self._remote, *part)))
        return found

    def add(self, md5: str) -> None:
        """It is there now."""
        self._new.append(md5)
        if len(self._new) >= _BATCH:
            self._flush()

    def tip(self) -> str | None:
        """The entry up to which the runs were looked through."""
        row = self._db.execute("SELECT tip FROM state WHERE remote = ?", (self._remote,)).fetchone()
        return str(row[0]) if row else None

    def lacking(self) -> list[Named]:
        """What runs up to there name, and what was neither here nor known to be there."""
        query = "SELECT md5, size, run, path FROM lacking WHERE remote = ? ORDER BY md5"
        return [Named(*row) for row in self._db.execute(query, (self._remote,))]

    def settle(self, tip: str, lacking: Sequence[Named]) -> None:
        """The runs were looked through up to an entry, and this was found lacking."""
        self._flush()
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("DELETE FROM lacking WHERE remote = ?", (self._remote,))
        rows = [(self._remote, one.md5, one.size_bytes, one.run, one.path) for one in lacking]
        self._db.executemany("INSERT OR REPLACE INTO lacking VALUES (?, ?, ?, ?, ?)", rows)
        self._db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (self._remote, tip))
        self._db.execute("COMMIT")

    def _flush(self) -> None:
        rows, self._new = [(self._remote, md5) for md5 in self._new], []
        if rows:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT OR IGNORE INTO there VALUES (?, ?)", rows)
            self._db.execute("COMMIT")


def _open(path: Path) -> sqlite3.Connection:
    """The database: the file, made anew when it is damaged, else one in memory."""
    for place in (path, path, None):
        db = None
        try:
            if place is not None:
                place.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(place or ":memory:", timeout=10, isolation_level=None)
            db.executescript(_SCHEMA)
            db.execute("SELECT count(*) FROM state, there, lacking LIMIT 1").fetchone()
        except (sqlite3.Error, OSError):
            if db is not None:
                db.close()
            with suppress(OSError):
                path.unlink(missing_ok=True)
        else:
            return db
    raise sqlite3.OperationalError("no memory for a table")
