"""Torn and damaged journals: what can be read is kept, the bad one is named, the others are listed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gxt.errors import DamagedRecord
from gxt.git.repository import discover
from gxt.ops.history import History
from gxt.ops.workspace import Workspace, open_workspace
from gxt.store import journal, locks
from gxt.store.places import live_paths
from gxt.store.settings import Settings
from tests.conftest import data, git, gxt
from tests.crash.conftest import check_sound, live_directory, notices


def no_start(path: Path) -> str:
    """What is said of a directory whose journal does not begin with a start."""
    hint = "gxt doctor --repair sets it aside"
    return f"{path.name} could not be recovered: the journal has no start ({hint})"


def test_every_prefix_of_a_journal_can_be_read(dead: Path) -> None:
    path = live_directory(dead)
    content = (path / journal.JOURNAL).read_bytes()
    first = content.index(b"\n")
    for cut in range(len(content) + 1):
        (path / journal.JOURNAL).write_bytes(content[:cut])
        if cut < first:
            with pytest.raises(DamagedRecord) as caught:
                journal.read(path, unfinished="interrupted")
            assert caught.value.message == "the journal has no start"
            continue
        folded = journal.read(path, unfinished="interrupted")
        torn = content[:cut].rpartition(b"\n")[2]
        is_torn = bool(torn) and torn != content[cut - len(torn) :].partition(b"\n")[0]
        expected = ["1 damaged line(s) of the journal left out"] if is_torn else []
        assert folded.metrics["notices"] == expected
        steps = list(folded.series["loss"].step) if "loss" in folded.series else []
        complete = content[:cut].split(b"\n") if not is_torn else content[:cut].split(b"\n")[:-1]
        assert len(steps) == sum(b'"e":"metrics"' in line for line in complete)


def test_lists_work_at_every_tenth_cut(dead: Path) -> None:
    """The directory is held, as by a living process, so that nothing is sealed meanwhile."""
    repository = discover(dead)
    path = live_directory(dead)
    content = (path / journal.JOURNAL).read_bytes()
    first = content.index(b"\n")
    held = locks.hold(path)
    assert held is not None
    for cut in range(0, len(content), 10):
        (path / journal.JOURNAL).write_bytes(content[:cut])
        with History(Workspace(repository, Settings())) as history:
            listed = [(run["id"], run["status"]) for run in history.runs()]
        assert listed == [*([("exp-002", "running")] if cut >= first else []), ("exp-001", "completed")]
    os.close(held)


@pytest.mark.parametrize("lines", [0, 1, 2, 3, 4])
def test_a_torn_journal_is_sealed_with_a_notice(dead: Path, lines: int) -> None:
    path = live_directory(dead)
    content = (path / journal.JOURNAL).read_bytes().splitlines(keepends=True)
    torn = b"".join(content[:lines]) + content[lines][:-5]
    (path / journal.JOURNAL).write_bytes(torn)
    workspace = open_workspace(dead)
    if lines == 0:
        assert workspace.notices == (no_start(path),)
        assert live_paths(workspace.repository) == [path]
        return
    assert workspace.notices == ("exp-002 was interrupted: everything it had logged is kept",)
    with History(workspace) as history:
        run = history.resolve("2")
        assert (run["status"], run["notices"]) == (
            "interrupted",
            ["1 damaged line(s) of the journal left out"],
        )
    check_sound(dead)


DAMAGES = {
    "zeros, as a power cut leaves them": b"\0" * 4096,
    "zeros and a line": b"\0" * 512 + b"\n",
    "no text": bytes(range(128, 256)) + b"\n",
    "not an object": b'[1]\n5\nnull\n"text"\n',
    "an unknown kind": b'{"e":"from the future","t":1700000000000000,"x":1}\n',
    "no kind": b'{"t":1700000000000000}\n',
    "too deep": b"[" * 100_000 + b"\n",
    "too many digits": b'{"e":"metrics","t":' + b"9" * 5000 + b',"s":1,"m":{"loss":1}}\n',
    "a time that no date has": b'{"e":"notice","t":999999999999999999999,"text":"x"}\n',
    "a time that is text": b'{"e":"notice","t":"now","text":"x"}\n',
    "values that are no numbers": b'{"e":"metrics","t":1700000000000000,"s":1,"m":{"other":"x"}}\n',
    "metrics that are a list": b'{"e":"metrics","t":1700000000000000,"s":1,"m":["other"]}\n',
    "a step beyond int64": b'{"e":"metrics","t":1700000000000000,"s":9223372036854775808,"m":{"a":1}}\n',
    "parameters too deep": b'{"e":"params","t":1700000000000000,"params":'
    + b'{"a":' * 80
    + b"1"
    + b"}" * 81
    + b"\n",
    "a tag that is no text": b'{"e":"tag","t":1700000000000000,"id":"x","tags":["a",7]}\n',
    "a document of a newer gxt": b'{"e":"environment","t":1700000000000000,"document":{"gxt":2}}\n',
    "an end without status": b'{"e":"finished","t":1700000000000000}\n',
    "a second start": b'{"e":"started","t":1700000000000000,"config":5,"offset":"+0000"}\n',
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damaged_lines_cost_nothing_but_themselves(dead: Path, damage: bytes) -> None:
    path = live_directory(dead)
    lines = (path / journal.JOURNAL).read_bytes().splitlines(keepends=True)
    (path / journal.JOURNAL).write_bytes(b"".join([lines[0], damage, b"\n", *lines[1:]]))
    workspace = open_workspace(dead)
    assert workspace.notices == ("exp-002 was interrupted: everything it had logged is kept",)
    with History(workspace) as history:
        run = history.resolve("2")
    assert run["metrics"] == {"loss": 0.5, "val/acc": 0.125}
    assert run["tags"] == ["paced"]
    assert str(run["notices"]).endswith("damaged line(s) of the journal left out']")
    assert git(dead, "fsck", "--strict", "--no-dangling", "--no-progress") == ""


@pytest.mark.parametrize("version", [b"2", b"null"])
def test_a_killed_run_of_a_newer_gxt_is_left_to_it(dead: Path, version: bytes) -> None:
    path = live_directory(dead)
    lines = (path / journal.JOURNAL).read_bytes()
    (path / journal.JOURNAL).write_bytes(lines.replace(b'"gxt":1', b'"gxt":' + version, 1))
    said = {b"2": "2", b"null": "None"}[version]
    what = f"the journal has format {said}; this gxt reads format 1"
    hint = "upgrade gxt: pip install -U gxt"
    assert notices(dead, "list") == [f"{path.name} could not be recovered: {what} ({hint})"]
    assert [run["id"] for run in data(dead, "list")] == ["exp-001"]
    done = gxt(dead, "doctor", "--repair", code=1)
    assert f"{path.name} cannot be recorded: {what}\n  {hint}\n" in done.stdout
    (path / journal.JOURNAL).write_bytes(lines)
    assert notices(dead, "list") == ["exp-002 was interrupted: everything it had logged is kept"]


STARTLESS = {
    "empty": b"",
    "no start": b'{"e":"metrics","t":1700000000000000,"s":1,"m":{"loss":1}}\n',
    "a start without a uid": b'{"e":"started","t":1700000000000000,"config":{"a":1},"offset":"+0000"}\n',
    "an array": b"[]\n",
    "zeros": b"\0" * 100,
}


@pytest.mark.parametrize("content", STARTLESS.values(), ids=STARTLESS.keys())
def test_a_journal_without_a_start_is_named_and_the_others_are_recovered(dead: Path, content: bytes) -> None:
    good = live_directory(dead)
    bad = good.with_name("00000000000000000000000000")
    bad.mkdir()
    (bad / journal.JOURNAL).write_bytes(content)
    named = no_start(bad)
    assert notices(dead, "list") == ["exp-002 was interrupted: everything it had logged is kept", named]
    assert notices(dead, "show") == [named]
    assert [run["id"] for run in data(dead, "list")] == ["exp-002", "exp-001"]
    (bad / journal.JOURNAL).unlink()
    bad.rmdir()
    check_sound(dead)


def test_a_directory_without_a_journal_or_with_another_runs_is_named(dead: Path) -> None:
    good = live_directory(dead)
    empty, foreign = (good.with_name(digit * 26) for digit in "01")
    empty.mkdir()
    foreign.mkdir()
    (foreign / journal.JOURNAL).write_bytes((good / journal.JOURNAL).read_bytes())
    said, aside = notices(dead, "list"), "sets it aside"
    assert said == [
        "exp-002 was interrupted: everything it had logged is kept",
        f"{empty.name} could not be recovered: No such file or directory: {empty / journal.JOURNAL}",
        f"{foreign.name} could not be recovered: its journal is another run's (gxt doctor --repair {aside})",
    ]
    assert [run["id"] for run in data(dead, "list")] == ["exp-002", "exp-001"]


def test_a_lost_reservation_gets_the_next_number(dead: Path) -> None:
    (live_directory(dead) / journal.NUMBER).write_text("")
    assert [run["id"] for run in data(dead, "list")] == ["exp-002", "exp-001"]
    check_sound(dead)


def test_a_start_that_does_not_say_when_is_listed_all_the_same(dead: Path) -> None:
    path = live_directory(dead) / "journal.jsonl"
    first, *rest = path.read_text().splitlines(keepends=True)
    start = json.loads(first)
    start["config"]["created"] = None
    path.write_text("".join([f"{json.dumps(start)}\n", *rest]))
    listed = gxt(dead, "list", "--columns", "id,created", "--csv").stdout.splitlines()
    assert listed[:2] == ["id,created", "exp-002,"]
    assert "interrupted" in gxt(dead, "list").stdout
    assert gxt(dead, "show", "2").returncode == 0
    check_sound(dead)
