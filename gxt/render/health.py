"""What is wrong with a repository, and what was repaired."""

from __future__ import annotations

from gxt.model.json_types import Json, JsonObject
from gxt.ops.doctor import Checked, Diagnosis
from gxt.render.view import Line, Span, View, line
from gxt.store.health.finding import REPAIR


def page(diagnosis: Diagnosis) -> View:
    """What was repaired, what is wrong with the next step below it, and what was looked at."""
    lines: list[Line] = [line(Span("repaired: ", "good"), text) for text in diagnosis.repaired]
    for finding in diagnosis.findings:
        lines.append(line(Span(finding.what, "bad")))
        lines.append(line("  ", finding.hint))
    if not diagnosis.findings:
        return [*lines, line(f"{_looked_at(diagnosis.checked)}: ", Span("all is well", "good"))]
    return [*lines, line(_looked_at(diagnosis.checked), ": ", _total(diagnosis))]


def as_json(diagnosis: Diagnosis) -> JsonObject:
    """`gxt doctor --json`."""
    return {
        "checked": dict[str, Json](diagnosis.checked._asdict()),
        "findings": [dict[str, Json](finding._asdict()) for finding in diagnosis.findings],
        "repaired": list[Json](diagnosis.repaired),
    }


def _looked_at(checked: Checked) -> str:
    live = f"{_count(checked.live, 'live run')}, " if checked.live else ""
    return f"git {checked.git}, {_count(checked.runs, 'run')}, notes, {live}refs, index, locks, settings"


def _total(diagnosis: Diagnosis) -> Span:
    count, able = len(diagnosis.findings), sum(finding.repairable for finding in diagnosis.findings)
    which = "" if able == 0 else f"; {REPAIR} can mend {'all' if able == count else able} of them"
    if able == count == 1:
        which = f"; {REPAIR} can mend it"
    return Span(f"{_count(count, 'finding')}{which}", "bad")


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
