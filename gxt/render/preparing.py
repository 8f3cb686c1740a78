"""What a repository was prepared with."""

from __future__ import annotations

from gxt.model.json_types import JsonObject
from gxt.ops.init import Prepared
from gxt.render.clean import one_line
from gxt.render.view import Line, View, line


def as_json(prepared: Prepared) -> JsonObject:
    """`gxt init --json`."""
    return {"steps": [{**one._asdict()} for one in prepared.steps]}


def page(prepared: Prepared, *, dry_run: bool) -> View:
    """A line for each thing, and one where all of it was there."""
    done = "would be done: " if dry_run else ""
    lines: list[Line] = [
        line(f"{done if one.changed else 'already there: '}{one_line(one.about)}") for one in prepared.steps
    ]
    return lines if any(one.changed for one in prepared.steps) else [*lines, line("nothing to do")]
