"""What the command gets for its stdin, stdout and stderr: a pty in place of a terminal, pipes for the rest.

Descriptors, terminal attributes and keys only. The bytes are moved by `relay`.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import signal
import termios
from contextlib import suppress
from typing import Any, TypeAlias

from gxt.capture.lines import LineSplitter

Attributes: TypeAlias = list[Any]
"""What `termios.tcgetattr` gives: input, output, control and local flags, two speeds, control characters."""

KEYS_BYTES = 4096

_INPUT, _OUTPUT, _LOCAL, _CHARACTERS = 0, 1, 3, 6
_WINDOW_SIZE_BYTES = 8  # struct winsize: rows, columns, and both in pixels, each an unsigned short
_DISABLED = b"\0"  # a control character that no key has
_INPUT_MEANINGS = (
    termios.IGNBRK
    | termios.BRKINT
    | termios.PARMRK
    | termios.ISTRIP
    | termios.INLCR
    | termios.IGNCR
    | termios.ICRNL
    | termios.IXON
)
_LOCAL_MEANINGS = termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN
_SIGNAL_KEYS = (
    (termios.VINTR, signal.SIGINT),
    (termios.VQUIT, signal.SIGQUIT),
    (termios.VSUSP, signal.SIGTSTP),
)


class Channel:
    """One way out of the command: `source` is our end of it, `target` the descriptor of ours it goes on to.

    A target 0 is our terminal when only stdin is one: what arrives is the echo of keys, no output to record.
    """

    def __init__(self, source: int, target: int) -> None:
        self.source = source
        self.target = target
        self.splitter = LineSplitter()


class Plumbing:
    """All descriptors between the command and us.

    Attributes:
        far_ends: the command's descriptor (0, 1, 2) → what it gets there; without an entry it gets ours.
        channels: what is still being read.
        master: our end of the pty, if there is one.
        screen: our descriptor of the real terminal, if there is one.
        keyboard: the keys of the real terminal, if stdin is one.
        unsent: keys that the pty has not taken yet.
    """

    def __init__(
        self,
        far_ends: dict[int, int],
        channels: list[Channel],
        master: int | None = None,
        screen: int = -1,
        keyboard: Keyboard | None = None,
    ) -> None:
        self.far_ends = far_ends
        self.channels = channels
        self.master = master
        self.screen = screen
        self.keyboard = keyboard
        self.unsent = bytearray()

    def close_far_ends(self) -> None:
        """Leave them to the command alone, so that its end is the end of the output."""
        for descriptor in set(self.far_ends.values()):
            os.close(descriptor)
        self.far_ends = {}

    def stop_reading(self, channel: Channel) -> None:
        """Forget the channel. A pipe is closed, so that whoever still writes to it learns that."""
        self.channels.remove(channel)
        if channel.source != self.master:
            os.close(channel.source)

    def close(self) -> None:
        """Give the terminal back and close all that is open."""
        if self.keyboard is not None:
            self.keyboard.give_back()
        self.close_far_ends()
        for channel in [*self.channels]:
            self.stop_reading(channel)
        self.hang_up()

    def send_keys(self, keys: bytes = b"") -> None:
        """Type the keys into the pty, as far as it takes them now."""
        self.unsent += keys
        if self.master is None:
            return
        try:
            sent = os.write(self.master, self.unsent)
        except BlockingIOError:
            return
        except OSError:  # nobody on the other side will read them
            sent = len(self.unsent)
        del self.unsent[:sent]

    def copy_window_size(self) -> None:
        """Tell the command how large the real terminal is now."""
        if self.master is not None:
            _copy_window_size(self.screen, self.master)

    def hang_up(self) -> None:
        """Close the pty: the command is told by SIGHUP, as when its terminal is closed."""
        if self.master is not None:
            os.close(self.master)
        self.master = None


def lay_plumbing() -> Plumbing:
    """A pty for what is a terminal here, a pipe for each output that is not; another stdin is left alone."""
    terminals = [fd for fd in (0, 1, 2) if os.isatty(fd)]
    # Who makes `\r\n` of `\n`: the pty, where the real terminal can be made raw; else the real terminal.
    raw_output = {0, 1} <= set(terminals) and _in_foreground(0)
    pty = open_pty(terminals[0], own_newlines=raw_output) if terminals else None
    plumbing = Plumbing({}, [])
    if pty is not None:
        plumbing.master, slave = pty
        plumbing.far_ends.update(dict.fromkeys(terminals, slave))
        plumbing.screen = next(fd for fd in (1, 2, 0) if fd in terminals)
        plumbing.channels.append(Channel(plumbing.master, plumbing.screen))
        if 0 in terminals:
            plumbing.keyboard = Keyboard(0, raw_output=raw_output)
    for fd in (1, 2):
        if fd in plumbing.far_ends:
            continue
        if fd == 2 and _same_file(1, 2) and 1 not in terminals:
            # `> log 2>&1`: two pipes would lose the order between the two.
            plumbing.far_ends[2] = plumbing.far_ends[1]
            continue
        source, plumbing.far_ends[fd] = os.pipe()
        plumbing.channels.append(Channel(source, fd))
    return plumbing


def _same_file(one: int, other: int) -> bool:
    try:
        return os.path.sameopenfile(one, other)
    except OSError:
        return False


def open_pty(like: int, *, own_newlines: bool) -> tuple[int, int] | None:
    r"""A new pty with the attributes and the window size of the terminal `like`.

    Args:
        like: descriptor of a terminal.
        own_newlines: whether the pty turns `\n` into `\r\n`; else that is left to the real terminal.

    Returns:
        (master, slave), closed on exec, the master non-blocking; None where the system has no pty to give.
    """
    try:
        master, slave = os.openpty()
    except OSError:
        return None
    # A full input queue must not stop the output: unsent keys wait on our side.
    os.set_blocking(master, False)
    with suppress(termios.error):
        attributes = termios.tcgetattr(like)
        # Single-key mode is a state some other program is in, not what a command should start with.
        if not attributes[_LOCAL] & termios.ICANON:
            attributes = termios.tcgetattr(slave)
        if not own_newlines:
            attributes[_OUTPUT] &= ~termios.OPOST
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
    _copy_window_size(like, master)
    return master, slave


def _copy_window_size(source: int, target: int) -> None:
    """Give `target` the size of `source`. When that is a change the kernel sends SIGWINCH."""
    with suppress(OSError):
        size = fcntl.ioctl(source, termios.TIOCGWINSZ, bytes(_WINDOW_SIZE_BYTES))
        fcntl.ioctl(target, termios.TIOCSWINSZ, size)


def make_controlling(slave: int) -> None:
    """Make `slave` the terminal of this session, whose leader calls this. /dev/tty and Ctrl-C then work."""
    with suppress(OSError):
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)


def typed_signals(master: int, keys: bytes) -> set[signal.Signals]:
    """The signals the pty makes of these keys as it is set now: Ctrl-C is SIGINT unless in raw mode."""
    try:
        attributes = termios.tcgetattr(master)
    except termios.error:
        return set()
    if not attributes[_LOCAL] & termios.ISIG:
        return set()
    characters = attributes[_CHARACTERS]
    return {
        signum
        for index, signum in _SIGNAL_KEYS
        if characters[index] != _DISABLED and characters[index] in keys
    }


def foreground_group(terminal: int) -> int:
    """The process group that owns the keys of this terminal, or -1."""
    try:
        return os.tcgetpgrp(terminal)
    except OSError:
        return -1


class Keyboard:
    """The keys of our terminal: raw while they belong to the command, as they were found otherwise."""

    def __init__(self, terminal: int, *, raw_output: bool) -> None:
        r"""Touch nothing yet.

        Args:
            terminal: our descriptor of it.
            raw_output: whether all that is written to this terminal comes from a pty that has already turned
                `\n` into `\r\n`; else the terminal must go on doing so.
        """
        self.terminal = terminal
        self.taken = False
        self._raw_output = raw_output
        self._found: Attributes | None = None

    def take(self) -> bool:
        """Make the terminal raw if its keys are ours to read now. Whether they are."""
        self.taken = False
        if not _in_foreground(self.terminal):
            return False
        try:
            attributes = termios.tcgetattr(self.terminal)
            if self._found is None:
                # In `gxt run … | less` the pager reads the keys, and has said so before us.
                if not self._raw_output and not attributes[_LOCAL] & termios.ICANON:
                    return False
                self._found = attributes
            termios.tcsetattr(self.terminal, termios.TCSANOW, _raw(self._found, raw_output=self._raw_output))
        except termios.error:
            return False
        self.taken = True
        return True

    def read(self) -> bytes:
        """The keys that were typed; none when the terminal is gone."""
        try:
            return os.read(self.terminal, KEYS_BYTES)
        except OSError:
            return b""

    def give_back(self) -> None:
        """Set the terminal as it was found, unless it is another job's by now."""
        if self.taken and self._found is not None and _in_foreground(self.terminal):
            with suppress(termios.error):
                termios.tcsetattr(self.terminal, termios.TCSANOW, self._found)
        self.taken = False


