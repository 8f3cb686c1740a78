"""Two teams, each with a remote that gives its numbers, and somebody who exchanges runs with both."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import pytest

from gxt.ops.annotate import remove, restore, tag
from gxt.ops.pull import Pulled, pull
from gxt.ops.push import Pushed, push
from gxt.ops.workspace import open_workspace
from tests.conftest import git
from tests.properties.team import EXPERIMENTS, check_whole, listed, record


class Teams(NamedTuple):
    """Ada's team has `origin`, Bob's has `other`; Ada knows both."""

    ada: Path
    bob: Path


@pytest.fixture
def teams(tmp_path: Path) -> Teams:
    git(tmp_path, "init", "-q", "--bare", "origin.git")
    git(tmp_path, "init", "-q", "--bare", "other.git")
    for name in ("ada", "bob"):
        git(tmp_path, "init", "-q", name)
        git(tmp_path / name, "config", "user.name", name.title())
        git(tmp_path / name, "commit", "-q", "--allow-empty", "-m", "first")
        git(tmp_path / name, "remote", "add", "other", str(tmp_path / "other.git"))
    git(tmp_path / "ada", "remote", "add", "origin", str(tmp_path / "origin.git"))
    return Teams(tmp_path / "ada", tmp_path / "bob")


def pulled(clone: Path, remote: str) -> Pulled:
    return pull(open_workspace(clone), remote)


def pushed(clone: Path, remote: str, *runs: str) -> Pushed:
    return push(open_workspace(clone), remote, runs)


def numbers(clone: Path) -> dict[str, str]:
    """The ids of the runs by name."""
    return {run["name"]: run["id"] for run in listed(clone)}


def tags(clone: Path) -> dict[str, list[str]]:
    return {run["name"]: run["tags"] for run in listed(clone)}


def test_runs_come_under_free_numbers_and_keep_uid_commit_and_parent(teams: Teams) -> None:
    for name in ("one", "two"):
        record(teams.ada, name)
    pushed(teams.ada, "origin")
    for name in ("first", "second"):
        record(teams.bob, name)
    pushed(teams.bob, "other")
    before = git(teams.ada, "rev-parse", EXPERIMENTS)
    came = pulled(teams.ada, "other")
    assert came.new == ("exp-003", "exp-004")
    assert came.elsewhere == (("exp-003", "exp-001"), ("exp-004", "exp-002"))
    assert numbers(teams.ada) == {"one": "exp-001", "two": "exp-002", "first": "exp-003", "second": "exp-004"}
    assert git(teams.ada, "log", "--first-parent", "--format=%s", f"{before}..{EXPERIMENTS}") == (
        "exp-004 completed: second — loss 0.5\nexp-003 completed: first — loss 0.5"
    )
    same = ("uid", "commit", "parent_uid", "metrics", "params", "created", "author")
    theirs = {run["name"]: [run[key] for key in same] for run in listed(teams.bob)}
    ours = {run["name"]: [run[key] for key in same] for run in listed(teams.ada)}
    assert {name: ours[name] for name in theirs} == theirs
    assert {run["name"]: run["parent"] for run in listed(teams.ada)}["second"] == "exp-003"
    check_whole(teams.ada)
    assert pulled(teams.ada, "other") == Pulled("other", is_empty=False)


def test_numbers_that_another_remote_gives_from_now_on_are_told(teams: Teams) -> None:
    for name in ("one", "two"):
        record(teams.ada, name)
    record(teams.bob, "first")
    pushed(teams.ada, "origin")
    pushed(teams.bob, "other")
    pulled(teams.ada, "other")
    pushed(teams.ada, "other")
    git(teams.ada, "config", "gxt.remote", "other")

    came = pulled(teams.ada, "other")

    assert sorted(came.renumbered) == [("exp-001", "exp-003"), ("exp-003", "exp-001")]
    assert numbers(teams.ada) == {"first": "exp-001", "two": "exp-002", "one": "exp-003"}
    check_whole(teams.ada)
    assert pulled(teams.ada, "other").renumbered == ()
    pushed(teams.ada, "other")
    pulled(teams.bob, "other")
    assert numbers(teams.bob) == numbers(teams.ada)


def test_runs_go_there_under_numbers_that_are_free_there(teams: Teams) -> None:
    for name in ("one", "two"):
        record(teams.ada, name)
    record(teams.bob, "first")
    pushed(teams.bob, "other")
    sent = pushed(teams.ada, "other")
    assert sent.new == ("exp-001", "exp-002")
    assert sent.elsewhere == (("exp-001", "exp-003"),)  # its 2 was free
    assert numbers(teams.ada) == {"one": "exp-001", "two": "exp-002", "first": "exp-003"}
    pulled(teams.bob, "other")
    assert numbers(teams.bob) == {"first": "exp-001", "two": "exp-002", "one": "exp-003"}
    assert pushed(teams.ada, "other") == Pushed("other")
    check_whole(teams.bob)


def test_what_is_said_travels_both_ways(teams: Teams) -> None:
    record(teams.ada, "one")
    pushed(teams.ada, "origin")
    record(teams.bob, "first")
    pushed(teams.bob, "other")
    pulled(teams.ada, "other")
    tag(open_workspace(teams.ada), "first", ["from ada"])
    tag(open_workspace(teams.bob), "first", ["from bob"])
    pushed(teams.bob, "other")
    sent = pushed(teams.ada, "other", "first")
    assert (sent.new, sent.updated) == ((), ("exp-002",))
    assert pulled(teams.bob, "other").updated == ("exp-001",)
    assert tags(teams.ada) == {"one": [], "first": ["from ada", "from bob"]}
    assert tags(teams.bob) == {"first": ["from ada", "from bob"]}
    remove(open_workspace(teams.bob), ["first"])
    pushed(teams.bob, "other")
    assert pulled(teams.ada, "other").updated == ("exp-002",)
    assert tags(teams.ada) == {"one": []}
    restore(open_workspace(teams.ada), ["exp-002"])
    pushed(teams.ada, "other", "first")
    pulled(teams.bob, "other")
    assert tags(teams.bob) == {"first": ["from ada", "from bob"]}
    check_whole(teams.ada)


def test_what_was_removed_there_before_does_not_come(teams: Teams) -> None:
    record(teams.ada, "one")
    for name in ("first", "second"):
        record(teams.bob, name)
    pushed(teams.bob, "other")
    remove(open_workspace(teams.bob), ["first"])
    pushed(teams.bob, "other")
    assert pulled(teams.ada, "other").new == ("exp-002",)
    restore(open_workspace(teams.bob), ["exp-001"])
    pushed(teams.bob, "other")
    assert pulled(teams.ada, "other").new == ("exp-003",)
    assert numbers(teams.ada) == {"one": "exp-001", "second": "exp-002", "first": "exp-003"}
    check_whole(teams.ada)


def test_a_copy_of_the_history_stays_the_same_history(teams: Teams, tmp_path: Path) -> None:
    for name in ("one", "two"):
        record(teams.ada, name)
        pushed(teams.ada, "origin")
        pushed(teams.ada, "other")
    tips = {git(tmp_path / f"{name}.git", "rev-parse", EXPERIMENTS) for name in ("origin", "other")}
    assert tips == {git(teams.ada, "rev-parse", EXPERIMENTS)}
    record(teams.bob, "first")
    pulled(teams.bob, "other")
    pushed(teams.bob, "other")
    assert pulled(teams.ada, "other") == Pulled("other", is_empty=False, new=("exp-003",))
    assert git(teams.ada, "rev-parse", EXPERIMENTS) == git(teams.bob, "rev-parse", EXPERIMENTS)


def test_a_pull_that_was_killed_before_it_remembered_brings_nothing_twice(teams: Teams) -> None:
    record(teams.ada, "one")
    record(teams.bob, "first")
    pushed(teams.bob, "other")
    with patch("gxt.ops.fetching.accept", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        pulled(teams.ada, "other")
    assert numbers(teams.ada) == {"one": "exp-001", "first": "exp-002"}
    assert pulled(teams.ada, "other").new == ()
    record(teams.bob, "second")
    pushed(teams.bob, "other")
    assert pulled(teams.ada, "other").new == ("exp-003",)
    assert numbers(teams.ada) == {"one": "exp-001", "first": "exp-002", "second": "exp-003"}


def test_runs_of_the_other_team_keep_away_from_numbers_that_are_given_meanwhile(
    teams: Teams, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "-q", str(tmp_path / "origin.git"), "carol")
    carol = tmp_path / "carol"
    record(teams.ada, "one")
    pushed(teams.ada, "origin")
    record(teams.bob, "first")
    pushed(teams.bob, "other")
    pulled(teams.ada, "other")
    pulled(carol, "origin")
    record(carol, "two")
    pushed(carol, "origin")
    came = pulled(teams.ada, "origin")
    assert came.renumbered == (("exp-002", "exp-003"),)
    assert numbers(teams.ada) == {"one": "exp-001", "two": "exp-002", "first": "exp-003"}
    assert pushed(teams.ada, "other").elsewhere == (("exp-001", "exp-003"),)
    pulled(teams.bob, "other")
    assert numbers(teams.bob) == {"first": "exp-001", "two": "exp-002", "one": "exp-003"}
    pushed(teams.ada, "origin")
    pulled(carol, "origin")
    assert numbers(carol) == numbers(teams.ada)
    for clone in (teams.ada, teams.bob, carol):
        check_whole(clone)
