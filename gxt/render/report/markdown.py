"""A report as a comment on a pull request: the main metric with verdicts, and what changed in each run."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Final

from gxt.model.fields import Missing
from gxt.model.json_types import Json
from gxt.model.run import title
from gxt.ops.report import Entry, Report
from gxt.render.clean import one_line
from gxt.render.formats import escaped
from gxt.render.report.facts import about, heading
from gxt.render.values import change, judged, metric_value, reason, scalar

MOST_BYTES: Final = 65_000
"""GitHub takes 65,536 characters; bytes of UTF-8 are never fewer."""
_REMARKS: Final = 500  # what is said of what is left out
_MOST_ROWS: Final = 200
_OTHER_METRICS: Final = 4
_CELL: Final = 80
_CHANGES: Final = 20
_REMARK: Final = 300
_BLOCK: Final = re.compile(r"^(\d*)([-+.)](?= )|>)")
_ADDRESS: Final = re.compile(r"[@#]|:(?=//)|www(?=\.)|GH(?=-\d)", re.IGNORECASE)
"""`@name`, `#12`, `https://…`, `www.…`, `GH-12`, up to where they are parted."""


def comment(report: Report) -> str:
    """The comment; what is least important is left out where it would be too long for one, and says so."""
    head = "\n".join(_head(report))
    all_rows = [_row(report, entry) for entry in report.entries]
    all_details = [one for entry in report.entries if (one := _details(report, entry))]
    room = MOST_BYTES - _REMARKS - _bytes(head)
    rows = _fitting(all_rows[:_MOST_ROWS], room)
    details = _fitting(all_details, room - sum(map(_bytes, rows)))
    parts = ["\n".join([head, *rows])]
    if left := len(all_rows) - len(rows):
        parts.append(f"… and {left} more runs, left out: a comment has no room for them.")
    parts += details
    if left := len(all_details) - len(details):
        parts.append(f"What changed in {left} more runs is left out: a comment has no room for it.")
    return "\n\n".join(parts) + "\n"


def _fitting(texts: Sequence[str], room: int) -> Sequence[str]:
    """The first of the texts, as many as there is room for."""
    for at, text in enumerate(texts):
        room -= _bytes(text)
        if room < 0:
            return texts[:at]
    return texts


def _bytes(text: str) -> int:
    """How many bytes a part takes, with what parts it from the next."""
    return len(text.encode()) + 2


def _head(report: Report) -> list[str]:
    metric = report.evolution.metric
    names = [text_of(name) for name in report.metrics[: 1 + _OTHER_METRICS]]
    columns = ["run", "name", *names[:1], *(["change"] if metric else []), "status", *names[1:]]
    rules = ["---", "---", *(["---:"] if metric else []), *(["---"] if metric else []), "---"]
    rules += ["---:"] * len(names[1:])
    notices = [f"> {text_of(one, _REMARK)}" for one in report.notices]
    return [
        f"### {text_of(heading(report))}",
        "",
        " · ".join(map(text_of, about(report))),
        "",
        *([*notices, ""] if notices else []),
        f"| {' | '.join(columns)} |",
        f"| {' | '.join(rules)} |",
    ]


def _row(report: Report, entry: Entry) -> str:
    node = report.evolution.nodes[entry.uid]
    run, evidence = node.run, node.evidence
    values = [metric_value(run, name) for name in report.metrics[: 1 + _OTHER_METRICS]]
    mark = {"better": "✅ ", "worse": "❌ "}.get((evidence.verdict if evidence else "") or "", "")
    told = f"{mark}{change(evidence.difference)} {judged(evidence)}".rstrip() if evidence else ""
    cells = [str(run["id"]), title(run), *values[:1]]
    cells += [told] if report.evolution.metric else []
    cells += [str(run["status"]), *values[1:]]
    return f"| {' | '.join(map(text_of, cells))} |"


def _details(report: Report, entry: Entry) -> str:
    """What changed from the parent, folded away; nothing where that is not known, or nothing."""
    parent = entry.shown.parent if entry.shown else None
    node = report.evolution.nodes[entry.uid]
    if parent is None:
        return ""
    lines = _params(entry) + _code(entry)
    evidence = node.evidence
    if evidence and evidence.kind != "single" and report.evolution.metric:
        lines.append(_point(report.evolution.metric.name, text_of(reason(evidence), None)))
    if not lines:
        return ""
    # Markdown's own marks mean nothing in here
    name = _unmentioned(html.escape(one_line(title(parent), _CELL), quote=False))
    about_it = f"{node.run['id']}: what changed from {parent['id']} {name}"
    return "\n".join([f"<details><summary>{about_it}</summary>", "", *lines, "", "</details>"])


def _params(entry: Entry) -> list[str]:
    changed = list((entry.changed or {}).items())
    lines = [
        _point(key, f"{text_of(_side(old))} → {text_of(_side(new))}")
        for key, (old, new) in changed[:_CHANGES]
    ]
    return [*lines, *_more(len(changed), "parameters")]


def _code(entry: Entry) -> list[str]:
    files = entry.files or ()
    lines = []
    for one in files[:_CHANGES]:
        counts = "binary" if one.added is None or one.removed is None else f"+{one.added} −{one.removed}"
        lines.append(_point(one.path, counts))
    return [*lines, *_more(len(files), "files")]


def _point(name: str, told: str) -> str:
    """A point of a list; what its name begins with begins no list and no quotation in it."""
    shown = _BLOCK.sub(r"\1\\\2", text_of(name))
    return f"- {shown}: {told}"


def _more(count: int, what: str) -> list[str]:
    return [f"- … and {count - _CHANGES} more {what}"] if count > _CHANGES else []


def _side(value: Json | Missing) -> str:
    return "none" if isinstance(value, Missing) else scalar(value)


def text_of(text: str, width: int | None = _CELL) -> str:
    """A text in which nothing acts as Markdown or HTML, links anywhere, or mentions anybody or an issue."""
    shown = escaped(one_line(text, width)).replace("&", "&amp;")
    return _unmentioned(re.sub(r"[~$]", r"\\\g<0>", shown))


def _unmentioned(text: str) -> str:
    """A text in which GitHub, that looks for them in what Markdown has made, finds no mention, no address."""
    return _ADDRESS.sub(r"\g<0><!-- -->", text)
