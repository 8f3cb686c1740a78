"""A run that another machine recorded on a shared file system: who may say that it is dead."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path

import pytest

from gxt.store.journal import last_write_s
from tests.conftest import data, gxt
from tests.crash.conftest import check_sound, live_directory, notices, paced

KEPT = "exp-002 was interrupted: everything it had logged is kept"
LAST_S = 1_700_000_000
SILENT = (
    f"exp-002 on node7 has been silent since {time.strftime('%Y-%m-%d %H:%M', time.localtime(LAST_S))}; "
    "if it is dead: gxt status --seal exp-002"
)

LIVELY = (
    "gxt: exp-002 has written something 5 s ago: it runs on node7\n"
    "     end it there; when it has been silent for a minute it can be sealed here\n"
)


def plant(repo: Path, *, last_s: float = LAST_S, **facts: str) -> None:
    """Have the journal of the dead run say that it was recorded there, with its last write at that time."""
    path = live_directory(repo)
    first, *rest = (path / "journal.jsonl").read_text().splitlines(keepends=True)
    started = json.dumps({**json.loads(first), **facts})
    (path / "journal.jsonl").write_text("".join([f"{started}\n", *rest]))
    for file in path.iterdir():
        os.utime(file, (last_s, last_s))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no file tells which boot this is")
def test_another_container_on_this_kernel_is_judged_by_its_locks(dead: Path) -> None:
    plant(dead, host="4f1c0ffee000")
    assert notices(dead, "list") == [KEPT]
    check_sound(dead)


def test_another_boot_of_this_host_is_over(dead: Path) -> None:
    plant(dead, boot="before")
    assert notices(dead, "list") == [KEPT]
    check_sound(dead)


def test_another_machine_s_run_goes_on_and_is_spoken_of_after_a_day(dead: Path) -> None:
    plant(dead, host="node7", boot="its own", last_s=time.time() - 23 * 3600)
    assert notices(dead, "list") == []
    plant(dead)
    assert (notices(dead, "list"), notices(dead, "status")) == ([SILENT], [SILENT])
    assert [(run["id"], run["status"]) for run in data(dead, "list")] == [
        ("exp-002", "running"),
        ("exp-001", "completed"),
    ]


def test_it_is_sealed_when_somebody_says_that_it_is_dead(dead: Path) -> None:
    plant(dead, host="node7", boot="its own")
    done = gxt(dead, "status", "--seal", "2")
    assert done.stderr == "gxt: exp-002 is recorded as interrupted: everything it had logged is kept\n"
    assert done.stdout.splitlines()[0] == "running  nothing"
    run = data(dead, "show", "2")
    assert (run["status"], run["metric_stats"]["loss"]["count"]) == ("interrupted", 2)
    check_sound(dead)


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        ("2", LIVELY),
        (
            "1",
            (
                "gxt: exp-001 is in git already: it is completed\n"
                "     there is nothing to seal: gxt show exp-001\n"
            ),
        ),
        ("7", "gxt: no run '7'\n     the latest is exp-002; gxt list shows all\n"),
    ],
)
def test_what_cannot_be_sealed(dead: Path, ref: str, said: str) -> None:
    plant(dead, host="node7", boot="its own", last_s=time.time() - 5)
    done = gxt(dead, "status", "--seal", ref, code=2)
    assert re.sub(r"\d+ s ago", "5 s ago", done.stderr) == said
    assert live_directory(dead).exists()


def test_a_run_that_is_alive_is_not_sealed(repo: Path) -> None:
    with paced(repo, wrapped=True) as training:
        plant(repo, host="node7", boot="its own")
        assert notices(repo, "list") == []
        said = gxt(repo, "status", "--seal", "1", code=2).stderr
        assert said == "gxt: exp-001 is running\n     end its processes: then it is sealed by itself\n"
        training.end()
        assert training.process.wait() == 0
    assert data(repo, "show")["status"] == "completed"


def test_what_readers_write_is_no_sign_of_life(dead: Path) -> None:
    plant(dead)
    path = live_directory(dead)
    (path / "summary.json").write_text("{}")
    (path / "output.log").write_bytes(b"")
    (path / "output.3").symlink_to("gone")
    assert last_write_s(path) == LAST_S
    os.utime(path / "journal.jsonl", (LAST_S + 9, LAST_S + 9))
    assert last_write_s(path) == LAST_S + 9
    (path / "output.log").write_bytes(b"a line\n")
    assert last_write_s(path) == (path / "output.log").stat().st_mtime
    assert last_write_s(path / "gone") == 0
