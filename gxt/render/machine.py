"""What a run used of the machine, as a section of its page."""

from __future__ import annotations

from gxt.model.goals import SYSTEM
from gxt.model.json_types import Json, JsonObject
from gxt.render.clean import one_line
from gxt.render.values import number, size
from gxt.render.view import Column, Span, Table, View, line

_COLUMNS = [Column("metric"), *(Column(name, right=True) for name in ("last", "min", "max", "points"))]


def machine(stats: dict[str, JsonObject]) -> View:
    """The section of the metrics of the machine; nothing where there are none."""
    rows = [
        [
            Span(one_line(name)),
            *(Span(_amount(name, stat[key])) for key in ("last", "min", "max")),
            Span(str(stat["count"]), "dim"),
        ]
        for name, stat in stats.items()
        if name.startswith(SYSTEM)
    ]
    return [line(), line(Span("System", "head")), Table(_COLUMNS, rows, indent=2)] if rows else []


def _amount(name: str, value: Json) -> str:
    if name.endswith("_bytes_per_s"):
        return f"{size(value)}/s"
    return size(value) if name.endswith("_bytes") else number(value)
