"""Series objects: layout, size, what they refuse; gathering, thinning and the stand-alone reader."""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import sys
import zlib
from array import array
from math import exp, inf, nan
from pathlib import Path
from typing import Any

import pytest

from gxt.errors import DamagedRecord, NewerFormat
from gxt.model.series import Series, SeriesBuilder, decode, encode, fitted, thin

UID = "01JD0000000000000000000000"
START_US = 1_700_000_000_000_000
READER = Path(__file__).parents[2] / "docs" / "reference" / "series_reader.py"


def one(value: list[float], step: list[int] | None = None, time_us: list[int] | None = None) -> Series:
    """A series of these values at steps 0, 1, … and one second apart."""
    rows = range(len(value))
    return Series(
        array("q", rows if step is None else step),
        array("q", [START_US + row * 1_000_000 for row in rows] if time_us is None else time_us),
        array("d", value),
    )


def training_curves(rows: int, *, digits: int | None = None, singles: bool = False) -> dict[str, Series]:
    """Four noisy curves of a training, always the same ones."""
    draw = random.Random(7)
    builder = SeriesBuilder()
    time_us, walks = START_US, [2.0, 0.3, 10.0, 1.0]
    for step in range(rows):
        time_us += 50_000 + int(draw.gauss(0, 500))
        walks = [walk + draw.gauss(0, 0.005) for walk in walks]
        decay = exp(-4 * step / rows)
        values = [walk + scale * decay for walk, scale in zip(walks, (2, -0.3, 0, 5), strict=True)]
        if digits is not None:
            values = [round(value, digits) for value in values]
        if singles:
            values = array("f", values).tolist()
        names = ("train/loss", "train/acc", "temperature", "grad_norm")
        builder.add(step, time_us, dict(zip(names, values, strict=True)))
    return builder.build()


def as_json_lines(series: dict[str, Series]) -> bytes:
    """The same points as a logger would write them, a line a call."""
    columns = [one.value for one in series.values()]
    first = next(iter(series.values()))
    lines = [
        json.dumps({"step": step, "time_us": time_us, "metrics": dict(zip(series, row, strict=True))})
        for step, time_us, *row in zip(first.step, first.time_us, *columns, strict=True)
    ]
    return "\n".join(lines).encode()


def header_of(chunk: bytes) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(chunk[: chunk.index(b"\n")])
    return header


def forms_of(series: dict[str, Series]) -> dict[str, Any]:
    """How the value column of each metric is stored, without its size."""
    [chunk] = encode(series, uid=UID)
    values = {
        name: column for table in header_of(chunk)["tables"] for name, column in table["values"].items()
    }
    return {name: {key: column[key] for key in column if key != "bytes"} for name, column in values.items()}


# --- layout ----------------------------------------------------------------------------------------------


def test_a_chunk_is_a_line_of_json_and_then_the_columns_in_its_order() -> None:
    shared = one([0.5, 0.25, 0.125])
    series = {"loss": shared, "acc": Series(shared.step, shared.time_us, array("d", [1.0, 2.0, 3.0]))}
    [chunk] = encode(series, uid=UID)
    header = header_of(chunk)
    step, time, acc, loss = (
        zlib.compress(planes, 6)
        for planes in (
            bytes([0, 2, 2]) + bytes(21),
            b"".join(
                bytes(word.to_bytes(8, "little")[plane] for word in (2 * START_US, 2_000_000, 2_000_000))
                for plane in range(8)
            ),
            bytes([2, 2, 2]) + bytes(21),
            # Thousandths 500, 250, 125 as zigzag differences 1000, 499, 249.
            bytes([1000 & 255, 499 & 255, 249, 3, 1, 0]) + bytes(18),
        )
    )
    assert header == {
        "gxt": 1,
        "uid": UID,
        "kind": "series",
        "tables": [
            {
                "rows": 3,
                "step": {"as": "delta", "bytes": len(step)},
                "time": {"as": "delta", "bytes": len(time)},
                "values": {
                    "acc": {"as": "decimal", "scale": 0, "bytes": len(acc)},
                    "loss": {"as": "decimal", "scale": 3, "bytes": len(loss)},
                },
            }
        ],
    }
    assert chunk[chunk.index(b"\n") + 1 :] == step + time + acc + loss


def test_metrics_with_equal_steps_and_times_share_a_table_and_others_do_not() -> None:
    series = {"a": one([1, 2]), "b": one([3, 4]), "c": one([5, 6], step=[0, 7]), "d": one([])}
    [chunk] = encode(series, uid=UID)
    tables = header_of(chunk)["tables"]
    assert [(table["rows"], list(table["values"])) for table in tables] == [
        (2, ["a", "b"]),
        (2, ["c"]),
        (0, ["d"]),
    ]
    decoded = decode([chunk])
    assert decoded == series
    assert decoded["a"].step is decoded["b"].step
    assert decoded["a"].time_us is decoded["b"].time_us


