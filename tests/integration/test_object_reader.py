"""A conversation with `git cat-file --batch` that broke off: the next answer is that of the next question."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from gxt.git.objects import ObjectReader
from gxt.git.repository import discover


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
