"""Every signal, sent to gxt alone or to its group, does to a trainer what it does without gxt.

Each cell runs the same trainer bare and under `gxt run` and compares how it ended, what it said and what it
printed. Under gxt nobody may be left of it, and the run is sealed. Bare, a signal to one process can leave
its workers behind: gxt passes signals on to all of them.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import data
from tests.crash.conftest import await_state, check_sound, read_line

WAIT_S = 30.0
WRAPPED = (sys.executable, "-m", "gxt", "run", "-q", "--")

# Works until `go` is closed, with two workers. All of them hold `alive` open.
# `listens` says what it does when it is told to end: it dies of it, saves and ends with its workers, or
# goes on (after SIGINT and SIGTERM).
TRAINER = """
import os, signal, sys

listens = sys.argv[1]
alive, answer, go = (int(fd) for fd in sys.argv[2:5])
workers = []

def say(text):
    os.write(answer, (text + "\\n").encode())

def told(number, _frame):
    say(f"told {signal.Signals(number).name}")

def saves(number, frame):
    told(number, frame)
    for pid in workers:
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
        os.waitpid(pid, 0)
    print("saved", flush=True)
    os._exit(7)

begun, begins = os.pipe()
for _ in range(2):
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        for fd in (1, 2, answer):
            os.close(fd)
        os.write(begins, b".")
        os.read(go, 1)
        os._exit(0)
    workers.append(pid)
    os.read(begun, 1)

for signum in (signal.SIGUSR1, signal.SIGCONT):
    signal.signal(signum, told)
if listens == "goes on":
    signal.signal(signal.SIGINT, told)
    signal.signal(signal.SIGTERM, told)
