"""Reading objects: one long-lived `git cat-file --batch`, and git's tree format."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from types import TracebackType
from typing import IO

from gxt.git import process
from gxt.git.repository import Repository, packed_refs_state
from gxt.named_tuple import NamedTuple

# Requests are written in windows that fit any pipe's buffer, then their answers are read: with unlimited
# writing both sides could wait for each other for ever.
_WINDOW_BYTES = 8192
# The larger the objects, the fewer at a time: they are in memory until they are taken.
_AIM_BYTES = 4 << 20
_FEWEST_NAMES, _MOST_NAMES = 8, 200
_NOTHING = frozenset((b"missing", b"ambiguous"))
_KINDS = {kind.encode(): kind for kind in ("blob", "tree", "commit", "tag")}
_ENTRIES = {size: re.compile(rb"(\d+) ([^\0]*)\0(.{%d})" % (size // 2), re.DOTALL) for size in (40, 64)}


class GitObject(NamedTuple):
    """An object as git stores it: `kind` is blob, tree, commit or tag."""

    oid: str
    kind: str
    data: bytes


class TreeEntry(NamedTuple):
    """One entry of a tree; `mode` as git writes it: 100644, 100755, 120000, 40000, 160000."""

    mode: str
    name: str
    oid: str


class Size(NamedTuple):
    """What git tells of an object without its content."""

    kind: str
    size_bytes: int


class _Cut(Exception):
    """Git has ended in the middle of an object."""


class ObjectReader:
    """One git process that answers any number of requests. Use it as a context manager.

    Args:
        repository: where.
        without_content: the data of every object is its size instead, in decimal digits.
    """

    def __init__(self, repository: Repository, *, without_content: bool = False) -> None:
        self.directory = repository.top
        self.common_dir = repository.common_dir
        self._repository = repository
        self._without_content = without_content
        self._sizes: ObjectReader | None = None
        self._packs: frozenset[str] = frozenset()
        self._packed_refs: tuple[int, ...] = ()
        self._git: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ObjectReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the git process, if one was started."""
        sizes, self._sizes = self._sizes, None
        if sizes is not None:
            sizes.close()
        git, self._git = self._git, None
        if git is None:
            return
        for pipe in (git.stdin, git.stdout):
            if pipe:
                with suppress(OSError):  # it tries once more to send what it could not
                    pipe.close()
        git.wait()

    def read(self, name: str) -> GitObject | None:
        """The object that a revision names (`refs/…`, an id, `REV:path`); None when there is none."""
        return next(self.read_many([name]))

    def sizes(self, names: Iterable[str]) -> Iterator[Size | None]:
        """Kind and size of objects, in the order of their names: what is too large is best never read.

        Asks a second git process, which is started when it is first needed.
        """
        if self._sizes is None:
            self._sizes = ObjectReader(self._repository, without_content=True)
        for found in self._sizes.read_many(names):
            yield Size(found.kind, int(found.data)) if found is not None else None

    def read_many(self, names: Iterable[str]) -> Iterator[GitObject | None]:
        """The objects in the order of their names; None for each that is missing."""
        # a path that is no UTF-8 is the bytes that the file system has
        pending = (name.encode(errors="surrogateescape") for name in names)
        most = _MOST_NAMES // 4
        while window := list(islice(pending, most)):
            answered = 1
            while window:
                size, count = 0, 0
                for name in window:
                    size += len(name) + 1
                    if count and size > _WINDOW_BYTES:
                        break
                    count += 1
                answers = self._answers(window[:count])
                answered += sum(len(answer.data) for answer in answers if answer)
                for name, answer in zip(window, answers, strict=False):
                    yield self._look_again(name) if self._is_doubtful(name, answer) else answer
                window = window[len(answers) :]
            most = max(_FEWEST_NAMES, min(_MOST_NAMES, most * _AIM_BYTES // answered))

    def _answers(self, names: list[bytes]) -> list[GitObject | None]:
        """What git answers to some of the names, the first ones: an object that is cut off kills it.

        One that dies of its first question has nothing to say to that; else another one is asked. A name with
        a newline in it would be two questions: no object has such a name.
        """
        is_new = self._git is None
        git = self._started()
        assert git.stdin
        assert git.stdout
        answers: list[GitObject | None] = []
        try:
            git.stdin.write(b"".join(name + b"\n" for name in names if b"\n" not in name))
            git.stdin.flush()
            for name in names:
                answer = _answer(git.stdout, self._without_content) if b"\n" not in name else None
                answers.append(answer)
        except (_Cut, BrokenPipeError):
            self.close()
            return answers if answers or not is_new else [None]
        except BaseException:  # what it still answers must not be taken for the answer to the next question
            self.close()
            raise
        return answers

    def _is_doubtful(self, name: bytes, answer: GitObject | None) -> bool:
        """Whether a git that starts now may know better.

        A gc moves objects from one pack to the next, and one that looks at the wrong time finds neither.
        """
        if name.startswith(b"refs/") and packed_refs_state(self._repository) != self._packed_refs:
            return True
        return answer is None and packs(self._repository) != self._packs

    def _look_again(self, name: bytes) -> GitObject | None:
        with ObjectReader(self._repository, without_content=self._without_content) as fresh:
            return fresh.read(name.decode(errors="surrogateescape"))

    def tree(self, name: str) -> list[TreeEntry]:
        """The entries of a tree (or of a commit's tree); empty when there is none."""
        found = self.read(name)
        if found is not None and found.kind == "commit":
            found = self.read(f"{found.oid}^{{tree}}")
        if found is None or found.kind != "tree":
            return []
        return parse_tree(found)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._git is None:
            self._packs = packs(self._repository)
            self._packed_refs = packed_refs_state(self._repository)
            how = "--batch-check" if self._without_content else "--batch"
            self._git = process.start(self.directory, ("cat-file", how), stderr=subprocess.DEVNULL)
        return self._git


def packs(repository: Repository) -> frozenset[str]:
    """The names of the packs that there are: they change when a gc has been at work."""
    try:
        with os.scandir(repository.common_dir / "objects/pack") as found:
            return frozenset(entry.name for entry in found if entry.name.endswith(".pack"))
    except OSError:
        return frozenset()


def _answer(stdout: IO[bytes], without_content: bool) -> GitObject | None:
    words = stdout.readline().split()
    if not words:
        raise _Cut
    if len(words) < 3 or words[-1] in _NOTHING:
        return None
    oid, kind, size = words[-3:]
    if without_content:
        return GitObject(oid.decode(), _KINDS[kind], size)
    length = int(size)
    data = stdout.read(length + 1)
    if len(data) <= length:
        raise _Cut
    return GitObject(oid.decode(), _KINDS[kind], data[:length])


def parse_tree(tree: GitObject) -> list[TreeEntry]:
    """The entries of a tree object: `<mode> SP <name> NUL <20 or 32 bytes>` each."""
    found = _ENTRIES[len(tree.oid)].findall(tree.data)
    make = TreeEntry._make
    return [
        make((mode.decode(), name.decode("utf-8", "surrogateescape"), oid.hex())) for mode, name, oid in found
    ]


def commit_headers(commit: GitObject) -> tuple[dict[str, list[str]], str]:
    """A commit's headers (each a list, since a merge has several parents) and its message."""
    head, _, message = commit.data.decode(errors="replace").partition("\n\n")
    headers: dict[str, list[str]] = {}
    for line in head.splitlines():
        key, _, value = line.partition(" ")
        headers.setdefault(key, []).append(value)
    return headers, message


def trailers(message: str) -> dict[str, str]:
    """The `Key: value` lines of a message's last paragraph."""
    last = message.rstrip().rsplit("\n\n", 1)[-1]
    found = {}
    for line in last.splitlines():
        key, colon, value = line.partition(": ")
        if colon and " " not in key:
            found[key] = value
    return found
