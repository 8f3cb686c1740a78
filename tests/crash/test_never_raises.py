"""Whatever breaks below the API after `init`: no call of it raises into the training."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import data
from tests.crash.test_full_disk import can_mount

SCRIPT = Path(__file__).with_name("never_raises.py")
WRAPPED = (sys.executable, "-m", "gxt", "run", "-q", "--")
BREAKAGES = (
    "nothing",
    "full disk",
    "directory deleted",
    "repository deleted",
    "journal replaced",
    "staging replaced",
    "read-only",
    "no git",
    "no threads",
    "no working directory",
    "descriptors closed",
    "no stderr",
    "finished",
    "hostile values",
)

IN_A_RUN = ("full disk", "staging replaced", "no stderr", "descriptors closed")
"""Seen in a run of `gxt run`, the others in a script alone; the other half of both is of the long form."""


def train(repo: Path, breakage: str, *, wrapped: bool) -> subprocess.CompletedProcess[str]:
    inside = ("unshare", "-Urm") if breakage == "read-only" else ()
    words = [*inside, *(WRAPPED if wrapped else ()), sys.executable, str(SCRIPT), breakage]
    return subprocess.run(words, cwd=repo, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("breakage", [one for one in BREAKAGES if one not in IN_A_RUN])
@pytest.mark.parametrize("wrapped", [pytest.param(True, marks=pytest.mark.long), False])
def test_nothing_raises_into_a_training(repo: Path, breakage: str, wrapped: bool) -> None:
    check(repo, breakage, wrapped=wrapped)


@pytest.mark.parametrize("breakage", IN_A_RUN)
@pytest.mark.parametrize("wrapped", [True, pytest.param(False, marks=pytest.mark.long)])
def test_nothing_raises_into_a_training_under_gxt_run(repo: Path, breakage: str, wrapped: bool) -> None:
    check(repo, breakage, wrapped=wrapped)


def check(repo: Path, breakage: str, *, wrapped: bool) -> None:
    if breakage == "read-only" and not can_mount():
        pytest.skip("no mount name spaces here")
    done = train(repo, breakage, wrapped=wrapped)
    assert (done.returncode, done.stdout) == (0, "trained\n"), done.stderr
    assert "Traceback" not in done.stderr


def test_where_nothing_is_broken_all_of_it_is_recorded(repo: Path) -> None:
    assert train(repo, "nothing", wrapped=False).stderr == "gxt: said\n"
    run = data(repo, "show")
    assert (run["status"], run["notices"]) == ("completed", ["said"])
    assert {one["kind"] for one in run["artifacts"]} == {
        "model", "file", "image", "figure", "table", "text", "histogram",
    }  # fmt: skip
    assert run["metric_stats"]["loss"]["count"] == 8
