"""Media of a live run: pictures, tables and texts made here, and histograms, which grow until its end."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from pathlib import Path

from gxt.model.artifacts import ELSEWHERE, MEDIA, clean_name, file_name, growing_id
from gxt.model.json_types import Json, JsonObject
from gxt.model.scalars import clean_text
from gxt.named_tuple import NamedTuple
from gxt.store import journal
from gxt.store.places import STAGED


class Medium(NamedTuple):
    """Something that was made to be looked at.

    Attributes:
        kind: image, figure, table or text.
        suffix: of its file, with the dot.
        content: of its file.
        meta: what else is to be known of it.
    """

    kind: str
    suffix: str
    content: bytes
    meta: JsonObject


def put_medium(directory: Path, name: str, medium: Medium, *, step: int | None) -> JsonObject:
    """Put a medium aside; the facts of the event `artifact`, which makes it an output of the run.

    Args:
        directory: of the live run.
        name: what it is called; its parts are joined with `/`.
        medium: what it is.
        step: of the training.

    Raises:
        OSError: it cannot be written.
    """
    from gxt.data.staging import stage_bytes

    id_ = _new_id()
    stage_bytes(medium.content, medium.suffix, directory / STAGED, id_)
    extra: JsonObject = {"meta": medium.meta} if medium.meta else {}
    return {**_said(id_, name, medium.kind, medium.suffix, step), **extra}


def put_summary(directory: Path, summary: JsonObject) -> JsonObject:
    """Put the summary of a run aside, as `put_medium`."""
    from gxt.data.staging import stage_bytes

    id_ = _new_id()
    stage_bytes(f"{json.dumps(summary, indent=2)}\n".encode(), ".json", directory / STAGED, id_)
    return _facts(id_, "summary.json", f"{ELSEWHERE}/summary.json", "file", None)


def grow_cells(directory: Path, name: str, source: str, *, known: set[str]) -> JsonObject | None:
    """Append a cell to the source of a notebook, as `# %%` separates them; as `grow_histogram`."""
    from gxt.data.staging import grow

    id_ = growing_id("cells")
    text = clean_text(source).rstrip("\n")
    grow(f"# %%\n{text}\n\n".encode(), ".py", directory / STAGED, id_)
    if id_ in known:
        return None
    known.add(id_)
    path = f"{ELSEWHERE}/{file_name(name)}"
    return _facts(id_, clean_name(name), path, "code", None)


def grow_histogram(
    directory: Path, name: str, facts: JsonObject, *, step: int, known: set[str]
) -> JsonObject | None:
    """Append a histogram to the file with those of its name.

    Args:
        directory: of the live run.
        name: what it is called.
        facts: of `gxt.model.histogram`.
        step: of the training.
        known: ids that this process has told of; the new one is added.

    Returns:
        The facts of the event `artifact`, if this process has not told of the file before.

    Raises:
        OSError: it cannot be written.
    """
    from gxt.data.staging import grow

    clean = clean_name(name)
    key = hashlib.sha1(clean.encode(), usedforsecurity=False).hexdigest()[:16]
    id_ = growing_id(f"histogram-{key}")
    line = journal.encode({"step": step, "t": journal.now_us(), **facts})
    grow(line.encode() + b"\n", ".jsonl", directory / STAGED, id_)
    if id_ in known:
        return None
    known.add(id_)
    return _said(id_, clean, "histogram", ".jsonl", None)


def _new_id() -> str:
    return f"{time.time_ns()}-{os.getpid()}-{threading.get_ident() & 0xFFFF}"


def _said(id_: str, name: str, kind: str, suffix: str, step: int | None) -> JsonObject:
    said = clean_name(f"{MEDIA}{name}")
    path = "/".join((ELSEWHERE, *map(file_name, said.split("/"))))
    return _facts(id_, said, path if path.endswith(suffix) else f"{path}{suffix}", kind, step)


def _facts(id_: str, name: str, path: str, kind: str, step: int | None) -> JsonObject:
    return {
        "id": id_,
        "name": name,
        "path": path,
        "kind": kind,
        "step": step,
        "staged": f"{STAGED}/{id_}",
        "parts": list[Json](),
    }
