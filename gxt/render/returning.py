"""What has come back of a run."""

from __future__ import annotations

from gxt.model.json_types import Json, JsonObject
from gxt.ops.checkout import CheckedOut
from gxt.render.clean import one_line
from gxt.render.view import Span, View, line

_MOST = 6


def checked_out_page(done: CheckedOut, *, beside: bool) -> View:
    """How much has changed, and what follows."""
    run = Span(str(done.run["id"]), "id")
    if beside:
        return [line(run, " is in ", one_line(str(done.place)))]
    if not done.written and not done.removed:
        lines = [line(run, " is what stands here already")]
    else:
        parts = [f"{_count(done.written)} written"] if done.written else []
        parts += [f"{_count(done.removed)} removed"] if done.removed else []
        lines = [line(run, f" is here: {', '.join(parts)}")]
        lines += [line(f"  {mark} ", one_line(path)) for mark, path in _named(done)]
    if done.is_base:
        lines.append(line("it is the base of the next run; HEAD stays where it was"))
    return lines


def checked_out_json(done: CheckedOut) -> JsonObject:
    """`gxt checkout --json`."""
    return {
        "run": done.run["id"],
        "written": list[Json](done.written),
        "removed": list[Json](done.removed),
        "folder": str(done.place),
        "is_base": done.is_base,
    }


def _named(done: CheckedOut) -> list[tuple[str, str]]:
    changes = [*(("+", path) for path in done.written), *(("-", path) for path in done.removed)]
    return changes if len(changes) <= _MOST else []


def _count(paths: tuple[str, ...]) -> str:
    return "1 file" if len(paths) == 1 else f"{len(paths)} files"
