"""Objects that a disk has eaten: what is lost is named with the way out, the rest goes on."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import data, git, gxt

REF = "refs/gxt/experiments"


@pytest.fixture
def three(tmp_path_factory: pytest.TempPathFactory, repo: Path, tmp_path: Path) -> Path:
    """A repository with three runs as loose objects; the second printed more than git streams at once."""
    made = tmp_path_factory.getbasetemp() / "three"
    if not made.exists():
        gxt(repo, "run", "-q", "--", "true")
        gxt(repo, "run", "-q", "--", "python3", "-c", "import os; print(os.urandom(1 << 17).hex())")
        gxt(repo, "run", "-q", "--", "true")
        shutil.copytree(repo, made)
    return Path(shutil.copytree(made, tmp_path / "three"))


def zeroed(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def removed(path: Path) -> None:
    path.unlink()


WAYS = pytest.mark.parametrize(
    "damage",
    [cut, removed, *(pytest.param(one, marks=pytest.mark.long) for one in (zeroed, emptied))],
)
Damage = Callable[[Path], None]


def lose(repo: Path, revision: str, damage: Damage) -> tuple[str, Path, bytes]:
    """Damage an object; its id, its file, and what was in there."""
    oid = git(repo, "rev-parse", revision)
    path = repo / ".git" / "objects" / oid[:2] / oid[2:]
    path.chmod(0o644)
    before = path.read_bytes()
    damage(path)
    for index in (repo / ".git" / "gxt").glob("index-*"):
        index.unlink()
    return oid, path, before


def ids(repo: Path) -> list[str]:
    return [run["id"] for run in data(repo, "list")]


@WAYS
@pytest.mark.parametrize(
    ("revision", "what"),
    [
        (f"{REF}:exp-0xx/exp-002/config.json", "config.json of exp-002"),
        (f"{REF}:exp-0xx/exp-002", "the directory of exp-002"),
    ],
)
def test_one_run_is_lost(three: Path, damage: Damage, revision: str, what: str) -> None:
    oid, path, before = lose(three, revision, damage)
    reason = f"git cannot read {what}: {oid[:10]} is lost"
    for words in (["list"], ["tree"], ["status"]):
        assert gxt(three, *words).stderr == (
            f"gxt: exp-002 cannot be read: {reason}; gxt show exp-002 tells what to do\n"
        )
    way_out = f"copy .git/objects/{oid[:2]}/{oid[2:]} from another clone"
    for words in (["show", "2"], ["diff", "1", "2"], ["compare", "1", "2"], ["output", "2"]):
        assert gxt(three, *words, code=1).stderr == f"gxt: {reason}\n     {way_out}\n"
    gxt(three, "run", "-q", "--", "true")
    assert ids(three) == ["exp-004", "exp-003", "exp-001"]
    path.write_bytes(before)
    assert ids(three) == ["exp-004", "exp-003", "exp-002", "exp-001"]
    assert gxt(three, "list").stderr == ""


@WAYS
def test_a_hundred_runs_are_lost(three: Path, damage: Damage) -> None:
    _, path, before = lose(three, f"{REF}:exp-0xx", damage)
    notice = f"exp-0xx in {REF} cannot be opened: git has lost it; gxt doctor tells what can be done"
    assert gxt(three, "list").stderr.splitlines()[0] == f"gxt: {notice}"
    done = gxt(three, "run", "--", "echo", "trained")
    assert done.stdout == "trained\n"
    path.write_bytes(before)
    assert ids(three) == ["exp-004", "exp-003", "exp-002", "exp-001"]


@WAYS
@pytest.mark.parametrize("what", ["commit", "tree"])
def test_the_tip_is_lost(three: Path, damage: Damage, what: str) -> None:
    _, path, before = lose(three, f"{REF}^{{{what}}}", damage)
    message = (
        f"gxt: {REF} names no commit"
        if what == "commit"
        else f"gxt: git cannot read the tree of {REF}, {git(three, 'rev-parse', REF)}"
    )
    for words in (["list"], ["show"], ["run", "--", "true"]):
        assert gxt(three, *words, code=1).stderr == (f"{message}\n     gxt doctor tells what can be done\n")
    path.write_bytes(before)
    assert ids(three) == ["exp-003", "exp-002", "exp-001"]


@WAYS
def test_a_console_is_never_shown_in_part_as_if_it_were_whole(three: Path, damage: Damage) -> None:
    oid, _, _ = lose(three, f"{REF}:exp-0xx/exp-002/output.log", damage)
    assert ids(three) == ["exp-003", "exp-002", "exp-001"]
    done = gxt(three, "output", "2", code=1)
    assert done.stdout == ""
    assert done.stderr == (
        f"gxt: git cannot read output.log of exp-002: {oid[:10]} is lost\n"
        f"     copy .git/objects/{oid[:2]}/{oid[2:]} from another clone\n"
    )


@WAYS
def test_a_series_is_never_shown_in_part(repo: Path, damage: Damage) -> None:
    (repo / "log.py").write_text("import gxt\ngxt.init()\nfor i in range(9): gxt.log({'loss': i})\n")
    gxt(repo, "run", "-q", "--", sys.executable, "log.py")
    lose(repo, f"{REF}:exp-0xx/exp-001/series", damage)
    assert "loss" in gxt(repo, "show").stdout
    done = gxt(repo, "show", "--series", code=1)
    assert (done.stdout, done.stderr.splitlines()[0]) == (
        "",
        "gxt: a series object cannot be read: git has lost a part of it",
    )
