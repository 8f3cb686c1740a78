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

RUNS = 6
RECORD = f"""
import sys
import gxt

for number in range({RUNS}):
    with gxt.init(config={{"worker": int(sys.argv[1]), "number": number}}) as run:
        for step in range(5):
            run.log({{"loss": int(sys.argv[1]) + number / 8 + step / 64}}, step=step)
"""


def disturb(repo: Path, until: threading.Event, failures: list[str]) -> None:
    """What a team member does meanwhile, one after the other until it is over."""
    for number in range(10_000):
        for words in (
            ("gc", "--quiet", "--prune=now"),
            ("commit", "--quiet", "--allow-empty", "-m", f"commit {number}"),
            ("pack-refs", "--all"),
        ):
            done = subprocess.run(["git", *words], cwd=repo, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                failures.append(f"git {' '.join(words)}: {done.stderr}")
            if until.is_set():
                return


@pytest.fixture
def worktrees(repo: Path) -> list[Path]:
    """Two work trees of one repository, each with an edit and a new file that are in no commit."""
    other = repo.parent / "other"
    git(repo, "worktree", "add", "-q", "-b", "other", str(other))
    for root in (repo, other):
        (root / "train.py").write_text(f"print({root.name!r})\n")
        (root / "new.py").write_text(f"name = {root.name!r}\n")
    return [repo, other]


def test_runs_of_several_processes_in_two_work_trees_beside_gc(worktrees: list[Path]) -> None:
    repo = worktrees[0]
    over, failures = threading.Event(), list[str]()
    disturber = threading.Thread(target=disturb, args=(repo, over, failures))
    disturber.start()
    try:
        workers = [
            subprocess.Popen(
                [sys.executable, "-c", RECORD, str(worker)],
                cwd=worktrees[worker % 2],
                stderr=subprocess.PIPE,
                text=True,
            )
            for worker in range(4)
        ]
        said = [worker.communicate()[1] for worker in workers]
    finally:
        over.set()
        disturber.join()
    assert said == [""] * 4
    assert [worker.returncode for worker in workers] == [0] * 4
    runs = data(repo, "list")
    check_runs(repo, runs)
    recorded = {git(repo, "show", f"{run['commit']}:train.py") for run in runs}
    assert recorded == {"print('repo')", "print('other')"}
    assert [text for text in failures if "missing" in text or "corrupt" in text] == []


def check_runs(repo: Path, runs: list[dict[str, Any]]) -> None:
    """Every run once, with a number of its own, and what its worker logged."""
    assert sorted(run["id"] for run in runs) == [f"exp-{n:03d}" for n in range(1, 4 * RUNS + 1)]
    assert {run["status"] for run in runs} == {"completed"}
    found = {(run["params"]["worker"], run["params"]["number"]): run["metrics"] for run in runs}
    assert found == {
        (worker, number): {"loss": worker + number / 8 + 4 / 64}
        for worker in range(4)
        for number in range(RUNS)
    }
    assert sealed_numbers(repo) == list(range(1, 4 * RUNS + 1))
    assert len(run_uids(repo)) == 4 * RUNS
    check_sound(repo)


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
