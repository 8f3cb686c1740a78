"""The fold of a journal: what each event adds, what damage costs, and what an end that is missing means."""

from __future__ import annotations

import json
from array import array
from math import nan
from typing import Any

import pytest

from gxt.errors import DamagedRecord
from gxt.model.events import Fold, Folded, fold
from gxt.model.json_types import JsonObject
from gxt.model.series import Series

START_US = 1_700_000_000_000_000
AUTHOR: JsonObject = {"name": "Ada", "email": "ada@example.org"}
CONFIG: JsonObject = {
    "gxt": 1,
    "uid": "01JD",
    "name": None,
    "message": "said",
    "hypothesis": None,
    "author": AUTHOR,
    "params": {"lr": 0.1, "model": {"type": "mlp"}},
}


def line(kind: str, after_s: float = 0, /, **fields: object) -> bytes:
    return json.dumps({"e": kind, "t": START_US + int(after_s * 1e6), **fields}).encode() + b"\n"


STARTED = line("started", config=CONFIG, offset="+0100", host="h", boot="b", pid=1)
FINISHED = line("finished", 4, status="failed", exit_code=3, duration_s=3.5)


def logged(after_s: float, step: int | None, **metrics: float) -> bytes:
    return line("metrics", after_s, s=step, m=metrics)


def folded(*lines: bytes, unfinished: str = "interrupted") -> Folded:
    return fold([STARTED, *lines], unfinished=unfinished)


def test_a_journal_of_every_event() -> None:
    result = folded(
        line("environment", document={"gxt": 1, "python": {"version": "3.12"}}),
        line("described", name="given", message="too late", hypothesis=None),
        line("params", params={"lr": 0.2, "model": {"width": 64}}),
        logged(1, 0, loss=1.0),
        line("data", items=[{"path": "x.csv", "md5": None}]),
        line("data", items=[{"path": "x.csv", "md5": "0" * 32}]),
        line("tag", 2, id="T", tags=["first", "second"]),
        line("notice", text="something"),
        line("source", kind="csv", path="log.csv", metrics=["loss"], params=0, note=None),
        line("source", kind="console", path=None, metrics=["acc"], params=0, note="scraped"),
        line(
            "source",
            kind="csv",
            path="log.csv",
            metrics=["loss", "acc"],
            params=2,
            note=None,
            **{"of a later gxt": 1},
        ),
        FINISHED,
    )
    said: JsonObject = {"at": "2023-11-14T22:13:22.000000Z", "by": AUTHOR, "op": "tag"}
    loss: JsonObject = {"last": 1.0, "last_step": 0, "min": 1.0, "min_step": 0, "max": 1.0, "max_step": 0}
    assert result == Folded(
        config={
            **CONFIG,
            "data": [{"path": "x.csv", "md5": "0" * 32}],
            "name": "given",
            "params": {"lr": 0.2, "model": {"type": "mlp", "width": 64}},
        },
        environment={"gxt": 1, "python": {"version": "3.12"}},
        metrics={
            "gxt": 1, "uid": "01JD", "status": "failed", "exit_code": 3,
            "started": "2023-11-14T22:13:20.000000Z", "ended": "2023-11-14T22:13:24.000000Z",
            "duration_s": 3.5, "metrics": {"loss": {**loss, "count": 1}},
            "evals": [], "artifacts": [], "notices": ["something"],
            "sources": [
                {
                    "kind": "csv", "path": "log.csv", "metrics": ["loss", "acc"], "params": 2, "note": None,
                    "of a later gxt": 1,
                },
                {"kind": "console", "path": None, "metrics": ["acc"], "params": 0, "note": "scraped"},
            ],
        },
        annotations=({"id": "T-0", **said, "tag": "first"}, {"id": "T-1", **said, "tag": "second"}),
        series={"loss": Series(array("q", [0]), array("q", [START_US + 1_000_000]), array("d", [1.0]))},
        finished=True,
        offset="+0100",
        started_us=START_US,
        last_us=START_US + 4_000_000,
    )  # fmt: skip
    assert (result.uid, result.status) == ("01JD", "failed")


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"kind": "", "path": "x"},
        {"kind": "csv", "path": 5},
        {"kind": "csv", "path": "x", "metrics": [5]},
        {"kind": "csv", "path": "x", "metrics": None},
        {"kind": "csv", "path": "x", "params": -1},
        {"kind": "csv", "path": "x", "params": True},
        {"kind": "csv", "path": "x", "note": "n" * 5000},
        {"kind": "csv", "path": "x", "later": float("nan")},
    ],
)
def test_what_says_nothing_of_a_logger_is_damage(said: JsonObject) -> None:
    result = folded(line("source", **said), FINISHED)
    assert result.metrics["notices"] == ["1 damaged line(s) of the journal left out"]
    assert result.metrics["sources"] == []


@pytest.mark.parametrize(
    ("unfinished", "ended"), [("running", None), ("interrupted", "2023-11-14T22:13:22.000000Z")]
)
def test_a_journal_without_an_end_lasts_until_its_last_event(unfinished: str, ended: str | None) -> None:
    result = folded(logged(2, 0, loss=1.0), unfinished=unfinished)
    assert (result.finished, result.status) == (False, unfinished)
    assert [result.metrics[key] for key in ("exit_code", "ended", "duration_s")] == [None, ended, 2.0]


