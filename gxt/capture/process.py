"""Runs the training command as it would run without gxt, while its console is written down.

The one place where that command is started. It knows bytes, signals and terminals; what a run is, where the
lines go and what is said about them is the caller's.

The command gets a session of its own, so that gxt decides which signals reach it:

```
  our terminal ── raw keys ──▶ pty ──▶ command     Ctrl-C is made by the pty
  our stdout   ◀── bytes ── pty or pipe ◀── command     then cut into lines for the caller
  a signal to gxt ──▶ the command's process group
```
"""

from __future__ import annotations

import errno
import math
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn, Protocol

from gxt.capture.terminal import (
    Channel,
    Keyboard,
    Plumbing,
    foreground_group,
    lay_plumbing,
    make_controlling,
    typed_signals,
    write_all,
)

CHUNK_BYTES = 64 * 1024
KILL_AFTER_SECOND_INTERRUPT_S = 2.0
GRACE_S = 0.2
"""How long a process that outlived the command may keep us waiting for the end of the output."""
DRAIN_BYTES = 1 << 20
"""What a dead command can have left unread: the largest pipe an unprivileged process gets on Linux."""
SUSPEND_S = 0.05
FOREGROUND_CHECK_S = 1.0
"""How often a gxt in the background looks whether `fg` has given it the keys: no signal tells."""

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
FORWARDED = (*STOPPING, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT)
HANDLED = (*FORWARDED, signal.SIGTSTP, signal.SIGWINCH, signal.SIGCHLD)
KILLED_ON_PURPOSE = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL}

Handler = Callable[[int, FrameType | None], None]


class Sink(Protocol):
    """Takes the console line by line. It may raise OSError, after which it is not called again."""

    def __call__(self, stream: int, line: bytes, at_us: int) -> None:
        """Take one complete line, without its newline.

        Args:
            stream: 1 stdout, 2 stderr; 1 for both when they are one terminal, pipe or file.
            line: its bytes; of a line that was redrawn the last state.
            at_us: when it was read, microseconds since 1970.
        """


@dataclass(frozen=True)
class Ended:
    """How the command ended.

    Attributes:
        returncode: its exit code, or -N when signal N killed it; 127 not found, 126 not executable.
        interrupted: somebody told it to stop, and it did not end with 0.
        started_us: microseconds since 1970.
        ended_us: microseconds since 1970, never before `started_us`.
        error: why it could not be started, or "".
        log_error: why the rest of its console was not recorded, or "".
    """

    returncode: int
    interrupted: bool
    started_us: int
    ended_us: int
    error: str = ""
    log_error: str = ""


def run_command(
    argv: Sequence[str],
    *,
    extra_env: Mapping[str, str],
    on_line: Sink,
    on_started: Callable[[int], None] | None = None,
) -> Ended:
    """Run the command to its end. Call it from the main thread, before other threads are started.

    Args:
        argv: the command and its arguments; found in PATH like a shell does.
        extra_env: what is added to our environment.
        on_line: takes the console.
        on_started: called once with its process id, which is also its group's; may raise OSError.
    """
    _flush_own_output()
    plumbing = lay_plumbing()
    relay = _Relay(plumbing, on_line)
    started_us = _now_us()
    try:
        with _signals_caught(relay.on_signal) as catching:
            try:
                with catching.held_back():
                    relay.child = _start(argv, {**os.environ, **extra_env}, plumbing, catching)
            except OSError as error:
                code, reason = _refusal(argv[0], error)
                return Ended(code, False, started_us, max(started_us, _now_us()), error=reason)
            plumbing.close_far_ends()
            if on_started is not None:
                relay.guarded(on_started, relay.child.pid)
            returncode = relay.run(relay.child, catching.wakeup)
    finally:
        plumbing.close()
    interrupted = _was_interrupted(returncode, told=relay.told, typed=relay.typed_stop)
    ended_us = max(started_us, relay.ended_us)
    return Ended(returncode, interrupted, started_us, ended_us, log_error=relay.log_error)


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
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signum])
    os.kill(os.getpid(), signum)
    sys.exit(128 + signum)


# ------------------------------------------------------------------------------------------------ the start


