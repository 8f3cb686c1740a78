"""Histories as they arrive from somebody else, sound or not, made by git's own plumbing.

Trees are written byte by byte: git's own commands refuse to make most of what git takes from a fetch.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gxt.git.objects import ObjectReader
from gxt.git.repository import discover
from gxt.model.ids import new_uid, run_path
from gxt.store.chain import ROOT_MESSAGE
from gxt.store.sync.arrival import Arrival, check_arrival, unknown

AT = "2026-01-02T03:04:05.000000Z"
BY = {"name": "Ada", "email": "ada@example.org"}
STAT = {"last": 1.5, "last_step": 9, "min": 1.0, "max": 2.0, "min_step": 0, "max_step": 9, "count": 10}
_ROOT = {
    **{f"GIT_{who}_NAME": "gxt" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "gxt@localhost" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_DATE": "@0 +0000" for who in ("AUTHOR", "COMMITTER")},
}

Item = tuple[str, bytes, str]  # mode, name, id


class Run(NamedTuple):
    """A run as it arrives: its number, its commit, its files by name with mode and id, where it lies."""

    number: int
    uid: str
    commit: str
    files: dict[bytes, tuple[str, str]]
    place: str

    def having(self, name: str | bytes, oid: str, mode: str = "100644") -> Run:
        """With a file, in place of the one of this name."""
        key = name.encode() if isinstance(name, str) else name
        return self._replace(files={**self.files, key: (mode, oid)})

    def lacking(self, *names: str) -> Run:
        """Without some of its files."""
        return self._replace(files={k: v for k, v in self.files.items() if k.decode() not in names})


class Remote:
    """What has been fetched into a repository: nothing here has moved a ref of ours."""

    def __init__(self, repo: Path) -> None:
        self.repo = repo
        self._made: dict[tuple[str, bytes], str] = {}
        self.nothing = self.tree([])
        self.root = self.git("commit-tree", self.nothing, stdin=ROOT_MESSAGE.encode(), env=_ROOT)

    def git(self, *words: str, stdin: bytes = b"", env: dict[str, str] | None = None) -> str:
        done = subprocess.run(
            ["git", *words],
            cwd=self.repo,
            input=stdin,
            capture_output=True,
            check=True,
            env={**os.environ, **(env or {})},
        )
        return done.stdout.decode().strip()

    def put(self, kind: str, data: bytes) -> str:
        """An object of this kind with just these bytes."""
        if (kind, data) not in self._made:
            words = ("hash-object", "-w", "-t", kind, "--literally", "--stdin")
            self._made[kind, data] = self.git(*words, stdin=data)
        return self._made[kind, data]

    def blob(self, content: bytes | dict[str, Any]) -> str:
        return self.put("blob", content if isinstance(content, bytes) else json.dumps(content).encode())

    def tree(self, items: Sequence[Item]) -> str:
        """A tree of these entries, in their order."""
        raw = [b"%b %b\0%b" % (mode.encode(), name, bytes.fromhex(oid)) for mode, name, oid in items]
        return self.put("tree", b"".join(raw))

    def commit(self, tree: str, parents: Sequence[str], message: str) -> str:
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        who = "Ada <ada@example.org> 1767323045 +0000"
        text = "\n".join([*lines, f"author {who}", f"committer {who}", "", message])
        return self.put("commit", text.encode())

    def run(self, number: int, uid: str = "") -> Run:
        """A sound run."""
        uid = uid or new_uid(1_767_323_045_000 + number, number.to_bytes(10, "big"))
        commit = self.commit(self.nothing, [], f"run\n\nRun-Uid: {uid}\nStatus: completed\n")
        files = {
            b"config.json": ("100644", self.blob(config(uid))),
            b"environment.json": ("100644", self.blob({"gxt": 1, "python": None, "packages": {}})),
            b"metrics.json": ("100644", self.blob(metrics(uid))),
            b"output.log": ("100644", self.blob(b"done\n")),
            b"run": ("160000", commit),
        }
        return Run(number, uid, commit, files, run_path(number))

    def removed(self, run: Run, *, at: str = AT, said: str = AT) -> Run:
        """The run when somebody has removed it, as the mark tells it and as the annotations do."""
        events = self.blob(lines(event("e1", "removed", at=said)))
        mark = self.blob({"gxt": 1, "uid": run.uid, "at": at, "by": BY})
        kept = run._replace(files={b"run": run.files[b"run"]})
        return kept.having("removed.json", mark).having("annotations.jsonl", events)

    def folder(self, run: Run) -> str:
        return self.tree([(mode, name, oid) for name, (mode, oid) in sorted(run.files.items())])

    def top(self, runs: Sequence[Run], following: int, beside: Sequence[Item] = ()) -> str:
        """The tree of an entry with these runs, and what else lies in its top directory."""
        shards: dict[str, list[Item]] = {}
        for run in runs:
            shard, _, name = run.place.rpartition("/")
            shards.setdefault(shard, []).append(("40000", name.encode(), self.folder(run)))
        for shard in [one for one in shards if "/" in one]:
            above, _, name = shard.rpartition("/")
            item = ("40000", name.encode(), self.tree(shards.pop(shard)))
            shards.setdefault(above, []).append(item)
        items = [("40000", shard.encode(), self.tree(found)) for shard, found in shards.items()]
        files = [("format", b"1\n"), ("next", b"%d\n" % following)]
        items += [("100644", name.encode(), self.blob(data)) for name, data in files]
        kept = [item for item in items if item[1] not in {name for _, name, _ in beside}]
        return self.tree(sorted([*kept, *beside], key=lambda item: item[1]))

    def entry(self, parent: str, tree: str, run: str = "") -> str:
        return self.commit(tree, [parent, *([run] if run else [])], "an entry\n")

    def history(self, runs: Sequence[Run], base: str = "", brought: Sequence[Run] | None = None) -> str:
        """The tip of a history with these runs, whose last entries bring some of them: by default all."""
        tip = base or self.root
        tree = self.top(runs, max((run.number for run in runs), default=0) + 1)
        for run in runs if brought is None else brought:
            tip = self.entry(tip, tree, run.commit)
        return tip if tip != (base or self.root) else self.entry(tip, tree)

    def check(self, base: str | None, theirs: str, known: dict[str, int] | None = None) -> Arrival:
        repository = discover(self.repo)
        with ObjectReader(repository) as reader:
            ours = unknown if known is None else known.get
            return check_arrival(reader, repository, base, theirs, known=ours)


def config(uid: str) -> dict[str, Any]:
    return {
        "gxt": 1,
        "uid": uid,
        "command": ["train"],
        "parent": None,
        "created": AT,
        "host": "h",
        "params": {"lr": 0.1},
        "author": BY,
        "code": {"head": "", "branch": "main", "dirty": False, "tree": "", "skipped": []},
    }


def metrics(uid: str) -> dict[str, Any]:
    return {"gxt": 1, "uid": uid, "status": "completed", "exit_code": 0, "metrics": {"acc": STAT}}


def event(id_: str, op: str, *, at: str = AT, **fields: object) -> dict[str, Any]:
    return {"id": id_, "at": at, "by": BY, "op": op, **fields}


def lines(*events: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)
