"""A git that talks to another repository: what it says, how far it is, and when to give it up.

On a terminal git and ssh may ask for a password; without one they have a session of their own, in which
nothing can be asked. ssh gets no options from us: its user has an agent, a config and a `GIT_SSH_COMMAND`.
"""

from __future__ import annotations

import os
import re
import selectors
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from gxt.git import process
from gxt.git.repository import Repository
from gxt.named_tuple import NamedTuple

Told: TypeAlias = Callable[[str, int, int, int], None]
"""Takes what git does (`Receiving objects`), how much of it is done, how much there is, and bytes so far."""

_TURN_S = 0.5
_GRACE_S = 2.0
_MOST_LINES = 400
_LONGEST_LINE = 2000
_UNITS = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_ASKING = ("askpass", "credential", "sk-helper", "pinentry")
_LEAST_TICKS = 5  # a git that waits for nothing wakes up now and then, and uses less


class Limits(NamedTuple):
    """How long a silence may be, in seconds.

    Attributes:
        answer_s: before the first sign of life.
        work_s: after it: a server that unpacks, or runs its hooks, may say nothing for long.
    """

    answer_s: float = 15.0
    work_s: float = 120.0


LIMITS = Limits()


class Said(NamedTuple):
    """What came of a conversation.

    Attributes:
        returncode: how git ended.
        stdout: all of it, if there was not too much.
        lines: what it said on stderr, without its progress; those of the server begin with `remote: `.
        silent_s: it was given up after such a silence; 0 if it was not.
        too_much: it was ended because it printed more than was asked for.
    """

    returncode: int
    stdout: bytes
    lines: list[str]
    silent_s: float = 0.0
    too_much: bool = False


def silent(what: str, done: int, total: int, size: int) -> None:
    """Tell nobody how far git is."""


def converse(
    repository: Repository,
    args: Sequence[str],
    *,
    config: Sequence[str],
    env: Mapping[str, str],
    told: Told = silent,
    limits: Limits = LIMITS,
    most_bytes: int = 1 << 24,
) -> Said:
    """Run git to its end, or to that of our patience. Whatever ends this ends git and its children.

    Args:
        repository: where.
        args: the arguments after `git`.
        config: settings, `name=value`.
        env: variables beside the usual ones.
        told: is told how far git is.
        limits: of its silence.
        most_bytes: how much it may print.
    """
    on_terminal = _is_terminal()
    asks = {"GIT_TERMINAL_PROMPT": os.environ.get("GIT_TERMINAL_PROMPT", "1")} if on_terminal else {}
    git = process.start(repository.top, args, config=config, env={**env, **asks}, on_terminal=on_terminal)
    talk = _Talk(git, told, _Watch(git.pid, limits, on_terminal=on_terminal))
    try:
        assert git.stdin
        git.stdin.close()
        silent_s = talk.listen(most_bytes)
        too_much = len(talk.stdout) > most_bytes
        if silent_s or too_much:
            _end(git, on_terminal=on_terminal)
        return Said(git.wait(), bytes(talk.stdout), talk.lines, silent_s, too_much)
    finally:
        if git.returncode is None:
            _end(git, on_terminal=on_terminal)
        for pipe in (git.stdout, git.stderr):
            assert pipe
            pipe.close()


def _is_terminal() -> bool:
    """Whether somebody sits there who can be asked."""
    return all(os.isatty(descriptor) for descriptor in (0, 2))


class _Talk:
    """What git has said until now."""

    def __init__(self, git: process.Running, told: Told, watch: _Watch) -> None:
        self.stdout = bytearray()
        self.lines: list[str] = []
        self._rest = b""
        self._git = git
        self._told = told
        self._watch = watch

    def listen(self, most_bytes: int) -> float:
        """Until git has ended or prints too much; the seconds of a silence that was too long, or 0."""
        with selectors.DefaultSelector() as waiting:
            for pipe in (self._git.stdout, self._git.stderr):
                assert pipe
                waiting.register(pipe, selectors.EVENT_READ)
            while waiting.get_map() and len(self.stdout) <= most_bytes:
                ready = waiting.select(_TURN_S)
                for key, _ in ready:
                    data = os.read(key.fd, 1 << 16)
                    if not data:
                        waiting.unregister(key.fileobj)
                    self._hear(data, is_answer=key.fileobj is self._git.stdout)
                if ready:
                    self._watch.heard()
                # an ssh that stays for the next connection may hold the pipes open
                elif self._git.poll() is not None:
                    break
                elif silent_s := self._watch.silent_s():
                    return silent_s
        self._hear(b"\n", is_answer=False)
        return 0.0

    def _hear(self, data: bytes, *, is_answer: bool) -> None:
        if is_answer:
            self.stdout += data
            return
        *pieces, self._rest = re.split(rb"[\r\n]", self._rest + data)
        self._rest = self._rest[-_LONGEST_LINE:]
        for piece in pieces:
            line = printable(piece[:_LONGEST_LINE].decode(errors="replace"))
            if state := _progress().match(line):
                size = float(state["size"] or 0) * _UNITS[state["unit"] or "bytes"]
                self._told(state["what"], int(state["done"]), int(state["total"]), int(size))
            elif line and not _counted().match(line):
                self.lines.append(line)
                del self.lines[:-_MOST_LINES]


