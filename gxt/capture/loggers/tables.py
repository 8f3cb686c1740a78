"""Tables that loggers write a row at a time: Keras' `CSVLogger`, Lightning's `metrics.csv`, DVCLive's `.tsv`.

The first row names the columns. One of them counts: a table without it is data of another kind.
"""

from __future__ import annotations

import csv
from typing import Final

from gxt.capture.loggers.content import NOTHING, Content, Point
from gxt.model.scalars import clean_text

# what comes first counts where there are several: an epoch has many steps
_STEPS: Final = ("step", "global_step", "_step", "iteration", "iter", "round", "epoch")
_COUNTED: Final = frozenset(_STEPS)
_TIMES: Final = frozenset(("timestamp", "time", "wall_time", "created_at"))
_LONGEST_LINE: Final = 1 << 20
_MOST_COLUMNS: Final = 2000
_SEPARATORS: Final = ",\t;"
_MILLISECONDS: Final = 1e11  # as seconds since 1970 that is in the year 5138


class TableReader:
    """Reads a table piece by piece.

    Args:
        known: the first bytes of a table whose later rows are to be read: they hold the names of its columns.
        one: what its only column is called that is no step and no time, whatever stands at the top.
    """

    def __init__(self, known: bytes = b"", one: str = "") -> None:
        self._rest = b""
        self._columns: list[str] | None = None
        self._separator = ","
        self._one = one
        self._row = -1
        self._counts: dict[str, float] = {}
        if b"\n" in known:
            self._begin(_line(known.split(b"\n", 1)[0]))

    @property
    def is_log(self) -> bool:
        """Whether the table, as far as it is known, is one of metrics."""
        return self._columns is None or bool(self._columns)

    def feed(self, data: bytes) -> Content:
        """The rows that are complete now; a last line without its end waits."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > _LONGEST_LINE:
            self._columns, self._rest = [], b""
        points: list[Point] = []
        for line in map(_line, lines):
            if self._columns is None:
                self._begin(line)
            elif self._columns:
                point = self._point(line)
                if point is not None:
                    points.append(point)
        return Content(points) if points else NOTHING

    def at_end(self) -> Content:
        """What a last line without its end holds."""
        return self.feed(b"\n") if self._rest else NOTHING

    def _begin(self, line: str) -> None:
        self._separator = max(_SEPARATORS, key=line.count)
        names = [clean_text(name.strip()) for name in self._cells(line)]
        counts = any(name.lower() in _COUNTED for name in names)
        usable = 1 < len(names) <= _MOST_COLUMNS and counts and not any(map(_is_number, names))
        self._columns = names if usable else []

    def _cells(self, line: str) -> list[str]:
        try:
            return next(csv.reader([line], delimiter=self._separator), [])
        except csv.Error:  # a cell of more than 128 KiB
            return []

    def _point(self, line: str) -> Point | None:
        """A row as a point; None for one that has no number, or a number of cells of its own."""
        columns = self._columns or []
        cells = self._cells(line)
        if len(cells) != len(columns):
            return None
        values = {
            name: value
            for name, cell in zip(columns, cells, strict=True)
            if (value := _number(cell)) is not None
        }
        self._row += 1
        counts = {name.lower(): value for name, value in values.items() if name.lower() in _COUNTED}
        by = next((name for name in _STEPS if name in counts), None)
        at = next((value for name, value in values.items() if name.lower() in _TIMES), None)
        left = {n: v for n, v in values.items() if n.lower() != by and n.lower() not in _TIMES}
        if counts == self._counts:  # a row of its own for each split, with the same epoch in all of them
            left = {name: value for name, value in left.items() if name.lower() not in counts}
        self._counts = counts if len(counts) > 1 else {}
        if not set(map(str.lower, left)).difference(_COUNTED):
            return None
        if self._one and len(left) == 1:
            left = {self._one: next(iter(left.values()))}
        step = counts[by] if by else self._row
        return Point(int(step) if abs(step) < 1 << 53 else self._row, _time_us(at), left)


def _line(data: bytes) -> str:
    return data.decode("utf-8-sig", "replace").rstrip("\r").replace("\0", "")


def _is_number(text: str) -> bool:
    return _number(text) is not None


def _number(cell: str) -> float | None:
    """The number in a cell; None where there is none: empty ones, `NA`, lists."""
    try:
        return float(cell)
    except ValueError:
        return {"True": 1.0, "False": 0.0}.get(cell.strip())


def _time_us(at: float | None) -> int | None:
    if at is None or not 1e8 < at < 1e14:  # seconds of a clock that began with the training, say
        return None
    return int(at * 1000) if at >= _MILLISECONDS else int(at * 1e6)
