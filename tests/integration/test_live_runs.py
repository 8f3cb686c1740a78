"""Lists of a run that has logged for hours: they read what is new, and say what the whole journal says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gxt.model.ids import new_uid
from gxt.model.json_types import JsonObject
from gxt.store import journal
from tests.conftest import data, gxt

UID = new_uid(1_700_000_000_000, bytes(10))
LINES = 4000  # some 300 KB: more than is read again each time


def started() -> str:
    config = {"uid": UID, "author": {"name": "A", "email": "a@b.c"}, "params": {"lr": 0.1}, "command": ["x"]}
    code: JsonObject = {"head": None, "branch": None, "dirty": False, "tree": "", "skipped": []}
    document = {**config, "code": code, "created": "2026-01-02T03:04:05.000000Z"}
    fields = {"config": document, "offset": "+0000", "host": "elsewhere", "boot": "", "pid": 1}
    return journal.encode({"e": "started", "t": 1_700_000_000_000_000, **fields})


def logged(step: int, **metrics: float) -> str:
    return journal.encode({"e": "metrics", "t": 1_700_000_000_000_000 + step, "s": step, "m": metrics})


@pytest.fixture
def live(repo: Path) -> Path:
    """The directory of a run that another machine records; `early` was logged once, long ago."""
    gxt(repo, "run", "-q", "--", "true")
    path = repo / ".git/gxt/live" / UID
    path.mkdir(parents=True)
    (path / journal.NUMBER).write_text("2\n")
    lines = [
        started(),
        logged(0, early=0.25),
        *(logged(i, loss=1 / (i + 1), acc=i / 8) for i in range(LINES)),
    ]
    (path / journal.JOURNAL).write_text("".join(f"{line}\n" for line in lines))
    return path


def add(path: Path, text: str) -> None:
    with (path / journal.JOURNAL).open("a") as file:
        file.write(text)


def listed(path: Path) -> object:
    """The run as `gxt list --json` has it; the same as a reader says that has no summary."""
    repo = path.parents[3]
    first = data(repo, "list")[0]
    (path / journal.SUMMARY).unlink(missing_ok=True)
    assert {**data(repo, "list")[0], "duration_s": 0} == {**first, "duration_s": 0}
    return first


PARTS: list[JsonObject] = [
    {"config": {}},
    {"config": {"uid": UID}},
    {"config": {"uid": "another", "author": {"name": "A", "email": "a@b.c"}, "params": {}}},
    {"environment": {"gpus": [1]}},
    {"environment": {"gxt": 2}},
    {"annotations": [5]},
    {"annotations": [{"op": "tag", "tag": 5}]},
    {"notices": [5]},
    {"stats": {"loss": 5}},
    {"stats": {"loss": {"last": 1, "min": None, "max": 1, "min_step": 0, "max_step": 0, "count": 1}}},
    {"end": {"status": 7, "duration_s": 1.0}},
    {"end": {"status": "completed", "duration_s": "1"}},
    {"offset": "\x1b[2J"},
    {"started_us": -(10**400)},
    {"last_us": 10**400},
    {"damaged": 10**4299},
]


def respell(path: Path, part: JsonObject) -> None:
    """Change a part of a summary, as a person or a bad disk might."""
    summary = json.loads(path.read_text())
    path.write_text(json.dumps({**summary, "fold": {**summary["fold"], **part}}))


def test_what_was_read_is_not_read_again(live: Path) -> None:
    repo = live.parents[3]
    before = data(repo, "list")[0]
    text = (live / journal.JOURNAL).read_text()
    (live / journal.JOURNAL).write_text(started() + "\n" + "#" * (len(text) - len(started()) - 2) + "\n")
    after = data(repo, "list")[0]
    assert {**after, "duration_s": 0} == {**before, "duration_s": 0}
    assert after["metrics"] == {"early": 0.25, "loss": 1 / LINES, "acc": (LINES - 1) / 8}


def test_what_is_new_counts(live: Path) -> None:
    repo = live.parents[3]
    data(repo, "list")
    add(live, logged(LINES, loss=2, late=5) + "\n" + logged(LINES + 1, loss=-1) + "\n" + '{"e":"metr')
    run = data(repo, "list")[0]
    assert run["metrics"] == {"early": 0.25, "loss": -1, "acc": (LINES - 1) / 8, "late": 5}
    assert run["metric_stats"]["loss"] == {
        "last": -1, "last_step": LINES + 1, "min": -1, "min_step": LINES + 1, "max": 2, "max_step": LINES,
        "count": LINES + 2,
    }  # fmt: skip
    assert run["notices"] == ["1 damaged line(s) of the journal left out"]
    assert listed(live) == {**run, "duration_s": pytest.approx(run["duration_s"], abs=60)}
    shown = data(repo, "show", "2", "--series")
    assert shown["series"]["loss"]["value"][-2:] == [2, -1]
    assert len(shown["series"]["acc"]["step"]) == LINES


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-5]),
        lambda path: path.write_text(path.read_text().replace("0.1.0", "0.0.9")),
        lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), "read": 1 << 40})),
        lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), "fold": {"config": {}}})),
        lambda path: path.write_bytes(b"[" * 100_000),
    ],
)
def test_a_summary_that_is_of_no_use_is_made_again(live: Path, spoil: Callable[[Path], object]) -> None:
    repo = live.parents[3]
    before = data(repo, "list")[0]
    spoil(live / journal.SUMMARY)
    assert {**data(repo, "list")[0], "duration_s": 0} == {**before, "duration_s": 0}


def test_a_summary_whose_parts_are_of_another_kind_is_made_again(live: Path) -> None:
    before = journal.read_summary(live, unfinished="running")
    for part in PARTS:
        respell(live / journal.SUMMARY, part)
        assert journal.read_summary(live, unfinished="running") == before, part


def test_a_short_journal_leaves_no_summary(live: Path) -> None:
    (live / journal.JOURNAL).write_text(started() + "\n" + logged(0, loss=1) + "\n")
    assert data(live.parents[3], "list")[0]["metrics"] == {"loss": 1}
    assert sorted(path.name for path in live.iterdir()) == [journal.JOURNAL, journal.NUMBER]


def test_a_new_run_does_not_read_the_journals_of_others(live: Path) -> None:
    """Whoever reads one of this length leaves a summary; the parent is in git."""
    repo = live.parents[3]
    assert gxt(repo, "run", "--", "true").stderr.startswith("exp-003 ← exp-001")
    assert not (live / journal.SUMMARY).exists()
