"""The files of a sealed run's directory, from what its journal says."""

from __future__ import annotations

from gxt.model.annotations import dump_events
from gxt.model.codec import dump_document
from gxt.model.events import Folded
from gxt.model.json_types import JsonObject
from gxt.model.series import fitted


def documents(folded: Folded, console: bytes, *, series_bytes: int) -> dict[str, bytes]:
    """Every file of the run's directory but the run itself, by path.

    Args:
        folded: what the journal says.
        console: the content of `output.log`; empty when nothing was captured.
        series_bytes: a larger series is thinned, its extremes kept, with a notice.
    """
    series, notice = _series(folded, series_bytes)
    files = {
        "config.json": dump_document(folded.config),
        "environment.json": dump_document(folded.environment),
        "metrics.json": dump_document(_with_notice(folded.metrics, notice) if notice else folded.metrics),
    }
    if folded.annotations:
        files["annotations.jsonl"] = dump_events(folded.annotations)
    if console:
        files["output.log"] = console
    return files | series


def _series(folded: Folded, most_bytes: int) -> tuple[dict[str, bytes], str]:
    """The series as one file or as a folder of chunks, and what there is to say about it."""
    if not folded.series:
        return {}, ""
    chunks, kept = fitted(folded.series, uid=folded.uid, limit_bytes=most_bytes)
    notice = ""
    if kept is not None:
        rows = max(map(len, folded.series.values()))
        limit = f"{most_bytes / (1 << 20):g} MiB"
        notice = f"series thinned from {rows} to {kept} points a metric: over {limit}"
    if len(chunks) == 1:
        return {"series": chunks[0]}, notice
    return {f"series/{i:04d}": chunk for i, chunk in enumerate(chunks, 1)}, notice


def _with_notice(metrics: JsonObject, notice: str) -> JsonObject:
    notices = metrics["notices"]
    return {**metrics, "notices": [*(notices if isinstance(notices, list) else []), notice]}
