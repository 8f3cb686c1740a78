"""A distributed job as torch starts it: all of its processes log into one run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import data

TRAIN = """
import os
import torch.distributed as dist
import gxt

dist.init_process_group("gloo")
rank = dist.get_rank()
run = gxt.init(config={"lr": 0.5}, all_ranks=True)
for step in range(20):
    run.log({f"rank{rank}/loss": step + rank}, step=step)
dist.barrier()
dist.destroy_process_group()
"""
LAUNCH = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "train.py"]


@pytest.mark.parametrize(
    "before", [[sys.executable, "-m", "gxt", "run", "-q", "--"], []], ids=["wrapped", "alone"]
)
def test_both_processes_log_into_one_run(repo: Path, before: list[str]) -> None:
    (repo / "train.py").write_text(TRAIN)
    subprocess.run([*before, *LAUNCH], cwd=repo, check=True, capture_output=True)
    (run,) = data(repo, "list")
    assert (run["status"], run["params"]["lr"]) == ("completed", 0.5)
    series = data(repo, "show", "--series")["series"]
    assert {name: one["value"] for name, one in series.items()} == {
        f"rank{rank}/loss": [step + rank for step in range(20)] for rank in range(2)
    }