def test_each_column_takes_the_form_that_fits_it() -> None:
    noise = random.Random(3)
    rows = range(2000)
    walk = [1.5]
    for _ in range(1999):
        walk.append(walk[-1] + noise.gauss(0, 0.001))
    assert forms_of(
        {
            "digits": one([round(noise.gauss(0, 1), 4) for _ in rows]),
            "integers": one([float(noise.randrange(-(10**6), 10**6)) for _ in rows]),
            "singles": one(array("f", [noise.gauss(0, 1) for _ in rows]).tolist()),
            "slow_singles": one(array("f", walk).tolist()),
            "doubles": one([noise.gauss(0, 1) * 10 ** noise.uniform(-9, 9) for _ in rows]),
            "slow_doubles": one(walk),
            "not_finite": one([nan if row % 2 else 0.1 for row in rows]),
        }
    ) == {
        "digits": {"as": "decimal", "scale": 4},
        "integers": {"as": "decimal", "scale": 0},
        "singles": {"as": "float32"},
        "slow_singles": {"as": "float32-delta"},
        "doubles": {"as": "float64"},
        "slow_doubles": {"as": "float64-delta"},
        "not_finite": {"as": "float64"},
    }


def test_a_form_that_fits_only_the_stretches_looked_at_is_not_taken() -> None:
    values = [round(row * 0.01, 2) for row in range(20_000)]
    values[3000] = 1 / 3
    series = {"loss": one(values)}
    assert decode(encode(series, uid=UID)) == series


def test_rounding_that_leaves_a_negative_zero_is_still_decimal() -> None:
    series = {"loss": one([0.25, -0.0, 0.0, -0.5])}
    assert forms_of(series) == {"loss": {"as": "decimal", "scale": 2}}
    assert decode(encode(series, uid=UID)) == series


def test_equality_is_bit_for_bit() -> None:
    assert one([nan]) == one([nan])
    assert one([0.0]) != one([-0.0])
    assert one([1.0]) != one([1.0], step=[4])
    assert one([1.0]) != 1.0


def test_columns_of_different_length_are_no_series() -> None:
    with pytest.raises(ValueError, match=r"^the columns of a series differ in length$"):
        Series(array("q", [1]), array("q"), array("d"))


# --- size ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("digits", "singles", "bytes_a_row", "share_of_gzip"),
    [(None, False, 26, 0.6), (4, False, 8, 0.6), (None, True, 11, 0.25)],
    ids=["noisy doubles", "four digits", "born as float32"],
)
def test_a_series_is_small(
    digits: int | None, singles: bool, bytes_a_row: float, share_of_gzip: float
) -> None:
    series = training_curves(20_000, digits=digits, singles=singles)
    [chunk] = encode(series, uid=UID)
    assert len(chunk) / 20_000 <= bytes_a_row
    assert len(chunk) / len(gzip.compress(as_json_lines(series))) <= share_of_gzip
    assert decode([chunk]) == series


# --- chunks ----------------------------------------------------------------------------------------------


def test_a_long_series_is_cut_into_nearly_full_chunks_that_stand_alone() -> None:
    series = training_curves(20_000)
    chunks = encode(series, uid=UID, chunk_bytes=50_000)
    assert max(map(len, chunks)) <= 50_000
    assert len(chunks) <= sum(map(len, chunks)) / 50_000 + 2
    assert decode(chunks) == series
    first = decode(chunks[:1])["grad_norm"]
    assert first == Series(*(column[: len(first)] for column in columns_of(series["grad_norm"])))


def columns_of(series: Series) -> tuple[Any, Any, Any]:
    return series.step, series.time_us, series.value


def test_a_long_series_that_compresses_well_stays_one_object() -> None:
    series = {"lr": one([0.001] * 30_000)}
    assert len(encode(series, uid=UID, chunk_bytes=4096)) == 1


def test_many_metrics_of_one_row_are_cut_between_metrics() -> None:
    series = {f"layer.{number}.grad": one([float(number)]) for number in range(300)}
    chunks = encode(series, uid=UID, chunk_bytes=4096)
    assert len(chunks) > 1
    assert max(map(len, chunks)) <= 4096
    assert decode(chunks) == series


