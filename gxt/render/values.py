"""Single values as people read them: numbers, changes, times, durations, sizes."""

from __future__ import annotations

import json
import math
from datetime import datetime, timezone

from gxt.model.codec import number_from_json
from gxt.model.goals import Verdict
from gxt.model.json_types import Json
from gxt.render.view import Span, Style

VERDICT_STYLES: dict[Verdict | None, Style] = {
    "better": "good",
    "worse": "bad",
    "unsure": "unsure",
    "same": "dim",
    None: "",
}


def number(value: Json) -> str:
    """A metric in at most five significant digits; whole numbers whole; empty for nothing."""
    known = number_from_json(value)
    if known is None:
        return "" if value is None else str(value)
    if not math.isfinite(known):
        return str(known)
    if known == int(known) and abs(known) < 1e7:
        return str(int(known))
    return f"{known:.5g}"


def change(delta: float | None) -> str:
    """A difference with its sign; the minus is a real minus."""
    if delta is None or math.isnan(delta):
        return ""
    if delta == 0:
        return "±0"
    return f"{'+' if delta > 0 else '−'}{abs(delta):.3g}"


def scalar(value: Json) -> str:
    """A parameter as one would write it in YAML or JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)


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
    if not isinstance(text, str):
        return ""
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return at.astimezone().strftime("%Y-%m-%d %H:%M")


def utc_now() -> datetime:
    """The present, for ages."""
    return datetime.now(timezone.utc)


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
    styles: dict[str, Style] = {
        "completed": "good",
        "failed": "bad",
        "interrupted": "unsure",
        "running": "id",
    }
    text = str(word)
    return Span(text, styles.get(text, ""))
