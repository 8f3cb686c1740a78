"""What a fetch brought: a history that is none is refused, a run that is none is named, all else arrives."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gxt.errors import DamagedRecord, NewerFormat
from gxt.git.objects import ObjectReader
from gxt.git.repository import discover
from gxt.model.ids import run_id
from gxt.store.sync import contents
from gxt.store.tree import changes
from tests.conftest import gxt
from tests.integration.arriving import AT, BY, Remote, Run, config, event, lines, metrics

ABSENT = "1234567890" * 4
REF = "the remote's refs/gxt/experiments"


@pytest.fixture
def remote(repo: Path) -> Remote:
    return Remote(repo)


def test_sound_runs_arrive(remote: Remote) -> None:
    one, two, three = (remote.run(number) for number in (1, 2, 12_345))
    gone = remote.removed(two)
    tip = remote.history([one, gone, three])
    found = remote.check(None, tip)
    assert (found.tip, found.next_number, found.refused) == (tip, 12_346, ())
    assert [(run.number, run.uid, run.removed) for run in found.runs] == [
        (1, one.uid, False),
        (2, two.uid, True),
        (12_345, three.uid, False),
    ]
    assert [run.folder.oid for run in found.runs] == [remote.folder(run) for run in (one, gone, three)]
    assert found.runs[0].folder.entries["run"].oid == one.commit


def test_what_gxt_recorded_arrives_elsewhere(repo: Path, remote: Remote) -> None:
    words = ("run", "-q", "--tag", "a", "--", "python3", "-c", "print('hello')")
    gxt(repo, *words)
    gxt(repo, *words)
    tip = remote.git("rev-parse", "refs/gxt/experiments")
    found = remote.check(None, tip)
    assert ([run.number for run in found.runs], found.refused, found.next_number) == ([1, 2], (), 3)
    assert remote.check(f"{remote.git('rev-parse', f'{tip}~1')}", tip).runs == found.runs[1:]
    assert remote.check(tip, tip) == found._replace(runs=())


def test_what_people_said_later_arrives_with_its_run(remote: Remote) -> None:
    run = remote.run(1)
    base = remote.history([run])
    said = run.having("annotations.jsonl", remote.blob(lines(event("e1", "tag", tag="a"))))
    (found,) = remote.check(base, remote.history([said], base, [])).runs
    assert (found.number, found.removed, found.folder.oid) == (1, False, remote.folder(said))


def test_a_removed_run_arrives_and_so_does_its_restoration(remote: Remote) -> None:
    run = remote.run(1)
    base = remote.history([run])
    removed = remote.history([remote.removed(run)], base, [])
    assert [one.removed for one in remote.check(base, removed).runs] == [True]
    events = lines(event("e1", "removed"), event("e2", "remove", removes=["e1"]))
    back = run.having("annotations.jsonl", remote.blob(events))
    restored = remote.history([back], removed, [])
    assert [one.removed for one in remote.check(removed, restored).runs] == [False]


def test_a_run_is_restored_as_it_was_recorded(remote: Remote) -> None:
    run, other = remote.run(1), remote.run(2)
    removed = remote.history([remote.removed(run)], remote.history([run]), [])
    back = run.having("annotations.jsonl", remote.blob(b""))
    edited = back.having("metrics.json", remote.blob({**metrics(run.uid), "exit_code": 1}))
    found = remote.check(removed, remote.history([edited, other], removed, [other]))
    assert [one.number for one in found.runs] == [2]
    assert found.refused == ("exp-001: its metrics.json is not the one that was recorded",)
    again = remote.check(removed, remote.history([back], removed, []))
    assert ([one.number for one in again.runs], again.refused) == ([1], ())


# --- the whole -------------------------------------------------------------------------------------------


def refusal(remote: Remote, base: str | None, theirs: str, known: dict[str, int] | None = None) -> str:
    with pytest.raises(DamagedRecord) as caught:
        remote.check(base, theirs, known)
    assert caught.value.hint.startswith("nothing was taken from it")
    return caught.value.message


def test_a_history_that_is_none_is_refused(remote: Remote) -> None:
    head = remote.git("rev-parse", "HEAD")
    assert refusal(remote, None, head) == f"{REF} names a commit that is not gxt's: {head[:10]} first"
    assert refusal(remote, None, ABSENT) == f"{REF} names {ABSENT}, which git cannot read"
    blob = remote.blob(b"x")
    assert refusal(remote, None, blob) == f"{REF} names a blob, no commit"


def test_a_newer_format_is_refused(remote: Remote) -> None:
    newer = remote.top([remote.run(1)], 2, [("100644", b"format", remote.blob(b"2\n"))])
    with pytest.raises(NewerFormat) as caught:
        remote.check(None, remote.entry(remote.root, newer))
    assert caught.value.message == f"{REF} has format 2; this gxt reads format 1"


def test_a_history_with_another_beginning_is_refused(remote: Remote) -> None:
    run = remote.run(1)
    tree = remote.top([run], 2)
    begin = remote.commit(tree, [], "begin")
    expected = f"{REF} begins with {begin[:10]}, which is not how a history of gxt begins"
    assert refusal(remote, None, remote.entry(begin, tree, run.commit)) == expected


def test_a_history_that_does_not_go_on_from_the_base_is_refused(remote: Remote) -> None:
    one, two = remote.run(1), remote.run(2)
    base, other = remote.history([one]), remote.history([two])
    assert refusal(remote, base, other) == f"{REF} does not go on from {base[:10]}, though it has that entry"


def test_an_entry_with_three_parents_is_refused(remote: Remote) -> None:
    one, two = remote.run(1), remote.run(2)
    tip = remote.commit(remote.top([one, two], 3), [remote.root, one.commit, two.commit], "both")
    assert refusal(remote, None, tip) == f"{REF}: {tip[:10]} is no entry: it has 3 parents"


def test_a_history_that_is_not_whole_is_refused(remote: Remote) -> None:
    tip = remote.entry(ABSENT, remote.top([], 1))
    assert refusal(remote, None, tip).startswith(f"the history of {REF} is not whole: ")


def test_a_run_that_is_there_twice_is_refused(remote: Remote) -> None:
    one = remote.run(1)
    copy = remote.run(2, one.uid)
    twice = f"{REF} has the run {one.uid} twice: as exp-001 and as exp-002"
    assert refusal(remote, None, remote.history([one, copy])) == twice
    base = remote.history([one])
    tip = remote.history([one, remote.run(2, one.uid)._replace(commit=copy.commit)], base, [copy])
    again = remote.commit(remote.nothing, [], f"another\n\nRun-Uid: {one.uid}\n")
    copy = copy.having("run", again, "160000")._replace(commit=again)
    tip = remote.history([one, copy], base, [copy])
    assert refusal(remote, base, tip, {one.uid: 1}) == twice


def test_our_own_run_that_they_have_under_their_number_is_not_there_twice(remote: Remote) -> None:
    one, two = remote.run(1), remote.run(2)
    base = remote.history([one])
    found = remote.check(base, remote.history([one, two], base, [two]), {one.uid: 1, two.uid: 3})
    assert [run.number for run in found.runs] == [2]


def test_a_tip_that_is_too_large_is_not_read(remote: Remote, sizes: Callable[[], int]) -> None:
    large = remote.blob(bytes(70 << 20))
    tree = remote.top([], 1, [("100644", b"next", large)])
    tip = remote.entry(remote.root, tree)
    assert refusal(remote, None, tip) == f"{REF}: {tip}:next has {70 << 20} bytes: more than gxt reads"
    assert sizes() < 10_000


def test_a_tree_of_nothing_but_strays_is_refused(remote: Remote) -> None:
    items = [("100644", b"stray-%04d" % number, remote.blob(b"")) for number in range(1001)]
    said = refusal(remote, None, remote.entry(remote.root, remote.top([], 1, items)))
    assert said == "more than 1000 paths are no runs, stray-0000 for one"


def test_a_few_objects_cannot_make_an_endless_tree(remote: Remote) -> None:
    run = remote.folder(remote.run(1))
    shard = remote.tree([("40000", b"exp-%03d" % number, run) for number in range(100)])
    items = [("40000", b"exp-%dxx" % number, shard) for number in range(10_000)]
    tip = remote.entry(remote.root, remote.top([], 1, sorted(items)))
    assert refusal(remote, None, tip).startswith("more than 1000 paths are no runs, exp-")


@pytest.mark.parametrize(("said", "expected"), [("1", 3), ("9", 9), ("x", 3), ("0", 3), ("-5", 3)])
def test_the_next_number_is_above_every_one(remote: Remote, said: str, expected: int) -> None:
    runs = [remote.run(1), remote.run(2)]
    base = remote.history(runs[:1])
    tree = remote.top(runs, 1, [("100644", b"next", remote.blob(said.encode()))])
    found = remote.check(base, remote.entry(base, tree, runs[1].commit))
    assert (found.next_number, found.refused) == (expected, ())


# --- what is asked for -----------------------------------------------------------------------------------


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many bytes of objects were read."""
    read = 0
    original = ObjectReader.read_many

    def counted(self: ObjectReader, names: list[str]) -> Iterator[object]:
        nonlocal read
        for found in original(self, names):
            read += len(found.data) if found else 0
            yield found

    monkeypatch.setattr(ObjectReader, "read_many", counted)
    return lambda: read


