"""Histories that the benchmarks make up are what gxt itself would have written."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bench.generate import generate
from tests.conftest import data, git, gxt

RUNS = 30
TRAIN = "import gxt; gxt.log({'val/acc': 0.5}); print('trained')"


@pytest.fixture
def generated(tmp_path: Path) -> Path:
    """A repository with 30 runs that never ran."""
    generate(tmp_path / "generated", RUNS, files=3)
    return tmp_path / "generated"


def _documents(repo: Path, number: int) -> dict[str, Any]:
    place = f"refs/gxt/experiments:exp-0xx/exp-{number:03d}"
    return {
        name: json.loads(git(repo, "show", f"{place}/{name}.json"))
        for name in ("config", "environment", "metrics")
    }


def _keys(value: object) -> object:
    """The shape of a document: its keys in order, without what users name themselves."""
    if not isinstance(value, dict):
        return None
    return {
        key: None if key in {"params", "packages", "variables", "metrics"} else _keys(one)
        for key, one in value.items()
    }


def test_every_run_is_listed_with_what_it_was_given(generated: Path) -> None:
    runs = data(generated, "list")
    assert [run["id"] for run in runs] == [f"exp-{number:03d}" for number in range(RUNS, 0, -1)]
    assert {run["status"] for run in runs} <= {"completed", "failed", "interrupted"}
    for run in runs:
        assert sorted(run["params"]) == ["batch_size", "epochs", "lr", "model", "optimizer", "seed"]
        assert run["parent"] is None or run["parent"] < run["id"]
        assert list(run["metrics"]) == ["train/loss", "val/loss", "val/acc", "lr"]
        assert git(generated, "rev-parse", f"{run['commit']}^{{tree}}") == run["code"]["tree"]


def test_the_tree_holds_every_run_below_its_parent(generated: Path) -> None:
    parents = {run["id"]: run["parent"] for run in data(generated, "list")}
    found: dict[str, str | None] = {}

    def walk(nodes: list[Any], parent: str | None) -> None:
        for node in nodes:
            found[node["id"]] = parent
            walk(node["children"], node["id"])

    walk(data(generated, "tree"), None)
    assert found == parents


def test_a_run_shows_its_series_and_its_console(generated: Path) -> None:
    run = data(generated, "show", "17", "--series")
    assert {name: len(one["value"]) for name, one in run["series"].items()} == {
        name: stats["count"] for name, stats in run["metric_stats"].items()
    }
    lines = data(generated, "output", "17")["lines"]
    assert [line["text"] for line in lines[1:]] == [f"epoch {number}" for number in range(12)]


def test_documents_have_the_shape_of_recorded_ones(generated: Path) -> None:
    gxt(generated, "run", "--", sys.executable, "-c", TRAIN)
    made, recorded = _documents(generated, RUNS), _documents(generated, RUNS + 1)
    assert {name: _keys(one) for name, one in made.items()} == {
        name: _keys(one) for name, one in recorded.items()
    }
    files = [
        set(git(generated, "ls-tree", "--name-only", f"refs/gxt/experiments:exp-0xx/{run}").splitlines())
        for run in ("exp-030", "exp-031")
    ]
    assert files[0] - {"annotations.jsonl"} == files[1]


def test_plain_git_finds_nothing_wrong(generated: Path) -> None:
    assert git(generated, "fsck", "--strict", "--no-dangling") == ""
    assert git(generated, "status", "--porcelain") == ""
    refs = git(generated, "for-each-ref", "--format=%(refname)").splitlines()
    assert refs == [
        "refs/gxt/experiments",
        "refs/heads/main",
        "refs/notes/gxt/annotations",
        "refs/notes/gxt/config",
        "refs/notes/gxt/metrics",
    ]


def test_notes_show_the_tip_and_hold_the_blobs_of_the_tree(generated: Path) -> None:
    tip = git(generated, "rev-parse", "refs/gxt/experiments")
    for kind in ("config", "metrics", "annotations"):
        trailer = git(
            generated, "log", "-1", "--format=%(trailers:key=Experiments,valueonly)", f"refs/notes/gxt/{kind}"
        )
        assert trailer.strip() == tip
    commit = git(generated, "rev-parse", f"{tip}:exp-0xx/exp-012/run")
    for kind in ("config", "metrics"):
        assert git(generated, "notes", f"--ref=gxt/{kind}", "show", commit) == git(
            generated, "show", f"{tip}:exp-0xx/exp-012/{kind}.json"
        )
    assert len(git(generated, "notes", "--ref=gxt/config", "list").splitlines()) == RUNS


def test_one_more_run_adds_one_note(generated: Path) -> None:
    before = git(generated, "rev-parse", "refs/notes/gxt/config")
    gxt(generated, "run", "--", sys.executable, "-c", TRAIN)
    run = data(generated, "show")
    assert run["id"] == "exp-031"
    assert git(generated, "rev-parse", "refs/notes/gxt/config^") == before
    changed = git(generated, "diff", "--name-status", before, "refs/notes/gxt/config")
    assert changed == f"A\t{run['commit'][:2]}/{run['commit'][2:]}"
