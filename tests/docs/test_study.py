"""The tutorial's scaling study: its pictures are those of the stored runs, and its sweep makes such runs."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.conftest import data, git, gxt
from tests.docs.pages import ROOT, commands

MADE = runpy.run_path(str(ROOT / "docs" / "assets" / "make_study.py"))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the runs of the study; nobody records in it."""
    root = tmp_path_factory.mktemp("lab")
    git(root, "init", "-q")
    with tarfile.open(MADE["STUDY"]) as archive:
        archive.extractall(root, filter="data")
    gxt(root, "import", "files", "study")
    git(root, "config", "gxt.metric", "elo")
    return root


def texts(svg: str) -> list[str]:
    """All that is written in a picture, where matplotlib tells it in comments."""
    return re.findall(r"<!-- (.*?) -->", svg)


@pytest.mark.parametrize(("drawn", "kept"), list(MADE["PICTURES"].items()))
def test_the_pictures_are_those_of_the_stored_runs(drawn: str, kept: str, lab: Path) -> None:
    [command] = [
        one.text for one in commands(MADE["PAGE"]) if one.text.startswith("gxt plot") and drawn in one.text
    ]
    gxt(lab, *command.partition(" 2>")[0].split()[1:])
    new, old = (path.read_text(encoding="utf-8") for path in (lab / drawn, MADE["HERE"] / kept))
    version = re.compile(r"Matplotlib v[\d.]+")
    assert texts(new) == texts(old), "PYTHONPATH=. python docs/assets/make_study.py"
    if version.findall(new) == version.findall(old):  # another one may set the ticks a little elsewhere
        assert new == old


def test_the_archive_holds_what_the_page_sweeps(lab: Path) -> None:
    asked = re.findall(r"--name \"(\w+ [\w$]+)\"", MADE["sweep"]())
    names = {name.replace("$size", size) for name in asked for size in ("tiny", "small", "medium")}
    assert {run["name"] for run in data(lab, "list")} == names
    assert MADE["STUDY"].stat().st_size < 300_000


@pytest.mark.long
def test_the_smallest_run_of_the_sweep_comes_out_as_it_did(lab: Path, tmp_path: Path) -> None:
    first, second = MADE["sweep"]().splitlines()[:2]
    smallest = second.replace("tiny small medium", "tiny").replace("--repeats 3", "--seed 0")
    script = f"{first}\n{smallest}".replace("dvc ", f"'{sys.executable}' -m dvc ")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    git(tmp_path, "clone", "-q", str(ROOT), "gxt")
    subprocess.run(
        ["bash", "-euc", script], cwd=tmp_path / "gxt", env={**os.environ, "PATH": path}, check=True
    )
    again, stored = data(tmp_path / "gxt", "show"), data(lab, "show", "exp-001")
    assert again["params"] == stored["params"]
    assert again["metrics"]["parameters"] == stored["metrics"]["parameters"] == 1496
    assert stored["metrics"]["elo_low"] < again["metrics"]["elo"] < stored["metrics"]["elo_high"]
