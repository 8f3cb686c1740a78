"""`gxt tag`, `note`, `rename`, `rm`: what is said of a run afterwards is an entry of the history."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.scratch import normal
from tests.conftest import data, git, gxt

EXPERIMENTS = "refs/gxt/experiments"
ADA = {"name": "Ada Lovelace", "email": "ada@example.org"}


@pytest.fixture
def lab(history: Path, tmp_path: Path) -> Path:
    """Six runs to say something of; exp-002, exp-004 and exp-005 derive from exp-001."""
    return shutil.copytree(history, tmp_path / "lab")


def said(repo: Path, *words: str, code: int = 0) -> tuple[str, str]:
    """What a command writes on its two streams."""
    done = gxt(repo, *words, code=code)
    return done.stdout, done.stderr


def entries(repo: Path) -> list[str]:
    """What the history says since the runs, newest first."""
    subjects = git(repo, "log", "--first-parent", "--format=%s", EXPERIMENTS).splitlines()
    return subjects[:-7]


def check_sound(repo: Path) -> None:
    """The doctor finds nothing, and notes show of every run that is there what the tree holds."""
    assert data(repo, "doctor")["findings"] == []
    git(repo, "fsck", "--strict", "--no-dangling")
    oids = {}
    for line in git(repo, "ls-tree", "-r", EXPERIMENTS).splitlines():
        about, _, path = line.partition("\t")
        oids[path] = about.split()[2]
    for what, file in (("annotations", "annotations.jsonl"), ("metrics", "metrics.json")):
        places = [path.removesuffix(file) for path in oids if path.endswith(f"/{file}")]
        there = [place for place in places if f"{place}removed.json" not in oids]
        wanted = sorted(f"{oids[place + file]} {oids[place + 'run']}" for place in there)
        assert sorted(git(repo, "notes", f"--ref=gxt/{what}", "list").splitlines()) == wanted
    assert git(repo, "for-each-ref", "refs/gxt/tmp") == ""


def test_tags_are_given_and_taken_away(lab: Path) -> None:
    assert said(lab, "tag", "2", "best", "two words") == ("exp-002 tags: best, two words\n", "")
    assert said(lab, "tag", "exp-2", "best", "paper") == ("exp-002 tags: best, two words, paper\n", "")
    assert data(lab, "tag", "2", "best", "two words", "--remove")["tags"] == ["paper"]
    assert said(lab, "tag", "2", "paper", "--remove") == ("exp-002 has no tags\n", "")
    assert said(lab, "tag", "2", "again") == ("exp-002 tags: again\n", "")
    assert entries(lab) == [
        "exp-002 tagged again",
        "exp-002 untagged paper",
        "exp-002 untagged best, two words",
        "exp-002 tagged paper",
        "exp-002 tagged best, two words",
    ]
    assert data(lab, "list", "--tag", "again")[0]["id"] == "exp-002"
    check_sound(lab)


def test_the_entry_has_its_author_and_the_run_in_words(lab: Path) -> None:
    uid = data(lab, "tag", "2", "best")["uid"]
    about = git(lab, "log", "-1", "--format=%an <%ae>%n%cn%n%(trailers)%n%P", EXPERIMENTS).splitlines()
    before = git(lab, "rev-parse", f"{EXPERIMENTS}~1")
    assert about == ["Ada Lovelace <ada@example.org>", "Ada Lovelace", f"Run-Uid: {uid}", "", before]
    stored = git(lab, "show", f"{EXPERIMENTS}:exp-0xx/exp-002/annotations.jsonl")
    event = json.loads(stored)
    assert {**event, "id": "", "at": ""} == {"id": "", "at": "", "by": ADA, "op": "tag", "tag": "best"}
    assert git(lab, "notes", "--ref=gxt/annotations", "show", data(lab, "show", "2")["commit"]) == stored


def test_what_is_so_already_writes_nothing(lab: Path) -> None:
    gxt(lab, "tag", "2", "best")
    gxt(lab, "note", "2", "odd")
    gxt(lab, "rename", "2", "wide")
    tip = git(lab, "rev-parse", EXPERIMENTS)
    assert said(lab, "tag", "2", "best") == ("exp-002 already has the tag best\n", "")
    assert said(lab, "tag", "1", "first", "two words") == (
        "exp-001 already has the tags first, two words\n", "",
    )  # fmt: skip
    assert said(lab, "tag", "2", "other", "--remove") == ("exp-002 does not have the tag other\n", "")
    assert said(lab, "note", "2", " odd\n") == ("exp-002 already has this comment\n", "")
    assert said(lab, "rename", "2", "wide") == ("exp-002 already has the name wide\n", "")
    assert said(lab, "rename", "3", "") == ("exp-003 has no name already\n", "")
    assert said(lab, "rm", "--undo", "2") == ("exp-002 is not removed\n", "")
    assert git(lab, "rev-parse", EXPERIMENTS) == tip


def test_comments_and_conclusions_are_shown_with_author_and_date(lab: Path) -> None:
    assert said(lab, "note", "2", "the loss jumps") == ("exp-002 comment: the loss jumps\n", "")
    typed = subprocess.run(
        [sys.executable, "-m", "gxt", "note", "2", "-", "--conclusion"],
        cwd=lab, input=b"Higher is better.\r\n\n  Up to a point.\n", capture_output=True, check=True,
    )  # fmt: skip
    assert typed.stdout == b"exp-002 conclusion: Higher is better. Up to a point.\n"
    page = normal(gxt(lab, "show", "2").stdout)
    assert page[page.index("Conclusions") : page.index("Parameters")].splitlines() == [
        "Conclusions",
        "  2001-02-03 04:05  Ada Lovelace",
        "    Higher is better.",
        "",
        "      Up to a point.",
        "",
        "Comments",
        "  2001-02-03 04:05  Ada Lovelace",
        "    the loss jumps",
        "",
    ]
    run = data(lab, "show", "2")
    (comment,), (conclusion,) = run["comments"], run["conclusions"]
    assert set(comment) == {"id", "at", "by", "text"}
    assert (comment["by"], comment["text"]) == ("Ada Lovelace <ada@example.org>", "the loss jumps")
    assert conclusion["text"] == "Higher is better.\n\n  Up to a point."
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", conclusion["at"])
    assert entries(lab) == [
        "exp-002 concluded: Higher is better. Up to a point.",
        "exp-002 noted: the loss jumps",
    ]
    check_sound(lab)


def test_the_same_words_of_somebody_else_count(lab: Path, sealed: Path) -> None:
    gxt(lab, "note", "2", "seen")
    (sealed / ".gitconfig").write_text("[user]\n\tname = Bob\n\temail = bob@example.org\n")
    gxt(lab, "note", "2", "seen")
    assert [one["by"] for one in data(lab, "show", "2")["comments"]] == [
        "Ada Lovelace <ada@example.org>",
        "Bob <bob@example.org>",
    ]


def test_a_name_is_given_changed_and_taken_away(lab: Path) -> None:
    assert said(lab, "rename", "2", "steep") == ("exp-002 name: steep\n", "")
    assert data(lab, "show", "steep")["id"] == "exp-002"
    assert data(lab, "rename", "steep", "steeper")["name"] == "steeper"
    gxt(lab, "show", "steep", code=2)
    assert said(lab, "rename", "2", "") == ("exp-002 has no name\n", "")
    assert said(lab, "rename", "1", " ") == ("exp-001 has no name\n", "")
    assert [run["name"] for run in data(lab, "list")][-2:] == [None, None]
    assert entries(lab) == [
        "exp-001 has no name any more",
        "exp-002 has no name any more",
        "exp-002 renamed steeper",
        "exp-002 renamed steep",
    ]
    check_sound(lab)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rename", "2", "best"], "best cannot be a name: it means the best run"),
        (["rename", "2", "EXP-7"], "EXP-7 cannot be a name: it means exp-007"),
        (["rename", "2", "@~2"], "@~2 cannot be a name: it means the latest run, or one before it"),
        (["rename", "2", "a\x1b[2J"], "a name cannot hold control characters: 'a\\x1b[2J'"),
        (["rename", "2", "a" * 201], "a name has 200 characters at most, not 201"),
        (["tag", "2", " "], "a tag cannot be empty"),
        (["tag", "2", "good", "a\nb"], "a tag cannot hold control characters: 'a\\nb'"),
        (["tag", "2", b"\xff"], "a tag cannot hold control characters: '\\udcff'"),
        (["note", "2", "\n"], "there is nothing to note"),
        (["note", "2", "a\rb"], "a note cannot hold control characters"),
        (["note", "2", "a" * 65537], "a note has 65536 characters at most, not 65537"),
        (["tag", "99", "x"], "no run '99'"),
        (["rm", "2", "99"], "no run '99'"),
        (["rm", "--undo", "99"], "no run '99'"),
        (["tag", "baseline", "x"], "'baseline' could be 2 runs: exp-001, exp-006"),
    ],
    ids=range(15),
)
def test_what_cannot_be_said(history: Path, words: list[str], message: str) -> None:
    tip = git(history, "rev-parse", EXPERIMENTS)
    out, err = said(history, *words, code=2)
    assert (out, err.splitlines()[0]) == ("", f"gxt: {message}")
    assert git(history, "rev-parse", EXPERIMENTS) == tip


def test_stdin_that_is_no_text(history: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gxt", "note", "2", "-"],
        cwd=history, input=b"\xff", capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"gxt: stdin is no UTF-8 text: ")


def test_a_removed_run_is_in_no_list_and_comes_back_as_it_was(lab: Path) -> None:
    before, tree = data(lab, "show", "1", "--series"), gxt(lab, "tree").stdout
    assert said(lab, "rm", "1") == ("exp-001 removed: gxt rm --undo exp-001 brings it back\n", "")
    assert [run["id"] for run in data(lab, "list")] == [f"exp-00{n}" for n in (6, 5, 4, 3, 2)]
    assert "  parent    exp-001 (removed)\n" in gxt(lab, "show", "2").stdout
    child = data(lab, "show", "2")
    assert (child["parent"], child["parent_uid"]) == (None, before["uid"])
    files = git(lab, "ls-tree", "-r", "--name-only", f"{EXPERIMENTS}:exp-0xx/exp-001").splitlines()
    assert files == ["annotations.jsonl", "removed.json", "run"]
    document = json.loads(git(lab, "show", f"{EXPERIMENTS}:exp-0xx/exp-001/removed.json"))
    assert {**document, "at": ""} == {"gxt": 1, "uid": before["uid"], "at": "", "by": ADA}
    noted = git(lab, "notes", "--ref=gxt/config", "list")
    assert before["commit"] not in noted
    assert len(noted.splitlines()) == 5
    check_sound(lab)
    assert said(lab, "rm", "--undo", "1") == ("exp-001 restored\n", "")
    assert data(lab, "show", "1", "--series") == before
    assert gxt(lab, "tree").stdout == tree
    assert entries(lab) == ["exp-001 restored", "exp-001 removed"]
    check_sound(lab)


def test_a_tree_says_what_is_removed_above_a_run(lab: Path) -> None:
    gxt(lab, "rm", "1")
    assert (
        gxt(lab, "tree").stdout
        == """\
