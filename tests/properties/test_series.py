"""Laws of series objects: nothing is lost, whatever was logged; damage is named; chunks keep their limit."""

from __future__ import annotations

import struct
from array import array
from contextlib import suppress
from math import isfinite

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gxt.errors import DamagedRecord, NewerFormat
from gxt.model.series import FLOOR_ROWS, Series, SeriesBuilder, decode, encode, fitted, thin

UID = "01JD0000000000000000000000"
law = settings(deadline=None)  # a busy machine is no failure

INT64 = st.integers(-(2**63), 2**63 - 1)
ODD = [0.0, -0.0, 1e-308, 5e-324, 1.7976931348623157e308, float("inf"), float("-inf"), float("nan")]
BITS = st.integers(0, 2**64 - 1).map(lambda bits: float(struct.unpack("<d", struct.pack("<Q", bits))[0]))
DECIMALS = st.builds(
    lambda number, digits: number / 10**digits, st.integers(-(10**9), 10**9), st.integers(0, 9)
)
SINGLES = st.floats(width=32)
COLUMNS = st.sampled_from([st.one_of(st.sampled_from(ODD), BITS), DECIMALS, SINGLES, st.sampled_from(ODD)])


@st.composite
def one_series(draw: st.DrawFn) -> Series:
    values = draw(st.lists(draw(COLUMNS), max_size=30))
    steps = draw(st.sampled_from([INT64, st.integers(0, 5)]))
    rows = len(values)
    return Series(
        array("q", draw(st.lists(steps, min_size=rows, max_size=rows))),
        array("q", draw(st.lists(INT64, min_size=rows, max_size=rows))),
        array("d", values),
    )


@st.composite
def some_series(draw: st.DrawFn) -> dict[str, Series]:
    """Metrics with columns of their own, some of them with a companion that shares its steps and times."""
    series = draw(st.dictionaries(st.text(max_size=8), one_series(), max_size=4))
    for name, one in list(series.items()):
        if draw(st.booleans()):
            series[name + "/twin"] = Series(one.step, one.time_us, one.value[::-1])
    return series


@law
@given(some_series())
def test_what_is_decoded_is_what_was_encoded_bit_for_bit(series: dict[str, Series]) -> None:
    assert decode(encode(series, uid=UID)) == series


@law
@given(some_series(), st.integers(600, 4000))
def test_chunks_keep_to_their_limit_and_change_nothing(series: dict[str, Series], limit: int) -> None:
    chunks = encode(series, uid=UID, chunk_bytes=limit)
    assert all(len(chunk) <= limit for chunk in chunks)
    assert decode(chunks) == series
    whole = encode(series, uid=UID)
    assert len(whole) == 1
    assert (len(chunks) == 1) == (len(whole[0]) <= limit)


@law
@given(some_series(), st.data())
def test_a_damaged_chunk_is_named_as_such_or_reads_as_series_that_can_be_stored(
    series: dict[str, Series], data: st.DataObject
) -> None:
    [chunk] = encode(series, uid=UID)
    damaged = bytearray(chunk[: data.draw(st.integers(0, len(chunk)))])
    for _ in range(data.draw(st.integers(0, 3))):
        if damaged:
            place = data.draw(st.integers(0, len(damaged) - 1))
            damaged[place] ^= 1 << data.draw(st.integers(0, 7))
    read: dict[str, Series] = {}
    with suppress(DamagedRecord, NewerFormat):
        read = decode([bytes(damaged)])
    assert decode(encode(read, uid=UID)) == read


@law
@given(some_series(), st.data())
def test_a_truncated_chunk_never_reads_as_whole(series: dict[str, Series], data: st.DataObject) -> None:
    [chunk] = encode(series, uid=UID)
    with pytest.raises(DamagedRecord):
        decode([chunk[: data.draw(st.integers(0, len(chunk) - 1))]])


@law
@given(st.binary())
def test_any_bytes_are_damage_at_worst(chunk: bytes) -> None:
    with pytest.raises(DamagedRecord):
        decode([chunk])


@law
@given(st.lists(st.tuples(INT64, INT64, st.dictionaries(st.sampled_from("abc"), BITS)), max_size=20))
def test_the_builder_keeps_every_point_of_every_metric_in_order(
    calls: list[tuple[int, int, dict[str, float]]],
) -> None:
    builder = SeriesBuilder()
    for step, time_us, metrics in calls:
        builder.add(step, time_us, metrics)
    names = {name for _, _, metrics in calls for name in metrics}
    assert builder.build() == {
        name: Series(
            array("q", [step for step, _, metrics in calls if name in metrics]),
            array("q", [time_us for _, time_us, metrics in calls if name in metrics]),
            array("d", [metrics[name] for _, _, metrics in calls if name in metrics]),
        )
        for name in names
    }


@law
@given(one_series(), st.integers(4, 20))
def test_thinning_keeps_rows_in_order_with_the_ends_and_the_finite_extremes(
    series: Series, max_rows: int
) -> None:
    thinned = thin({"loss": series}, max_rows=max_rows)["loss"]
    assert len(thinned) <= max_rows
    rows = iter(rows_of(series))
    assert all(row in rows for row in rows_of(thinned))
    if len(series):
        assert (rows_of(thinned)[0], rows_of(thinned)[-1]) == (rows_of(series)[0], rows_of(series)[-1])
    finite = [value for value in series.value if isfinite(value)]
    if finite:
        kept = [value for value in thinned.value if isfinite(value)]
        assert (min(kept), max(kept)) == (min(finite), max(finite))


@law
@given(some_series(), st.integers(4, 20))
def test_metrics_that_share_steps_and_times_share_them_when_thinned_and_keep_their_extremes(
    series: dict[str, Series], max_rows: int
) -> None:
    thinned = thin(series, max_rows=max_rows)
    assert list(thinned) == list(series)
    for name, one in series.items():
        assert len(thinned[name]) <= max_rows
        finite = [value for value in one.value if isfinite(value)]
        kept = [value for value in thinned[name].value if isfinite(value)]
        assert not finite or (min(kept), max(kept)) == (min(finite), max(finite))
        if max_rows >= 16 and f"{name}/twin" in series:
            assert thinned[f"{name}/twin"].step is thinned[name].step


@law
@given(some_series(), st.integers(0, 3000))
def test_fitted_series_are_within_the_limit_or_down_to_the_floor(
    series: dict[str, Series], limit: int
) -> None:
    chunks, kept = fitted(series, uid=UID, limit_bytes=limit)
    read = decode(chunks)
    assert read.keys() == series.keys()
    most = max(map(len, read.values()), default=0)
    assert sum(map(len, chunks)) <= limit or most <= FLOOR_ROWS
    assert kept == (None if read == series else most)


def rows_of(series: Series) -> list[tuple[int, int, bytes]]:
    values = [struct.pack("<d", value) for value in series.value]
    return list(zip(series.step, series.time_us, values, strict=True))
