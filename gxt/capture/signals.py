"""The signals sent to gxt while the command runs: caught, held back during a fork, set back in the end.

Which signals, and how a process takes and leaves them. What one means for the command is `relay`'s.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NamedTuple

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""Those that ask a program to end."""
HANDLED = (
    *STOPPING,
    *(signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT, signal.SIGTSTP, signal.SIGWINCH, signal.SIGCHLD),
)

Handler = Callable[[int, FrameType | None], None]


class Catching(NamedTuple):
    """Signals that reach our handler.

    Attributes:
        signals: which.
        wakeup: a descriptor that becomes readable when one has come.
        found_mask: the signals that were blocked before.
    """

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
            signal.pthread_sigmask(signal.SIG_SETMASK, self.found_mask)

    def undo_in_child(self) -> None:
        """In a child forked while signals wait: away from our wake-up, default actions, waiting no more."""
        signal.set_wakeup_fd(-1)
        for signum in self.signals:
            signal.signal(signum, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, self.found_mask)


@contextmanager
def signals_caught(handler: Handler) -> Iterator[Catching]:
    """Route the signals to `handler`, but those that our starter has us ignore: `nohup` stays nohup."""
    ignored = (signal.SIG_IGN, None)
    # An ignored SIGCHLD would make the kernel throw the exit code away.
    caught = tuple(s for s in HANDLED if s == signal.SIGCHLD or signal.getsignal(s) not in ignored)
    readable, writable = os.pipe()
    os.set_blocking(readable, False)
    os.set_blocking(writable, False)
    found_mask = frozenset(signal.pthread_sigmask(signal.SIG_BLOCK, []))
    found_wakeup = signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    found = {signum: signal.signal(signum, handler) for signum in caught}
    try:
        yield Catching(caught, readable, found_mask)
    finally:
        for signum, action in found.items():
            # None: set by other than Python, which cannot set it again
            signal.signal(signum, action if action is not None else signal.SIG_DFL)
        signal.set_wakeup_fd(found_wakeup)
        os.close(readable)
        os.close(writable)
