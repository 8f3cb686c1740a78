"""Runs of two people, over each transport and with servers of every temper."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import data, git, gxt

EXPERIMENTS = "refs/gxt/experiments"


def exchange(repo: Path, url: str) -> None:
    """Both record, and both have the same runs in the end."""
    git(repo, "remote", "add", "origin", url)
    git(repo, "push", "-q", "origin", "HEAD")
    gxt(repo, "run", "-q", "--name", "ada 1", "--", "true")
    assert gxt(repo, "push").stdout == "to origin: 1 run (exp-001)\n"
    bob = repo.parent / "bob"
    git(repo.parent, "clone", "-q", url, str(bob))
    assert gxt(bob, "pull").stdout == "from origin: 1 run (exp-001)\n"
    gxt(bob, "run", "-q", "--name", "bob 2", "--", "true")
    gxt(bob, "tag", "1", "good")
    assert data(bob, "push")["new"] == ["exp-002"]
    gxt(repo, "run", "-q", "--name", "ada 3", "--", "true")
    assert data(repo, "push")["renumbered"] == [{"from": "exp-002", "to": "exp-003"}]
    gxt(bob, "pull")
    assert [run["name"] for run in data(bob, "list")] == ["ada 3", "bob 2", "ada 1"]
    assert data(bob, "list") == data(repo, "list")
    assert git(bob, "rev-parse", EXPERIMENTS) == git(repo, "rev-parse", EXPERIMENTS)
    for clone in (repo, bob):
        assert len(git(clone, "notes", "--ref=gxt/config", "list").splitlines()) == 3
        assert data(clone, "doctor")["findings"] == []


def test_runs_are_exchanged_over_each_transport(repo: Path, url: str) -> None:
    exchange(repo, url)


@pytest.mark.parametrize(
    "setting",
    [
        "receive.fsckObjects=true",
        "receive.advertiseAtomic=false",
        "transfer.unpackLimit=1",
        "protocol.version=0",
    ],
)
def test_runs_are_exchanged_whatever_the_server_is_set_to(repo: Path, server: Path, setting: str) -> None:
    git(server, "config", *setting.split("="))
    exchange(repo, str(server))
    git(server, "fsck", "--strict")


def test_a_shallow_and_a_partial_clone_have_all_runs(repo: Path, server: Path) -> None:
    for number in range(3):
        git(repo, "commit", "-q", "--allow-empty", "-m", f"commit {number}")
    git(server, "config", "uploadpack.allowFilter", "true")
    exchange(repo, server.as_uri())
    for option in ("--depth=1", "--filter=blob:none"):
        clone = repo.parent / option.strip("-").replace(":", "-")
        git(repo.parent, "clone", "-q", option, server.as_uri(), str(clone))
        gxt(clone, "pull")
        assert data(clone, "list") == data(repo, "list")
        gxt(clone, "run", "-q", "--name", option, "--", "true")
        assert len(data(clone, "push")["new"]) == 1
        gxt(repo, "pull")
        assert data(clone, "list") == data(repo, "list")


def test_a_server_that_hides_the_runs_is_one_without_runs(repo: Path, server: Path) -> None:
    git(server, "config", "transfer.hideRefs", "refs/gxt")
    git(repo, "remote", "add", "origin", str(server))
    assert gxt(repo, "pull").stdout == "origin has no runs yet: gxt push publishes yours\n"
    gxt(repo, "run", "-q", "--", "true")
    refused = gxt(repo, "push", code=1)
    assert refused.stderr.startswith(f"gxt: origin ({server}): ")
    assert [run["status"] for run in data(repo, "list")] == ["completed"]
