"""The runs that do not count in a table, and why."""

from __future__ import annotations

from gxt.model.json_types import Json
from gxt.ops.measuring import LeftOut
from gxt.render.clean import one_line
from gxt.render.view import Line, Span, line

_LEFT_OUT = 6


def left_out_lines(left_out: tuple[LeftOut, ...]) -> list[Line]:
    """Which runs do not count, and why; nothing where all do."""
    if not left_out:
        return []
    shown = ", ".join(f"{one.id} ({one_line(one.reason)})" for one in left_out[:_LEFT_OUT])
    more = f" and {len(left_out) - _LEFT_OUT} more" if len(left_out) > _LEFT_OUT else ""
    return [line("  left out: ", Span(f"{shown}{more}", "dim"))]


def left_out_json(left_out: tuple[LeftOut, ...]) -> Json:
    """The same for programs."""
    return [{"id": one.id, "reason": one.reason} for one in left_out]
