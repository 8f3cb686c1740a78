"""A clock that jumps: by a day back in the middle of a run, and between two runs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import data, git, gxt
from tests.crash.conftest import EXPERIMENTS, check_sound, sealed_numbers

DAY_S = 86_400

# What Python loads before anything else: every look at the clock is off by what the file says.
SITE = """
import os, time
from pathlib import Path

real_time, real_time_ns = time.time, time.time_ns

def offset_s():
    return int(Path(os.environ["TEST_CLOCK"]).read_text())

time.time = lambda: real_time() + offset_s()
time.time_ns = lambda: real_time_ns() + offset_s() * 10**9
"""
TRAINING = f"""
import os
from pathlib import Path
import gxt

gxt.log({{"loss": 1.0}}, step=0)
Path(os.environ["TEST_CLOCK"]).write_text("-{DAY_S}")
gxt.log({{"loss": 0.5}}, step=1)
"""


@pytest.fixture
def clock(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that says by how many seconds the clock of every gxt is off."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(SITE)
    path = tmp_path / "clock"
    path.write_text("0")
    (repo / "train.py").write_text(TRAINING)
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.setenv("TEST_CLOCK", str(path))
    return path


@pytest.mark.parametrize(
    "before", [["-m", "gxt", "run", "-q", "--", sys.executable], []], ids=["wrapped", "alone"]
)
def test_a_clock_that_jumps_back_during_a_run(repo: Path, clock: Path, before: list[str]) -> None:
    subprocess.run([sys.executable, *before, "train.py"], cwd=repo, check=True)
    (run,) = data(repo, "list")
    assert (run["status"], run["metrics"]) == ("completed", {"loss": 0.5})
    assert 0 < run["duration_s"] < 60
    assert data(repo, "show", "--series")["series"]["loss"]["step"] == [0, 1]
    check_sound(repo)


def test_runs_before_and_after_a_jump_keep_their_order(repo: Path, clock: Path) -> None:
    gxt(repo, "run", "-q", "--", "true")
    clock.write_text(str(-DAY_S))
    gxt(repo, "run", "-q", "--", "true")
    clock.write_text(str(DAY_S))
    gxt(repo, "run", "-q", "--", "true")
    runs = data(repo, "list")
    assert [(run["id"], run["parent"]) for run in runs] == [
        ("exp-003", "exp-002"),
        ("exp-002", "exp-001"),
        ("exp-001", None),
    ]
    assert runs[1]["created"] < runs[2]["created"] < runs[0]["created"]
    assert sealed_numbers(repo) == [1, 2, 3]
    assert gxt(repo, "doctor").returncode == 0
    check_sound(repo)


def test_a_stale_lock_from_the_future_is_stale_all_the_same(repo: Path) -> None:
    gxt(repo, "run", "-q", "--", "true")
    lock = repo / ".git" / f"{EXPERIMENTS}.lock"
    lock.touch()
    os.utime(lock, (time.time() + DAY_S,) * 2)
    gxt(repo, "run", "-q", "--", "true")
    assert sealed_numbers(repo) == [1, 2]
    assert not lock.exists()
    assert git(repo, "fsck", "--no-dangling") == ""
    check_sound(repo)
