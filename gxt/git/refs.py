"""Moving refs: transactions with the expected old value of every ref, several of them with one process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from gxt.errors import GitFailed
from gxt.git import process
from gxt.git.repository import Repository, packed_refs_state
from gxt.named_tuple import NamedTuple


class RefUpdate(NamedTuple):
    """Move `ref` from `old` to `new`.

    The zero id as `old` means "must not exist", None "whatever it is"; None as `new` means "delete", whatever
    it is now.
    """

    ref: str
    new: str | None
    old: str | None = ""

    def line(self) -> str:
        """The command for `git update-ref --stdin`."""
        if self.new is None:
            return f"delete {self.ref}\n"
        return f"update {self.ref} {self.new}{'' if self.old is None else f' {self.old}'}\n"


class RefMover:
    """One `git update-ref` that takes one transaction after the other. Use it as a context manager."""

    def __init__(self, repository: Repository, *, reason: str) -> None:
        self._repository = repository
        self._packed_refs: tuple[int, ...] = ()
        self._args = ("update-ref", "-m", reason, "--stdin")
        self._git: process.Running | None = None

    def __enter__(self) -> RefMover:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def move(self, updates: Sequence[RefUpdate]) -> None:
        """Move all refs, or none.

        Raises:
            GitFailed: one of them had another value than expected, or is locked.
        """
        git = self._started()
        assert git.stdin
        assert git.stdout
        lines = ["start\n", *(update.line() for update in updates), "prepare\n", "commit\n"]
        try:
            git.stdin.write("".join(lines).encode())
            git.stdin.flush()
        except OSError:  # it gave up at an earlier line, and says why
            raise self._failed(git) from None
        for step in (b"start", b"prepare", b"commit"):
            if git.stdout.readline() != step + b": ok\n":
                raise self._failed(git)

    def _started(self) -> process.Running:
        if packed_refs_state(self._repository) != self._packed_refs:
            self._end()
        if self._git is None:
            self._packed_refs = packed_refs_state(self._repository)
            # refs outside heads, remotes and notes get no reflog unless asked for
            config = ("core.logAllRefUpdates=always",)
            self._git = process.start(self._repository.top, self._args, config=config)
        return self._git

    def _end(self) -> None:
        if self._git is not None:
            self._git.communicate()
            self._git = None

    def _failed(self, git: process.Running) -> GitFailed:
        self._git = None
        _, said = git.communicate()
        return GitFailed(self._args, git.returncode, said.decode(errors="replace"))


def move_refs(repository: Repository, updates: Sequence[RefUpdate], *, reason: str) -> None:
    """One transaction; see `RefMover.move`."""
    with RefMover(repository, reason=reason) as mover:
        mover.move(updates)


def list_refs(directory: Path, *prefixes: str) -> dict[str, str]:
    """Every ref below one of the prefixes with its object id."""
    said = process.run(directory, ("for-each-ref", "--format=%(objectname) %(refname)", *prefixes)).decode()
    return {ref: oid for oid, _, ref in (line.partition(" ") for line in said.splitlines())}
