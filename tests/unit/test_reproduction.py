"""How a reproduction compares with its original, and how what was redacted is filled in."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from gxt.model.json_types import Json, JsonObject
from gxt.model.repeats import fold_runs
from gxt.model.reproduction import Verdict, compare, fill


def run(
    metrics: JsonObject, artifacts: dict[str, str] | None = None, status: str = "completed"
) -> JsonObject:
    listed: list[Json] = [{"name": name, "md5": md5} for name, md5 in (artifacts or {}).items()]
    return {"status": status, "metrics": metrics, "artifacts": listed}


def repeat(value: Json) -> JsonObject:
    """One of several, as much of it as a sum of them needs."""
    told: JsonObject = {"id": "exp-001", "uid": "U", "seed": 0, "exit_code": 0, "duration_s": 1.0}
    return {**run({"m": value}), **told, "command": [], "params": {}}


@pytest.mark.parametrize(
    ("original", "again", "expected"),
    [
        (0.5, 0.5, "identical"),
        (0, 0.0, "identical"),
        ("NaN", "NaN", "identical"),
        ("Infinity", "Infinity", "identical"),
        (1000.0, 1001.0, "within"),
        (-1000.0, -1001.0, "within"),
        (1000.0, 1001.1, "different"),
        (0.0, 1e-9, "different"),
        ("NaN", 1.0, "different"),
        ("Infinity", "-Infinity", "different"),
        (1.0, None, "different"),
        (None, 1.0, "different"),
    ],
)
def test_a_metric_is_judged_by_its_last_value(original: Json, again: Json, expected: Verdict) -> None:
    found = compare(run({"m": original}), run({"m": again}))
    assert found.verdict == expected
    assert [(one.name, one.original, one.again, one.verdict) for one in found.metrics] == [
        ("m", original, again, expected)
    ]


def test_the_worst_metric_counts_but_for_those_that_are_ignored() -> None:
    original, again = run({"a": 1.0, "b": 1.0, "time": 5.0}), run({"a": 1.0, "b": 1.0005, "time": 9.0})
    assert compare(original, again).verdict == "different"
    assert compare(original, again, ignored=["time"]).verdict == "within"
    assert compare(original, again, ignored=["time"], tolerance=1e-4).verdict == "different"
    assert compare(original, again, ignored=["time", "b"]).verdict == "identical"


def test_other_bytes_of_an_artifact_are_no_other_result_while_the_metrics_agree() -> None:
    original = run({"a": 1.0}, {"model": "11"})
    assert compare(original, run({"a": 1.0}, {"model": "11"})).verdict == "identical"
    assert compare(original, run({"a": 1.0}, {"model": "22"})).verdict == "within"
    assert compare(original, run({"a": 1.0})).verdict == "different"


def test_another_end_is_another_result() -> None:
    found = compare(run({}), run({}, status="failed"))
    assert (found.verdict, found.status) == ("different", ("completed", "failed"))


def test_what_was_redacted_is_filled_in_by_name_or_by_place() -> None:
    command = [
        "x",
        "--token",
        "[redacted]",
        "--key=[redacted]",
        "API_KEY=[redacted]",
        "https://a:[redacted]@b",
    ]
    assert fill(command, {}).missing == ("token", "key", "API_KEY", "6")
    answers = {"token": "1", "key": "2", "API_KEY": "3", "6": "4"}
    assert fill(command, answers) == (
        ("x", "--token", "1", "--key=2", "API_KEY=3", "https://a:4@b"),
        (),
    )
    assert fill(command, {"3": "1", "4": "2", "5": "3", "6": "4"}).command == fill(command, answers).command


def test_one_more_repeat_lies_in_the_prediction_interval_95_times_in_100() -> None:
    rng = np.random.default_rng(0)
    held = []
    for *known, again in rng.normal(size=(400, 5)).tolist():
        repeats = fold_runs([repeat(value) for value in known])
        [found] = compare(run({"m": known[0]}), run({"m": again}), repeats=repeats).metrics
        assert found.spread is not None
        half = stats.t.ppf(0.975, 3) * np.std(known, ddof=1) * np.sqrt(1 + 1 / 4)
        expected = (np.mean(known) - half, np.mean(known) + half)
        assert (found.spread.low, found.spread.high) == pytest.approx(expected)
        held.append(found.verdict == "within")
    assert np.mean(held) == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize("values", [[1.0], [1.0, "NaN"], [-1.7e308, 1.7e308]])
def test_without_a_finite_spread_nothing_else_is_within(values: list[Json]) -> None:
    repeats = fold_runs([repeat(value) for value in values])
    assert compare(run({"m": 1.0}), run({"m": 2.0}), repeats=repeats).metrics[0].verdict == "different"
