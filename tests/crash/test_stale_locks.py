"""Locks that a killed git left: ours are cleared away, others are named; a run is never lost to one."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from gxt.store.places import EXPERIMENTS
from tests.conftest import data, git, gxt
from tests.crash.conftest import check_sound, live_directory, notices


def plant(repo: Path, lock: str, *, age_s: float) -> Path:
    """A lock file, as old as that."""
    path = repo / ".git" / lock
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (time.time() - age_s,) * 2)
    return path


@pytest.mark.parametrize(
    "lock",
    [
        f"{EXPERIMENTS}.lock",
        "refs/notes/gxt/config.lock",
        "refs/notes/gxt/metrics.lock",
        "refs/gxt/tmp/01JD0000000000000000000000/run.lock",
    ],
)
def test_a_stale_lock_of_ours_is_removed_by_the_next_run(repo: Path, lock: str) -> None:
    gxt(repo, "run", "-q", "--", "true")
    planted = plant(repo, lock, age_s=10)
    gxt(repo, "run", "-q", "--", "true")
    assert [run["id"] for run in data(repo, "list")] == ["exp-002", "exp-001"]
    assert not planted.exists()
    check_sound(repo)


def test_stale_locks_of_the_dead_run_itself_do_not_keep_it_from_being_sealed(dead: Path) -> None:
    uid = live_directory(dead).name
    git(dead, "update-ref", f"refs/gxt/tmp/{uid}/entry", "HEAD")
    for ref in (f"live/{uid}", *(f"tmp/{uid}/{what}" for what in ("run", "entry", "config", "metrics"))):
        plant(dead, f"refs/gxt/{ref}.lock", age_s=10)
    assert notices(dead, "list") == ["exp-002 was interrupted: everything it had logged is kept"]
    check_sound(dead)


def test_a_fresh_lock_is_waited_for_and_then_is_stale(repo: Path) -> None:
    """One that a git left this moment: the same command outlives the two seconds."""
    gxt(repo, "run", "-q", "--", "true")
    plant(repo, f"{EXPERIMENTS}.lock", age_s=1)
    gxt(repo, "run", "-q", "--", "true")
    assert [run["id"] for run in data(repo, "list")] == ["exp-002", "exp-001"]
    check_sound(repo)


def test_a_lock_of_others_is_named_and_the_run_is_sealed_all_the_same(repo: Path) -> None:
    gxt(repo, "run", "-q", "--", "true")
    lock = plant(repo, "packed-refs.lock", age_s=100)
    gxt(repo, "run", "--", "sh", "-c", "echo printed")
    assert [re.sub(r"is 1\d\d s old", "is 100 s old", said) for said in notices(repo, "list")] == [
        f"{lock} is 100 s old: if no git is running, remove it: rm {lock}"
    ]
    assert [(run["id"], run["status"]) for run in data(repo, "list")] == [
        ("exp-002", "completed"),
        ("exp-001", "completed"),
    ]
    assert lock.exists(), "it is not ours to remove"
    lock.unlink()
    assert notices(repo, "list") == []
    assert [line["text"] for line in data(repo, "output", "2")["lines"]] == ["printed"]
    check_sound(repo)


def test_refs_of_a_killed_start_are_found_where_somebody_has_packed_them(repo: Path) -> None:
    """Nothing else of the run is there: the process died before it could make a directory for it."""
    gxt(repo, "run", "-q", "--", "true")
    uid = "01JD0000000000000000000000"
    for ref in (f"refs/gxt/live/{uid}", f"refs/gxt/tmp/{uid}/run"):
        git(repo, "update-ref", ref, "HEAD")
    git(repo, "pack-refs", "--all")
    assert not (repo / ".git/refs/gxt/live" / uid).exists()
    gxt(repo, "list")
    assert git(repo, "for-each-ref", "refs/gxt/live", "refs/gxt/tmp") == ""
    check_sound(repo)
