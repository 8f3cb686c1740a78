"""What stands for repeats: their mean and spread, what they have in common; metrics with an interval."""

from __future__ import annotations

import math

import pytest

from gxt.model.evidence import Sample
from gxt.model.json_types import Json, JsonObject
from gxt.model.repeats import evidence_of, fold_rows, fold_runs, how_many, sample_of
from gxt.model.run import Row, metrics_of, without_bounds
from gxt.render.values import judged, mean, metric_value, reason, with_bounds


def run(number: int, seed: int, status: str = "completed", **metrics: Json) -> JsonObject:
    return {
        "id": f"exp-{number:03d}",
        "uid": f"uid-{number}",
        "command": ["python", "train.py", str(seed)],
        "exit_code": 0 if status == "completed" else 1,
        "seed": seed,
        "status": status,
        "duration_s": float(number),
        "params": {"lr": 0.1, "model": {"seed": seed}},
        "metrics": metrics,
    }


def row(number: int, group: str, status: str = "completed", tags: str = "", **metrics: Json) -> Row:
    return Row(
        f"exp-{number:03d}", "", status, f"train {number}", "2026", float(number), tags, group, metrics
    )


def test_a_group_is_its_first_run_with_the_means_of_those_that_completed() -> None:
    group = fold_runs([run(2, 0, acc=0.5), run(3, 1, "failed", acc=0.1), run(4, 2, acc=0.7)])
    assert (group["id"], group["uid"], group["status"]) == ("exp-002+2", "uid-2", "2 completed, 1 failed")
    assert metrics_of(group) == pytest.approx({"acc": 0.6})
    assert group["command"] == ["python", "train.py", "…"]
    assert group["params"] == {"lr": 0.1, "model": {"seed": [0, 1, 2]}}
    assert (group["duration_s"], group["exit_code"], group["seed"]) == (3.0, 1, None)
    assert how_many(group) == 3
    found = sample_of(group, "acc")
    assert found is not None
    assert found == pytest.approx((2, 0.6, 0.02**0.5))


def test_parameters_that_differ_are_lists_whatever_they_are_called_and_whoever_has_them() -> None:
    found: list[JsonObject] = [{"a.b": 1, "m": {"t": "x"}}, {"a.b": 2, "m": {"t": "x", "d": 3}, "new": 1}]
    members = [{**run(at, at), "params": one} for at, one in enumerate(found, 1)]
    expected = {"a.b": [1, 2], "m": {"t": "x", "d": [None, 3]}, "new": [None, 1]}
    assert fold_runs(members)["params"] == expected


def test_a_mean_with_nan_has_no_spread_and_no_verdict() -> None:
    group = fold_runs([run(1, 0, acc="NaN"), run(2, 1, acc=0.5)])
    assert group["metrics"] == {"acc": "NaN"}
    assert sample_of(group, "acc") is None
    assert metric_value(group, "acc") == "NaN"
    found = evidence_of(run(3, 0, acc=0.5), group, "acc", "max")
    assert found is not None
    assert (found.verdict, found.kind) == (None, "single")
    assert evidence_of(group, run(3, 0), "acc", "max") is None


def test_a_spread_beyond_a_double_is_told_in_json_and_read_back() -> None:
    group = fold_runs([run(1, 0, loss=-1.7e308), run(2, 1, loss=1.7e308)])
    repeats = group["repeats"]
    assert isinstance(repeats, dict)
    assert repeats["metrics"] == {"loss": {"n": 2, "mean": 0.0, "sd": "Infinity", "se": "Infinity"}}
    assert sample_of(group, "loss") == Sample(2, 0.0, math.inf)


def test_a_metric_that_only_one_repeat_has_counts_one() -> None:
    group = fold_runs([run(1, 0, acc=0.5, extra=1.0), run(2, 1, acc=0.7)])
    assert sample_of(group, "extra") == Sample(1, 1.0)
    assert metric_value(group, "extra") == "1 (1)"


def test_rows_of_a_group_stand_where_its_first_one_stands() -> None:
    rows = [row(4, ""), row(3, "g", tags="a b", acc=0.7), row(2, ""), row(1, "g", tags="b c", acc=0.5)]
    folded = fold_rows(rows, {"g": [rows[3], rows[1]]})
    assert [one.id for one in folded.rows] == ["exp-004", "exp-001+1", "exp-002"]
    group = folded.rows[1]
    assert (group.title, group.tags, group.duration_s) == ("train …", "b c a", 2.0)
    assert list(folded.samples) == ["exp-001+1"]
    assert folded.samples["exp-001+1"]["acc"] == pytest.approx((2, 0.6, 0.02**0.5))
    alone = fold_rows(rows[:2], {"g": [rows[1]]})
    assert (alone.rows, alone.samples) == (rows[:2], {})


def test_a_mean_is_shown_with_its_error_and_how_many_it_is_of() -> None:
    assert mean(Sample(5, 0.91234, 0.01)) == "0.91234 ± 0.0045 (5)"
    assert mean(Sample(3, 2.0)) == "2 ± 0 (3)"
    assert mean(Sample(1, 2.0)) == "2 (1)"


@pytest.mark.parametrize(
    ("metrics", "shown"),
    [
        ({"elo": 1523.4, "elo/low": 1480.0, "elo/high": 1561.0}, "1523 ± 40"),
        ({"elo": 1523.4, "elo_low": 1480.0, "elo_high": 1561.0}, "1523 ± 40"),
        ({"elo": 0.5, "elo/low": 0.46, "elo/high": 0.54}, "0.5 ± 0.04"),
        ({"elo": "Infinity", "elo/low": 412.0, "elo/high": "Infinity"}, "Infinity"),
        ({"elo": 1523.4, "elo/low": 1480.0}, "1523.4"),
    ],
)
def test_a_metric_with_an_interval_is_shown_with_half_its_width(metrics: JsonObject, shown: str) -> None:
    assert with_bounds(metrics, "elo") == shown


def test_what_tells_an_interval_is_no_metric_of_its_own() -> None:
    names = ["elo", "elo/low", "elo/high", "loss_low", "elo/opening", "elo/opening/low", "elo_high"]
    assert without_bounds(names) == ["elo", "loss_low", "elo/opening"]


def test_verdicts_say_how_many_runs_they_rest_on() -> None:
    before, after = fold_runs([run(1, 0, acc=0.5), run(2, 1, acc=0.7)]), run(3, 0, acc=0.65)
    unsure, single = (
        evidence_of(before, after, "acc", "max"),
        evidence_of(run(1, 0, acc=0.5), after, "acc", "max"),
    )
    assert unsure is not None
    assert single is not None
    assert [judged(unsure), judged(single), judged(None)] == ["not sure, n=2 and 1", "better, n=1", ""]
    assert reason(single) == "one run each: the plain difference, which says nothing of noise"
    assert reason(unsure).endswith("some 126 more of each would tell")
    hopeless = evidence_of(before, run(3, 0, acc=0.6 + 1e-6), "acc", "max")
    assert hopeless is not None
    assert reason(hopeless).endswith("no reasonable number of repeats would tell")
    assert math.isclose(hopeless.difference, 1e-6, rel_tol=1e-6)