def _start(
    argv: Sequence[str], env: dict[str, str], plumbing: Plumbing, catching: _Catching
) -> subprocess.Popen[bytes]:
    """Start the command. Raises OSError when it cannot be."""
    prepare = _preparation(plumbing, catching)

    def popen(arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            arguments,
            stdin=plumbing.far_ends.get(0),
            stdout=plumbing.far_ends[1],
            stderr=plumbing.far_ends[2],
            env=env,
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
        return popen(["/bin/sh", shutil.which(argv[0]) or argv[0], *argv[1:]])


def _preparation(plumbing: Plumbing, catching: _Catching) -> Callable[[], None]:
    """What the new process does before it becomes the command. What it needs is loaded before the fork."""
    parent = os.getpid()
    die_with_parent = _parent_death_signal()
    slave = next((end for fd, end in plumbing.far_ends.items() if os.isatty(end)), None)

    def prepare() -> None:
        catching.undo_in_child()
        if slave is not None:
            make_controlling(slave)
        if die_with_parent is not None:
            die_with_parent()
            if os.getppid() != parent:  # it died before we could ask to be told
                os.kill(os.getpid(), signal.SIGTERM)
        catching.let_through()

    return prepare


def _parent_death_signal() -> Callable[[], object] | None:
    """A call that asks for SIGTERM when the parent is gone; None where there is no such thing."""
    if sys.platform != "linux":
        return None
    import ctypes

    pr_set_pdeathsig = 1  # linux/prctl.h
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(pr_set_pdeathsig, int(signal.SIGTERM), 0, 0, 0)


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


# ---------------------------------------------------------------------------------------------- the signals


@dataclass(frozen=True)
class _Catching:
    """Which signals reach our handler, and the descriptor that becomes readable when one did."""

    signals: tuple[signal.Signals, ...]
    wakeup: int
    found_mask: frozenset[int]

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """Signals wait meanwhile: one that comes during the fork must reach the parent, and it alone."""
        signal.pthread_sigmask(signal.SIG_BLOCK, self.signals)
        try:
            yield
        finally:
            self.let_through()

    def undo_in_child(self) -> None:
        """Back to the default actions, and away from the parent's wake-up pipe."""
        signal.set_wakeup_fd(-1)
        for signum in self.signals:
            signal.signal(signum, signal.SIG_DFL)

    def let_through(self) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self.found_mask)


@contextmanager
def _signals_caught(handler: Handler) -> Iterator[_Catching]:
    """Route the signals to `handler`, but those that our starter has us ignore: `nohup` stays nohup."""
    ignored = (signal.SIG_IGN, None)
    # An ignored SIGCHLD would make the kernel throw the exit code away.
    caught = tuple(s for s in HANDLED if s == signal.SIGCHLD or signal.getsignal(s) not in ignored)
    readable, writable = os.pipe()
    os.set_blocking(readable, False)
    os.set_blocking(writable, False)
    found_mask = frozenset(int(s) for s in signal.pthread_sigmask(signal.SIG_BLOCK, []))
    found_wakeup = signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    found = {signum: signal.signal(signum, handler) for signum in caught}
    try:
        yield _Catching(caught, readable, found_mask)
    finally:
        for signum, action in found.items():
            signal.signal(signum, action if action is not None else signal.SIG_DFL)
        signal.set_wakeup_fd(found_wakeup)
        os.close(readable)
        os.close(writable)


# ------------------------------------------------------------------------------------------------- the loop


