"""The index is disposable: whatever its file has become, every command answers the same."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import data, git, gxt

COMMANDS = [
    ["list"],
    ["list", "--json"],
    ["list", "--where", "metrics.acc > 0.1", "--json"],
    ["show", "best", "--json"],
    ["show", "first"],
    ["tree", "--json"],
    ["diff", "1", "2"],
    ["compare", "1", "2", "3", "--csv"],
]
# one interpreter for all commands: starting one costs more than the commands
ALL = f"""
import sys
from gxt.cli.main import _run
for words in {COMMANDS!r}:
    sys.argv = ["gxt", *words]
    print(_run(words), flush=True)
"""


def answers(repo: Path) -> str:
    """What the commands print."""
    done = subprocess.run([sys.executable, "-c", ALL], cwd=repo, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


def index_file(repo: Path) -> Path:
    (path,) = (repo / ".git" / "gxt").glob("index-*.sqlite")
    return path


def truncated_to(size: int) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.write_bytes(path.read_bytes()[:size])

    return damage


def garbage(path: Path) -> None:
    path.write_bytes(b"\x5a" * path.stat().st_size)


def garbage_after_the_first_page(path: Path) -> None:
    """The part that tells the tip is whole, what it tells of the runs is not."""
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\x5a" * (len(content) - 4096))


def garbage_in_each_page_in_turn(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:8192] + b"\x5a" * 4096 + content[12288:])


def another_schema(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        tip = db.execute("SELECT value FROM state WHERE key = 'tip'").fetchone()[0]
    path.unlink()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT)")
        db.execute("INSERT INTO state VALUES ('tip', ?)", (tip,))
        db.execute("CREATE TABLE runs (number INTEGER PRIMARY KEY, something_else TEXT)")


def a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def deleted(path: Path) -> None:
    path.unlink()


def without_texts(path: Path) -> None:
    """As it is before somebody asked for a whole run."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DELETE FROM docs WHERE number <> 2")


def no_text_can_be_kept(path: Path) -> None:
    without_texts(path)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TRIGGER refuse BEFORE INSERT ON docs BEGIN SELECT RAISE(ABORT, 'no'); END")
        db.execute("DELETE FROM facts")


def an_unknown_tip(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE state SET value = ? WHERE key = 'tip'", ("1" * 40,))


@pytest.fixture
def recorded(repo: Path, tmp_path: Path) -> Path:
    """A repository with three runs that have metrics."""
    script = 'echo "acc: 0.$1" >metrics.yaml; echo printed'
    for number, name in enumerate(["first", "second", "third"], 1):
        words = ["run", "-q", "--name", name, "--metrics", "metrics.yaml", "--", "sh", "-c", script]
        gxt(repo, *words, "sh", str(number))
    return repo


def test_the_index_answers_the_same_whatever_became_of_it(recorded: Path) -> None:
    expected = answers(recorded)
    assert expected.count("exp-003") > 5
    for damage in (
        deleted,
        truncated_to(0),
        truncated_to(100),
        truncated_to(5000),
        garbage,
        garbage_after_the_first_page,
        garbage_in_each_page_in_turn,
        another_schema,
        without_texts,
        no_text_can_be_kept,
        an_unknown_tip,
        a_directory,
    ):
        damage(index_file(recorded))
        assert answers(recorded) == expected, damage


def test_a_run_that_git_has_lost_since_is_said_by_who_reads_it(recorded: Path) -> None:
    """The index has its row; its text was not asked for yet."""
    gxt(recorded, "list")
    blob = git(recorded, "rev-parse", "refs/gxt/experiments:exp-0xx/exp-003/config.json")
    (recorded / ".git/objects" / blob[:2] / blob[2:]).rename(recorded / "kept")
    said = f"exp-003 cannot be read: git cannot read config.json of exp-003: {blob[:10]} is lost"
    for words in (["list"], ["list", "--where", "metrics.acc > 0"]):
        envelope = json.loads(gxt(recorded, *words, "--json").stdout)
        assert [run["id"] for run in envelope["data"]] == ["exp-002", "exp-001"]
        assert [notice.partition(";")[0] for notice in envelope["notices"]] == [said]
    assert said in gxt(recorded, "tree").stderr
    (recorded / "kept").rename(recorded / ".git/objects" / blob[:2] / blob[2:])
    assert [run["id"] for run in data(recorded, "list")] == ["exp-003", "exp-002", "exp-001"]
