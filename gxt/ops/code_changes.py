"""How the code of many runs differs from that of their parents, as numbers of lines: with one git process."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from gxt.errors import GitFailed
from gxt.git import process
from gxt.model.json_types import JsonObject
from gxt.ops.diff import FileChange
from gxt.ops.history import History

_TREES: Final = re.compile(rb"([0-9a-f]{40,64}) ([0-9a-f]{40,64})\n")


def code_changes(
    history: History, nodes: Sequence[JsonObject], notices: list[str]
) -> dict[str, tuple[FileChange, ...]]:
    """By uid, the files that each run has changed from its parent; a run without both trees is not there.

    Args:
        history: of all runs.
        nodes: runs, or what stands for repeats.
        notices: told where git lacks some of the code.
    """
    trees = {str(node["uid"]): _tree(node) for node in nodes}
    pairs: dict[str, tuple[str, str]] = {}
    for node in nodes:
        uid, parent_uid = str(node["uid"]), str(node["parent_uid"] or "")
        if parent_uid and parent_uid not in trees:
            trees[parent_uid] = _tree(history.by_uid(parent_uid) or {})
        if trees.get(parent_uid) and trees[uid]:
            pairs[uid] = (trees[parent_uid], trees[uid])
    wanted = dict.fromkeys(pair for pair in pairs.values() if pair[0] != pair[1])
    if not wanted:
        return dict.fromkeys(pairs, ())
    words = (
        "diff-tree",
        "--stdin",
        "-r",
        "-z",
        "--numstat",
        "--no-renames",
        "--no-ext-diff",
        "--no-textconv",
    )
    asked = "".join(f"{a} {b}\n" for a, b in wanted).encode()
    try:
        said = process.run(history.workspace.repository.top, words, stdin=asked)
    except GitFailed:
        notices.append("what changed in the code is left out: git lacks some of it")
        return {}
    found = _numstat(said)
    return {uid: found.get(pair, ()) for uid, pair in pairs.items()}


def _tree(run: JsonObject) -> str:
    code = run.get("code")
    return str(code.get("tree") or "") if isinstance(code, dict) else ""


def _numstat(said: bytes) -> dict[tuple[str, str], tuple[FileChange, ...]]:
    """What `git diff-tree --stdin -z --numstat` says of pairs of trees."""
    found: dict[tuple[str, str], list[FileChange]] = {}
    of: list[FileChange] = []
    for record in said.split(b"\0"):
        at = 0
        while heading := _TREES.match(record, at):
            of = found.setdefault((heading[1].decode(), heading[2].decode()), [])
            at = heading.end()
        added, _, rest = record[at:].decode(errors="surrogateescape").partition("\t")
        removed, tab, path = rest.partition("\t")
        if tab:
            counts = [int(count) if count.isdigit() else None for count in (added, removed)]
            of.append(FileChange(path, *counts))
    return {pair: tuple(files) for pair, files in found.items()}
