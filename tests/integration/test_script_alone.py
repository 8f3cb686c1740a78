"""How a script that records itself ends, and what it may do to us meanwhile."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import data, git, gxt


def script(repo: Path, code: str) -> int:
    done = subprocess.run([sys.executable, "-c", code], cwd=repo, capture_output=True, text=True, check=False)
    return done.returncode


@pytest.mark.parametrize(
    ("code", "status", "exit_code"),
    [
        ("gxt.init(); sys.exit(3)", "failed", 3),
        ("gxt.init(); sys.exit()", "completed", 0),
        ("gxt.init(); sys.exit('no')", "failed", 1),
        ("gxt.init(); 1 / 0", "failed", 1),
        ("with gxt.init(): sys.exit(0)", "completed", 0),
        ("with gxt.init(): raise SystemExit(4)", "failed", 4),
        ("gxt.init()", "completed", 0),
        ("gxt.init(); sys.exit(-1)", "failed", 255),
        ("gxt.init(); sys.exit(256)", "completed", 0),
        ("gxt.init(); sys.exit(2**70)", "failed", 255),
        ("with gxt.init(): raise SystemExit(-1)", "failed", 255),
        ("gxt.init(); exit(3)", "failed", 3),
        ("gxt.init(); quit()", "completed", 0),
        ("def main(): sys.exit(3)\ngxt.init()\ntry: main()\nfinally: gxt.log({'a': 1})", "failed", 3),
        ("gxt.init()\ntry: sys.exit(2)\nexcept SystemExit: pass", "completed", 0),
        ("gxt.init()\ntry: sys.exit(2)\nexcept SystemExit: pass\nsys.exit(3)", "failed", 3),
        ("gxt.init()\ntry: sys.exit(2)\nexcept SystemExit: pass\n1 / 0", "failed", 1),
        (
            "import threading as t; gxt.init(); o = t.Thread(target=sys.exit, args=[1]); o.start()",
            "completed",
            0,
        ),
    ],
)
def test_status_and_exit_code_are_the_script_s(repo: Path, code: str, status: str, exit_code: int) -> None:
    assert script(repo, f"import gxt, sys\n{code}") == exit_code
    run = data(repo, "show")
    assert (run["status"], run["exit_code"]) == (status, exit_code)


def test_a_module_s_caught_exit_is_no_end(repo: Path) -> None:
    (repo / "t.py").write_text("import gxt, sys\ngxt.init()\ntry: sys.exit(2)\nexcept SystemExit: pass")
    assert subprocess.run([sys.executable, "-m", "t"], cwd=repo, check=False).returncode == 0
    run = data(repo, "show")
    assert (run["status"], run["exit_code"]) == ("completed", 0)


def test_steps_that_are_no_integers_are_counted_on_and_told(repo: Path) -> None:
    assert script(repo, "import gxt\nfor e in (1, .25, 2**70, 7.0): gxt.log({'a': e}, step=e)") == 0
    assert data(repo, "show", "--series")["series"]["a"]["step"] == [1, 2, 3, 7]
    notice = "log: step 0.25 is no 64-bit integer; counted on from the last one"
    assert data(repo, "show")["notices"] == [notice]


def test_an_error_that_cannot_be_printed_does_not_reach_the_training(repo: Path) -> None:
    code = """
import gxt
class Odd(Exception):
    def __str__(self): raise ValueError
class Value:
    def __float__(self): raise Odd
gxt.log({"a": Value()})
"""
    assert script(repo, code) == 0


def test_descriptors_closed_by_the_script_do_not_end_it(repo: Path) -> None:
    code = "import gxt, os\ngxt.log({'a': 1})\nos.closerange(3, 100)\ngxt.finish()"
    (repo / "t.py").write_text(code)
    gxt(repo, "run", "-q", "--", sys.executable, "t.py")
    assert data(repo, "show")["status"] == "completed"


def test_a_descriptor_that_became_the_script_s_own_file_is_left_alone(repo: Path) -> None:
    code = """
