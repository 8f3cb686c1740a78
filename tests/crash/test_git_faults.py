"""A git that is killed at any call by which it changes anything: gxt lives on, and nothing is lost."""

from __future__ import annotations

import os
import shlex
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.crash.conftest import fake_git, notices
from tests.crash.faults import BROKEN_DISK, KILL, WRAPPED, check_records, check_training, observed

pytestmark = pytest.mark.skipif(not shutil.which("strace"), reason="no strace here")

# Each git process takes the next number; the one that is meant, or each, runs under strace with its children.
GIT = """#!/bin/sh
n=$(($(cat "$GXT_TEST_COUNT") + 1))
echo $n >"$GXT_TEST_COUNT"
case "$GXT_TEST_MEANT" in
$n|each) exec strace -f -qq -o "$GXT_TEST_COUNT.$n" $GXT_TEST_OPTIONS "$GXT_TEST_GIT" "$@" ;;
*) exec "$GXT_TEST_GIT" "$@" ;;
esac
"""


def record(lab: Path, place: Path, patch: pytest.MonkeyPatch, meant: str, options: list[str]) -> None:
    """A run in a copy of the repository beside a git with these options of strace; all must be well then."""
    repo = shutil.copytree(lab, place / "repo")
    (place / "count").write_text("0\n")
    with patch.context() as during:
        for name, value in {
            **fake_git(place / "bin", GIT),
            "GXT_TEST_COUNT": str(place / "count"),
            "GXT_TEST_MEANT": meant,
            "GXT_TEST_OPTIONS": " ".join(options),
            "GIT_TEST_FSYNC": "1",  # these calls as well
        }.items():
            during.setenv(name, value)
        outcome = observed(repo, place, WRAPPED)
    for lock in repo.rglob("*.lock"):
        os.utime(lock, (0, 0))  # the next command comes after the two seconds that are given to a live git
    packed_refs_lock = repo / ".git/packed-refs.lock"
    if packed_refs_lock.exists():  # which may be anybody's
        (notice,) = (text for text in notices(repo, "list") if str(packed_refs_lock) in text)
        assert notice.endswith(
            f"if no git is running, remove it: {shlex.join(['rm', str(packed_refs_lock)])}"
        )
        packed_refs_lock.unlink()
    try:
        check_training(BROKEN_DISK, outcome)
        check_records(repo, outcome, may_own_up=True, notes_may_lag=True)
    except AssertionError as error:
        raise AssertionError(f"{options} of git {meant}: {outcome}") from error


def calls_of_git(lab: Path, place: Path, patch: pytest.MonkeyPatch) -> list[tuple[int, str, int]]:
    """Each git process by its number, with the calls that one of its processes makes, counted by kind."""
    record(lab, place, patch, "each", KILL.watched())
    found = set()
    for trace in place.glob("count.*"):
        seen = Counter[tuple[str, str]]()
        for line in trace.read_text().splitlines():
            pid, _, said = line.partition(" ")
            call = said.strip().partition("(")[0]
            if call in KILL.calls:
                seen[pid, call] += 1
                found.add((int(trace.suffix[1:]), call, seen[pid, call]))
    return sorted(found)


def killed(lab: Path, tmp_path: Path, patch: pytest.MonkeyPatch, chosen: slice) -> None:
    points = calls_of_git(lab, tmp_path / "none", patch)
    assert len({number for number, _, _ in points}) > 3
    assert points[chosen]
    for number, call, count in points[chosen]:
        place = tmp_path / f"{number}-{call}-{count}"
        options = [*KILL.watched(), "-e", f"inject={call}:{KILL.harm}:when={count}"]
        record(lab, place, patch, str(number), options)
        shutil.rmtree(place)


@pytest.mark.long
def test_git_killed_at_any_call(lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed(lab, tmp_path, monkeypatch, slice(None))


def test_git_killed_at_some_calls(lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed(lab, tmp_path, monkeypatch, slice(7, None, 50))
