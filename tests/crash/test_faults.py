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

from tests.conftest import data, gxt
from tests.crash.conftest import check_sound
from tests.crash.faults import (
    ALONE,
    FAULTS,
    LIST,
    NO_PROCESS,
    REMOVE,
    TAG,
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


def check_said(words: list[str]) -> Callable[[Path, Outcome], None]:
    """It is said as a whole or not at all, and can be said again, whatever was in the way."""

    def check(repo: Path, outcome: Outcome) -> None:
        assert "Traceback" not in outcome.stderr
        assert outcome.code in {0, 1, -signal.SIGKILL, 130}
        gxt(repo, "list")
        runs = data(repo, "list")
        if words is TAG:
            assert runs[0]["tags"] in ([["x", "y"]] if outcome.stdout else [[], ["x", "y"]])
            assert data(repo, "tag", "1", "x", "y")["tags"] == ["x", "y"]
        else:
            assert len(runs) in ([0] if outcome.stdout else [0, 1])
            assert data(repo, "rm", "--undo", "1")[0]["status"] == "completed"
        check_sound(repo)

    return check


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


def some(fault: Fault, sparser: int = 1) -> slice:
    """A few of the calls, others for each fault."""
    number = FAULTS.index(fault)
    return slice(number, None, 10 * sparser) if fault is NO_PROCESS else slice(5 * number, None, 40 * sparser)


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


tagged_or_removed = pytest.mark.parametrize("words", [TAG, REMOVE], ids=["tagged", "removed"])


@pytest.mark.long
@of_any_kind
@tagged_or_removed
def test_a_fault_at_any_call_of_an_annotation(
    lab: Path, tmp_path: Path, fault: Fault, words: list[str]
) -> None:
    gxt(lab, "run", "-q", "--", "true")
    fault_by_fault(lab, tmp_path / "faults", fault, words, check_said(words), slice(None))


@of_any_kind
@tagged_or_removed
def test_a_fault_at_some_calls_of_an_annotation(
    lab: Path, tmp_path: Path, fault: Fault, words: list[str]
) -> None:
    gxt(lab, "run", "-q", "--", "true")
    fault_by_fault(lab, tmp_path / "faults", fault, words, check_said(words), some(fault, sparser=2))


@pytest.mark.long
@of_any_kind
def test_a_fault_at_any_call_of_a_recovery(dead: Path, tmp_path: Path, fault: Fault) -> None:
    fault_by_fault(dead, tmp_path / "faults", fault, LIST, check_recovered, slice(None))


@of_any_kind
def test_a_fault_at_some_calls_of_a_recovery(dead: Path, tmp_path: Path, fault: Fault) -> None:
    chosen = some(fault)
    fault_by_fault(dead, tmp_path / "faults", fault, LIST, check_recovered, chosen)
