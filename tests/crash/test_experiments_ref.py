"""An experiments ref that is damaged or edited by hand is named, and never read as a history without runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.scratch import add_runs, new_repository
from tests.conftest import data, git, gxt
from tests.crash.conftest import fake_git

REF = "refs/gxt/experiments"
WAY_BACK = "gxt doctor tells what can be done"


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A repository with two runs, the second a child of the first."""
    repo = new_repository(tmp_path / "repo")
    add_runs(repo, [None, 0], [0.1, 0.2])
    return repo


def edit(repo: Path, *changes: str) -> None:
    """A commit on the ref, by somebody who knows fast-import; `@` stands for its present commit."""
    head = f"commit {REF}\ncommitter A <a@b.c> 1700000000 +0000\ndata 2\nx\nfrom {REF}^0\n"
    git(repo, "fast-import", "--quiet", stdin=head + "".join(f"{one}\n" for one in changes) + "done\n")


def put(path: str, text: str) -> str:
    return f"M 100644 inline {path}\ndata {len(text)}\n{text}"


def ids(repo: Path) -> list[str]:
    return [run["id"] for run in data(repo, "list")]


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["HEAD"], "names a commit that is not gxt's: {head} first"),
        (["HEAD^{tree}"], "names a tree, no commit"),
        (["HEAD:train.py"], "names a blob, no commit"),
    ],
)
def test_what_is_no_history_is_an_error_and_left_alone(two: Path, words: list[str], what: str) -> None:
    tip = git(two, "rev-parse", REF)
    git(two, "update-ref", "--create-reflog", REF, tip)
    (two / ".git" / REF).write_text(git(two, "rev-parse", *words) + "\n")
    foreign = git(two, "rev-parse", REF)
    message = f"gxt: {REF} {what.format(head=git(two, 'rev-parse', 'HEAD')[:10])}\n     {WAY_BACK}\n"
    for command in (["list"], ["show"], ["tree"], ["status"], ["compare", "1", "2"], ["run", "--", "true"]):
        assert gxt(two, *command, code=1).stderr == message
    assert git(two, "rev-parse", REF) == foreign
    git(two, "update-ref", REF, tip)
    assert ids(two) == ["exp-002", "exp-001"]


def test_a_tag_of_the_history_is_not_the_history(two: Path) -> None:
    git(two, "-c", "user.name=A", "-c", "user.email=a@b.c", "tag", "-a", "-m", "t", "saved", REF)
    git(two, "update-ref", REF, "refs/tags/saved")
    done = gxt(two, "list", code=1)
    assert done.stderr == f"gxt: {REF} names a tag, no commit\n     {WAY_BACK}\n"


def test_a_symbolic_ref_never_makes_runs_out_of_a_branch(two: Path) -> None:
    branch = git(two, "rev-parse", "main")
    git(two, "symbolic-ref", REF, "refs/heads/main")
    assert gxt(two, "run", "--", "true", code=1).stderr.startswith(f"gxt: {REF} names a commit that is not")
    git(two, "symbolic-ref", REF, "refs/heads/other")
    assert gxt(two, "run", "--", "true", code=1).stderr == (
        f"gxt: {REF} is a symbolic ref to nothing\n     git symbolic-ref -d {REF} removes it\n"
    )
    assert git(two, "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads") == (
        f"{branch} refs/heads/main"
    )


def test_a_run_whose_ref_became_another_s_while_it_ran_stays_in_its_journal(two: Path) -> None:
    tip, head = git(two, "rev-parse", REF), git(two, "rev-parse", "HEAD")
    done = gxt(two, "run", "--", "git", "update-ref", REF, "HEAD")
    assert f"{REF} names a commit that is not gxt's: {head[:10]} first" in done.stderr
    assert git(two, "rev-parse", REF) == head
    git(two, "update-ref", REF, tip)
    assert ids(two) == ["exp-003", "exp-002", "exp-001"]


@pytest.mark.parametrize("following", ["", "garbage", "0", "-1", "1", "2", "99999999999", "9" * 5000])
def test_a_next_number_that_cannot_be_never_costs_a_run(two: Path, following: str) -> None:
    edit(two, put("next", following))
    before = {run["id"]: run["uid"] for run in data(two, "list")}
    done = gxt(two, "run", "--", "true")
    assert done.stderr.splitlines()[0] == "exp-003"
    assert {run["id"]: run["uid"] for run in data(two, "list")}.items() > before.items()
    assert git(two, "show", f"{REF}:next") == "4"


def test_the_greatest_number_is_taken(two: Path) -> None:
    edit(two, f"R exp-0xx/exp-002 {'exp-99999xxxx/exp-9999999xx/exp-999999999'}", put("next", "1000000000"))
    assert gxt(two, "run", "--", "true").stderr.splitlines()[0] == "exp-002"
    assert ids(two) == ["exp-999999999", "exp-002", "exp-001"]


