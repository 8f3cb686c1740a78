"""Laws of the exchange: in whatever order people push what they did, all end with the same, byte by byte."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import permutations
from pathlib import Path

import pytest

from gxt.model.annotations import fold
from gxt.ops import annotate
from gxt.ops.workspace import open_workspace
from tests.conftest import git
from tests.crash.conftest import check_notes
from tests.properties.team import (
    EXPERIMENTS,
    Team,
    check_whole,
    copied,
    found,
    listed,
    pulled,
    pushed,
    record,
)

SHARED = ["tagged", "renamed", "removed", "restored", "taken back"]


def conflicting(folder: Path) -> tuple[Team, str]:
    """Three clones that have the same runs and have each done something else since, and told nobody."""
    team = found(folder, 3)
    ada, bob, carl = team.clones
    for name in SHARED:
        record(ada, name)
    workspaces = [open_workspace(clone) for clone in team.clones]
    pushed(ada)
    annotate.remove(workspaces[0], ["restored"])
    annotate.tag(workspaces[0], "taken back", ["odd"])
    pushed(ada)
    for clone in (bob, carl):
        pulled(clone)
    for i, (clone, workspace) in enumerate(zip(team.clones, workspaces, strict=True)):
        annotate.tag(workspace, "1", ["good", f"good-{i}"])
        annotate.rename(workspace, "2", f"first of {i}")
        annotate.rename(workspace, "2", f"second of {i}")
        record(clone, f"new {i}")
        record(clone, f"newer {i}", tags=[f"by-{i}"])
    annotate.remove(workspaces[0], ["3"])
    annotate.remove(workspaces[1], ["3"])
    annotate.tag(workspaces[2], "3", ["kept"])
    annotate.note(workspaces[2], "3", "to be looked at again")
    annotate.restore(workspaces[1], ["4"])
    annotate.tag(workspaces[1], "4", ["back"])
    annotate.tag(workspaces[0], "5", ["odd"], remove=True)
    annotate.tag(workspaces[1], "5", ["even"])
    annotate.tag(workspaces[2], "5", ["odd"], remove=True)
    # nobody but who made it may ever hear of this one
    secret = record(carl, "secret")
    annotate.remove(workspaces[2], [secret])
    return team, secret


def check_restored(team: Team, secret: str) -> None:
    """What nobody has heard of comes back whole when who made it wants that, and goes to all."""
    annotate.restore(open_workspace(team.clones[2]), [secret])
    pushed(team.clones[2])
    for clone in team.clones[:2]:
        pulled(clone)
    first, *others = (listed(clone) for clone in team.clones)
    assert others == [first, first]
    assert [(run["name"], run["status"]) for run in first if run["uid"] == secret] == [
        ("secret", "completed")
    ]
    for clone in team.clones:
        check_whole(clone)


def said(repository: Path, number: int) -> str:
    """The bytes of what is said of a run."""
    return git(repository, "cat-file", "-p", f"{EXPERIMENTS}:exp-0xx/exp-{number:03d}/annotations.jsonl")


def exchange(team: Team, order: Sequence[int]) -> str:
    """Push in this order, all come to rest, and look; what is said of the shared runs."""
    for who in order:
        pushed(team.clones[who])
    for clone in team.clones:
        pulled(clone)
    first, *others = (listed(clone) for clone in team.clones)
    assert others == [first, first]
    check_shared(first)
    check_new(first, order)
    for clone in team.clones:
        check_whole(clone)
    check_notes(team.hub)
    git(team.hub, "fsck", "--strict", "--no-dangling", "--no-progress")
    tips = [git(place, "rev-parse", EXPERIMENTS) for place in (team.hub, *team.clones)]
    assert tips[0] == tips[1] == tips[2]  # the third keeps its removed run for itself
    assert "secret" not in git(team.hub, "log", "-p", "--all", "--notes=gxt/*")
    return "\n".join(said(place, n) for place in team.clones for n in range(1, len(SHARED) + 1))


def check_shared(runs: list[dict[str, object]]) -> None:
    """What follows from all that was said of the runs that everybody had."""
    expected = [
        ("exp-001", "tagged", ["good", "good-0", "good-1", "good-2"]),
        ("exp-002", "second of 2", []),
        ("exp-004", "restored", ["back"]),
        ("exp-005", "taken back", ["even"]),
    ]
    assert [(run["id"], run["name"], run["tags"]) for run in runs[:4]] == expected


def check_new(runs: list[dict[str, object]], order: Sequence[int]) -> None:
    """Who pushes first keeps the numbers that he gave; the others have later ones, in their order."""
    expected = [(f"{name} {who}", tags) for who in dict.fromkeys(order) for name, tags in news(who)]
    assert [(run["name"], run["tags"]) for run in runs[4:]] == expected
    assert [run["id"] for run in runs[4:6]] == ["exp-006", "exp-007"]


def news(who: int) -> Iterator[tuple[str, list[str]]]:
    yield "new", []
    yield "newer", [f"by-{who}"]


def law(folder: Path, orders: Sequence[Sequence[int]]) -> None:
    """The end is the same for all these orders."""
    team, secret = conflicting(folder / "origin")
    ends = set()
    for i, order in enumerate(orders):
        there = copied(team, folder / f"order-{i}")
        ends.add(exchange(there, order))
        check_restored(there, secret)
    (end,) = ends
    events = [json.loads(line) for line in end.splitlines()]
    removing = [event for event in events if event["op"] == "removed"]
    assert len(fold(events).removed) == len({event["id"] for event in removing}) - 1


def test_whoever_pushes_first_all_end_the_same(tmp_path: Path) -> None:
    law(tmp_path, list(permutations(range(3)))[::2])  # each is the first once


@pytest.mark.long
def test_however_often_they_push_all_end_the_same(tmp_path: Path) -> None:
    law(tmp_path, sorted(set(permutations([0, 0, 1, 1, 2, 2]))))
