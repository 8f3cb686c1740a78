"""The callbacks record trainings with the real libraries: the blocks of their page, in one process."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import data
from tests.docs.pages import ROOT, fences

PAGE = ROOT / "docs/how-to/lightning-huggingface-keras.md"
NEEDED = ("lightning", "transformers", "accelerate", "keras")
RUN = """
import json, sys, warnings
import gxt, torch

torch.set_num_threads(1)
torch.manual_seed(0)
for name, code in json.loads(sys.argv[1]).items():
    with gxt.init(name=name):
        exec(compile(code, name, "exec"), {"__name__": name})
"""

pytestmark = pytest.mark.skipif(
    any(find_spec(name) is None for name in NEEDED), reason=f"not all there: {', '.join(NEEDED)}"
)


def blocks() -> dict[str, str]:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    found = ["\n".join(lines[start:stop]) for language, start, stop in fences(PAGE) if language == "py"]
    return dict(zip(("lightning", "huggingface", "keras"), found, strict=True))


def test_the_callbacks_record_what_is_trained_as_their_page_does(repo: Path) -> None:
    """One process for all three: to load a framework takes seconds."""
    (repo / ".gitignore").write_text("checkpoints/\nout/\n")
    command = [sys.executable, "-c", RUN, json.dumps(blocks())]
    done = subprocess.run(command, cwd=repo, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    runs = {run["name"]: data(repo, "show", run["id"], "--series") for run in data(repo, "list")}
    assert {name: (run["status"], run["notices"]) for name, run in runs.items()} == {
        name: ("completed", []) for name in blocks()
    }
    check_lightning(runs["lightning"])
    check_huggingface(runs["huggingface"])
    check_keras(runs["keras"])


def steps(run: dict[str, Any], *names: str) -> dict[str, list[int]]:
    return {name: run["series"][name]["step"] for name in names}


def params(run: dict[str, Any], *names: str) -> dict[str, object]:
    return {name: run["params"][name] for name in names}


def check_lightning(run: dict[str, Any]) -> None:
    assert params(run, "lr", "width", "architecture", "param_count", "input_shape") == {
        "lr": 0.1,
        "width": 3,
        "architecture": "Fit",
        "param_count": 13,
        "input_shape": [4, 2],
    }
    assert run["params"]["trainer"]["max_epochs"] == 2
    assert steps(run, "train/loss", "val/loss", "watch/grad_norm/net.0", "watch/lr") == {
        "train/loss": [1, 3, 5, 7],
        "val/loss": [3, 7],
        "watch/grad_norm/net.0": [0, 4],
        "watch/lr": [0, 4],
    }
    (kept,) = [one for one in run["artifacts"] if one["kind"] == "model"]
    assert kept["name"] == "epoch=1-step=8.ckpt"
    assert kept["path"] == "checkpoints/epoch=1-step=8.ckpt"


def check_huggingface(run: dict[str, Any]) -> None:
    args = run["params"]["training_args"]
    assert {name: args.get(name) for name in ("learning_rate", "max_steps", "seed", "hub_token", "bf16")} == {
        "learning_rate": 1e-3,
        "max_steps": 4,
        "seed": 42,
        "hub_token": None,
        "bf16": None,
    }
    assert run["params"]["model_config"]["hidden_size"] == 8
    assert params(run, "architecture", "param_count") == {
        "architecture": "BertForSequenceClassification",
        "param_count": 778,
    }
    assert run["params"]["input_shape"]["input_ids"] == [4, 4]
    assert steps(run, "loss", "learning_rate", "eval_loss", "train_loss") == {
        "loss": [2, 4],
        "learning_rate": [2, 4],
        "eval_loss": [4],
        "train_loss": [4],
    }
    (kept,) = run["artifacts"]
    assert (kept["name"], kept["step"], kept["kind"]) == ("checkpoint-4", 4, "model")
    assert kept["meta"]["score"] == run["metrics"]["eval_loss"]


def check_keras(run: dict[str, Any]) -> None:
    assert params(run, "architecture", "param_count", "trainable_param_count", "input_shape", "epochs") == {
        "architecture": "net",
        "param_count": 13,
        "trainable_param_count": 13,
        "input_shape": [None, 2],
        "epochs": 3,
    }
    assert run["params"]["optimizer"]["learning_rate"] == 0.125
    assert steps(run, "loss", "val_mae", "learning_rate", "batch/loss", "test/loss") == {
        "loss": [0, 1, 2],
        "val_mae": [0, 1, 2],
        "learning_rate": [0, 1, 2],
        "batch/loss": [0, 2, 4],
        "test/loss": [2],
    }
    assert run["metrics"]["test/loss"] == pytest.approx(run["metrics"]["val_loss"])
    assert run["artifacts"] == []


def test_callbacks_are_short() -> None:
    folder = ROOT / "gxt/integrations"
    assert [path.name for path in folder.glob("*.py") if len(path.read_text().splitlines()) >= 120] == []
