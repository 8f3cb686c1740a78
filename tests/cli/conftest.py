"""Repositories that the tests of the command line share, made once and only read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.scratch import PYTHON, make_history


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six runs; nobody writes to it."""
    return make_history(tmp_path_factory.mktemp("history") / "repo", tmp_path_factory.mktemp("home"))


@pytest.fixture(autouse=True)
def python_in_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """`python` is the interpreter that has gxt, as in an activated environment."""
    import os

    monkeypatch.setenv("PATH", f"{PYTHON}:{os.environ['PATH']}")
    monkeypatch.setenv("TZ", "UTC")
