"""Which parameters a metric goes with, as a table."""

from __future__ import annotations

from gxt.analysis.importance import Effect, Interval
from gxt.model.json_types import Json, JsonObject
from gxt.ops.relating import RECORD, TEXTS, Relation, as_record
from gxt.render.clean import one_line
from gxt.render.columnar import Columns, Numbers
from gxt.render.leaving_out import left_out_json, left_out_lines
from gxt.render.view import Cell, Column, Line, Span, Table, View, line

_BETTER = {"max": ", higher is better", "min": ", lower is better", None: ""}


def page(result: Relation) -> View:
    """For people: a line for each parameter, the most important first, and what the runs cannot tell."""
    view: list[Line | Table] = [line(Span(one_line(result.metric), "title"), _over(result))]
    view += left_out_lines(result.left_out)
    view += [line(Span("  warning: ", "unsure"), one_line(text)) for text in result.warnings]
    if not result.effects:
        return [*view, line("no parameter differs")]
    told = tuple(one for one in result.effects if not one.why)
    if told:
        view += [line(), table(result._replace(effects=told))]
    silent: dict[str, list[str]] = {}
    for one in result.effects:
        if one.why:
            silent.setdefault(one.why, []).append(one_line(one.name))
    return [
        *view,
        *(line("no telling: ", Span(f"{', '.join(names)} ({why})", "dim")) for why, names in silent.items()),
    ]


def table(result: Relation) -> Table:
    """The parameters, rounded, and why there is nothing to tell of some."""
    names = [Column("parameter", cut=True, tail=True, floor=16), Column("n", right=True)]
    names += [Column("values", right=True, drop=3), Column("importance alone")]
    names += [Column("beyond the others"), Column("correlation", drop=1), Column("p", drop=2)]
    names.append(Column("", cut=True, floor=12, style="dim"))
    return Table(names, [_row(one) for one in result.effects])


def columns(result: Relation) -> Columns:
    """The same with whole values."""
    rows = [as_record(one) for one in result.effects]
    found = {name: [row[name] for row in rows] for name in RECORD}
    return {name: values if name in TEXTS else Numbers(values) for name, values in found.items()}


def as_json(result: Relation) -> JsonObject:
    """`gxt compare --metric --json`."""
    return {
        "metric": result.metric,
        "goal": result.goal,
        "runs": result.runs,
        "experiments": result.experiments,
        "parameters": [as_record(one) for one in result.effects],
        "together": [{**one._asdict(), "always": one.always} for one in result.together],
        "left_out": left_out_json(result.left_out),
        "warnings": list[Json](result.warnings),
    }


def _row(one: Effect) -> list[Cell]:
    name, counts = Span(one_line(one.name)), [Span(str(one.n)), Span(str(one.values))]
    return [
        name,
        *counts,
        _share(one.importance, one.interval),
        _share(one.beyond, one.beyond_interval),
        Span("" if one.rho is None else _estimate(one.rho, one.rho_interval)),
        Span("" if one.p is None else _probability(one.p)),
        one.why,
    ]


def _share(value: float | None, interval: Interval | None) -> Span:
    """A share with its interval; dim where it may as well be nothing."""
    if value is None or interval is None:
        return Span("")
    return Span(_estimate(value, interval), "" if interval.low > 0 else "dim")


def _estimate(value: float, interval: Interval | None) -> str:
    ends = f" ({_signed(interval.low)} to {_signed(interval.high)})" if interval else ""
    return f"{_signed(value)}{ends}"


def _signed(value: float) -> str:
    text = f"{abs(value):.2f}"
    return f"−{text}" if value < 0 and text != "0.00" else text


def _probability(p: float) -> str:
    return "<0.0001" if p < 1e-4 else f"{p:.2g}"


def _over(result: Relation) -> str:
    runs = "1 run" if result.runs == 1 else f"{result.runs} runs"
    many = result.experiments < result.runs
    told = f"{runs} of {result.experiments} experiments" if many else runs
    return f" against parameters, {told}{_BETTER[result.goal]}"
