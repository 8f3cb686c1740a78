"""`gxt checkout` and `gxt branch`: the files of a run come back, and nothing that is not recorded is lost."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.conftest import data, git, gxt


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A repository with two runs; the second one has an edit, a new file, and lacks one."""
    repo = tmp_path / "lab"
    git(tmp_path, "init", "-q", str(repo))
    (repo / "package").mkdir()
    for name, text in {
        "params.yaml": "lr: 0.1\n",
        "train.py": "print(1)\n",
        "package/m.py": "x = 1\n",
    }.items():
        (repo / name).write_text(text)
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "first")
    gxt(repo, "run", "-q", "--name", "one", "--", "true")
    (repo / "train.py").write_text("print(2)\n")
    (repo / "new ö.py").write_text("y = 2\n")
    (repo / "package/m.py").unlink()
    gxt(repo, "run", "-q", "--name", "two", "--set", "lr=0.2", "--", "true")
    return repo


def files(repo: Path) -> dict[str, str]:
    paths = (path for path in repo.rglob("*") if path.is_file() and ".git" not in path.parts)
    return {path.relative_to(repo).as_posix(): path.read_text() for path in paths}


ONE = {"params.yaml": "lr: 0.1\n", "train.py": "print(1)\n", "package/m.py": "x = 1\n"}
TWO = {"params.yaml": "lr: 0.2\n", "train.py": "print(2)\n", "new ö.py": "y = 2\n"}


def test_the_files_of_a_run_come_back_and_it_is_the_base(lab: Path) -> None:
    index, head = (lab / ".git/index").read_bytes(), git(lab, "rev-parse", "HEAD")
    assert gxt(lab, "checkout", "one").stdout == (
        "exp-001 is here: 3 files written, 1 file removed\n"
        "  + package/m.py\n"
        "  + params.yaml\n"
        "  + train.py\n"
        "  - new ö.py\n"
        "it is the base of the next run; HEAD stays where it was\n"
    )
    assert files(lab) == ONE
    assert data(lab, "base")["id"] == "exp-001"
    back = data(lab, "checkout", "two")
    assert back == {
        "run": "exp-002",
        "written": ["new ö.py", "params.yaml", "train.py"],
        "removed": ["package/m.py"],
        "folder": str(lab),
        "is_base": True,
    }
    assert files(lab) == TWO
    assert not (lab / "package").exists()
    assert (lab / ".git/index").read_bytes() == index
    assert git(lab, "rev-parse", "HEAD") == head
    assert git(lab, "branch", "--show-current") != ""
    gxt(lab, "run", "-q", "--", "true")
    third = data(lab, "show")
    assert third["parent"] == "exp-002"
    assert third["code"]["tree"] == data(lab, "show", "two")["code"]["tree"]


def test_what_is_there_already_changes_nothing(lab: Path) -> None:
    assert gxt(lab, "checkout", "2").stdout == (
        "exp-002 is what stands here already\nit is the base of the next run; HEAD stays where it was\n"
    )


@pytest.mark.parametrize("name", ["train.py", "new ö.py", "package/m.py"])
def test_unsaved_changes_are_never_overwritten(lab: Path, name: str) -> None:
    (lab / "package").mkdir(exist_ok=True)
    (lab / name).write_text("edited\n")
    before = files(lab)
    assert gxt(lab, "checkout", "one", code=1).stderr == (
        f"gxt: unsaved changes would be overwritten: {name}\n"
        "     record them (gxt run -- true) or put them aside (git stash -u), then try again\n"
    )
    assert files(lab) == before
    assert data(lab, "base")["id"] == "exp-002"


def test_edits_that_git_was_told_not_to_look_at_are_not_overwritten(lab: Path) -> None:
    gxt(lab, "checkout", "one")
    git(lab, "update-index", "--skip-worktree", "train.py")
    (lab / "train.py").write_text("mine\n")
    assert "would be overwritten: train.py\n" in gxt(lab, "checkout", "two", code=1).stderr
    assert (lab / "train.py").read_text() == "mine\n"


