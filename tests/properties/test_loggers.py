"""The readers of other loggers' files take any bytes, in any pieces, never raise, and read exports back."""

from __future__ import annotations

import struct
from math import isnan
from typing import Protocol

from hypothesis import given, settings
from hypothesis import strategies as st

from gxt.capture.loggers.content import Content, Point
from gxt.capture.loggers.mlflow_files import MetricReader
from gxt.capture.loggers.tables import TableReader
from gxt.capture.loggers.tensorboard import EventReader
from gxt.capture.loggers.trainer_state import read_state
from gxt.capture.loggers.wandb import WandbReader
from gxt.model.metric_lines import Row
from gxt.ops import event_file
from gxt.ops.wandb_file import history, log, summary
from tests.unit.test_loggers import EVENTS, row, wandb_file

TABLE = b'epoch,loss,acc\n0,1.5,"a ""b"""\n1,nan,2\n2,,\n'
SAMPLES = (EVENTS, wandb_file(row(0, a=1, b={"c": 2}), row(1, a=3)), TABLE, b"1000 0.5 3\n2000 nan 4\n")


class _Reader(Protocol):
    def feed(self, data: bytes) -> Content: ...


def readers() -> tuple[_Reader, ...]:
    return EventReader(), WandbReader(), TableReader(), MetricReader("m")


def points(reader: _Reader, data: bytes, cuts: list[int]) -> list[Point]:
    places = sorted(cut % (len(data) + 1) for cut in cuts)
    pieces = [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]
    return [point for piece in pieces for point in reader.feed(piece).points]


CUTS = st.lists(st.integers(0, 10_000), max_size=8)
CHANGES = st.lists(st.tuples(st.integers(0, 10_000), st.binary(max_size=6)), max_size=4)


@settings(max_examples=80, deadline=None)
@given(which=st.integers(0, 3), cuts=CUTS, changes=CHANGES)
def test_damage_anywhere_and_any_pieces_give_the_same_points(
    which: int, cuts: list[int], changes: list[tuple[int, bytes]]
) -> None:
    data = bytearray(SAMPLES[which])
    for at, new in changes:
        start = at % len(data)
        data[start : start + len(new)] = new
    whole = points(readers()[which], bytes(data), [])
    assert repr(points(readers()[which], bytes(data), cuts)) == repr(whole)


@settings(max_examples=80, deadline=None)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_read(data: bytes) -> None:
    for reader in readers():
        reader.feed(data)
    read_state(data)


NUMBERS = st.floats(width=32) | st.sampled_from([0.1, 1e300, -1e300])
ROWS = st.lists(
    st.tuples(
        st.integers(0, 1 << 52),
        st.integers(-(1 << 63), (1 << 63) - 1),
        st.dictionaries(st.text(min_size=1, max_size=5), NUMBERS, min_size=1, max_size=3),
    ),
    max_size=5,
)


@settings(max_examples=40, deadline=None)
@given(rows=ROWS)
def test_tensorboard_gets_what_its_reader_gives_back(rows: list[Row]) -> None:
    data = event_file.header(0) + b"".join(event_file.scalars(rows))
    found = [
        (one.step, one.time_us, item)
        for one in EventReader().feed(data).points
        for item in one.numbers.items()
    ]
    single = [
        (step, at_us, (name.encode(errors="replace").decode(), event_file.single(value)))
        for at_us, step, values in rows
        for name, value in values.items()
    ]
    assert [(*one[:2], one[2][0], as_single(one[2][1])) for one in found] == [
        (*one[:2], one[2][0], as_single(one[2][1])) for one in single
    ]


def as_single(value: float) -> bytes:
    return b"nan" if isnan(value) else struct.pack("<f", value)


@settings(max_examples=40, deadline=None)
@given(rows=ROWS, sizes=st.lists(st.integers(0, 70_000), max_size=4))
def test_wandb_gets_what_its_reader_gives_back(rows: list[Row], sizes: list[int]) -> None:
    large = [summary({"x": "x" * size}) for size in sizes]  # so that records cross blocks
    data = log([*large, *history(rows, 0, counts=True)])
    found = [(one.step, one.time_us, repr(one.numbers)) for one in WandbReader().feed(data).points]
    shown = [
        (step, at_us, {name: value for name, value in values.items() if name[0] != "_"})
        for at_us, step, values in rows
    ]
    assert found == [
        (step, at_us, repr(dict(sorted(values.items())))) for step, at_us, values in shown if values
    ]
