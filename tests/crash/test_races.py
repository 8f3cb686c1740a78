"""Many at once, beside gc, pack-refs and commits: every run is there, with its own number and metrics."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import data, git, gxt
from tests.crash.conftest import check_sound, run_uids, sealed_numbers

RECORD = """
import sys
import gxt

for number in range(int(sys.argv[2])):
    with gxt.init(config={"worker": int(sys.argv[1]), "number": number}) as run:
        for step in range(5):
            run.log({"loss": int(sys.argv[1]) + number / 8 + step / 64}, step=step)
"""


def disturb(repo: Path, until: threading.Event) -> None:
    """What a team member does meanwhile, one after the other until it is over.

    A gc may find a ref to what the gc before it took; what counts is what is there in the end.
    """
    for number in range(10_000):
        for words in (
            ("gc", "--quiet", "--prune=now"),
            ("commit", "--quiet", "--allow-empty", "-m", f"commit {number}"),
            ("checkout", "--quiet", "-B", "aside"),
            ("pack-refs", "--all"),
            ("fetch", "--quiet", "--no-auto-gc", "origin"),
            ("checkout", "--quiet", "-B", "main"),
        ):
            subprocess.run(["git", *words], cwd=repo, capture_output=True, check=False)
            if until.is_set():
                return


@pytest.fixture
def worktrees(repo: Path) -> list[Path]:
    """Three work trees of a repository with a remote, each with an edit and a new file of its own."""
    origin = repo.parent / "origin.git"
    git(repo, "clone", "-q", "--bare", str(repo), str(origin))
    git(repo, "remote", "add", "origin", str(origin))
    others = [repo.parent / "second", repo.parent / "third"]
    for other in others:
        git(repo, "worktree", "add", "-q", "-b", other.name, str(other))
    for root in (repo, *others):
        (root / "train.py").write_text(f"print({root.name!r})\n")
        (root / "new.py").write_text(f"name = {root.name!r}\n")
    return [repo, *others]


@pytest.mark.parametrize(("writers", "count"), [(4, 6), pytest.param(16, 50, marks=pytest.mark.long)])
def test_runs_of_several_processes_and_work_trees_beside_gc(
    worktrees: list[Path], writers: int, count: int
) -> None:
    repo = worktrees[0]
    over = threading.Event()
    disturber = threading.Thread(target=disturb, args=(repo, over))
    disturber.start()
    try:
        workers = [
            subprocess.Popen(
                [sys.executable, "-c", RECORD, str(worker), str(count)],
                cwd=worktrees[worker % 3],
                stderr=subprocess.PIPE,
                text=True,
            )
            for worker in range(writers)
        ]
        said = [worker.communicate()[1] for worker in workers]
    finally:
        over.set()
        disturber.join()
    assert said == [""] * writers
    assert [worker.returncode for worker in workers] == [0] * writers
    runs = data(repo, "list")
    check_runs(repo, runs, writers, count)
    recorded = {git(repo, "show", f"{run['commit']}:train.py") for run in runs}
    assert recorded == {"print('repo')", "print('second')", "print('third')"}


def check_runs(repo: Path, runs: list[dict[str, Any]], writers: int, count: int) -> None:
    """Every run once, with a number of its own, and what its worker logged."""
    total = writers * count
    assert sorted(run["id"] for run in runs) == [f"exp-{n:03d}" for n in range(1, total + 1)]
    assert {run["status"] for run in runs} == {"completed"}
    found = {(run["params"]["worker"], run["params"]["number"]): run["metrics"] for run in runs}
    assert found == {
        (worker, number): {"loss": worker + number / 8 + 4 / 64}
        for worker in range(writers)
        for number in range(count)
    }
    assert sealed_numbers(repo) == list(range(1, total + 1))
    assert len(run_uids(repo)) == total
    gxt(repo, "run", "-q", "--", "true")  # notes that a lock has kept back come with the next run
    check_sound(repo)
    assert data(repo, "doctor")["findings"] == []


def test_eight_wrappers_at_once(repo: Path) -> None:
    commands = [
        subprocess.Popen(
            [sys.executable, "-m", "gxt", "run", "-q", "--", "true"], cwd=repo, env=dict(os.environ)
        )
        for _ in range(8)
    ]
    assert [command.wait() for command in commands] == [0] * 8
    assert sealed_numbers(repo) == list(range(1, 9))
    gxt(repo, "list")
    check_sound(repo)
