"""What other loggers have written of a run after gxt was killed beside it: read when the run is recorded.

Only logs that the journal names are read on, and only those that nobody else can have written: a file of its
own for each training, or what MLflow was told to mark. A table may have had other writers since.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from gxt.git.repository import Repository
from gxt.named_tuple import NamedTuple
from gxt.store import journal

_KINDS: Final = frozenset(("wandb", "mlflow", "tensorboard"))
_MARKS: Final = (b'"e":"source"', b'"source":')


def late_lines(repository: Repository, directory: Path, off: Collection[str]) -> list[bytes]:
    """The lines that the journal of a dead run lacks; none where its logs do not go on from what it has.

    Args:
        repository: where.
        directory: of the run.
        off: kinds of loggers that are not to be read.
    """
    try:
        top = journal.top(directory)
        known = _Known.of(directory)
        places = [(kind, path) for kind, path in known.places if kind in _KINDS and kind not in off]
        if top != repository.top or not places:
            return []
        return _read_on(
            repository, directory, known, [top / path for _, path in places], {k for k, _ in places}
        )
    except Exception:  # noqa: BLE001 nobody knows what a file may hold, and the run is to be recorded
        return []


class _Known(NamedTuple):
    """What the journal has: when it began, what was last read, the places of logs, the points of each metric.

    `points` holds for each metric the kind of its logger, and steps with values in their order.
    """

    began_us: int
    last_us: int
    places: list[tuple[str, str]]
    points: dict[str, tuple[str, list[tuple[object, object]]]]

    @classmethod
    def of(cls, directory: Path) -> _Known:
        began, last = journal.started(directory).get("t"), 0
        places: dict[tuple[str, str], None] = {}
        points: dict[str, tuple[str, list[tuple[object, object]]]] = {}
        for event in _sourced(directory):
            last = max(last, int(event["t"]))
            if event["e"] == "source":
                places[str(event["kind"]), str(event["path"])] = None
            elif event["e"] == "metrics":
                for name, value in event["m"].items():
                    points.setdefault(name, (event["source"], []))[1].append((event["s"], value))
        return cls(began if isinstance(began, int) else 0, last, [*places], points)


class _Lines:
    """Takes what is read in place of a journal; what that has already is passed over."""

    def __init__(self, known: _Known, until_us: int) -> None:
        self.lines: list[bytes] = []
        self.has_points = False
        self._points = known.points
        self._until_us = until_us
        self._at: dict[str, int] = {}

    def append(self, kind: str, fields: Mapping[str, Any], at_us: int | None = None) -> None:
        """As that of a journal. Times are none of now: a run that is recorded twice is the same."""
        if kind == "metrics":
            new = {name: value for name, value in fields["m"].items() if self._is_new(name, fields, value)}
            if not new:
                return
            fields, self.has_points = {**fields, "m": new}, True
        elif kind == "tag":
            return  # nobody can tell whether it has been taken away since
        at_us = self._until_us if at_us is None else min(at_us, self._until_us)
        self.lines.append(journal.encode({"e": kind, "t": at_us, **fields}).encode() + b"\n")

    def _is_new(self, name: str, fields: Mapping[str, Any], value: object) -> bool:
        kind, had = self._points.get(name, (fields["source"], []))
        at = self._at.get(name, 0)
        if kind != fields["source"] or at < 0:
            return False
        self._at[name] = at + 1
        if at < len(had) and repr(had[at]) != repr((fields["s"], value)):
            self._at[name] = -1  # it is not the log that was read before
        return at >= len(had)


class _Dead(NamedTuple):
    uid: str
    path: Path
    journal: _Lines


def _read_on(
    repository: Repository, directory: Path, known: _Known, paths: list[Path], kinds: set[str]
) -> list[bytes]:
    from gxt.ops.following import Following
    from gxt.store.settings import SOURCES

    files = [Path(folder, name) for path in paths for folder, _, names in os.walk(path) for name in names]
    written_us = [path.stat().st_mtime_ns // 1000 for path in (*files, *paths) if path.is_file()]
    lines = _Lines(known, max([known.last_us, *written_us]))
    Following(
        repository,
        _Dead(directory.name, directory, lines),
        pid=0,
        roots=[str(path) for path in paths if path.is_dir()],
        databases=[path for path in paths if path.is_file()],
        off={*SOURCES} - kinds,
        since_ns=known.began_us * 1000,
        until_ns=known.last_us * 1000,
    ).look(last=True)
    return lines.lines if lines.has_points else []


def _sourced(directory: Path) -> Iterator[dict[str, Any]]:
    """The events that tell of other loggers; a line that is damaged tells nothing."""
    for line in journal.read_lines(directory):
        if any(mark in line for mark in _MARKS):
            try:
                event = json.loads(line)
                known = event["e"] in {"source", "metrics"} and isinstance(event["t"], int)
            except (ValueError, TypeError, KeyError, RecursionError):
                continue
            if known:
                yield event
