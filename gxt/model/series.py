"""The compact object that keeps the metrics of a run over time in git.

A series object (or each chunk of a long one) is one line of JSON that describes the columns, then the
columns, end to end in the order of that line:

```
{"gxt":1,"uid":"01J…","kind":"series","tables":[{"rows":N,"step":C,"time":C,"values":{"loss":C,"acc":C}}]}
```

Each C is a description by `gxt.model.columns`. Metrics that were logged together share one table, so their
steps and times are kept once. Chunks stand on their own; the points of a metric are those of the chunks, in
order. Where such objects lie, and how large a series may be, is not decided here; nothing here needs numpy.
"""

from __future__ import annotations

import json
from math import ceil
from typing import TYPE_CHECKING

from gxt.errors import NewerFormat
from gxt.model.codec import FORMAT
from gxt.model.columns import (
    MAX_ROWS,
    Floats,
    Ints,
    damaged,
    decode_floats,
    decode_ints,
    encode_floats,
    encode_ints,
    sample,
    whole_number,
)
from gxt.model.points import Series, SeriesBuilder, SeriesByName, joined, thin
from gxt.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gxt.model.columns import Packed
    from gxt.model.json_types import Json, JsonObject

__all__ = ["CHUNK_BYTES", "Series", "SeriesBuilder", "SeriesByName", "decode", "encode", "fitted", "thin"]

CHUNK_BYTES = 1 << 20  # what hosting services advise as the most for one git object
FULL = 0.97  # how full a chunk is planned to be: content varies along a series
FLOOR_ROWS = 16  # a metric keeps that many, whatever the limit: less is no curve


# --- writing ---------------------------------------------------------------------------------------------


def encode(series: SeriesByName, *, uid: str, chunk_bytes: int = CHUNK_BYTES) -> list[bytes]:
    """The series as one object when it fits, else as several self-contained chunks.

    Args:
        series: every metric of the run.
        uid: the identity of the run, repeated in each chunk.
        chunk_bytes: the most that a chunk may have. Only a single point whose name and uid alone take
            more is written larger, since it cannot be divided.
    """
    tables = _tables(series)
    pieces = ceil(_estimated_bytes(tables) / (FULL * chunk_bytes))
    return list(_chunks(tables, uid, chunk_bytes, pieces if pieces > 2 else 1))


def fitted(
    series: SeriesByName, *, uid: str, limit_bytes: int, chunk_bytes: int = CHUNK_BYTES
) -> tuple[list[bytes], int | None]:
    """The series as `encode` gives it, thinned until its chunks together are within a limit.

    Each round thins the series itself to fewer rows, the longest metrics first. It ends above the limit only
    where `FLOOR_ROWS` rows a metric, or the names of the metrics alone, take more.

    Args:
        series: every metric of the run.
        uid: the identity of the run.
        limit_bytes: the most that all chunks may have.
        chunk_bytes: the most that one chunk may have.

    Returns:
        The chunks, and how many rows the longest metric kept; None when all are there.
    """
    chunks = encode(series, uid=uid, chunk_bytes=chunk_bytes)
    most = max(map(len, series.values()), default=0)
    points, kept, share = sum(map(len, series.values())), None, FULL
    while sum(map(len, chunks)) > limit_bytes and most > FLOOR_ROWS:
        points = int(points * share * limit_bytes / sum(map(len, chunks)))
        most = max(FLOOR_ROWS, _longest(series, points))
        thinned = thin(series, max_rows=most)
        chunks, kept = encode(thinned, uid=uid, chunk_bytes=chunk_bytes), max(map(len, thinned.values()))
        share *= share  # what does not shrink with the rows would else take many rounds
    return chunks, kept


def _longest(series: SeriesByName, points: int) -> int:
    """How many rows a metric may have for all of them to have that many points."""
    lengths = sorted(map(len, series.values()))
    for position, length in enumerate(lengths):
        each = points // (len(lengths) - position)
        if length >= each:
            return each
        points -= length
    return lengths[-1]


class _Table(NamedTuple):
    """Metrics, by name, that share their steps and times."""

    step: Ints
    time_us: Ints
    values: dict[str, Floats]

    def weight(self) -> int:
        """Roughly what it takes in a chunk, in columns of one row: a description is as long as some 16."""
        return (len(self.step) + 16) * (len(self.values) + 2)

    def rows(self, start: int, stop: int) -> _Table:
        values = {name: column[start:stop] for name, column in self.values.items()}
        return _Table(self.step[start:stop], self.time_us[start:stop], values)

    def columns(self, start: int, stop: int) -> _Table:
        return _Table(self.step, self.time_us, dict(list(self.values.items())[start:stop]))


def _tables(series: SeriesByName) -> list[_Table]:
    """The metrics grouped by equal steps and times; in the order of the first name of each."""
    by_identity: dict[tuple[int, int], _Table] = {}
    by_content: dict[tuple[bytes, bytes], _Table] = {}
    for name in sorted(series):
        one = series[name]
        identity = (id(one.step), id(one.time_us))
        if identity not in by_identity:
            content = (one.step.tobytes(), one.time_us.tobytes())
            by_identity[identity] = by_content.setdefault(content, _Table(one.step, one.time_us, {}))
        by_identity[identity].values[name] = one.value
    return list(by_content.values())


def _estimated_bytes(tables: list[_Table]) -> float:
    """What the long columns may take, by their samples: saves encoding a long series whole in vain."""
    total = 0.0
    for table in tables:
        times = sample(table.time_us)
        if len(times) == len(table.time_us):
            continue
        packed = [encode_ints(times), *(encode_floats(sample(column)) for column in table.values.values())]
        total += sum(len(body) for _, body in packed) * len(table.time_us) / len(times)
    return total


