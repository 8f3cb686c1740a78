"""A fault at each call by which gxt changes anything: a kill, Ctrl-C, a full disk, a broken one, no process.

Whatever call it is, what was acknowledged is there afterwards, and nothing stands in the way of the next
command.
"""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import data
from tests.crash.conftest import check_sound
from tests.crash.faults import (
    ALONE,
    FAULTS,
    LIST,
    NO_PROCESS,
    UNREAL,
    WRAPPED,
    Fault,
    Outcome,
    calls_of,
    check_run,
    traced,
)

pytestmark = pytest.mark.skipif(not shutil.which("strace"), reason="no strace here")


def check_recovered(repo: Path, outcome: Outcome) -> None:
    """The killed run is there as it was, whoever recovered it; what stood in the way was said in words."""
    assert "Traceback" not in outcome.stderr
    assert outcome.code in {0, 1, -signal.SIGKILL, 130}
    assert [(run["id"], run["status"]) for run in data(repo, "list")] == [
        ("exp-002", "interrupted"),
        ("exp-001", "completed"),
    ]
    assert data(repo, "show", "2", "--series")["series"]["loss"]["step"] == [0, 1]
    check_sound(repo)


def fault_by_fault(
    origin: Path,
    folder: Path,
    fault: Fault,
    words: list[str],
    check: Callable[[Path, Outcome], None],
    chosen: slice,
) -> None:
    """Have the fault at each of the chosen calls of a command, each in a fresh copy of the repository."""

    def copy(name: str) -> tuple[Path, Path]:
        place = folder / name
        return place, shutil.copytree(origin, place / "repo", symlinks=True)

    place, repo = copy("none")
    calls = calls_of(repo, place, fault, words)
    assert calls[chosen]
    for call, count in calls[chosen]:
        place, repo = copy(f"{call}-{count}")
        outcome = traced(repo, place, fault.at(call, count), words)
        trace = (place / "trace").read_text()
        if any(UNREAL.match(line) for line in trace.splitlines() if "INJECTED" in line):
            continue
        try:
            check(repo, outcome)
        except AssertionError as error:
            raise AssertionError(f"{fault.name} at {call} {count}: {outcome}\n{trace[-500:]}") from error
        shutil.rmtree(place)


def some(fault: Fault) -> slice:
    """A few of the calls, others for each fault."""
    number = FAULTS.index(fault)
    return slice(number, None, 5) if fault is NO_PROCESS else slice(3 * number, None, 20)


of_any_kind = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
wrapped_or_alone = pytest.mark.parametrize("words", [WRAPPED, ALONE], ids=["wrapped", "alone"])


@pytest.mark.long
@of_any_kind
@wrapped_or_alone
def test_a_fault_at_any_call_of_a_run(lab: Path, tmp_path: Path, fault: Fault, words: list[str]) -> None:
    fault_by_fault(lab, tmp_path / "faults", fault, words, check_run(fault), slice(None))


@of_any_kind
@wrapped_or_alone
def test_a_fault_at_some_calls_of_a_run(lab: Path, tmp_path: Path, fault: Fault, words: list[str]) -> None:
    chosen = some(fault)
    fault_by_fault(lab, tmp_path / "faults", fault, words, check_run(fault), chosen)


@pytest.mark.long
@of_any_kind
def test_a_fault_at_any_call_of_a_recovery(dead: Path, tmp_path: Path, fault: Fault) -> None:
    fault_by_fault(dead, tmp_path / "faults", fault, LIST, check_recovered, slice(None))


@of_any_kind
def test_a_fault_at_some_calls_of_a_recovery(dead: Path, tmp_path: Path, fault: Fault) -> None:
    chosen = some(fault)
    fault_by_fault(dead, tmp_path / "faults", fault, LIST, check_recovered, chosen)
