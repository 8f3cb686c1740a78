"""Sealing: a journal becomes a run commit, an entry of the experiments ref, and notes.

Objects first, by one fast-import onto temporary refs that protect them from a gc beside us; then one
transaction with the expected old value of every ref. The experiments ref alone is the truth: a transaction
over several refs is not atomic under SIGKILL with git's files backend, so notes that lag behind are rebuilt
by the next sealing, and sealing the same journal again gives the same run commit and does no harm.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

from gxt.errors import GitFailed, StoreBusy
from gxt.git.objects import ObjectReader
from gxt.git.refs import update_refs
from gxt.git.repository import Repository
from gxt.model.codec import dump_document
from gxt.model.events import Folded
from gxt.model.ids import run_id, run_path
from gxt.model.json_types import JsonObject
from gxt.model.series import encode, thin
from gxt.store.entry import write
from gxt.store.places import EXPERIMENTS, NOTES
from gxt.store.tree import read_tip

SERIES_CHUNK_BYTES = 1 << 20  # what hosting services advise for one git object
_ATTEMPTS = 8


@dataclass(frozen=True)
class Sealed:
    """A run that is in git now."""

    uid: str
    number: int
    run: JsonObject


def seal(
    repository: Repository, folded: Folded, *, number: int, console: bytes, series_bytes: int = 64 << 20
) -> Sealed:
    """Put a run into git. Call it with the store's lock.

    Args:
        repository: where.
        folded: what the journal says.
        number: the number reserved for it; the next free one is taken when somebody has it by now.
        console: the content of `output.log`; empty when nothing was captured.
        series_bytes: a larger series is thinned, its extremes kept, with a notice.

    Raises:
        StoreBusy: another git process held a lock, or moved the refs again and again.
        GitFailed: git could not write.
    """
    documents = _documents(folded, console, series_bytes)
    failed: GitFailed | None = None
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(0.05 * attempt)
            _remove_stale_locks(repository)
        with ObjectReader(repository.top) as reader:
            tip = read_tip(reader)
            taken = tip is not None and reader.tree(f"{tip.oid}:{run_path(number)}")
            final = number if not taken or tip is None else tip.next_number
            try:
                written = write(repository, reader, tip, folded, documents=documents, number=final)
            except GitFailed as error:
                # gc may take an object or an empty object directory away while fast-import writes beside it
                failed = error
                continue
        if update_refs(repository.top, written.updates, reason=f"gxt: {run_id(final)} {folded.status}"):
            return Sealed(uid=folded.uid, number=final, run={**written.run, "id": run_id(final)})
    if failed is not None:
        raise failed
    raise StoreBusy(
        f"{run_id(number)} could not be sealed: another git process holds a lock",
        hint=_lock_hint(repository),
    )


def _documents(folded: Folded, console: bytes, series_bytes: int) -> dict[str, bytes]:
    """Every file of the run's directory but the run itself."""
    metrics = folded.metrics
    chunks = encode(folded.series, uid=folded.uid, chunk_bytes=SERIES_CHUNK_BYTES) if folded.series else []
    size = sum(map(len, chunks))
    if size > series_bytes:
        rows = max(len(one.step) for one in folded.series.values())
        kept = max(1000, rows * series_bytes // size)
        chunks = encode(thin(folded.series, max_rows=kept), uid=folded.uid, chunk_bytes=SERIES_CHUNK_BYTES)
        notice = f"series thinned from {rows} to {kept} points a metric: over {series_bytes >> 20} MiB"
        notices = metrics["notices"]
        metrics = {**metrics, "notices": [*(notices if isinstance(notices, list) else []), notice]}
    files = {
        "config.json": dump_document(folded.config),
        "environment.json": dump_document(folded.environment),
        "metrics.json": dump_document(metrics),
    }
    if folded.annotations:
        files["annotations.jsonl"] = b"".join(
            json.dumps(event).encode() + b"\n" for event in folded.annotations
        )
    if len(chunks) == 1:
        files["series"] = chunks[0]
    else:
        files |= {f"series/{i:04d}": chunk for i, chunk in enumerate(chunks, 1)}
    if console:
        files["output.log"] = console
    return files


def _lock_files(repository: Repository) -> list[Path]:
    refs = [EXPERIMENTS, *NOTES.values()]
    return [repository.common_dir / f"{ref}.lock" for ref in refs]


def _remove_stale_locks(repository: Repository) -> None:
    """A killed git leaves its `*.lock` for ever, and no git command removes it.

    We hold the store's lock, so nobody else of gxt is writing these refs: a lock older than 2 s is debris.
    """
    for lock in _lock_files(repository):
        try:
            if time.time() - lock.stat().st_mtime > 2:
                lock.unlink(missing_ok=True)
        except OSError:
            continue


def _lock_hint(repository: Repository) -> str:
    for lock in (repository.common_dir / "packed-refs.lock", *_lock_files(repository)):
        if lock.exists():
            age = time.time() - lock.stat().st_mtime
            return f"{lock} is {age:.0f} s old: if no git is running, remove it: rm '{lock}'"
    return "nothing is lost: gxt list tries again"
