"""Sealing: a journal becomes a run commit, an entry of the experiments ref, and notes.

Objects first, by one fast-import onto temporary refs that protect them from a gc beside us; then one
transaction with the expected old value of every ref. The experiments ref alone is the truth: a transaction
over several refs is not atomic under SIGKILL with git's files backend, so notes that lag behind are rebuilt
by the next sealing, and sealing the same journal again gives the same run commit and does no harm.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from gxt.errors import GitFailed, StoreBusy
from gxt.git.objects import ObjectReader
from gxt.git.refs import update_refs
from gxt.git.repository import Repository
from gxt.model.codec import dump_document
from gxt.model.events import Folded
from gxt.model.ids import run_id, run_path
from gxt.model.json_types import JsonObject
from gxt.model.series import encode, thin
from gxt.store import collector, debris
from gxt.store.entry import Written, write
from gxt.store.tree import Tip, changed_folders, open_folders, read_tip, uid_of

SERIES_CHUNK_BYTES = 1 << 20  # what hosting services advise for one git object
_ATTEMPTS = 8
_ATTEMPTS_WITH_NOTES = 5
_GC_PATIENCE_S = 5.0
_PATIENCE_S = 2.5  # git itself waits a second for `packed-refs.lock`


class Sealed(NamedTuple):
    """A run that is in git now."""

    uid: str
    number: int
    run: JsonObject


def seal(
    repository: Repository,
    folded: Folded,
    *,
    number: int,
    console: bytes,
    series_bytes: int,
    looked_at: str | None = None,
) -> Sealed:
    """Put a run into git. Call it with the store's lock.

    Args:
        repository: where.
        folded: what the journal says.
        number: the number reserved for it; the next free one is taken when somebody has it by now.
        console: the content of `output.log`; empty when nothing was captured.
        series_bytes: a larger series is thinned, its extremes kept, with a notice.
        looked_at: the entry up to which the caller knows that this run is not sealed yet; empty for no entry
            at all; by default the present one.

    Raises:
        StoreBusy: another git process held a lock, or moved the refs again and again.
        GitFailed: git could not write.
    """
    documents = _documents(folded, console, series_bytes)
    failed: GitFailed | None = None
    gives_up_s = time.monotonic() + _PATIENCE_S
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(0.05 * attempt)
            debris.remove_stale_locks(repository)
        with ObjectReader(repository.top) as reader:
            if attempt:
                debris.mend_notes(repository, reader)
            tip = read_tip(reader)
            if looked_at is not None and looked_at != (tip.oid if tip else ""):
                published = _published(reader, looked_at, tip, folded)
                if published:
                    return published
            looked_at = tip.oid if tip else ""
            final = _free_number(reader, tip, number)
            try:
                again = partial(write, repository, reader, tip, folded, documents=documents, number=final)
                written = again(rebuild_notes=failed is not None)
            except GitFailed as error:
                # gc may take an object or an empty object directory away while fast-import writes beside it
                failed = error
                continue
            # the next sealing can make up for the notes: what is wrong with their refs must not cost a run
            updates = written.updates + (written.notes if attempt < _ATTEMPTS_WITH_NOTES else ())
            if update_refs(repository.top, updates, reason=f"gxt: {run_id(final)} {folded.status}"):
                _settle(repository, reader, written, partial(again, rebuild_notes=failed is not None))
                return Sealed(uid=folded.uid, number=final, run={**written.run, "id": run_id(final)})
        if time.monotonic() > gives_up_s:
            break
    if failed is not None:
        raise failed
    raise StoreBusy(
        f"{run_id(number)} could not be sealed: git could not move its refs",
        hint=debris.lock_hint(repository),
    )


def _settle(
    repository: Repository, reader: ObjectReader, written: Written, again: Callable[..., Written]
) -> None:
    """See that git has what was published, and write the very same objects again where it has not."""
    before = {move.ref: move.old for move in written.notes}
    for _ in range(_ATTEMPTS):
        collector.await_end(repository, patience_s=_GC_PATIENCE_S)
        if collector.are_there(reader, written.objects):
            return
        with suppress(GitFailed):
            temporary = [update for update in again(notes_tips=before).updates if update.new is None]
            update_refs(repository.top, temporary, reason="gxt: written again")


def _free_number(reader: ObjectReader, tip: Tip | None, reserved: int) -> int:
    """The reserved number, or the next one where that is taken or could not be read."""
    if tip is None:
        return max(reserved, 1)
    if reserved < 1 or reader.tree(f"{tip.oid}:{run_path(reserved)}"):
        return tip.next_number
    return reserved


def _published(reader: ObjectReader, since: str, tip: Tip | None, folded: Folded) -> Sealed | None:
    """The run, if it is among those published since an entry.

    A git that we started goes on when gxt is killed, and one that is killed may have moved the ref before it
    could say so.
    """
    if tip is None:
        return None
    changes = [(number, oid) for number, oid in changed_folders(reader, since or None, tip.oid) if oid]
    for folder in open_folders(reader, changes):
        if uid_of(reader, folder) == folded.uid:
            run = folded.run(folder.entries["run"].oid)
            return Sealed(folded.uid, folder.number, {**run, "id": run_id(folder.number)})
    return None


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
