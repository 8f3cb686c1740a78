"""Where the user stands."""

from __future__ import annotations

from gxt.git.snapshot import Snapshot
from gxt.model.json_types import Json, JsonObject
from gxt.model.run import title, without_packages
from gxt.ops.base import BaseResult
from gxt.ops.status import Sharing, Status
from gxt.render.clean import one_line
from gxt.render.sharing import counts
from gxt.render.values import duration, left_out, size, standing_on
from gxt.render.view import Column, Line, Span, Table, View, line

_FILES = 10
_TITLE = 60
_LABEL = 7


def page(status: Status) -> View:
    """Running runs, the base, and what the next run would record."""
    parts = [_about("running", run, f"for {duration(run['duration_s'])}") for run in status.running]
    if not parts:
        parts.append(_line("running", "nothing"))
    if status.base:
        parts.append(
            _about("base", status.base, "HEAD no longer descends from it" if status.base_left else "")
        )
    else:
        parts.append(_line("base", status.absent or "none: the next run starts a new tree"))
    if status.latest:
        parts.append(_about("latest", status.latest, str(status.latest["status"])))
    return [*parts, *_to_exchange(status.sharing), *_code(status.snapshot)]


def _to_exchange(sharing: Sharing | None) -> View:
    """What `gxt push` and `gxt pull` would do, as far as is known here; nothing where there is nothing."""
    if sharing is None:
        return []
    lines: list[Line | Table] = []
    if sharing.new or sharing.updated:
        told = counts(sharing.new, sharing.updated)
        data = f", data of {size(sharing.data_bytes)}" if sharing.data_bytes else ""
        lines.append(_line("to push", f"to {sharing.remote}: {told}{data}"))
    if sharing.waits:
        lines.append(_line("to pull", f"{sharing.remote} had more when it was asked last"))
    return lines


def base_page(base: BaseResult) -> View:
    """The base alone."""
    run = base.run
    if base.absent:
        return [line(base.absent)]
    if run is None:
        return [line("no base: the next run starts a new tree")]
    row = [Span(str(run["id"]), "id"), Span(one_line(title(run)))]
    return [Table([Column(""), Column("", cut=True, most=_TITLE)], [row], head=False)]


def _code(snapshot: Snapshot) -> View:
    dirt = " with uncommitted changes" if snapshot.dirty else ""
    lines = [_line("code", standing_on(snapshot.head, snapshot.branch) + dirt)]
    lines += [line("           ", path) for path in snapshot.changed[:_FILES]]
    if len(snapshot.changed) > _FILES:
        lines.append(line("           ", Span(f"and {len(snapshot.changed) - _FILES} more", "dim")))
    skipped = snapshot.skipped
    lines += [line("           ", left_out(one.path, one.reason)) for one in skipped[:_FILES]]
    if len(skipped) > _FILES:
        lines.append(line("           ", Span(f"and {len(skipped) - _FILES} more such paths", "dim")))
    return lines


def as_json(status: Status) -> JsonObject:
    """`gxt status --json`."""
    snapshot = status.snapshot
    return {
        "running": [without_packages(run) for run in status.running],
        "base": status.base["id"] if status.base else None,
        "base_left": status.base_left,
        "latest": status.latest["id"] if status.latest else None,
        "code": {
            "head": snapshot.head,
            "branch": snapshot.branch,
            "dirty": snapshot.dirty,
            "changed": list[Json](snapshot.changed),
            "skipped": [{"path": s.path, "reason": s.reason, "size": s.size} for s in snapshot.skipped],
        },
        "sharing": _sharing_json(status.sharing),
    }


def _sharing_json(sharing: Sharing | None) -> Json:
    if sharing is None:
        return None
    return {
        "remote": sharing.remote,
        "new": list[Json](sharing.new),
        "updated": list[Json](sharing.updated),
        "waits": sharing.waits,
        "data_bytes": sharing.data_bytes,
    }


def _about(label: str, run: JsonObject, remark: str) -> Line | Table:
    """A run on one line, its title cut where the terminal is narrow."""
    texts = [Span(str(run["id"]), "id"), Span(one_line(title(run))), Span(remark, "dim")]
    columns = [Column(""), Column(""), Column("", cut=True, floor=16, most=_TITLE), Column("", cut=True)]
    return Table(columns, [[Span(f"{label:<{_LABEL}}", "dim"), *texts]], head=False)


def _line(label: str, text: str) -> Line | Table:
    return line(Span(f"{label:<{_LABEL}}  ", "dim"), text)
