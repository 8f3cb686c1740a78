"""Colleagues without gxt: what plain git receives from a server does not grow with the runs that it has."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from tests.bench.generate import generate
from tests.conftest import git, gxt

FEW, MANY = 3, 300
SLACK_BYTES = 32  # ids are noise, which zlib packs a little better or worse
OFFERED = ["refs/gxt/experiments", "refs/notes/gxt/annotations", "refs/notes/gxt/config"]


@pytest.fixture
def servers(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A server with few runs and one with many: a branch of one commit, and what `gxt push` has put there."""
    found = []
    for runs in (FEW, MANY):
        made, copy = tmp_path_factory.getbasetemp() / f"serving {runs}", tmp_path / str(runs) / "server.git"
        if not made.exists():
            _serve(made, runs)
        found.append(shutil.copytree(made / "server.git", copy))
    return found


def _serve(place: Path, runs: int) -> None:
    ours, server = place / "ours", place / "server.git"
    generate(ours, runs)
    gxt(ours, "tag", "1", "seen")
    git(place, "init", "-q", "--bare", "-b", "main", str(server))
    git(ours, "remote", "add", "origin", str(server))
    first = git(ours, "rev-list", "--max-parents=0", "main")
    git(ours, "push", "-q", "origin", f"{first}:refs/heads/main")
    gxt(ours, "push")
    assert git(server, "show", "refs/gxt/experiments:next") == str(runs + 1)


def _overheard(place: Path, program: str) -> tuple[str, Path]:
    """The option that has git start a program of the server's, and the file with what that says."""
    said, script = place / f"said by {program}", place / program
    said.unlink(missing_ok=True)
    script.write_text(f'#!/bin/sh\ngit {program} "$@" | tee {shlex.quote(str(said))}\n')
    script.chmod(0o755)
    return f"--{program}={shlex.quote(str(script))}", said


def _clone(server: Path) -> Path:
    clone = server.parent / "clone"
    git(server.parent, "clone", "-q", str(server), str(clone))
    return clone


def _commit(clone: Path) -> None:
    git(clone, "commit", "-q", "--allow-empty", "-m", "one more")


def _is_offered(said: bytes) -> bool:
    return all(ref.encode() in said for ref in OFFERED)


def _alike(said: list[bytes]) -> bool:
    few, many = (len(one) for one in said)
    return few > 0 and abs(few - many) <= SLACK_BYTES


def test_a_push_of_a_commit_receives_as_much_whatever_the_number_of_runs(servers: list[Path]) -> None:
    said = []
    for server in servers:
        clone = _clone(server)
        _commit(clone)
        option, heard = _overheard(server.parent, "receive-pack")
        git(clone, "push", "-q", option, "origin", "main")
        assert git(server, "rev-parse", "main") == git(clone, "rev-parse", "main")
        said.append(heard.read_bytes())
    assert all(map(_is_offered, said))
    assert len(said[0]) == len(said[1]) < 1000


@pytest.mark.parametrize("version", [0, 2])
def test_a_clone_receives_as_much_whatever_the_number_of_runs(servers: list[Path], version: int) -> None:
    said = []
    for server in servers:
        option, heard = _overheard(server.parent, "upload-pack")
        config = f"protocol.version={version}"
        git(
            server.parent,
            "-c",
            config,
            "clone",
            "-q",
            "--no-local",
            option,
            f"file://{server}",
            "by-plain-git",
        )
        said.append(heard.read_bytes())
    assert [_is_offered(one) for one in said] == [version == 0] * 2
    assert _alike(said)


@pytest.mark.parametrize("version", [0, 2])
def test_a_fetch_receives_as_much_whatever_the_number_of_runs(servers: list[Path], version: int) -> None:
    said = []
    for server in servers:
        clone, other = _clone(server), server.parent / "other"
        git(server.parent, "clone", "-q", str(server), str(other))
        _commit(other)
        git(other, "push", "-q", "origin", "main")
        option, heard = _overheard(server.parent, "upload-pack")
        git(clone, "-c", f"protocol.version={version}", "fetch", "-q", option, "origin")
        assert git(clone, "rev-parse", "origin/main") == git(other, "rev-parse", "main")
        said.append(heard.read_bytes())
    assert [_is_offered(one) for one in said] == [version == 0] * 2
    assert _alike(said)
