"""A long run is sealed, shown and read back without all of its points being texts at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

STEPS = 60_000  # x 4 metrics
MOST_MB = 110  # an interpreter with gxt takes 17; as texts at once the points took 130 more
TRAIN = f"""
import gxt
for step in range({STEPS}):
    gxt.log({{"train/loss": step / 7, "val/loss": step / 9, "val/acc": float("nan"), "lr": 0.1}}, step=step)
"""


# A process of its own starts what is measured: Linux counts what the starting one held as the child's.
MEASURED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
"""


def peak(repo: Path, *words: str) -> tuple[float, bytes]:
    """The most memory that a command held in MB, and what it printed."""
    command = [sys.executable, "-c", MEASURED, sys.executable, "-m", "gxt", *words]
    done = subprocess.run(command, cwd=repo, capture_output=True, check=True)
    return int(done.stderr) / (1 << 20 if sys.platform == "darwin" else 1 << 10), done.stdout


@pytest.fixture
def long_run(repo: Path) -> Path:
    """A repository with one run of 60,000 steps, sealed within the bound."""
    used_mb, _ = peak(repo, "run", "-q", "--", sys.executable, "-c", TRAIN)
    assert used_mb < MOST_MB
    return repo


def test_a_long_run_is_read_back_within_little_memory(long_run: Path) -> None:
    used_mb, printed = peak(long_run, "show", "--series", "--json")
    assert used_mb < MOST_MB
    series = json.loads(printed)["data"]["series"]
    steps = list(range(STEPS))
    assert {name: one["step"] == steps for name, one in series.items()} == dict.fromkeys(
        ("train/loss", "val/loss", "val/acc", "lr"), True
    )
    assert series["train/loss"]["value"] == [step / 7 for step in steps]
    assert series["val/acc"]["value"] == ["NaN"] * STEPS
    assert len(set(map(len, (one["time"] for one in series.values())))) == 1

    used_mb, printed = peak(long_run, "show", "--series", "--csv")
    assert used_mb < MOST_MB
    lines = printed.decode().splitlines()
    assert lines[0] == "metric,step,time,value"
    assert len(lines) == 1 + 4 * STEPS
    assert lines[-1].startswith(f"val/loss,{STEPS - 1},")
