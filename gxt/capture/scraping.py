"""Metrics from the console of a run: its stored lines, read when it has ended. Pure: lines in, points out."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from gxt.capture.printed_numbers import numbers, to_float
from gxt.capture.printed_steps import Clock, Mark, mark
from gxt.named_tuple import NamedTuple

LONGEST: Final = 2000
"""Characters of a line that are looked at."""

_ESCAPE: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0e-\x1f\x7f]")
_MAY_HOLD: Final = re.compile(r"\d|nan|inf", re.IGNORECASE)
_OTHER_RANK: Final = re.compile(r"\[?(?:rank|default)[ _:]?[1-9]\d*\]?:", re.IGNORECASE)
# what logging puts before the words: date, time, level, logger, rank
_PREFIX: Final = re.compile(
    r"(?:[\s|>*\-:]+(?![\d.])"
    r"|\[?\d{4}[-/]\d\d[-/]\d\d(?:[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)?\]?"
    r"|\[?\d\d:\d\d:\d\d(?:[.,]\d+)?\]?|\[?(?:rank|default)[ _]?0\]?:"
    r"|[\[(]?(?:DEBUG|INFO|WARNING|WARN|ERROR)\b[\])]?:?(?:[\w.]+:)?|[IWE]\d{4} [\d:.]+ \d+ [\w./]+:\d+\]"
    r"|\[[\w.]+\](?=\[| - )|[\w.]+(?::\d+)?(?: -(?= (?:DEBUG|INFO|WARNING|ERROR))|:\d+\]))+"
)
_FILES: Final = re.compile(r"://|\.[a-z]", re.IGNORECASE)
_FILE: Final = re.compile(
    r"://|\.(?:bin|ckpt|csv|gz|h5|html|json|keras|log|md|npz?|onnx|pkl|png|pth?|pyc?|safetensors|tar|txt|ya?ml|zip)\W*$",
    re.IGNORECASE,
)
_NO_METRICS: Final = re.compile(r"Namespace\(|(?:^| )--?[a-z][\w-]*[= ]|^usage:|^\+ ", re.IGNORECASE)
_FRAME: Final = re.compile(r' *File ".*", line \d+')


class Point(NamedTuple):
    """Numbers that were printed at one time: microseconds since the epoch, the step, {name: number}."""

    at_us: int
    step: int
    values: dict[str, float]


Matched = Sequence["dict[str, str] | None"]
"""What the user's own patterns found in each line: their groups; None where none matched."""


def scrape(lines: Iterable[tuple[int, str]], own: Matched = ()) -> Iterator[Point]:
    """The metrics that a console tells.

    Args:
        lines: what was printed, with its time in microseconds since the epoch.
        own: for each line what the user's own patterns found in it; such a line is not looked at otherwise.
    """
    clock = Clock()
    seen: dict[str, int] = {}  # how often a name has come, while no step was told
    in_traceback = False
    for number, (at_us, text) in enumerate(lines):
        groups = own[number] if own else None
        if groups is not None:
            said, values = _by_groups(groups)
        elif in_traceback and text.startswith("    "):
            continue  # a line of code
        else:
            in_traceback = _FRAME.match(text) is not None
            said, values = read_line(text)
        step = clock.step(said)
        if values:
            if said.epoch is not None and clock.counts_fractions:
                values.setdefault("epoch", said.epoch)
            if not clock.is_told:
                step = max(seen.get(name, 0) for name in values)
                seen |= dict.fromkeys(values, step + 1)
            yield Point(at_us, step, values)


def read_line(text: str) -> tuple[Mark, dict[str, float]]:
    """What one line tells: where the training is, and its metrics."""
    line = cleaned(text)
    if not _MAY_HOLD.search(line) or _OTHER_RANK.match(line) or _NO_METRICS.search(line):
        return Mark(), {}
    said = mark(line)
    found = numbers(line, beside_step=said.is_said)
    if said.is_bar and not found:  # of a download, say
        said = Mark(said.epoch)
    return said, found


def cleaned(text: str) -> str:
    """A line without colours, prefixes of loggers, addresses and files; its white space single blanks."""
    line = " ".join(_ESCAPE.sub("", text[:LONGEST]).split())
    if _FILES.search(line):
        line = " ".join(word for word in line.split(" ") if not _FILE.search(word))
    prefix = _PREFIX.match(line)
    return line[prefix.end() :].lstrip() if prefix else line


def _by_groups(groups: dict[str, str]) -> tuple[Mark, dict[str, float]]:
    """What a pattern of the user's found: `step` and `epoch`, and metrics, or one by `name` and `value`."""
    found = {name: number for name, text in groups.items() if (number := _number(text)) is not None}
    step, epoch = found.pop("step", None), found.pop("epoch", None)
    if groups.get("name") and "value" in found:
        found = {groups["name"]: found["value"]}
    inner = int(step) if step is not None and abs(step) < 1 << 63 else None
    return Mark(epoch if epoch is not None and math.isfinite(epoch) else None, inner), found


def _number(text: str) -> float | None:
    try:
        return float(f"{text[:-1]}e-2") if text.endswith("%") else to_float(text)
    except ValueError:
        return None
