"""What one person sets wins over what the team wrote, in whichever way and order it is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from gxt.git.repository import discover
from gxt.store.settings import Settings, load_settings
from tests.conftest import git, gxt

TEAM = '[metric]\nmain = "quality"\ngoal = "max"\n\n[goals]\nspeed = "max"\n\n[limits]\nseries_mib = 1\n'


def settings(repo: Path) -> Settings:
    return load_settings(discover(repo))


def test_the_team_says_what_nobody_else_does(repo: Path) -> None:
    (repo / ".gxt.toml").write_text(TEAM)
    assert settings(repo) == Settings(
        metric="quality",
        goals={"quality": "max", "speed": "max"},
        series_bytes=1 << 20,
        author=("Ada Lovelace", "ada@example.org"),
    )


def test_a_goal_of_ones_own_wins_also_for_the_main_metric(repo: Path) -> None:
    (repo / ".gxt.toml").write_text(TEAM)
    git(repo, "config", "gxt.quality.goal", "min")
    assert settings(repo).goals == {"quality": "min", "speed": "max"}


def test_a_main_metric_of_ones_own_has_the_goal_of_ones_own_in_either_order(repo: Path) -> None:
    (repo / ".gxt.toml").write_text(TEAM)
    git(repo, "config", "gxt.goal", "min")
    git(repo, "config", "gxt.metric", "cost")
    assert settings(repo).metric == "cost"
    assert settings(repo).goals == {"quality": "max", "speed": "max", "cost": "min"}


def test_a_main_metric_of_ones_own_does_not_take_the_goal_of_the_teams(repo: Path) -> None:
    (repo / ".gxt.toml").write_text(TEAM)
    git(repo, "config", "gxt.metric", "cost")
    assert settings(repo).goals == {"quality": "max", "speed": "max"}


@pytest.mark.parametrize("size", ["-1", "much"])
def test_a_limit_that_is_no_size_is_refused(repo: Path, size: str) -> None:
    git(repo, "config", "gxt.seriesMib", size)
    assert gxt(repo, "list", code=2).stderr == (
        f"gxt: series_mib is no size: '{size}'\n     give a number of MiB, 0 or more\n"
    )
