"""What scripts say besides values: what a metric means, what an evaluation found, MLflow's spellings."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.conftest import data, git, gxt
from tests.integration.test_python_api import WRAPPED, script

DEFINED = """
gxt.define_metric("score", goal="min", summary="best", unit="s")
gxt.define_metric("acc", summary="best")
gxt.define_metric("speed", summary="mean")
gxt.define_metric("loss")
for step, value in enumerate((3, 1, 2)):
    gxt.log({"score": value, "acc": value, "speed": value, "loss": value}, step=step)
"""


@WRAPPED
def test_the_value_that_a_script_chooses_stands_for_the_run(repo: Path, wrapped: bool) -> None:
    assert script(repo, DEFINED, wrapped=wrapped)[1] == ""
    run = data(repo, "show")
    assert run["metrics"] == {"score": 1, "acc": 3, "speed": 2, "loss": 2}
    assert run["defined"] == {
        "score": {"goal": "min", "summary": "best", "unit": "s"},
        "acc": {"goal": None, "summary": "best", "unit": None},
        "speed": {"goal": None, "summary": "mean", "unit": None},
        "loss": {"goal": None, "summary": None, "unit": None},
    }
    assert run["metric_stats"]["speed"]["mean"] == 2
    assert [one["metrics"] for one in data(repo, "list", "--where", "metrics.score < 2")] == [run["metrics"]]


def test_show_names_the_unit_and_the_value_that_was_chosen(repo: Path) -> None:
    assert script(repo, DEFINED, wrapped=False)[1] == ""
    page = gxt(repo, "show").stdout
    table = page[page.index("Metrics") :].splitlines()[1:6]
    assert [line.split() for line in table] == [
        ["metric", "value", "from", "parent", "min", "at", "max", "at", "points"],
        ["score", "[s]", "1", "best", "1", "1", "3", "0", "3"],
        ["acc", "3", "best", "1", "1", "3", "0", "3"],
        ["speed", "2", "mean", "1", "1", "3", "0", "3"],
        ["loss", "2", "last", "1", "1", "3", "0", "3"],
    ]


def logs(repo: Path, value: float) -> None:
    code = f"import gxt\ngxt.define_metric('cost', goal='max')\ngxt.log({{'cost': {value}, 'x': 1}})\n"
    (repo / "t.py").write_text(code)
    gxt(repo, "run", "-q", "--", sys.executable, "t.py")


def test_the_goal_of_a_script_comes_after_the_settings_and_before_the_guess(repo: Path) -> None:
    for value in (1, 2):
        logs(repo, value)
    words = (("show",), ("diff", "1", "2"), ("compare", "1", "2"), ("tree",))
    assert data(repo, "diff", "1", "2")["metrics"]["cost"]["verdict"] == "better"
    assert [one["verdict"] for one in data(repo, "tree")[0]["children"]] == ["better"]
    assert data(repo, "show", "best")["id"] == "exp-002"
    assert all("cost" in gxt(repo, *one).stdout for one in words)
    git(repo, "config", "gxt.cost.goal", "min")
    assert data(repo, "diff", "1", "2")["metrics"]["cost"]["verdict"] == "worse"
    assert [one["verdict"] for one in data(repo, "tree")[0]["children"]] == ["worse"]
    assert data(repo, "show", "best")["id"] == "exp-001"


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("'a', goal='up'", "a cannot have the goal 'up' (there are min and max)"),
        (
            "'a', summary='median'",
            "a cannot have the summary 'median' (there are last, min, max, best, mean)",
        ),
    ],
)
def test_a_definition_that_makes_no_sense_is_one_warning(repo: Path, call: str, told: str) -> None:
    _, said = script(repo, f"gxt.define_metric({call}); gxt.define_metric('b', goal='maximize')")
    assert said == f"gxt: define_metric: {told}; the training goes on\n"
    assert data(repo, "show")["defined"] == {"b": {"goal": "max", "summary": None, "unit": None}}


@WRAPPED
def test_an_evaluation_of_a_script_is_as_that_of_the_command(repo: Path, wrapped: bool) -> None:
    code = """
gxt.log_eval({"acc": 0.25}, name="test")
found = {"acc": 0.5, "games": {"won": 3}, "bad": float("nan"), "api_key": "hunter2hunter2"}
gxt.log_eval(found, "test", step=4)
gxt.log_eval({"judge": "good"})
"""
    assert script(repo, code, wrapped=wrapped)[1] == ""
    gxt(repo, "eval", "@", "judge=bad")
    evals = data(repo, "show")["evals"]
    values = {"acc": 0.5, "games": {"won": 3}, "bad": "NaN", "api_key": "[redacted]"}
    assert [(one["name"], one["step"], one["values"]) for one in evals] == [
        ("test", 4, values),
        ("eval", None, {"judge": "bad"}),
    ]
    assert {one["by"] for one in evals} == {"Ada Lovelace <ada@example.org>"}
    assert len(data(repo, "list", "--where", "evals.test.games.won == 3")) == 1


def test_an_evaluation_without_values_is_one_warning(repo: Path) -> None:
    _, told = script(repo, "for x in ({}, 3): gxt.log_eval(x)")
    assert told.startswith("gxt: log_eval: an evaluation holds values by name, not nothing (")
    assert data(repo, "show")["evals"] == []


def test_the_spellings_of_mlflow(repo: Path) -> None:
    code = """
gxt.log_param("lr", 0.5)
gxt.log_metric("loss", 1.5, step=3)
gxt.log_metric("loss", 1)
gxt.log_metrics({"acc": 0.5}, step=9)
with gxt.init() as run:
    run.log_param("width", 3)
    run.log_metric("loss", 2, 5)
    run.log_metrics({"acc": 1})
"""
    assert script(repo, code)[1] == ""
    first, second = data(repo, "show", "1", "--series"), data(repo, "show", "2", "--series")
    assert first["params"]["lr"] == 0.5
    assert {name: one["step"] for name, one in first["series"].items()} == {"loss": [3, 4], "acc": [9]}
    assert second["params"]["width"] == 3
    assert {name: one["step"] for name, one in second["series"].items()} == {"loss": [5], "acc": [6]}
