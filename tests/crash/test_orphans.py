"""When gxt itself is killed, nothing that the wrapped command has started is left, but daemons."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import data
from tests.crash.conftest import read_line

# A trainer with two workers, one of them in a group of its own, and a daemon. Each says that it is there. All
# but the daemon hold `alive` open; the daemon answers when `stay` is closed.
TRAINER = """
import os, signal, sys

alive, answer, stay = (int(fd) for fd in sys.argv[1:4])

def begin(leave):
    if os.fork() == 0:
        leave()
        os.write(answer, b"there\\n")
        signal.pause()

begin(lambda: None)
begin(os.setpgrp)
if os.fork() == 0:
    os.setsid()
    os.close(alive)
    for fd in (0, 1, 2):
        os.close(fd)
    os.write(answer, b"there\\n")
    os.read(stay, 1)
    os.write(answer, b"the daemon goes on\\n")
    os._exit(0)
os.write(answer, b"there\\n")
signal.pause()
"""

# Starts its own guardian with little patience, around a command that does not listen.
STUBBORN = """
import signal, subprocess, sys
from gxt.capture.guardian import Guardian

alive, answer = sys.argv[1:3]
guardian = Guardian(grace_s=0.1)
code = (
    "import os, signal; signal.signal(signal.SIGTERM, lambda *_: os.write(%s, b'no\\\\n'));"
    "os.write(%s, b'there\\\\n');\\nwhile True: signal.pause()" % (answer, answer)
)
command = [sys.executable, "-c", code]
guardian.watch(subprocess.Popen(command, start_new_session=True, close_fds=False).pid)
signal.pause()
"""


@contextmanager
def started(repo: Path, script: str, *before: str) -> Iterator[tuple[subprocess.Popen[bytes], int, int, int]]:
    """A process, the end of `alive` to read, that of `answer`, and that of `stay` to close."""
    (alive, alive_), (answer, answer_), (stay_, stay) = os.pipe(), os.pipe(), os.pipe()
    theirs = (alive_, answer_, stay_)
    (repo / "trainer.py").write_text(script)
    process = subprocess.Popen(
        [sys.executable, *before, "trainer.py", *map(str, theirs)],
        cwd=repo,
        pass_fds=theirs,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    for fd in theirs:
        os.close(fd)
    try:
        yield process, alive, answer, stay
    finally:
        process.kill()
        process.wait()
        os.close(alive)
        os.close(answer)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only the command's own group can be found")
def test_all_that_the_command_started_ends_with_us_but_daemons(repo: Path) -> None:
    wrapped = ("-m", "gxt", "run", "-q", "--", sys.executable)
    with started(repo, TRAINER, *wrapped) as (process, alive, answer, stay):
        assert [read_line(answer) for _ in range(4)] == ["there"] * 4
        process.kill()
        assert os.read(alive, 1) == b""  # the last that held it has ended
        os.close(stay)
        assert read_line(answer) == "the daemon goes on"
    assert [(run["id"], run["status"]) for run in data(repo, "list")] == [("exp-001", "interrupted")]


def test_what_does_not_listen_is_killed(repo: Path) -> None:
    with started(repo, STUBBORN) as (process, alive, answer, stay):
        assert read_line(answer) == "there"
        process.kill()
        assert read_line(answer) == "no"
        assert os.read(alive, 1) == b""
        os.close(stay)


def test_a_stopped_command_ends_too(repo: Path) -> None:
    wrapped = ("-m", "gxt", "run", "-q", "--", sys.executable)
    script = "import os, signal, sys; os.write(int(sys.argv[2]), b'%d\\n' % os.getpid()); signal.pause()"
    with started(repo, script, *wrapped) as (process, alive, answer, stay):
        os.kill(int(read_line(answer)), signal.SIGSTOP)
        process.kill()
        assert os.read(alive, 1) == b""
        os.close(stay)


def test_what_a_command_leaves_behind_when_it_ends_goes_on(repo: Path) -> None:
    wrapped = ("-m", "gxt", "run", "-q", "--", "sh", "-c", '"$0" "$@" & :', sys.executable)
    script = "import os, sys; os.read(int(sys.argv[3]), 1); os.write(int(sys.argv[2]), b'done\\n')"
    with started(repo, script, *wrapped) as (process, _, answer, stay):
        assert process.wait() == 0
        os.close(stay)
        assert read_line(answer) == "done"
