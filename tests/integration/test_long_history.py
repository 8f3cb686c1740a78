"""A server with a long history: sharing one run costs what it costs with a short one."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from gxt.git.objects import ObjectReader
from gxt.git.repository import discover
from gxt.ops.pull import pull
from gxt.ops.push import push
from gxt.ops.workspace import open_workspace
from gxt.store.tree import first_parents
from tests.conftest import data, git, gxt
from tests.integration.long_history import EXPERIMENTS, write_history

FEW, MANY, VERY_MANY = 20, 2_000, 100_000
SLACK_BYTES = 200  # of some 6,000: how well git packs what is the same
NOTES = "refs/notes/gxt/*:refs/notes/gxt/*"


class Team(NamedTuple):
    """A server with many runs, and two clones that have them all."""

    server: Path
    ada: Path
    bob: Path


class Cost(NamedTuple):
    """What a command does: git processes, on the server too; objects that gxt reads or asks for; bytes that
    git sends and receives.
    """

    processes: int
    objects: int
    sent: int
    received: int


def team(repo: Path, place: Path, runs: int) -> Team:
    """Two people who share so many runs."""
    place.mkdir()
    made, server, ada, bob = (place / name for name in ("made", "server.git", "ada", "bob"))
    shutil.copytree(repo, made)
    write_history(made, runs)
    git(place, "init", "-q", "--bare", "-b", "main", str(server))
    git(made, "push", "-q", str(server), "main", f"{EXPERIMENTS}:{EXPERIMENTS}", NOTES)
    git(place, "clone", "-q", "--no-local", str(server), str(ada))
    assert data(ada, "pull")["refused"] == []
    assert len(data(ada, "list", "--limit", "1")) == 1  # which makes its index
    shutil.copytree(ada, bob)
    return Team(server, ada, bob)


def measured(
    clone: Path, command: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Cost:
    """What a command costs in a clone."""
    scratch = tmp_path / "measured"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    for program in ("receive-pack", "upload-pack"):
        script = scratch / program
        here = shlex.quote(str(scratch))
        script.write_text(f'#!/bin/sh\ntee -a {here}/sent | git {program} "$@" | tee -a {here}/received\n')
        script.chmod(0o755)
        git(clone, "config", f"remote.origin.{program.replace('-', '')}", shlex.quote(str(script)))
    objects: list[str] = []
    with monkeypatch.context() as patch:
        patch.setenv("GIT_TRACE2_EVENT", str(scratch / "trace"))
        _count(ObjectReader, "read_many", objects, patch)
        _count(ObjectReader, "sizes", objects, patch)
        command(clone)
    processes = (scratch / "trace").read_text().count('"event":"start"')
    sent, received = ((scratch / name).stat().st_size for name in ("sent", "received"))
    return Cost(processes, len(objects), sent, received)


def _count(reader: type, method: str, objects: list[str], patch: pytest.MonkeyPatch) -> None:
    original = getattr(reader, method)

    def counted(self: ObjectReader, names: list[str]) -> Iterator[object]:
        asked = list(names)
        objects.extend(asked)
        return original(self, asked)  # type: ignore[no-any-return]

    patch.setattr(reader, method, counted)


def _push(clone: Path) -> None:
    assert len(push(open_workspace(clone)).new) == 1


def _pull(clone: Path) -> None:
    assert len(pull(open_workspace(clone)).new) == 1


def _pull_nothing(clone: Path) -> None:
    assert pull(open_workspace(clone)).new == ()


def test_one_run_costs_the_same_whatever_was_shared_before(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = []
    for runs in (FEW, MANY):
        _, ada, bob = team(repo, tmp_path / str(runs), runs)
        gxt(ada, "run", "-q", "--name", "another", "--", "true")
        work = ((ada, _push), (bob, _pull), (bob, _pull_nothing))
        costs.append([measured(clone, command, monkeypatch, tmp_path) for clone, command in work])
    for few, many in zip(*costs, strict=True):
        assert many.processes == few.processes
        assert many.objects == few.objects
        assert 0 < many.sent <= few.sent + SLACK_BYTES
        assert 0 < many.received <= few.received + SLACK_BYTES


def test_the_entries_are_read_one_after_the_other_as_far_as_git_has_them(repo: Path) -> None:
    write_history(repo, 150)
    entries = git(repo, "rev-list", "--first-parent", EXPERIMENTS).splitlines()
    assert len(entries) == 151
    with ObjectReader(discover(repo)) as reader:
        for first in (0, 90, 150):
            assert [entry.oid for entry in first_parents(reader, entries[first])] == entries[first:]
    for pack in (repo / ".git/objects/pack").glob("*.pack"):
        aside = pack.rename(repo / pack.name)
        subprocess.run(["git", "unpack-objects", "-q"], cwd=repo, input=aside.read_bytes(), check=True)
    (repo / ".git/objects" / entries[100][:2] / entries[100][2:]).unlink()
    with ObjectReader(discover(repo)) as reader:
        assert [entry.oid for entry in first_parents(reader, entries[0])] == entries[:100]
        assert list(first_parents(reader, entries[100])) == []


@pytest.mark.long
def test_one_run_is_shared_on_top_of_100_000(repo: Path, tmp_path: Path) -> None:
    server, ada, bob = team(repo, tmp_path / "team", VERY_MANY)
    gxt(ada, "run", "-q", "--name", "one more", "--", "true")
    assert data(ada, "push")["new"] == ["exp-100001"]
    assert data(bob, "pull")["new"] == ["exp-100001"]
    assert [run["name"] for run in data(bob, "list", "--limit", "2")] == ["one more", None]
    assert git(bob, "rev-parse", EXPERIMENTS) == git(server, "rev-parse", EXPERIMENTS)
    assert data(bob, "pull")["new"] == []
    assert git(server, "show", f"{EXPERIMENTS}:next") == "100002"
