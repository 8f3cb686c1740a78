"""Running a run again: what was redacted is filled in, and what comes out is compared with the original."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import chain, count
from typing import Literal, TypeAlias, cast

from gxt.model.codec import number_from_json
from gxt.model.json_types import Json, JsonObject
from gxt.model.run import metrics_of
from gxt.model.secrets import REDACTED
from gxt.named_tuple import NamedTuple

Verdict: TypeAlias = Literal["identical", "within", "different"]
TOLERANCE = 1e-3
"""Relative: what other hardware, other libraries and other orders of summation change in a short training."""


class Spread(NamedTuple):
    """The interval in which one more repeat lies 95 times in 100, and from how many repeats that is known."""

    n: int
    low: float
    high: float


class Compared(NamedTuple):
    """A metric, or an artifact by its hash, of the original and of the reproduction.

    Attributes:
        name: its name.
        original, again: both values; None where there is none.
        verdict: the same, close enough, or not.
        spread: where one more repeat of the original lies 95 times in 100; None where it has no repeats.
    """

    name: str
    original: Json
    again: Json
    verdict: Verdict
    spread: Spread | None = None


class Comparison(NamedTuple):
    """A reproduction beside its original.

    Attributes:
        verdict: the worst of all that counts.
        metrics, artifacts: each of them.
        status: how both have ended, where that differs.
    """

    verdict: Verdict
    metrics: tuple[Compared, ...]
    artifacts: tuple[Compared, ...]
    status: tuple[str, str] | None = None


def compare(
    original: JsonObject,
    again: JsonObject,
    *,
    tolerance: float = TOLERANCE,
    ignored: Collection[str] = (),
    repeats: JsonObject | None = None,
) -> Comparison:
    """Compare the last value of every metric, and the hash of every artifact, by name.

    A metric is within the tolerance when the two values differ by at most `tolerance` times the larger
    magnitude, or, where the original has repeats, when the new value could be that of another repeat.
    Artifacts with other hashes count as within while all metrics are: trainings on two machines seldom write
    the same bytes.

    Args:
        original: the run.
        again: its reproduction.
        tolerance: relative, 0 or more.
        ignored: names of metrics that do not count, such as times.
        repeats: what stands for the original's group, if it is one of several repeats.
    """
    before, after = metrics_of(original), metrics_of(again)
    names = [name for name in dict.fromkeys((*before, *after)) if name not in ignored]
    metrics = tuple(
        _compared(
            name, before.get(name), after.get(name), tolerance, _spread(repeats, name) if repeats else None
        )
        for name in names
    )
    old, new = _hashes(original), _hashes(again)
    artifacts = tuple(
        Compared(name, old.get(name), new.get(name), _same(old.get(name), new.get(name)))
        for name in dict.fromkeys((*old, *new))
    )
    status = (str(original["status"]), str(again["status"]))
    verdicts: set[Verdict] = {one.verdict for one in metrics}
    if status[0] != status[1] or "different" in verdicts or set(old) != set(new):
        verdict: Verdict = "different"
    elif "within" in verdicts or any(one.verdict != "identical" for one in artifacts):
        verdict = "within"
    else:
        verdict = "identical"
    return Comparison(verdict, metrics, artifacts, status if status[0] != status[1] else None)


def _spread(repeats: JsonObject, name: str) -> Spread | None:
    """The prediction interval of Student's t: mean ± t(n - 1) s sqrt(1 + 1/n).

    G. J. Hahn and W. Q. Meeker, Statistical Intervals (1991), chapter 4. None without a spread to know.
    """
    from gxt.model.evidence import Sample, weigh  # most runs have no repeats
    from gxt.model.repeats import sample_of

    known = sample_of(repeats, name)
    if known is None or known.n < 2:
        return None
    found = weigh(known, Sample(1, known.mean), None)
    if found.low is None or found.high is None:
        return None
    half = (found.high - found.low) / 2
    return Spread(known.n, known.mean - half, known.mean + half)


def _compared(name: str, original: Json, again: Json, tolerance: float, spread: Spread | None) -> Compared:
    verdict, value = _judged(original, again, tolerance), number_from_json(again)
    if verdict == "different" and spread and value is not None and spread.low <= value <= spread.high:
        verdict = "within"
    return Compared(name, original, again, verdict, spread)


def _judged(original: Json, again: Json, tolerance: float) -> Verdict:
    if original is None or again is None:
        return "different"
    a, b = number_from_json(original), number_from_json(again)
    if a is None or b is None:
        return _same(original, again)
    if a == b or (math.isnan(a) and math.isnan(b)):
        return "identical"
    return "within" if math.isclose(a, b, rel_tol=tolerance, abs_tol=0.0) else "different"


def _same(original: Json, again: Json) -> Verdict:
    return "identical" if original == again else "different"


def _hashes(run: JsonObject) -> JsonObject:
    """The hash of each artifact by its name, with its step, and with a number where that is not all."""
    found: JsonObject = {}
    for one in cast("list[JsonObject]", run.get("artifacts") or []):
        step = one.get("step")
        name = str(one["name"]) + (f" (step {step})" if step is not None else "")
        names = chain([name], (f"{name} #{number}" for number in count(2)))
        found[next(other for other in names if other not in found)] = one.get("md5")
    return found


class Filled(NamedTuple):
    """A command with what was redacted; and the names of what is still missing."""

    command: tuple[str, ...]
    missing: tuple[str, ...]


def fill(command: Sequence[str], answers: Mapping[str, str]) -> Filled:
    """Put in what was redacted.

    Args:
        command: as it was recorded.
        answers: by name: `token` for `--token [redacted]`, `--token=[redacted]` and `token=[redacted]`; the
            number of the word in the command, from 1, for any other.
    """
    words, missing = list(command), []
    for at, word in enumerate(command):
        if REDACTED not in word:
            continue
        name = _name(command, at)
        answer = answers.get(name, answers.get(str(at + 1)))
        if answer is None:
            missing.append(name)
        else:
            words[at] = word.replace(REDACTED, answer)
    return Filled(tuple(words), tuple(dict.fromkeys(missing)))


def _name(command: Sequence[str], at: int) -> str:
    name, equals, value = command[at].partition("=")
    if equals and value == REDACTED:
        return name.lstrip("-+")
    before = command[at - 1] if at else ""
    if command[at] == REDACTED and before.startswith("-"):
        return before.lstrip("-")
    return str(at + 1)
