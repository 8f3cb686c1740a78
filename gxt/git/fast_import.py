"""Writing many objects with one process: `git fast-import`, onto temporary refs that protect them from gc.

Always as loose objects, whatever the user's limit: packs of one run each would set off git's own gc after 25
runs. What cannot be written loose becomes a pack all the same. That has a name first which `git gc
--prune=now` takes for debris: fast-import then dies and leaves a `.keep`, of which every later attempt to
write the same objects would die (`gxt.store.debris` removes it).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from gxt.errors import GitFailed
from gxt.git import process
from gxt.named_tuple import NamedTuple

# --force: a temporary ref that an earlier attempt left behind is simply moved
_ARGS = ("fast-import", "--quiet", "--force", "--done", "--date-format=raw")
_NEVER_A_PACK = ("fastimport.unpackLimit=1000000000",)


class Person(NamedTuple):
    """Who and when, as git writes it: seconds since the epoch and an offset such as `+0100`."""

    name: str
    email: str
    at_s: int
    offset: str

    def line(self) -> bytes:
        """`Name <email> seconds offset`; characters that git's format cannot hold are dropped."""
        name, email = (_one_line(text) for text in (self.name, self.email))
        return f"{name} <{email}> {self.at_s} {self.offset}".encode(errors="replace")


class Put(NamedTuple):
    """Set a path of the commit's tree to an object: an id, or a mark such as `:3`.

    The empty path with mode 40000 sets the whole tree.
    """

    mode: str
    target: str
    path: str

    def line(self) -> bytes:
        """The command of the stream."""
        return b"M %b %b %b\n" % (self.mode.encode(), self.target.encode(), quote_path(self.path))


class Drop(NamedTuple):
    """Take a path, with all that is below it, out of the commit's tree."""

    path: str

    def line(self) -> bytes:
        """The command of the stream."""
        return b"D %b\n" % quote_path(self.path)


def _one_line(text: str) -> str:
    return "".join(c for c in text if c.isprintable() and c not in "<>").strip()


class FastImport:
    """One fast-import conversation. Use it as a context manager: leaving it normally makes the objects real.

    Raises:
        GitFailed: git did not take the stream; nothing was published.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._git = process.start(directory, _ARGS, config=_NEVER_A_PACK)
        self._marks = 0

    def __enter__(self) -> FastImport:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._git.kill()
            self._git.communicate()
            return
        self._send(b"done\n")
        self._end()

    def blob(self, data: bytes) -> str:
        """A mark for this content."""
        mark = self._next_mark()
        self._send(b"blob\nmark %b\ndata %d\n%b\n" % (mark.encode(), len(data), data))
        return mark

    def commit(
        self,
        ref: str,
        *,
        author: Person,
        committer: Person,
        message: str,
        parents: Sequence[str],
        puts: Sequence[Put | Drop],
        clear: bool = False,
    ) -> str:
        """A mark for a new commit on a temporary ref.

        Its tree is the first parent's with `puts` applied in their order (an empty tree first, with `clear`).
        """
        mark = self._next_mark()
        text = message.encode(errors="replace")
        lines = [
            b"commit %b\nmark %b\n" % (ref.encode(), mark.encode()),
            b"author %b\ncommitter %b\n" % (author.line(), committer.line()),
            b"data %d\n%b\n" % (len(text), text),
        ]
        lines += [b"%b %b\n" % (b"merge" if i else b"from", p.encode()) for i, p in enumerate(parents)]
        if clear:
            lines.append(b"deleteall\n")
        lines += [put.line() for put in puts]
        self._send(b"".join(lines) + b"\n")
        return mark

    def oid(self, mark: str) -> str:
        """The object id behind a mark, asked for in mid-stream."""
        self._send(b"get-mark %b\n" % mark.encode())
        assert self._git.stdout
        assert self._git.stdin
        self._git.stdin.flush()
        line = self._git.stdout.readline()
        if not line:
            self._end()
            raise GitFailed(_ARGS, self._git.returncode, "no answer")
        return line.decode().strip()

    def _next_mark(self) -> str:
        self._marks += 1
        return f":{self._marks}"

    def _send(self, data: bytes) -> None:
        assert self._git.stdin
        try:
            self._git.stdin.write(data)
        except OSError:
            self._end()
            raise

    def _end(self) -> None:
        _, stderr = self._git.communicate()
        if self._git.returncode != 0:
            said, _, report = os.fsdecode(stderr).partition("fast-import: dumping crash report to ")
            if report:  # no git command ever removes it
                (self._directory / report.removesuffix("\n")).unlink(missing_ok=True)
            raise GitFailed(_ARGS, self._git.returncode, said)


def quote_path(path: str) -> bytes:
    """A path as fast-import reads it: quoted like C where it holds quotes, backslashes or newlines."""
    if path and not any(c in path for c in '"\\\n') and not path.startswith(" "):
        return path.encode(errors="surrogateescape")
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return b'"%b"' % escaped.encode(errors="surrogateescape")