def printable(text: str) -> str:
    """Without what would move a cursor or turn the direction of a text; one line."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


@lru_cache(maxsize=1)
def _progress() -> re.Pattern[str]:
    return re.compile(
        r"(?:remote: )?(?P<what>[A-Z][a-z]+(?: [a-z]+){0,3}):\s+\d+% "
        r"\((?P<done>\d{1,15})/(?P<total>\d{1,15})\)"
        r"(?:, (?P<size>\d{1,9}(?:\.\d{1,3})?) (?P<unit>bytes|KiB|MiB|GiB))?"
    )


@lru_cache(maxsize=1)
def _counted() -> re.Pattern[str]:
    """`Enumerating objects: 5, done.`, and the sum at the end."""
    return re.compile(
        r"(?:remote: )?(?:[A-Z][a-z]+ objects: \d+(?:, done\.)?|Total \d+ \(delta \d+\).*|"
        r"Delta compression using up to \d+ threads?)$"
    )


class _Watch:
    """When git, ssh or a server on this machine last gave a sign of life.

    Signs are bytes that git prints, and on Linux processor time, bytes read and children that come and go.
    """

    def __init__(self, pid: int, limits: Limits, *, on_terminal: bool) -> None:
        self._pid = pid
        self._limits = limits
        self._on_terminal = on_terminal
        self._answered = False
        self._since = time.monotonic()
        self._seen: _Family | None = None

    def heard(self) -> None:
        """Git has printed something."""
        self._answered = True
        self._since = time.monotonic()

    def silent_s(self) -> float:
        """For how long there has been no sign of life, if that is too long."""
        now = _family(self._pid)
        if now and (now.has_moved(self._seen) or (self._on_terminal and now.asks)):
            self._seen = now
            self._since = time.monotonic()
        limit_s = self._limits.work_s if self._answered else self._limits.answer_s
        if self._on_terminal and not now:  # somebody may be typing a password, which only Linux tells
            limit_s = max(limit_s, self._limits.work_s)
        silence_s = time.monotonic() - self._since
        return silence_s if silence_s >= limit_s else 0.0


class _Family(NamedTuple):
    """What git and its children have done until now."""

    pids: tuple[int, ...]
    ticks: int
    bytes_read: int
    asks: bool

    def has_moved(self, before: _Family | None) -> bool:
        return before is None or (
            self.pids != before.pids
            or self.bytes_read != before.bytes_read
            or self.ticks >= before.ticks + _LEAST_TICKS
        )


def _family(pid: int) -> _Family | None:
    """None where the system does not tell."""
    pids = tuple(_descendants(pid))
    ticks = size = 0
    asks = False
    for one in pids:
        with suppress(OSError, ValueError, IndexError):
            name, _, rest = Path(f"/proc/{one}/stat").read_text(errors="replace").rpartition(") ")
            ticks += sum(map(int, rest.split()[11:13]))
            asks = asks or any(word in name for word in _ASKING) or _has_terminal_open(one)
            size += int(Path(f"/proc/{one}/io").read_text().split()[1])
    return _Family(pids, ticks, size, asks) if ticks or size else None


def _descendants(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield from _descendants(int(child))


def _has_terminal_open(pid: int) -> bool:
    """Who asks for a password opens the terminal by this name, and closes it after."""
    with suppress(OSError):
        return any(entry.readlink() == Path("/dev/tty") for entry in Path(f"/proc/{pid}/fd").iterdir())
    return False


def _end(git: process.Running, *, on_terminal: bool) -> None:
    """Git and all its children; git gets a moment to remove its locks."""
    pids = list(_descendants(git.pid))
    try:
        _signal(git.pid, pids, signal.SIGTERM, on_terminal=on_terminal)
        deadline_s = time.monotonic() + _GRACE_S
        while git.poll() is None and time.monotonic() < deadline_s:
            time.sleep(0.01)
    finally:
        _signal(git.pid, pids, signal.SIGKILL, on_terminal=on_terminal)
        git.wait()


def _signal(pid: int, pids: Sequence[int], number: int, *, on_terminal: bool) -> None:
    if not on_terminal:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, number)
        return
    for one in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(one, number)
