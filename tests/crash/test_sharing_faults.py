"""A fault at each call by which `gxt push` and `gxt pull` change anything; the next one completes it."""

from __future__ import annotations

import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import data, git, gxt
from tests.crash.conftest import EXPERIMENTS, check_notes, check_sound
from tests.crash.faults import FAULTS, KILL, UNREAL, Fault, calls_of, traced

pytestmark = pytest.mark.skipif(
    not shutil.which("strace") or sys.platform != "linux", reason="no strace here, or no /proc"
)

BOTH = pytest.mark.parametrize("verb", ["push", "pull"])


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A hub and two clones, all beside each other, that both have something new to say.

    Ada must give her run another number, and unite what is said of the one that both have.
    """
    place = tmp_path / "two"
    place.mkdir()
    git(place, "init", "-q", "--bare", "hub.git")
    git(place, "clone", "-q", "hub.git", "ada")
    git(place / "ada", "commit", "-q", "--allow-empty", "-m", "first")
    git(place / "ada", "push", "-q", "origin", "HEAD")
    git(place, "clone", "-q", "hub.git", "bob")
    for name in ("ada", "bob"):
        git(place / name, "remote", "set-url", "origin", "../hub.git")
    ada, bob = place / "ada", place / "bob"
    gxt(ada, "run", "-q", "--name", "one", "--", "true")
    gxt(ada, "push")
    gxt(bob, "pull")
    for clone in (ada, bob):
        gxt(clone, "run", "-q", "--name", f"of {clone.name}", "--", "true")
        gxt(clone, "tag", "1", clone.name)
    gxt(bob, "push")
    return place


def await_orphans(place: Path) -> None:
    """Return when nobody works there any more: a killed gxt leaves its git behind."""
    deadline = time.monotonic() + 30
    while any(is_below(cwd, place) for cwd in Path("/proc").glob("[0-9]*/cwd")):
        assert time.monotonic() < deadline, "somebody never ends"
        time.sleep(0.01)


def is_below(link: Path, place: Path) -> bool:
    with suppress(OSError):
        return link.readlink().is_relative_to(place)
    return False


def check_completed(place: Path, verb: str) -> None:
    """The next push or pull does it all, and everybody has the same in the end."""
    ada, bob, hub = place / "ada", place / "bob", place / "hub.git"
    gxt(ada, verb)
    check_sound(ada)
    expected = [
        ("exp-003", "of ada", []),
        ("exp-002", "of bob", []),
        ("exp-001", "one", ["ada", "bob"]),
    ]
    listed = data(ada, "list")
    assert [(run["id"], run["name"], run["tags"]) for run in listed] == expected
    gxt(ada, "push")
    gxt(bob, "pull")
    assert data(bob, "list") == listed
    tips = {git(repository, "rev-parse", EXPERIMENTS) for repository in (ada, bob, hub)}
    assert len(tips) == 1
    for clone in (ada, bob):
        check_sound(clone)
        assert data(clone, "doctor")["findings"] == []
    git(hub, "fsck", "--strict")
    check_notes(hub)


def fault_by_fault(two: Path, folder: Path, fault: Fault, verb: str, chosen: slice) -> None:
    """Have the fault at each of the chosen calls, each in fresh copies of the repositories."""
    words = [sys.executable, "-m", "gxt", verb]

    def copy(name: str) -> Path:
        return shutil.copytree(two, folder / name, symlinks=True)

    place = copy("none")
    calls = calls_of(place / "ada", place, fault, words)
    assert calls[chosen]
    for call, count in calls[chosen]:
        place = copy(f"{call}-{count}")
        outcome = traced(place / "ada", place, fault.at(call, count), words)
        trace = (place / "trace").read_text()
        if any(UNREAL.match(line) for line in trace.splitlines() if "INJECTED" in line):
            continue
        await_orphans(place)
        try:
            assert "Traceback" not in outcome.stderr
            assert outcome.code in {0, 1, -signal.SIGKILL, 130}
            check_completed(place, verb)
        except AssertionError as error:
            raise AssertionError(f"{fault.name} at {call} {count}: {outcome}\n{trace[-500:]}") from error
        shutil.rmtree(place)


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@BOTH
def test_a_fault_at_any_call_of_an_exchange(two: Path, tmp_path: Path, verb: str, fault: Fault) -> None:
    fault_by_fault(two, tmp_path / "faults", fault, verb, slice(None))


@BOTH
def test_a_kill_at_some_calls_of_an_exchange(two: Path, tmp_path: Path, verb: str) -> None:
    fault_by_fault(two, tmp_path / "faults", KILL, verb, slice(20, None, 45))
