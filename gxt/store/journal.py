"""The journal of a live run: a directory beside git that survives anything but its own deletion.

`gxt/live/<uid>/` holds `journal.jsonl` (one event a line), `output.log` (the console), `number` (the reserved
number), `interpreter` (where a script said which Python it runs in), `code.pack` (the snapshot, where a gc
may have taken it from git), `files` (outputs on their way into the cache) and `summary.json` (what readers
have made of a long journal so far; may be deleted).
It is made under a temporary name with its lock held, then renamed into place. Whoever records holds the
directory; every process that logs shares a lock on the journal file. When both are free and the journal has
no end, the run was interrupted.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

from gxt.errors import GxtError
from gxt.git.repository import Repository
from gxt.model.events import Fold, Folded, fold
from gxt.model.ids import LAST_NUMBER
from gxt.model.json_types import JsonObject
from gxt.model.version import __version__
from gxt.named_tuple import NamedTuple
from gxt.store import locks
from gxt.store.console import HEAD, still_read
from gxt.store.descriptor import Descriptor
from gxt.store.places import CODE, STAGED, live_home

# How the training finds its run; the only variables that are added to its environment.
ENV_UID = "GXT_RUN"
ENV_DIRECTORY = "GXT_LIVE"

JOURNAL = "journal.jsonl"
NUMBER = "number"
INTERPRETER = "interpreter"
SUMMARY = "summary.json"
_OF_THE_RUN = (JOURNAL, "output.", "rank-")
Fields: TypeAlias = "Callable[[], Mapping[str, Any]]"
_WORTH_KEEPING = 1 << 17  # bytes of a journal; fewer are read again in a few milliseconds
encode = json.JSONEncoder(separators=(",", ":")).encode


def now_us() -> int:
    """Microseconds since the Unix epoch."""
    return time.time_ns() // 1000


class JournalWriter:
    """An open journal. One event is one `write` of one line, so a killed process loses nothing it logged."""

    def __init__(self, path: Path) -> None:
        self._file = _shared(path, os.O_CREAT)
        self._path = path
        self._torn = False

    @property
    def directory(self) -> Path:
        """Of the live run."""
        return self._path.parent

    def append(self, kind: str, fields: Mapping[str, Any], at_us: int | None = None) -> None:
        """Write an event.

        Raises:
            OSError: the disk took nothing, or only a part of the line (which readers then leave out).
        """
        self.write_line(encode({"e": kind, "t": now_us() if at_us is None else at_us, **fields}))

    def moved(self, path: Path) -> None:
        """The journal's directory has its real name now."""
        self._path = path

    def reopen(self) -> None:
        """Take a descriptor of its own in a forked child, so that the parent's lock ends with the parent."""
        inherited, self._file = self._file, _shared(self._path)
        inherited.close()

    def write_line(self, text: str) -> None:
        """Write one line of JSON; see `append`."""
        data = text.encode() + b"\n"
        if self._torn:
            data = b"\n" + data  # so that this line does not grow onto the torn one
        self.check()
        written = os.write(self._file.number, data)
        self._torn = written < len(data)
        if self._torn:
            raise OSError(f"only {written} of {len(data)} bytes written to the journal")

    def check(self) -> None:
        """Raise OSError unless this is still the journal of a live run."""
        found = self._file.stat()
        if found is None:
            raise OSError("the script has closed the journal's descriptor")
        if found.st_nlink == 0:
            raise OSError("the run has ended, or its directory was deleted")

    def close(self) -> None:
        """Give up the journal; its lock goes with it."""
        self._file.close()


def _shared(path: Path, more: int = 0) -> Descriptor:
    """A journal opened for appending, with a lock that says that its process still writes to it."""
    number = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | more, 0o666)
    locks.share(number)
    return Descriptor.of(number)


def append_to_running(path: Path, kind: str, fields: Mapping[str, Any]) -> None:
    """Write an event into the journal of a run that another process records. Call it with the store's lock.

    Raises:
        OSError: the run has ended: its recorder may have read the journal before this event.
    """
    writer = JournalWriter(path / JOURNAL)
    try:
        writer.append(kind, fields)
    finally:
        writer.close()
    if _has_end(path):
        raise OSError("the run has ended")


