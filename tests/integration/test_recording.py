"""A run from its command to its documents in git, read back with plain git."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.conftest import data, git, gxt

TRAIN = """
import json, math, sys
import gxt

run = gxt.init(config={"lr": 0.5}, name="from the script")
for step in range(4):
    gxt.log({"loss": 1 / (step + 1), "val": {"acc": step / 4}}, step=step)
gxt.log({"odd": math.nan}, step=9)
gxt.log({"odd": 1e-308}, step=2)
gxt.log({"odd": -math.inf}, step=2)
json.dump({"final": {"elo": 12.5}}, open("metrics.json", "w"))
print("printed")
print("complained", file=sys.stderr)
"""


@pytest.fixture
def recorded(repo: Path) -> Path:
    """A repository with one run of a dirty script that logs."""
    (repo / "train.py").write_text(TRAIN)
    gxt(
        repo,
        "run",
        "--metrics",
        "metrics.json",
        "--tag",
        "first",
        "--",
        sys.executable,
        "train.py",
        "--epochs",
        "3",
    )
    return repo


def test_what_was_logged_is_in_the_run(recorded: Path) -> None:
    run = data(recorded, "show")
    assert run["id"] == "exp-001"
    assert run["name"] == "from the script"
    assert run["status"] == "completed"
    assert run["params"] == {"lr": 0.5, "model": {"type": "mlp", "width": 64}, "epochs": 3}
    assert run["metrics"] == {"loss": 0.25, "val/acc": 0.75, "odd": "-Infinity", "final/elo": 12.5}
    assert run["tags"] == ["first"]
    assert run["metric_stats"]["odd"] == {
        "last": "-Infinity", "last_step": 2, "min": "-Infinity", "min_step": 2,
        "max": 1e-308, "max_step": 2, "count": 3,
    }  # fmt: skip


def test_series_survive_exactly(recorded: Path) -> None:
    series = data(recorded, "show", "--series")["series"]
    assert series["odd"]["step"] == [9, 2, 2]
    assert series["odd"]["value"] == ["NaN", 1e-308, "-Infinity"]
    assert series["loss"]["value"] == [1.0, 0.5, 1 / 3, 0.25]


def test_a_series_over_the_limit_is_thinned_with_a_notice(repo: Path) -> None:
    lines = "import gxt, random\nfor step in range(3000):\n    gxt.log({'a': random.random()}, step=step)\n"
    (repo / "train.py").write_text(lines)
    git(repo, "config", "gxt.seriesMib", "0.0078125")
    gxt(repo, "run", "--", sys.executable, "train.py")
    run = data(repo, "show", "--series")
    kept = len(run["series"]["a"]["step"])
    assert run["notices"] == [f"series thinned from 3000 to {kept} points a metric: over 0.0078125 MiB"]
    assert run["metric_stats"]["a"]["count"] == 3000
    size = int(git(repo, "cat-file", "-s", "refs/gxt/experiments:exp-0xx/exp-001/series"))
    assert 6000 < size <= 8192


def test_the_code_as_it_ran_is_the_tree_of_the_run_commit(recorded: Path) -> None:
    commit = data(recorded, "show")["commit"]
    assert git(recorded, "show", f"{commit}:train.py") == TRAIN.rstrip("\n")
    assert git(recorded, "rev-parse", f"{commit}^") == git(recorded, "rev-parse", "HEAD")


def test_index_and_work_tree_are_untouched(repo: Path) -> None:
    (repo / "train.py").write_text("print('edited')\n")
    (repo / "new.py").write_text("x = 1\n")
    before = (
        (repo / ".git" / "index").read_bytes(),
        git(repo, "status", "--porcelain"),
        git(repo, "stash", "list"),
    )
    gxt(repo, "run", "--", sys.executable, "train.py")
    after = (
        (repo / ".git" / "index").read_bytes(),
        git(repo, "status", "--porcelain"),
        git(repo, "stash", "list"),
    )
    assert after == before


def test_plain_git_reads_everything(recorded: Path) -> None:
    commit = data(recorded, "show")["commit"]
    config = json.loads(git(recorded, "notes", "--ref=gxt/config", "show", commit))
    metrics = json.loads(git(recorded, "notes", "--ref=gxt/metrics", "show", commit))
    assert config["params"]["lr"] == 0.5
    assert metrics["metrics"]["loss"]["last"] == 0.25
    names = git(recorded, "ls-tree", "-r", "--name-only", "refs/gxt/experiments").splitlines()
    files = "annotations.jsonl config.json environment.json metrics.json output.log run series".split()
    assert names == [*(f"exp-0xx/exp-001/{name}" for name in files), "format", "next"]
    log = git(recorded, "log", "--first-parent", "--format=%s", "refs/gxt/experiments").splitlines()
    assert log == ["exp-001 completed: from the script — val/acc 0.75", "The experiments of this repository"]
    git(recorded, "fsck", "--strict")


def test_notes_hold_the_same_blobs_as_the_tree(recorded: Path) -> None:
    commit = data(recorded, "show")["commit"]
    for kind in ("config", "metrics"):
        noted = git(recorded, "notes", f"--ref=gxt/{kind}", "list", commit)
        assert noted == git(recorded, "rev-parse", f"refs/gxt/experiments:exp-0xx/exp-001/{kind}.json")


def test_nothing_is_left_beside_git_but_the_index(recorded: Path) -> None:
    assert list((recorded / ".git" / "gxt" / "live").iterdir()) == []
    refs = git(recorded, "for-each-ref", "--format=%(refname)").splitlines()
    assert refs == [
        "refs/gxt/experiments",
        "refs/heads/main",
        "refs/notes/gxt/annotations",
        "refs/notes/gxt/config",
        "refs/notes/gxt/metrics",
    ]


def test_the_console_is_kept_with_times_and_streams(recorded: Path) -> None:
    lines = data(recorded, "output")["lines"]
    assert sorted((line["stream"], line["text"]) for line in lines) == [(1, "printed"), (2, "complained")]


def test_the_next_run_derives_from_this_one(recorded: Path) -> None:
    gxt(recorded, "run", "-m", "again", "--", sys.executable, "train.py")
    first, second = data(recorded, "show", "1"), data(recorded, "show", "2")
    assert second["parent"] == "exp-001"
    assert second["parent_uid"] == first["uid"]
    tip = git(recorded, "log", "-1", "--format=%P", "refs/gxt/experiments").split()
    assert tip[1] == second["commit"]


def test_a_file_that_git_cannot_take_is_named_and_the_others_are_recorded(repo: Path) -> None:
    (repo / ".gitattributes").write_text("*.bad filter=broken\n")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "attributes")
    git(repo, "config", "filter.broken.clean", "false")
    git(repo, "config", "filter.broken.required", "true")
    for name in ("a.py", "b.bad", "c.py", "d.py", "e.bad"):
        (repo / name).write_text(f"{name}\n")
    said = gxt(repo, "run", "--", "true").stderr
    run = data(repo, "show", "@")
    names = git(repo, "ls-tree", "--name-only", run["commit"]).splitlines()
    assert names == [".gitattributes", "a.py", "c.py", "d.py", "params.yaml", "train.py"]
    skipped = [one["path"] for one in run["code"]["skipped"]]
    assert skipped == ["b.bad", "e.bad"]
    assert "not in the snapshot: b.bad (git could not read it: " in said


def test_many_files_that_git_cannot_take_do_not_keep_a_run_from_starting(repo: Path) -> None:
    (repo / ".gitattributes").write_text("*.bad filter=broken\n")
    git(repo, "config", "filter.broken.clean", "false")
    git(repo, "config", "filter.broken.required", "true")
    for number in range(200):
        (repo / f"{number}.bad").write_text(f"{number}\n")
    gxt(repo, "run", "-q", "--", "true")
    assert len(data(repo, "show")["code"]["skipped"]) == 200


def test_a_snapshot_of_which_nothing_can_be_written_is_given_up(repo: Path) -> None:
    """That is said, and git is not started twice for each of a thousand files before."""
    for number in range(1000):
        (repo / f"{number}.py").write_text(f"{number}\n")
    objects = repo / ".git" / "objects"
    objects.rename(repo / ".git" / "packed")
    objects.mkdir()
    (objects / "info").mkdir()
    (objects / "info" / "alternates").write_text(f"{repo}/.git/packed\n")
    for number in range(256):
        (objects / f"{number:02x}").write_text("no folder")
    trace = repo / ".git" / "trace"
    done = gxt(repo, "run", "--", "touch", "started", GIT_TRACE2_EVENT=str(trace))
    assert done.stderr.startswith("gxt: not in the snapshot: 0.py (git could not read it: ")
    assert (repo / "started").exists()
    assert len(data(repo, "show")["code"]["skipped"]) == 1000
    assert trace.read_text().count('"event":"start"') < 200
