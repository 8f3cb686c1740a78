"""Several commands at once, their lines kept apart; what each of them records is its own matter."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from gxt.capture.signals import STOPPING
from gxt.named_tuple import NamedTuple

_PIECE = 1 << 16
Lines = Callable[[int, int, bytes], None]


class _Pipe(NamedTuple):
    """Where the command at a place writes what is for descriptor 1 or 2, and the line that it is in."""

    place: int
    descriptor: int
    unended: bytearray


class _Told(NamedTuple):
    """The signals that came, and the processes that they were passed on to."""

    signals: list[int]
    processes: set[int]


def run_side_by_side(
    commands: Sequence[Sequence[str]], *, jobs: int, on_lines: Lines, cwd: Path
) -> list[int | None]:
    """Run the commands, so many at a time, in their order. Call it from the main thread.

    Each has a session of its own and no stdin. A signal that asks us to stop goes on to all that run, each
    time that it comes, and none is begun after it.

    Args:
        commands: each with its arguments.
        jobs: how many at a time.
        on_lines: takes whole lines by the place of the command from 0, with the descriptor (1 or 2) for them.
        cwd: where they run.

    Returns:
        The exit code of each, -N when signal N killed it, None for those that were not begun.
    """
    waiting = deque(enumerate(commands))
    running: dict[int, subprocess.Popen[bytes]] = {}
    ended: list[int | None] = [None] * len(commands)
    with selectors.DefaultSelector() as reading, _signals_passed_on(running) as told:
        while waiting or running:
            while waiting and len(running) < jobs and not told.signals:
                place, command = waiting.popleft()
                running[place] = _start(command, cwd)
                _listen(reading, place, running[place])
                # It came while the command was being started; a second one would be taken for impatience.
                if told.signals and running[place].pid not in told.processes:
                    _tell(running[place], told.signals[-1])
            if told.signals:
                waiting.clear()
            for key, _ in reading.select():
                _take(reading, key, on_lines)
            for place in [place for place in running if not _is_heard(reading, place)]:
                ended[place] = running[place].wait()
                del running[place]
    return ended


def _start(command: Sequence[str], cwd: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cwd,
        start_new_session=True,  # what a terminal sends to all of its programs reaches it through us alone
    )


def _listen(reading: selectors.BaseSelector, place: int, process: subprocess.Popen[bytes]) -> None:
    for descriptor, stream in ((1, process.stdout), (2, process.stderr)):
        reading.register(stream, selectors.EVENT_READ, _Pipe(place, descriptor, bytearray()))  # type: ignore[arg-type]


def _take(reading: selectors.BaseSelector, key: selectors.SelectorKey, on_lines: Lines) -> None:
    """Read what is there; lines are given on when they have ended."""
    pipe: _Pipe = key.data
    piece = os.read(key.fd, _PIECE)
    pipe.unended.extend(piece)
    if piece:
        whole, newline, rest = bytes(pipe.unended).rpartition(b"\n")
    else:
        whole, newline, rest = bytes(pipe.unended), b"\n" if pipe.unended else b"", b""
        reading.unregister(key.fileobj)
        key.fileobj.close()  # type: ignore[union-attr]
    pipe.unended[:] = rest
    if newline:
        on_lines(pipe.place, pipe.descriptor, whole + newline)


def _is_heard(reading: selectors.BaseSelector, place: int) -> bool:
    return any(key.data.place == place for key in reading.get_map().values())


def _tell(process: subprocess.Popen[bytes], signum: int) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signum)


@contextmanager
def _signals_passed_on(running: dict[int, subprocess.Popen[bytes]]) -> Iterator[_Told]:
    """Pass signals that ask to stop on to what runs; yields what came so far. Ignored ones stay so."""
    told = _Told([], set())

    def pass_on(signum: int, _frame: FrameType | None) -> None:
        told.signals.append(signum)
        for process in list(running.values()):
            told.processes.add(process.pid)
            _tell(process, signum)

    caught = [signum for signum in STOPPING if signal.getsignal(signum) not in (signal.SIG_IGN, None)]
    found = {signum: signal.signal(signum, pass_on) for signum in caught}
    try:
        yield told
    finally:
        for signum, action in found.items():
            signal.signal(signum, action)