def _has_end(path: Path) -> bool:
    """Whether the journal tells how the run ended."""
    for line in read_lines(path):
        if b'"finished"' in line:
            with suppress(ValueError, AttributeError, RecursionError):
                if json.loads(line).get("e") == "finished":
                    return True
    return False


class LiveRun(NamedTuple):
    """The directory of a live run that this process records: held until `release`."""

    uid: str
    number: int
    path: Path
    held: Descriptor
    journal: JournalWriter

    def release(self) -> None:
        """Let go of the directory; what is not sealed by now is an interrupted run."""
        self.journal.close()
        self.held.close()


def create(
    repository: Repository, *, uid: str, number: int, started: JsonObject, at_us: int, code: bytes = b""
) -> LiveRun:
    """Make the directory of a new run, held by this process. Call it with the store's lock.

    `code` is a pack of its snapshot, where a gc may take that from git.
    """
    home = live_home(repository)
    home.mkdir(parents=True, exist_ok=True)
    making, path = home / f".new-{uid}", home / uid
    making.mkdir()
    held = locks.hold(making)
    assert held is not None, "a directory made under the store's lock is nobody else's"
    journal = None
    try:
        (making / NUMBER).write_text(f"{number}\n")
        if code:
            (making / CODE).write_bytes(code)
        journal = JournalWriter(making / JOURNAL)
        journal.append(
            "started", {**started, "host": os.uname().nodename, "boot": _boot_id(), "pid": os.getpid()}, at_us
        )
        making.rename(path)
    except OSError:
        if journal is not None:
            journal.close()
        _delete(making)
        os.close(held)
        raise
    journal.moved(path / JOURNAL)
    return LiveRun(uid=uid, number=number, path=path, held=Descriptor.of(held), journal=journal)


def remove(path: Path) -> None:
    """Remove the directory of a sealed run: out of sight first, so that no half of it is ever seen."""
    done = _done(path)
    _delete(done)  # an earlier half of it would be in the way
    with suppress(OSError):  # the run is in git: the next recovery finds that out, and tries again
        path.rename(done)
    _delete(done)


def sweep(repository: Repository) -> None:
    """Remove directories that were left half made or half removed. Call it with the store's lock."""
    for path in live_home(repository).glob(".*-*"):
        if not locks.is_held(path):
            _delete(path)


def forget_console(path: Path) -> None:
    """Delete what `remove` has left of a directory for somebody who was following the console."""
    _delete(_done(path))


def _done(path: Path) -> Path:
    return path.with_name(f".done-{path.name}")


def _delete(folder: Path) -> None:
    """Delete a directory of files, as far as that is possible and nobody reads on."""
    with suppress(OSError):
        wanted = still_read(folder)
        for path in folder.iterdir():
            if path.name == STAGED:
                _delete_staged(path)
            elif path not in wanted:
                path.unlink(missing_ok=True)
        folder.rmdir()


def _delete_staged(path: Path) -> None:
    try:
        path.rmdir()
    except OSError:  # what could not be stored
        import shutil

        shutil.rmtree(path, ignore_errors=True)


def is_alive(path: Path) -> bool:
    """Whether somebody still records into this directory, or logs into its journal."""
    return locks.is_held(path) or is_alive_beside(path)


def goes_on(path: Path) -> bool:
    """Whether the run is not known to be over: it is alive here, or may be on another machine."""
    return is_alive(path) or (path.exists() and runs_elsewhere(path) is not None)


def is_alive_beside(path: Path) -> bool:
    """Whether a process other than the recorder still logs into the journal."""
    return locks.is_shared(path / JOURNAL)


def runs_elsewhere(path: Path) -> str | None:
    """The host of a run that another machine records on a shared file system, whose locks may not be seen.

    A container of this machine has a host name of its own, but our kernel, and so our locks.
    """
    try:
        started = json.loads(next(read_lines(path), b"{}"))
        host, boot = started.get("host"), started.get("boot")
    except (OSError, ValueError, AttributeError, RecursionError):  # a damaged journal is judged here
        return None
    if not host or host == os.uname().nodename or (boot and boot == _boot_id()):
        return None
    return str(host)


