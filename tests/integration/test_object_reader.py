"""A conversation with `git cat-file --batch` that broke off: the next answer is that of the next question."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from gxt.git.objects import ObjectReader, Size
from gxt.git.repository import discover
from tests.conftest import git


def test_who_stops_asking_leaves_no_answer_behind(repo: Path) -> None:
    with ObjectReader(discover(repo)) as reader:
        answers = reader.read_many(["HEAD:train.py", "HEAD:params.yaml", "HEAD"])
        assert next(answers) is not None
        del answers
        found = reader.read("HEAD:params.yaml")
        assert found is not None
        assert found.data == (repo / "params.yaml").read_bytes()


def test_who_asks_in_the_middle_of_other_questions_gets_its_own_answer(repo: Path) -> None:
    with ObjectReader(discover(repo)) as reader:
        answers = reader.read_many(["HEAD", "HEAD:params.yaml"])
        next(answers)
        found = reader.read("HEAD:train.py")
        assert found is not None
        assert found.data == (repo / "train.py").read_bytes()
        params = next(answers)
        assert params is not None
        assert params.data == (repo / "params.yaml").read_bytes()


def test_a_git_that_was_killed_is_replaced(repo: Path) -> None:
    with ObjectReader(discover(repo)) as reader:
        head = reader.read("HEAD")
        assert reader._git
        os.kill(reader._git.pid, signal.SIGKILL)
        reader._git.wait()
        assert reader.read("HEAD") == head


def test_sizes_are_told_without_reading(repo: Path) -> None:
    with ObjectReader(discover(repo)) as reader:
        size = (repo / "params.yaml").stat().st_size
        names = ["HEAD:params.yaml", "HEAD:nothing", "HEAD", "HEAD^{tree}", "no\nname"]
        blob, missing, commit, tree, none = reader.sizes(names)
        assert (blob, missing, none) == (Size("blob", size), None, None)
        assert commit is not None
        assert tree is not None
        assert (commit.kind, tree.kind) == ("commit", "tree")
        assert reader._git is None
        assert reader._sizes
        assert reader._sizes._git
        os.kill(reader._sizes._git.pid, signal.SIGKILL)
        reader._sizes._git.wait()
        assert list(reader.sizes(["HEAD:params.yaml"])) == [Size("blob", size)]
        asked = reader._sizes._git
    assert asked.poll() is not None


def test_an_object_that_came_in_a_new_pack_has_a_size(repo: Path) -> None:
    with ObjectReader(discover(repo)) as reader:
        assert list(reader.sizes(["HEAD"])) != [None]
        git(repo, "gc", "-q")
        (repo / "params.yaml").write_text("lr: 0.25\n")
        git(repo, "commit", "-qam", "second")
        git(repo, "repack", "-adq")
        assert list(reader.sizes(["HEAD:params.yaml"])) == [Size("blob", 9)]
