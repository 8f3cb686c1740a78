"""Conditions, orders and trees over a long history: from the columns of the index as run by run."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gxt.git.objects import GitObject, ObjectReader
from gxt.model.fields import parse_sort, sort_runs
from gxt.model.query import parse_where
from gxt.ops.listing import ListRequest, list_runs
from gxt.ops.tree import tree
from gxt.ops.workspace import open_workspace
from tests.bench.generate import generate
from tests.conftest import data, git, gxt

RUNS = 600  # more than two parts of 256
CONDITIONS = (
    'metrics["val/acc"] > 0.5',
    "params.model.type == 'cnn' and params.lr < 0.01 or status != 'completed'",
    "not (params.only_once == 1)",
    "'candidate' in tags and duration_s > 600",
    "parent == 'exp-300' or id in ['exp-001', 'exp-256', 'exp-512']",
    "parent == null",
    "environment.cpu_count == 64 and code.branch == 'main' and parent_uid != none",
)
ORDERS = ("-val/acc", "duration_s", "params.model.type", "only_once", "parent")


@pytest.fixture
def many(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with 600 runs of which some are gone or damaged, and one more with a fact of its own."""
    made = tmp_path_factory.getbasetemp() / "many"
    if not made.exists():
        generate(made, RUNS)
        ref = "refs/gxt/experiments"
        changes = "D exp-2xx/exp-257\nD exp-4xx/exp-400/metrics.json\n"
        commit = f"commit {ref}\ncommitter A <a@b.c> 1800000000 +0000\ndata 2\ne\nfrom {ref}^0\n{changes}\n"
        git(made, "fast-import", "--quiet", stdin=f"{commit}done\n")
        run_with(made, 1)
    return shutil.copytree(made, tmp_path / "many")


def run_with(repo: Path, value: int) -> None:
    (repo / "params.yaml").write_text(f"only_once: {value}\n")
    gxt(repo, "run", "-q", "--", "true")


def index(repo: Path) -> sqlite3.Connection:
    (path,) = (repo / ".git/gxt").glob("index-*.sqlite")
    return sqlite3.connect(path, isolation_level=None)


def ids(runs: list[Any]) -> list[str]:
    return [str(run["id"]) for run in runs]


def test_a_condition_finds_what_it_finds_run_by_run(many: Path) -> None:
    workspace = open_workspace(many)
    runs = list_runs(workspace, ListRequest()).runs
    assert len(runs) == RUNS - 1
    for condition in CONDITIONS:
        expected = [run for run in runs if parse_where(condition)(run)]
        assert 0 < len(expected) < len(runs)
        for _ in ("made", "kept"):
            assert list_runs(workspace, ListRequest(where=condition)).runs == expected, condition


def test_an_order_is_what_it_is_run_by_run(many: Path) -> None:
    workspace = open_workspace(many)
    runs = list_runs(workspace, ListRequest()).runs
    for order in ORDERS:
        expected = ids(sort_runs(runs, *parse_sort(order)))
        for _ in ("made", "kept"):
            assert ids(list_runs(workspace, ListRequest(sort=order)).runs) == expected, order
        assert ids(list_runs(workspace, ListRequest(sort=order, limit=7)).runs) == expected[:7]


def test_columns_follow_new_runs(many: Path) -> None:
    words = ["list", "--where", "params.only_once >= 1"]
    assert ids(data(many, *words)) == ["exp-601"]
    run_with(many, 2)
    assert ids(data(many, *words)) == ["exp-602", "exp-601"]
    with closing(index(many)) as db:
        names = db.execute("SELECT name, count(*) FROM facts GROUP BY name").fetchall()
    assert names == [('["params","only_once"]', 3)]


def test_a_warm_condition_and_order_read_nothing_but_what_they_print(many: Path) -> None:
    words = [
        "list",
        "--where",
        'metrics["val/acc"] > 0.5',
        "--sort=-val/acc",
        "--tag",
        "candidate",
        "--limit",
        "3",
    ]
    expected = gxt(many, *words).stdout
    assert expected.count("\n") == 4
    with closing(index(many)) as db:
        # the newest tells which names there are
        db.execute("UPDATE docs SET doc = 'no run' WHERE number < 601")
    assert gxt(many, *words).stdout == expected


def test_columns_that_are_damaged_are_made_anew(many: Path) -> None:
    words = ["list", "--where", 'metrics["val/acc"] > 0.5']
    expected = gxt(many, *words).stdout
    for cells in ("1,2,3", "no JSON", ""):
        with closing(index(many)) as db:
            db.execute("UPDATE facts SET cells = ? WHERE part = 1", (cells,))
        assert gxt(many, *words).stdout == expected


def test_only_so_many_columns_are_kept(many: Path) -> None:
    condition = " or ".join(f"params.name{i} != 1" for i in range(70))
    assert "no run has params.name0" in gxt(many, "list", "--where", condition, code=2).stderr
    gxt(many, "list", "--where", "params.seed == 1")
    with closing(index(many)) as db:
        assert db.execute("SELECT count(DISTINCT name) FROM facts").fetchone()[0] <= 71


def test_conditions_work_where_nothing_can_be_kept(many: Path) -> None:
    words = ["list", "--where", 'metrics["val/acc"] > 0.5']
    gxt(many, "list")
    with closing(index(many)) as busy:
        busy.execute("PRAGMA locking_mode = EXCLUSIVE")
        expected = gxt(many, *words).stdout
    shutil.rmtree(many / ".git/gxt")
    assert gxt(many, *words).stdout == expected


def _objects_read(monkeypatch: pytest.MonkeyPatch) -> list[GitObject | None]:
    read: list[GitObject | None] = []
    original = ObjectReader.read_many

    def counted(self: ObjectReader, names: list[str]) -> Iterator[GitObject | None]:
        for found in original(self, names):
            read.append(found)
            yield found

    monkeypatch.setattr(ObjectReader, "read_many", counted)
    return read


def test_one_more_run_opens_the_objects_of_one_run(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = ListRequest(where="params.seed == 1", limit=3)
    list_runs(open_workspace(many), where)
    gxt(many, "run", "-q", "--", "true")
    read = _objects_read(monkeypatch)
    list_runs(open_workspace(many), ListRequest(limit=3))
    # the tip with its tree and two facts; the trees of two tips down to the run, in two pieces; its documents
    # for its row, and again for its text
    assert len(read) <= 24
    read.clear()
    list_runs(open_workspace(many), where)
    assert len(read) <= 8  # the text of a single run was not kept: that would cost a transaction
    read.clear()
    list_runs(open_workspace(many), where)
    assert len(read) == 4


def test_a_limited_tree_is_the_end_of_the_whole_one(many: Path) -> None:
    workspace = open_workspace(many)
    whole, part = tree(workspace), tree(workspace, limit=50)
    newest = sorted(whole.nodes, key=lambda uid: str(whole.nodes[uid].run["id"]), reverse=True)[:50]
    assert {uid: whole.nodes[uid] for uid in newest} == dict(part.nodes)
    assert part.hidden == RUNS - 1 - 50
    root = str(next(iter(whole.nodes.values())).run["id"])
    below, limited = tree(workspace, root), tree(workspace, root, limit=5)
    assert len(below.nodes) > 50
    assert list(limited.nodes) == list(below.nodes)[-5:]
    assert limited.hidden == len(below.nodes) - 5