def last_write_s(path: Path) -> float:
    """When a live run last wrote something, in seconds since 1970; 0 when its directory is gone.

    What readers write does not count: the summary, and the head of the console, which a follower makes.
    """
    newest_s = 0.0
    with suppress(OSError):
        for file in path.iterdir():
            if file.name.startswith(_OF_THE_RUN):
                with suppress(OSError):  # it may go while we look
                    found = file.stat()
                    newest_s = max(newest_s, found.st_mtime if found.st_size or file.name != HEAD else 0.0)
    return newest_s


def started(path: Path) -> JsonObject:
    """The event that a live run began with; nothing where its journal does not tell."""
    try:
        said = json.loads(next(read_lines(path), b"{}"))
    except (OSError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def top(path: Path) -> Path | None:
    """The top of the work tree that a live run began in; None where its journal does not tell."""
    said = started(path).get("top")
    return Path(said) if isinstance(said, str) else None


def reserved_number(path: Path) -> int:
    """The number that a live run goes by; 0 when it cannot be read, or no run can have it."""
    try:
        number = int((path / NUMBER).read_text())
    except (OSError, ValueError):
        return 0
    return number if 0 < number <= LAST_NUMBER else 0


def say_interpreter(path: Path) -> None:
    """Say, from a script inside a run, which interpreter it runs in."""
    (path / INTERPRETER).write_text(sys.executable, encoding="utf-8", errors="surrogateescape")


def interpreter(path: Path) -> str | None:
    """The interpreter that a script inside the run said it runs in."""
    try:
        return (path / INTERPRETER).read_text(encoding="utf-8", errors="surrogateescape") or None
    except OSError:
        return None


def read_lines(path: Path) -> Iterator[bytes]:
    """The lines of a live run's journal."""
    with (path / JOURNAL).open("rb") as journal:
        yield from journal


def read(path: Path, *, unfinished: str, also: Iterable[bytes] = ()) -> Folded:
    """What the journal of a live run says so far, with lines that could not be written into it."""
    return fold(chain(read_lines(path), also), unfinished=unfinished)


def read_summary(path: Path, *, unfinished: str) -> Folded:
    """As `read`, without the series: what was read of a long journal before is not read again."""
    with (path / JOURNAL).open("rb") as journal:
        going, start = _kept_summary(path, os.fstat(journal.fileno()).st_size)
        journal.seek(start)
        torn: list[bytes] = []
        going.take(_whole_lines(journal, torn))
        end = journal.tell() - len(b"".join(torn))
    going.series()
    if end - start >= _WORTH_KEEPING:
        _keep_summary(path, going, end)
    going.take(torn)
    return going.documents({}, unfinished=unfinished)


def _whole_lines(lines: Iterable[bytes], torn: list[bytes]) -> Iterator[bytes]:
    """The lines that are written to their end; the last one goes to `torn` when it is not."""
    for line in lines:
        if line.endswith(b"\n"):
            yield line
        else:
            torn.append(line)


def _kept_summary(path: Path, size: int) -> tuple[Fold, int]:
    """The fold that a reader kept, and where in a journal of this size it goes on; else a new one."""
    try:
        kept = json.loads((path / SUMMARY).read_bytes())
        if kept["gxt"] == __version__ and 0 < kept["read"] <= size:
            going = Fold.from_json(kept["fold"])
            if going.config.get("uid") == path.name:  # one without a start would hide the run
                return going, kept["read"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, GxtError):
        pass
    return Fold(), 0


def _keep_summary(path: Path, going: Fold, read: int) -> None:
    """Keep a fold for the next reader, whole or not at all; where nothing can be written it is made again."""
    making = path / f".{SUMMARY}-{os.getpid()}"
    try:
        making.write_text(encode({"gxt": __version__, "read": read, "fold": going.to_json()}))
        making.replace(path / SUMMARY)
    except (OSError, RecursionError):
        with suppress(OSError):
            making.unlink()  # the disk may be full, and the journal needs the room


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
