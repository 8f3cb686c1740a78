"""`gxt tree`: the evolution of ideas, readable at any size and depth."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.cli.scratch import Terminal, add_runs, new_repository, normal, tagged
from tests.cli.test_json import SINGLE
from tests.conftest import data, gxt

WHOLE = """\
run         name         status  val/acc  change
exp-001     baseline                0.55
├─ exp-004  fails        failed
├─ exp-005  wider                  0.525  −0.025 worse, n=1
exp-002     higher rate             0.65  +0.1 better, n=1
exp-003     lower rate             0.525  −0.125 worse, n=1

exp-006     baseline
"""


def test_the_metric_and_its_change_from_the_parent(history: Path) -> None:
    done = gxt(history, "tree")
    assert (done.stdout, done.stderr) == (WHOLE, "")


def test_another_metric(history: Path) -> None:
    assert (
        gxt(history, "tree", "--metric", "train_loss").stdout
        == """\
run         name         status  train_loss  change
exp-001     baseline                 3.3333
├─ exp-004  fails        failed
├─ exp-005  wider                    6.6667  +3.33 worse, n=1
exp-002     higher rate              1.1111  −2.22 better, n=1
exp-003     lower rate               6.6667  +5.56 worse, n=1

exp-006     baseline
"""
    )


def test_what_derives_from_one_run(history: Path) -> None:
    assert (
        gxt(history, "tree", "2").stdout
        == """\
run      name         val/acc  change
exp-002  higher rate     0.65  +0.1 better, n=1
exp-003  lower rate     0.525  −0.125 worse, n=1
"""
    )


def test_a_limit_says_how_many_it_leaves_out(history: Path) -> None:
    assert (
        gxt(history, "tree", "--limit", "2").stdout
        == """\
run      name      val/acc  change
exp-005  wider       0.525  −0.025 worse, n=1

exp-006  baseline

4 older runs: gxt tree --limit N shows more
"""
    )
    assert gxt(history, "tree", "2", "--limit", "1").stdout.splitlines()[-1] == (
        "1 older run: gxt tree --limit N shows more"
    )


def test_a_metric_that_no_run_has(history: Path) -> None:
    done = gxt(history, "tree", "--metric", "acc", code=2)
    assert done.stderr == "gxt: no run has a metric 'acc'\n     there are train_loss, val/acc, odd\n"


def test_an_empty_repository(repo: Path) -> None:
    done = gxt(repo, "tree")
    assert (done.stdout, done.stderr) == ("", "no runs yet: gxt run -- python train.py\n")
    assert data(repo, "tree") == []


def test_better_is_green_and_worse_is_red(history: Path) -> None:
    assert tagged(Terminal(history, 80).show("tree")).splitlines()[1:] == [
        "<cyan>exp-001</>     baseline                0.55",
        "<cyan>├─ exp-004</>  fails        <red>failed</>",
        "<cyan>├─ exp-005</>  wider                  <red>0.525</>  <red>−0.025 worse, n=1</>",
        "<cyan>exp-002</>     higher rate             <green>0.65</>  <green>+0.1 better, n=1</>",
        "<cyan>exp-003</>     lower rate             <red>0.525</>  <red>−0.125 worse, n=1</>",
        "",
        "<cyan>exp-006</>     baseline",
    ]


def test_json_nests_children_and_judges_each(history: Path) -> None:
    trees = json.loads(normal(json.dumps(data(history, "tree"))))

    def node(id_: str, name: str | None, metric: float | None, *judged: object) -> dict[str, object]:
        change, verdict, *children = judged or (None, None)
        facts = {"id": id_, "uid": "<uid>", "name": name, "status": "completed", "metric": metric}
        evidence = None if change is None else SINGLE
        told = {"change": change, "verdict": verdict, "evidence": evidence, "repeats": None}
        return {**facts, **told, "children": children}

    lower = node("exp-003", None, 0.525, -0.125, "worse")
    higher = node("exp-002", None, 0.65, 0.65 - 0.55, "better", lower)
    fails = {**node("exp-004", "fails", None), "status": "failed"}
    wider = node("exp-005", "wider", 0.525, 0.525 - 0.55, "worse")
    assert trees == [
        node("exp-001", "baseline", 0.55, None, None, higher, fails, wider),
        node("exp-006", "baseline", None),
    ]


@pytest.fixture(scope="module")
def forest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """500 runs: a chain of 200, a comb of 200 on its middle, and 100 binary ones; nobody writes to it."""
    chain = [None, *range(199)]
    comb = [100] * 200
    binary = [None, *(400 + (i - 1) // 2 for i in range(1, 100))]
    repo = new_repository(tmp_path_factory.mktemp("forest") / "repo")
    add_runs(repo, [*chain, *comb, *binary], [float(i % 7) for i in range(500)])
    return repo


def test_500_runs_stay_narrow_and_shallow(forest: Path) -> None:
    lines = gxt(forest, "tree").stdout.splitlines()
    shown = [line for line in lines[1:] if line]
    assert len(shown) == 500
    assert max(map(len, lines)) <= 60
    assert max(line.index("exp-") for line in shown) <= 3 * 6
    places = {line[line.index("exp-") :].split()[0]: at for at, line in enumerate(lines) if "exp-" in line}
    assert len(places) == 500
    # a run never stands above its parent
    assert all(places[f"exp-{i:03d}"] < places[f"exp-{i + 1:03d}"] for i in range(1, 200))


def test_a_chain_has_no_indentation(tmp_path: Path) -> None:
    repo = new_repository(tmp_path / "repo")
    add_runs(repo, [None, *range(199)])
    lines = gxt(repo, "tree").stdout.splitlines()
    assert lines == ["run      name", *(f"exp-{i:03d}  train" for i in range(1, 201))]


def test_a_chain_of_2000_nests_in_json(tmp_path: Path) -> None:
    repo = new_repository(tmp_path / "repo")
    add_runs(repo, [None, *range(1999)])
    text = gxt(repo, "tree", "--json").stdout
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        at = json.loads(text)["data"]
    finally:
        sys.setrecursionlimit(limit)
    ids = []
    while at:
        ids.append(at[0]["id"])
        at = at[0]["children"]
    assert ids == [f"exp-{i:03d}" for i in range(1, 2001)]


def test_every_line_fits_a_narrow_terminal(forest: Path, history: Path) -> None:
    for where, width in ((forest, 40), (history, 36), (history, 60)):
        lines = Terminal(where, width).show("tree", NO_COLOR="1").splitlines()
        assert max(map(len, lines)) <= width
    assert (
        Terminal(history, 48).show("tree", NO_COLOR="1")
        == """\
run         name      val/acc  change
exp-001     baseline     0.55
├─ exp-004  fails
├─ exp-005  wider       0.525  −0.025 worse, n=1
exp-002     higher …     0.65  +0.1 better, n=1
exp-003     lower r…    0.525  −0.125 worse, n=1

exp-006     baseline
"""
    )
