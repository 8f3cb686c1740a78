"""Faults at system calls, done by strace on the way from a program to the kernel, and what must hold then."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import data, git, gxt
from tests.crash.conftest import EXPERIMENTS, check_sound

FILE_CALLS = (
    *("write", "pwrite64", "ftruncate", "fsync", "fdatasync", "sendfile", "copy_file_range", "flock", "link"),
    *("rename", "renameat", "renameat2", "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "chmod"),
)
PROCESS_CALLS = ("fork", "vfork", "clone", "clone3")

# With one of these the user knows that something is not recorded.
UNRECORDED = ("gxt: the run cannot be recorded: ", "gxt: init: ", "gxt: log: ")

# Nobody can be told that nobody can be told; and Python tells itself of a signal by a socket pair.
UNREAL = re.compile(r'write\(2, |write\(\d+, "\\\d+", 1\)')

WRAPPED = [sys.executable, "-m", "gxt", "run", "--", sys.executable, "training.py", "{fd}"]
ALONE = [sys.executable, "training.py", "{fd}"]
TAG = [sys.executable, "-m", "gxt", "tag", "1", "x", "y"]
REMOVE = [sys.executable, "-m", "gxt", "rm", "1"]
LIST = [sys.executable, "-m", "gxt", "list", "--json"]


@dataclass(frozen=True)
class Fault:
    """What happens at one of these calls, in the words of strace."""

    name: str
    calls: tuple[str, ...]
    harm: str

    def watched(self) -> list[str]:
        return ["-e", "trace=" + ",".join(f"?{call}" for call in self.calls)]  # not every machine has all

    def at(self, call: str, count: int) -> list[str]:
        return [*self.watched(), "-e", f"inject={call}:{self.harm}:when={count}"]


KILL = Fault("kill", (*FILE_CALLS, *PROCESS_CALLS), "signal=KILL")
INTERRUPT = Fault("interrupt", (*FILE_CALLS, *PROCESS_CALLS), "signal=INT")
FULL_DISK = Fault("full-disk", FILE_CALLS, "error=ENOSPC")
BROKEN_DISK = Fault("broken-disk", FILE_CALLS, "error=EIO")
NO_PROCESS = Fault("no-process", PROCESS_CALLS, "error=EAGAIN")
FAULTS = [KILL, INTERRUPT, FULL_DISK, BROKEN_DISK, NO_PROCESS]


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and what its training had said by the end of all that it started."""

    code: int
    stdout: str
    stderr: str
    said: list[str]

    def steps(self) -> list[int]:
        return [int(line.removeprefix("step ")) for line in self.said if line.startswith("step ")]

    def owns_up(self) -> bool:
        return any(line.startswith(UNRECORDED) for line in self.stderr.splitlines())


def observed(repo: Path, folder: Path, words: list[str], before: Sequence[str] = ()) -> Outcome:
    """Run a command to the end of all that it starts; `{fd}` in its words is the pipe to speak on."""
    read, write = os.pipe()
    out, err = folder / "out", folder / "err"
    with out.open("w") as stdout, err.open("w") as stderr:
        done = subprocess.run(
            [*before, *(word.format(fd=write) for word in words)],
            cwd=repo,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            pass_fds=(write,),
            check=False,
        )
    os.close(write)
    with os.fdopen(read) as said:
        return Outcome(done.returncode, out.read_text(), err.read_text(), said.read().splitlines())


def traced(repo: Path, folder: Path, options: list[str], words: list[str]) -> Outcome:
    """Run a command under strace with these options."""
    return observed(repo, folder, words, before=["strace", "-qq", "-o", str(folder / "trace"), *options])


def calls_of(repo: Path, folder: Path, fault: Fault, words: list[str]) -> list[tuple[str, int]]:
    """The calls that a command makes when nothing goes wrong, each with how many of its kind came before."""
    outcome = traced(repo, folder, fault.watched(), words)
    assert outcome.code == 0, outcome.stderr
    names = [line.partition("(")[0] for line in (folder / "trace").read_text().splitlines()]
    seen = Counter[str]()
    calls = []
    for name in names:
        if name in fault.calls:
            seen[name] += 1
            calls.append((name, seen[name]))
    return calls


def check_training(fault: Fault, outcome: Outcome) -> None:
    """It went on, or was refused in words before it began; Ctrl-C is Python's to tell in a script."""
    is_told_by_python = fault is INTERRUPT and outcome.stderr.endswith("\nKeyboardInterrupt\n")
    assert "Traceback" not in outcome.stderr or is_told_by_python
    assert outcome.stdout == ""
    if fault in {KILL, INTERRUPT} or (outcome.code == 1 and outcome.stderr.startswith("gxt: ")):
        return
    assert outcome.code == 0
    assert outcome.said[-1] == "finished"


def check_records(repo: Path, outcome: Outcome, *, may_own_up: bool, notes_may_lag: bool = False) -> None:
    """What was acknowledged is there once gxt has been called again, and the next run is as any other."""
    sealed = git(repo, "for-each-ref", EXPERIMENTS)
    gxt(repo, "list")
    runs = data(repo, "list")
    if outcome.steps() and not (may_own_up and outcome.owns_up()):
        assert len(runs) == 1
        steps = data(repo, "show", "--series")["series"]["loss"]["step"]
        assert steps[: len(outcome.steps())] == outcome.steps()
    if " completed in " in outcome.stderr and "not in git yet" not in outcome.stderr:
        assert sealed
    if not notes_may_lag:
        check_sound(repo)
    gxt(repo, "run", "-q", "--", "true")
    assert len(data(repo, "list")) == len(runs) + 1
    check_sound(repo)
    assert [path.name for path in (repo / ".git/gxt").iterdir() if path.name.startswith(".")] == []


def check_run(fault: Fault) -> Callable[[Path, Outcome], None]:
    """The check of a run that had a fault."""

    def check(repo: Path, outcome: Outcome) -> None:
        check_training(fault, outcome)
        check_records(repo, outcome, may_own_up=fault not in {KILL, INTERRUPT})

    return check
