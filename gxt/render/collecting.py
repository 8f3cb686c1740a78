"""What `gxt gc` would do, and what it has done."""

from __future__ import annotations

from collections.abc import Sequence

from gxt.model.json_types import Json, JsonObject
from gxt.ops.gc import Plan
from gxt.render.values import size
from gxt.render.view import Line, Span, View, line

_MOST = 6


def planned_page(plan: Plan) -> View:
    """A line for each kind of what would be done."""
    if plan.is_empty():
        return [line("nothing to free, nothing to pack")]
    return [line("would ", text) for text in _steps(plan)]


def done_page(plan: Plan) -> View:
    """The summary of what was done."""
    deleted = " and ".join(filter(None, (_refs(plan), _indexes(plan))))
    said = [
        f"freed {_freed(plan)}" if plan.runs else "",
        f"freed {size(plan.content_bytes)} of the cache" if plan.content_bytes else "",
        f"deleted {deleted}" if deleted else "",
        "packed" if plan.objects else "",
    ]
    lines: list[Line] = [
        line(Span("done", "good"), ": ", "; ".join(filter(None, said)) or "nothing was left")
    ]
    if plan.runs or plan.must_forget:
        lines.append(
            line("git frees what was removed when its grace time is over (gc.pruneExpire, two weeks);")
        )
        lines.append(line("to have it gone now: git gc --prune=now"))
    return lines


def as_json(plan: Plan, *, done: bool) -> JsonObject:
    """`gxt gc --json`."""
    return {
        "done": done,
        "runs": [dict[str, Json](one._asdict()) for one in plan.runs],
        "runs_bytes": plan.runs_bytes,
        "content_bytes": plan.content_bytes,
        "refs": list[Json](plan.refs),
        "indexes": [path.name for path in plan.indexes],
        "indexes_bytes": plan.indexes_bytes,
        "objects": dict[str, Json](plan.objects._asdict()) if plan.objects else None,
    }


def _steps(plan: Plan) -> list[str]:
    """What would be done, a text for each kind."""
    found = []
    if plan.runs:
        them = "it" if len(plan.runs) == 1 else "them"
        found.append(f"free {_runs(plan)}: gxt rm --undo cannot bring {them} back then")
    if plan.content_bytes:
        found.append(f"free what they have put out, at most {size(plan.content_bytes)} of the cache")
    if plan.must_forget and not plan.runs:
        found.append("forget what a gc has freed that was killed")
    if plan.refs:
        found.append(f"delete {_refs(plan)}")
    if plan.indexes:
        found.append(f"delete {_indexes(plan)}")
    if plan.objects:
        loose, packs = _count(plan.objects.loose, "loose object"), _count(plan.objects.packs, "pack")
        found.append(f"pack {loose} ({size(plan.objects.loose_bytes)}) and {packs}: git gc")
    return found


def _runs(plan: Plan) -> str:
    takes = f", {size(plan.runs_bytes)}" if plan.runs_bytes is not None else ""
    kind = _count(len(plan.runs), "removed run")
    return f"{kind} that no remote has ({_shown([one.id for one in plan.runs])}{takes})"


def _freed(plan: Plan) -> str:
    return f"{_count(len(plan.runs), 'removed run')} ({_shown([one.id for one in plan.runs])})"


def _refs(plan: Plan) -> str:
    return _count(len(plan.refs), "ref") + " of pushes and remotes that are done" if plan.refs else ""


def _indexes(plan: Plan) -> str:
    if not plan.indexes:
        return ""
    return f"{_count(len(plan.indexes), 'index file')} of other versions ({size(plan.indexes_bytes)})"


def _shown(words: Sequence[str]) -> str:
    return ", ".join(words) if len(words) <= _MOST else f"{words[0]} … {words[-1]}"


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
