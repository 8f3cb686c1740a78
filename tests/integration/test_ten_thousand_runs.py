"""Runs on both sides of number 10,000, where shards move into shards of ten thousand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import data, git, gxt

BORDER = ["exp-9999", "exp-10000", "exp-10001"]


@pytest.fixture
def border(repo: Path) -> Path:
    """A repository whose first run is followed by those with the numbers 9,999 to 10,001."""
    gxt(repo, "run", "-q", "--name", "old", "--", "true")
    entry = "refs/gxt/experiments"
    stream = f"commit {entry}\ncommitter A <a@b.c> 1700000000 +0000\ndata 2\ne\nfrom {entry}^0\n"
    git(
        repo, "fast-import", "--quiet", stdin=f"{stream}M 100644 inline next\ndata 5\n9999\n\ndone\n"
    )  # as if 9,997 more had been reserved
    for lr in ("0.1", "0.2", "0.3"):
        command = ["sh", "-c", f'echo "{{\\"acc\\": {lr}}}" > m.json']
        gxt(
            repo,
            "run",
            "-q",
            "--name",
            f"lr {lr}",
            "--set",
            f"lr={lr}",
            "--metrics",
            "m.json",
            "--",
            *command,
        )
    return repo


def test_the_numbers_go_on_over_the_border_and_each_run_lies_in_its_shard(border: Path) -> None:
    paths = git(border, "ls-tree", "-r", "--name-only", "refs/gxt/experiments").splitlines()
    assert [path for path in paths if path.endswith("/run")] == [
        "exp-0xx/exp-001/run",
        "exp-1xxxx/exp-100xx/exp-10000/run",
        "exp-1xxxx/exp-100xx/exp-10001/run",
        "exp-99xx/exp-9999/run",
    ]
    assert git(border, "show", "refs/gxt/experiments:next") == "10002"
    assert git(border, "fsck", "--strict", "--no-dangling") == ""


def test_runs_on_both_sides_are_listed_in_the_order_of_their_numbers(border: Path) -> None:
    newest_first = [*reversed(BORDER), "exp-001"]
    assert [run["id"] for run in data(border, "list")] == newest_first
    assert gxt(border, "list", "--columns", "id,parent,acc").stdout == (
        "id         parent     acc\n"
        "exp-10001  exp-10000  0.3\n"
        "exp-10000  exp-9999   0.2\n"
        "exp-9999   exp-001    0.1\n"
        "exp-001\n"
    )
    for index in (border / ".git" / "gxt").glob("index-*"):
        index.unlink()
    assert [run["id"] for run in data(border, "list")] == newest_first


def test_an_index_is_brought_up_to_date_beyond_the_border(border: Path) -> None:
    assert data(border, "list", "--limit", "1")[0]["id"] == "exp-10001"
    gxt(border, "run", "-q", "--", "true")
    assert [run["id"] for run in data(border, "list", "--limit", "2")] == ["exp-10002", "exp-10001"]


@pytest.mark.parametrize("name", ["exp-10000", "10000", "@~1"])
def test_a_run_beyond_the_border_goes_by_its_usual_names(border: Path, name: str) -> None:
    run = data(border, "show", name)
    assert (run["id"], run["parent"], run["params"]["lr"]) == ("exp-10000", "exp-9999", 0.2)


def test_runs_are_compared_over_the_border(border: Path) -> None:
    assert gxt(border, "diff", "9999", "10000").stdout == (
        "exp-9999  lr 0.1  →  exp-10000  lr 0.2\n"
        "\n"
        "Metrics\n"
        "  metric  exp-9999  exp-10000  change\n"
        "  acc          0.1        0.2    +0.1  better, n=1\n"
        "\n"
        "Parameters\n"
        "  lr  0.1 → 0.2\n"
        "\n"
        "Code\n"
        "  m.json       +1  −0\n"
        "  params.yaml  +1  −1\n"
    )
    assert [run["id"] for run in data(border, "compare", *BORDER)] == BORDER
    assert [root["id"] for root in data(border, "tree")] == ["exp-001"]
