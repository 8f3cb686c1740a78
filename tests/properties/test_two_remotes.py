"""Three clones and two remotes in any order of work and exchange: in the end all have all of it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gxt.errors import GxtError
from gxt.ops.annotate import remove, restore, tag
from gxt.ops.pull import pull
from gxt.ops.push import push
from gxt.ops.workspace import open_workspace
from tests.conftest import git
from tests.properties.team import Team, check_whole, copied, found, listed, record

REMOTES = ("origin", "other")
STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(["record", "tag", "remove", "restore", "push", "pull", "push one"]),
        st.integers(0, 5),
        st.sampled_from(REMOTES),
    ),
    max_size=14,
)


def two_remotes(folder: Path) -> Team:
    """Three clones that know two remotes; the third follows the numbers of the second remote."""
    team = found(folder, 3)
    git(folder, "init", "-q", "--bare", "other.git")
    for clone in team.clones:
        git(clone, "remote", "add", "other", str(folder / "other.git"))
    git(team.clones[2], "config", "gxt.remote", "other")
    return team


def do(clone: Path, what: str, which: int, remote: str, removed: set[str]) -> None:
    """One step, where it makes sense."""
    runs = listed(clone)
    workspace = open_workspace(clone)
    if what == "record":
        record(clone, f"run {which}")
    elif what == "push":
        push(workspace, remote)
    elif what == "pull":
        pull(workspace, remote)
    elif what == "restore":
        for uid in removed:
            try:
                restore(workspace, [uid])
            except GxtError:
                continue
    elif runs:
        run = runs[which % len(runs)]
        if what == "tag":
            tag(workspace, run["uid"], [f"tag {which}"])
        elif what == "remove":
            remove(workspace, [run["uid"]])
            removed.add(run["uid"])
        else:
            push(workspace, remote, (run["uid"],))


def facts(clone: Path) -> dict[str, object]:
    keys = ("commit", "name", "tags", "params", "metrics", "parent_uid", "created", "author")
    return {run["uid"]: [run[key] for key in keys] for run in listed(clone)}


def check_steps(folder: Path, base: Team, steps: list[tuple[int, str, int, str]]) -> None:
    """Take the steps; then everybody exchanges with both remotes until there is nothing new."""
    team, removed = copied(base, folder), set[str]()
    numbers = [dict[str, str]() for _ in team.clones]
    for who, what, which, remote in steps:
        clone = team.clones[who]
        do(clone, what, which, remote, removed)
        ids = [run["id"] for run in listed(clone)]
        assert len(ids) == len(set(ids))
    for _ in range(2):
        for remote in REMOTES:
            for clone in team.clones:
                push(open_workspace(clone), remote)
    for remote in REMOTES:
        for clone in team.clones:
            pull(open_workspace(clone), remote)
    assert facts(team.clones[0]) == facts(team.clones[1]) == facts(team.clones[2])
    numbers = [{run["uid"]: run["id"] for run in listed(clone)} for clone in team.clones]
    assert numbers[0] == numbers[1]
    for clone in team.clones:
        check_whole(clone)
        for remote in REMOTES:
            again = pull(open_workspace(clone), remote)
            assert (again.new, again.updated, again.refused) == ((), (), ())


def exchange(base: Team, *, examples: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
        database=None,
    )
    @given(STEPS)
    def run(steps: list[tuple[int, str, int, str]]) -> None:
        with TemporaryDirectory(dir=base.hub.parent.parent) as folder:
            check_steps(Path(folder) / "team", base, steps)

    run()


def test_two_remotes_end_with_the_same_runs(tmp_path: Path) -> None:
    exchange(two_remotes(tmp_path / "base"), examples=4)


@pytest.mark.long
def test_two_remotes_end_with_the_same_runs_after_many_orders(tmp_path: Path) -> None:
    exchange(two_remotes(tmp_path / "base"), examples=150)
