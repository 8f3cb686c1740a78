"""The readers of other loggers' files take any bytes, in any pieces, and never raise."""

from __future__ import annotations

from typing import Protocol

from hypothesis import given, settings
from hypothesis import strategies as st

from gxt.capture.loggers.content import Content, Point
from gxt.capture.loggers.mlflow_files import MetricReader
from gxt.capture.loggers.tables import TableReader
from gxt.capture.loggers.tensorboard import EventReader
from gxt.capture.loggers.trainer_state import read_state
from gxt.capture.loggers.wandb import WandbReader
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
