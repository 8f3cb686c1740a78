"""Sealing the same journal again does no harm: one entry, the same run commit, whoever came between."""

from __future__ import annotations

import shutil
from pathlib import Path

from gxt.git.repository import discover
from gxt.store import journal
from gxt.store.console import collect
from gxt.store.documents import documents
from gxt.store.locks import store_lock
from gxt.store.places import EXPERIMENTS, live_paths
from gxt.store.recovery import recover
from gxt.store.seal import seal
from tests.conftest import data, git, gxt
from tests.crash.conftest import check_sound, fake_git, live_directory, run_uids


def test_a_journal_that_comes_back_after_publication_is_dropped(dead: Path, tmp_path: Path) -> None:
    """What a kill between the move of the ref and the removal of the journal leaves."""
    path = live_directory(dead)
    copy = tmp_path / path.name
    shutil.copytree(path, copy)
    commit = data(dead, "show", "2")["commit"]
    gxt(dead, "run", "-q", "--", "true")
    tip = git(dead, "rev-parse", EXPERIMENTS)
    shutil.copytree(copy, path)
    git(dead, "update-ref", f"refs/gxt/live/{path.name}", "HEAD")
    assert [(run["id"], run["commit"]) for run in data(dead, "list")][1] == ("exp-002", commit)
    assert git(dead, "rev-parse", EXPERIMENTS) == tip
    assert live_paths(discover(dead)) == []
    check_sound(dead)


def test_sealing_the_same_journal_twice_gives_the_same_objects(dead: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(dead, other)
    gxt(dead, "list")
    gxt(other, "list")
    first, second = data(dead, "show", "2"), data(other, "show", "2")
    assert second == first
    for file in ("config.json", "environment.json", "metrics.json", "series", "annotations.jsonl"):
        place = f"{EXPERIMENTS}:exp-0xx/exp-002/{file}"
        assert git(other, "rev-parse", place) == git(dead, "rev-parse", place)


def test_an_orphan_that_publishes_beside_the_recovery_gives_no_second_entry(dead: Path) -> None:
    """gxt is killed, the git that it started goes on and moves the refs after the next command has looked."""
    repository = discover(dead)
    (path,) = live_paths(repository)
    folded = journal.read(path, unfinished="interrupted")
    with store_lock(repository):
        before = git(dead, "rev-parse", EXPERIMENTS)
        files = documents(folded, collect(path), series_bytes=64 << 20)
        orphan = seal(repository, folded, files, number=2)
        again = seal(repository, folded, files, number=2, looked_at=before)
    assert (again.number, again.run["commit"]) == (2, orphan.run["commit"])
    assert run_uids(dead)[:-1] == [path.name]
    recover(repository, series_bytes=64 << 20)
    check_sound(dead)


# Somebody who does not take gxt's lock moves the ref in the last moment, once.
RIVAL = """#!/bin/sh
case "$*" in *" update-ref "*) ;; *) exec "$GXT_TEST_GIT" "$@" ;; esac
lines="$GXT_TEST_DONE.$$"
mkfifo "$lines"
exec 3<&0
while IFS= read -r line; do
    case "$line" in *refs/gxt/experiments*)
        [ -e "$GXT_TEST_DONE" ] || "$GXT_TEST_GIT" update-ref refs/gxt/experiments "$GXT_TEST_RIVAL"
        touch "$GXT_TEST_DONE" ;;
    esac
    printf '%s\\n' "$line"
done <&3 >"$lines" 2>"$lines.said" &
exec "$GXT_TEST_GIT" "$@" <"$lines" 3<&-
"""


def test_a_sealing_that_lost_its_race_builds_on_the_new_tip(repo: Path, tmp_path: Path) -> None:
    gxt(repo, "run", "-q", "--", "true")
    other = tmp_path / "other"
    shutil.copytree(repo, other)
    gxt(other, "run", "-q", "-m", "the rival", "--", "true")
    git(repo, "fetch", "-q", str(other), f"{EXPERIMENTS}:refs/rival")
    environment = {
        **fake_git(tmp_path / "bin", RIVAL),
        "GXT_TEST_DONE": str(tmp_path / "done"),
        "GXT_TEST_RIVAL": git(repo, "rev-parse", "refs/rival"),
    }
    done = gxt(repo, "run", "-m", "ours", "--", "true", code=0, **environment)
    assert (tmp_path / "done").exists()
    assert "gxt: it is exp-003: its reserved number was taken meanwhile" in done.stderr.splitlines()
    assert [(run["id"], run["message"]) for run in data(repo, "list")] == [
        ("exp-003", "ours"),
        ("exp-002", "the rival"),
        ("exp-001", None),
    ]
    git(repo, "update-ref", "-d", "refs/rival")
    check_sound(repo)