import gxt, os
gxt.log({'a': 1})
os.closerange(3, 100)
mine = [open(f'mine{i}.txt', 'w') for i in range(20)]
gxt.log({'a': 2})
gxt.log_params({'b': 2})
gxt.finish()
for file in mine: file.write('x'); file.close()
"""
    (repo / "t.py").write_text(code)
    gxt(repo, "run", "-q", "--", sys.executable, "t.py")
    assert {path.read_text() for path in repo.glob("mine*.txt")} == {"x"}
    run = data(repo, "show")
    assert (run["status"], run["metrics"]) == ("completed", {"a": 1})


@pytest.mark.parametrize("child", ["", "if os.fork() == 0: gxt.log({'a': 3}); os._exit(0)\nos.wait()"])
def test_alone_too_it_closes_no_file_of_the_script(repo: Path, child: str) -> None:
    code = f"""
import gxt, os, threading
gxt.init().log({{'a': 1}})
for other in threading.enumerate()[1:]: other.join()  # its pipes are no matter of this test
os.closerange(3, 100)
mine = [open(f'mine{{i}}.txt', 'w') for i in range(20)]
{child}
gxt.finish()
for file in mine: file.write('x'); file.close()
"""
    assert script(repo, code) == 0
    assert {path.read_text() for path in repo.glob("mine*.txt")} == {"x"}


def test_logging_into_a_deleted_directory_is_told_once(repo: Path) -> None:
    code = """
import gxt, os, shutil
run = gxt.init()
shutil.rmtree(os.environ["GXT_LIVE"])
gxt.log({'a': 1})
gxt.log({'a': 2})
"""
    (repo / "t.py").write_text(code)
    done = gxt(repo, "run", "-q", "--", sys.executable, "t.py")
    assert done.stderr == (
        "gxt: log: OSError: the run has ended, or its directory was deleted; the training goes on\n"
    )


def test_runs_that_git_no_longer_has_leave_the_index(repo: Path) -> None:
    gxt(repo, "run", "-q", "--", "true")
    root = git(repo, "rev-list", "--max-parents=0", "--first-parent", "refs/gxt/experiments").splitlines()[-1]
    assert len(data(repo, "list")) == 1
    git(repo, "update-ref", "refs/gxt/experiments", root)
    assert data(repo, "list") == []
    gxt(repo, "run", "-q", "--", "true")
    assert len(data(repo, "list")) == 1
    git(repo, "update-ref", "-d", "refs/gxt/experiments")
    assert data(repo, "list") == []


def test_in_a_directory_that_was_deleted_the_training_goes_on_with_one_warning(repo: Path) -> None:
    code = (
        "import os; os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')\n"
        "import gxt\nfor i in range(3): gxt.log({'loss': i})\nprint('trained')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=repo, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "trained\n")
    assert done.stderr == (
        "gxt: log: the working directory cannot be used: No such file or directory (somebody may have "
        "deleted it: go to one that is there, and try again); the training goes on\n"
    )


SPAWNS = """
import multiprocessing, subprocess, sys
import gxt

def work(rank):
    gxt.log({f"rank{rank}/loss": rank / 2})

if __name__ == "__main__":
    gxt.init(name="main")
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=work, args=(rank,)) for rank in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    subprocess.run([sys.executable, "-c", "import gxt; gxt.log({'eval/acc': 0.75})"], check=True)
    gxt.finish()
    with gxt.init(name="second"):
        gxt.log({"loss": 1})
"""


def test_processes_that_a_script_starts_log_into_its_run(repo: Path) -> None:
    (repo / "spawns.py").write_text(SPAWNS)
    done = subprocess.run([sys.executable, "spawns.py"], cwd=repo, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    runs = data(repo, "list")
    assert [(run["name"], run["status"], run["metrics"]) for run in runs] == [
        ("second", "completed", {"loss": 1.0}),
        ("main", "completed", {"rank0/loss": 0.0, "rank1/loss": 0.5, "eval/acc": 0.75}),
    ]
