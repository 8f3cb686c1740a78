"""Runs side by side: a column for each, and a line for each fact that differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from gxt.model.fields import MISSING, Missing
from gxt.model.json_types import Json
from gxt.model.run import metrics_of
from gxt.ops.compare import Comparison, Fact
from gxt.render.clean import cells, one_line
from gxt.render.columnar import Columns, Numbers
from gxt.render.fitting import GAP
from gxt.render.values import duration, local_time, metric_value, number, scalar
from gxt.render.view import Column, Line, Span, Table, View, line

_CELL = 32  # cells of a terminal
_SHOWN: Final = {"created": local_time, "duration_s": duration}


def table(result: Comparison, *, everything: bool = False, star: bool = True) -> Table:
    """Runs as columns, a row for each fact that differs; the best values are marked, equal ones all of them.

    Args:
        result: the runs.
        everything: also what is the same in all of them.
        star: mark the best by a star behind it, besides its style.
    """
    shown = [one for one in _told(result, everything=everything) if not one.minor]
    rows = [_row(result, one, star=star) for one in shown]
    floors = [row for row, one in zip(rows, shown, strict=True) if one.kind in {"metrics", "evals"}]
    return Table([Column("", cut=True, tail=True, floor=16), *_run_columns(result, floors)], rows)


def exact(result: Comparison, *, everything: bool = False) -> Table:
    """The same with whole values, unmarked, and the ends of intervals."""
    told = _told(result, everything=everything)
    rows = [[one.name, *map(_exact, one.values)] for one in told]
    return Table([Column(""), *(Column(str(run["id"])) for run in result.runs)], rows)


def columns(result: Comparison, *, everything: bool = False) -> Columns:
    """A row for each run: facts, parameters, metrics, evaluations; of repeats `se` and `n` besides."""
    found: dict[str, Sequence[Json]] = {"id": [run["id"] for run in result.runs]}
    for one in _told(result, everything=everything):
        name = f"metrics.{one.name}" if one.kind == "metrics" else one.name
        values = [None if value is MISSING else value for value in one.values]
        found[name] = Numbers(values) if one.kind in {"metrics", "evals"} else values
        if one.kind == "metrics" and any("repeats" in run for run in result.runs):
            for part in ("se", "n"):
                found[f"{part}.{one.name}"] = Numbers(_of_repeats(run, one.name, part) for run in result.runs)
    return found


def hidden(result: Comparison) -> str:
    """What a table without everything leaves out, in words; empty where that is nothing."""
    left = [one for one in result.facts if not _is_told(one) and not one.minor and _says(one)]
    counts = {kind: sum(one.kind == kind for one in left) for kind in ("params", "metrics", "evals")}
    words = [one.name for one in left if one.kind == "fact"]
    words += [_counted(count, kind) for kind, count in counts.items() if count]
    return f"the same in all: {', '.join(words)}; --all shows them" if words else ""


def in_blocks(table: Table, width: int) -> View:
    """A table as tables one below the other: each has the labels, and as many columns as fit."""
    head, *columns = table.columns
    label = min(max(cells(head.span(row[0]).text) for row in table.rows), width * 2 // 5)
    blocks: list[Line | Table] = []
    start = 0
    while start < len(columns):
        end, free = start, width - label
        while end < len(columns) and (end == start or free >= GAP + columns[end].floor):
            free -= GAP + columns[end].floor
            end += 1
        kept = [head._replace(floor=label), *columns[start:end]]
        rows = [[row[0], *row[start + 1 : end + 1]] for row in table.rows]
        blocks += [*([line()] if blocks else []), Table(kept, rows)]
        start = end
    return blocks


def _told(result: Comparison, *, everything: bool) -> list[Fact]:
    return [one for one in result.facts if everything or _is_told(one)]


def _is_told(fact: Fact) -> bool:
    return fact.differs or (fact.kind == "fact" and fact.name == "name")


def _says(fact: Fact) -> bool:
    return any(value not in (None, "", MISSING, []) for value in fact.values)


def _counted(count: int, kind: str) -> str:
    word = {"params": "parameter", "metrics": "metric", "evals": "evaluated value"}[kind]
    return f"{count} {word}{'s' if count > 1 else ''}"


def _row(result: Comparison, fact: Fact, *, star: bool) -> list[Span]:
    if fact.kind == "metrics":
        texts = [metric_value(run, fact.name) for run in result.runs]
    elif fact.kind == "evals":
        texts = [number(None if value is MISSING else value) for value in fact.values]
    elif fact.name in _SHOWN:
        texts = [_SHOWN[fact.name](None if value is MISSING else value) for value in fact.values]
    else:
        texts = [one_line(_exact(value)) for value in fact.values]
    label = Span(fact.name, "" if fact.kind in {"metrics", "evals"} else "dim")
    if fact.kind == "fact" and fact.name == "name":
        return [label, *(Span(text, "title") for text in texts)]
    return [label, *marked(texts, fact.best, star=star)]


def marked(texts: Sequence[str], best: frozenset[int], *, star: bool) -> list[Span]:
    """Cells with the best in their style; with a star behind those, and space behind the others."""
    if not best:
        return list(map(Span, texts))
    tails = (" *", "  ") if star else ("", "")
    return [
        Span(f"{text}{tails[0]}", "good") if at in best else Span(f"{text}{tails[1]}")
        for at, text in enumerate(texts)
    ]


def _run_columns(result: Comparison, metrics: Sequence[Sequence[Span]]) -> list[Column]:
    """A column a run, never too narrow for its id and its metrics."""
    found = []
    for i, run in enumerate(result.runs, 1):
        floor = max([len(str(run["id"])), *(len(row[i].text) for row in metrics)])
        found.append(Column(str(run["id"]), right=True, cut=True, floor=floor, most=max(floor, _CELL)))
    return found


def _exact(value: Json | Missing) -> str:
    return "" if value is None or isinstance(value, Missing) else scalar(value)


def _of_repeats(run: Mapping[str, Json], name: str, part: str) -> Json:
    """How many repeats a mean is of, or its standard error; of a single run 1, and none."""
    repeats = run.get("repeats")
    if not isinstance(repeats, dict):
        return 1 if part == "n" and name in metrics_of(run) else None
    found = repeats["metrics"]
    one = found.get(name) if isinstance(found, dict) else None
    return one.get(part) if isinstance(one, dict) else None
