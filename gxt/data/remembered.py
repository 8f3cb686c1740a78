"""What is known of data that has not changed: hashes of files by how they look, descriptions by hash.

One sqlite file, which may be deleted at any time. One that is damaged, busy or not writable is done without.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final

from gxt.data.digest import Member, md5_of
from gxt.model.json_types import JsonObject

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS files (path BLOB PRIMARY KEY, stamp TEXT, md5 TEXT, size INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS descriptions (key TEXT PRIMARY KEY, json TEXT) WITHOUT ROWID;
"""
_WRITE_EVERY_S: Final = 1.0  # what is killed has not read much in vain
# A file changed less than this before it was looked at may change again without a new time stamp.
_TIMESTAMP_GRAIN_NS: Final = 2_000_000_000
_ATTEMPTS: Final = 2
_CACHED: Final = re.compile(r"/files/md5/([0-9a-f]{2})/([0-9a-f]{30})\Z", re.ASCII)
_READ_ONLY: Final = 0o444  # DVC hashes again whatever has another mode


class Remembered:
    """Hashes and descriptions. Use it as a context manager, in one thread.

    Attributes:
        changing: files that changed while they were hashed.
        newest_ns: when the file that changed last did so, of those that were asked for.
    """

    def __init__(self, path: Path, *, tick: Callable[[], None] | None = None) -> None:
        self._path = path
        self._tick = tick
        self._db: sqlite3.Connection | None = None
        self._unwritten: list[tuple[str, tuple[object, ...]]] = []
        self._written_s = time.monotonic()
        self.changing: list[Path] = []
        self.newest_ns = 0

    def __enter__(self) -> Remembered:
        with suppress(OSError, sqlite3.Error):
            try:
                self._db = self._opened()
            except sqlite3.OperationalError:  # busy, or not writable
                raise
            except sqlite3.DatabaseError:
                self._path.unlink()
                self._db = self._opened()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._db is not None:
            self._write_all(self._db)
            self._db.close()

    def hash_file(self, path: Path) -> Member:
        """A file's hash, read only where it does not look as it did. Raises OSError."""
        if self._tick is not None:
            self._tick()
        if linked := _in_cache(path):
            return linked
        key = os.fsencode(path)
        for _ in range(_ATTEMPTS):
            stamp, found_at = _stamp(path)
            self.newest_ns = max(self.newest_ns, found_at.st_mtime_ns, found_at.st_ctime_ns)
            known = self._read("SELECT md5, size FROM files WHERE path = ? AND stamp = ?", key, stamp)
            if known:
                return Member(path.name, str(known[0]), int(str(known[1])))
            asked_ns = time.time_ns()
            found = md5_of(path, tick=self._tick)
            if _stamp(path)[0] != stamp:
                continue
            if found_at.st_mtime_ns < asked_ns - _TIMESTAMP_GRAIN_NS:
                self._keep(
                    "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)",
                    key,
                    stamp,
                    found.md5,
                    found.size_bytes,
                )
            return found
        self.changing.append(path)
        return found

    def description(self, key: str, ask: Callable[[], JsonObject]) -> JsonObject:
        """What was found out about a content, else what `ask` finds out now."""
        known = self._read("SELECT json FROM descriptions WHERE key = ?", key)
        if known:
            with suppress(ValueError):
                value = json.loads(str(known[0]))
                if isinstance(value, dict):
                    return value
        if self._tick is not None:
            self._tick()
        found = ask()
        self._keep("INSERT OR REPLACE INTO descriptions VALUES (?, ?)", key, json.dumps(found))
        return found

    def _opened(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, timeout=1.0)
        db.executescript(f"PRAGMA synchronous = OFF; {_SCHEMA}")
        return db

    def _read(self, query: str, *values: object) -> tuple[object, ...] | None:
        if self._db is None:
            return None
        try:
            found: tuple[object, ...] | None = self._db.execute(query, values).fetchone()
        except sqlite3.Error:
            return None
        return found

    def _keep(self, query: str, *values: object) -> None:
        """Write it soon: many together, and so that nobody waits for us in between."""
        self._unwritten.append((query, values))
        if self._db is not None and time.monotonic() - self._written_s > _WRITE_EVERY_S:
            self._write_all(self._db)

    def _write_all(self, db: sqlite3.Connection) -> None:
        with suppress(sqlite3.Error), db:
            for query, values in self._unwritten:
                db.execute(query, values)
        self._unwritten.clear()
        self._written_s = time.monotonic()


def _in_cache(path: Path) -> Member | None:
    """What a link into a cache of DVC's stands for, if nobody can have written through it."""
    if not path.is_symlink():
        return None
    place = _CACHED.search(os.path.realpath(path))
    found = path.stat()
    if place is None or stat.S_IMODE(found.st_mode) != _READ_ONLY or not stat.S_ISREG(found.st_mode):
        return None
    return Member(path.name, place[1] + place[2], found.st_size)


def _stamp(path: Path) -> tuple[str, os.stat_result]:
    """What changes when a file changes, and all that was found with it."""
    found = path.stat()
    parts = (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
    return " ".join(map(str, parts)), found
