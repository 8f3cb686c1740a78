"""A run as a Markdown page of its own, for people who have its folder and no gxt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast
from urllib.parse import quote

from gxt.model.fields import Missing
from gxt.model.json_types import Json, JsonObject
from gxt.model.layout import CONFIG, METRICS, PICTURE
from gxt.model.params import flatten
from gxt.model.run import command_line, params_of, title
from gxt.ops.export_files import Summary
from gxt.render.clean import one_line, shortened
from gxt.render.formats import escaped
from gxt.render.values import change, duration, ending, measured, number, scalar

_MOST = 40  # rows of a table
_CELL = 120


def page(summary: Summary) -> str:
    """The page."""
    parts = [
        *_heading(summary),
        *_texts(summary.run),
        *([f"![Learning curve]({PICTURE})"] if summary.picture else []),
        *_changes(summary),
        *_parameters(summary.run),
        *_results(summary),
        *_evaluations(summary.run),
        *_remarks("Conclusions", summary.run["conclusions"]),
        *_remarks("Comments", summary.run["comments"]),
        *_outputs(summary),
        *_reproduce(summary.run),
    ]
    return "\n\n".join(parts) + "\n"


def _heading(summary: Summary) -> Iterator[str]:
    run = summary.run
    yield f"# {run['id']} {_text(title(run))}"
    facts = [
        " ".join(filter(None, (str(run["status"]), ending(run)))),
        str(run["created"])[:16].replace("T", " ") + " UTC",
        duration(run["duration_s"]),
        str(run["author"]).partition(" <")[0],
        *(f"#{tag}" for tag in cast("list[Json]", run["tags"])),
    ]
    yield " · ".join(_text(fact) for fact in facts if fact.strip())
    if summary.parent:
        yield f"Derives from {summary.parent['id']} {_text(title(summary.parent))}."
    elif summary.absent:
        yield f"Derives from {_text(summary.absent)}."


def _texts(run: JsonObject) -> Iterator[str]:
    for heading, key in (("Message", "message"), ("Hypothesis", "hypothesis")):
        if run[key] and run[key] != title(run):
            yield f"**{heading}**"
            yield _quoted(str(run[key]))


def _changes(summary: Summary) -> Iterator[str]:
    if summary.parent is None:
        return
    yield f"## What changed from {summary.parent['id']}"
    rows = [[key, _side(old), _side(new)] for key, (old, new) in summary.changed.items()]
    yield from _table(["parameter", str(summary.parent["id"]), "here"], rows, "diff")
    if not rows:
        yield "No parameter."


def _parameters(run: JsonObject) -> Iterator[str]:
    rows = [[key, scalar(value)] for key, value in flatten(params_of(run)).items()]
    if rows:
        yield "## Parameters"
        yield from _table(["parameter", "value"], rows, CONFIG)


def _results(summary: Summary) -> Iterator[str]:
    if not summary.metrics:
        return
    yield "## Results"
    stats = cast("dict[str, JsonObject]", summary.run["metric_stats"])
    values = cast("JsonObject", summary.run["metrics"])
    main = summary.main.name if summary.main else None
    names = sorted(summary.metrics, key=lambda name: name != main)
    rows = []
    for name in names:
        one = summary.metrics[name]
        stat = stats.get(name) or {"last": values.get(name)}  # an evaluation's has no course
        cells = [number(stat.get("last")), number(stat.get("min")), number(stat.get("max"))]
        rows.append([name, *cells, change(one.delta), one.verdict or ""])
    columns = ["metric", "last", "min", "max", "from the parent", "verdict"]
    yield from _table(columns if summary.parent else columns[:4], rows, METRICS)


def _evaluations(run: JsonObject) -> Iterator[str]:
    for one in cast("list[JsonObject]", run["evals"]):
        yield f"## Evaluation {_text(str(one['name']))}"
        values = flatten(cast("JsonObject", one["values"]))
        yield from _table(
            ["", "value"], [[key, measured(value)] for key, value in values.items()], "eval.json"
        )


def _remarks(heading: str, remarks: Json) -> Iterator[str]:
    found = cast("list[JsonObject]", remarks)
    if found:
        yield f"## {heading}"
    for one in found:
        yield _text(f"{str(one['at'])[:10]} {str(one['by']).partition(' <')[0]}")
        yield _quoted(str(one["text"]))


def _outputs(summary: Summary) -> Iterator[str]:
    if summary.outputs:
        yield "## Outputs"
        yield "\n".join(
            f"- [{_text(said)}]({quote(name)})" if name else f"- {_text(said)} (its content is not here)"
            for said, name in summary.outputs
        )


def _reproduce(run: JsonObject) -> Iterator[str]:
    yield "## Where it comes from"
    rows = [["uid", str(run["uid"])], ["commit of the run", str(run["commit"])]]
    code = cast("JsonObject", run["code"])
    if code.get("head"):
        rows.append(["code", f"{code['head']}{' with uncommitted changes' if code.get('dirty') else ''}"])
    if run["command"]:
        rows.append(["command", command_line(run)])
    yield from _table(["", ""], rows, CONFIG)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], rest: str) -> Iterator[str]:
    """A table of its first rows; the others are in a file."""
    if not rows:
        return
    width = len(columns)
    lines = [f"| {' | '.join(columns)} |", f"|{' --- |' * width}"]
    lines += [f"| {' | '.join(map(_text, row[:width]))} |" for row in rows[:_MOST]]
    yield "\n".join(lines)
    if len(rows) > _MOST:
        yield f"… and {len(rows) - _MOST} more: see {rest}"


def _side(value: Json | Missing) -> str:
    return "" if isinstance(value, Missing) else scalar(value)


def _text(text: str) -> str:
    return escaped(shortened(one_line(text), _CELL))


def _quoted(text: str) -> str:
    return "\n".join(f"> {escaped(one_line(line))}".rstrip() for line in text.strip().splitlines())