if listens == "saves":
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(signum, saves)
print("training", flush=True)
say(str(os.getpid()))
os.read(go, 1)
print("done", flush=True)
"""

LISTENS = ("dies", "saves", "goes on")
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
SENT = (*STOPPING, signal.SIGTSTP, signal.SIGUSR1)
TO = ("alone", "group")
CELLS = [(listens, signum, to) for listens in LISTENS for signum in SENT for to in TO]
FEW = [
    ("dies", signal.SIGINT, "group"),
    ("dies", signal.SIGQUIT, "alone"),
    ("saves", signal.SIGTERM, "alone"),
    ("saves", signal.SIGHUP, "group"),
    ("saves", signal.SIGTSTP, "alone"),
    ("goes on", signal.SIGTERM, "group"),
    ("goes on", signal.SIGUSR1, "alone"),
]


class Seen(NamedTuple):
    """What can be seen of a trainer from outside."""

    code: int
    said: list[str]
    stdout: bytes
    last_words: list[bytes]


@dataclass(frozen=True)
class Trainer:
    """A running `TRAINER`: the process that was started, the trainer itself, and our ends of its pipes."""

    process: subprocess.Popen[bytes]
    pid: int
    alive: int
    answer: int
    go: int

    def send(self, signum: int, to: str) -> None:
        (os.kill if to == "alone" else os.killpg)(self.process.pid, signum)

    def finish(self) -> None:
        """Let it come to its end, if it has not been ended."""
        os.close(self.go)

    def nobody_is_left(self) -> bool:
        return bool(select.select([self.alive], [], [], WAIT_S)[0]) and os.read(self.alive, 1) == b""

    def seen(self) -> Seen:
        out, err = self.process.communicate(timeout=WAIT_S)
        with os.fdopen(os.dup(self.answer)) as answers:
            said = answers.read().splitlines()
        return Seen(self.process.returncode, said, out, err.splitlines()[-1:])


@contextmanager
def started(repo: Path, listens: str, *before: str) -> Iterator[Trainer]:
    """A trainer with its two workers, in a group of its own as a shell would start it; it has begun."""
    (repo / "trainer.py").write_text(TRAINER)
    (alive, alive_), (answer, answer_), (go_, go) = os.pipe(), os.pipe(), os.pipe()
    theirs = (alive_, answer_, go_)
    process = subprocess.Popen(
        [*before, sys.executable, "trainer.py", listens, *map(str, theirs)],
        cwd=repo,
        pass_fds=theirs,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=os.setpgrp,  # noqa: PLW1509  # `process_group` came with Python 3.11
    )
    for fd in theirs:
        os.close(fd)
    try:
        pid = int(read_line(answer))
        yield Trainer(process, pid, alive, answer, go)
    finally:
        process.kill()
        process.wait()
        with suppress(OSError):
            os.close(go)
        os.close(alive)
        os.close(answer)


def told(trainer: Trainer, listens: str, signum: int, to: str) -> Seen:
    """Send the signal, see it through, and let a trainer that goes on come to its end."""
    trainer.send(signum, to)
    said = []
    if signum == signal.SIGTSTP:
        _, status = os.waitpid(trainer.process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        await_state(trainer.pid, b"T")
        trainer.send(signal.SIGCONT, to)
    if goes_on(listens, signum):
        said.append(read_line(trainer.answer))
        trainer.finish()
    seen = trainer.seen()
    return seen._replace(said=said + seen.said)


def goes_on(listens: str, signum: int) -> bool:
    """Whether the trainer says that it was told, and works on."""
    ignored = (signal.SIGINT, signal.SIGTERM) if listens == "goes on" else ()
    return signum in (signal.SIGTSTP, signal.SIGUSR1, *ignored)


def check_cell(repo: Path, listens: str, signum: int, to: str) -> None:
    with started(repo, listens) as trainer:
        bare = told(trainer, listens, signum, to)
    with started(repo, listens, *WRAPPED) as trainer:
        assert told(trainer, listens, signum, to) == bare
        assert trainer.nobody_is_left()
    status = "completed" if bare.code == 0 else "interrupted"
    assert [(run["status"], run["exit_code"]) for run in data(repo, "list")] == [(status, bare.code)]
    check_sound(repo)


@pytest.mark.parametrize(("listens", "signum", "to"), FEW)
def test_a_signal_does_what_it_does_without_gxt(repo: Path, listens: str, signum: int, to: str) -> None:
    check_cell(repo, listens, signum, to)


@pytest.mark.long
@pytest.mark.parametrize(("listens", "signum", "to"), [cell for cell in CELLS if cell not in FEW])
def test_every_signal_does_what_it_does_without_gxt(repo: Path, listens: str, signum: int, to: str) -> None:
    check_cell(repo, listens, signum, to)


@pytest.mark.parametrize("to", TO)
@pytest.mark.parametrize("listens", LISTENS)
def test_a_gxt_that_is_killed_leaves_nobody(repo: Path, listens: str, to: str) -> None:
    """The trainer hears SIGTERM, and does what it does when it hears that without gxt."""
    with started(repo, listens) as trainer:
        bare = told(trainer, listens, signal.SIGTERM, "group")
    with started(repo, listens, *WRAPPED) as trainer:
        trainer.send(signal.SIGKILL, to)
        said = [read_line(trainer.answer)] if bare.said else []
        if goes_on(listens, signal.SIGTERM):
            trainer.finish()
        assert trainer.nobody_is_left()
        seen = trainer.seen()
    assert (seen.code, said + seen.said) == (-signal.SIGKILL, bare.said)
    assert [(run["status"], run["exit_code"]) for run in data(repo, "list")] == [("interrupted", None)]
    check_sound(repo)


@pytest.mark.parametrize("to", TO)
def test_a_second_interrupt_kills_who_goes_on_after_the_first(repo: Path, to: str) -> None:
    with started(repo, "goes on", *WRAPPED) as trainer:
        for signum in (signal.SIGTERM, signal.SIGINT):
            trainer.send(signum, to)
            assert read_line(trainer.answer) == f"told {signum.name}"
        trainer.send(signal.SIGINT, to)
        assert trainer.nobody_is_left()
        assert trainer.seen() == (-signal.SIGKILL, [], b"training\n", [])
    ended = [("interrupted", -signal.SIGKILL)]
    assert [(run["status"], run["exit_code"]) for run in data(repo, "list")] == ended
    check_sound(repo)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_gxt_within_a_gxt_passes_on_what_it_is_told(repo: Path, signum: int) -> None:
    with started(repo, "saves") as trainer:
        bare = told(trainer, "saves", signum, "alone")
    with started(repo, "saves", *WRAPPED, *WRAPPED) as trainer:
        assert told(trainer, "saves", signum, "alone") == bare
        assert trainer.nobody_is_left()
    recorded = [(run["status"], run["exit_code"]) for run in data(repo, "list")]
    assert recorded == [("interrupted", bare.code)] * 2
    check_sound(repo)