def _chunks(tables: list[_Table], uid: str, limit: int, pieces: int) -> Iterator[bytes]:
    """The tables in chunks of at most `limit` bytes; `pieces` is the best guess at how many it takes."""
    if pieces <= 1 or not _divisible(tables):
        chunk = _chunk(tables, uid)
        if len(chunk) <= limit or not _divisible(tables):
            yield chunk
            return
        pieces = max(2, ceil(len(chunk) / (FULL * limit)))
    left, right = _cut(tables, (pieces // 2) / pieces)
    yield from _chunks(left, uid, limit, pieces // 2)
    yield from _chunks(right, uid, limit, pieces - pieces // 2)


def _chunk(tables: list[_Table], uid: str) -> bytes:
    described: list[Json] = []
    bodies: list[bytes] = []

    def described_column(packed: Packed) -> JsonObject:
        bodies.append(packed[1])
        return packed[0]

    for table in tables:
        step, time = described_column(encode_ints(table.step)), described_column(encode_ints(table.time_us))
        values: JsonObject = {
            name: described_column(encode_floats(column)) for name, column in table.values.items()
        }
        described.append({"rows": len(table.step), "step": step, "time": time, "values": values})
    header = {"gxt": FORMAT, "uid": uid, "kind": "series", "tables": described}
    return b"".join([json.dumps(header, separators=(",", ":")).encode("ascii"), b"\n", *bodies])


def _divisible(tables: list[_Table]) -> bool:
    return len(tables) > 1 or any(len(table.step) > 1 or len(table.values) > 1 for table in tables)


def _cut(tables: list[_Table], fraction: float) -> tuple[list[_Table], list[_Table]]:
    """Two lists, neither empty, the first with about that fraction of the weight."""
    wanted = fraction * sum(table.weight() for table in tables)
    position = 0
    while position < len(tables) - 1 and tables[position].weight() < wanted:
        wanted -= tables[position].weight()
        position += 1
    before, table, after = tables[:position], tables[position], tables[position + 1 :]
    rows = round(len(table.step) * wanted / table.weight())
    if 0 < rows < len(table.step):
        return [*before, table.rows(0, rows)], [table.rows(rows, len(table.step)), *after]
    if before or after:
        edge = position if before else 1
        return tables[:edge], tables[edge:]
    if len(table.step) > 1:
        return [table.rows(0, 1)], [table.rows(1, len(table.step))]
    half = len(table.values) // 2
    return [table.columns(0, half)], [table.columns(half, len(table.values))]


# --- reading ---------------------------------------------------------------------------------------------


def decode(chunks: Iterable[bytes]) -> dict[str, Series]:
    """The series of one or more chunks, in their order.

    Raises:
        DamagedRecord: a chunk is not a series object, does not add up, or belongs to another run.
        NewerFormat: a chunk was written by a newer gxt.
    """
    parts: dict[str, list[Series]] = {}
    uid: Json = None
    for chunk in chunks:
        header, body = _opened(chunk)
        if uid is not None and header["uid"] != uid:
            raise damaged("its chunks belong to different runs")
        uid = header["uid"]
        for name, part in _read(header, body):
            parts.setdefault(name, []).append(part)
    shared: dict[tuple[int, ...], tuple[Ints, Ints]] = {}
    series: dict[str, Series] = {}
    for name, several in parts.items():
        key = tuple(id(part.step) for part in several)
        if key not in shared:
            shared[key] = (joined([one.step for one in several]), joined([one.time_us for one in several]))
        series[name] = Series(*shared[key], joined([one.value for one in several]))
    return series


def _opened(chunk: bytes) -> tuple[JsonObject, memoryview]:
    """The header of a chunk of this format, and the columns after it."""
    end = chunk.find(b"\n")
    if end < 0:
        raise damaged("it has no header line")
    try:
        header = json.loads(chunk[:end].decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise damaged("its header line is not JSON") from error
    if not isinstance(header, dict) or "gxt" not in header:
        raise damaged("its header is not one of gxt")
    if whole_number(header["gxt"], "the format", most=MAX_ROWS) > FORMAT:
        raise NewerFormat("a series object", str(header["gxt"]))
    if header["gxt"] != FORMAT or header.get("kind") != "series" or not isinstance(header.get("uid"), str):
        raise damaged("its header is not that of a series")
    return header, memoryview(chunk)[end + 1 :]


def _read(header: JsonObject, body: memoryview) -> list[tuple[str, Series]]:
    """The metrics of a chunk with their points; metrics of one table share the arrays of its steps."""
    read: list[tuple[str, Series]] = []
    position = 0

    def column_body(column: JsonObject) -> bytes:
        nonlocal position
        start, position = position, position + whole_number(column.get("bytes"), "a size", most=len(body))
        return bytes(body[start:position])

    for table in _objects(header.get("tables")):
        rows = whole_number(table.get("rows"), "a number of rows", most=MAX_ROWS)
        values = _object(table.get("values"))
        step, time = _object(table.get("step")), _object(table.get("time"))
        steps = decode_ints(step, column_body(step), rows)
        times = decode_ints(time, column_body(time), rows)
        for name, described in values.items():
            column = _object(described)
            read.append((name, Series(steps, times, decode_floats(column, column_body(column), rows))))
    if position != len(body):
        raise damaged("its sizes do not add up")
    return read


def _objects(value: Json) -> list[JsonObject]:
    if not isinstance(value, list):
        raise damaged("its header lacks a list of tables")
    return [_object(item) for item in value]


def _object(value: Json) -> JsonObject:
    if not isinstance(value, dict):
        raise damaged("its header lacks the description of a table or column")
    return value
