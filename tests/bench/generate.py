"""Repositories with any number of runs, as gxt writes them: `python -m tests.bench.generate DIR --runs N`.

The journals are made up; what becomes of them (documents, paths, messages, notes) is gxt's own code, so that
a generated history cannot drift from a recorded one. Two things differ: the objects arrive in one pack
instead of loose, and the notes come in one commit instead of one a run.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from gxt.git import process
from gxt.git.fast_import import _ARGS, FastImport, Person, Put
from gxt.git.objects import ObjectReader, TreeEntry
from gxt.git.refs import move_refs
from gxt.git.repository import Repository, discover
from gxt.model.events import fold
from gxt.store import entry
from gxt.store.chain import Chain
from gxt.store.documents import documents
from tests.bench.made_up import AUTHORS, Code, Idea, console, first_us, journal, next_idea

RUNS_A_COMMIT = 50  # how often the code itself is committed
RECENT = 100  # how far back a new idea looks for a parent
FILES_A_FOLDER = 100
_SERIES_BYTES = 64 << 20
_TEMPORARY = "refs/gxt/tmp/generated"
_PARAMS = "params.yaml"
_SCRIPT = "train.py"


def generate(directory: Path, runs: int, *, files: int = 0, seed: int = 1) -> Repository:
    """Make a repository with that many runs.

    Args:
        directory: where; made anew.
        runs: how many; 0 gives the code alone.
        files: tracked files beside the code.
        seed: equal seeds give equal runs.
    """
    began_us = first_us(runs)
    repository = _with_code(directory, files, began_us)
    if runs:
        _write_runs(repository, runs, Random(seed), began_us)
        _git(directory, "reset", "-q", "--hard")
    return repository


class _PackImport(FastImport):
    """The conversation whose objects arrive in one pack: a million loose ones take 13 minutes and 5 GB."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._git = process.start(directory, _ARGS, config=("fastimport.unpackLimit=0",))
        self._marks = 0


# --- the code --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Commit:
    """A commit of the code and the entries of its top directory.

    `name` is how the stream refers to it: one that this stream wrote is known by its mark alone.
    """

    oid: str
    name: str
    entries: tuple[TreeEntry, ...]

    def with_file(self, name: str, content: bytes) -> tuple[TreeEntry, ...]:
        """The entries when one file holds something else."""
        blob = _object_id(b"blob", content)
        return tuple(TreeEntry(e.mode, name, blob) if e.name == name else e for e in self.entries)


def _with_code(directory: Path, files: int, at_us: int) -> Repository:
    directory.mkdir(parents=True)
    (directory / _SCRIPT).write_text(_script(0))
    (directory / _PARAMS).write_text("{}\n")
    for number in range(files):
        path = directory / "source" / f"{number // FILES_A_FOLDER:03d}" / f"module_{number:05d}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'"""Module {number}."""\n\nVALUE = {number}\n')
        # older than the index: git looks again into files that could have changed in the same instant
        os.utime(path, (1_767_000_000, 1_767_000_000))
    _git(directory, "init", "-q", "-b", "main")
    _git(directory, "config", "user.name", AUTHORS[0][0])
    _git(directory, "config", "user.email", AUTHORS[0][1])
    _git(directory, "add", ".")
    date = f"{at_us // 1_000_000} +0100"
    dated = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    _git(directory, "commit", "-q", "-m", "the first model", env={**os.environ, **dated})
    return discover(directory)


def _script(version: int) -> str:
    return f'print("the training, version {version}")\n'


def _first_commit(repository: Repository, reader: ObjectReader) -> _Commit:
    head = reader.read("HEAD")
    assert head is not None
    return _Commit(head.oid, head.oid, tuple(reader.tree(head.oid)))


def _next_commit(importer: FastImport, code: _Commit, number: int, at_us: int) -> _Commit:
    """A change of the script on the branch, as somebody makes it between two experiments."""
    script = _script(number).encode()
    person = Person(*AUTHORS[0], at_us // 1_000_000, "+0100")
    mark = importer.commit(
        "refs/heads/main",
        author=person,
        committer=person,
        message=f"version {number} of the model\n",
        parents=[code.name],
        puts=[Put("100644", importer.blob(script), _SCRIPT)],
    )
    return _Commit(importer.oid(mark), mark, code.with_file(_SCRIPT, script))


def _object_id(kind: bytes, content: bytes) -> str:
    return hashlib.sha1(b"%b %d\0%b" % (kind, len(content), content), usedforsecurity=False).hexdigest()


def _tree_id(entries: tuple[TreeEntry, ...]) -> str:
    parts = [b"%b %b\0%b" % (e.mode.encode(), e.name.encode(), bytes.fromhex(e.oid)) for e in entries]
    return _object_id(b"tree", b"".join(parts))


# --- the runs --------------------------------------------------------------------------------------------


def _write_runs(repository: Repository, runs: int, chance: Random, began_us: int) -> None:
    recent: list[Idea] = []
    with ObjectReader(repository) as reader, _PackImport(repository.top) as importer:
        code = _first_commit(repository, reader)
        chain = Chain(repository, importer, reader, None, "generated")
        for number in range(1, runs + 1):
            idea = next_idea(recent, chance, began_us)
            if number % RUNS_A_COMMIT == 0:
                code = _next_commit(importer, code, number, idea.at_us)
            params = json.dumps(idea.nested(), indent=1).encode() + b"\n"
            ran = Code(code.oid, _tree_id(code.with_file(_PARAMS, params)))
            folded = fold(journal(idea, ran, chance), unfinished="interrupted")
            files = documents(folded, console(idea), series_bytes=_SERIES_BYTES)
            entry.add_run(
                chain,
                folded,
                {path: importer.blob(data) for path, data in files.items()},
                number=number,
                parents=[code.name],
                code=[Put("100644", importer.blob(params), _PARAMS)],
            )
            recent = [*recent[-RECENT:], idea]
        chain.write_notes()
    written = chain.written()
    move_refs(repository, [written.entry, *written.notes, *written.protecting], reason="generated")


def _git(directory: Path, *words: str, env: Mapping[str, str] | None = None) -> None:
    subprocess.run(["git", *words], cwd=directory, check=True, env=env)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.generate", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--files", type=int, default=0, help="tracked files beside the code")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    started_s = time.perf_counter()
    generate(asked.directory, asked.runs, files=asked.files, seed=asked.seed)
    sys.stderr.write(f"{asked.runs} runs in {time.perf_counter() - started_s:.1f} s\n")


if __name__ == "__main__":
    main()
