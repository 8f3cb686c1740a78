"""Runs that name content, in a repository and its cache: as a training that has logged files leaves them."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import TypeAlias

from gxt.data.cache import Cache
from gxt.data.digest import Digest, digest
from gxt.data.place import find_cache
from gxt.git.fast_import import FastImport, Put
from gxt.git.objects import ObjectReader
from gxt.git.refs import move_refs
from gxt.git.repository import discover
from gxt.model.events import fold
from gxt.model.ids import new_uid
from gxt.model.json_types import Json, JsonObject
from gxt.model.pointers import Pointer, dump_pointer
from gxt.store import entry
from gxt.store.chain import Chain
from gxt.store.documents import documents
from gxt.store.tree import read_tip
from tests.bench.made_up import LAST_US, Code, Idea, journal
from tests.conftest import git

Content: TypeAlias = bytes | Mapping[str, bytes]
"""A file, or the files of a folder."""


def add_runs(
    repo: Path,
    runs: Sequence[Mapping[str, Content]],
    *,
    keep: bool = True,
    inputs: Sequence[JsonObject] = (),
) -> list[dict[str, str]]:
    """Put runs into a repository's history, whose artifacts hold this; by path the hashes of each run.

    Args:
        repo: where; it has a commit of code.
        runs: of each run the content by its path.
        keep: whether the content is in the cache, too.
        inputs: what each run says of its data.
    """
    repository, hashes = discover(repo), list[dict[str, str]]()
    with ObjectReader(repository) as reader, FastImport(repo) as importer:
        head, tip = reader.read("HEAD"), read_tip(reader)
        assert head is not None
        tree = git(repo, "rev-parse", "HEAD^{tree}")
        first = tip.next_number if tip else 1
        chain = Chain(repository, importer, reader, tip, "with-data")
        for number, named in enumerate(runs, first):
            at_us = LAST_US + number * 1_000_000
            idea = Idea(
                new_uid(at_us // 1000, os.urandom(10)), at_us, None, f"run {number}", {"lr": number}, 0.5
            )
            folded = fold(journal(idea, Code(head.oid, tree), Random(5)), unfinished="interrupted")
            files = documents(folded, b"", series_bytes=1 << 20)
            kept = {path: put(find_cache(repository), content, keep=keep) for path, content in named.items()}
            metrics = {
                **json.loads(files["metrics.json"]),
                "artifacts": [_artifact(*one) for one in kept.items()],
            }
            blobs = {name: importer.blob(data) for name, data in files.items()}
            config = {**json.loads(files["config.json"]), "data": [*inputs]}
            blobs["config.json"] = importer.blob(json.dumps(config).encode())
            blobs["metrics.json"] = importer.blob(json.dumps(metrics).encode())
            pointers = [
                Put("100644", importer.blob(_pointer(path, found)), f".gxt/{Path(path).name}.dvc")
                for path, found in kept.items()
            ]
            entry.add_run(chain, folded, blobs, number=number, parents=[head.oid], code=pointers)
            hashes.append({path: found.md5 for path, found in kept.items()})
        chain.write_notes()
    written = chain.written()
    move_refs(repository, [written.entry, *written.notes, *written.protecting], reason="with data")
    return hashes


def put(cache: Cache, content: Content, *, keep: bool = True) -> Digest:
    """The hash of content; it is in the cache afterwards, unless that is not wanted."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "content")
        for name, data in ({"": content} if isinstance(content, bytes) else content).items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
        found = digest(path)
        if keep:
            cache.keep(path, found)
    return found


def _artifact(path: str, found: Digest) -> Json:
    files = None if found.members is None else len(found.members)
    about: JsonObject = {
        "name": Path(path).name,
        "path": path,
        "md5": found.md5,
        "size": found.size_bytes,
        "files": files,
    }
    return {**about, "kind": "file", "step": None}


def _pointer(path: str, found: Digest) -> bytes:
    files = None if found.members is None else len(found.members)
    return dump_pointer(Pointer(path, found.md5, found.size_bytes, files), wdir="..")
