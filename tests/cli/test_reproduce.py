"""`gxt reproduce`: the command of a run once more, with its code, beside the user's work."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.conftest import data, git, gxt

SCRIPT = """
import json, pathlib, sys
import gxt
value = json.loads(pathlib.Path("value.json").read_text())
print("training")
gxt.log({"loss": value["loss"] + float(sys.argv[1])})
"""


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A run whose result depends on its code, its parameters and its argument; edited since."""
    repo = tmp_path / "lab"
    git(tmp_path, "init", "-q", str(repo))
    (repo / "src").mkdir()
    (repo / "src/train.py").write_text(SCRIPT)
    (repo / "src/value.json").write_text('{"loss": 1}')
    (repo / "params.yaml").write_text("lr: 0.1\n")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "first")
    (repo / "src/value.json").write_text('{"loss": 2}')
    gxt(repo / "src", "run", "-q", "--", sys.executable, "train.py", "0.5")
    (repo / "src/value.json").write_text('{"loss": 3}')
    (repo / "params.yaml").write_text("lr: 0.3\n")
    return repo


def test_the_same_code_gives_the_same_result(lab: Path) -> None:
    status = git(lab, "status", "--porcelain")
    done = gxt(lab, "reproduce", "1")
    assert done.stdout == (
        "training\nexp-002 against exp-001: identical\n        exp-001  exp-002           \n".rstrip(" \n")
        + "\n"
        "  loss      2.5      2.5  identical\n"
    )
    again, original = data(lab, "show", "2"), data(lab, "show", "1")
    assert again["reproduces"] == original["uid"] == again["parent_uid"]
    assert (again["cwd"], again["command"]) == ("src", original["command"])
    assert (again["params"], again["code"]["tree"]) == (original["params"], original["code"]["tree"])
    assert git(lab, "status", "--porcelain") == status
    assert len(git(lab, "worktree", "list").splitlines()) == 1
    assert data(lab, "base")["id"] == "exp-001"


def test_another_result_ends_with_3(lab: Path, tmp_path: Path) -> None:
    (tmp_path / "count").write_text("0")
    (lab / "count.py").write_text(
        "import pathlib, gxt\n"
        f"count = pathlib.Path({str(tmp_path / 'count')!r})\n"
        "count.write_text(str(int(count.read_text()) + 1))\n"
        "gxt.log({'acc': 1000 + int(count.read_text())})\n"
    )
    gxt(lab, "run", "-q", "--", sys.executable, "count.py")
    far = gxt(lab, "reproduce", "2", "--tolerance", "1e-4", code=3)
    assert "exp-003 against exp-002: different\n" in far.stdout
    near = gxt(lab, "reproduce", "2", "--tolerance", "0.01")
    assert "exp-004 against exp-002: within the tolerance\n" in near.stdout
    assert "identical" in gxt(lab, "reproduce", "2", "--ignore", "acc").stdout


def test_json_is_all_there_is_on_stdout(lab: Path) -> None:
    done = gxt(lab, "reproduce", "1", "--json")
    assert json.loads(done.stdout)["data"] == {
        "run": "exp-002",
        "original": "exp-001",
        "verdict": "identical",
        "metrics": {"loss": {"original": 2.5, "again": 2.5, "verdict": "identical", "spread": None}},
        "artifacts": {},
    }
    assert "training\n" in done.stderr


def test_a_command_of_somebody_else_is_not_run_unasked(lab: Path, tmp_path: Path) -> None:
    """Also where he calls himself as we do: only what this clone has recorded is ours."""
    author = data(lab, "show", "1")["author"]
    git(tmp_path, "init", "-q", "--bare", "hub.git")
    git(lab, "remote", "add", "origin", str(tmp_path / "hub.git"))
    git(lab, "push", "-q", "origin", "HEAD")
    gxt(lab, "push")
    git(tmp_path, "clone", "-q", "hub.git", "bob")
    bob = tmp_path / "bob"
    gxt(bob, "pull")
    assert gxt(bob, "reproduce", "1", code=2).stderr == (
        f"gxt: {author} recorded this command: it is code from somewhere else\n"
        "     look at it (gxt reproduce exp-001 --dry-run), then say --yes\n"
    )
    shown = gxt(bob, "reproduce", "1", "--dry-run").stdout
    assert shown.startswith("exp-001 would be executed again, in a work tree of its own\n")
    assert f"  command      {sys.executable} train.py 0.5\n" in shown
    assert len(data(bob, "list")) == 1
    assert "identical" in gxt(bob, "reproduce", "1", "--yes").stdout
    assert "identical" in gxt(bob, "reproduce", "2").stdout


def test_what_was_redacted_must_be_given(lab: Path) -> None:
    gxt(lab / "src", "run", "-q", "--", sys.executable, "train.py", "0.5", "--token", "hunter2hunter2")
    assert gxt(lab, "reproduce", "2", code=2).stderr == (
        "gxt: redacted in the command of exp-002: token\n     give it: --arg token=VALUE\n"
    )
    assert "identical" in gxt(lab, "reproduce", "2", "--arg", "token=hunter2hunter2").stdout
    assert data(lab, "show", "3")["command"][-1] == "[redacted]"
    assert gxt(lab, "reproduce", "2", "--arg", "token", code=2).stderr.startswith(
        "gxt: --arg token has no value"
    )


def test_another_environment_is_shown_and_refused_if_asked(lab: Path, tmp_path: Path) -> None:
    gxt(lab / "src", "run", "-q", "--", sys.executable, "train.py", "0.5", OMP_NUM_THREADS="7")
    shown = gxt(lab, "reproduce", "2", "--dry-run", OMP_NUM_THREADS="3").stdout
    assert "Environment (recorded → here)\n" in shown
    assert "variables.OMP_NUM_THREADS  7 → 3\n" in shown
    refused = gxt(lab, "reproduce", "2", "--strict", code=1, OMP_NUM_THREADS="3")
    assert refused.stderr == (
        "gxt: the environment is not that of exp-002: variables.OMP_NUM_THREADS\n"
        "     gxt reproduce exp-002 --dry-run shows what differs\n"
    )
    gxt(lab, "reproduce", "2", "--strict", OMP_NUM_THREADS="7")


def test_a_run_that_failed_fails_again(lab: Path) -> None:
    gxt(lab, "run", "-q", "--", sys.executable, "-c", "raise SystemExit(5)", code=5)
    assert "exp-003 against exp-002: identical\n" in gxt(lab, "reproduce", "2").stdout


def test_the_work_tree_stays_where_it_was_asked_for(lab: Path, tmp_path: Path) -> None:
    gxt(lab, "reproduce", "1", "--worktree", "../kept")
    assert (tmp_path / "kept/src/value.json").read_text() == '{"loss": 2}'
    assert "already exists" in gxt(lab, "reproduce", "1", "--worktree", "../kept", code=1).stderr


def test_metrics_files_that_were_named_are_named_again(lab: Path) -> None:
    write = "import pathlib; pathlib.Path('out.json').write_text('{\"f1\": 0.5}')"
    gxt(lab / "src", "run", "-q", "--metrics", "out.json", "--", sys.executable, "-c", write)
    assert data(lab, "show", "2")["metrics_files"] == ["src/out.json"]
    (lab / "src/out.json").unlink()
    assert "f1" in gxt(lab, "reproduce", "2").stdout
    assert data(lab, "show", "3")["metrics"] == {"f1": 0.5}
