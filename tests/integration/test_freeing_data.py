"""`gxt gc` frees what only freed runs have put out."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from gxt.data.cache import Cache
from gxt.data.digest import digest
from gxt.git.repository import discover
from gxt.model.pointers import Pointer, dump_pointer
from gxt.ops.freeing_data import remember
from tests.conftest import data, git, gxt

WRITE = (
    "import pathlib, sys; pathlib.Path('out').mkdir(exist_ok=True);"
    "[pathlib.Path('out', word).write_text(word) for word in sys.argv[1:]]"
)


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    repo = tmp_path / "lab"
    git(tmp_path, "init", "-q", str(repo))
    (repo / ".gitignore").write_text("/out\n/.dvc/cache\n")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "first")
    (repo / ".dvc").mkdir()
    return repo


def record(repo: Path, *words: str) -> None:
    """A run that puts out a folder with a file of each name."""
    for old in (repo / "out").glob("*"):
        old.unlink()
    gxt(repo, "run", "-q", "--out", "out", "--", sys.executable, "-c", WRITE, *words)


def contents(repo: Path) -> set[str]:
    """The contents of the files in the cache, without lists of folders."""
    return _contents(repo / ".dvc/cache")


def held(repo: Path) -> set[str]:
    """The same of what `dvc gc` cannot take."""
    return _contents(repo / ".git/gxt/data")


def _contents(cache: Path) -> set[str]:
    found = (path for path in (cache / "files/md5").rglob("*") if path.is_file())
    return {path.read_text() for path in found if path.suffix != ".dir"}


def test_what_only_a_freed_run_has_put_out_goes_with_it(lab: Path) -> None:
    record(lab, "shared", "kept")
    record(lab, "shared", "gone")
    assert contents(lab) == {"shared", "kept", "gone"}
    gxt(lab, "rm", "2")
    planned = gxt(lab, "gc", "--dry-run").stdout
    assert "would free what they have put out, at most " in planned
    done = gxt(lab, "gc", "--yes").stdout
    assert "of the cache" in done
    assert contents(lab) == {"shared", "kept"}
    assert held(lab) == {"shared", "kept"}
    shutil.rmtree(lab / "out")
    gxt(lab, "checkout", "1", "--only", "out")
    assert (lab / "out/kept").read_text() == "kept"
    assert data(lab, "gc")["content_bytes"] == 0


def test_what_another_run_was_given_stays(lab: Path) -> None:
    record(lab, "gone")
    gxt(lab, "run", "-q", "--data", "out", "--", "true")
    gxt(lab, "rm", "1")
    gxt(lab, "gc", "--yes")
    assert contents(lab) == {"gone"}


@pytest.mark.parametrize("where", ["branch", "older commit", "stash", "beside", "work tree", "dvc.lock"])
def test_what_the_project_names_stays(lab: Path, where: str) -> None:
    record(lab, "mine", "other")
    found = digest(lab / "out")
    pointer = dump_pointer(Pointer("out", found.md5, found.size_bytes, 2))
    name = "dvc.lock" if where == "dvc.lock" else "sub/out.dvc"
    (lab / name).parent.mkdir(exist_ok=True)
    (lab / name).write_bytes(pointer)
    if where == "stash":
        git(lab, "stash", "-q", "-u")
        (lab / "x").write_text("x")
        git(lab, "stash", "-q", "-u")
    if where == "beside":
        git(lab, "worktree", "add", "-q", "--detach", "../beside")
        (lab / name).rename(lab.parent / "beside/out.dvc")
    if where == "older commit":
        git(lab, "add", ".")
        git(lab, "commit", "-q", "-m", "data")
        git(lab, "rm", "-q", name)
        git(lab, "commit", "-q", "-m", "no data")
    if where == "branch":
        git(lab, "switch", "-q", "-c", "idea")
        git(lab, "add", ".")
        git(lab, "commit", "-q", "-m", "data")
        git(lab, "switch", "-q", "-")
    gxt(lab, "rm", "1")
    gxt(lab, "gc", "--yes")
    assert contents(lab) == {"mine", "other"}


def test_what_a_removed_run_that_stays_has_put_out_stays(lab: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "hub.git")
    git(lab, "remote", "add", "origin", str(tmp_path / "hub.git"))
    record(lab, "published")
    gxt(lab, "push")
    record(lab, "published", "secret")
    gxt(lab, "rm", "1", "2")
    gxt(lab, "gc", "--yes")
    assert contents(lab) == {"published"}
    gxt(lab, "rm", "--undo", "1")
    assert [run["id"] for run in data(lab, "list")] == ["exp-001"]


def test_a_cache_that_others_use_is_left_alone(lab: Path, tmp_path: Path) -> None:
    (lab / ".dvc/config").write_text(f"[cache]\n    dir = {tmp_path / 'shared'}\n")
    record(lab, "gone")
    gxt(lab, "rm", "1")
    done = gxt(lab, "gc", "--yes")
    assert "stay in the cache: it is not this repository's alone\n" in done.stderr
    found = digest(lab / "out")
    assert Cache(tmp_path / "shared").has(found.md5)
    assert held(lab) == set()


def test_what_a_killed_gc_has_left_is_freed_by_the_next(lab: Path) -> None:
    record(lab, "gone")
    found = digest(lab / "out")
    gxt(lab, "rm", "1")
    (lab / ".dvc/cache").rename(lab / "kept")
    gxt(lab, "gc", "--yes")
    (lab / "kept").rename(lab / ".dvc/cache")
    remember(discover(lab), [found.md5, *(one.md5 for one in found.members or ())])
    assert data(lab, "gc", "--yes")["content_bytes"] > 0
    assert contents(lab) == set()


def test_while_a_run_goes_on_nothing_is_freed(lab: Path) -> None:
    record(lab, "gone")
    gxt(lab, "rm", "1")
    inside = f"{sys.executable} -m gxt gc --yes"
    done = gxt(lab, "run", "-q", "--", "sh", "-c", inside)
    assert "stay in the cache while a run goes on: the next gxt gc frees them\n" in done.stderr
    assert contents(lab) == {"gone"}
    gxt(lab, "gc", "--yes")
    assert contents(lab) == set()