def test_pointers_that_no_run_has_are_left_alone(lab: Path, tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim/a.dvc").write_text("mine\n")
    (lab / ".gxt").symlink_to(tmp_path / "victim")
    gxt(lab, "checkout", "one")
    assert (tmp_path / "victim/a.dvc").read_text() == "mine\n"
    (lab / ".gxt").unlink()
    (lab / ".gxt").mkdir()
    (lab / ".gxt/b.dvc").write_text("mine\n")
    gxt(lab, "checkout", "two")
    assert (lab / ".gxt/b.dvc").read_text() == "mine\n"


def test_edits_that_a_failed_run_has_recorded_are_saved(lab: Path) -> None:
    (lab / "train.py").write_text("print(3)\n")
    gxt(lab, "run", "-q", "--", "false", code=1)
    gxt(lab, "checkout", "one")
    assert files(lab) == ONE
    gxt(lab, "checkout", "exp-003")
    assert files(lab) == {**TWO, "train.py": "print(3)\n"}


def test_files_that_nobody_has_recorded_stay(lab: Path) -> None:
    gxt(lab, "checkout", "one")
    (lab / "notes.txt").write_text("mine\n")
    (lab / ".gitignore").write_text("ignored\n")
    (lab / "ignored").write_text("mine too\n")
    gxt(lab, "checkout", "two")
    assert files(lab) == {**TWO, "notes.txt": "mine\n", ".gitignore": "ignored\n", "ignored": "mine too\n"}


@pytest.mark.parametrize("kind", ["file", "folder", "link to a folder", "file for a folder"])
def test_ignored_files_in_the_way_are_not_overwritten(lab: Path, tmp_path: Path, kind: str) -> None:
    (lab / "deep").mkdir()
    (lab / "deep/x").write_text("recorded\n")
    gxt(lab, "run", "-q", "--", "true")
    gxt(lab, "checkout", "one")
    (lab / ".git/info").mkdir(exist_ok=True)
    (lab / ".git/info/exclude").write_text("deep\n")
    (tmp_path / "elsewhere").mkdir()
    match kind:
        case "file":
            (lab / "deep").mkdir()
            (lab / "deep/x").write_text("mine\n")
        case "folder":
            (lab / "deep/x/y").mkdir(parents=True)
            (lab / "deep/x/y/z").write_text("mine\n")
        case "link to a folder":
            (lab / "deep").symlink_to(tmp_path / "elsewhere")
        case _:
            (lab / "deep").write_text("mine\n")
    before = files(lab)
    refused = gxt(lab, "checkout", "exp-003", code=1)
    assert refused.stderr.startswith("gxt: unsaved changes would be overwritten: deep")
    assert files(lab) == before
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_modes_links_and_line_ends_come_back(lab: Path) -> None:
    (lab / "run.sh").write_text("#!/bin/sh\n")
    (lab / "run.sh").chmod(0o755)
    (lab / "link").symlink_to("train.py")
    (lab / "windows.txt").write_bytes(b"a\r\nb\r\n")
    (lab / ".gitattributes").write_text("*.txt text eol=crlf\n")
    gxt(lab, "run", "-q", "--", "true")
    gxt(lab, "checkout", "one")
    assert files(lab) == ONE
    gxt(lab, "checkout", "exp-003")
    assert os.access(lab / "run.sh", os.X_OK)
    assert (lab / "link").readlink() == Path("train.py")
    assert (lab / "windows.txt").read_bytes() == b"a\r\nb\r\n"


def test_only_some_files(lab: Path) -> None:
    gxt(lab, "checkout", "one")
    (lab / "package/other.py").write_text("mine\n")
    done = data(lab, "checkout", "two", "--only", "new ö.py", "params.yaml")
    assert (done["written"], done["removed"], done["is_base"]) == (["new ö.py", "params.yaml"], [], False)
    assert files(lab) == {
        **ONE,
        "new ö.py": "y = 2\n",
        "params.yaml": "lr: 0.2\n",
        "package/other.py": "mine\n",
    }
    assert data(lab, "base")["id"] == "exp-001"
    (lab / "package/m.py").unlink()
    done = data(lab / "package", "checkout", "one", "--only", ".")
    assert done["written"] == ["package/m.py"]
    for name in ("nothing", "../outside"):
        refused = gxt(lab, "checkout", "one", "--only", name, code=2)
        assert refused.stderr.startswith(f"gxt: the run has no file {name}\n")


def test_a_work_tree_beside(lab: Path, tmp_path: Path) -> None:
    gxt(lab, "checkout", "two")
    assert (
        gxt(lab, "checkout", "one", "--worktree", "../beside").stdout == f"exp-001 is in {tmp_path}/beside\n"
    )
    beside = tmp_path / "beside"
    assert files(beside) == ONE
    assert data(beside, "base")["id"] == "exp-001"
    assert data(lab, "base")["id"] == "exp-002"
    gxt(beside, "run", "-q", "--", "true")
    assert data(lab, "show")["parent"] == "exp-001"
    refused = gxt(lab, "checkout", "one", "--worktree", "../beside", code=1)
    assert "already exists" in refused.stderr
    gxt(lab, "checkout", "one", "--worktree", "x", "--only", "train.py", code=2)


def test_a_branch_of_a_run(lab: Path) -> None:
    head = git(lab, "rev-parse", "HEAD")
    assert gxt(lab, "branch", "two", "idea").stdout == "idea is exp-002: git switch idea\n"
    assert git(lab, "rev-parse", "idea^") == head
    assert git(lab, "show", "idea:train.py") == "print(2)"
    assert gxt(lab, "branch", "one", "idea", code=1).stderr == (
        "gxt: no branch idea: a branch named 'idea' already exists\n     choose another name\n"
    )
    for name in ("a b", "-x", "a..b", ""):
        assert gxt(lab, "branch", "one", "--", name, code=1).stderr.startswith(f"gxt: no branch {name}")


def test_a_run_that_is_running_cannot_be_brought_back(lab: Path) -> None:
    inside = f"{sys.executable} -m gxt checkout @"
    done = gxt(lab, "run", "-q", "--", "sh", "-c", inside, code=1)
    assert done.stderr == "gxt: exp-003 is running\n     its code is here when it has ended\n"
