"""A kill at each call by which `gxt gc` changes anything; the next one completes it."""

from __future__ import annotations

import shutil
import signal
import sys
from pathlib import Path

import pytest

from tests.conftest import data, git, gxt
from tests.crash.conftest import EXPERIMENTS, check_sound
from tests.crash.faults import FAULTS, KILL, UNREAL, Fault, calls_of, traced
from tests.crash.test_sharing_faults import await_orphans

pytestmark = pytest.mark.skipif(
    not shutil.which("strace") or sys.platform != "linux", reason="no strace here, or no /proc"
)

COLLECT = [sys.executable, "-m", "gxt", "gc", "--yes"]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A clone of a hub with a published run, and one that was removed before anybody saw it."""
    place = tmp_path / "place"
    place.mkdir()
    git(place, "init", "-q", "--bare", "hub.git")
    git(place, "clone", "-q", "hub.git", "ada")
    ada = place / "ada"
    git(ada, "remote", "set-url", "origin", "../hub.git")
    git(ada, "commit", "-q", "--allow-empty", "-m", "first")
    git(ada, "push", "-q", "origin", "HEAD")
    for name in ("one", "bad", "three"):
        gxt(ada, "run", "-q", "--name", name, "--", "true")
        if name == "one":
            gxt(ada, "push")
    gxt(ada, "rm", "2")
    return place


def collect_fault_by_fault(place: Path, folder: Path, fault: Fault, chosen: slice) -> None:
    """Have the fault at each of the chosen calls, each in fresh copies of the repositories."""
    expected, gone = data(place / "ada", "list"), git(place / "ada", "rev-parse", f"{EXPERIMENTS}~2^2")
    calls = calls_of(shutil.copytree(place, folder / "none") / "ada", folder, fault, COLLECT)
    assert calls[chosen]
    for call, count in calls[chosen]:
        copy = shutil.copytree(place, folder / f"{call}-{count}", symlinks=True)
        ada = copy / "ada"
        outcome = traced(ada, copy, fault.at(call, count), COLLECT)
        trace = (copy / "trace").read_text()
        if any(UNREAL.match(line) for line in trace.splitlines() if "INJECTED" in line):
            continue
        await_orphans(copy)
        try:
            assert "Traceback" not in outcome.stderr
            assert outcome.code in {0, 1, -signal.SIGKILL, 130}
            check_completed(ada, expected, gone)
        except AssertionError as error:
            raise AssertionError(f"{fault.name} at {call} {count}: {outcome}\n{trace[-500:]}") from error
        shutil.rmtree(copy)


def check_completed(ada: Path, expected: object, gone: str) -> None:
    """Nothing is lost, and the next gc leaves nothing of the removed run."""
    assert data(ada, "list") == expected
    gxt(ada, "gc", "--yes")
    assert data(ada, "list") == expected
    check_sound(ada)
    assert data(ada, "doctor")["findings"] == []
    git(ada, "gc", "-q", "--prune=now")
    assert git(ada, "cat-file", "--batch-check", stdin=gone) == f"{gone} missing"
    gxt(ada, "push")
    check_sound(ada)


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_at_any_call_of_a_collection(place: Path, tmp_path: Path, fault: Fault) -> None:
    collect_fault_by_fault(place, tmp_path / "faults", fault, slice(None))


def test_a_kill_at_some_calls_of_a_collection(place: Path, tmp_path: Path) -> None:
    collect_fault_by_fault(place, tmp_path / "faults", KILL, slice(10, None, 50))
