"""`gxt init`: the main metric for the team, and settings with which plain git is pleasant beside the runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.test_annotating import said
from tests.conftest import data, git, gxt

ALIAS = "log --exclude=refs/gxt/* --exclude=refs/notes/gxt/* --all --oneline --graph"
LGA = "git lga is git log --all --oneline --graph without the refs of gxt"
FIRST = "gxt: record the first run: gxt run -- python train.py\n"


def everything(root: Path) -> dict[str, bytes]:
    """What every file of a work tree and of git's directory holds."""
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_it_writes_the_metric_and_the_settings_once(repo: Path) -> None:
    index = (repo / ".git/index").read_bytes()
    head = ".gxt.toml: the main metric is val_acc, more is better"
    assert said(repo, "init", "--metric", "val_acc", "--goal", "max") == (f"{head}\n{LGA}\n", FIRST)
    assert (repo / ".gxt.toml").read_text() == '[metric]\nmain = "val_acc"\ngoal = "max"\n'
    assert git(repo, "config", "--local", "alias.lga") == ALIAS
    assert (repo / ".git/index").read_bytes() == index
    before = everything(repo)
    assert said(repo, "init") == (f"already there: {head}\nalready there: {LGA}\nnothing to do\n", FIRST)
    assert said(repo, "init", "--metric", "val_acc", "--goal", "max")[0].endswith("nothing to do\n")
    assert everything(repo) == before


def test_a_dry_run_writes_nothing(repo: Path) -> None:
    before = everything(repo)
    assert said(repo, "init", "--metric", "loss", "--dry-run") == (
        f"would be done: .gxt.toml: the main metric is loss\nwould be done: {LGA}\n", FIRST,
    )  # fmt: skip
    assert everything(repo) == before


def test_programs_are_told_what_changed(repo: Path) -> None:
    first = {"what": "alias.lga", "about": LGA, "changed": True}
    assert data(repo, "init") == {"steps": [first]}
    assert data(repo, "init") == {"steps": [{**first, "changed": False}]}


@pytest.mark.parametrize(
    ("before", "words", "after"),
    [
        (
            '# team\n[goals] # g\n"a/b" = "max"\n\n[metric]  # m\nmain = "x" # the one\ngoal = "max"\n',
            ["--metric", "loss"],
            '# team\n[goals] # g\n"a/b" = "max"\n\n[metric]  # m\nmain = "loss" # the one\n',
        ),
        (
            "[limits]\nseries_mib = 1 # small",
            ["--metric", "q", "--goal", "min"],
            '[limits]\nseries_mib = 1 # small\n[metric]\nmain = "q"\ngoal = "min"\n',
        ),
        ('metric.main = "a"\n', ["--goal", "min"], 'metric.main = "a"\nmetric.goal = "min"\n'),
        ('metric = {main = "a", x = 1}\n', ["--metric", "b"], 'metric = {main = "b", x = 1}\n'),
        ('[metric]\nmain = "a"\ngoal = "max"\n', ["--metric", "a"], '[metric]\nmain = "a"\ngoal = "max"\n'),
    ],
)
def test_what_stands_in_the_file_stays(repo: Path, before: str, words: list[str], after: str) -> None:
    (repo / ".gxt.toml").write_text(before)
    gxt(repo, "init", *words)
    assert (repo / ".gxt.toml").read_text() == after


def test_the_run_after_it_goes_by_the_metric(repo: Path) -> None:
    (repo / "train.py").write_text("import gxt\ngxt.log({'loss': 1.0, 'quality': 2.0})\n")
    gxt(repo, "init", "--metric", "quality", "--goal", "min")
    for _ in range(2):
        gxt(repo, "run", "-q", "--", "python", "train.py")
    assert gxt(repo, "tree").stdout.splitlines()[0].split() == ["run", "name", "quality", "change"]
    assert data(repo, "doctor")["findings"] == []