def test_the_same_journal_gives_the_same_documents() -> None:
    lines = [logged(1, 0, loss=1.0), line("tag", id="T", tags=["a"]), FINISHED]
    assert folded(*lines) == folded(*lines)


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"\xff\xfe\n",
        b'{"e":"metrics","t":170000',
        b"[1, 2]\n",
        b"null\n",
        b'{"t": 1}\n',
        b'{"e": "notice", "text": "no time"}\n',
        b"[" * 100_000,
        line("metrics", s=0),
        line("metrics", s=2**63, m={"loss": 1.0}),
        line("metrics", s=0, m={"loss": "text"}),
        line("metrics", s=0, m=[1]),
        line("params", params=[1]),
        line("finished", status="failed", exit_code=1),
        json.dumps({"e": "notice", "t": -1, "text": "before 1970"}).encode(),
        json.dumps({"e": "notice", "t": 253_402_300_800_000_000, "text": "year 10000"}).encode(),
        json.dumps({"e": "notice", "t": 1.5, "text": "half a microsecond"}).encode(),
    ],
    ids=range(17),
)
def test_a_damaged_line_is_left_out_with_a_notice_and_the_others_count(damaged: bytes) -> None:
    result = folded(logged(1, 0, loss=1.0), damaged, logged(2, 1, loss=0.5))
    assert list(result.series["loss"].value) == [1.0, 0.5]
    assert result.metrics["notices"] == ["1 damaged line(s) of the journal left out"]
    assert result.config == CONFIG
    assert not result.finished


def test_an_event_of_an_unknown_kind_changes_nothing_but_the_time_of_the_last() -> None:
    result = folded(line("from-a-newer-gxt", 9, anything=[1]), unfinished="interrupted")
    assert result == folded()._replace(
        metrics=folded().metrics | {"ended": "2023-11-14T22:13:29.000000Z", "duration_s": 9.0},
        last_us=START_US + 9_000_000,
    )


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [logged(1, 0, loss=1.0)],
        [line("described", name="a name but no start")],
        [line("started", config={"uid": 5}, offset="+0000")],
        [line("started", config={**CONFIG, "author": {"name": "Ada"}}, offset="+0000")],
    ],
    ids=["nothing", "metrics", "a name", "no text as uid", "no author"],
)
def test_a_journal_without_a_start_is_damaged(lines: list[bytes]) -> None:
    with pytest.raises(DamagedRecord, match=r"^the journal has no start "):
        fold(lines, unfinished="interrupted")


def test_points_stand_in_the_order_of_the_journal_whatever_their_clocks_say() -> None:
    result = folded(logged(5, 9, loss=1.0), logged(3, 2, loss=2.0), logged(4, None, loss=3.0))
    loss = result.series["loss"]
    assert (list(loss.step), list(loss.value)) == ([9, 2, 2], [1.0, 2.0, 3.0])
    assert result.last_us == START_US + 5_000_000


def test_lines_after_the_end_still_count() -> None:
    result = folded(FINISHED, logged(5, 0, loss=1.0))
    assert (result.status, list(result.series)) == ("failed", ["loss"])


def summary(*values: float) -> Any:  # noqa: ANN401 a document
    metrics: Any = folded(*(logged(1, step, m=value) for step, value in enumerate(values))).metrics
    return [metrics["metrics"]["m"][key] for key in ("last", "min", "min_step", "max", "max_step", "count")]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((2.0, 1.0, 3.0), [3.0, 1.0, 1, 3.0, 2, 3]),
        ((1.0, 1.0), [1.0, 1.0, 0, 1.0, 0, 2]),
        ((nan, 1.0, nan), ["NaN", 1.0, 1, 1.0, 1, 3]),
        ((nan, nan), ["NaN", "NaN", 0, "NaN", 0, 2]),
        ((float("inf"), 0.0), [0.0, 0.0, 1, "Infinity", 0, 2]),
    ],
)
def test_nan_is_least_and_greatest_only_where_there_is_nothing_else(
    values: tuple[float, ...], expected: list[object]
) -> None:
    assert summary(*values) == expected


def sourced(after_s: float, step: int, **metrics: float) -> bytes:
    return line("metrics", after_s, s=step, m=metrics, source="csv")


def test_what_the_run_itself_logs_counts_instead_of_what_another_logger_gave() -> None:
    lines = [
        sourced(1, 5, loss=9.0, acc=0.5),
        logged(2, 7, loss=1.0),
        sourced(3, 6, loss=8.0, acc=0.6),
        logged(4, None, loss=0.5),
    ]
    result = folded(*lines)
    assert {name: (list(one.step), list(one.value)) for name, one in result.series.items()} == {
        "loss": ([7, 7], [1.0, 0.5]),
        "acc": ([5, 6], [0.5, 0.6]),
    }
    stats = result.metrics["metrics"]
    assert isinstance(stats, dict)
    assert list(stats) == ["loss", "acc"]
    assert [stat["max"] for stat in stats.values() if isinstance(stat, dict)] == [1.0, 0.6]
    going = Fold()
    for one in [STARTED, *lines]:  # stopped after each line
        going.take([one])
        going.series()
        going = Fold.from_json(json.loads(json.dumps(going.to_json())))
    assert going.documents({}, unfinished="interrupted") == result._replace(series={})


def test_parameters_of_another_logger_stand_below_those_of_the_run() -> None:
    result = folded(
        line("params", params={"lr": "9", "epochs": 2, "model": {"depth": 3}}, source="mlflow"),
        line("params", params={"seed": 1}),
        line("params", params={"epochs": 3, "seed": 2}, source="wandb"),
    )
    assert result.config["params"] == {
        "lr": 0.1, "model": {"type": "mlp", "depth": 3}, "epochs": 3, "seed": 1,
    }  # fmt: skip
