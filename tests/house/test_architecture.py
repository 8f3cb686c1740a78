"""The code about itself: imports go one way, the style and the types hold, heavy modules stay away."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import data, git, gxt

ROOT = Path(__file__).parents[2]
SLOW = {"dataclasses", "inspect", "rich", "typer", "yaml"}  # each costs more than all of a list of 20 runs
HEAVY = {"pandas", "numpy", "scipy", "matplotlib", "torch", "dvc", "pydantic", "git"}


def check(*command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_imports_go_one_way() -> None:
    script = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
    done = subprocess.run(
        [sys.executable, "-c", script, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_ruff_has_nothing_to_say() -> None:
    check("ruff", "check", "gxt", "tests")


def test_ruff_would_format_nothing() -> None:
    check("ruff", "format", "--check", "gxt", "tests")


def test_the_types_hold() -> None:
    check("mypy")


def _loaded(code: str, cwd: Path = ROOT) -> set[str]:
    """The modules in sys.modules after running the code in a fresh interpreter."""
    script = f"import sys, json\n{code}\nprint('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=cwd, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_gxt_loads_no_third_party_module() -> None:
    bare = _loaded("")
    new = _loaded("import gxt") - bare
    assert {name.split(".")[0] for name in new} <= {"gxt", *sys.stdlib_module_names}
    assert {name for name in new if name.startswith("gxt")} == {"gxt"}


@pytest.mark.parametrize(
    "words",
    [["--help"], ["list"], ["list", "--help"], ["plot", "--help"], ["tree"], ["show"], ["scaling", "--help"]],
)
def test_commands_load_no_heavy_module(repo: Path, words: list[str]) -> None:
    gxt(repo, "run", "-q", "--", "true")
    run = f"sys.argv = ['gxt', *{words!r}]\nfrom gxt.cli.main import _run\n_run({words!r})"
    assert {name.split(".")[0] for name in _loaded(run, repo)} & (HEAVY | SLOW) == set()


def test_a_pivot_table_needs_no_package_of_an_extra() -> None:
    loaded = _loaded("import gxt.ops.pivot, gxt.render.pivoting, gxt.render.side_by_side")
    assert {name.split(".")[0] for name in loaded} & (HEAVY | SLOW) == set()


def test_a_run_with_known_parameters_loads_no_heavy_module(repo: Path) -> None:
    os.utime(repo / "params.yaml", (1_700_000_000, 1_700_000_000))  # what changed just now is not remembered
    gxt(repo, "run", "-q", "--", "true")
    run = "from gxt.cli.main import _run\ntry: _run(['run', '-q', '--', 'true'])\nexcept SystemExit: pass"
    assert {name.split(".")[0] for name in _loaded(run, repo)} & (HEAVY | SLOW) == set()
    assert data(repo, "show")["params"] == {"lr": 0.1, "model": {"type": "mlp", "width": 64}}


RARE = (
    *("gxt.capture.own_patterns", "gxt.capture.printed", "gxt.capture.scraping", "gxt.ops.printed"),
    *("gxt.capture.nvml", "gxt.capture.system", "gxt.store.run_settings", "ctypes"),
)


def test_a_run_that_is_short_and_prints_no_number_loads_nothing_that_reads_them(repo: Path) -> None:
    for command, loaded in (("true", set()), ("echo", {"gxt.ops.printed"})):
        run = f"from gxt.cli.main import _run\ntry: _run(['run', '-q', '--', '{command}', 'hello'])"
        found = _loaded(f"{run}\nexcept SystemExit: pass", repo)
        assert {name for name in found if name.startswith(RARE)} == loaded


def test_a_run_without_data_loads_nothing_that_looks_at_data(repo: Path) -> None:
    run = "from gxt.cli.main import _run\ntry: _run(['run', '-q', '--', 'true'])\nexcept SystemExit: pass"
    loaded = _loaded(run, repo)
    assert {
        name for name in loaded if name.startswith(("gxt.data", "gxt.ops.data", "gxt.model.data"))
    } == set()


def test_a_run_without_logs_of_others_loads_nothing_that_reads_them(repo: Path) -> None:
    run = "from gxt.cli.main import _run\ntry: _run(['run', '-q', '--', 'true'])\nexcept SystemExit: pass"
    loaded = _loaded(run, repo)
    assert {name for name in loaded if name.startswith(("gxt.capture.loggers", "gxt.ops.following"))} == set()


def test_processes_start_in_few_places() -> None:
    pattern = re.compile(r"^\s*(?:import subprocess|from subprocess import)", re.MULTILINE)
    found = {
        str(path.relative_to(ROOT / "gxt"))
        for path in (ROOT / "gxt").rglob("*.py")
        if pattern.search(path.read_text()) and not str(path.relative_to(ROOT / "gxt")).startswith("demo/")
    }
    assert found == {
        "capture/guardian.py",  # the shell that outlives us
        "capture/programs.py",  # asks an interpreter what it is, nvidia-smi what there is
        "capture/process.py",  # the wrapped command
        "capture/side_by_side.py",  # repeats at once, each a gxt of its own
        "git/objects.py",
        "git/process.py",
    }


def test_the_public_names_are_exactly_these() -> None:
    import gxt as package

    assert package.__all__ == [
        "Artifact",
        "Experiment",
        "ExperimentRegistry",
        "GxtError",
        "RecordedRun",
        "Run",
        "Series",
        "define_metric",
        "finish",
        "get",
        "init",
        "log",
        "log_artifact",
        "log_eval",
        "log_figure",
        "log_histogram",
        "log_image",
        "log_metric",
        "log_metrics",
        "log_model",
        "log_param",
        "log_params",
        "log_table",
        "log_text",
        "resume",
        "runs",
        "tag",
        "warn",
    ]
    assert all(getattr(package, name) is not None for name in package.__all__)


def _git_processes(repo: Path, trace: Path, *words: str) -> int:
    """How many git processes a command starts by itself (children of git are git's own matter)."""
    trace.unlink(missing_ok=True)
    gxt(repo, *words, GIT_TRACE2_EVENT=str(trace))
    events = [json.loads(line) for line in trace.read_text().splitlines()]
    return len({event["sid"] for event in events if "/" not in event["sid"]})


def test_commands_keep_to_their_budget_of_git_processes(repo: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    git(repo, "status")
    assert _git_processes(repo, trace, "run", "-q", "--", "true") <= 11
    assert _git_processes(repo, trace, "run", "-q", "--data", "train.py", "--", "true") <= 12
    assert _git_processes(repo, trace, "list") <= 4  # the index is behind
    assert _git_processes(repo, trace, "list") <= 4
    assert _git_processes(repo, trace, "show") <= 4
    assert _git_processes(repo, trace, "tree") <= 4