class _Relay:
    """Moves the bytes and the signals between the command and the outer world until the command has ended."""

    def __init__(self, plumbing: Plumbing, on_line: Sink) -> None:
        self.child: subprocess.Popen[bytes] | None = None
        self.told = False
        self.typed_stop = False
        self.log_error = ""
        self.ended_us = 0
        self._plumbing = plumbing
        self._on_line = on_line
        self._stop_whom: int | None = None
        self._interrupted_at_s = -math.inf
        self._waited_s = 0.0
        self._drained_bytes = 0

    def run(self, child: subprocess.Popen[bytes], wakeup: int) -> int:
        """Serve the command until it has ended and what it wrote is passed on. Returns its exit code."""
        returncode = self._poll(child)
        while self._plumbing.channels or returncode is None:
            ready, sendable = self._wait(wakeup, ended=returncode is not None)
            if wakeup in ready:
                os.read(wakeup, CHUNK_BYTES)
            if returncode is None:
                returncode = self._poll(child)
            for channel in [each for each in self._plumbing.channels if each.source in ready]:
                self._pass_on(channel, ended=returncode is not None)
            if self._plumbing.keyboard is not None and self._plumbing.keyboard.terminal in ready:
                self._read_keys(self._plumbing.keyboard, child.pid)
            if sendable:
                self._plumbing.send_keys()
            if self._stop_whom is not None:
                self._suspend(self._stop_whom)
            if returncode is not None and (self._waited_s >= GRACE_S or self._drained_bytes >= DRAIN_BYTES):
                break
        for channel in [*self._plumbing.channels]:
            self._finish(channel)
        return returncode

    def on_signal(self, signum: int, _frame: FrameType | None) -> None:
        """Pass a signal on at once, even while the loop is stuck in a write to a reader that has stopped."""
        if signum == signal.SIGWINCH:
            self._plumbing.copy_window_size()
        elif signum == signal.SIGTSTP:
            self._stop_whom = os.getpid()
        elif signum == signal.SIGCONT:
            self._resume()
        elif signum == signal.SIGINT and self._second_interrupt():
            self._signal_group(signal.SIGKILL)
        elif signum != signal.SIGCHLD:  # that one only has to wake the loop
            self._signal_group(signum)

    def guarded(self, call: Callable[..., None], *arguments: object) -> None:
        """Call what writes the record, until the first time it cannot: the training goes on without it."""
        if self.log_error:
            return
        try:
            call(*arguments)
        except OSError as error:
            self.log_error = str(error) or type(error).__name__

    def _poll(self, child: subprocess.Popen[bytes]) -> int | None:
        returncode = child.poll()
        if returncode is not None:
            self.ended_us = _now_us()
        return returncode

    def _wait(self, wakeup: int, *, ended: bool) -> tuple[list[int], bool]:
        """The descriptors that can be read now, and whether the pty takes keys."""
        plumbing = self._plumbing
        readers = [wakeup, *(channel.source for channel in plumbing.channels)]
        timeout_s = max(0.0, GRACE_S - self._waited_s) if ended else None
        if plumbing.keyboard is not None and not ended:
            if not plumbing.keyboard.taken and not plumbing.keyboard.take():
                timeout_s = FOREGROUND_CHECK_S
            elif not plumbing.unsent:
                readers.append(plumbing.keyboard.terminal)
        writers = [plumbing.master] if plumbing.unsent and plumbing.master is not None else []
        began_s = time.monotonic()
        ready, sendable, _ = select.select(readers, writers, [], timeout_s)
        if ended:
            self._waited_s += time.monotonic() - began_s
        return ready, bool(sendable)

    def _pass_on(self, channel: Channel, *, ended: bool) -> None:
        """Read what is there, write it where it would have gone, and only then record it."""
        try:
            data = os.read(channel.source, CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError:  # EIO: the last slave of the pty is closed
            data = b""
        if not data:
            self._finish(channel)
            return
        at_us = _now_us()
        if ended:
            self._drained_bytes += len(data)
        written = write_all(channel.target, data)
        self._record(channel, channel.splitter.feed(data), at_us)
        if written or channel.target == 0:
            return
        # Nobody reads our output any more. The command is to learn it the way it would have without us.
        self._finish(channel)
        if channel.source == self._plumbing.master:
            self._plumbing.hang_up()

    def _finish(self, channel: Channel) -> None:
        self._record(channel, channel.splitter.flush(), _now_us())
        self._plumbing.stop_reading(channel)

    def _record(self, channel: Channel, lines: list[bytes], at_us: int) -> None:
        if lines and channel.target != 0:
            self.guarded(self._hand_over, channel.target, lines, at_us)

    def _hand_over(self, stream: int, lines: list[bytes], at_us: int) -> None:
        for line in lines:
            self._on_line(stream, line, at_us)

    def _read_keys(self, keyboard: Keyboard, group: int) -> None:
        keys = keyboard.read()
        master = self._plumbing.master
        if not keys or master is None:  # the real terminal is gone, or nobody is there to take its keys
            keyboard.give_back()
            self._plumbing.keyboard = None
            return
        typed = typed_signals(master, keys)
        self.typed_stop = self.typed_stop or not typed.isdisjoint(STOPPING)
        self._plumbing.send_keys(keys)
        # A shell inside has jobs of its own in the foreground and stops those itself.
        if signal.SIGTSTP in typed and foreground_group(master) == group:
            self._stop_whom = 0

    def _second_interrupt(self) -> bool:
        previous_s, self._interrupted_at_s = self._interrupted_at_s, time.monotonic()
        return self._interrupted_at_s - previous_s <= KILL_AFTER_SECOND_INTERRUPT_S

    def _signal_group(self, signum: int) -> None:
        # Once the command is reaped its number may belong to somebody else.
        if self.child is not None and self.child.returncode is None:
            with suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of zombies
                os.killpg(self.child.pid, signum)
            self.told = self.told or signum in STOPPING

    def _suspend(self, whom: int) -> None:
        """Stop the command, then us. `whom` is for kill(2): our process, or 0 for all of the shell's job."""
        self._signal_group(signal.SIGTSTP)
        # The kernel drops SIGTSTP for a group whose parent is in another session, unless there is a handler:
        # that gets a moment to tidy its screen, then the stop that cannot be dropped follows.
        time.sleep(SUSPEND_S)
        self._signal_group(signal.SIGSTOP)
        for channel in [each for each in self._plumbing.channels if each.source == self._plumbing.master]:
            self._pass_on(channel, ended=False)
        if self._plumbing.keyboard is not None:
            self._plumbing.keyboard.give_back()
        self._stop_whom = None
        handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(whom, signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, handler)
        self._resume()

    def _resume(self) -> None:
        if self._plumbing.keyboard is not None:
            self._plumbing.keyboard.take()
        self._plumbing.copy_window_size()
        self._signal_group(signal.SIGCONT)


def _flush_own_output() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError, ValueError):
                stream.flush()


def _now_us() -> int:
    return time.time_ns() // 1000
