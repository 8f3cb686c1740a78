"""A long list is laid out once and kept in the index; nobody can tell."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.bench.generate import generate
from tests.conftest import git, gxt

RUNS = 600


@pytest.fixture
def long(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with 600 runs, made once."""
    made = tmp_path_factory.getbasetemp() / "long"
    if not made.exists():
        generate(made, RUNS)
    return shutil.copytree(made, tmp_path / "long")


def kept(repo: Path) -> int:
    with sqlite3.connect(repo / ".git/gxt/index-10.sqlite") as db:
        count: int = db.execute("SELECT count(DISTINCT key) FROM views").fetchone()[0]
        return count


def fresh(repo: Path, *words: str, zone: str = "UTC") -> str:
    """The list as a clone that has no index prints it."""
    shutil.rmtree(repo / ".git/gxt")
    return gxt(repo, "list", *words, TZ=zone).stdout


def test_a_kept_list_is_the_list(long: Path) -> None:
    first = gxt(long, "list", TZ="UTC").stdout
    assert first.count("\n") == RUNS + 1
    assert kept(long) == 1
    assert gxt(long, "list", TZ="UTC").stdout == first
    assert fresh(long) == first


def test_a_kept_list_as_json_is_the_list(long: Path) -> None:
    first = gxt(long, "list", "--json").stdout
    assert len(json.loads(first)["data"]) == RUNS
    assert kept(long) == 1
    assert gxt(long, "list", "--json").stdout == first
    assert len(json.loads(gxt(long, "list", "--json", "--limit", "599").stdout)["data"]) == RUNS - 1
    assert kept(long) == 2
    assert fresh(long, "--json") == first


@pytest.mark.parametrize("change", ["zone", "metric", "run", "goal"])
def test_what_a_list_depends_on_makes_it_anew(long: Path, change: str) -> None:
    before = gxt(long, "list", TZ="UTC").stdout
    zone = "UTC"
    if change == "zone":
        zone = "Asia/Tokyo"
    elif change == "metric":
        git(long, "config", "gxt.metric", "lr")
    elif change == "goal":
        git(long, "config", "gxt.train/loss.goal", "max")
    else:
        gxt(long, "run", "-q", "--", "true")
    after = gxt(long, "list", TZ=zone).stdout
    assert (after != before) == (change != "goal")
    assert after == fresh(long, zone=zone)


def test_a_short_list_is_not_kept(long: Path) -> None:
    gxt(long, "list", "--limit", "10")
    assert kept(long) == 0
