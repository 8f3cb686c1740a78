"""A run that is executed again: what would be, and how it compares."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import cast

from gxt.model.json_types import Json, JsonObject
from gxt.model.reproduction import Compared
from gxt.ops.reproduce import Reproduced, ReproducePlan
from gxt.render.clean import one_line
from gxt.render.differing import changes_page, pairs_json
from gxt.render.values import number
from gxt.render.view import Column, Line, Span, Style, Table, View, line, pairs

_STYLES: dict[str, Style] = {"identical": "good", "within": "unsure", "different": "bad"}
_HASH = 10
_MOST = 12


def plan_page(plan: ReproducePlan) -> View:
    """What would be executed, by whom it was written, and what is different here."""
    run = plan.run
    rows = [
        ("command", one_line(shlex.join(plan.command))),
        ("directory", str(run["cwd"])),
        ("code", str(run["commit"])[:_HASH]),
        (
            "recorded by",
            one_line(f"{run['author']} on {run['host']}, {str(run['created'])[:16].replace('T', ' ')}"),
        ),
        *(("redacted", f"{name} (--arg {name}=VALUE)") for name in plan.missing),
    ]
    lines: list[Line | Table] = [
        line(Span(str(run["id"]), "id"), " would be executed again, in a work tree of its own"),
        pairs(rows),
    ]
    if plan.environment:
        shown = dict(list(plan.environment.items())[:_MOST])
        lines += [line(), line(Span("Environment", "head"), " (recorded → here)"), *changes_page(shown)]
        if len(plan.environment) > _MOST:
            lines.append(line(f"  … and {len(plan.environment) - _MOST} more"))
    return lines


def verdict_page(done: Reproduced) -> View:
    """Identical, within the tolerance, or different; and what of it."""
    original, comparison = done.plan.run, done.comparison
    if comparison is None:
        return [line("nothing was recorded: there is nothing to compare")]
    again = str(done.result.finished.run["id"]) if done.result.finished else ""
    within = "within the spread of its repeats" if done.plan.repeats else "within the tolerance"
    words = {"identical": "identical", "within": within, "different": "different"}
    head = line(
        Span(again, "id"),
        " against ",
        Span(str(original["id"]), "id"),
        ": ",
        Span(words[comparison.verdict], _STYLES[comparison.verdict]),
    )
    rows = [_row(one, shown=number) for one in comparison.metrics]
    rows += [_row(one, shown=_hash) for one in comparison.artifacts]
    if comparison.status:
        rows.insert(0, [Span("status"), *map(Span, comparison.status), Span("different", "bad")])
    columns = [
        Column("", cut=True, tail=True),
        Column(str(original["id"]), right=True),
        Column(again, right=True),
        Column(""),
    ]
    return [head, Table(columns, rows, indent=2)] if rows else [head]


def plan_json(plan: ReproducePlan) -> JsonObject:
    """`gxt reproduce --dry-run --json`."""
    return {
        "original": plan.run["id"],
        "command": list[Json](plan.command),
        "cwd": plan.run["cwd"],
        "missing": list[Json](plan.missing),
        "environment": pairs_json(plan.environment),
        "is_ours": plan.is_ours,
    }


def verdict_json(done: Reproduced) -> JsonObject:
    """`gxt reproduce --json`."""
    comparison, finished = done.comparison, done.result.finished
    return {
        "run": finished.run["id"] if finished else None,
        "original": done.plan.run["id"],
        "verdict": comparison.verdict if comparison else None,
        "metrics": _metrics_json(comparison.metrics if comparison else ()),
        "artifacts": _compared_json(comparison.artifacts if comparison else ()),
    }


def _compared_json(found: Sequence[Compared]) -> JsonObject:
    return {one.name: {"original": one.original, "again": one.again, "verdict": one.verdict} for one in found}


def _metrics_json(found: Sequence[Compared]) -> JsonObject:
    plain = _compared_json(found)
    spreads = {one.name: dict[str, Json](one.spread._asdict()) if one.spread else None for one in found}
    return {name: {**cast("JsonObject", told), "spread": spreads[name]} for name, told in plain.items()}


def _row(one: Compared, *, shown: Callable[[Json], str]) -> list[Span]:
    values = [
        Span("absent", "dim") if value is None else Span(shown(value)) for value in (one.original, one.again)
    ]
    told: str = one.verdict
    if one.spread and told != "identical":
        told += f" (another repeat: {number(one.spread.low)} to {number(one.spread.high)}, n={one.spread.n})"
    return [Span(one_line(one.name)), *values, Span(told, _STYLES[one.verdict])]


def _hash(value: Json) -> str:
    return str(value)[:_HASH]
