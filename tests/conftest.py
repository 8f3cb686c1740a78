"""Every test is sealed: its own HOME, no system git configuration, a fixed author, nothing inherited."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests import ready

LEAKY_PREFIXES = ("GIT_", "GXT_", "CONDA_", "SLURM_")
LEAKY_NAMES = {
    "RANK",
    "LOCAL_RANK",
    "WORLD_SIZE",
    "LOCAL_WORLD_SIZE",
    "MASTER_ADDR",
    "MASTER_PORT",
    "NO_COLOR",
    "PYTHONUNBUFFERED",
    "PYTHONDONTWRITEBYTECODE",
}

_NUMBERS = count()


def git(repo: Path, *args: str, stdin: str | None = None) -> str:
    """What `git ARGS` prints in the repository, without the last newline. Fails the test when git fails."""
    done = subprocess.run(["git", *args], cwd=repo, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"git {' '.join(args)}: {done.stderr}"
    return done.stdout.rstrip("\n")


def gxt(repo: Path, *words: str, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
    """`gxt WORDS` as a process of its own. Fails the test when it ends with another exit code."""
    full = {**os.environ, **env}
    done = ready.run(list(words), repo, full) or subprocess.run(
        [sys.executable, "-m", "gxt", *words], cwd=repo, capture_output=True, text=True, check=False, env=full
    )
    assert done.returncode == code, f"gxt {' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def data(repo: Path, *words: str) -> Any:  # noqa: ANN401 whatever the command's JSON holds
    """What `gxt WORDS --json` answers: the envelope's data."""
    envelope = json.loads(gxt(repo, *words, "--json").stdout)
    assert envelope["error"] is None
    return envelope["data"]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where a skipped test means that something was not installed, it is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("NO_SKIPPED_TESTS") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def sealed(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh HOME with a fixed git identity; no variable of git, gxt or a launcher leaks in."""
    home = (
        tmp_path_factory.getbasetemp() / "homes" / str(next(_NUMBERS))
    )  # mktemp looks at all that there are
    home.mkdir(parents=True)
    for name in list(os.environ):
        if name.startswith(LEAKY_PREFIXES) or name in LEAKY_NAMES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_TEST_FSYNC", "0")  # a sixth of the time of `gxt run`
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("COLUMNS", "120")
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Ada Lovelace\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n"
        "[advice]\n\tdetachedHead = false\n"
    )
    return home


@pytest.fixture
def repo(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    """A git repository with one commit that holds `train.py` and `params.yaml`. Made once, then copied."""
    made = tmp_path_factory.getbasetemp() / "repo"
    if not made.exists():
        made.mkdir()
        git(made, "init", "-q")
        (made / "train.py").write_text("print('hello')\n")
        (made / "params.yaml").write_text("lr: 0.1\nmodel:\n  type: mlp\n  width: 64\n")
        git(made, "add", ".")
        git(made, "commit", "-q", "-m", "first")
    root = shutil.copytree(made, tmp_path / "repo")
    git(root, "update-index", "-q", "--refresh")  # to git a copy is another file
    return root