def _in_foreground(terminal: int) -> bool:
    """Whether job control lets us use this terminal: always, when it controls another session than ours."""
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError as error:
        return error.errno == errno.ENOTTY


def _raw(found: Attributes, *, raw_output: bool) -> Attributes:
    """The flags of cfmakeraw(3): every key is a byte, and none has a meaning here."""
    attributes = [*found]
    attributes[_INPUT] &= ~_INPUT_MEANINGS
    if raw_output:
        attributes[_OUTPUT] &= ~termios.OPOST
    attributes[_LOCAL] &= ~_LOCAL_MEANINGS
    characters = [*found[_CHARACTERS]]
    characters[termios.VMIN], characters[termios.VTIME] = 1, 0
    attributes[_CHARACTERS] = characters
    return attributes


def hand_over(channel: Channel) -> None:
    """Leave a channel that is still held open after the end of the command to cat(1), and return at once.

    What a process in the background writes goes on to where it would go without us, until it ends or nobody
    reads on; closing the channel would lose that, and kill it by SIGPIPE.
    """
    if channel.target == 0:  # the echo of keys
        return
    os.set_blocking(channel.source, True)
    moves = ((channel.source, 0), (channel.target, 1))
    with suppress(OSError):  # there is no cat: the output ends here
        os.posix_spawnp(
            "cat",
            ["cat"],
            os.environ,
            file_actions=[
                *((os.POSIX_SPAWN_DUP2, ours, its) for ours, its in moves),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
            setsigdef=[signal.SIGPIPE],
        )


def write_all(target: int, data: bytes) -> bool:
    """Write all of it, however long the reader takes. Whether it could be written."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(target, rest) :]
        except BlockingIOError:  # a program sharing our terminal has made it non-blocking
            select.select([], [target], [])
        except OSError:
            return False
    return True
