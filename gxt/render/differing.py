"""What differs between two runs."""

from __future__ import annotations

from collections.abc import Sequence

from gxt.model.codec import number_to_json
from gxt.model.evidence import evidence_json
from gxt.model.fields import Missing
from gxt.model.json_types import Json, JsonObject
from gxt.model.run import title, without_bounds
from gxt.ops.diff import Changes, Diff, FileChange, MetricChange
from gxt.render.clean import clean_line, one_line
from gxt.render.datasets import facts
from gxt.render.values import VERDICT_STYLES, change, judged, metric_value, number, reason, scalar, size
from gxt.render.view import Column, Line, Span, Style, Table, View, line, pairs

_TITLE = 28  # cells of a terminal
_CELL = 32
_FACTS = 20  # of a dataset
_HASH = 8  # digits


def page(diff: Diff) -> View:
    """The differences, a section each; one line when there are none."""
    sections = [
        *_section("Metrics", _metrics(diff)),
        *_section("Parameters", changes_page(diff.params)),
        *_section("Data", _data(diff)),
        *_section("Code", files_page(diff.files)),
        *_section("Environment", changes_page(diff.environment)),
    ]
    return [_heading(diff), *sections] if sections else [_heading(diff), line("no difference")]


def _heading(diff: Diff) -> Table:
    """Which two; titles are cut on a terminal."""
    texts = [str(diff.a["id"]), one_line(title(diff.a)), "→", "the work tree"]
    if diff.b:
        texts[3:] = [str(diff.b["id"]), one_line(title(diff.b))]
    titles = Column("", cut=True, most=_TITLE)
    columns = [Column(""), titles, Column(""), Column(""), titles][: len(texts)]
    return Table(columns, [[Span(text, "" if text == "→" else "id") for text in texts]], head=False)


def table(diff: Diff, *, exact: bool) -> Table:
    """The differences as one table: exact for CSV, where what is absent is empty; rounded for Markdown."""
    a, b = str(diff.a["id"]), str(diff.b["id"]) if diff.b else "workspace"
    columns = [Column(name) for name in ("kind", "name", a, b, "change", "verdict")]
    show, absent = (_exact, "") if exact else (number, "absent")

    def differ(one: MetricChange) -> str:
        return _exact(_delta(one)) if exact else change(one.delta)

    rows = [
        ["metric", name, show(one.a), show(one.b), differ(one), one.verdict or ""]
        for name, one in diff.metrics.items()
    ]
    for kind, changes in (("param", diff.params), ("environment", diff.environment)):
        rows += [
            [kind, key, _side(old, absent, exact=exact), _side(new, absent, exact=exact), "", ""]
            for key, (old, new) in changes.items()
        ]
    rows += [["data", *sides, "", ""] for sides in _data_cells(diff, absent, exact=exact)]
    rows += [["file", one.path, "", "", _counts(one), ""] for one in diff.files]
    return Table(columns, [[Span(text) for text in row] for row in rows])


def _counts(file: FileChange) -> str:
    if file.added is None or file.removed is None:
        return "binary"
    return f"{file.added} added, {file.removed} removed"


def patch(diff: Diff) -> View:
    """The code's patch for a terminal, added and removed lines coloured."""
    styles: dict[str, Style] = {"+": "good", "-": "bad", "@": "id"}
    # a tab is the one control character that a patch needs
    return [line(Span(one.expandtabs(), styles.get(one[:1], ""))) for one in _patch_lines(diff)]


def patch_text(diff: Diff) -> str:
    """The code's patch for a pipe: what `git apply` takes, unless the code holds control characters."""
    return "".join(f"{clean_line(one)}\n" for one in _patch_lines(diff))


def _patch_lines(diff: Diff) -> list[str]:
    text = (diff.patch or b"").decode(errors="replace")
    return text.removesuffix("\n").split("\n") if text else []


def as_json(diff: Diff) -> JsonObject:
    """`gxt diff --json`."""
    return {
        "a": diff.a["id"],
        "b": diff.b["id"] if diff.b else None,
        "params": pairs_json(diff.params),
        "metrics": {
            name: {
                "a": one.a,
                "b": one.b,
                "delta": _delta(one),
                "verdict": one.verdict,
                "evidence": evidence_json(one.evidence) if one.evidence else None,
            }
            for name, one in diff.metrics.items()
        },
        "data": {path: {"a": one.a, "b": one.b} for path, one in diff.data.items()},
        "environment": pairs_json(diff.environment),
        "code": {
            "files": [{"path": one.path, "added": one.added, "removed": one.removed} for one in diff.files],
            **({"patch": diff.patch.decode(errors="replace")} if diff.patch is not None else {}),
        },
    }


def _section(name: str, body: View) -> View:
    return [line(), line(Span(name, "head")), *body] if body else []


