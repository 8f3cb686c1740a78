"""The processes of a distributed job: which of them record, and into which run. Forked processes too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import data

JOB = {"MASTER_ADDR": "localhost", "MASTER_PORT": "29500", "WORLD_SIZE": "3", "LOCAL_WORLD_SIZE": "3"}
ALL = """
import os
run = gxt.init({"lr": 0.5}, tags=["together"], all_ranks=True)
rank = os.environ["RANK"]
for step in range(3): gxt.log({f"rank{rank}/loss": step}, step=step)
print(run.uid)
"""


def start(repo: Path, rank: int, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "t.py"],
        cwd=repo,
        env={**os.environ, "RANK": str(rank), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_ranks(repo: Path, code: str, order: tuple[int, ...] = (0, 1, 2), **env: str) -> list[tuple[str, str]]:
    """What each rank of a job printed and was told, in the order in which they were started."""
    (repo / "t.py").write_text(f"import gxt\n{code}\n")
    started = [start(repo, rank, **(env or JOB)) for rank in order]
    said = [one.communicate() for one in started]
    assert [one.returncode for one in started] == [0] * len(order), said
    return said


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_all_ranks_log_into_the_one_run_of_rank_0(repo: Path, order: tuple[int, ...]) -> None:
    said = run_ranks(repo, ALL, order)
    (run,) = data(repo, "list")
    assert said == [(f"{run['uid']}\n", "")] * 3
    assert (run["status"], run["params"]["lr"], run["tags"]) == ("completed", 0.5, ["together"])
    counts = {name: stats["count"] for name, stats in run["metric_stats"].items()}
    assert counts == {"rank0/loss": 3, "rank1/loss": 3, "rank2/loss": 3}


def test_the_runs_of_one_job_are_not_mixed_up(repo: Path) -> None:
    code = """
import os
for fold in range(3):
    with gxt.init({"fold": fold}, all_ranks=True) as run:
        run.log({f"rank{os.environ['RANK']}/fold": fold})
"""
    run_ranks(repo, code)
    names = ("rank0/fold", "rank1/fold", "rank2/fold")
    found = [(run["params"]["fold"], run["metrics"]) for run in data(repo, "list")]
    assert found == [(fold, dict.fromkeys(names, float(fold))) for fold in (2, 1, 0)]


def test_only_rank_0_records_unless_all_are_asked_for(repo: Path) -> None:
    said = run_ranks(repo, "print(gxt.init()); gxt.log({'a': 1})", (1, 0))
    assert said == [("<gxt run, not recorded>\n", ""), ("<gxt run exp-001, live>\n", "")]
    assert [run["metric_stats"]["a"]["count"] for run in data(repo, "list")] == [1]


def test_ranks_that_nothing_holds_together_say_so_and_record_nothing(repo: Path) -> None:
    said = run_ranks(repo, "print(gxt.init(all_ranks=True)); gxt.log({'a': 1})", (0, 1), WORLD_SIZE="2")
    warning = (
        "gxt: init: nothing is recorded, for no run of rank 0 was found on this host "
        "(gxt run -- torchrun … records all ranks); the training goes on\n"
    )
    assert said[1] == ("<gxt run, not recorded>\n", warning)
    assert [run["metric_stats"]["a"]["count"] for run in data(repo, "list")] == [1]


def test_a_rank_without_a_rank_0_stops_waiting(repo: Path) -> None:
    code = "from gxt.store import ranks\nranks.START_PATIENCE_S = 0.1\nprint(gxt.init(all_ranks=True))"
    assert [printed for printed, _ in run_ranks(repo, code, (1,))] == ["<gxt run, not recorded>\n"]
    assert data(repo, "list") == []


def test_rank_0_does_not_wait_for_ever_and_a_rank_that_is_late_is_told(repo: Path) -> None:
    code = """
import os, sys, time
from gxt.store import ranks
ranks.END_PATIENCE_S = 0.1
run = gxt.init(all_ranks=True)
print("began", flush=True)
sys.stdin.readline()
gxt.log({"a": 1})
"""
    (repo / "t.py").write_text(f"import gxt\n{code}")
    first, other = (
        subprocess.Popen(
            [sys.executable, "t.py"],
            cwd=repo,
            env={**os.environ, **JOB, "RANK": rank},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in "01"
    )
    assert first.stdout
    assert other.stdout
    assert (first.stdout.readline(), other.stdout.readline()) == ("began\n", "began\n")
    assert first.communicate("\n") == ("", "")
    assert other.communicate("\n") == (
        "",
        "gxt: log: OSError: the run has ended, or its directory was deleted; the training goes on\n",
    )
    assert [run["metric_stats"]["a"]["count"] for run in data(repo, "list")] == [1]


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_forked_child_logs_into_the_run_and_does_not_end_it(repo: Path, wrapped: bool) -> None:
    code = """
import os, sys
import gxt
gxt.init(); gxt.log({"parent": 1})
child = os.fork()
if child == 0:
    gxt.log({"child": 2})
    grandchild = os.fork()
    if grandchild == 0:
        gxt.log({"grandchild": 3}); gxt.finish(); gxt.log({"late": 4})
        sys.exit(1)
    os.waitpid(grandchild, 0)
    sys.exit(1)
os.waitpid(child, 0)
gxt.log({"parent": 5})
"""
    (repo / "t.py").write_text(code)
    before = [sys.executable, "-m", "gxt", "run", "-q", "--"] if wrapped else []
    done = subprocess.run(
        [*before, sys.executable, "t.py"], cwd=repo, capture_output=True, text=True, check=True
    )
    assert done.stderr == "gxt: log after finish is ignored: gxt.init() begins another run\n"
    (run,) = data(repo, "list")
    assert (run["status"], run["metrics"]) == (
        "completed",
        {"parent": 5.0, "child": 2.0, "grandchild": 3.0},
    )