@pytest.mark.parametrize(
    ("name", "size"), [("config.json", 64 << 20), ("series", 64 << 20), ("output.log", 2 << 20)]
)
def test_a_file_that_is_too_large_is_not_read(
    remote: Remote, sizes: Callable[[], int], name: str, size: int
) -> None:
    large = remote.run(2).having(name, remote.blob(bytes(size + 1)))
    found = remote.check(None, remote.history([remote.run(1), large, remote.run(3)]))
    assert [run.number for run in found.runs] == [1, 3]
    assert found.refused == (f"exp-002: its {name} has {size + 1} bytes: more than gxt reads",)
    assert sizes() < 10_000


def test_the_cost_follows_what_differs(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[str]()
    original = ObjectReader.read_many

    def counted(self: ObjectReader, names: list[str]) -> Iterator[object]:
        asked.extend(names := list(names))
        return original(self, names)

    monkeypatch.setattr(ObjectReader, "read_many", counted)
    costs = []
    for many in (2, 40):
        runs = [remote.run(number) for number in range(1, many + 1)]
        base = remote.history(runs, remote.root, runs[:1])
        new = remote.run(250)
        tip = remote.history([*runs, new], base, [new])
        asked.clear()
        assert [run.number for run in remote.check(base, tip).runs] == [250]
        costs.append(len(asked))
    assert costs == [costs[0]] * 2
    assert costs[0] <= 30


# --- one run ---------------------------------------------------------------------------------------------


def refused(remote: Remote, run: Run) -> str:
    """Why a run is left out, between two that arrive."""
    found = remote.check(None, remote.history([remote.run(1), run, remote.run(9)]))
    assert [one.number for one in found.runs] == [1, 9]
    (said,) = found.refused
    return said


def in_config(remote: Remote, run: Run, **fields: object) -> Run:
    return run.having("config.json", remote.blob({**config(run.uid), **fields}))


FILES: dict[str, Callable[[Remote, Run], Run]] = {
    "'x.py' does not belong to a run": lambda remote, run: run.having("x.py", remote.blob(b"")),
    "'..' does not belong to a run": lambda remote, run: run.having("..", remote.nothing, "40000"),
    "'.git' does not belong to a run": lambda remote, run: run.having(".git", remote.nothing, "40000"),
    "'../x' does not belong to a run": lambda remote, run: run.having("../x", remote.blob(b"")),
    "'\\udcff' does not belong to a run": lambda remote, run: run.having(b"\xff", remote.blob(b"")),
    "'a\\x1b[2J' does not belong to a run": lambda remote, run: run.having(b"a\x1b[2J", remote.blob(b"")),
    "config.json has the mode 100755": lambda remote, run: run.having(
        "config.json", remote.blob(config(run.uid)), "100755"
    ),
    "metrics.json has the mode 120000": lambda remote, run: run.having(
        "metrics.json", remote.blob(b"/etc/passwd"), "120000"
    ),
    "config.json has the mode 40000": lambda remote, run: run.having("config.json", remote.nothing, "40000"),
    "run has the mode 100644": lambda _, run: run.having("run", run.commit),
    "output.log has the mode 160000": lambda _, run: run.having("output.log", run.commit, "160000"),
    "it has no environment.json": lambda _, run: run.lacking("environment.json"),
    "it has no run": lambda _, run: run.lacking("run"),
    f"no entry brings its commit {ABSENT[:10]}": lambda _, run: run.having("run", ABSENT, "160000"),
    f"git does not have its config.json, {ABSENT[:10]}": lambda _, run: run.having("config.json", ABSENT),
    "its config.json is a tree, no blob": lambda remote, run: run.having("config.json", remote.nothing),
    "its series is not in pieces that are named 0001, 0002 …": lambda remote, run: run.having(
        "series", remote.tree([("100644", b"0002", remote.blob(b""))]), "40000"
    ),
    "series/0001 has the mode 120000": lambda remote, run: run.having(
        "series", remote.tree([("120000", b"0001", remote.blob(b""))]), "40000"
    ),
    "its series cannot be opened: it is a blob, no directory": lambda remote, run: run.having(
        "series", remote.blob(b""), "40000"
    ),
    "'config.json' does not belong to a removed run": lambda remote, run: remote.removed(run).having(
        "config.json", remote.blob(config(run.uid))
    ),
}


@pytest.mark.parametrize("why", FILES)
def test_a_directory_that_is_not_one_of_a_run_is_left_out(remote: Remote, why: str) -> None:
    assert refused(remote, FILES[why](remote, remote.run(2))) == f"exp-002: {why}"


DOCUMENTS: dict[str, Callable[[Remote, Run], Run]] = {
    "config.json is nested too deep": lambda remote, run: run.having(
        "config.json", remote.blob(b'{"params": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")
    ),
    "config.json is not valid JSON: .*": lambda remote, run: run.having(
        "config.json", remote.blob(b'{"a": ' + b"9" * 5000 + b"}")
    ),
    "config.json has a key twice": lambda remote, run: run.having(
        "config.json",
        remote.blob(json.dumps(config(run.uid)).encode()[:-1] + b', "uid": "' + run.uid.encode() + b'"}'),
    ),
    "config.json is not a JSON object": lambda remote, run: run.having("config.json", remote.blob(b"[]")),
    "config.json lacks a field: 'uid'": lambda remote, run: run.having("config.json", remote.blob(b"{}")),
    "config.json: created is not of the right kind": lambda remote, run: in_config(
        remote, run, created="now"
    ),
    "environment.json: gpus is not of the right kind": lambda remote, run: run.having(
        "environment.json", remote.blob({"gpus": "many"})
    ),
    "metrics.json has format 2; .*": lambda remote, run: run.having(
        "metrics.json", remote.blob({**metrics(run.uid), "gxt": 2})
    ),
    "its commit is that of the run [0-9A-Z]{26}, its config.json that of �x": lambda remote, run: in_config(
        remote, run, uid="\ud800x"
    ),
    "its commit is that of the run [0-9A-Z]{26}, its metrics.json that of None": lambda remote, run: (
        run.having("metrics.json", remote.blob({**metrics(run.uid), "uid": None}))
    ),
    "annotations.jsonl is not valid JSON: .*": lambda remote, run: run.having(
        "annotations.jsonl", remote.blob(lines(event("e1", "tag", tag="a")) + b"{torn")
    ),
    "annotations.jsonl: id is not of the right kind": lambda remote, run: run.having(
        "annotations.jsonl", remote.blob(lines(event("", "tag", tag="a")))
    ),
    "annotations.jsonl: at is not of the right kind": lambda remote, run: run.having(
        "annotations.jsonl", remote.blob(lines(event("e1", "tag", at="1", tag="a")))
    ),
    "annotations.jsonl: by is not of the right kind": lambda remote, run: run.having(
        "annotations.jsonl", remote.blob(lines({**event("e1", "tag"), "by": "Ada"}))
    ),
    "annotations.jsonl: values is not of the right kind": lambda remote, run: run.having(
        "annotations.jsonl", remote.blob(lines(event("e1", "evaluation", name="a", values=[1])))
    ),
    "annotations.jsonl has a line of [0-9]+ bytes: more than gxt reads": lambda remote, run: run.having(
        "annotations.jsonl", remote.blob(lines(event("e1", "comment", text="x" * (2 << 20))))
    ),
    "annotations.jsonl has a key twice": lambda remote, run: run.having(
        "annotations.jsonl", remote.blob(lines(event("e1", "tag")).replace(b"{", b'{"op": "x", ', 1))
    ),
    "its annotations say that it is removed, and its files are there": lambda remote, run: run.having(
        "annotations.jsonl", remote.blob(lines(event("e1", "removed")))
    ),
    "its removed.json is not what its annotations say": lambda remote, run: remote.removed(
        run, said="2026-01-02T03:04:06.000000Z"
    ),
    "removed.json: by is not of the right kind": lambda remote, run: remote.removed(run).having(
        "removed.json", remote.blob({"uid": run.uid, "at": AT, "by": 1})
    ),
    "its commit is that of the run [0-9A-Z]{26}, its removed.json that of 1": lambda remote, run: (
        remote.removed(run).having("removed.json", remote.blob({"uid": "1", "at": AT, "by": BY}))
    ),
}


@pytest.mark.parametrize("why", DOCUMENTS)
def test_documents_that_cannot_be_shown_are_left_out(remote: Remote, why: str) -> None:
    pattern = why if why.endswith("*") or "[" in why else re.escape(why)
    assert re.fullmatch(f"exp-002: {pattern}", refused(remote, DOCUMENTS[why](remote, remote.run(2))))


def test_a_file_name_that_is_no_text_is_no_reason_to_refuse(remote: Remote) -> None:
    run = in_config(remote, remote.run(1), cwd="a\udcff", params={"a": "\\u0022: \": ':", "b": 'x": 1'})
    assert [one.number for one in remote.check(None, remote.history([run])).runs] == [1]


def test_a_commit_that_is_none_is_left_out(remote: Remote) -> None:
    for oid, why in (
        (remote.blob(b""), "its run is a blob, no commit"),
        (ABSENT, f"git does not have its run, {ABSENT[:10]}"),
        (remote.commit(remote.nothing, [], "a commit of the code"), "its commit is that of no run"),
    ):
        run = remote.run(2).having("run", oid, "160000")._replace(commit=oid)
        assert refused(remote, run) == f"exp-002: {why}"


def test_a_run_whose_commit_is_anothers_is_left_out(remote: Remote) -> None:
    other = remote.run(7)
    run = remote.run(2).having("run", other.commit, "160000")._replace(commit=other.commit)
    uid = remote.run(2).uid
    assert refused(remote, run).startswith(f"exp-002: its commit is that of the run {other.uid}, its ")
    assert refused(remote, run).endswith(f".json that of {uid}")


def test_a_run_in_a_place_that_is_not_its_own_is_left_out(remote: Remote) -> None:
    for place in (
        "exp-1xx/exp-002",
        "exp-0xx/exp-0002",
        "exp-002",
        "exp-0xx/..",
        "exp-0xx/a",
        "exp-0xx/exp-0xx",
    ):
        run = remote.run(2)._replace(place=place)
        if "/" not in place:
            tree = remote.top([remote.run(1), remote.run(9)], 3, [("40000", b"exp-002", remote.folder(run))])
            tip = remote.entry(remote.history([remote.run(1), remote.run(9)]), tree)
            found = remote.check(None, tip)
            assert found.refused == (f"{place}: no run belongs here",)
        else:
            assert refused(remote, run) == f"{place}: no run belongs here"


def test_a_shard_that_is_none_is_named(remote: Remote) -> None:
    run = remote.run(1)
    for mode, oid, why in (
        ("120000", remote.blob(b"/etc"), "its mode is 120000: it is no directory"),
        ("40000", remote.blob(b"x"), "it is a blob, no directory"),
        ("40000", ABSENT, "git does not have it"),
    ):
        tip = remote.entry(remote.history([run]), remote.top([run], 2, [(mode, b"exp-7xx", oid)]))
        found = remote.check(None, tip)
        assert ([one.number for one in found.runs], found.refused) == ([1], (f"exp-7xx: {why}",))


def test_a_name_that_looks_like_a_path_leads_nowhere(repo: Path, remote: Remote) -> None:
    run, name = remote.run(12_345), "exp-1xxxx/exp-123xx"
    shard = remote.tree([("40000", b"exp-12345", remote.folder(run))])
    tree = remote.top([remote.run(1)], 2, [("40000", name.encode(), shard)])
    tip = remote.entry(remote.history([remote.run(1)]), tree, run.commit)
    found = remote.check(None, tip)
    assert ([one.number for one in found.runs], found.refused) == ([1], (f"{name}: no run belongs here",))
    with ObjectReader(discover(repo)) as reader:
        assert [(one.path, one.number) for one in changes(reader, None, tip)] == [
            ("exp-0xx", None),
            ("exp-0xx/exp-001", 1),
            (name, None),
        ]


def test_a_name_that_is_there_twice_is_left_out(remote: Remote) -> None:
    run, other = remote.run(1), remote.run(2)
    items = [("40000", b"exp-001", remote.folder(run)), *[("40000", b"exp-002", remote.folder(other))] * 2]
    tree = remote.top([], 3, [("40000", b"exp-0xx", remote.tree(items))])
    found = remote.check(None, remote.entry(remote.history([run, other]), tree))
    assert ([one.number for one in found.runs], found.refused) == (
        [1],
        ("exp-0xx/exp-002: it is there twice",),
    )


# --- runs that we have -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["config.json", "metrics.json", "environment.json", "output.log", "series"])
def test_what_was_recorded_stays_as_it_was_recorded(remote: Remote, name: str) -> None:
    run, other = remote.run(1), remote.run(2)
    base = remote.history([run])
    edited = run.having(name, remote.blob({**config(run.uid), **metrics(run.uid), "host": "another"}))
    found = remote.check(base, remote.history([edited, other], base, [other]))
    assert [one.number for one in found.runs] == [2]
    assert found.refused == (f"exp-001: its {name} is not the one that was recorded",)


def test_a_damaged_run_can_be_mended(remote: Remote) -> None:
    run, other = remote.run(1), remote.run(2)
    for damaged in (
        run.having("metrics.json", remote.blob(b"[]")),
        run.having("x", remote.blob(b"")),
        run.lacking("config.json"),
        remote.removed(run, at="2026-01-02T03:04:06.000000Z"),
        other._replace(number=1, place=run.place).lacking("run"),
        other._replace(number=1, place=run.place).having("run", other.commit, "100644"),
    ):
        base = remote.history([damaged], brought=[run])
        found = remote.check(base, remote.history([run], base, [run]))
        assert ([one.uid for one in found.runs], found.refused) == ([run.uid], ())


def test_a_number_never_names_another_run(remote: Remote) -> None:
    run, other = remote.run(1), remote.run(2)
    base = remote.history([run])
    found = remote.check(base, remote.history([other._replace(place="exp-0xx/exp-001")], base, [other]))
    assert (found.runs, found.refused) == ((), ("exp-001: its run is not the one that was recorded",))


def test_a_removed_run_must_keep_its_commit(remote: Remote) -> None:
    run, other = remote.run(1), remote.run(2)
    base = remote.history([run])
    gone = remote.removed(other)._replace(place="exp-0xx/exp-001")
    found = remote.check(base, remote.history([gone], base, [other]))
    assert (found.runs, found.refused) == ((), ("exp-001: its run is not the one that was recorded",))


def test_what_they_have_lost_is_told_and_stays_here(remote: Remote) -> None:
    runs = [remote.run(number) for number in (1, 2, 205)]
    base = remote.history(runs)
    found = remote.check(base, remote.history(runs[:1], base, []))
    assert found.runs == ()
    lost = "their history has lost it; nothing was taken away here"
    assert found.refused == (f"exp-002: {lost}", f"exp-205: {lost}")
    assert found.next_number == 206


def test_the_run_of_another_entry_cannot_be_brought_again_under_another_number(remote: Remote) -> None:
    run = remote.run(1)
    base = remote.history([run])
    found = remote.check(
        base, remote.history([run, run._replace(number=2, place="exp-0xx/exp-002")], base, [])
    )
    assert found.refused == (f"exp-002: no entry brings its commit {run.commit[:10]}",)


def test_portions_are_read_one_after_the_other(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "_AT_ONCE_BYTES", 1000)
    runs = [remote.run(number) for number in range(1, 8)]
    found = remote.check(None, remote.history(runs))
    assert [run_id(one.number) for one in found.runs] == [run_id(run.number) for run in runs]
