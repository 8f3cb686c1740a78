"""`gxt import dvc`: experiments that DVC and DVCLive have made themselves."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import data, git, gxt

# as DVCLive would write it, which a second of each stage would go into
TRAIN = """
import json, yaml
from pathlib import Path

lr = yaml.safe_load(open("params.yaml"))["lr"]
table = Path("dvclive/plots/metrics/train/loss.tsv")
table.parent.mkdir(parents=True, exist_ok=True)
table.write_text("step\\tloss\\n" + "".join(f"{step}\\t{lr / (step + 1)}\\n" for step in range(3)))
Path("dvclive/metrics.json").write_text(json.dumps({"train": {"loss": lr / 3}, "step": 2}))
Path("model.pt").write_text(f"weights {lr}")
Path("parts").mkdir(exist_ok=True)
Path("parts/a.txt").write_text(f"part {lr}")
Path("eval.json").write_text(json.dumps({"val": {"acc": lr * 2}}))
"""

PIPELINE = """
stages:
  train:
    cmd: python train.py
    deps: [train.py, data.txt]
    params: [lr, model.width]
    outs: [model.pt, parts]
    metrics:
    - eval.json: {cache: false}
    - dvclive/metrics.json: {cache: false}
    plots:
    - dvclive/plots/metrics: {x: step}
"""

# one process for all: to import DVC takes longer than what it does here
MAKER = """
import subprocess
from dvc.cli import main
from dvclive import Live

def do(*words):
    assert main(list(words)) == 0, words

def commit(message):
    subprocess.run(["git", "add", "."], check=True)
    subprocess.run(["git", "commit", "-q", "-m", message], check=True)

do("init", "-q")
do("config", "core.analytics", "false")
do("add", "-q", "data.txt")
commit("first")
do("exp", "run", "-q", "-n", "first-try")
commit("applied")
do("exp", "run", "-q", "-n", "wider", "-m", "a wider one", "-S", "model.width=8", "-S", "lr=0.25")
subprocess.run(["git", "stash", "-q"], check=True)
subprocess.run(["git", "rm", "-q", "dvc.yaml", "dvc.lock", "eval.json", "dvclive/metrics.json"], check=True)
commit("without a pipeline")
with Live("live", exp_name="alone", dvcyaml="dvc.yaml") as live:
    live.log_param("rate", 0.5)
    for step in range(2):
        live.log_metric("loss", 1.0 - step, timestamp=True)
        live.next_step()
    live.summary["best"] = 0.125
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    repo = tmp_path_factory.mktemp("made") / "repo"
    repo.mkdir()
    (repo / "train.py").write_text(TRAIN)
    (repo / "dvc.yaml").write_text(PIPELINE)
    (repo / "params.yaml").write_text("lr: 0.5\nmodel:\n  width: 4\nunused: 1\n")
    (repo / "data.txt").write_text("data\n")
    home = tmp_path_factory.mktemp("dvc-home")
    who = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in
           (("NAME", "Grace"), ("EMAIL", "grace@example.org"))}  # fmt: skip
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, **who, "HOME": str(home), "PATH": path, "DVC_NO_ANALYTICS": "true"}
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=repo, env=env, check=True)
    done = subprocess.run(
        [sys.executable, "-c", MAKER], cwd=repo, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return repo


@pytest.fixture
def here(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "here", symlinks=True)
    return tmp_path / "here"


def by_name(repo: Path) -> dict[str, Any]:
    return {run["name"]: data(repo, "show", run["id"], "--series") for run in data(repo, "list")}


def test_experiments_come_with_all_that_their_commits_tell(here: Path) -> None:
    assert gxt(here, "import", "dvc").stdout == "from DVC: 3 runs (exp-001, exp-002, exp-003)\n"
    runs = by_name(here)
    first, wider, alone = runs["first-try"], runs["wider"], runs["alone"]
    oid = git(here, "for-each-ref", "refs/exps/*/*/wider", "--format=%(objectname)")
    facts = {
        "message": "a wider one",
        "status": "completed",
        "parent": first["id"],
        "params": {"lr": 0.25, "model": {"width": 8}, "unused": 1},
        "metrics": {"train/loss": 0.25 / 3, "val/acc": 0.5},
        "author": "Grace <grace@example.org>",
        "command": ["dvc", "repro"],
        "code": {"head": oid, "tree": git(here, "rev-parse", f"{oid}^{{tree}}")},
    }
    assert {key: wider[key] for key in facts} == facts
    assert wider["series"]["train/loss"]["value"] == [0.25, 0.125, 0.25 / 3]
    assert [(one["path"], one["tracked"], one["size"]) for one in wider["data"]] == [("data.txt", "dvc", 5)]
    assert [(one["path"], one["kind"], one["size"]) for one in wider["artifacts"]] == [
        ("model.pt", "file", 12),
        ("parts", "folder", 9),
    ]
    assert (first["message"], first["parent"], first["params"]["lr"]) == (None, None, 0.5)
    facts = {"params": {"lr": 0.5, "rate": 0.5}, "metrics": {"loss": 0.0, "best": 0.125}, "command": []}
    assert {key: alone[key] for key in facts} == {**facts, "params": {**alone["params"], "rate": 0.5}}
    assert (alone["series"]["best"]["step"], alone["series"]["loss"]["value"]) == ([1], [1.0, 0.0])
    assert min(alone["series"]["loss"]["time"]) > "2024"  # the commit is of 2023
    assert gxt(here, "doctor").stdout.endswith("all is well\n")


def test_twice_brings_nothing_and_names_choose(here: Path) -> None:
    assert gxt(here, "import", "dvc", "wider").stdout == "from DVC: 1 run (exp-001)\n"
    assert data(here, "show", "exp-001")["parent"] is None
    assert gxt(here, "import", "dvc").stdout == "from DVC: 2 runs (exp-002, exp-003), 1 run here already\n"
    before = git(here, "for-each-ref")
    assert gxt(here, "import", "dvc").stdout == "from DVC: 3 runs here already\n"
    assert git(here, "for-each-ref") == before


def test_commits_of_branches_come_where_they_have_results_of_their_own(here: Path) -> None:
    git(here, "checkout", "-q", "-f", "main~1")
    git(here, "checkout", "-q", "-b", "more")
    (here / "eval.json").write_text('{"val": {"acc": 2}}')
    git(here, "commit", "-q", "-a", "-m", "better")
    (here / "README").write_text("x")
    git(here, "add", "README")
    git(here, "commit", "-q", "-m", "words")
    assert gxt(here, "import", "dvc", "--all-commits").stdout.startswith("from DVC: 4 runs")
    better = next(run for run in data(here, "list") if run["message"] == "better")
    first = next(run for run in data(here, "list") if run["name"] == "first-try")
    assert (better["parent"], better["metrics"]["val/acc"]) == (first["id"], 2)
    assert gxt(here, "import", "dvc", "more").stdout == "from DVC: 1 run (exp-005)\n"
    assert data(here, "show", "exp-005")["parent"] == better["id"]


def test_who_goes_back_to_earlier_parameters_begins_no_circle(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repo / "dvc.yaml").write_text("metrics: [m.json]\n")

    def commit(lr: float, at_s: int, experiment: str = "") -> None:
        monkeypatch.setenv("GIT_AUTHOR_DATE", f"{at_s} +0000")
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"{at_s} +0000")
        (repo / "params.yaml").write_text(f"lr: {lr}\n")
        (repo / "m.json").write_text(json.dumps({"acc": lr}))
        git(repo, "add", ".")
        git(repo, "commit", "-q", "-m", f"{at_s}")
        if experiment:
            base = git(repo, "rev-parse", "HEAD~1")
            git(repo, "update-ref", f"refs/exps/{base[:2]}/{base[2:]}/{experiment}", "HEAD")
            git(repo, "reset", "-q", "--hard", base)

    commit(0.1, 1_700_000_000)
    commit(0.2, 1_700_000_100, "up")
    commit(0.2, 1_700_000_200)  # which applies it
    commit(0.1, 1_700_000_300, "back")
    assert gxt(repo, "import", "dvc").stdout == "from DVC: 2 runs (exp-001, exp-002)\n"
    told = {one["name"]: one["parent"] for one in data(repo, "list")}
    assert told == {"up": None, "back": "exp-001"}


