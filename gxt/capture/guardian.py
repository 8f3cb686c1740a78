"""Ends what the command has started when gxt itself is killed: no orphan keeps a GPU.

A shell waits for the end of a pipe that only we hold open; the kernel closes it, whatever we die of. A shell
and not a fork of ours, which costs three times the time and holds a copy of our memory all along; not a
parent-death signal, which Linux alone has and which reaches one process only.

Run as a program, this module is what that shell becomes when we are gone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

GRACE_S = 30.0
"""How long the processes have between SIGTERM and SIGKILL, as with Slurm and Kubernetes."""
LOOK_S = 0.05
KILLS = 20
"""How often what forks faster than it is killed is killed again."""

# `read` fails at the end of the pipe: without a first line there is no command to end. The group is told
# here, so that it is even when our Python has been uninstalled meanwhile.
_SHELL = """trap '' HUP INT QUIT TERM
read -r session || exit
read -r _
kill -s TERM -- "-$session"
exec "$@" "$session\""""


class Guardian:
    """Watches over one command, from before its start to its end."""

    def __init__(self, grace_s: float = GRACE_S) -> None:
        program = (sys.executable, "-I", "-S", __file__, str(grace_s))
        watched, self._pipe = os.pipe()
        self._process: subprocess.Popen[bytes] | None = None
        with suppress(OSError):  # the system has no process left for that: the command goes unwatched
            self._process = subprocess.Popen(
                ("/bin/sh", "-c", _SHELL, "guardian", *program),
                stdin=watched,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # out of reach of our terminal's keys
            )
        os.close(watched)

    def watch(self, session: int) -> None:
        """Name the session of the command, which is the process id of its leader."""
        with suppress(OSError):  # somebody has killed it
            os.write(self._pipe, b"%d\n" % session)

    def dismiss(self) -> None:
        """The command has ended, or never began. What it has left running goes on, as without us."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1


def end_session(session: int, grace_s: float) -> None:
    """End the processes of a session whose leading group has been sent SIGTERM."""
    _signal((pid for pid, group in _members(session).items() if group != session), signal.SIGTERM)
    _signal(_members(session), signal.SIGCONT)  # a stopped one would never learn it
    deadline_s = time.monotonic() + grace_s
    while _members(session) and time.monotonic() < deadline_s:
        time.sleep(LOOK_S)
    for _ in range(KILLS):
        if members := _members(session):
            _signal(members, signal.SIGKILL)
            time.sleep(LOOK_S)


def _signal(pids: Iterable[int], signum: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):  # gone by now, or become another user
            os.kill(pid, signum)


def _members(session: int) -> dict[int, int]:
    """The living processes of a session, each with its group.

    Without a /proc (macOS): the leading group as kill(2) names it, if there is any of it left.
    """
    try:
        pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    except OSError:
        try:
            os.killpg(session, 0)
        except OSError:
            return {}
        return {-session: session}
    found = {}
    for pid in pids:
        with suppress(OSError):
            # proc(5): pid (name) state ppid group session …; a name may hold anything
            _, _, facts = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")
            state, _, group, its_session = facts.split()[:4]
            if int(its_session) == session and state not in {b"Z", b"X"}:
                found[pid] = int(group)
    return found


if __name__ == "__main__":
    end_session(int(sys.argv[2]), float(sys.argv[1]))
