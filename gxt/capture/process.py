"""Runs the training command as it would run without gxt, while its console is written down.

The one place where that command is started. It gets a session of its own, so that gxt decides which signals
reach it. What a run is, where the lines go and what is said about them is the caller's; the traffic while it
runs is `relay`'s.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NoReturn

from gxt.capture.guardian import Guardian
from gxt.capture.relay import Relay, Sink
from gxt.capture.signals import signals_caught
from gxt.capture.terminal import Plumbing, lay_plumbing, make_controlling
from gxt.named_tuple import NamedTuple

__all__ = ["Ended", "Sink", "exit_like", "run_command"]

KILLED_ON_PURPOSE = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL}


class Ended(NamedTuple):
    """How the command ended.

    Attributes:
        returncode: its exit code, or -N when signal N killed it; 127 not found, 126 not executable.
        interrupted: somebody told it to stop, and it did not end with 0.
        duration_s: how long it ran, by a clock that nobody sets.
        error: why it could not be started, or "".
        log_error: why the rest of its console was not recorded, or "".
        mid_line: it left the cursor of our terminal behind its last word.
        stopped: somebody told it to stop, however it ended.
    """

    returncode: int
    interrupted: bool
    duration_s: float
    error: str = ""
    log_error: str = ""
    mid_line: bool = False
    stopped: bool = False


def run_command(
    argv: Sequence[str],
    *,
    extra_env: Mapping[str, str],
    on_lines: Sink,
    on_started: Callable[[int], None] | None = None,
    cwd: Path | None = None,
) -> Ended:
    """Run the command to its end. Call it from the main thread, before other threads are started.

    Args:
        argv: the command and its arguments; found in PATH like a shell does.
        extra_env: what is added to our environment.
        on_lines: takes the console.
        on_started: called once with its process id, which is also its group's; may raise OSError.
        cwd: where it runs; by default here, whatever has become of that folder's name.
    """
    _flush_own_output()
    plumbing = lay_plumbing()
    relay = Relay(plumbing, on_lines)
    guardian = Guardian()
    started_s = time.monotonic()
    try:
        with signals_caught(relay.on_signal) as wakeup:
            try:
                there = {"PWD": str(cwd)} if cwd else {}
                child = _start(argv, {**os.environ, **there, **extra_env}, plumbing, cwd)
            except OSError as error:
                code, reason = _refusal(argv[0], error)
                return Ended(code, False, time.monotonic() - started_s, error=reason)
            guardian.watch(child.pid)
            relay.began(child)
            plumbing.close_far_ends()
            if on_started is not None:
                relay.guarded(on_started, child.pid)
            returncode = relay.run(child, wakeup, on_end=guardian.dismiss)
    finally:
        guardian.dismiss()
        plumbing.close()
    interrupted = _was_interrupted(returncode, told=relay.told, typed=relay.typed_stop)
    return Ended(
        returncode,
        interrupted,
        relay.ended_s - started_s,
        log_error=relay.log_error,
        mid_line=relay.mid_line,
        stopped=relay.told or relay.typed_stop,
    )


def become(argv: Sequence[str]) -> Ended:
    """Be the command from here on, with nothing of gxt around it. Returns only when it cannot be started."""
    _flush_own_output()
    for signum in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and what we become would too
        signal.signal(signum, signal.SIG_DFL)
    try:
        os.execvp(argv[0], list(argv))  # noqa: S606 nobody but the user has written it
    except OSError as error:
        code, reason = _refusal(argv[0], error)
    return Ended(code, False, 0.0, error=reason)


def exit_like(ended: Ended) -> NoReturn:
    """End this process the way the command ended, so that a shell or a scheduler sees no difference."""
    if ended.returncode >= 0:
        sys.exit(ended.returncode)
    import resource

    signum = -ended.returncode
    _flush_own_output()
    # The command has left its core file, if it wanted one; ours would overwrite it.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    with suppress(OSError):  # SIGKILL has no handler to reset
        signal.signal(signum, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signum])  # our starter may have blocked it
    os.kill(os.getpid(), signum)
    sys.exit(128 + signum)  # process 1 of a container outlives its own signal


def _start(
    argv: Sequence[str], env: dict[str, str], plumbing: Plumbing, cwd: Path | None
) -> subprocess.Popen[bytes]:
    """Start the command. Raises OSError when it cannot be."""
    slave = next((end for fd, end in plumbing.far_ends.items() if os.isatty(end)), None)
    # Without a function to call, Python starts it by vfork(2), which copies no page tables: 1.6 ms less.
    prepare = None if slave is None else partial(make_controlling, slave)

    def popen(arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            arguments,
            stdin=plumbing.far_ends.get(0),
            stdout=plumbing.far_ends[1],
            stderr=plumbing.far_ends[2],
            env=env,
            cwd=cwd,
            # Descriptors that the shell passed on purpose stay open: `gxt run -- train.py <(gen)`. Ours are
            # closed by exec anyway.
            close_fds=False,
            start_new_session=True,
            preexec_fn=prepare,  # noqa: PLW1509  # no other threads yet: see run_command
        )

    try:
        return popen(argv)
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
        # A script without a `#!` line: shells and execvp(3) hand it to sh.
        import shutil

        return popen(["/bin/sh", shutil.which(argv[0]) or argv[0], *argv[1:]])


def _refusal(name: str, error: OSError) -> tuple[int, str]:
    """The exit code and the words of a shell for a command that cannot be started."""
    if isinstance(error, FileNotFoundError):
        if "/" in name and os.path.lexists(name):  # its `#!` line names what is not there
            return 126, f"bad interpreter: {name}"
        return 127, f"command not found: {name}"
    reason = os.strerror(error.errno) if error.errno else str(error)
    return 126, f"{reason.lower()}: {name}"


def _was_interrupted(returncode: int, *, told: bool, typed: bool) -> bool:
    if -returncode in KILLED_ON_PURPOSE or (told and returncode != 0):
        return True
    by_key = (-signal.SIGQUIT, 128 + signal.SIGINT, 128 + signal.SIGQUIT, 128 + signal.SIGTERM)
    return typed and returncode in by_key


def _flush_own_output() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # its reader has gone, or the disk is full
            stream.flush()
