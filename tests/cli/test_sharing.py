"""Two people and a bare repository: what one of them pushes, the other one has after a pull."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import data, git, gxt

EXPERIMENTS = "refs/gxt/experiments"


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """A bare repository with one commit of code."""
    path = tmp_path / "hub.git"
    git(tmp_path, "init", "-q", "--bare", str(path))
    seed = clone(path, "seed")
    (seed / "train.py").write_text("print(1)\n")
    git(seed, "add", ".")
    git(seed, "commit", "-q", "-m", "first")
    git(seed, "push", "-q", "origin", "HEAD")
    return path


def clone(hub: Path, name: str) -> Path:
    """A clone as plain git makes it, of somebody of that name."""
    path = hub.parent / name
    git(hub.parent, "clone", "-q", str(hub), str(path))
    git(path, "config", "user.name", name.title())
    return path


@pytest.fixture
def ada(hub: Path) -> Path:
    return clone(hub, "ada")


@pytest.fixture
def bob(hub: Path) -> Path:
    return clone(hub, "bob")


def record(repo: Path, name: str, *words: str) -> None:
    gxt(repo, "run", "-q", "--name", name, *words, "--", "true")


def names(repo: Path) -> dict[str, str]:
    """The names of the runs by their ids."""
    return {run["id"]: run["name"] for run in reversed(data(repo, "list"))}


def tip(repo: Path) -> str:
    return git(repo, "rev-parse", EXPERIMENTS)


def sound(*repositories: Path) -> None:
    """All have the same history, and git and gxt find nothing wrong with it."""
    assert len({tip(repo) for repo in repositories}) == 1
    for repo in repositories:
        git(repo, "fsck", "--strict")
        if (repo / ".git").exists():
            assert data(repo, "doctor")["findings"] == []


def test_a_plain_clone_has_it_all_after_one_pull(hub: Path, ada: Path) -> None:
    record(ada, "one", "--tag", "baseline")
    record(ada, "two")
    assert gxt(ada, "push").stdout == "to origin: 2 runs (exp-001, exp-002)\n"
    assert gxt(ada, "push").stdout == "nothing to push: origin has it all\n"
    bob = clone(hub, "bob")
    assert gxt(bob, "pull").stdout == "from origin: 2 runs (exp-001, exp-002)\n"
    assert gxt(bob, "pull").stdout == "origin has nothing new\n"
    assert data(bob, "list") == data(ada, "list")
    assert data(bob, "show", "2") == data(ada, "show", "2")
    commit = git(bob, "rev-parse", f"{EXPERIMENTS}:exp-0xx/exp-001/run")
    assert json.loads(git(bob, "notes", "--ref=gxt/config", "show", commit))["name"] == "one"
    assert '"status": "completed"' in git(bob, "log", "-1", "--notes=gxt/metrics", commit)
    assert '"tag": "baseline"' in git(bob, "notes", "--ref=gxt/annotations", "show", commit)
    sound(hub, ada, bob)


def test_the_first_push_wins_the_number(hub: Path, ada: Path, bob: Path) -> None:
    for repo in (ada, bob):
        record(repo, f"{repo.name} 1")
        record(repo, f"{repo.name} 2")
    gxt(ada, "push")
    assert gxt(bob, "push").stdout == (
        "to origin: 2 runs (exp-003, exp-004)\n"
        "  exp-001 is now exp-003: origin has another run of that number\n"
        "  exp-002 is now exp-004: origin has another run of that number\n"
    )
    gxt(ada, "pull")
    expected = {"exp-001": "ada 1", "exp-002": "ada 2", "exp-003": "bob 1", "exp-004": "bob 2"}
    assert names(ada) == names(bob) == expected
    assert data(ada, "show", "4")["parent"] == "exp-003"
    sound(hub, ada, bob)


def test_a_number_that_was_given_away_leads_to_the_run_that_had_it(hub: Path, ada: Path, bob: Path) -> None:
    record(ada, "ada 1")
    gxt(ada, "push")
    record(bob, "bob 1")
    uid = data(bob, "show", "1")["uid"]
    gxt(bob, "push")
    shown = gxt(bob, "show", "exp-001")
    assert "ada 1" in shown.stdout
    assert shown.stderr == "gxt: exp-002 had the number exp-001 before a pull\n"
    refused = gxt(bob, "tag", "1", "good", code=2)
    assert refused.stderr == (
        f"gxt: exp-001 is the run {data(bob, 'list')[1]['uid']} now; exp-002 had that number before a pull\n"
        f"     say which one: {data(bob, 'list')[1]['uid']}, or exp-002\n"
    )
    gxt(bob, "tag", "exp-002", "good")
    gxt(bob, "tag", uid, "fine")
    assert data(bob, "show", "2")["tags"] == ["good", "fine"]


def test_tags_and_comments_of_both_sides_are_united(hub: Path, ada: Path, bob: Path) -> None:
    record(ada, "one")
    gxt(ada, "push")
    gxt(bob, "pull")
    gxt(ada, "tag", "1", "good", "fast")
    gxt(bob, "tag", "1", "bad")
    gxt(bob, "note", "1", "looks odd")
    gxt(bob, "rename", "1", "renamed")
    gxt(ada, "push")
    assert data(bob, "push")["updated"] == ["exp-001"]
    gxt(bob, "tag", "1", "fast", "--remove")
    gxt(bob, "push")
    assert data(ada, "pull")["updated"] == ["exp-001"]
    (run,) = data(ada, "list")
    assert (run["name"], run["tags"]) == ("renamed", ["good", "bad"])
    assert [one["text"] for one in data(ada, "show", "1")["comments"]] == ["looks odd"]
    sound(hub, ada, bob)


def test_a_removed_run_stays_removed_until_it_is_restored(hub: Path, ada: Path, bob: Path) -> None:
    record(ada, "one")
    record(ada, "two")
    gxt(ada, "push")
    gxt(bob, "pull")
    gxt(bob, "rm", "2")
    gxt(ada, "tag", "2", "kept")
    gxt(bob, "push")
    gxt(ada, "push")
    gxt(bob, "pull")
    assert names(ada) == names(bob) == {"exp-001": "one"}
    sound(hub, ada, bob)
    gxt(ada, "rm", "--undo", "2")
    gxt(ada, "push")
    gxt(bob, "pull")
    assert names(ada) == names(bob) == {"exp-001": "one", "exp-002": "two"}
    assert data(bob, "show", "2")["tags"] == ["kept"]
    sound(hub, ada, bob)


def test_a_run_made_and_removed_before_the_push_leaves_no_byte_there(hub: Path, ada: Path, bob: Path) -> None:
    record(ada, "secret")
    secret = git(ada, "rev-parse", f"{EXPERIMENTS}:exp-0xx/exp-001/run")
    gxt(ada, "rm", "1")
    record(bob, "other")
    gxt(bob, "push")
    assert gxt(ada, "pull").stdout == (
        "from origin: 1 run (exp-001)\n  exp-001 is now exp-002: origin has another run of that number\n"
    )
    record(ada, "public", "--parent", "none")
    gxt(ada, "push")
    there = git(hub, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)").split()
    assert secret not in there
    assert not any("secret" in git(hub, "cat-file", "-p", oid) for oid in there)
    gxt(ada, "rm", "--undo", "2")
    gxt(ada, "push")
    gxt(bob, "pull")
    assert names(ada) == names(bob) == {"exp-001": "other", "exp-002": "secret", "exp-003": "public"}
    sound(hub, ada, bob)


def test_a_chosen_run_is_published_alone(hub: Path, ada: Path, bob: Path) -> None:
    for name in ("one", "two", "three"):
        record(ada, name)
    assert gxt(ada, "push", "exp-002").stdout == "to origin: 1 run (exp-002)\n"
    gxt(bob, "pull")
    assert names(bob) == {"exp-002": "two"}
    assert "(not here)" in gxt(bob, "show", "2").stdout
    record(bob, "four")
    gxt(bob, "push")
    gxt(ada, "push")
    gxt(bob, "pull")
    expected = {"exp-001": "one", "exp-002": "two", "exp-003": "four", "exp-004": "three"}
    assert names(ada) == names(bob) == expected
    assert data(bob, "show", "2")["parent"] == "exp-001"
    sound(hub, ada, bob)


def test_a_dry_run_changes_nothing(hub: Path, ada: Path, bob: Path) -> None:
    record(ada, "one")
    assert gxt(ada, "push", "--dry-run").stdout == "would go to origin: 1 run (exp-001)\n"
    assert git(hub, "for-each-ref", "refs/gxt", "refs/notes") == ""
    gxt(ada, "push")
    record(bob, "mine")
    before = tip(bob)
    assert gxt(bob, "pull", "--dry-run").stdout == (
        "would come from origin: 1 run (exp-001)\n"
        "  exp-001 is now exp-002: origin has another run of that number\n"
    )
    assert tip(bob) == before
    assert names(bob) == {"exp-001": "mine"}


def test_code_that_no_branch_over_there_has_is_named(ada: Path) -> None:
    (ada / "train.py").write_text("print(2)\n")
    git(ada, "commit", "-q", "-a", "-m", "not pushed")
    head = git(ada, "rev-parse", "HEAD")
    record(ada, "one")
    assert gxt(ada, "push", "--dry-run").stdout == (
        "would go to origin: 1 run (exp-001)\n"
        f"  with 1 commit of code that no branch of origin has: {head[:10]}\n"
    )
    git(ada, "config", "gxt.unpushedCode", "refuse")
    would = gxt(ada, "push", "--dry-run")
    assert would.stdout.endswith(f"{head[:10]}\n")
    assert would.stderr == "gxt: gxt.unpushedCode refuses this push\n"
    assert gxt(ada, "push", code=1).stderr == (
        f"gxt: a commit of code that no branch of origin has would go along: {head[:10]}\n"
        "     git push origin a branch with it first, or git config gxt.unpushedCode allow\n"
    )
    assert git(ada, "ls-remote", "origin", "refs/gxt/*") == ""
    git(ada, "config", "--unset", "gxt.unpushedCode")
    assert data(ada, "push")["code"] == [head]


def test_a_team_can_refuse_code_that_no_branch_has(ada: Path) -> None:
    (ada / ".gxt.toml").write_text('[push]\nunpushed_code = "refuse"\n')
    git(ada, "add", ".")
    git(ada, "commit", "-q", "-m", "settings")
    record(ada, "one")
    gxt(ada, "push", code=1)
    git(ada, "push", "-q", "origin", "HEAD")
    assert data(ada, "push")["new"] == ["exp-001"]
    (ada / ".gxt.toml").write_text('[push]\nunpushed_code = "no"\n')
    assert gxt(ada, "push", code=2).stderr == (
        "gxt: unpushed_code is not allow or refuse: 'no'\n     write allow\n"
    )


def test_nothing_to_exchange_is_no_error(ada: Path) -> None:
    assert gxt(ada, "pull").stdout == "origin has no runs yet: gxt push publishes yours\n"
    assert gxt(ada, "push").stdout == "nothing to push: origin has it all\n"


def test_notes_that_the_remote_refuses_are_named_and_come_later(hub: Path, ada: Path, bob: Path) -> None:
    hook = hub / "hooks/update"
    hook.write_text("#!/bin/sh\ncase $1 in refs/notes/*) echo no notes; exit 1 ;; esac\n")
    hook.chmod(0o755)
    record(ada, "one")
    done = gxt(ada, "push")
    assert done.stdout == "to origin: 1 run (exp-001)\n"
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["gxt", "gxt"]
    assert "origin did not take refs/notes/gxt/config" in done.stderr
    hook.unlink()
    assert gxt(ada, "push").stderr == ""
    gxt(bob, "pull")
    for repo in (ada, bob, hub):
        assert len(git(repo, "notes", "--ref=gxt/metrics", "list").splitlines()) == 1


def test_notes_that_the_remote_has_lost_come_back(hub: Path, ada: Path) -> None:
    record(ada, "one")
    gxt(ada, "push")
    git(hub, "update-ref", "-d", "refs/notes/gxt/config")
    gxt(ada, "pull")
    assert gxt(ada, "push").stdout == "nothing to push: origin has it all\n"
    commit = git(ada, "rev-parse", f"{EXPERIMENTS}^2")
    assert git(hub, "notes", "--ref=gxt/config", "list").split()[1] == commit


def test_what_has_come_can_be_asked_for(ada: Path, bob: Path) -> None:
    record(ada, "one")
    gxt(ada, "push")
    assert data(bob, "pull", "origin", "exp-001")["new"] == ["exp-001"]
    done = gxt(bob, "pull", "exp-007", code=2)
    assert done.stderr.splitlines()[0] == "gxt: no run 'exp-007'"


@pytest.mark.parametrize("verb", ["push", "pull"])
def test_without_a_remote_it_says_how_to_add_one(repo: Path, verb: str) -> None:
    record(repo, "one")
    done = gxt(repo, verb, code=2)
    assert "git remote add" in done.stderr


def test_somebody_else_pushes_first(hub: Path, ada: Path, bob: Path) -> None:
    """Between the look at the remote and the push, three times."""
    from gxt.ops.push import push
    from gxt.ops.workspace import open_workspace

    pushed: list[str] = []

    def bob_pushes() -> None:
        if len(pushed) < 3:
            pushed.append(f"bob {len(pushed)}")
            record(bob, pushed[-1])
            gxt(bob, "push")

    record(ada, "ada 0")
    done = push(open_workspace(ada), between=bob_pushes)
    assert (done.new, done.renumbered) == (("exp-004",), (("exp-001", "exp-004"),))
    said = git(ada, "show", f"{EXPERIMENTS}:exp-0xx/exp-004/annotations.jsonl").splitlines()
    assert [json.loads(line)["number"] for line in said] == [1]
    gxt(bob, "pull")
    expected = {"exp-001": "bob 0", "exp-002": "bob 1", "exp-003": "bob 2", "exp-004": "ada 0"}
    assert names(ada) == names(bob) == expected
    sound(hub, ada, bob)


def test_a_remote_that_has_lost_its_runs_takes_none_from_here(hub: Path, ada: Path) -> None:
    record(ada, "one")
    gxt(ada, "push")
    git(hub, "update-ref", "-d", EXPERIMENTS)
    done = gxt(ada, "pull", code=1)
    assert done.stderr.splitlines()[0] == "gxt: origin has lost its runs, or hides them"
    assert names(ada) == {"exp-001": "one"}
    assert gxt(ada, "doctor", "--repair", "origin").stdout == "to origin: 1 run (exp-001)\n"
    assert gxt(ada, "pull").stdout == "origin has nothing new\n"
    sound(hub, ada)


def test_what_was_removed_stays_removed_when_a_lost_remote_is_repaired(
    hub: Path, ada: Path, bob: Path
) -> None:
    for name in ("one", "two"):
        record(ada, name)
    gxt(ada, "push")
    gxt(bob, "pull")
    gxt(ada, "rm", "1")
    gxt(ada, "push")
    git(hub, "update-ref", "-d", EXPERIMENTS)
    gxt(ada, "doctor", "--repair", "origin")
    gxt(bob, "doctor", "--repair", "origin")
    gxt(ada, "pull")
    assert names(ada) == names(bob) == {"exp-002": "two"}
    sound(hub, ada, bob)


def test_a_rewritten_history_is_not_taken_over(hub: Path, ada: Path, bob: Path) -> None:
    record(ada, "one")
    gxt(ada, "push")
    git(hub, "update-ref", "-d", EXPERIMENTS)
    record(bob, "other")
    gxt(bob, "push")
    done = gxt(ada, "pull", code=1)
    assert done.stderr.splitlines()[0] == "gxt: somebody has rewritten the runs of origin"
    assert names(ada) == {"exp-001": "one"}
    assert gxt(ada, "doctor", "--repair", "origin").stdout == (
        "to origin: 1 run (exp-002)\n  exp-001 is now exp-002: origin has another run of that number\n"
    )
    gxt(bob, "pull")
    assert names(ada) == names(bob) == {"exp-001": "other", "exp-002": "one"}
    sound(hub, ada, bob)


def vandalise(repo: Path, *changes: str) -> None:
    """An entry on top of what the repository has, by somebody who knows fast-import, pushed by plain git."""
    head = (
        f"commit {EXPERIMENTS}\ncommitter Eve <eve@example.org> 1780000000 +0000\ndata 5\nhello\n"
        f"from {tip(repo)}\n"
    )
    git(repo, "fast-import", "--quiet", "--force", stdin=head + "".join(f"{one}\n" for one in changes) + "\n")
    git(repo, "push", "-q", "origin", f"{EXPERIMENTS}:{EXPERIMENTS}")


def test_what_cannot_be_taken_over_is_named_and_changes_nothing_here(hub: Path, ada: Path, bob: Path) -> None:
    for name in ("one", "two"):
        record(ada, name)
    gxt(ada, "push")
    gxt(bob, "pull")
    record(bob, "three")
    gxt(bob, "push")
    place = f"{EXPERIMENTS}:exp-0xx"
    tree = git(bob, "rev-parse", f"{place}/exp-003")
    other = git(bob, "rev-parse", f"{place}/exp-002/config.json")
    vandalise(
        bob,
        f"M 100644 {other} exp-0xx/exp-001/config.json",
        "D exp-0xx/exp-002",
        f"M 040000 {tree} exp-0xx/exp-004",
        f"M 120000 {other} exp-0xx/exp-004/config.json",
    )
    before = data(ada, "list")
    pulled = data(ada, "pull")
    assert (pulled["new"], pulled["updated"]) == (["exp-003"], [])
    assert [text.partition(":")[0] for text in pulled["refused"]] == ["exp-001", "exp-002", "exp-004"]
    assert data(ada, "list")[1:] == before
    assert names(ada) == {"exp-001": "one", "exp-002": "two", "exp-003": "three"}
    assert data(ada, "doctor")["findings"] == []
    record(ada, "five")
    assert names(ada)["exp-005"] == "five"
    pushed = data(ada, "push")
    assert (pushed["new"], pushed["updated"]) == (["exp-002", "exp-005"], ["exp-001"])
    carl = clone(hub, "carl")
    gxt(carl, "pull")
    assert names(carl) == names(ada)
    assert git(hub, "ls-tree", "--name-only", f"{EXPERIMENTS}:exp-0xx").split()[3] == "exp-004"
    record(carl, "six")
    gxt(carl, "push")
    assert data(ada, "pull")["refused"] == []
    assert names(carl) == names(ada)
    assert data(ada, "doctor")["findings"] == []


def test_the_status_tells_what_there_is_to_exchange(ada: Path, bob: Path) -> None:
    """As far as is known without asking the remote."""
    nothing = {"remote": "origin", "new": [], "updated": [], "waits": False, "data_bytes": 0}
    assert data(ada, "status")["sharing"] == nothing
    record(ada, "one")
    assert data(ada, "status")["sharing"] == {**nothing, "new": ["exp-001"]}
    assert "to push  to origin: 1 run (exp-001)\n" in gxt(ada, "status").stdout
    gxt(ada, "push")
    assert data(ada, "status")["sharing"] == nothing
    gxt(ada, "tag", "1", "good")
    assert data(ada, "status")["sharing"] == {**nothing, "updated": ["exp-001"]}
    gxt(bob, "pull", "--dry-run")
    assert data(bob, "status")["sharing"] == {**nothing, "waits": True}
    assert "to pull  origin had more when it was asked last\n" in gxt(bob, "status").stdout
    gxt(bob, "pull")
    assert data(bob, "status")["sharing"] == nothing


def test_a_second_remote_changes_no_number_that_the_first_has_given(
    tmp_path: Path, hub: Path, ada: Path, bob: Path
) -> None:
    git(tmp_path, "init", "-q", "--bare", "other.git")
    for repo in (ada, bob):
        git(repo, "remote", "add", "other", str(tmp_path / "other.git"))
    record(ada, "one")
    gxt(ada, "push")
    record(bob, "two")
    gxt(bob, "push", "other")
    before = tip(ada)
    would = "would come from other: 1 run (exp-002)\n  exp-002 is exp-001 on other\n"
    assert gxt(ada, "pull", "other", "--dry-run").stdout == would
    assert tip(ada) == before
    assert gxt(ada, "pull", "other").stdout == would.removeprefix("would come ")
    assert names(ada) == {"exp-001": "one", "exp-002": "two"}
    sent = "to other: 1 run (exp-001)\n  exp-001 is exp-002 on other\n"
    assert gxt(ada, "push", "other", "--dry-run").stdout.startswith(f"would go {sent}")
    pushed = data(ada, "push", "other")
    assert pushed["new"] == ["exp-001"]
    assert pushed["elsewhere"] == [{"here": "exp-001", "there": "exp-002"}]
    assert gxt(ada, "push", "other").stdout == "nothing to push: other has it all\n"
    assert gxt(ada, "pull", "other").stdout == "other has nothing new\n"
    git(ada, "config", "gxt.remote", "other")  # its numbers hold from now on
    assert sorted(data(ada, "pull")["renumbered"], key=str) == [
        {"from": "exp-001", "to": "exp-002"},
        {"from": "exp-002", "to": "exp-001"},
    ]
    assert data(ada, "pull")["renumbered"] == []
    assert names(ada) == {"exp-001": "two", "exp-002": "one"}


@pytest.mark.parametrize("lost", ["exp-0xx/exp-001/run", "exp-0xx"])
def test_a_pull_drops_no_run_that_cannot_be_read_here(ada: Path, bob: Path, lost: str) -> None:
    record(bob, "other")
    gxt(bob, "push")
    record(ada, "mine")
    before, oid = tip(ada), git(ada, "rev-parse", f"{EXPERIMENTS}:{lost}")
    blob = ada / ".git/objects" / oid[:2] / oid[2:]
    blob.rename(ada / "kept")
    refused = gxt(ada, "pull", code=1)
    assert "gxt doctor tells what can be done" in refused.stderr
    assert git(ada, "rev-parse", EXPERIMENTS) == before
    gxt(ada, "status")
    (ada / "kept").rename(blob)
    gxt(ada, "pull")
    assert names(ada) == {"exp-001": "other", "exp-002": "mine"}


def test_evaluations_of_both_sides_are_united_and_of_one_name_the_later_counts(
    hub: Path, ada: Path, bob: Path
) -> None:
    record(ada, "one")
    gxt(ada, "push")
    gxt(bob, "pull")
    gxt(ada, "eval", "1", "elo=1500", "--name", "vs-old")
    gxt(ada, "eval", "1", "acc=0.9")
    gxt(ada, "push")
    gxt(bob, "eval", "1", "elo=1523", "--name", "vs-old", "--step", "7")
    assert data(bob, "push")["updated"] == ["exp-001"]
    gxt(ada, "pull")
    for repo in (ada, bob):
        evals = [
            (one["name"], one["values"], one["step"], one["by"]) for one in data(repo, "show", "1")["evals"]
        ]
        assert evals == [
            ("eval", {"acc": 0.9}, None, "Ada <ada@example.org>"),
            ("vs-old", {"elo": 1523}, 7, "Bob <ada@example.org>"),
        ]
        assert data(repo, "list", "--where", 'evals["vs-old"].elo > 1510')[0]["id"] == "exp-001"
    gxt(ada, "eval", "1", "--remove", "vs-old")
    gxt(ada, "push")
    gxt(bob, "pull")
    assert [one["name"] for one in data(bob, "show", "1")["evals"]] == ["eval"]
    sound(hub, ada, bob)


def test_a_word_that_is_no_remote_and_no_run_is_told_with_what_was_meant(hub: Path, ada: Path) -> None:
    record(ada, "one")
    for command in ("push", "pull"):
        assert gxt(ada, command, "orign", code=2).stderr == (
            "gxt: no remote and no run 'orign'\n     did you mean origin?\n"
        )
        assert gxt(ada, command, "sweep", code=2).stderr == (
            "gxt: no remote and no run 'sweep'\n"
            "     the remotes are: origin; the latest is exp-001; gxt list shows all\n"
        )
        for words in (["99"], ["exp-099"], ["1", "99"], ["origin", "99"]):
            told = gxt(ada, command, *words, code=2).stderr.splitlines()[0]
            assert told == f"gxt: no run {words[-1]!r}"
    gxt(ada, "push", "one")


def test_where_there_are_no_runs_and_a_remote_the_pull_is_named(hub: Path, ada: Path) -> None:
    told = "no runs yet: gxt run -- python train.py, or gxt pull for those of colleagues\n"
    for words in (["list"], ["list", "--columns", "id"], ["tree"]):
        assert gxt(ada, *words).stderr == told
    assert gxt(ada, "show", "1", code=2).stderr == f"gxt: no run '1'\n     there are {told}"


def test_a_diff_in_a_partial_clone_names_what_fetches_the_files(hub: Path, ada: Path) -> None:
    record(ada, "old")
    (ada / "train.py").write_text("print(2)\n")
    git(ada, "commit", "-q", "-am", "second")
    record(ada, "new")
    git(ada, "push", "-q", "origin", "HEAD")
    gxt(ada, "push")
    git(hub, "config", "uploadpack.allowFilter", "true")
    git(hub, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(hub.parent, "clone", "-q", "--filter=blob:none", f"file://{hub}", "part")
    part = hub.parent / "part"
    gxt(part, "pull")
    trees = [data(ada, "show", run)["code"]["tree"][:12] for run in ("1", "2")]
    away = hub.rename(hub.parent / "away.git")  # a git that knows no GIT_NO_LAZY_FETCH would fetch
    for words in (["1", "2", "--code"], ["1", "2"]):
        assert gxt(part, "diff", *words, code=1).stderr == (
            "gxt: this is a partial clone, and some of the files have not been fetched\n"
            f"     fetch them, and try again: git diff --stat {trees[0]} {trees[1]}\n"
        )
    away.rename(hub)
    git(part, "diff", "--stat", *trees)
    assert gxt(part, "diff", "1", "2", "--code").stdout == gxt(ada, "diff", "1", "2", "--code").stdout


def test_where_git_has_no_remote_the_data_can_be_brought_alone(repo: Path) -> None:
    alone = "     add one: git remote add origin URL"
    assert gxt(repo, "pull", code=2).stderr == f"gxt: this repository has no remote\n{alone}\n"
    assert gxt(repo, "pull", "--data", code=2).stderr == (
        "gxt: this repository has no remote\n"
        f"{alone}; gxt pull --data-only brings the data of the runs that are here\n"
    )
