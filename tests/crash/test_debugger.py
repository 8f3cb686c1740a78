"""A trainer in a debugger, on a terminal with job control: a session looks the same with gxt and without."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import data
from tests.crash.conftest import await_state, check_sound, read_line

WAIT_S = 30.0
WRAPPED = (sys.executable, "-m", "gxt", "run", "-q", "--")

# Says on `answer` that it has begun, and that it goes on after a stop; works until `go` is closed.
TRAINER = """
import os, select, signal, sys

answer, go = int(sys.argv[1]), int(sys.argv[2])
signal.signal(signal.SIGCONT, lambda *_: os.write(answer, b"back\\n"))
os.write(answer, b"%d\\n" % os.getpid())
rate = 42
breakpoint()
print("training")
while not select.select([go], [], [], 0.01)[0]: pass
print("trained")
sys.exit(3)
"""

# A shell as far as its terminal goes: one job in the foreground, that a line continues when it has stopped.
SHELL = """
import fcntl, os, signal, sys, termios
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
own = termios.tcgetattr(0)
pid = os.fork()
if pid == 0:
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.write(int(sys.argv[1]), b"%d\\n" % os.getpid())
    os.execv(sys.argv[2], sys.argv[2:])
while True:
    _, status = os.waitpid(pid, os.WUNTRACED)
    os.tcsetpgrp(0, os.getpgrp())
    if not os.WIFSTOPPED(status):
        break
    theirs = termios.tcgetattr(0)
    termios.tcsetattr(0, termios.TCSADRAIN, own)
    os.write(1, b"$ ")
    os.read(0, 99)
    termios.tcsetattr(0, termios.TCSADRAIN, theirs)
    os.tcsetpgrp(0, pid)
    os.killpg(pid, signal.SIGCONT)
os.write(1, b"ended: %d\\n" % os.waitstatus_to_exitcode(status))
os.read(0, 1)
"""


@dataclass
class Session:
    """A person in front of the terminal: what the screen has shown, the job, and the trainer in it."""

    screen: int
    answer: int
    go: int
    job: int = 0
    trainer: int = 0
    shown: bytes = b""

    def until(self, ending: bytes) -> None:
        begins = len(self.shown)
        while not self.shown[begins:].endswith(ending):
            assert select.select([self.screen], [], [], WAIT_S)[0], f"nothing comes after {self.shown!r}"
            self.shown += os.read(self.screen, 1)

    def prompt(self) -> None:
        """Wait until the debugger waits for a line: before that, Python notices a signal at the next key."""
        self.until(b"(Pdb) ")
        await_state(self.trainer, b"S")

    def types(self, keys: bytes) -> None:
        os.write(self.screen, keys)


@contextmanager
def debugging(repo: Path, *before: str) -> Iterator[Session]:
    (repo / "trainer.py").write_text(TRAINER)
    screen, inside = os.openpty()
    (answer, answer_), (go_, go) = os.pipe(), os.pipe()
    theirs = (answer_, go_)
    job = [*before, sys.executable, "trainer.py", *map(str, theirs)]
    shell = subprocess.Popen(
        [sys.executable, "-c", SHELL, str(answer_), *job],
        cwd=repo,
        stdin=inside,
        stdout=inside,
        stderr=inside,
        start_new_session=True,
        pass_fds=theirs,
        env={**os.environ, "TERM": "dumb", "PYTHONBREAKPOINT": "pdb.set_trace"},
    )
    for fd in (*theirs, inside):
        os.close(fd)
    session = Session(screen, answer, go)
    try:
        session.job, session.trainer = int(read_line(answer)), int(read_line(answer))
        session.prompt()
        yield session
    finally:
        shell.kill()
        shell.wait()
        for fd in (screen, answer, go):
            os.close(fd)


def looked_around(session: Session) -> bytes:
    """Looks at a value, types Ctrl-C, Ctrl-Z and `fg`, interrupts the training, and lets it end."""
    session.types(b"p rate\r")
    session.prompt()
    session.types(b"\x03")
    session.prompt()
    session.types(b"p rate + 1\r")
    session.prompt()
    session.types(b"\x1a")
    session.until(b"$ ")
    session.types(b"fg\n")
    assert read_line(session.answer) == "back"
    await_state(session.trainer, b"S")
    session.types(b"p rate + 2\r")
    session.prompt()
    session.types(b"c\r")
    session.until(b"training\r\n")
    await_state(session.trainer, b"S")
    session.types(b"\x03")
    session.prompt()
    session.types(b"c\r")
    session.until(b"c\r\n")
    os.write(session.go, b".")
    session.until(b"ended: 3\r\n")
    return session.shown


def signalled(session: Session, signum: int, to: str) -> bytes:
    """Sends a signal to the job from elsewhere while the debugger waits."""
    (os.kill if to == "alone" else os.killpg)(session.job, signum)
    if signum == signal.SIGINT:
        session.prompt()
        session.types(b"q\r")
    if signum == signal.SIGTSTP:
        session.until(b"$ ")
        session.types(b"fg\n")
        assert read_line(session.answer) == "back"
        await_state(session.trainer, b"S")
        session.types(b"q\r")
    session.until(b"ended: ")
    session.until(b"\n")
    return session.shown


def test_a_session_in_a_debugger_is_the_same_as_without_gxt(repo: Path) -> None:
    with debugging(repo) as session:
        bare = looked_around(session)
    with debugging(repo, *WRAPPED) as session:
        assert looked_around(session) == bare
    assert [(run["status"], run["exit_code"]) for run in data(repo, "list")] == [("failed", 3)]
    check_sound(repo)


SENT = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGTSTP", "SIGUSR1")


@pytest.mark.long
@pytest.mark.parametrize("to", ["alone", "group"])
@pytest.mark.parametrize("name", SENT)
def test_a_signal_to_a_debugger_does_what_it_does_without_gxt(repo: Path, name: str, to: str) -> None:
    with debugging(repo) as session:
        bare = signalled(session, signal.Signals[name], to)
    with debugging(repo, *WRAPPED) as session:
        assert signalled(session, signal.Signals[name], to) == bare
    (run,) = data(repo, "list")
    told = name in {"SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"}
    assert run["status"] == ("interrupted" if told else "failed")
    assert bare.endswith(b"ended: %d\r\n" % run["exit_code"])
    check_sound(repo)
