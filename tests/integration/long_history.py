"""A history of any number of runs, in seconds: small documents, one stream of `git fast-import`, no question.

`tests.bench.generate` makes runs as they are; these only have what a run must have to be taken over.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from gxt.model.ids import new_uid, run_id, run_path
from gxt.store.chain import ROOT_MESSAGE, noted_path, notes_message
from tests.conftest import git
from tests.integration.arriving import config, metrics

EXPERIMENTS = "refs/gxt/experiments"
_MADE = "refs/gxt/tmp/made"
_FIRST_MS = 1_600_000_000_000
_APART_MS = 60_000
_ROOT = "gxt <gxt@localhost> 0 +0000"


class _Run(NamedTuple):
    number: int
    uid: str
    who: str
    commit: str
    config: bytes
    metrics: bytes


def write_history(repo: Path, runs: int) -> None:
    """Let a repository without runs have that many, all of them of its HEAD."""
    head, code = git(repo, "rev-parse", "HEAD", "HEAD^{tree}").splitlines()
    made = [_run(number, head, code) for number in range(1, runs + 1)]
    _import(repo, _entries(head, made))
    tip, last = git(repo, "rev-parse", EXPERIMENTS, f"{EXPERIMENTS}^2").splitlines()
    assert last == made[-1].commit
    _import(repo, _notes("config", tip, [(run.commit, run.config) for run in made]))
    _import(repo, _notes("metrics", tip, [(run.commit, run.metrics) for run in made]))
    git(repo, "update-ref", "-d", _MADE)


def _run(number: int, head: str, code: str) -> _Run:
    at_ms = _FIRST_MS + number * _APART_MS
    uid = new_uid(at_ms, number.to_bytes(10, "big"))
    who = f"Ada <ada@example.org> {at_ms // 1000} +0000"
    text = f"tree {code}\nparent {head}\nauthor {who}\ncommitter {who}\n\n{_message(uid)}"
    documents = [json.dumps(document).encode() for document in (config(uid), metrics(uid))]
    return _Run(number, uid, who, _object_id(b"commit", text.encode()), *documents)


def _message(uid: str) -> str:
    return f"train\n\nRun-Uid: {uid}\nStatus: completed\n"


def _entries(head: str, runs: list[_Run]) -> Iterator[bytes]:
    """The stream of the run commits and of the entries that bring them."""
    yield b"blob\nmark :1\n" + _data(json.dumps({"gxt": 1, "python": None, "packages": {}}).encode())
    yield _commit(EXPERIMENTS, 2, _ROOT, ROOT_MESSAGE)
    for run in runs:
        mark, place = 2 * run.number + 2, run_path(run.number)
        yield _commit(_MADE, mark - 1, run.who, _message(run.uid)) + f"from {head}\n".encode()
        title = f"{run_id(run.number)} completed: train\n\nRun-Uid: {run.uid}\n"
        yield _commit(EXPERIMENTS, mark, run.who, title)
        yield f"from :{mark - 2}\nmerge :{mark - 1}\n".encode()
        yield b"M 100644 inline format\n" + _data(b"1\n")
        yield b"M 100644 inline next\n" + _data(b"%d\n" % (run.number + 1))
        yield f"M 100644 :1 {place}/environment.json\nM 160000 {run.commit} {place}/run\n".encode()
        yield f"M 100644 inline {place}/config.json\n".encode() + _data(run.config)
        yield f"M 100644 inline {place}/metrics.json\n".encode() + _data(run.metrics)


def _notes(what: str, tip: str, noted: list[tuple[str, bytes]]) -> Iterator[bytes]:
    yield _commit(f"refs/notes/gxt/{what}", 1, _ROOT, notes_message(what, tip))
    for commit, document in noted:
        yield f"M 100644 {_object_id(b'blob', document)} {noted_path(commit)}\n".encode()


def _commit(ref: str, mark: int, who: str, message: str) -> bytes:
    head = f"commit {ref}\nmark :{mark}\nauthor {who}\ncommitter {who}\n"
    return head.encode() + _data(message.encode())


def _data(content: bytes) -> bytes:
    return b"data %d\n%b\n" % (len(content), content)


def _object_id(kind: bytes, content: bytes) -> str:
    return hashlib.sha1(b"%b %d\0%b" % (kind, len(content), content), usedforsecurity=False).hexdigest()


def _import(repo: Path, stream: Iterator[bytes]) -> None:
    words = ["git", "fast-import", "--quiet", "--done", "--date-format=raw"]
    with subprocess.Popen(words, cwd=repo, stdin=subprocess.PIPE) as importing:
        assert importing.stdin
        importing.stdin.writelines(stream)
        importing.stdin.write(b"done\n")
    assert importing.returncode == 0
