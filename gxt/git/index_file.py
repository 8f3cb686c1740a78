"""Git's index, looked into without git: what it hides from `git status`, and what it makes it read again.

Only the flags, times and sizes of the entries are read, as `gitformat-index(5)` has them; where they cannot
be known this way, git is asked.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gxt.git import process
from gxt.git.repository import Repository
from gxt.named_tuple import NamedTuple

_MARKED, _EXTENDED, _SKIP_WORKTREE = 0x80, 0x40, 0x40
_COST_OF_A_FILE = 10_000  # bytes that are hashed in the time in which one more file is opened
_WORTH_A_COPY = 5_000_000
_KEPT_S = 86400.0


class IndexFile(NamedTuple):
    """An index to work with.

    Attributes:
        path: the user's own, or a copy of ours with the same entries; it need not exist.
        hides: whether some entry may be marked assume-unchanged or skip-worktree.
    """

    path: Path
    hides: bool
    is_copy: bool = False

    @property
    def env(self) -> dict[str, str]:
        """The variables with which git reads it; what git finds out it may only write into a copy."""
        return {"GIT_INDEX_FILE": str(self.path), "GIT_OPTIONAL_LOCKS": "1"} if self.is_copy else {}


def find_index(repository: Repository) -> IndexFile:
    """The index of the work tree, or a copy that spares git what it would read again at each run.

    Git trusts no entry that is as new as the index: after a clone or a checkout most files are read by every
    `git status`, until one may write down what it found. Ours may not touch the user's index.
    """
    path = repository.git_dir / "index"
    try:
        found, data = path.stat(), path.read_bytes()
    except OSError:
        return IndexFile(path, hides=False)
    hides, doubtful_bytes = _look_at(data, int(found.st_mtime), len(repository.zero) // 2)
    if doubtful_bytes < _WORTH_A_COPY:
        return IndexFile(path, hides)
    copy = repository.git_dir / "gxt" / f"git-index-{found.st_mtime_ns}-{found.st_size}-{found.st_ino}"
    if not copy.exists():
        try:
            _keep_copy(path, copy)
        except OSError:
            return IndexFile(path, hides)
    return IndexFile(copy, hides, is_copy=True)


def _look_at(data: bytes, written_s: int, width: int) -> tuple[bool, int]:
    """Whether entries may be marked, and what it costs git to read those that it does not trust."""
    version, count = int.from_bytes(data[4:8], "big"), int.from_bytes(data[8:12], "big")
    if version not in (2, 3, 4):
        return True, 0
    at, doubtful_bytes, hides, oldest = 12, 0, False, written_s.to_bytes(4, "big")
    with suppress(IndexError, ValueError):
        for _ in range(count):
            flags = at + 40 + width
            if data[at + 8 : at + 12] >= oldest:
                doubtful_bytes += int.from_bytes(data[at + 36 : at + 40], "big") + _COST_OF_A_FILE
            end, flag = flags + 2, data[flags]
            if flag & (_MARKED | _EXTENDED):
                extended = flag & _EXTENDED != 0
                hides |= flag & _MARKED != 0 or (extended and data[end] & _SKIP_WORKTREE != 0)
                end += 2 * extended
            if version == 4:
                while data[end] & 0x80:
                    end += 1
                at = data.index(0, end + 1) + 1
            else:
                # names of 4095 bytes and more only say that
                length = (flag & 0x0F) << 8 | data[flags + 1]
                end = end + length if length < 0xFFF else data.index(0, end)
                at += (end - at) // 8 * 8 + 8
        # the entries of a split index are in another file
        return hides or data[at : at + 4] == b"link", doubtful_bytes
    return True, 0


def _keep_copy(index: Path, copy: Path) -> None:
    import shutil

    _make_home(copy.parent)
    new = copy.with_name(f"git-index-{os.getpid()}.new")
    shutil.copy2(index, new)  # with its time: git must not trust now what it did not trust before
    new.replace(copy)


def _make_home(home: Path) -> None:
    """Make the directory for copies, and remove those of it that nobody can be using any more."""
    import shutil

    home.mkdir(parents=True, exist_ok=True)
    for old in home.glob("git-index-*"):
        with suppress(OSError):
            if old.stat().st_ctime < time.time() - _KEPT_S:
                shutil.rmtree(old) if old.is_dir() else old.unlink()


def marked_paths(repository: Repository, index: IndexFile) -> dict[str, str]:
    """The files marked assume-unchanged or skip-worktree that may hold edits, with the mark.

    A file that a sparse checkout leaves away holds none.
    """
    if not index.hides:
        return {}
    listed = process.run(repository.top, ("ls-files", "-v", "-z"), env=index.env)
    marked = {}
    for item in os.fsdecode(listed).split("\0"):
        tag, path = item[:1], item[2:]
        if tag in ("S", "s"):
            if os.path.lexists(repository.top / path):
                marked[path] = "skip-worktree"
        elif tag.islower():
            marked[path] = "assume-unchanged"
    return marked


@contextmanager
def unmarked(repository: Repository, index: IndexFile, marked: dict[str, str]) -> Iterator[dict[str, str]]:
    """The variables for a git that reads an index in which these paths have no mark."""
    with scratch_index(index) as env:
        for mark in ("assume-unchanged", "skip-worktree"):
            paths = b"".join(os.fsencode(path) + b"\0" for path in marked)
            process.run(
                repository.top, ("update-index", f"--no-{mark}", "-z", "--stdin"), stdin=paths, env=env
            )
        yield env


@contextmanager
def scratch_index(index: IndexFile) -> Iterator[dict[str, str]]:
    """The variables for a git that may change its index: a copy that is soon gone."""
    import shutil  # a clean work tree does without them: 4 ms
    import tempfile

    home = index.path.parent if index.is_copy else index.path.parent / "gxt"
    _make_home(home)
    with tempfile.TemporaryDirectory(prefix="git-index-", dir=home, ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / "index"
        with suppress(FileNotFoundError):
            shutil.copy2(index.path, copy)  # with its time: git takes entries newer than the index as changed
        yield {"GIT_INDEX_FILE": str(copy)}


def forget_files(repository: Repository, env: dict[str, str]) -> None:
    """Have an index know nothing of the files in the work tree but their content.

    Otherwise git reads those that it does not trust whenever it writes the index, and a filter that fails for
    one of them keeps it from taking any other.
    """
    entries = process.run(repository.top, ("ls-files", "-s", "-z"), env=env)
    Path(env["GIT_INDEX_FILE"]).unlink(missing_ok=True)
    process.run(repository.top, ("update-index", "-z", "--index-info"), stdin=entries, env=env)