def test_an_older_history_reads_as_such(two: Path) -> None:
    gxt(two, "run", "-q", "--", "true")
    git(two, "update-ref", REF, f"{REF}^")
    assert ids(two) == ["exp-002", "exp-001"]


def test_a_history_of_a_newer_gxt_is_refused_by_all(two: Path) -> None:
    edit(two, put("format", "2\n"))
    for words in (["list"], ["tree"], ["status"], ["run", "--", "true"]):
        assert gxt(two, *words, code=1).stderr == (
            f"gxt: {REF} has format 2; this gxt reads format 1\n     upgrade gxt: pip install -U gxt\n"
        )


@pytest.mark.parametrize(
    "path",
    [
        "exp-012",
        "exp-0xx/exp-912",
        "exp-0xx/exp-0002",
        "exp-0xx/exp-99999999999",
        "exp-0xx/exp-0xx/exp-002",
        "exp-0xxxx/exp-0xx/exp-003",
        "exp-1xx/exp-002",
        "exp-latest",
        "exp-0xx/exp-",
    ],
)
def test_a_run_where_none_belongs_is_named_and_the_others_stay(two: Path, path: str) -> None:
    tree = git(two, "rev-parse", f"{REF}:exp-0xx/exp-002")
    edit(two, f"M 040000 {tree} {path}")
    stray = "exp-0xx/exp-0xx" if path.startswith("exp-0xx/exp-0xx") else path
    notice = (
        f"gxt: {stray} in {REF} is no run, and nobody but gxt should write there; "
        f"git log -p --first-parent {REF} -- {stray} tells more\n"
    )
    for words in (["list"], ["tree"], ["status"]):
        assert gxt(two, *words).stderr == notice
    assert ids(two) == ["exp-002", "exp-001"]
    gxt(two, "run", "-q", "--", "true")
    assert ids(two) == ["exp-003", "exp-002", "exp-001"]
    assert git(two, "rev-parse", f"{REF}:{path}") == tree
    edit(two, f"D {path}")
    assert gxt(two, "list").stderr == ""


def test_a_copy_of_a_run_is_named_and_the_first_stands(two: Path) -> None:
    tree = git(two, "rev-parse", f"{REF}:exp-0xx/exp-001")
    edit(two, f"M 040000 {tree} exp-0xx/exp-005")
    assert gxt(two, "list", "--columns", "id,parent").stderr == (
        "gxt: exp-005 cannot be read: exp-005 is a copy of exp-001; gxt show exp-005 tells what to do\n"
    )
    assert [(run["id"], run["parent"]) for run in data(two, "list")] == [
        ("exp-002", "exp-001"),
        ("exp-001", None),
    ]
    assert gxt(two, "show", "5", code=1).stderr.startswith("gxt: exp-005 is a copy of exp-001\n")
    edit(two, "D exp-0xx/exp-001")
    assert [(run["id"], run["parent"]) for run in data(two, "list")] == [
        ("exp-005", None),
        ("exp-002", "exp-005"),
    ]


@pytest.mark.parametrize("content", ["", "garbage\n", "1234567890123456789012345678901234567890\n"])
def test_a_ref_that_names_nothing_is_an_error_and_comes_back(repo: Path, content: str) -> None:
    gxt(repo, "run", "-q", "--", "true")
    tip = git(repo, "rev-parse", REF)
    path = repo / ".git" / REF
    path.write_text(content)
    for words in (["list"], ["show"], ["run", "--", "true"]):
        said = gxt(repo, *words, code=1).stderr
        assert said.splitlines()[0] == f"gxt: {REF} names no commit"
    path.write_text(f"{tip}\n")
    assert gxt(repo, "list").stdout.count("exp-001") == 1


def test_no_ref_is_a_repository_without_runs(repo: Path) -> None:
    done = gxt(repo, "list")
    assert (done.stdout, done.stderr) == ("", "no runs yet: gxt run -- python train.py\n")


def test_a_first_run_that_comes_while_we_look_is_no_damage(two: Path, tmp_path: Path) -> None:
    """The ref is not there yet when it is read, and is when git is asked why."""
    tip = git(two, "rev-parse", REF)
    git(two, "update-ref", "-d", REF)
    comes = f"""#!/bin/sh
case "$*" in
*" for-each-ref {REF}") "$GXT_TEST_GIT" update-ref {REF} {tip} ;;
esac
exec "$GXT_TEST_GIT" "$@"
"""
    done = gxt(two, "list", "--columns", "id", "--csv", code=0, **fake_git(tmp_path / "bin", comes))
    assert done.stdout.split() == ["id", "exp-002", "exp-001"]
    assert done.stderr == ""
