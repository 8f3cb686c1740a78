"""A damaged experiments ref is named, and never taken for a repository without runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import git, gxt

REF = "refs/gxt/experiments"


@pytest.mark.parametrize("content", ["", "garbage\n", "1234567890123456789012345678901234567890\n"])
def test_a_ref_that_names_nothing_is_an_error_and_comes_back(repo: Path, content: str) -> None:
    gxt(repo, "run", "-q", "--", "true")
    tip = git(repo, "rev-parse", REF)
    path = repo / ".git" / REF
    path.write_text(content)
    for words in (["list"], ["show"], ["run", "--", "true"]):
        said = gxt(repo, *words, code=1).stderr
        assert said.splitlines()[0] == f"gxt: {REF} names no commit"
    path.write_text(f"{tip}\n")
    assert gxt(repo, "list").stdout.count("exp-001") == 1


def test_no_ref_is_a_repository_without_runs(repo: Path) -> None:
    done = gxt(repo, "list")
    assert (done.stdout, done.stderr) == ("", "no runs yet: gxt run -- python train.py\n")
