"""The ground on which hostile input meets the program: a repository, the program, its walls.

The program is called as `main` calls it, with streams of our own: a pipe, a screen with colours, or a pipe
whose encoding has nothing but ASCII. What must hold after every command is in `Ground.gxt`.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from gxt.cli import main, output
from gxt.model.ids import new_uid, run_path
from tests.cli.scratch import new_repository

REF = "refs/gxt/experiments"
_OURS = re.compile(r"\x1b\[[0-9;]*m")
_PERSON = "A <a@b.c> 1700000000 +0000"
STAT = {"last": 1.5, "min": 1.0, "max": 2.0, "min_step": 0, "max_step": 9, "count": 10}


class _Stream(io.TextIOWrapper):
    """A stream that the program writes to; a screen where it says so."""

    def __init__(self, *, screen: bool, encoding: str) -> None:
        super().__init__(io.BytesIO(), encoding=encoding, newline="\n")
        self._screen = screen

    def isatty(self) -> bool:
        return self._screen

    def fileno(self) -> int:
        if not self._screen:
            raise io.UnsupportedOperation("fileno")
        return 1

    def said(self) -> bytes:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue()


class Said:
    """What a command has said: its exit code and both streams, and how it was called."""

    def __init__(self, words: Sequence[str], code: int, out: str, err: str) -> None:
        self.words, self.code, self.out, self.err = words, code, out, err

    def __repr__(self) -> str:
        return f"gxt {' '.join(map(repr, self.words))}: {self.code}\n{self.out[:2000]!r}\n{self.err[:2000]!r}"


class Ground:
    """A repository in a folder of its own, beside which nothing may appear."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repo = new_repository(folder / "repo")
        (folder / "outside").write_text("untouched\n")
        (folder / "tmp").mkdir()
        self.calls = 0
        self.head = self.git("rev-parse", "HEAD").decode().strip()
        self.tree = self.git("rev-parse", "HEAD^{tree}").decode().strip()
        self.around = self._around()

    def git(self, *words: str, stdin: bytes = b"") -> bytes:
        return subprocess.run(
            ["git", *words], cwd=self.repo, input=stdin, capture_output=True, check=True
        ).stdout

    def gxt(self, *words: str, codes: Sequence[int] = (0, 1, 2), tabs: bool = False) -> Said:
        """`gxt WORDS`, on one of the three kinds of streams in turn; what must always hold is asserted."""
        self.calls += 1
        mode = ("pipe", "screen", "ascii")[self.calls % 3]
        screen = mode == "screen" and "--json" not in words and "--csv" not in words
        encoding = "ascii" if mode == "ascii" else "utf-8"
        streams = [_Stream(screen=screen, encoding=encoding) for _ in range(2)]
        kept, where = (sys.stdout, sys.stderr), Path.cwd()
        sys.stdout, sys.stderr = streams
        os.chdir(self.repo)
        try:
            output.prepare_streams()
            code = main._run(list(words))
        finally:
            sys.stdout, sys.stderr = kept
            os.chdir(where)
        out, err = (stream.said().decode(encoding) for stream in streams)
        said = Said(words, code, out, err)
        assert code in codes, said
        bare = [_OURS.sub("", text) if screen else text for text in (out, err)]
        for text in bare:
            acting = {c for c in text if acts(c) and not (c == "\t" and tabs)}
            assert not acting, (acting, said)
        if "--json" in words:
            envelope(out, said)
        return said

    def json(self, *words: str) -> dict[str, Any]:
        return envelope(self.gxt(*words, "--json").out)

    def check_around(self) -> None:
        """No file of the work tree or beside the repository has appeared, gone or changed."""
        assert self._around() == self.around

    def _around(self) -> dict[str, bytes]:
        paths = [
            path for top in self.folder.iterdir() if top.name != "repo" for path in (top, *top.rglob("*"))
        ]
        paths += [
            path
            for top in self.repo.iterdir()
            if top.name != ".git" and not top.name.startswith("hostile")
            for path in (top, *top.rglob("*"))
        ]
        return {str(path): path.read_bytes() if path.is_file() else b"" for path in paths}

    def history(self, runs: Sequence[Mapping[str, object]]) -> list[str]:
        """Make these the runs of the repository, between a sound first and a sound last one; their ids.

        Args:
            runs: of each its files by path below the run's directory: bytes as they are, a mapping laid over
                the usual document, None to leave it out.
        """
        everyone = [{}, *runs, {}]
        stream = [f"reset {REF}\n".encode()]
        for mark in range(1, len(everyone) + 1):
            stream.append(f"commit refs/hostile/run\nmark :{mark}\ncommitter {_PERSON}\ndata 2\nr\n".encode())
            stream.append(f"M 040000 {self.tree} \nreset refs/hostile/run\n\n".encode())
        stream.append(f"commit {REF}\ncommitter {_PERSON}\ndata 2\ne\ndeleteall\n".encode())
        stream += [_put("format", b"1\n"), _put("next", b"%d\n" % (len(everyone) + 1))]
        for number, files in enumerate(everyone, 1):
            place = run_path(number)
            stream.append(f"M 160000 :{number} {place}/run\n".encode())
            usual = self.documents(number)
            for name in {**usual, **files}:
                content = files.get(name, {})
                if isinstance(content, Mapping):
                    content = json.dumps({**usual[name], **content}).encode()
                if isinstance(content, bytes):
                    stream.append(_put(f"{place}/{name}", content))
        self.git("fast-import", "--quiet", "--force", stdin=b"".join(stream) + b"done\n")
        return [f"exp-{number:03d}" for number in range(1, len(everyone) + 1)]

    def documents(self, number: int) -> dict[str, dict[str, object]]:
        uid = new_uid(1_700_000_000_000 + number, number.to_bytes(10, "big"))
        parent = new_uid(1_700_000_000_000 + number - 1, (number - 1).to_bytes(10, "big"))
        return {
            "config.json": {
                "gxt": 1,
                "uid": uid,
                "command": ["train"],
                "parent": parent if number > 1 else None,
                "created": "2026-01-02T03:04:05.000000Z",
                "host": "h",
                "params": {"lr": 0.1},
                "author": {"name": "A", "email": "a@b.c"},
                "code": {
                    "head": self.head,
                    "branch": "main",
                    "dirty": False,
                    "tree": self.tree,
                    "skipped": [],
                },
            },
            "environment.json": {"gxt": 1, "python": None, "packages": {}},
            "metrics.json": {
                "gxt": 1,
                "uid": uid,
                "status": "completed",
                "exit_code": 0,
                "duration_s": 1.0,
                "metrics": {"acc": STAT},
            },
        }


def envelope(text: str, said: object = None) -> dict[str, Any]:
    """The envelope in what a command printed, by a parser that takes nothing but JSON."""
    found = json.loads(text, parse_constant=_refuse)
    assert list(found) == ["gxt", "data", "notices", "error"], said
    assert isinstance(found, dict)
    return found


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def acts(char: str) -> bool:
    """Whether a terminal may do something else than show it."""
    return char != "\n" and (unicodedata.category(char)[0] == "C" or char in "\u2028\u2029")


def _put(path: str, content: bytes) -> bytes:
    return b"M 100644 inline %b\ndata %d\n%b\n" % (path.encode(), len(content), content)
