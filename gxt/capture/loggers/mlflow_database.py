"""MLflow's store in SQLite, what it uses by default: `mlflow.db`. Only read, and never for long.

NaN is stored as 0 with `is_nan`, infinities as the largest doubles.
"""

from __future__ import annotations

import sqlite3
from math import inf, nan
from pathlib import Path
from typing import Final
from urllib.parse import quote

from gxt.capture.log_places import RUN_TAG
from gxt.capture.loggers.content import Content, Point
from gxt.capture.loggers.mlflow_files import NO_LABELS
from gxt.model.scalars import parse_scalar
from gxt.named_tuple import NamedTuple

_PATIENCE_S: Final = 0.2  # a training that writes comes first
_LARGEST: Final = 1.79e308
_AT_A_TIME: Final = 20_000  # rows of metrics


class MlflowRun(NamedTuple):
    """A run in the store, and what was new in it."""

    id: str
    name: str
    artifacts: str
    content: Content


class DatabaseReader:
    """Reads the runs of a database that one of ours has made.

    Args:
        path: of the database.
        since_ms: only what began after that time is read; in milliseconds since 1970.
        uid: of the run of ours: what has the tag of another one is left out.
    """

    def __init__(self, path: Path, since_ms: int, uid: str) -> None:
        self._path = path
        self._since_ms = since_ms
        self._uid = uid
        self._row = -1
        self._ours: set[str] = set()
        self.more = False  # there is more to be read at once
        self.unsure = False  # there are runs without a tag, which were left out

    def read(self, *, untagged: bool) -> list[MlflowRun]:
        """What has come since the last call.

        Args:
            untagged: whether runs without a tag of ours are taken, too.

        Raises:
            OSError: it is locked, or not MLflow's.
        """
        place = f"file:{quote(str(self._path))}?mode=ro"
        try:
            connection = sqlite3.connect(place, uri=True, timeout=_PATIENCE_S)
            try:
                connection.text_factory = lambda data: data.decode("utf-8", "replace")
                return self._read(connection, untagged=untagged)
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise OSError(str(error)) from error

    def _read(self, connection: sqlite3.Connection, *, untagged: bool) -> list[MlflowRun]:
        if self._row < 0:  # what was there before us is not looked at again
            asked = "SELECT min(m.rowid) FROM metrics m JOIN runs r USING (run_uuid) WHERE r.start_time >= ?"
            (first,) = connection.execute(asked, (self._since_ms,)).fetchone()
            self._row = -1 if first is None else first - 1
        rows = connection.execute(
            "SELECT run_uuid, name, artifact_uri FROM runs WHERE start_time >= ? ORDER BY start_time, rowid",
            (self._since_ms,),
        ).fetchall()
        marks = dict(
            connection.execute("SELECT run_uuid, value FROM tags WHERE key = ?", (RUN_TAG,)).fetchall()
        )
        ours = {id_ for id_, *_ in rows if marks.get(id_, self._uid if untagged else None) == self._uid}
        self._ours |= ours
        self.unsure = any(id_ not in marks and id_ not in self._ours for id_, *_ in rows)
        points = self._points(connection, self._ours) if self._row >= 0 else {}
        found = []
        for id_, name, artifacts in (row for row in rows if row[0] in self._ours):
            params = connection.execute("SELECT key, value FROM params WHERE run_uuid = ?", (id_,)).fetchall()
            tags = connection.execute("SELECT key, value FROM tags WHERE run_uuid = ?", (id_,)).fetchall()
            content = Content(
                points.get(id_, []),
                {str(key): parse_scalar(str(value)) for key, value in params},
                tuple(f"{key}={value}" for key, value in tags if not str(key).startswith(NO_LABELS)),
                str(name or ""),
            )
            found.append(MlflowRun(id_, str(name or ""), str(artifacts or ""), content))
        return found

    def _points(self, connection: sqlite3.Connection, runs: set[str]) -> dict[str, list[Point]]:
        asked = (
            "SELECT rowid, run_uuid, key, value, is_nan, timestamp, step FROM metrics "
            "WHERE rowid > ? ORDER BY rowid LIMIT ?"
        )
        points: dict[str, list[Point]] = {}
        rows = connection.execute(asked, (self._row, _AT_A_TIME)).fetchall()
        for row, id_, key, value, is_nan, at_ms, step in rows:
            self._row = row
            if id_ in runs:
                number = nan if is_nan else _unbounded(float(value))
                points.setdefault(id_, []).append(Point(int(step), int(at_ms) * 1000, {str(key): number}))
        self.more = len(rows) == _AT_A_TIME
        return points


def _unbounded(value: float) -> float:
    return inf if value > _LARGEST else -inf if value < -_LARGEST else value
