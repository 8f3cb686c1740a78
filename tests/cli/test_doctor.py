"""`gxt doctor`: what it prints, its envelope, its exit codes."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.cli.scratch import Terminal, tagged
from tests.conftest import git, gxt

REF = "refs/gxt/experiments"


@pytest.fixture
def copied(history: Path, tmp_path: Path) -> Path:
    """Six runs that a test may damage."""
    root = tmp_path / "copied"
    shutil.copytree(history, root)
    return root


def normal(text: str) -> str:
    """Without git's version and ids."""
    return re.sub(r"\b[0-9a-f]{10}\b", "<oid>", re.sub(r"git \d+\.[\d.\w]+", "git <version>", text))


LOOKED_AT = "git <version>, 6 runs, notes, refs, index, locks, settings"


def test_all_is_well(history: Path) -> None:
    done = gxt(history, "doctor")
    assert (normal(done.stdout), done.stderr) == (f"{LOOKED_AT}: all is well\n", "")


def test_all_is_well_without_runs(repo: Path) -> None:
    done = gxt(repo, "doctor")
    assert normal(done.stdout) == "git <version>, 0 runs, notes, refs, index, locks, settings: all is well\n"


def test_findings_and_their_repair(copied: Path) -> None:
    git(copied, "update-ref", REF, f"{REF}^")
    git(copied, "config", "gxt.metrc", "acc")
    done = gxt(copied, "doctor", code=1)
    assert done.stderr == ""
    assert normal(done.stdout) == (
        "refs/gxt/experiments was moved back from <oid> (exp-006) to <oid> (exp-005)\n"
        "  gxt doctor --repair moves it forward again\n"
        "git config sets gxt.metrc, which gxt does not know\n"
        "  did you mean gxt.metric?\n"
        f"{LOOKED_AT}: 2 findings; "
        "gxt doctor --repair can mend 1 of them\n"
    )
    assert normal(gxt(copied, "doctor", "--repair", code=1).stdout) == (
        "repaired: refs/gxt/experiments names <oid> (exp-006) again\n"
        "git config sets gxt.metrc, which gxt does not know\n"
        "  did you mean gxt.metric?\n"
        f"{LOOKED_AT}: 1 finding\n"
    )
    git(copied, "config", "--unset", "gxt.metrc")
    assert normal(gxt(copied, "doctor", "--repair").stdout) == f"{LOOKED_AT}: all is well\n"


def test_the_envelope(copied: Path) -> None:
    git(copied, "config", "gxt.metrc", "acc")
    envelope = json.loads(gxt(copied, "doctor", "--json", code=1).stdout)
    version = git(copied, "version").split()[2]
    assert envelope == {
        "gxt": 1,
        "data": {
            "checked": {"git": version, "runs": 6, "live": 0},
            "findings": [
                {
                    "code": "setting-unknown",
                    "what": "git config sets gxt.metrc, which gxt does not know",
                    "hint": "did you mean gxt.metric?",
                    "repairable": False,
                }
            ],
            "repaired": [],
        },
        "notices": [],
        "error": None,
    }
    git(copied, "config", "--unset", "gxt.metrc")
    assert json.loads(gxt(copied, "doctor", "--json").stdout)["data"]["findings"] == []


def test_on_a_terminal(copied: Path) -> None:
    git(copied, "config", "gxt.metrc", "\x1b[31m")
    (copied / ".git/refs/heads/a\x1b[31m.lock").touch()
    shown = tagged(Terminal(copied, 100).show("doctor"))
    assert normal(shown) == (
        "<red>git config sets gxt.metrc, which gxt does not know</>\n"
        "  did you mean gxt.metric?\n"
        f"{LOOKED_AT}: <red>1 finding</>\n"
    )


def test_it_writes_nothing_by_itself(copied: Path) -> None:
    git(copied, "update-ref", "-d", REF)
    (copied / ".git/gxt/live").mkdir(exist_ok=True)
    (copied / ".git/gxt/live/.new-01JD0000000000000000000000").mkdir()

    def state() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in (copied / ".git").rglob("*") if path.is_file()}

    before = state()
    gxt(copied, "doctor", code=1)
    assert state() == before


def test_outside_of_a_repository(tmp_path: Path) -> None:
    done = gxt(tmp_path, "doctor", code=1)
    hint = "make one here with: git init"
    assert done.stderr == f"gxt: {tmp_path.resolve()} is not in a git repository\n     {hint}\n"


def test_it_starts_few_git_processes(history: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    gxt(history, "doctor", GIT_TRACE2_EVENT=str(trace))
    events = [json.loads(line) for line in trace.read_text().splitlines()]
    assert len({event["sid"] for event in events if "/" not in event["sid"]}) <= 8
