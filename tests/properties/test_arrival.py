"""Whatever is wrong with runs that arrive: they are named, the others may be taken, and nothing moves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gxt.git.objects import ObjectReader
from gxt.git.repository import discover
from gxt.model.ids import run_id
from gxt.store.reading import read_documents, read_run
from tests.conftest import git
from tests.integration.arriving import Remote, Run, config, event, lines, metrics

ABSENT = "1234567890" * 4
Damage = Callable[[Remote, Run], Run]


def _document(name: str, **fields: object) -> Damage:
    """A document of which some fields are others."""

    def damage(remote: Remote, run: Run) -> Run:
        usual = {"config.json": config, "metrics.json": metrics}[name](run.uid)
        return run.having(name, remote.blob({**usual, **fields}))

    return damage


def _bytes(name: str, data: bytes, mode: str = "100644") -> Damage:
    """A file with these bytes."""
    return lambda remote, run: run.having(name, remote.blob(data), mode)


def _object(name: str | bytes, oid: str, mode: str) -> Damage:
    """An entry that names something else."""
    return lambda remote, run: run.having(name, oid or remote.nothing, mode)


def _commit(message: str) -> Damage:
    """Another commit, which an entry brings."""

    def damage(remote: Remote, run: Run) -> Run:
        commit = remote.commit(remote.nothing, [], message)
        return run.having("run", commit, "160000")._replace(commit=commit)

    return damage


def _twice(remote: Remote, run: Run) -> Run:
    text = json.dumps(config(run.uid)).encode()
    return run.having("config.json", remote.blob(text[:-1] + b', "host" : "another"}'))


def _removed_beside(remote: Remote, run: Run) -> Run:
    return run.having("removed.json", remote.removed(run).files[b"removed.json"][1])


def _removed_without_word(remote: Remote, run: Run) -> Run:
    return remote.removed(run).lacking("annotations.jsonl")


DAMAGES: dict[str, Damage] = {
    "an unknown file": _bytes("train.py", b"print()"),
    "a file that runs": _bytes("config.json", b"{}", "100755"),
    "a symbolic link": _bytes("output.log", b"/etc/passwd", "120000"),
    "a directory above": _object("..", "", "40000"),
    "git's own directory": _object(".git", "", "40000"),
    "a path as a name": _bytes("../../hooks/post-checkout", b"#!/bin/sh\n"),
    "a name that is no text": _object(b"\xff\xfe", "", "40000"),
    "a directory as a document": _object("metrics.json", "", "40000"),
    "a tree as a document": _object("metrics.json", "", "100644"),
    "a lost document": _object("environment.json", ABSENT, "100644"),
    "a lost commit": _object("run", ABSENT, "160000"),
    "no commit": lambda _, run: run.lacking("run"),
    "no environment": lambda _, run: run.lacking("environment.json"),
    "a commit that no entry brings": lambda _, run: run._replace(commit=""),
    "a commit of the code": _commit("fix the loss\n"),
    "the commit of another run": _commit("run\n\nRun-Uid: 01M7XSPMX8S9TTQTY4VQD8WEGY\n"),
    "a run that is no commit": lambda _, run: run.having("run", run.commit, "100644"),
    "a directory elsewhere": lambda _, run: run._replace(place=f"exp-3xx/{run_id(run.number)}"),
    "another spelling": lambda _, run: run._replace(place=f"exp-0xx/exp-0{run_id(run.number)[4:]}"),
    "deep nesting": _bytes("config.json", b'{"params": ' + b'{"a": ' * 100_000 + b"1" + b"}" * 100_001),
    "an endless number": _bytes("metrics.json", b'{"gxt": 1, "exit_code": ' + b"7" * 5000 + b"}"),
    "an infinite number": _bytes("metrics.json", b'{"gxt": 1, "duration_s": 1e999}'),
    "a key twice": _twice,
    "no JSON": _bytes("config.json", bytes(range(256))),
    "a list": _bytes("metrics.json", b"[1]"),
    "nothing": _bytes("environment.json", b""),
    "a lone surrogate as identity": _document("config.json", uid="\udcff"),
    "another's metrics": _document("metrics.json", uid="01M7XSPMX8S9TTQTY4VQD8WEGY"),
    "a time that is none": _document("config.json", created="\x1b[2J"),
    "code that is an option": _document("config.json", code={"head": "--output=/tmp/x"}),
    "a newer document": _document("metrics.json", gxt=2),
    "too much printed": _bytes("output.log", bytes((2 << 20) + 1)),
    "a series in odd pieces": lambda remote, run: run.having(
        "series", remote.tree([("100644", b"x", remote.blob(b""))]), "40000"
    ),
    "a torn annotation": _bytes("annotations.jsonl", lines(event("e1", "tag"))[:-9]),
    "an annotation of nobody": _bytes("annotations.jsonl", b'{"id": "e1", "op": "tag", "tag": "x"}\n'),
    "removed, but for its files": _bytes("annotations.jsonl", lines(event("e1", "removed"))),
    "removed beside its files": _removed_beside,
    "removed without a word": _removed_without_word,
}
NUMBERS = (1, 2, 3, 104)


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Remote:
    root = tmp_path_factory.mktemp("arriving")
    git(root, "init", "-q")
    return Remote(root)


def damages() -> st.SearchStrategy[dict[int, str]]:
    return st.dictionaries(st.sampled_from(NUMBERS), st.sampled_from(sorted(DAMAGES)), max_size=len(NUMBERS))


def outside(repo: Path) -> dict[str, bytes]:
    """Every file but the objects."""
    paths = [path for path in repo.rglob("*") if ".git/objects" not in str(path) and path.is_file()]
    return {str(path): path.read_bytes() for path in paths}


def check(remote: Remote, planted: dict[int, str], have: int) -> None:
    """Let runs arrive with these damages; the first ones are there already, as they should be."""
    sound = {number: remote.run(number) for number in NUMBERS}
    ours = [sound[number] for number in NUMBERS[:have]]
    base = remote.history(ours) if have else None
    runs = [DAMAGES[planted[n]](remote, sound[n]) if n in planted else sound[n] for n in NUMBERS]
    # a commit that is there by an earlier entry is brought by none of the new ones
    brought = [run for run in runs if run.commit and run.number not in NUMBERS[:have]]
    tip = remote.history(runs, base or "", brought)
    before = outside(remote.repo)
    found = remote.check(base, tip)
    assert outside(remote.repo) == before
    kept = {n for n in NUMBERS[:have] if planted.get(n) in {None, "a commit that no entry brings"}}
    named = {
        n for n in planted if any(f"exp-0{run_id(n)[4:]}" in one or run_id(n) in one for one in found.refused)
    }
    assert [run.number for run in found.runs] == [n for n in NUMBERS if n not in planted and n not in kept]
    assert named == set(planted) - kept
    assert len(found.refused) >= len(named)
    assert all(one.isprintable() for one in found.refused)
    assert found.next_number == 105
    with ObjectReader(discover(remote.repo)) as reader:
        for documents in read_documents(reader, [run.folder for run in found.runs], {}):
            assert read_run(documents)["uid"] == sound[documents.folder.number].uid


def test_every_kind_of_damage_is_named(remote: Remote) -> None:
    names = iter(sorted(DAMAGES))
    while planted := dict(zip(NUMBERS[1:], names, strict=False)):
        check(remote, planted, 0)


@given(planted=damages(), have=st.integers(0, len(NUMBERS)))
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_damaged_runs_are_named_and_the_others_arrive(
    remote: Remote, planted: dict[int, str], have: int
) -> None:
    check(remote, planted, have)


@pytest.mark.long
@given(planted=damages(), have=st.integers(0, len(NUMBERS)))
@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_runs_are_named_and_the_others_arrive_however_often(
    remote: Remote, planted: dict[int, str], have: int
) -> None:
    check(remote, planted, have)
