"""`gxt status` and `gxt base`: where the work tree stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.scratch import normal
from tests.conftest import data, git, gxt


@pytest.fixture
def pair(repo: Path) -> Path:
    """A repository with two runs."""
    for name in ("one", "two"):
        gxt(repo, "run", "-q", "--name", name, "--", "true")
    return repo


def test_status_of_a_fresh_repository(repo: Path) -> None:
    done = gxt(repo, "status")
    assert done.stderr == ""
    assert normal(done.stdout) == (
        "running  nothing\nbase     none: the next run starts a new tree\ncode     <head> on main\n"
    )


def test_status_tells_base_latest_and_what_would_be_recorded(pair: Path) -> None:
    gxt(pair, "base", "one")
    gxt(pair, "run", "-q", "--", "false", code=1)
    (pair / "train.py").write_text("edited\n")
    (pair / "new file.py").write_text("new\n")
    (pair / ".env").write_text("SECRET=1\n")
    assert normal(gxt(pair, "status").stdout) == (
        "running  nothing\n"
        "base     exp-001  one\n"
        "latest   exp-003  false  failed\n"
        "code     <head> on main with uncommitted changes\n"
        "           train.py\n"
        "           new file.py\n"
        "           left out: .env (looks like a secret)\n"
    )


def test_status_counts_what_it_does_not_list(repo: Path) -> None:
    for number in range(12):
        (repo / f"new{number:02d}.py").touch()
        (repo / f"{number:02d}.pem").touch()
    lines = gxt(repo, "status").stdout.splitlines()
    assert lines[3:] == [
        *(f"           new{number:02d}.py" for number in range(10)),
        "           and 2 more",
        *(f"           left out: {number:02d}.pem (looks like a secret)" for number in range(10)),
        "           and 2 more such paths",
    ]


def test_status_inside_a_run_shows_it(pair: Path) -> None:
    done = gxt(pair, "run", "-q", "-m", "looking around", "--", "python", "-m", "gxt", "status")
    assert normal(done.stdout).splitlines()[:3] == [
        "running  exp-003  looking around  for 0.0 s",
        "base     exp-002  two",
        "latest   exp-003  looking around  running",
    ]


def test_status_writes_nothing(pair: Path) -> None:
    (pair / "new.py").write_text("x\n")

    def state() -> tuple[str, bytes, list[str]]:
        files = sorted(str(path) for path in (pair / ".git").rglob("*") if "objects" in path.parts)
        return git(pair, "for-each-ref"), (pair / ".git" / "index").read_bytes(), files

    before = state()
    gxt(pair, "status")
    assert state() == before


def test_a_base_that_head_has_left(pair: Path) -> None:
    git(pair, "checkout", "-q", "--orphan", "other")
    git(pair, "commit", "-q", "-m", "unrelated")
    assert normal(gxt(pair, "status").stdout).splitlines()[1:3] == [
        "base     exp-002  two  HEAD no longer descends from it",
        "latest   exp-002  two  completed",
    ]
    assert data(pair, "status")["base_left"] is True
    done = gxt(pair, "run", "--", "true")
    assert done.stderr.splitlines()[0] == "exp-003 ← exp-002 (HEAD does not descend from it)"
    assert data(pair, "status")["base_left"] is False


def test_the_base_is_the_last_completed_run(pair: Path) -> None:
    assert gxt(pair, "base").stdout == "exp-002  two\n"
    gxt(pair, "run", "-q", "--", "false", code=1)
    assert gxt(pair, "base").stdout == "exp-002  two\n"


def test_moving_the_base(pair: Path) -> None:
    assert gxt(pair, "base", "1").stdout == "exp-001  one\n"
    assert gxt(pair, "base").stdout == "exp-001  one\n"
    gxt(pair, "run", "-q", "--", "true")
    assert data(pair, "show")["parent"] == "exp-001"
    assert gxt(pair, "base").stdout == "exp-003  true\n"


def test_moving_the_base_to_nothing(pair: Path) -> None:
    nothing = "no base: the next run starts a new tree\n"
    assert gxt(pair, "base", "none").stdout == nothing
    assert gxt(pair, "base").stdout == nothing
    assert data(pair, "base") is None
    gxt(pair, "run", "-q", "--", "true")
    assert data(pair, "show")["parent"] is None


def test_a_base_that_is_no_run_stays_as_it_was(pair: Path) -> None:
    done = gxt(pair, "base", "nine", code=2)
    assert done.stderr == "gxt: no run 'nine'\n     the latest is exp-002; gxt list shows all\n"
    assert gxt(pair, "base").stdout == "exp-002  two\n"


def test_every_linked_work_tree_has_its_own_base_and_the_same_history(pair: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    git(pair, "worktree", "add", "-q", str(linked))
    assert data(linked, "base") is None
    gxt(linked, "run", "-q", "--name", "there", "--", "true")
    assert gxt(linked, "base").stdout == "exp-003  there\n"
    assert gxt(pair, "base").stdout == "exp-002  two\n"
    assert gxt(pair, "list").stdout == gxt(linked, "list").stdout
    assert data(linked, "show")["parent"] is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"uid": 3}', '{"head": "x"}', "null"])
def test_a_damaged_base_file_is_no_base(pair: Path, content: str) -> None:
    (pair / ".git" / "gxt" / "base.json").write_text(content)
    assert data(pair, "base") is None
    gxt(pair, "run", "-q", "--", "true")
    assert gxt(pair, "base").stdout == "exp-003  true\n"
