"""`gxt gc`: removed runs that nobody else has are freed; all else stays as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.scratch import Terminal
from tests.cli.test_sharing import ada, bob, clone, hub, names, record, sound  # noqa: F401 fixtures
from tests.conftest import data, git, gxt

EXPERIMENTS = "refs/gxt/experiments"
SECRET = "the-password-is-12345"
FREES_LATER = (
    "git frees what was removed when its grace time is over (gc.pruneExpire, two weeks);\n"
    "to have it gone now: git gc --prune=now\n"
)
NOTHING = "nothing to free, nothing to pack\n"


def record_secret(repo: Path, name: str) -> None:
    """Record a run whose code and parameters hold the secret, and go on without it."""
    (repo / "secret.py").write_text(f"password = {SECRET!r}\n")
    gxt(repo, "run", "-q", "--name", name, "--", "true", SECRET)
    (repo / "secret.py").unlink()


def holds_secret(repo: Path) -> bool:
    """Whether an object of git, be it reachable or not, or a file of gxt has the secret."""
    listed = git(repo, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
    done = subprocess.run(
        ["git", "cat-file", "--batch"], cwd=repo, input=listed.encode(), capture_output=True, check=True
    )
    files = [path for path in (repo / ".git/gxt").rglob("*") if path.is_file()]
    return any(SECRET.encode() in said for said in (done.stdout, *(path.read_bytes() for path in files)))


def refs(repo: Path) -> str:
    return git(repo, "for-each-ref")


def planned(repo: Path) -> list[str]:
    """The removed runs that would be freed."""
    return [run["id"] for run in data(repo, "gc")["runs"]]


def test_a_removed_run_is_gone_and_all_else_as_it_was(ada: Path) -> None:  # noqa: F811
    record(ada, "one")
    gxt(ada, "push")
    record(ada, "two", "--tag", "good")
    gxt(ada, "tag", "2", "early")
    record_secret(ada, "bad")
    record(ada, "four")
    gxt(ada, "note", "4", "looks fine")
    gxt(ada, "rm", "3")
    before, shown = data(ada, "list"), [data(ada, "show", one, "--series") for one in "124"]
    done = gxt(ada, "gc", "--yes").stdout.splitlines(keepends=True)
    assert done[0].startswith("would free 1 removed run that no remote has (exp-003, ")
    assert done[0].endswith("): gxt rm --undo cannot bring it back then\n")
    assert done[1] == "would delete 3 refs of pushes and remotes that are done\n"
    assert done[2].startswith("would pack ")
    summary = (
        "done: freed 1 removed run (exp-003); deleted 3 refs of pushes and remotes that are done; packed\n"
    )
    assert "".join(done[3:]) == summary + FREES_LATER
    assert holds_secret(ada)
    git(ada, "gc", "-q", "--prune=now")
    assert not holds_secret(ada)
    assert data(ada, "list") == before
    assert [data(ada, "show", one, "--series") for one in "124"] == shown
    sound(ada)
    assert gxt(ada, "rm", "--undo", "3", code=2).stderr.startswith("gxt: no run '3'\n")
    said = git(ada, "log", "--first-parent", "--format=%s", EXPERIMENTS).splitlines()
    assert said == [
        "exp-004 completed: four",
        "exp-002 tagged early",
        "exp-002 completed: two",
        "exp-001 completed: one",
        "The experiments of this repository",
    ]
    assert gxt(ada, "gc", "--yes").stdout == NOTHING


def test_it_only_tells_until_somebody_agrees(repo: Path) -> None:
    record(repo, "one")
    gxt(repo, "rm", "1")
    before = refs(repo)
    asked = gxt(repo, "gc")
    assert asked.stderr == "gxt: nothing was done: gxt gc --yes does it\n"
    assert asked.stdout.startswith("would free 1 removed run that no remote has (exp-001, ")
    assert gxt(repo, "gc", "--dry-run", "--yes").stdout == asked.stdout
    assert data(repo, "gc")["done"] is False
    terminal = Terminal(repo, 120)
    assert terminal.show("gc", typed="n\n").endswith("Do it? [y/N] ")
    assert terminal.show("gc", typed="\n").endswith("Do it? [y/N] ")
    assert refs(repo) == before
    told = terminal.show("gc", typed="y\n", NO_COLOR="1")
    assert told.endswith("Do it? [y/N] done: freed 1 removed run (exp-001); packed\n" + FREES_LATER)
    assert planned(repo) == []


def test_where_all_is_published_there_is_nothing_to_do(ada: Path, bob: Path) -> None:  # noqa: F811
    record(ada, "one")
    record(ada, "two")
    gxt(ada, "push")
    gxt(ada, "rm", "1")
    gxt(bob, "pull")
    gxt(bob, "rm", "2")
    before = [git(repo, "rev-parse", EXPERIMENTS) for repo in (ada, bob)]
    for repo in (ada, bob):
        assert planned(repo) == []
        gxt(repo, "gc", "--yes")
        assert gxt(repo, "gc").stdout == NOTHING
    assert [git(repo, "rev-parse", EXPERIMENTS) for repo in (ada, bob)] == before
    gxt(ada, "push")
    gxt(bob, "push")
    gxt(bob, "rm", "--undo", "1", "2")
    assert names(bob) == {"exp-001": "one", "exp-002": "two"}


def test_clones_exchange_as_before(hub: Path, ada: Path, bob: Path) -> None:  # noqa: F811
    record(ada, "one")
    gxt(ada, "push")
    gxt(bob, "pull")
    for repo in (ada, bob):
        record_secret(repo, f"bad of {repo.name}")
        record(repo, f"good of {repo.name}")
        gxt(repo, "tag", "1", repo.name)
        gxt(repo, "rm", "2")
        gxt(repo, "gc", "--yes")
    gxt(ada, "push")
    gxt(bob, "push")
    gxt(ada, "pull")
    expected = {"exp-001": "one", "exp-003": "good of ada", "exp-004": "good of bob"}
    assert names(ada) == names(bob) == expected
    assert data(ada, "show", "1")["tags"] == ["ada", "bob"]
    sound(hub, ada, bob)
    for repo in (hub, ada, bob):
        git(repo, "gc", "-q", "--prune=now")
    assert not any(holds_secret(repo) for repo in (ada, bob))
    assert data(clone(hub, "new"), "pull")["new"] == list(expected)


def test_the_number_of_a_freed_run_stays_used(ada: Path, bob: Path) -> None:  # noqa: F811
    record(ada, "one")
    record(ada, "two")
    gxt(ada, "rm", "2")
    gxt(ada, "gc", "--yes")
    gxt(ada, "push")
    gxt(bob, "pull")
    gxt(bob, "note", "1", "seen")
    gxt(bob, "push")
    gxt(ada, "pull")
    assert git(ada, "cat-file", "-p", f"{EXPERIMENTS}:next") == "3"
    record(ada, "three")
    assert names(ada) == {"exp-001": "one", "exp-003": "three"}
    gxt(ada, "push")
    gxt(bob, "pull")
    sound(ada, bob)


def test_every_run_can_be_freed(repo: Path) -> None:
    record_secret(repo, "bad")
    gxt(repo, "tag", "1", "x")
    gxt(repo, "rm", "1")
    gxt(repo, "gc", "--yes")
    git(repo, "gc", "-q", "--prune=now")
    assert not holds_secret(repo)
    sound(repo)
    record(repo, "two")
    assert names(repo) == {"exp-002": "two"}
    sound(repo)


def test_what_a_declined_push_has_sent_is_freed_after_the_next_one(hub: Path, ada: Path) -> None:  # noqa: F811
    record(ada, "one")
    gxt(ada, "push")
    record_secret(ada, "bad")
    hook = hub / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho there is a password in it\nexit 1\n")
    hook.chmod(0o755)
    gxt(ada, "push", code=1)
    gxt(ada, "rm", "2")
    told = gxt(ada, "gc", "--yes")
    assert told.stderr == (
        "gxt: exp-002 may be at origin, since a push there was not completed:"
        " gxt push origin tells; gxt gc frees it then\n"
    )
    assert "free" not in told.stdout
    assert gxt(ada, "push").stdout == "nothing to push: origin has it all\n"
    assert planned(ada) == ["exp-002"]
    gxt(ada, "gc", "--yes")
    git(ada, "gc", "-q", "--prune=now")
    assert not holds_secret(ada)
    sound(ada)
    hook.unlink()
    record(ada, "three")
    gxt(ada, "push")
    sound(hub, ada)


def test_the_refs_of_a_remote_that_is_gone_go_when_another_has_its_runs(ada: Path) -> None:  # noqa: F811
    record(ada, "one")
    gxt(ada, "push")
    gxt(ada, "rm", "1")
    git(ada, "remote", "rename", "origin", "upstream")
    git(ada, "config", "gxt.remote", "upstream")
    gxt(ada, "gc", "--yes")
    below = "refs/gxt/remotes/origin"
    assert git(ada, "for-each-ref", "--format=%(refname)", below) == f"{below}/experiments"
    assert planned(ada) == []
    gxt(ada, "pull")
    gxt(ada, "gc", "--yes")
    assert git(ada, "for-each-ref", below) == ""
    gxt(ada, "rm", "--undo", "1")


def test_index_files_of_other_versions_go(repo: Path) -> None:
    record(repo, "one")
    gxt(repo, "gc", "--yes")
    old = [repo / ".git/gxt" / name for name in ("index-1.sqlite", "index-1.sqlite-journal")]
    for path in old:
        path.write_bytes(b"old")
    assert gxt(repo, "gc", "--yes").stdout == (
        "would delete 2 index files of other versions (6 B)\n"
        "done: deleted 2 index files of other versions (6 B)\n"
    )
    assert [path.exists() for path in old] == [False, False]
    assert names(repo) == {"exp-001": "one"}


def test_what_the_user_has_lying_about_stays(repo: Path) -> None:
    """An object that nothing reaches stays as long as git keeps it; a branch on a run keeps that."""
    record_secret(repo, "bad")
    commit = data(repo, "show", "1")["commit"]
    git(repo, "branch", "mine", commit)
    lying = git(repo, "hash-object", "-w", "--stdin", stdin="a draft\n")
    head_log = git(repo, "reflog", "HEAD")
    gxt(repo, "rm", "1")
    told = gxt(repo, "gc", "--yes")
    assert (
        told.stderr == "gxt: refs/heads/mine keeps runs that are to be freed: until it is deleted, git does\n"
    )
    assert git(repo, "cat-file", "-p", lying) == "a draft"
    assert git(repo, "reflog", "HEAD") == head_log
    git(repo, "gc", "-q", "--prune=now")
    assert git(repo, "show", f"{commit}:secret.py") == f"password = {SECRET!r}"


def test_a_run_that_goes_on_is_not_disturbed(repo: Path, tmp_path: Path) -> None:
    """Not by the loss of its parent either."""
    fifo = tmp_path / "go"
    os.mkfifo(fifo)
    record_secret(repo, "bad")
    command = [sys.executable, "-m", "gxt", "run", "-q", "--name", "long", "--", "cat", str(fifo)]
    with subprocess.Popen(command, cwd=repo, stderr=subprocess.PIPE) as run, fifo.open("w") as go:
        gxt(repo, "rm", "1")
        gxt(repo, "gc", "--yes")
        git(repo, "gc", "-q", "--prune=now")
        go.write("went on\n")
        go.close()
        assert run.communicate()[1] == b""
    assert names(repo) == {"exp-002": "long"}
    assert gxt(repo, "output", "2").stdout == "went on\n"
    assert not holds_secret(repo)
    sound(repo)


@pytest.mark.parametrize("moved", ["back", "aside"])
def test_what_only_a_reflog_remembers_is_not_forgotten(repo: Path, moved: str) -> None:
    record(repo, "one")
    gxt(repo, "rm", "1")
    before = git(repo, "rev-parse", EXPERIMENTS)
    record(repo, "two")
    git(repo, "update-ref", EXPERIMENTS, before)
    if moved == "aside":
        record(repo, "three")
    said = gxt(repo, "gc", "--yes", code=1).stderr
    assert "gxt doctor" in said.splitlines()[1]
    gxt(repo, "doctor", "--repair", code=0)
    assert "two" in names(repo).values()
    gxt(repo, "gc", "--yes")
    assert "two" in names(repo).values()
    sound(repo)


def test_another_gc_at_work_is_told(repo: Path) -> None:
    record(repo, "one")
    pid = repo / ".git/gc.pid"
    pid.write_text(f"{os.getpid()} {os.uname().nodename}")
    assert gxt(repo, "gc", "--yes", code=1).stderr.startswith("gxt: another git gc is at work\n")
    pid.unlink()
    gxt(repo, "gc", "--yes")
    assert gxt(repo, "gc").stdout == NOTHING


def test_where_a_run_cannot_be_read_none_is_freed(repo: Path) -> None:
    record(repo, "one")
    record(repo, "two")
    gxt(repo, "rm", "2")
    oid = data(repo, "show", "1")["commit"]
    commit = repo / ".git/objects" / oid[:2] / oid[2:]
    commit.rename(repo / "kept")
    told = data(repo, "gc"), gxt(repo, "gc").stderr.splitlines()[0]
    assert told[0]["runs"] == []
    assert told[1] == (
        "gxt: no run can be freed: exp-001 cannot be taken along: git has lost its commit;"
        " gxt doctor tells what can be done"
    )
    (repo / "kept").rename(commit)
    assert planned(repo) == ["exp-002"]
