"""If it is documented it is executed: the console blocks of the pages print what the pages show."""

from __future__ import annotations

import os
import subprocess
import sys
from difflib import unified_diff
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, agrees, commands, fences, normalised, run

# Executed by .ci/run, on a fresh machine.
EXECUTED_ELSEWHERE = {
    "python3 -m venv .venv && . .venv/bin/activate",
    "pip install -e '.[demo]' && gxt demo",
    "pip install -e '.[dev]' && pytest",
}


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=name)
def test_the_commands_print_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    wrong = []
    for one, real in run(page, tmp_path):
        if not agrees(one.shown, real):
            sides = (normalised(one.shown).splitlines(), normalised(real).splitlines())
            head = f"{name(page)}:{one.line}: $ {one.text.splitlines()[0]}"
            wrong.append("\n".join([head, *unified_diff(*sides, "shown", "printed", lineterm="")]))
    assert not wrong, "\n\n".join([*wrong, "python -m tests.docs.rewrite puts it right"])


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_command_hides_in_a_block_that_is_not_executed(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    hidden = {
        line
        for language, start, stop in fences(page)
        if language in {"bash", "sh", "shell"}
        for line in lines[start:stop]
    }
    if page.name == "benchmarks.md":  # minutes long, with the peers installed: people run it
        assert all("tests.bench" in line or line.startswith("pip install") for line in hidden)
    elif page.name == "scaling-study.md":  # minutes long too; tests/integration runs the pipeline, small
        assert all("dvc repro" in line for line in hidden)
    else:
        assert hidden <= EXECUTED_ELSEWHERE


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_python_blocks_run(page: Path, repo: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for language, start, stop in fences(page):
        if language == "python":
            code = "from __future__ import annotations\n" + "\n".join(lines[start:stop])
            done = subprocess.run(
                [sys.executable, "-c", code],
                cwd=repo,
                env={**os.environ, "PATH": path},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{name(page)}:{start}: {done.stderr}"


def test_what_is_shown_is_compared_exactly_but_for_what_changes_from_day_to_day() -> None:
    shown = "exp-001  01M7XRP8EM6E1VMJ806MWFDY73  took 0.1 s at 2026-11-21 00:39\n…\nlast"
    real = "exp-001  01M7XRP8EM6E1VMJ806MWFDY74  took 12 s at 2027-01-01 10:00\na\nb\nlast\n"
    assert agrees(shown, real)
    assert not agrees(shown, real.replace("exp-001", "exp-002"))
    assert not agrees(shown, real + "and more\n")
    assert not agrees("val/acc 0.97", "val/acc 0.98")
