"""A push that is being written while `git gc --prune=now` takes what has no lasting ref yet."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from gxt.errors import StoreBusy
from gxt.ops.push import push
from gxt.ops.workspace import open_workspace
from gxt.store.chain import Written
from gxt.store.sync import exchange
from tests.conftest import git
from tests.crash.test_collector import process, say_gc, take_all_but
from tests.properties.team import found, listed, pulled, record

EXPERIMENTS = "refs/gxt/experiments"


def collecting(repo: Path, times: int) -> Any:  # noqa: ANN401 a patch
    """A gc that has read the refs before a push writes, and takes what it has written; that often."""
    before = git(repo, "for-each-ref", "--format=%(objectname)").splitlines()
    write, left = exchange._written, [times]

    def written(*args: Any) -> Written:  # noqa: ANN401 passed on
        done = write(*args)
        if left[0]:
            left[0] -= 1
            assert take_all_but(repo, *before) > 0
            git(repo, "pack-refs", "--all")
            git(repo, "pack-objects", "-q", "--revs", ".git/objects/pack/pack", stdin="HEAD\n")
        return done

    return patch.object(exchange, "_written", written)


def test_what_a_gc_has_taken_is_written_again(tmp_path: Path) -> None:
    team = found(tmp_path / "team", 2)
    ada, bob = team.clones
    for name in ("one", "two"):
        record(ada, name)
    with process("--prune=now") as gc:
        pid_file = say_gc(ada, gc.pid)
        with collecting(ada, 1), patch("gxt.store.collector.await_end", lambda *_, **__: True):
            assert push(open_workspace(ada), runs=("two",)).new == ("exp-002",)
        pid_file.unlink()
    pulled(bob)
    assert [run["name"] for run in listed(bob)] == ["two"]
    git(team.hub, "fsck", "--strict")


def test_a_gc_that_goes_on_and_on_is_told(tmp_path: Path) -> None:
    team = found(tmp_path / "team", 1)
    (ada,) = team.clones
    for name in ("one", "two"):
        record(ada, name)
    with process("--prune=now") as gc:
        pid_file = say_gc(ada, gc.pid)
        with (
            collecting(ada, 100),
            patch("gxt.store.collector.await_end", lambda *_, **__: True),
            pytest.raises(StoreBusy, match="git gc --prune takes what is to be pushed"),
        ):
            push(open_workspace(ada), runs=("two",))
        pid_file.unlink()
    assert git(team.hub, "for-each-ref", EXPERIMENTS) == ""
    assert [run["name"] for run in listed(ada)] == ["one", "two"]
