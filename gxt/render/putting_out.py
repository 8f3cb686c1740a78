"""What a run has put out, on its page: checkpoints with step, metric and size, other files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import cast

from gxt.model.artifacts import MEDIA
from gxt.model.json_types import Json, JsonObject
from gxt.render.clean import one_line
from gxt.render.values import number, size
from gxt.render.view import Column, Span, Table, View, line

_MOST_TENSORS = 3
_MEDIA = frozenset(("image", "figure", "table", "text"))


def outputs(run: JsonObject) -> View:
    """The section of the outputs; nothing where there are none."""
    artifacts = cast("list[JsonObject]", run["artifacts"] or [])
    if not artifacts:
        return []
    metric = next((str(one["metric_name"]) for one in artifacts if one.get("metric_name")), "")
    columns = [
        Column("name", cut=True, tail=True, floor=16),
        Column("step", right=True),
        Column(metric, right=True, cut=True, tail=True),
        Column("size", right=True),
        Column("parameters", right=True, drop=1),
        Column("", cut=True, drop=2),
    ]
    rows = [_row(one, earlier) for one, earlier in _latest(artifacts)]
    shown = [at for at in range(len(columns)) if at in (0, 3) or any(row[at].text for row in rows)]
    table = Table([columns[at] for at in shown], [[row[at] for at in shown] for row in rows], indent=2)
    return [line(), line(Span("Outputs", "head")), table]


def _latest(artifacts: list[JsonObject]) -> Iterator[tuple[JsonObject, int]]:
    """The entries; of media with one name only the last, with the number of those before it."""
    counts = Counter(_medium(one) for one in artifacts)
    seen: Counter[str] = Counter()
    for one in artifacts:
        name = _medium(one)
        seen[name] += 1
        if not name:
            yield one, 0
        elif seen[name] == counts[name]:
            yield one, counts[name] - 1


def _medium(one: JsonObject) -> str:
    """What media of one series have in common; empty for all else, each of which counts."""
    is_one = one["kind"] in _MEDIA and str(one["name"]).startswith(MEDIA)
    return f"{one['kind']} {one['name']}" if is_one else ""


def _row(one: JsonObject, earlier: int) -> list[Span]:
    model = one.get("model")
    facts = model if isinstance(model, dict) else {}
    name = one_line(str(one["name"]))
    return [
        Span(f"  {name}" if one["kind"] == "part" else name),
        Span("" if one["step"] is None else str(one["step"])),
        Span(number(one["metric"])) if one["metric"] is not None else Span(""),
        Span(size(one["size"]) if one["md5"] else "not stored yet"),
        Span(_parameters(facts)),
        Span(", ".join(_about(one, facts, earlier)), "dim"),
    ]


def _parameters(facts: JsonObject) -> str:
    count = facts.get("params")
    if not isinstance(count, int):
        return ""
    return f"{'≈ ' if facts.get('approximate') else ''}{count:,}"


def _about(one: JsonObject, facts: JsonObject, earlier: int) -> Iterator[str]:
    path = str(one["path"])
    if earlier:
        yield f"and {earlier} earlier"
    if path != one["name"]:
        yield one_line(path)
    if isinstance(one.get("files"), int):
        yield f"{one['files']} files" if one["files"] != 1 else "1 file"
    if facts.get("opset"):
        yield f"opset {facts['opset']}"
    sides = [_tensors(facts.get(side)) for side in ("inputs", "outputs")]
    if any(sides):
        yield " → ".join(sides)


def _tensors(tensors: Json) -> str:
    """`x [batch, 3, 6, 7]`; the length that nobody has named is a `?`."""
    found = [one for one in tensors if isinstance(one, dict)] if isinstance(tensors, list) else []
    texts = []
    for one in found[:_MOST_TENSORS]:
        shape = one.get("shape")
        axes = ["?" if axis is None else str(axis) for axis in shape] if isinstance(shape, list) else ["…"]
        texts.append(one_line(f"{one.get('name', '')} [{', '.join(axes)}]"))
    return ", ".join(texts) + (" …" if len(found) > _MOST_TENSORS else "")