def test_a_single_point_is_written_even_where_its_name_alone_is_over_the_limit() -> None:
    series = {"x" * 3000: one([1.0, 2.0])}
    chunks = encode(series, uid=UID, chunk_bytes=1024)
    assert len(chunks) == 2
    assert decode(chunks) == series


def test_no_metrics_are_an_object_too() -> None:
    assert encode({}, uid=UID) == [f'{{"gxt":1,"uid":"{UID}","kind":"series","tables":[]}}\n'.encode()]
    assert decode(encode({}, uid=UID)) == {}
    assert decode([]) == {}


# --- damage ----------------------------------------------------------------------------------------------

COLUMN = zlib.compress(bytes(8))


def hostile(table: object = None, body: bytes = COLUMN * 3, **header: object) -> bytes:
    """A chunk of one row of zeros, with parts of its header replaced."""
    column = {"as": "delta", "bytes": len(COLUMN)}
    values = {"loss": {"as": "float64", "bytes": len(COLUMN)}}
    sound = {"rows": 1, "step": column, "time": column, "values": values}
    replaced = {**sound, **table} if isinstance(table, dict) else sound
    fields = {"gxt": 1, "uid": UID, "kind": "series", "tables": [replaced], **header}
    return json.dumps(fields).encode() + b"\n" + body


def test_the_hostile_chunks_differ_from_a_sound_one() -> None:
    assert decode([hostile()]) == {"loss": one([0.0], time_us=[0])}


@pytest.mark.parametrize(
    ("chunk", "reason"),
    [
        (b"", "it has no header line"),
        (b'{"gxt":1', "it has no header line"),
        (b"\x89PNG\r\n\x1a\n", "its header line is not JSON"),
        (b"[" * 100_000 + b"\n", "its header line is not JSON"),
        (b"[1]\n", "its header is not one of gxt"),
        (b'{"magic":1}\n', "its header is not one of gxt"),
        (hostile(gxt="1"), "the format is not a whole number up to 1000000000"),
        (hostile(gxt=True), "the format is not a whole number up to 1000000000"),
        (hostile(gxt=0), "its header is not that of a series"),
        (hostile(kind="config"), "its header is not that of a series"),
        (hostile(uid=7), "its header is not that of a series"),
        (hostile(tables={}), "its header lacks a list of tables"),
        (hostile(tables=[1]), "its header lacks the description of a table or column"),
        (hostile({"values": []}), "its header lacks the description of a table or column"),
        (hostile({"step": None}), "its header lacks the description of a table or column"),
        (hostile({"rows": -1}), "a number of rows is not a whole number up to 1000000000"),
        (hostile({"rows": 10**9 + 1}), "a number of rows is not a whole number up to 1000000000"),
        (hostile({"rows": 1.0}), "a number of rows is not a whole number up to 1000000000"),
        (hostile({"rows": 2}), "a column does not hold its 2 rows"),
        (hostile({"rows": 0}), "a column does not hold its 0 rows"),
        (hostile({"step": {"as": "delta", "bytes": 99}}), "a size is not a whole number up to 33"),
        (hostile({"step": {"as": "int", "bytes": 11}}), "a step or time column has the form 'int'"),
        (
            hostile({"values": {"a": {"as": "half", "bytes": 11}}}),
            "a value column has the unknown form 'half'",
        ),
        (
            hostile({"values": {"a": {"as": "decimal", "scale": 10, "bytes": 11}}}),
            "a decimal scale is not a whole number up to 9",
        ),
        (hostile(body=COLUMN * 4), "its sizes do not add up"),
        (hostile(body=COLUMN * 2), "a column does not hold its 1 rows"),
        (hostile(body=b"\0" * 33), "a column is not compressed data"),
        (hostile(body=COLUMN[:-1] + b"\0" + COLUMN * 2), "a column is not compressed data"),
    ],
)
def test_a_malformed_chunk_is_refused_with_its_reason(chunk: bytes, reason: str) -> None:
    with pytest.raises(DamagedRecord) as caught:
        decode([chunk])
    assert caught.value.message == f"a series object cannot be read: {reason}"
    assert caught.value.hint == "gxt doctor tells what can be done"


def test_a_column_is_never_inflated_beyond_its_rows() -> None:
    import tracemalloc

    bomb = zlib.compress(bytes(50_000_000))
    chunk = hostile({"step": {"as": "delta", "bytes": len(bomb)}}, bomb + COLUMN * 2)
    tracemalloc.start()
    try:
        with pytest.raises(DamagedRecord, match="a column does not hold its 1 rows"):
            decode([chunk])
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_chunks_of_two_runs_are_refused() -> None:
    chunks = [*encode({}, uid=UID), *encode({}, uid="01JD0000000000000000000001")]
    with pytest.raises(DamagedRecord) as caught:
        decode(chunks)
    assert caught.value.message == "a series object cannot be read: its chunks belong to different runs"


