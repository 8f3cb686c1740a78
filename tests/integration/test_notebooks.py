"""Runs in a notebook: a real session of IPython runs the cells."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gxt.data.place import find_cache
from gxt.git.repository import discover
from tests.conftest import data, gxt

KERNEL = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
for cell in json.loads(sys.stdin.read()):
    shell.run_cell(cell, store_history=True)
"""


def notebook(repo: Path, *cells: str) -> str:
    """Run cells as a kernel does that is shut down afterwards; what it said on stderr."""
    (repo / "ipykernel_launcher.py").write_text(KERNEL)
    with (repo / ".git/info/exclude").open("a") as exclude:
        exclude.write("ipykernel_launcher.py\n")
    done = subprocess.run(
        [sys.executable, "ipykernel_launcher.py"],
        cwd=repo, input=json.dumps(cells), capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stderr


@pytest.fixture(autouse=True)
def in_jupyter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/ada/lab/train.ipynb")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))


def source(repo: Path, run: Any) -> str:  # noqa: ANN401 the run as JSON
    (one,) = run["artifacts"]
    assert (one["name"], one["path"], one["kind"]) == ("train.py", ".gxt/out/train.py", "code")
    return find_cache(discover(repo)).path_of(one["md5"]).read_text()


def test_the_cells_are_kept_and_each_init_begins_a_run(repo: Path) -> None:
    cells = (
        "x = 1",
        "import gxt\ngxt.init({'lr': x})",
        "gxt.log({'a': 2})\n",
        "gxt.init(); gxt.log({'a': 3})",
    )
    assert notebook(repo, *cells, "gxt.finish()", "x = 'after the end'") == ""
    second, first = data(repo, "list")
    kept = "".join(f"# %%\n{cell.strip()}\n\n" for cell in cells)
    assert source(repo, first) == kept
    assert source(repo, second) == f"{kept}# %%\ngxt.finish()\n\n"
    facts = [(run["command"], run["status"], run["metrics"]) for run in (first, second)]
    assert facts == [(["train.ipynb"], "completed", {"a": 2}), (["train.ipynb"], "completed", {"a": 3})]


@pytest.mark.parametrize(
    ("cells", "status"),
    [
        (("import gxt; gxt.log({'a': 1})", "1 / 0"), "failed"),
        (("import gxt; gxt.log({'a': 1}); 1 / 0",), "failed"),
        (("import gxt; gxt.log({'a': 1})", "1 / 0", "'mended'"), "completed"),
        (("import gxt; gxt.log({'a': 1})", "def"), "failed"),
        (("import gxt; gxt.log({'a': 1})", "raise KeyboardInterrupt"), "interrupted"),
        (("import gxt\nwith gxt.init(): 1 / 0", "'went on'"), "failed"),
        (("import gxt; gxt.init()", "1 / 0", "gxt.finish()"), "completed"),
    ],
)
def test_a_run_fails_with_the_last_cell(repo: Path, cells: tuple[str, ...], status: str) -> None:
    notebook(repo, *cells)
    assert data(repo, "show")["status"] == status


def test_a_run_that_fails_is_failed_when_the_next_begins(repo: Path) -> None:
    notebook(repo, "import gxt; gxt.init()", "1 / 0", "gxt.init()")
    assert [run["status"] for run in data(repo, "list")] == ["completed", "failed"]


def test_cells_survive_a_kill(repo: Path) -> None:
    notebook(repo, "import gxt; gxt.init()", "import os; os.kill(os.getpid(), 9)")
    gxt(repo, "list")
    assert "os.kill" in source(repo, data(repo, "show"))
