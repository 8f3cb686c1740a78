"""Moves bytes, keys and signals between the command and the outer world until the command has ended.

```
  our terminal ── raw keys ──▶ pty ──▶ command     Ctrl-C is made by the pty
  our stdout   ◀── bytes ── pty or pipe ◀── command     then cut into lines for the caller
  a signal to gxt ──▶ the command's process group
```

It starts no command (`process`) and opens nothing (`terminal`).
"""

from __future__ import annotations

import math
import os
import select
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType
from typing import Protocol

from gxt.capture.signals import STOPPING
from gxt.capture.terminal import (
    Channel,
    Keyboard,
    Plumbing,
    foreground_group,
    hand_over,
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


class Sink(Protocol):
    """Takes the console as it comes. It may raise OSError, after which it is not called again."""

    def __call__(self, stream: int, lines: Sequence[bytes], at_us: int) -> None:
        """Take complete lines, without their newlines.

        Args:
            stream: 1 stdout, 2 stderr; 1 for both when they are one terminal, pipe or file.
            lines: their bytes, one line at least; of a line that was redrawn the last state.
            at_us: when they were read, microseconds since 1970.
        """


class Child(Protocol):
    """The command as a process that leads its own group: what `subprocess.Popen` says of it."""

    pid: int

    @property
    def returncode(self) -> int | None:
        """Its exit code, -N when signal N killed it, None while it has not been reaped."""

    def poll(self) -> int | None:
        """Reap it if it has ended; its `returncode`."""


class Relay:
    """One command's traffic, and what was seen of its end.

    Attributes:
        told: a signal that asks to end was passed on.
        typed_stop: a key that asks to end was passed on.
        log_error: why the record stopped, or "".
        mid_line: what was last written to our terminal was no whole line.
        ended_s: when the command was found to have ended, on the monotonic clock.
    """

    def __init__(self, plumbing: Plumbing, on_lines: Sink) -> None:
        self.told = False
        self.typed_stop = False
        self.log_error = ""
        self.mid_line = False
        self.ended_s = 0.0
        self._plumbing = plumbing
        self._on_lines = on_lines
        self._child: Child | None = None
        self._early: list[int] = []
        self._stop_whom: int | None = None
        self._suspended = False
        self._interrupted_at_s = -math.inf
        self._waited_s = 0.0
        self._drained_bytes = 0

    def began(self, child: Child) -> None:
        """The command is started: it gets the signals that came meanwhile, and from now on all."""
        self._child = child
        for signum in self._early:
            self._signal_group(signum)

    def run(self, child: Child, wakeup: int, on_end: Callable[[], None]) -> int:
        """Serve the command until it has ended and what it wrote is passed on.

        Args:
            child: the command.
            wakeup: becomes readable when a signal has come.
            on_end: called when it has ended, before what is left of its output is passed on.

        Returns:
            Its exit code.
        """
        returncode: int | None = None
        while self._plumbing.channels or returncode is None:
            ready, sendable = self._wait(wakeup, ended=returncode is not None)
            if wakeup in ready:
                os.read(wakeup, CHUNK_BYTES)
            if returncode is None and (returncode := child.poll()) is not None:
                self.ended_s = time.monotonic()
                on_end()
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
            hand_over(channel)
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
        at_us = now_us()
        if ended:
            self._drained_bytes += len(data)
        written = write_all(channel.target, data)
        if channel.source == self._plumbing.master:
            self.mid_line = not data.endswith(b"\n")
        self._record(channel, channel.splitter.feed(data), at_us)
        if written or channel.target == 0:
            return
        # Nobody reads our output any more. The command is to learn it the way it would have without us.
        self._finish(channel)
        if channel.source == self._plumbing.master:
            self._plumbing.hang_up()

    def _finish(self, channel: Channel) -> None:
        self._record(channel, channel.splitter.flush(), now_us())
        self._plumbing.stop_reading(channel)

    def _record(self, channel: Channel, lines: list[bytes], at_us: int) -> None:
        if lines and channel.target != 0:  # 0: the echo of keys
            self.guarded(self._on_lines, channel.target, lines, at_us)

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
        if self._child is None:
            self._early.append(signum)
        # Once the command is reaped its number may belong to somebody else.
        elif self._child.returncode is None:
            with suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of zombies
                os.killpg(self._child.pid, signum)
            self.told = self.told or signum in STOPPING

    def _suspend(self, whom: int) -> None:
        """Stop the command, then us. `whom` is for kill(2): our process, or 0 for all of the shell's job."""
        self._signal_group(signal.SIGTSTP)
        # The kernel drops SIGTSTP for a group whose parent is in another session, unless there is a handler:
        # that gets a moment to tidy its screen, then the stop that cannot be dropped follows.
        time.sleep(SUSPEND_S)
        self._signal_group(signal.SIGSTOP)
        for channel in [each for each in self._plumbing.channels if each.source == self._plumbing.master]:
            self._pass_on(channel, ended=False)  # what it showed before it stopped, also the `^Z`
        if self._plumbing.keyboard is not None:
            self._plumbing.keyboard.give_back()
        self._stop_whom = None
        self._suspended = True
        handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(whom, signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, handler)
        if self._suspended:  # no SIGCONT: the kernel does not stop a group that nobody could continue
            self._resume()

    def _resume(self) -> None:
        self._suspended = False
        if self._plumbing.keyboard is not None:
            self._plumbing.keyboard.take()
        self._plumbing.copy_window_size()
        self._signal_group(signal.SIGCONT)


def now_us() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000