def test_a_newer_format_asks_for_an_upgrade() -> None:
    with pytest.raises(NewerFormat) as caught:
        decode([b'{"gxt":2,"columns":"otherwise"}\n'])
    assert caught.value.message == "a series object has format 2; this gxt reads format 1"


# --- builder ---------------------------------------------------------------------------------------------


def test_the_builder_keeps_the_order_of_the_calls_whatever_they_were_logged_with() -> None:
    builder = SeriesBuilder()
    builder.add(0, 100, {"loss": 4.0})
    builder.add(0, 101, {"loss": 3.0, "acc": 0.5})
    builder.add(5, 99, {"loss": 2.0})
    builder.add(1, 102, {"acc": 0.75, "loss": 1.0})
    builder.add(2, 103, {})
    assert builder.build() == {
        "acc": one([0.5, 0.75], [0, 1], [101, 102]),
        "loss": one([4.0, 3.0, 2.0, 1.0], [0, 0, 5, 1], [100, 101, 99, 102]),
    }
    assert builder.build() == {}


def test_metrics_logged_together_share_their_columns_in_memory() -> None:
    builder = SeriesBuilder()
    for step in range(4):
        builder.add(step, step, {"a": 1.0, "b": 2.0} if step % 2 else {"b": 3.0, "a": 4.0})
        builder.add(step, step, {"c": 5.0, "d": 6.0})
    series = builder.build()
    assert series["a"].step is series["b"].step
    assert series["c"].time_us is series["d"].time_us
    assert series["a"].value.tolist() == [4.0, 1.0, 4.0, 1.0]


def test_a_call_that_does_not_fit_leaves_nothing_behind() -> None:
    builder = SeriesBuilder()
    builder.add(0, 0, {"a": 1.0, "b": 2.0})
    for step, value in ((2**63, 1.0), (1, 10**400)):
        with pytest.raises(OverflowError):
            builder.add(step, 0, {"a": 3.0, "b": value})
    builder.add(1, 1, {"a": 5.0, "b": 6.0})
    assert builder.build() == {"a": one([1.0, 5.0], time_us=[0, 1]), "b": one([2.0, 6.0], time_us=[0, 1])}


# --- thinning --------------------------------------------------------------------------------------------


def test_thinning_keeps_the_ends_the_extremes_and_what_is_not_finite() -> None:
    values = [float(row % 10) for row in range(1000)]
    values[333], values[444], values[555], values[556], values[777] = -50.0, 50.0, nan, nan, inf
    thinned = thin({"loss": one(values)}, max_rows=40)["loss"]
    assert len(thinned) <= 40
    assert {0, 333, 444, 555, 556, 777, 999} <= set(thinned.step)
    assert list(thinned.step) == sorted(thinned.step)
    for step, time_us, value in zip(*columns_of(thinned), strict=True):
        assert (time_us, repr(value)) == (START_US + step * 1_000_000, repr(values[step]))


def test_each_stretch_keeps_its_lowest_and_its_highest_row() -> None:
    thinned = thin({"loss": one([0, 3, 1, 2, 9, 5, 7, 6, -9, -4, -5, -6])}, max_rows=11)["loss"]
    assert list(thinned.step) == [0, 1, 4, 5, 8, 9, 11]


def test_a_short_series_is_not_thinned() -> None:
    series = {"loss": one([3.0, 2.0, 1.0, 0.5])}
    assert thin(series, max_rows=4)["loss"] is series["loss"]


def test_a_series_of_nothing_finite_is_thinned_evenly() -> None:
    thinned = thin({"loss": one([nan] * 100)}, max_rows=12)["loss"]
    assert list(thinned.step) == [0, 1, 10, 20, 30, 40, 50, 59, 69, 79, 89, 99]


def test_fewer_than_four_rows_cannot_hold_what_is_always_kept() -> None:
    with pytest.raises(ValueError, match=r"^max_rows is 3; at least 4 rows are kept$"):
        thin({}, max_rows=3)


def test_metrics_logged_together_keep_the_same_rows_and_each_its_own_extremes() -> None:
    builder = SeriesBuilder()
    for step in range(100):
        builder.add(step, step, {"a": float(step == 30), "b": -float(step == 60)})
    thinned = thin(builder.build(), max_rows=16)
    assert thinned["a"].step is thinned["b"].step
    assert thinned["a"].time_us is thinned["b"].time_us
    assert len(thinned["a"]) <= 16
    assert {0, 30, 60, 99} <= set(thinned["a"].step)


