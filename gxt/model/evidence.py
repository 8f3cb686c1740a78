"""Better or worse, and how sure: two samples of a metric, each of one run or of repeats with different seeds.

Where at least one side has repeats the difference of the means gets an interval at 95 % and a test by B. L.
Welch (The generalization of Student's problem when several different population variances are involved,
Biometrika 34, 1947), with the degrees of freedom of Welch and Satterthwaite. A single run beside repeats is
taken to be as noisy as those: the t-test of one case against a sample (J. R. Crawford and D. C. Howell, The
Clinical Neuropsychologist 12, 1998). Two single runs have a difference and nothing else.
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

from gxt.model.goals import Goal, Verdict, judge
from gxt.model.json_types import JsonObject
from gxt.model.student import quantile, two_sided
from gxt.named_tuple import NamedTuple

Kind: TypeAlias = Literal["single", "case", "welch"]
SURE = 0.95
_POWER = 0.8  # how likely the repeats that are asked for see a difference of this size
_NORMALLY = 2.8  # the sum of both quantiles of the normal distribution, which those of Student's t exceed
MOST_REPEATS = 1000
"""More of them are no advice."""


class Sample(NamedTuple):
    """Values of a metric: how many, their mean, and their variance (0 for a single one)."""

    n: int
    mean: float
    variance: float = 0.0

    @property
    def error(self) -> float | None:
        """The standard error of the mean; None for a single value."""
        return math.sqrt(self.variance / self.n) if self.n > 1 else None


class Evidence(NamedTuple):
    """How two samples of a metric differ.

    Attributes:
        verdict: better, worse, same, unsure; None where the goal or a number is not known.
        difference: of the means, the second minus the first.
        kind: `single` without repeats, `case` with repeats on one side only, `welch` with repeats on both.
        n: how many values each side has.
        low, high: the interval of the difference at 95 %; None without repeats.
        t, df, p: Welch's t, its degrees of freedom, how likely chance alone makes it as large; else None.
        more: how many more repeats of each side would tell, if difference and spread stay as they are; None
            where nothing is unsure, or more than 1000 would be needed.
    """

    verdict: Verdict | None
    difference: float
    kind: Kind
    n: tuple[int, int]
    low: float | None = None
    high: float | None = None
    t: float | None = None
    df: float | None = None
    p: float | None = None
    more: int | None = None


def sample(values: list[float]) -> Sample | None:
    """Values summed up; None without any, and where one is no finite number: such a mean tells nothing."""
    if not values or not all(map(math.isfinite, values)):
        return None
    if len(set(values)) == 1:  # a sum of equal numbers is rounded, and would have a variance
        return Sample(len(values), values[0])
    mean = math.fsum(values) / len(values)
    return Sample(len(values), mean, math.fsum((one - mean) ** 2 for one in values) / max(1, len(values) - 1))


def weigh(before: Sample, after: Sample, goal: Goal | None) -> Evidence:
    """What the second sample is against the first."""
    difference = after.mean - before.mean
    n = (before.n, after.n)
    if max(n) < 2:
        return Evidence(judge(difference, goal), difference, "single", n)
    before, after = _as_noisy(before, after), _as_noisy(after, before)
    error, df = _welch(before, after)
    kind: Kind = "welch" if min(n) > 1 else "case"
    if error == 0:
        t = math.copysign(math.inf, difference) if difference else 0.0
        p = 0.0 if difference else 1.0
        return Evidence(judge(difference, goal), difference, kind, n, difference, difference, t, df, p)
    t = difference / error
    p = two_sided(t, df)
    half = quantile((1 + SURE) / 2, df) * error
    verdict = judge(difference, goal)
    is_sure = p < 1 - SURE
    if verdict is not None and not is_sure:
        verdict = "unsure"
    more = None if is_sure or not difference else _more(before, after)
    return Evidence(verdict, difference, kind, n, difference - half, difference + half, t, df, p, more)


def evidence_json(evidence: Evidence) -> JsonObject:
    """What `--json` tells of it besides difference and verdict; an infinite t is null, its p is 0."""
    told = evidence._asdict()
    t = evidence.t
    kept: JsonObject = {key: told[key] for key in ("kind", "low", "high", "t", "df", "p", "more")}
    return {**kept, "n": list(evidence.n), "t": None if t is None or math.isinf(t) else t}


def _as_noisy(one: Sample, other: Sample) -> Sample:
    return one if one.n > 1 else one._replace(variance=other.variance)


def _welch(a: Sample, b: Sample) -> tuple[float, float]:
    """The standard error of the difference of the means, and its degrees of freedom.

    What was not measured twice, but taken to be as noisy as the other, adds no degrees of freedom.
    """
    parts = (a.variance / a.n, b.variance / b.n)
    if min(a.n, b.n) == 1:
        return math.sqrt(sum(parts)), float(max(a.n, b.n) - 1)
    spread = parts[0] ** 2 / (a.n - 1) + parts[1] ** 2 / (b.n - 1)
    df = sum(parts) ** 2 / spread if spread else float(a.n + b.n - 2)
    return math.sqrt(sum(parts)), df


def _more(a: Sample, b: Sample) -> int | None:
    """The fewest repeats to add to each side that see this difference four times out of five.

    As sample sizes are usually worked out (S.-C. Chow et al., Sample Size Calculations in Clinical
    Research, 3.2): the difference in standard errors is to reach the sum of the quantiles for the test and
    for its power.
    """
    enough = _NORMALLY**2 * (a.variance + b.variance) / (b.mean - a.mean) ** 2  # each side, at the least
    if enough > MOST_REPEATS + max(a.n, b.n):
        return None
    more = max(1, int(enough) - max(a.n, b.n))
    while not _tells(a, b, more):
        more += 1
    return more if more <= MOST_REPEATS else None


def _tells(a: Sample, b: Sample, more: int) -> bool:
    error, df = _welch(a._replace(n=a.n + more), b._replace(n=b.n + more))
    return abs(b.mean - a.mean) >= (quantile((1 + SURE) / 2, df) + quantile(_POWER, df)) * error
