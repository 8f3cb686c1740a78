"""SIGKILL for gxt at every git process of a run's life: each run is there once, whole or interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import data, git, gxt
from tests.crash.conftest import check_sound, fake_git, run_uids, sealed_numbers

# `$PPID` is gxt. Each git process takes the next number; the chosen one has gxt killed before it starts
# (and never starts), before it starts (and still does its work, as an orphan), or when it has ended.
GIT = """#!/bin/sh
n=$(($(cat "$GXT_TEST_COUNT") + 1))
echo $n >"$GXT_TEST_COUNT"
[ "$n" = "$GXT_TEST_KILL_AT" ] || exec "$GXT_TEST_GIT" "$@"
case $GXT_TEST_WHEN in
before) kill -9 $PPID; exit 1 ;;
orphan) kill -9 $PPID; exec "$GXT_TEST_GIT" "$@" ;;
after) "$GXT_TEST_GIT" "$@"; code=$?; kill -9 $PPID; exit $code ;;
esac
"""
COMMAND = ["sh", "-c", """echo printed; echo '{"acc": 0.5}' >metrics.json"""]


def run_and_kill(repo: Path, folder: Path, *, at: int, when: str) -> tuple[int, list[str]]:
    """`gxt run`, killed at a git call. Returns its exit code, and the lines that it said."""
    program = fake_git(folder, GIT)
    (folder / "count").write_text("0\n")
    # A file, not a pipe: an orphaned git must not keep us waiting for the end of what is said.
    with (folder / "said").open("w+") as said:
        done = subprocess.run(
            [sys.executable, "-m", "gxt", "run", "--metrics", "metrics.json", "--", *COMMAND],
            cwd=repo,
            env={
                **os.environ,
                **program,
                "GXT_TEST_COUNT": str(folder / "count"),
                "GXT_TEST_KILL_AT": str(at),
                "GXT_TEST_WHEN": when,
            },
            stdout=subprocess.DEVNULL,
            stderr=said,
            check=False,
        )
        said.seek(0)
        return done.returncode, said.read().splitlines()


@pytest.mark.parametrize("when", ["before", "orphan", "after"])
def test_a_run_killed_at_any_git_call_is_recorded_once(repo: Path, tmp_path: Path, when: str) -> None:
    began = ended = 0
    for at in range(1, 30):
        (repo / "train.py").write_text(f"print({at})\n")  # a snapshot of its own each time
        code, said = run_and_kill(repo, tmp_path / str(at), at=at, when=when)
        began += any(line.startswith("exp-") and "completed" not in line for line in said)
        ended += any(line.startswith("exp-") and "completed" in line for line in said)
        runs = data(repo, "list")
        assert code in {0, -signal.SIGKILL}
        assert began <= len(runs) <= at
        assert sum(run["status"] == "completed" for run in runs) >= ended
        assert {run["status"] for run in runs} <= {"completed", "interrupted"}
        assert sealed_numbers(repo) == list(range(1, len(runs) + 1))
        if code == 0:
            break
    assert code == 0, "a run starts fewer git processes than this"
    assert ended == 1 if when != "after" else ended >= 1
    check_sound_after_a_run(repo, runs=len(runs))


def check_sound_after_a_run(repo: Path, *, runs: int) -> None:
    """The next run finds nothing in its way, and notes that lagged show every run again."""
    gxt(repo, "run", "-q", "--", "true")
    assert len(run_uids(repo)) == runs + 1
    check_sound(repo)
    completed = [run for run in data(repo, "list") if run["status"] == "completed"]
    assert {run["metrics"].get("acc", 0.5) for run in completed} == {0.5}
    for run in data(repo, "list"):
        assert git(repo, "rev-parse", f"{run['commit']}^{{tree}}") == run["code"]["tree"]
    assert list((repo / ".git").glob("fast_import_crash_*")) == []
