"""Single values as people read them: numbers, changes, times, durations, sizes."""

from __future__ import annotations

import json
import math
import signal
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from gxt.model.codec import double_from_json, number_from_json, number_to_json
from gxt.model.goals import Verdict
from gxt.model.json_types import Json, JsonObject
from gxt.model.run import bounds_of, is_recorded
from gxt.render.clean import one_line
from gxt.render.view import Span, Style

if TYPE_CHECKING:
    from gxt.model.evidence import Evidence, Sample

_STATUSES = {
    "completed": Span("completed", "good"),
    "failed": Span("failed", "bad"),
    "interrupted": Span("interrupted", "unsure"),
    "running": Span("running", "id"),
}
VERDICT_STYLES: dict[Verdict | None, Style] = {
    "better": "good",
    "worse": "bad",
    "same": "dim",
    "unsure": "unsure",
    None: "",
}


def number(value: Json) -> str:
    """A metric in at most five significant digits; whole numbers whole; empty for nothing.

    What is no finite number is spelled as in JSON: NaN, Infinity, -Infinity.
    """
    if type(value) is float and -1e5 < value < 1e5:  # nearly always
        return f"{value:.5g}"
    known = double_from_json(value)
    if known is None:
        return "" if value is None else str(value)
    if not math.isfinite(known):
        return str(number_to_json(known))
    if known == int(known) and abs(known) < 1e7:
        return str(int(known))
    return f"{known:.5g}"


def mean(sample: Sample) -> str:
    """A mean, its standard error and of how many: `0.912 ± 0.0041 (5)`."""
    error = f" ± {sample.error:.2g}" if sample.error is not None else ""
    return f"{number(sample.mean)}{error} ({sample.n})"


def with_bounds(metrics: Mapping[str, Json], name: str) -> str:
    """A metric with half the width of its interval, where metrics tell it: `1523 ± 40`."""
    bounds = bounds_of(metrics, name)
    low, high = map(double_from_json, bounds) if bounds else (None, None)
    value = number(metrics.get(name))
    if low is None or high is None or not math.isfinite(high - low):
        return value
    half = (high - low) / 2
    known = double_from_json(metrics.get(name))
    if known is not None and half >= 2 and abs(known) >= 100:  # points: nobody can use their decimals
        return f"{known:.0f} ± {half:.0f}"
    return f"{value} ± {half:.2g}"


def metric_value(run: JsonObject, name: str) -> str:
    """A metric of a run, with its interval where there is one; of repeats the mean with its error."""
    if "repeats" in run:
        from gxt.model.repeats import sample_of

        found = sample_of(run, name)
        if found is not None:
            return mean(found)
    metrics = run.get("metrics")
    return with_bounds(metrics if isinstance(metrics, dict) else {}, name)


def change(delta: float | None) -> str:
    """A difference with its sign; the minus is a real minus."""
    if delta is None or math.isnan(delta):
        return ""
    if delta == 0:
        return "±0"
    size = f"{abs(delta):.3g}" if math.isfinite(delta) else "Infinity"
    return f"{'+' if delta > 0 else '−'}{size}"


def judged(evidence: Evidence | None) -> str:
    """A verdict with what it rests on: `better, n=5`, `worse, n=1`, `not sure, n=1 and 5`; empty for none."""
    if evidence is None or evidence.verdict in {None, "same"}:
        return ""
    first, second = evidence.n
    n = f"{second}" if first == second else f"{first} and {second}"
    return f"{'not sure' if evidence.verdict == 'unsure' else evidence.verdict}, n={n}"


def reason(evidence: Evidence) -> str:
    """What a verdict on repeats rests on, in a sentence."""
    if evidence.kind == "single":
        return "one run each: the plain difference, which says nothing of noise"
    if evidence.low is None:
        return "the numbers are too large for an interval"
    low, high = change(evidence.low), change(evidence.high)
    told = f"95 % interval {low} to {high}, {evidence.n[0]} and {evidence.n[1]} runs"
    if evidence.t is not None and evidence.df is not None and math.isfinite(evidence.t):
        test = (
            "Welch's t"
            if evidence.kind == "welch"
            else "t (the single run taken to be as noisy as the others)"
        )
        sign = "−" if evidence.t < 0 else ""
        free = "1 degree" if evidence.df == 1 else f"{evidence.df:.3g} degrees"
        told += f", {test} = {sign}{abs(evidence.t):.3g} ({free} of freedom)"
    if evidence.verdict == "unsure":
        told += f"; {more(evidence)}"
    return told


def more(evidence: Evidence) -> str:
    """How many more repeats would tell."""
    if evidence.more is None:
        return "no reasonable number of repeats would tell"
    return f"{'some ' if evidence.more > 1 else ''}{evidence.more} more of each would tell"


def scalar(value: Json) -> str:
    """A parameter as one would write it in YAML or JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)


def measured(value: Json) -> str:
    """A value that an evaluation found, on one line: numbers rounded as metrics are, all else as in JSON."""
    return number(value) if isinstance(value, float) else one_line(scalar(value))


def duration(seconds: Json) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s`, `2 h 05 min`, `3 d 4 h`."""
    known = number_from_json(seconds)
    if known is None or not math.isfinite(known):
        return ""
    if known < 9.95:
        return f"{known:.1f} s"
    whole = round(known)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def local_time(text: Json) -> str:
    """An ISO time in the user's time zone, to the minute: `2026-11-20 23:51`."""
    if not isinstance(text, str) or not text:
        return ""
    at = datetime.fromisoformat(text[:19]) + _offset(text[:13])
    return at.isoformat(" ", "minutes")


@lru_cache(maxsize=4096)
def _offset(hour: str) -> timedelta:
    """How far local time is from UTC in an hour such as `2026-11-20T23`: no zone changes within one."""
    local = datetime.fromisoformat(f"{hour}:00:00+00:00").astimezone()
    return local.utcoffset() or timedelta()


def size(count: Json) -> str:
    """Bytes as `512 B`, `4.0 KiB`, `1.5 MiB`."""
    known = number_from_json(count)
    if known is None:
        return ""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if known < 1024:
            return f"{known:.0f} B" if unit == "B" else f"{known:.1f} {unit}"
        known /= 1024
    return f"{known:.1f} TiB"


def status(word: Json) -> Span:
    """A status in its colour."""
    text = str(word)
    return _STATUSES.get(text) or Span(text)


def left_out(path: Json, reason: Json) -> str:
    """A path that is not in a snapshot, or not as it should be: `left out: .env (looks like a secret)`."""
    return f"{'but' if is_recorded(str(reason)) else 'left out'}: {path} ({reason})"


def ending(run: JsonObject) -> str:
    """How a command ended that did not end well: `exit code 3`, `killed by SIGTERM`; empty for 0."""
    code = run["exit_code"]
    if not isinstance(code, int) or code == 0:
        return ""
    if code > 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def standing_on(head: Json, branch: Json) -> str:
    """Where the code stood: `83dcb2cfef on main`, `83dcb2cfef, no branch`, `no commit yet`."""
    if not head:
        return "no commit yet"
    return f"{str(head)[:10]} on {branch}" if branch else f"{str(head)[:10]}, no branch"