run      name                             status  val/acc  change
exp-002  higher rate ← exp-001 (removed)             0.65
exp-003  lower rate                                 0.525  −0.125 worse, n=1

exp-004  fails ← exp-001 (removed)        failed

exp-005  wider ← exp-001 (removed)                  0.525

exp-006  baseline
"""
    )


@pytest.mark.parametrize("ref", ["1", "exp-1", "exp-001", "<uid>", "<prefix>"])
def test_who_asks_for_a_removed_run_is_told(lab: Path, ref: str) -> None:
    uid = data(lab, "show", "1")["uid"]
    gxt(lab, "rm", "1")
    ref = ref.replace("<uid>", uid).replace("<prefix>", uid.lower())
    for words in (["show", ref], ["tag", ref, "x"], ["rm", ref], ["diff", ref, "2"], ["base", ref]):
        out, err = said(lab, *words, code=1)
        assert out == ""
        assert normal(err).splitlines() == [
            "gxt: exp-001 was removed on 2001-02-03 04:05 UTC by Ada Lovelace",
            "     gxt rm --undo exp-001 brings it back",
        ]
    error = json.loads(gxt(lab, "show", ref, "--json", code=1).stdout)["error"]
    assert error["code"] == "removed-run"
    gxt(lab, "rm", "--undo", ref)
    assert data(lab, "show", "1")["uid"] == uid


def test_several_runs_at_once_are_an_entry_each(lab: Path) -> None:
    assert [run["id"] for run in data(lab, "rm", "3", "2", "exp-003")] == ["exp-003", "exp-002"]
    assert entries(lab) == ["exp-002 removed", "exp-003 removed"]
    assert [run["id"] for run in data(lab, "rm", "--undo", "2", "3")] == ["exp-002", "exp-003"]
    check_sound(lab)


def test_the_number_of_a_removed_run_is_never_given_again(lab: Path) -> None:
    gxt(lab, "rm", "6")
    gxt(lab, "run", "-q", "--", "true")
    assert data(lab, "list")[0]["id"] == "exp-007"
    check_sound(lab)


def test_what_is_said_before_a_removal_is_there_after_it(lab: Path) -> None:
    gxt(lab, "tag", "2", "kept")
    gxt(lab, "rename", "2", "steep")
    gxt(lab, "rm", "steep")
    gxt(lab, "rm", "--undo", "2")
    gxt(lab, "rm", "2")
    gxt(lab, "rm", "--undo", "2")
    run = data(lab, "show", "steep")
    assert (run["id"], run["tags"]) == ("exp-002", ["kept"])
    check_sound(lab)


def test_removing_the_base_says_so(lab: Path) -> None:
    assert data(lab, "base")["id"] == "exp-006"
    assert said(lab, "rm", "6") == (
        "exp-006 removed: gxt rm --undo exp-006 brings it back\n",
        "gxt: exp-006 is the base: gxt base ID chooses another\n",
    )
    assert "base     exp-006 (removed)\n" in gxt(lab, "status").stdout
    assert data(lab, "status")["base"] is None
    assert said(lab, "base") == ("exp-006 (removed)\n", "")
    assert gxt(lab, "run", "--", "true").stderr.splitlines()[0] == "exp-007 ← exp-006 (removed)"
    check_sound(lab)


def test_notes_that_lag_are_rebuilt_without_what_is_removed(lab: Path) -> None:
    gxt(lab, "rm", "1")
    for what in ("config", "metrics", "annotations"):
        git(lab, "update-ref", f"refs/notes/gxt/{what}", f"refs/notes/gxt/{what}~1")
    gxt(lab, "tag", "2", "best")
    check_sound(lab)


def test_an_index_that_is_gone_changes_nothing(lab: Path) -> None:
    gxt(lab, "rm", "1")
    shown = gxt(lab, "show", "2").stdout
    for path in (lab / ".git/gxt").glob("index*"):
        path.unlink()
    assert gxt(lab, "show", "2").stdout == shown
    assert "was removed" in gxt(lab, "show", "1", code=1).stderr


def test_a_damaged_neighbour_and_the_doctor_leave_removed_runs_alone(lab: Path) -> None:
    gxt(lab, "rm", "1")
    gxt(lab, "doctor", "--repair")
    assert len(data(lab, "list")) == 5
    check_sound(lab)


def test_a_clock_that_was_ahead_does_not_have_the_last_word(lab: Path) -> None:
    event = {"id": "x", "at": "2999-01-01T00:00:00Z", "by": ADA, "op": "name", "name": "ahead"}
    blob = git(lab, "hash-object", "-w", "--stdin", stdin=json.dumps(event) + "\n")
    git(lab, "read-tree", "--index-output=.git/planted", EXPERIMENTS)
    shutil.move(lab / ".git/planted", lab / ".git/index")
    git(lab, "update-index", "--add", "--cacheinfo", f"100644,{blob},exp-0xx/exp-002/annotations.jsonl")
    tree = git(lab, "write-tree")
    entry = git(lab, "commit-tree", tree, "-p", EXPERIMENTS, "-m", "exp-002 renamed ahead")
    git(lab, "update-ref", EXPERIMENTS, entry)
    git(lab, "read-tree", "HEAD")
    assert data(lab, "show", "2")["name"] == "ahead"
    gxt(lab, "rename", "2", "today")
    gxt(lab, "rename", "2", "tomorrow")
    assert data(lab, "show", "2")["name"] == "tomorrow"


def test_several_at_once_lose_nothing(lab: Path) -> None:
    words = [[sys.executable, "-m", "gxt", "tag", "2", f"tag-{n}"] for n in range(6)]
    processes = [subprocess.Popen(one, cwd=lab, stdout=subprocess.DEVNULL) for one in words]
    assert [process.wait(timeout=30) for process in processes] == [0] * 6
    assert sorted(data(lab, "show", "2")["tags"]) == [f"tag-{n}" for n in range(6)]
    check_sound(lab)


def test_a_tag_of_any_kind_can_be_taken_away(lab: Path) -> None:
    gxt(lab, "run", "-q", "--tag", " a\tb ", "--", "true")
    assert data(lab, "show")["tags"] == [" a\tb "]
    assert said(lab, "tag", "@", " a\tb ", "--remove") == ("exp-007 has no tags\n", "")


WAITING = "import sys, gxt; gxt.init(tags=['early']); print('began', flush=True); sys.stdin.read()"


@pytest.fixture
def running(repo: Path) -> Iterator[Path]:
    """A repository in which exp-001 runs until its stdin ends."""
    words = [sys.executable, "-m", "gxt", "run", "-q", "--", sys.executable, "-c", WAITING]
    process = subprocess.Popen(words, cwd=repo, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"began\n"
    yield repo
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert data(repo, "show", "1")["tags"] == ["early", "late", "later"]
    check_sound(repo)


def test_a_running_run_is_given_tags_and_nothing_else(running: Path) -> None:
    assert said(running, "tag", "1", "late", "later") == ("exp-001 tags: early, late, later\n", "")
    assert said(running, "tag", "1", "late") == ("exp-001 already has the tag late\n", "")
    assert data(running, "list")[0]["tags"] == ["early", "late", "later"]
    for words in (
        ["tag", "1", "late", "--remove"],
        ["note", "1", "x"],
        ["rename", "1", "x"],
        ["rm", "1"],
        ["eval", "1", "a=1"],
    ):
        assert said(running, *words, code=2) == (
            "", "gxt: exp-001 is running\n     when it has ended it can be changed\n",
        )  # fmt: skip
