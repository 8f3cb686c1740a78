"""`gxt scaling`: what a user types, and `gxt.analysis` on the same runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from gxt.analysis import analyze_scaling_law
from gxt.errors import CannotFit, QueryError, UsageError
from tests.conftest import data, git, gxt

CNN = "params.type == 'cnn'"
STUDY = """\
import gxt

noise = (3, -4, 1, 5, -2, -3)
for kind, exponent in (("mlp", -0.12), ("cnn", -0.25)):
    for i, width in enumerate((4, 16, 64, 256, 1024, 4096)):
        count = 40 * width**2
        elo = 1500 - 5000 * count**exponent + noise[i]
        gxt.init(config={"type": kind, "width": width}, name=f"{kind} {width}")
        gxt.log({"elo": elo, "params": count, "elo_low": elo - 8, "elo_high": elo + 8})
gxt.init(name="worse than nothing")
gxt.log({"elo": float("nan"), "params": 10})
gxt.finish()
gxt.init(name="failed")
gxt.log({"elo": 0, "params": 1000})
gxt.finish(1)
"""


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve runs with an Elo and a size, one with NaN, one that failed; nobody writes to it."""
    root = tmp_path_factory.mktemp("studied")
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    (root / "study.py").write_text(STUDY)
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, *who, "commit", "-q", "-m", "study")
    git(root, "config", "user.name", "Ada")
    git(root, "config", "user.email", "ada@example.org")
    subprocess.run([sys.executable, "study.py"], cwd=root, check=True)
    return root


def test_the_law_of_one_architecture(studied: Path) -> None:
    shown = gxt(studied, "scaling", "--y", "elo", "--where", CNN).stdout.splitlines()
    assert shown[0] == "elo = a·params^b + c  over 6 runs"
    assert [line.split()[0] for line in shown[2:5]] == ["a", "b", "c"]
    low, high = (float(word) for word in shown[3].split()[2:5:2])
    assert low < -0.25 < high
    assert [line.split()[0] for line in shown[9:]] == ["power+floor", "logarithm", "power", "saturating"]


def test_json_holds_all_there_is(studied: Path) -> None:
    found = data(studied, "scaling", "--y", "elo", "--group", "params.type", "--milestone", "1200")
    assert list(found) == [
        *("x", "y", "group", "fit", "forms", "transition", "milestone"),
        *("points", "left_out", "groups", "families", "warnings"),
    ]
    assert list(found["fit"]) == ["a", "b", "c", "sigma", "r2", "n", "level", "warnings"]
    assert list(found["fit"]["a"]) == ["value", "low", "high", "bootstrap"]
    assert found["left_out"] == [{"id": "exp-013", "reason": "y is NaN"}]
    assert [one["name"] for one in found["families"]] == ["one law", "shared exponent", "own laws"]
    cnn = found["groups"]["cnn"]
    assert cnn["fit"]["b"]["low"] < -0.25 < cnn["fit"]["b"]["high"]
    assert cnn["milestone"]["low"] < (300 / 5000) ** -4 < cnn["milestone"]["high"]
    point = found["points"][6]
    assert (point["id"], point["name"], point["group"], point["x"]) == ("exp-007", "cnn 4", "cnn", 640.0)
    assert point["error"] == pytest.approx(8 / 1.959964)
    assert point["next_low"] < point["low"] < point["fitted"] < point["high"] < point["next_high"]
    assert point["residual"] == pytest.approx(point["y"] - point["fitted"])


def test_the_table_of_points_is_exact_as_csv(studied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = gxt(studied, "scaling", "--y", "elo", "--where", CNN, "--csv").stdout.splitlines()
    assert lines[0] == "id,name,group,x,y,error,fitted,low,high,next_low,next_high,residual"
    monkeypatch.chdir(studied)
    frame = analyze_scaling_law(y="elo", where=CNN).frame.drop(columns=["name", "group"])
    assert [[float(cell) for cell in line.split(",")[3:]] for line in lines[1:]] == frame.to_numpy().tolist()


def test_what_cannot_be_fitted_says_what_to_do(studied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert json.loads(gxt(studied, "scaling", "--y", "params.type", "--json", code=1).stdout)["error"] == {
        "code": "cannot-fit",
        "message": "0 points at 0 sizes of x cannot determine a, b and c",
        "hint": "run 4 or more sizes, over a decade or more of x; left out: exp-001 (has no y), "
        "exp-002 (has no y), exp-003 (has no y), exp-004 (has no y), exp-005 (has no y), "
        "exp-006 (has no y) and 7 more",
    }
    said = gxt(studied, "scaling", "--y", "elo", "--level", "5", code=2).stderr
    assert said.splitlines()[0] == "gxt: --level: 5 is not from 50 up to 100"
    monkeypatch.chdir(studied)
    for asked, message in (
        ({"where": "params.width < 20"}, "4 points at 2 sizes of x cannot determine a, b and c"),
        ({"where": "status == 'failed'"}, "there is no completed run that matches"),
        ({"x": "params.type"}, "no run has a number in params.type"),
    ):
        with pytest.raises(CannotFit) as caught:
            analyze_scaling_law(**{"y": "elo", **asked})  # type: ignore[arg-type]
        assert caught.value.message == message


def test_an_empty_repository_says_so(repo: Path) -> None:
    assert (
        gxt(repo, "scaling", "--y", "elo", code=1).stderr.splitlines()[0] == "gxt: there is no completed run"
    )


def test_a_notebook_gets_the_study(studied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(studied)
    study = analyze_scaling_law(y="elo", where=CNN)
    assert list(study.frame.index) == [f"exp-{i:03}" for i in range(7, 13)]
    assert study.frame["residual"].sum() == pytest.approx(0, abs=1e-3)
    named = analyze_scaling_law([f"exp-{i:03}" for i in range(7, 13)], y="elo")
    assert named.fit.b == study.fit.b
    runs = data(studied, "list")[::-1]
    assert analyze_scaling_law(runs, y="elo", where=CNN).fit.b == study.fit.b
    with pytest.raises(CannotFit):
        analyze_scaling_law(["exp-001", "exp-001"], y="elo")
    with pytest.raises(UsageError, match="is neither a run nor an id"):
        analyze_scaling_law([3.5], y="elo")
    with pytest.raises(QueryError, match="no run has strength"):
        analyze_scaling_law(y="strength")


def test_a_table_of_points_needs_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sizes = [1e3, 1e4, 1e5, 1e6, 1e7]
    table = pd.DataFrame(
        {"n": sizes, "loss": [5 * n**-0.3 + 1 for n in sizes], "sem": [0.1] * 5}, index=list("abcde")
    )
    study = analyze_scaling_law(table, "n", "loss", y_error="sem")
    assert study.fit.c.value == pytest.approx(1, rel=1e-5)
    assert list(study.frame.index) == list("abcde")
    with pytest.raises(UsageError, match="the table has no column acc"):
        analyze_scaling_law(table, "n", "acc")
    with pytest.raises(UsageError, match="the table has no column params"):
        analyze_scaling_law(table, y="loss")
    with pytest.raises(UsageError, match="a table has no main metric"):
        analyze_scaling_law(table, "n")
    with pytest.raises(UsageError, match="a level of 95 is not"):
        analyze_scaling_law(table, "n", "loss", level=95)
    with pytest.raises(UsageError, match="the bootstrap has to draw"):
        analyze_scaling_law(table, "n", "loss", resamples=0)
