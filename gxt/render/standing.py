"""Where the user stands."""

from __future__ import annotations

from gxt.model.json_types import Json, JsonObject
from gxt.model.run import title, without_packages
from gxt.ops.status import Status
from gxt.render.clean import one_line
from gxt.render.values import duration
from gxt.render.view import Line, Span, View, line

_FILES = 10


def page(status: Status) -> View:
    """Running runs, the base, and what the next run would record."""
    lines = [_about("running", run, f"for {duration(run['duration_s'])}") for run in status.running]
    if not status.running:
        lines.append(line(Span("running   ", "dim"), "nothing"))
    if status.base:
        left = "HEAD no longer descends from it" if status.base_left else ""
        lines.append(_about("base", status.base, left))
    else:
        lines.append(line(Span("base      ", "dim"), "none: the next run starts a new tree"))
    if status.latest:
        lines.append(_about("latest", status.latest, str(status.latest["status"])))
    snapshot = status.snapshot
    head = f"{snapshot.head[:10]} on {snapshot.branch or 'no branch'}" if snapshot.head else "no commit yet"
    lines.append(line(Span("code      ", "dim"), head, " with uncommitted changes" if snapshot.dirty else ""))
    lines += [line("            ", path) for path in snapshot.changed[:_FILES]]
    if len(snapshot.changed) > _FILES:
        lines.append(line("            ", Span(f"and {len(snapshot.changed) - _FILES} more", "dim")))
    lines += [line("            left out: ", one.path, f" ({one.reason})") for one in snapshot.skipped]
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
    }


def _about(label: str, run: JsonObject, remark: str) -> Line:
    return line(
        Span(f"{label:<10}", "dim"),
        Span(str(run["id"]), "id"),
        f"  {one_line(title(run), 60)}",
        Span(f"  {remark}".rstrip(), "dim"),
    )
