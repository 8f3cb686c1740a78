"""The project's own pipeline, small: `dvc repro` and `gxt run -- dvc repro` from a clean clone."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import data, git, gxt

for package in ("dvc", "torch", "onnxscript", "onnxruntime"):
    pytest.importorskip(package, reason=f"the pipeline needs {package}")

ROOT = Path(__file__).parents[2]
TINY = {
    "seed": 0,
    "prepare": {
        "games": 60,
        "rollouts": 1,
        "discount": 0.95,
        "random_plies": 8,
        "epsilon": 0.2,
        "val_share": 0.2,
    },
    "model": {"type": "mlp", "size": "tiny"},
    "train": {
        "epochs": 2,
        "batch_size": 64,
        "lr": 5.0e-3,
        "weight_decay": 1.0e-2,
        "temperature": 0.1,
        "value_weight": 1.0,
    },
    "ladder": {"starts": 1},
    "evaluate": {"starts": 1},
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with what a clone of this one has for the pipeline, and with small parameters."""
    top = tmp_path / "study"
    git(tmp_path, "init", "-q", str(top))
    for name in (".dvcignore", ".gitignore", "dvc.yaml", "dvc.lock", *_files(".dvc"), *_files("gxt")):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes((ROOT / name).read_bytes())
    (top / "params.yaml").write_text(yaml.safe_dump(TINY, sort_keys=False))
    git(top, "add", ".")
    git(top, "commit", "-q", "-m", "A small study")
    return top


def _files(folder: str) -> list[str]:
    """Those that git tracks or would track."""
    return git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "--", folder).splitlines()


@pytest.fixture(autouse=True)
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DVC keeps to the test's folder, and `python` is the one that runs the tests."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))


def dvc(top: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *words], cwd=top, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_pipeline_runs_from_a_clean_clone_alone_and_as_a_run(project: Path) -> None:
    dvc(project, "repro")
    assert dvc(project, "status") == "Data and pipelines are up to date.\n"
    assert git(project, "status", "--porcelain").splitlines() == [" M dvc.lock"]
    results = check_results(project)

    git(project, "commit", "-q", "-a", "-m", "What came out")
    git(project, "clean", "-q", "-f", "-d", "-x")

    done = gxt(project, "run", "--", sys.executable, "-m", "dvc", "repro")
    assert git(project, "status", "--porcelain") == ""  # the data, the ladder and the checkpoint are the same
    assert check_results(project) == results
    assert re.search(r"^exp-\d+ completed in .*?  elo \d", done.stderr, re.MULTILINE)
    run, alone = data(project, "list")  # the stage that logs is a run by itself where none is around it
    assert alone["command"] == ["python", "-m", "gxt.demo.connect4.train"]
    assert (run["status"], run["params"]) == ("completed", TINY)
    metrics = run["metrics"]
    assert (metrics["elo"], metrics["parameters"]) == (results["elo"], 1496)
    assert metrics["score/all/endgame"] == results["score"]["all"]["endgame"]
    assert {name for name in metrics if name.startswith(("train/", "val/"))} == {
        *(f"{part}/{name}" for part in ("train", "val") for name in ("loss", "policy_loss", "value_loss")),
        "val/acc",
    }


def check_results(project: Path) -> Any:  # noqa: ANN401 a document
    """What `eval.json` holds, which is complete."""
    results = json.loads((project / "eval.json").read_text())
    assert list(results) == ["elo", "elo_low", "elo_high", "score", "wins, draws, losses"]
    assert results["elo_low"] < results["elo"] < results["elo_high"]
    games = results["wins, draws, losses"]
    assert list(games) == ["random", "greedy", "depth-2", "depth-4", "depth-6"]
    for phases in games.values():
        assert {phase: sum(counts) for phase, counts in phases.items()} == {
            "opening": 2,
            "midgame": 2,
            "endgame": 2,
        }
    return results


def test_the_lock_file_is_that_of_the_present_code_and_parameters() -> None:
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    locked = yaml.safe_load((ROOT / "dvc.lock").read_text())["stages"]
    assert set(locked) == set(pipeline["stages"])
    outputs = {one["path"]: one["md5"] for stage in locked.values() for one in stage["outs"]}
    for name, stage in pipeline["stages"].items():
        assert locked[name]["cmd"] == stage["cmd"]
        assert [one["path"] for one in locked[name]["deps"]] == stage["deps"]
        for one in locked[name]["deps"]:
            known = outputs.get(one["path"]) or hashlib.md5((ROOT / one["path"]).read_bytes()).hexdigest()
            assert one["md5"] == known, f"{one['path']} has changed: dvc repro, and commit dvc.lock"
        wanted = {
            key: value
            for key, value in _flat(params).items()
            if any(f"{key}.".startswith(f"{one}.") for one in stage["params"])
        }
        found = locked[name]["params"]["params.yaml"]
        assert _flat(found) == wanted, "params.yaml has changed: dvc repro, and commit dvc.lock"
        # DVC's run cache takes these for facts of a file, and a run with another value for the same
        assert not {"size", "nfiles"} & _keys(found)


def _keys(params: object) -> set[str]:
    """The names at every level."""
    if not isinstance(params, dict):
        return set()
    return set(params).union(*(_keys(value) for value in params.values()))


def _flat(params: dict[str, object], prefix: str = "") -> dict[str, object]:
    """The parameters by their whole names."""
    found: dict[str, object] = {}
    for key, value in params.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return found


def test_each_stage_depends_on_all_code_that_it_imports() -> None:
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    for name, stage in pipeline["stages"].items():
        script = f"import sys, gxt.demo.connect4.{name}\nfor name in sorted(sys.modules): print(name)"
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
        )
        prefix = "gxt.demo.connect4."
        imported = {f"{one.replace('.', '/')}.py" for one in done.stdout.split() if one.startswith(prefix)}
        assert imported == {one for one in stage["deps"] if one.endswith(".py")}, name
