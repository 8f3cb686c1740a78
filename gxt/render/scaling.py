"""A study of scaling: the law in words and numbers, what else was compared, the points as a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from gxt.analysis.law import Estimate, Law, Milestone
from gxt.analysis.scaling import Candidate, Findings, Scaling, Transition
from gxt.analysis.study import Study
from gxt.model.codec import number_to_json
from gxt.model.json_types import Json, JsonObject
from gxt.render.clean import one_line
from gxt.render.values import number
from gxt.render.view import Column, Line, Span, Table, View, line, pairs

_POINTS: Final = "id name group x y error fitted low high next_low next_high residual".split()
_LEFT_OUT: Final = 6


def page(study: Study) -> View:
    """For people: the law with its intervals, warnings, what else was compared; by group if groups differ."""
    scaling = study.scaling
    level = f"{100 * study.fit.level:g} %"
    y, x = one_line(study.y), one_line(study.x)
    view: list[Line | Table] = [line(Span(f"{y} = a·{x}^b + c", "title"), _over(study))]
    if scaling.is_one:
        view.append(_law_table(study.fit, level))
        view.append(line(f"  scatter {number(study.fit.sigma)}, R² {number(study.fit.r2)}"))
    view += [line(Span("  warning: ", "unsure"), text) for text in scaling.warnings]
    if scaling.groups:
        view += [line(), line(Span(f"By {one_line(study.group)}", "head")), *_groups(scaling, level)]
    shown = {"": scaling.whole} if scaling.is_one else scaling.groups
    view += [line(), line(Span("Forms", "head"), ", the best first"), _forms_table(shown)]
    for name, found in shown.items():
        if found.transition is not None:
            view += [line(), line(Span("Transition", "head"), f" {one_line(name)}".rstrip())]
            view.append(_transition(found.transition, level))
    reached = {name: found.milestone for name, found in shown.items() if found.milestone is not None}
    if reached:
        view += [line(), line(Span("Milestone", "head"))]
        view += [line("  ", _milestone(name, one, study, level)) for name, one in reached.items()]
    return view


def table(study: Study, *, exact: bool) -> Table:
    """The points with the law, its bands and the residuals."""
    show = _exact if exact else _rounded
    rows = [[one if isinstance(one, str) else show(one) for one in row] for row in _rows(study)]
    texts = {"id", "name", "group"}
    return Table([Column(name, right=name not in texts) for name in _POINTS], rows)


def as_json(study: Study) -> JsonObject:
    """`gxt scaling --json`."""
    scaling = study.scaling
    return {
        "x": study.x,
        "y": study.y,
        "group": study.group or None,
        **_findings_json(scaling.whole),
        "points": [dict(zip(_POINTS, map(_json, row), strict=True)) for row in _rows(study)],
        "left_out": [{"id": one.id, "reason": one.reason} for one in study.left_out],
        "groups": {name: _findings_json(found) for name, found in scaling.groups.items()},
        "families": [
            {
                "name": one.name,
                "exponents": _values(one.exponents),
                "low": None if one.interval is None else _json(one.interval.low),
                "high": None if one.interval is None else _json(one.interval.high),
                "parameters": one.score.parameters,
                "aicc": _json(one.score.aicc),
                "bic": _json(one.score.bic),
            }
            for one in scaling.families
        ],
        "warnings": list[Json](scaling.warnings),
    }


def _findings_json(found: Findings) -> JsonObject:
    return {
        "fit": _law_json(found.law),
        "forms": _forms_json(found.forms),
        "transition": None if found.transition is None else _values(found.transition._asdict()),
        "milestone": None if found.milestone is None else _values(found.milestone._asdict()),
    }


def _rows(study: Study) -> list[tuple[str | float | None, ...]]:
    bands = study.bands()
    rows: list[tuple[str | float | None, ...]] = []
    for i, one in enumerate(study.runs):
        fitted = [float(part[i]) for part in bands]
        residual = None if one.y is None else one.y - fitted[0]
        rows.append((one.id, one.name, one.group, one.x, one.y, one.error, *fitted, residual))
    return rows


def _over(study: Study) -> str:
    points, out = len(study.runs), len(study.left_out)
    told = f"  over {points} runs"
    if not out:
        return told
    shown = ", ".join(f"{one.id} {one.reason}" for one in study.left_out[:_LEFT_OUT])
    return f"{told}; left out: {shown}" + (f" and {out - _LEFT_OUT} more" if out > _LEFT_OUT else "")


def _law_table(law: Law, level: str) -> Table:
    columns = [
        Column(""),
        Column("value", right=True),
        Column(f"profile {level}"),
        Column(f"bootstrap {level}"),
    ]
    rows = [
        [
            name,
            number(one.value),
            _between(one.low, one.high),
            _between(one.bootstrap_low, one.bootstrap_high),
        ]
        for name, one in (("a", law.a), ("b", law.b), ("c", law.c))
    ]
    return Table(columns, rows, indent=2)


def _groups(scaling: Scaling, level: str) -> list[Line | Table]:
    columns = [Column("group", cut=True), Column("n", right=True)]
    for at, name in enumerate("bca"):  # on a narrow terminal the law's exponent stays
        columns += [Column(name, right=True, drop=2 * at), Column(f"{name} {level}", drop=2 * at + (at > 0))]
    rows = [
        [
            one_line(name),
            str(law.n),
            *(
                cell
                for one in (law.b, law.c, law.a)
                for cell in (number(one.value), _between(one.low, one.high))
            ),
        ]
        for name, law in ((name, found.law) for name, found in scaling.groups.items())
    ]
    found: list[Line | Table] = [Table(columns, rows, indent=2)]
    if scaling.families:
        heads = [Column("family"), Column("parameters", right=True), Column("ΔAICc", right=True)]
        best_aicc = min(
            (one.score.aicc for one in scaling.families if one.score.aicc is not None), default=0.0
        )
        best_bic = min(one.score.bic for one in scaling.families)
        cells = [
            [
                one.name,
                str(one.score.parameters),
                "" if one.score.aicc is None else f"{one.score.aicc - best_aicc:.1f}",
                f"{one.score.bic - best_bic:.1f}",
                _shared(one.name, one.exponents, one.interval),
            ]
            for one in scaling.families
        ]
        found += [line(), Table([*heads, Column("ΔBIC", right=True), Column("b")], cells, indent=2)]
    return found


def _shared(name: str, exponents: object, interval: tuple[float | None, float | None] | None) -> str:
    values = list(exponents.values()) if isinstance(exponents, dict) else []
    if name == "own laws":
        return ", ".join(map(number, values))
    around = "" if interval is None else f"  ({_between(*interval)})"
    return f"{number(values[0])}{around}"


def _forms_table(shown: Mapping[str, Findings]) -> Table:
    columns = [
        Column("group"),
        Column("form"),
        Column("ΔAICc", right=True),
        Column("ΔBIC", right=True),
        Column("equation", wrap=True),
    ]
    rows = [
        [
            one_line(name),
            one.name,
            "" if aicc is None else f"{aicc:.1f}",
            f"{bic:.1f}",
            f"{one.equation}  with {_with(one.values)}",
        ]
        for name, found in shown.items()
        for one, aicc, bic in _differences(found.forms)
    ]
    if "" in shown:
        return Table(columns[1:], [row[1:] for row in rows], indent=2)
    return Table(columns, rows, indent=2)


def _with(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {number(value)}" for name, value in values.items())


def _differences(forms: Sequence[Candidate]) -> list[tuple[Candidate, float | None, float]]:
    """Each form, and by how much its AICc and BIC are above the lowest."""
    aicc = min((one.score.aicc for one in forms if one.score.aicc is not None), default=0.0)
    bic = min(one.score.bic for one in forms)
    return [
        (one, None if one.score.aicc is None else one.score.aicc - aicc, one.score.bic - bic) for one in forms
    ]


def _transition(found: Transition, level: str) -> Table:
    return pairs(
        [
            ("at", f"{number(found.x)}  ({_between(found.low, found.high)}, {level})"),
            ("exponent", f"{number(found.before)} before, {number(found.after)} after"),
            (
                "evidence",
                f"BIC lower by {found.delta_bic:.1f} than of {found.against}, the best form without a break",
            ),
        ]
    )


def _milestone(group: str, found: Milestone, study: Study, level: str) -> str:
    y, x = f"{one_line(group)}: {one_line(study.y)}".removeprefix(": "), one_line(study.x)
    if found.x is None:
        return f"{y} {number(found.y)} is not reached within a decade of the runs"
    around = f"{_between(found.low, found.high)}, {level}{'; beyond the runs' if found.extrapolated else ''}"
    return f"{y} {number(found.y)} at {x} {number(found.x)}  ({around})"


def _law_json(law: Law) -> JsonObject:
    return {
        **{name: _estimate(one) for name, one in (("a", law.a), ("b", law.b), ("c", law.c))},
        "sigma": number_to_json(law.sigma),
        "r2": number_to_json(law.r2),
        "n": law.n,
        "level": law.level,
        "warnings": list[Json](law.warnings),
    }


def _estimate(one: Estimate) -> JsonObject:
    return {
        "value": number_to_json(one.value),
        "low": _json(one.low),
        "high": _json(one.high),
        "bootstrap": {"low": _json(one.bootstrap_low), "high": _json(one.bootstrap_high)},
    }


def _forms_json(forms: Sequence[Candidate]) -> list[Json]:
    return [
        {
            "name": one.name,
            "equation": one.equation,
            "values": _values(one.values),
            "parameters": one.score.parameters,
            "aicc": _json(one.score.aicc),
            "bic": _json(one.score.bic),
            "delta_aicc": _json(aicc),
            "delta_bic": _json(bic),
        }
        for one, aicc, bic in _differences(forms)
    ]


def _values(found: object) -> JsonObject:
    return {name: _json(value) for name, value in found.items()} if isinstance(found, dict) else {}


def _json(value: str | float | bool | None) -> Json:
    return number_to_json(value) if isinstance(value, float) else value


def _between(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return "not determined"
    return f"{'−∞' if low is None else number(low)} to {'∞' if high is None else number(high)}"


def _rounded(value: float | None) -> str:
    return number(value)


def _exact(value: float | None) -> str:
    return "" if value is None else repr(value) if math.isfinite(value) else number(value)
