"""How a reproduction compares with its original, and how what was redacted is filled in."""

from __future__ import annotations

import pytest

from gxt.model.json_types import Json, JsonObject
from gxt.model.reproduction import Verdict, compare, fill


def run(
    metrics: JsonObject, artifacts: dict[str, str] | None = None, status: str = "completed"
) -> JsonObject:
    listed: list[Json] = [{"name": name, "md5": md5} for name, md5 in (artifacts or {}).items()]
    return {"status": status, "metrics": metrics, "artifacts": listed}


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