def test_what_cannot_be_imported_is_told(repo: Path) -> None:
    told = gxt(repo, "import", "dvc", code=2).stderr
    assert told == (
        "gxt: there are no experiments of DVC's here\n"
        "     dvc exp list --all-commits shows them; commits: gxt import dvc --all-commits\n"
    )
    told = gxt(repo, "import", "dvc", "gone", code=2).stderr
    assert told.startswith("gxt: there is no experiment and no revision gone\n")
    assert gxt(repo, "import", "mlflow", "--all-commits", code=2).stderr.startswith(
        "gxt: mlflow has no commits\n"
    )
    done = gxt(repo, "import", "dvc", "HEAD")
    oid = git(repo, "rev-parse", "HEAD")
    assert (done.stdout, done.stderr) == (
        "from DVC: no run\n",
        f"gxt: left out: {oid[:10]}: it has no metrics of a dvc.yaml\n",
    )


def test_files_that_cannot_be_read_are_told(repo: Path) -> None:
    (repo / "dvc.yaml").write_text("metrics: [m.json, gone.json, n.yaml]\nparams: [bad.yaml, params.py]\n")
    (repo / "bad.yaml").write_text("[")
    (repo / "m.json").write_text(json.dumps({"acc": 1, "step": 7}))
    (repo / "n.yaml").write_text("a: {b: .nan}\n")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "x")
    gxt(repo, "import", "dvc", "HEAD")
    run = data(repo, "show", "exp-001", "--series")
    assert run["metrics"] == {"acc": 1, "a/b": "NaN"}
    assert run["series"]["acc"]["step"] == [7]
    assert run["params"] == {"lr": 0.1, "model": {"type": "mlp", "width": 64}}
    assert run["notices"][1].startswith("bad.yaml cannot be read: ")
