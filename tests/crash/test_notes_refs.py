"""Notes refs that lag, are damaged or are somebody else's: the next run builds them again, whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import data, git, gxt
from tests.crash.conftest import check_sound

REF = "refs/notes/gxt/config"


@pytest.fixture
def recorded(repo: Path) -> Path:
    """A repository with two runs."""
    for _ in range(2):
        gxt(repo, "run", "-q", "--", "true")
    return repo


def check_rebuilt(repo: Path, *, upon: str | None) -> None:
    """One run more, and its notes are a child of what was there."""
    gxt(repo, "run", "-q", "--", "true")
    assert git(repo, "log", "-1", "--format=%P", REF) == (upon or "")
    for run in data(repo, "list"):
        noted = json.loads(git(repo, "notes", "--ref=gxt/config", "show", run["commit"]))
        assert noted["uid"] == run["uid"]
    assert len(data(repo, "list")) == 3
    assert git(repo, "log", "-1", "--format=%(trailers:key=Experiments,valueonly)", REF).strip() == git(
        repo, "rev-parse", "refs/gxt/experiments"
    )
    check_sound(repo)


def test_deleted(recorded: Path) -> None:
    git(recorded, "update-ref", "-d", REF)
    check_rebuilt(recorded, upon=None)


def test_an_older_tip(recorded: Path) -> None:
    git(recorded, "update-ref", REF, f"{REF}^")
    check_rebuilt(recorded, upon=git(recorded, "rev-parse", REF))


def test_edited_by_hand(recorded: Path) -> None:
    commit = data(recorded, "show", "1")["commit"]
    git(recorded, "notes", "--ref=gxt/config", "add", "-f", "-m", "said by hand", commit)
    edited = git(recorded, "rev-parse", REF)
    check_rebuilt(recorded, upon=edited)
    assert git(recorded, "show", f"{edited}:{noted_path(recorded, edited, commit)}") == "said by hand"


def noted_path(repo: Path, tip: str, commit: str) -> str:
    """Where a note is: git uses fewer directories for few notes."""
    paths = git(repo, "ls-tree", "-r", "--name-only", tip).splitlines()
    (path,) = (path for path in paths if path.replace("/", "") == commit)
    return path


def test_emptied_by_prune(recorded: Path) -> None:
    """`git notes prune` in a clone without the run commits, then a careless push of its notes."""
    empty = git(recorded, "commit-tree", git(recorded, "mktree", stdin=""), "-p", REF, "-m", "pruned")
    git(recorded, "update-ref", REF, empty)
    check_rebuilt(recorded, upon=empty)


def test_not_a_commit(recorded: Path) -> None:
    blob = git(recorded, "hash-object", "-w", "--stdin", stdin="not a commit")
    git(recorded, "update-ref", REF, blob)
    check_rebuilt(recorded, upon=None)


@pytest.mark.parametrize(
    "content",
    ["", "garbage\n", "1" * 40 + "\n", "\0" * 41],
    ids=["empty", "garbage", "a missing object", "zeros"],
)
def test_a_file_that_names_nothing(recorded: Path, content: str) -> None:
    """What a power cut leaves: git itself refuses to move such a ref."""
    (recorded / ".git" / REF).write_text(content)
    check_rebuilt(recorded, upon=None)


def test_a_packed_tip_shows_through_when_the_damaged_file_is_gone(recorded: Path) -> None:
    git(recorded, "pack-refs", "--all")
    packed = git(recorded, "rev-parse", REF)
    (recorded / ".git" / REF).parent.mkdir(parents=True, exist_ok=True)
    (recorded / ".git" / REF).write_text("")
    check_rebuilt(recorded, upon=packed)


def test_all_of_them_locked(recorded: Path) -> None:
    """A run does not wait for its notes: somebody holds them, and the next run makes up for it."""
    lock = recorded / ".git" / f"{REF}.lock"
    lock.touch()
    gxt(recorded, "run", "-q", "--", "true")
    assert [run["id"] for run in data(recorded, "list")] == ["exp-003", "exp-002", "exp-001"]
    lock.unlink(missing_ok=True)
    gxt(recorded, "run", "-q", "--", "true")
    check_sound(recorded)