def _metrics(diff: Diff) -> View:
    if not diff.metrics or diff.b is None:
        return []
    columns = [
        Column("metric", cut=True, tail=True, floor=16),
        Column(str(diff.a["id"]), right=True),
        Column(str(diff.b["id"]), right=True),
        Column("change", right=True),
        Column(""),
    ]
    a, b = diff.a, diff.b
    names = without_bounds(diff.metrics)
    rows = [_metric_row(name, diff.metrics[name], a, b) for name in names]
    return [Table(columns, rows, indent=2), *_reasons(diff, names)]


def _metric_row(name: str, one: MetricChange, a: JsonObject, b: JsonObject) -> list[Span]:
    style = VERDICT_STYLES[one.verdict]
    return [
        Span(name),
        Span(metric_value(a, name)),
        Span(metric_value(b, name)),
        Span(change(one.delta), style),
        Span("same" if one.verdict == "same" else judged(one.evidence), style),
    ]


def _reasons(diff: Diff, names: Sequence[str]) -> list[Line]:
    """What each verdict on repeats rests on."""
    found = [(name, diff.metrics[name].evidence) for name in names]
    return [
        line("  ", Span(f"{one_line(name, 40)}: {reason(evidence)}", "dim"))
        for name, evidence in found
        if evidence and evidence.kind != "single"
    ]


def changes_page(changes: Changes) -> View:
    """Values that differ, a line each."""
    if not changes:
        return []
    return [pairs([(key, f"{_side(old)} → {_side(new)}") for key, (old, new) in changes.items()])]


def _data(diff: Diff) -> View:
    """What has changed of each dataset: a line for each fact, some of them where there are many."""
    rows: list[list[Span]] = []
    for path, one in diff.data.items():
        facts = list(one.facts.items())
        lines = [(*_both(key, old, new), key) for key, (old, new) in facts[:_FACTS]]
        if one.a is None or one.b is None:
            lines = [(_whole(one.a), _whole(one.b), "")]
        elif len(facts) > _FACTS:
            lines[-1] = ("", f"and {len(facts) - _FACTS + 1} more", "")
        for i, (old, new, key) in enumerate(lines):
            told = f"{old} → {new}" if old else new
            rows.append([Span("" if i else one_line(path)), Span(one_line(key)), Span(told)])
    columns = [Column("", cut=True, tail=True, floor=16), Column("", cut=True), Column("", cut=True)]
    return [Table(columns, rows, head=False, indent=2)] if rows else []


def _data_cells(diff: Diff, absent: str, *, exact: bool) -> list[list[str]]:
    """Of each fact of a dataset that differs the name and both sides."""
    found = []
    for path, one in diff.data.items():
        if one.a is None or one.b is None:
            sides = (str(side["md5"] or "") if side else absent for side in (one.a, one.b))
            found.append([f"{path} md5", *sides])
        found += [
            [f"{path} {key}", _side(old, absent, exact=exact), _side(new, absent, exact=exact)]
            for key, (old, new) in one.facts.items()
        ]
    return found


def _both(key: str, old: Json | Missing, new: Json | Missing) -> tuple[str, str]:
    """Both sides of a fact on a line: the first digits of a hash, sizes as people read them."""
    if key == "md5":
        return str(old)[:_HASH], str(new)[:_HASH]
    if key == "size":
        sizes = tuple(size(side) for side in (old, new) if not isinstance(side, Missing))
        if len(set(sizes)) == 2:
            return sizes[0], sizes[1]
    first, second = (f"{side:,}" if type(side) is int else _side(side) for side in (old, new))
    return first, second


def _whole(entry: JsonObject | None) -> str:
    return facts(entry) if entry else "absent"


def files_page(files: Sequence[FileChange]) -> View:
    """Files that differ, each with its added and removed lines."""
    if not files:
        return []
    rows = []
    for one in files:
        counts = [Span("binary", "dim"), Span("")]
        if one.added is not None and one.removed is not None:
            counts = [Span(f"+{one.added}", "good"), Span(f"−{one.removed}", "bad")]
        rows.append([Span(one.path), *counts])
    columns = [Column("", cut=True, tail=True, floor=24), Column("", right=True), Column("", right=True)]
    return [Table(columns, rows, head=False, indent=2)]


def _side(value: Json | Missing, absent: str = "absent", *, exact: bool = False) -> str:
    if isinstance(value, Missing):
        return absent
    return scalar(value) if exact else one_line(scalar(value))


def _exact(value: Json) -> str:
    return "" if value is None else scalar(value)


def _delta(one: MetricChange) -> Json:
    return None if one.delta is None else number_to_json(one.delta)


def pairs_json(changes: Changes) -> JsonObject:
    """The same for JSON: both values by key, null where there is none."""
    return {
        key: [None if isinstance(side, Missing) else side for side in pair] for key, pair in changes.items()
    }
