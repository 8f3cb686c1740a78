"""The signals sent to gxt while the command runs: caught, and set back in the end.

Which signals, and how a process takes and leaves them. What one means for the command is `relay`'s.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""Those that ask a program to end."""
HARMLESS = (signal.SIGCONT, signal.SIGWINCH, signal.SIGCHLD)
"""Those that do nothing to a process that has no handler for them."""
HANDLED = (*STOPPING, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTSTP, *HARMLESS)

Handler = Callable[[int, FrameType | None], None]


@contextmanager
def signals_caught(handler: Handler) -> Iterator[int]:
    """Route the signals to `handler`, but those that our starter has us ignore: `nohup` stays nohup.

    Yields a descriptor that becomes readable when one has come.
    """
    ignored = (signal.SIG_IGN, None)
    # An ignored SIGCHLD would make the kernel throw the exit code away.
    caught = tuple(s for s in HANDLED if s == signal.SIGCHLD or signal.getsignal(s) not in ignored)
    readable, writable = _wakeup_pipe()
    found_wakeup = signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    found = {signum: signal.signal(signum, handler) for signum in caught}
    try:
        yield readable
    finally:
        for signum, action in found.items():
            signal.signal(signum, _afterwards(signum, action))
        signal.set_wakeup_fd(found_wakeup, warn_on_full_buffer=False)


def _afterwards(signum: int, found: signal._HANDLER) -> signal._HANDLER:
    """The action to leave behind in the place of the one that was found."""
    if found is None:  # set by other than Python, which cannot set it again
        found = signal.SIG_DFL
    # Another thread can take a signal this moment (a child of its own has died). With the default action
    # Python would report that it ignored one; for these a handler that does nothing is the same.
    return _nothing if found == signal.SIG_DFL and signum in HARMLESS else found


def _nothing(_signum: int, _frame: FrameType | None) -> None:
    pass


@cache
def _wakeup_pipe() -> tuple[int, int]:
    """Made once and never closed: a handler in another thread may be about to write into it at any time.

    Closed, that write would fail with a traceback, or go into the file that got its number.
    """
    readable, writable = os.pipe()
    os.set_blocking(readable, False)
    os.set_blocking(writable, False)
    return readable, writable