EXAMPLE = "write for example --metric val_acc --goal max"


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["--goal", "up"], "--goal is that of the main metric, and there is none", EXAMPLE),
        (["--metric", "q", "--goal", "up"], "--goal: a goal is min or max, not 'up'", "write min or max"),
        (["--metric", " "], "' ' is no name of a metric", EXAMPLE),
        (["--metric", "a\x1bb"], r"'a\x1bb' is no name of a metric", EXAMPLE),
    ],
)
def test_what_makes_no_sense_is_refused(repo: Path, words: list[str], message: str, hint: str) -> None:
    before = everything(repo)
    assert said(repo, "init", *words, code=2) == ("", f"gxt: {message}\n     {hint}\n")
    assert everything(repo) == before


def test_a_file_that_cannot_be_read_or_written_is_named(repo: Path) -> None:
    (repo / ".gxt.toml").write_text("metric = 3\n")
    is_no_table = "gxt: .gxt.toml: [metric] is not a table\n"
    assert said(repo, "init", "--metric", "a", code=2)[1].startswith(is_no_table)
    (repo / ".gxt.toml").write_text("[metric\n")
    assert said(repo, "init", code=2)[1].startswith("gxt: .gxt.toml cannot be read: ")
    (repo / ".gxt.toml").unlink()
    (repo / ".gxt.toml").mkdir()
    assert said(repo, "init", "--metric", "a", code=1)[1].startswith(
        "gxt: .gxt.toml cannot be written: File exists\n"
    )


def test_what_the_user_has_set_stays(repo: Path, sealed: Path) -> None:
    git(repo, "config", "--global", "alias.lga", "log --graph --all")
    before = (sealed / ".gitconfig").read_bytes()
    told = (
        "already there: git lga is an alias of yours; --exclude=refs/gxt/* --exclude=refs/notes/gxt/* "
        "before --all hides the refs of gxt\nnothing to do\n"
    )
    assert said(repo, "init") == (
        told, f"gxt: the main metric is guessed; --metric NAME --goal max says which it is\n{FIRST}",
    )  # fmt: skip
    assert (sealed / ".gitconfig").read_bytes() == before
    assert git(repo, "config", "--local", "--list").count("alias") == 0
    git(repo, "config", "gxt.metric", "mine")
    wins = "gxt: git config gxt.metric is mine, which wins here\n"
    assert said(repo, "init", "--metric", "loss")[1] == f"{wins}{FIRST}"


def test_plain_git_shows_what_is_the_users_own(repo: Path) -> None:
    gxt(repo, "run", "-q", "--", "true")
    git(repo, "config", "log.initialDecorationSet", "all")
    git(repo, "config", "log.excludeDecoration", "refs/heads/wip/*")
    git(repo, "branch", "side")
    labels = "git log puts no labels of gxt on commits"
    assert gxt(repo, "init").stdout == f"{LGA}\n{labels}\n"
    assert gxt(repo, "init").stdout == f"already there: {LGA}\nalready there: {labels}\nnothing to do\n"
    head = git(repo, "rev-parse", "--short", "HEAD")
    assert git(repo, "lga", "--decorate") == f"* {head} (HEAD -> main, side) first"
    for ref in ("refs/gxt/experiments", "refs/notes/gxt/config"):
        assert git(repo, "log", "-1", "--decorate", "--format=%D", ref) == ""
    assert git(repo, "config", "--get-all", "log.excludeDecoration").splitlines() == [
        "refs/heads/wip/*", "refs/gxt/*", "refs/notes/gxt/*",
    ]  # fmt: skip


def test_in_a_clone_of_shared_runs_it_names_the_pull(repo: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", str(repo), "copy")
    told = "gxt pull takes over what colleagues have recorded"
    assert gxt(tmp_path / "copy", "init", "--metric", "loss").stderr == f"gxt: {told}\n"


def test_elsewhere_it_says_what_is_missing(tmp_path: Path) -> None:
    path = os.path.realpath(tmp_path)
    assert said(tmp_path, "init", code=1) == (
        "", f"gxt: {path} is not in a git repository\n     make one here with: git init\n",
    )  # fmt: skip
    git(tmp_path, "init", "-q", "--bare", ".")
    assert said(tmp_path, "init", code=1)[1].startswith(f"gxt: {path} is a bare repository")