def test_of_many_metrics_only_so_many_stay_together_that_each_can_keep_its_extremes() -> None:
    builder = SeriesBuilder()
    for step in range(200):
        builder.add(step, step, {f"m{metric}": float(step == metric + 50) for metric in range(100)})
    thinned = thin(builder.build(), max_rows=32)
    assert len({id(series.step) for series in thinned.values()}) == 25
    for metric in range(100):
        assert len(thinned[f"m{metric}"]) <= 32
        assert {0, metric + 50, 199} <= set(thinned[f"m{metric}"].step)


# --- fitting ---------------------------------------------------------------------------------------------


def noise(rows: int, metrics: int) -> dict[str, Series]:
    """Metrics that do not compress, logged together."""
    draw = random.Random(3)
    builder = SeriesBuilder()
    for step in range(rows):
        builder.add(step, START_US + step, {f"m{metric}": draw.random() for metric in range(metrics)})
    return builder.build()


def test_a_series_within_the_limit_stays_as_it_is() -> None:
    series = noise(50, 2)
    chunks = encode(series, uid=UID)
    assert fitted(series, uid=UID, limit_bytes=len(chunks[0])) == (chunks, None)


@pytest.mark.parametrize(
    ("rows", "metrics", "limit"),
    [(20_000, 1, 40_000), (300, 120, 100_000), (40, 400, 120_000), (3000, 4, 3000)],
)
def test_a_series_is_thinned_until_it_fits_and_little_more(rows: int, metrics: int, limit: int) -> None:
    series = noise(rows, metrics)
    chunks, kept = fitted(series, uid=UID, limit_bytes=limit, chunk_bytes=1 << 16)
    size = sum(map(len, chunks))
    assert size <= limit
    assert size > 0.7 * limit
    assert kept == max(map(len, decode(chunks).values()))


def test_the_longest_metrics_are_thinned_first() -> None:
    long, short = noise(5000, 1)["m0"], noise(100, 1)["m0"]
    chunks, kept = fitted({"long": long, "short": short}, uid=UID, limit_bytes=20_000)
    thinned = decode(chunks)
    assert thinned["short"] == short
    assert len(thinned["long"]) == kept


def test_no_limit_takes_more_than_all_but_sixteen_rows_a_metric() -> None:
    series = noise(500, 3)
    chunks, kept = fitted(series, uid=UID, limit_bytes=0)
    thinned = decode(chunks)
    assert kept is not None
    assert 12 <= kept <= 16
    for name, one in series.items():
        assert (min(one.value), max(one.value)) == (min(thinned[name].value), max(thinned[name].value))


def test_a_series_of_few_rows_is_not_thinned_whatever_the_limit() -> None:
    series = noise(16, 3)
    assert fitted(series, uid=UID, limit_bytes=0) == (encode(series, uid=UID), None)


# --- the reader of the docs ------------------------------------------------------------------------------


def test_the_reader_of_the_docs_reads_every_form(tmp_path: Path) -> None:
    noise = random.Random(5)
    rows = range(300)
    walk = [1e-3 * row + noise.gauss(0, 1e-6) for row in rows]
    series = {
        "digits": one([round(noise.gauss(0, 0.01), 2) for _ in rows]),
        "singles": one(array("f", [noise.gauss(0, 1) for _ in rows]).tolist()),
        "slow/singles": one(array("f", walk).tolist()),
        "doubles": one([noise.gauss(0, 1) * 10 ** noise.uniform(-9, 9) for _ in rows]),
        "slow doubles": one(walk),
        "odd": one([nan, inf, -inf, -0.0, 5e-324, 1.5], step=[2**63 - 1, -(2**63), 0, 0, -(2**53), 7]),
        "überall": one([], step=[]),
    }
    assert {column["as"] for column in forms_of(series).values()} == {
        "decimal", "float32", "float32-delta", "float64", "float64-delta",
    }  # fmt: skip
    points = ""
    for number, chunk in enumerate(encode(series, uid=UID, chunk_bytes=6000)):
        (tmp_path / str(number)).write_bytes(chunk)
        command = [sys.executable, str(READER), str(tmp_path / str(number))]
        points += subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert sorted(points.splitlines()) == sorted(
        f"{name}\t{step}\t{time_us}\t{value!r}"
        for name, one in series.items()
        for step, time_us, value in zip(*columns_of(one), strict=True)
    )


def test_the_reader_of_the_docs_has_at_most_twenty_lines_of_code() -> None:
    lines = READER.read_text().splitlines()
    assert len([line for line in lines[1:] if line.strip()]) <= 20
