"""What is said of a run now, on a line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from gxt.model.json_types import JsonObject
from gxt.model.params import flatten
from gxt.model.run import evals_of
from gxt.ops.annotate import Annotated
from gxt.render.clean import one_line
from gxt.render.values import measured
from gxt.render.view import Line, Span, line

_WIDTH = 72


def tags(said: Annotated, asked: Sequence[str], *, remove: bool) -> Line:
    """The tags of a run."""
    present = [one_line(str(one)) for one in cast("list[str]", said.run["tags"])]
    words = ", ".join(one_line(one) for one in asked)
    few = f"the tag {words}" if len(asked) == 1 else f"the tags {words}"
    if not said.changed:
        return _about(said.run, f"does not have {few}" if remove else f"already has {few}")
    return _about(said.run, f"tags: {', '.join(present)}" if present else "has no tags")


def remark(said: Annotated, *, conclusion: bool) -> Line:
    """The newest comment or conclusion of a run."""
    what = "conclusion" if conclusion else "comment"
    if not said.changed:
        return _about(said.run, f"already has this {what}")
    newest = cast("list[JsonObject]", said.run[f"{what}s"])[-1]
    return _about(said.run, f"{what}: {one_line(str(newest['text']), _WIDTH)}")


def evaluation(said: Annotated, name: str) -> Line:
    """An evaluation of a run."""
    shown = one_line(name)
    if not said.changed:
        return _about(said.run, f"already has this evaluation {shown}")
    values = flatten(cast("JsonObject", evals_of(said.run)[name]))
    told = ", ".join(f"{one_line(key)} {measured(value)}" for key, value in values.items())
    return _about(said.run, one_line(f"{shown}: {told}", _WIDTH))


def retracted(said: Annotated, name: str) -> Line:
    """A run of which evaluations were taken back."""
    left = [one_line(one) for one in evals_of(said.run)]
    if not said.changed:
        return _about(said.run, "has no evaluations" if not left else f"has no evaluation {one_line(name)}")
    return _about(said.run, f"evaluations: {', '.join(left)}" if left else "has no evaluations")


def name(said: Annotated) -> Line:
    """The name of a run."""
    present = one_line(str(said.run["name"])) if said.run["name"] else ""
    if not said.changed:
        return _about(said.run, f"already has the name {present}" if present else "has no name already")
    return _about(said.run, f"name: {present}" if present else "has no name")


def removed(said: Annotated) -> Line:
    """A run that is removed."""
    return _about(said.run, f"removed: gxt rm --undo {said.run['id']} brings it back")


def restored(said: Annotated) -> Line:
    """A run that was removed."""
    return _about(said.run, "restored" if said.changed else "is not removed")


def _about(run: JsonObject, words: str) -> Line:
    return line(Span(str(run["id"]), "id"), f" {words}")
