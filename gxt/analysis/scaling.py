"""All that points say of how y scales with x: the law, other forms, groups, a transition, a milestone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from gxt.analysis import breaking
from gxt.analysis.choosing import STRONG, Score, score
from gxt.analysis.families import ONE, Family, compare_families
from gxt.analysis.fitting import Fitted, fit
from gxt.analysis.forms import FORMS
from gxt.analysis.law import UNASKED, Law, Milestone, Options, fit_law
from gxt.analysis.points import Point, Points
from gxt.errors import CannotFit
from gxt.named_tuple import NamedTuple

if TYPE_CHECKING:
    from gxt.analysis.breaking import Broken

BROKEN: Final = "broken"
NAMES: Final = (*(form.name for form in FORMS), BROKEN)


class Candidate(NamedTuple):
    """A form with its parameters in the units of the data, and how well it does."""

    name: str
    equation: str
    values: Mapping[str, float]
    score: Score


class Transition(NamedTuple):
    """A change of the exponent that the points give evidence for.

    Attributes:
        x, low, high: the breakpoint and its profile likelihood interval, inside of the points.
        before, after: the exponents.
        delta_bic: how much lower BIC is than that of the best form without a break; at least 10.
        against: that form.
    """

    x: float
    low: float
    high: float
    before: float
    after: float
    delta_bic: float
    against: str


class Findings(NamedTuple):
    """What a set of points says.

    Attributes:
        law: y = a·x^b + c.
        forms: all that could be fitted, the lowest AICc first.
        transition: None where there is no evidence of one.
        milestone: None where no y was asked for.
    """

    law: Law
    forms: tuple[Candidate, ...]
    transition: Transition | None
    milestone: Milestone | None


class Scaling(NamedTuple):
    """What points say.

    Attributes:
        whole: all of them together.
        groups: each group that has a law of its own; none unless there are several.
        families: how the laws of the groups belong together, that with the fewest parameters first.
        warnings: what the points cannot tell, by group and last of all together.
    """

    whole: Findings
    groups: Mapping[str, Findings]
    families: tuple[Family, ...]
    warnings: tuple[str, ...]

    @property
    def is_one(self) -> bool:
        """Whether one law stands for all points: no groups, or AICc prefers it."""
        known = [one for one in self.families if one.score.aicc is not None]
        return not known or min(known, key=_aicc).name == ONE


@np.errstate(all="ignore")  # beyond what a double holds lies infinity, and a bound that is none
def analyse(given: Sequence[Point], options: Options = UNASKED, *, milestone: float | None = None) -> Scaling:
    """Fit everything to points that are usable (`points.why_unusable`).

    Raises:
        CannotFit: there are too few, or y is the same everywhere.
    """
    whole = _findings(fit_law(given, options), options, milestone)
    groups: dict[str, Findings] = {}
    parts: dict[str, Points] = {}  # in the units of all: families compare them
    warnings: list[str] = []
    names = list(dict.fromkeys(point.group for point in given))
    for name in names if len(names) > 1 else ():
        own = [point for point in given if point.group == name]
        try:
            law = fit_law(own, options)
        except CannotFit as error:
            warnings.append(f"{name} has no law of its own: {error.message}")
            continue
        groups[name] = _findings(law, options, milestone)
        parts[name] = whole.law.points.take(np.array([point.group == name for point in given]))
        warnings += [f"{name}: {text}" for text in groups[name].law.warnings]
    families = tuple(compare_families(parts, options.level)) if len(parts) > 1 else ()
    found = Scaling(whole, groups, families, tuple(warnings))
    of_all = whole.law.warnings if found.is_one else ()
    return found._replace(warnings=(*warnings, *of_all))


def _aicc(one: Family | Candidate) -> float:
    return math.inf if one.score.aicc is None else one.score.aicc


def _findings(law: Law, options: Options, milestone: float | None) -> Findings:
    broken = breaking.fit_broken(law.points, law.level) if _wanted(BROKEN, options) else None
    forms = _candidates(law.points, broken, options)
    return Findings(
        law,
        forms,
        _transition(law.points, broken, forms),
        None if milestone is None else law.reaches(milestone),
    )


def _wanted(form: str, options: Options) -> bool:
    return not options.forms or form in options.forms


def _candidates(points: Points, broken: Broken | None, options: Options) -> tuple[Candidate, ...]:
    n = len(points.t)
    found = []
    for form in FORMS:
        if not _wanted(form.name, options):
            continue
        fitted = fit(form, points)
        scored = score(fitted.rss, n, form.parameters)
        found.append(Candidate(form.name, form.equation, _natural(fitted, points), scored))
    if broken is not None:
        scored = score(broken.rss, n, breaking.PARAMETERS)
        values = {
            "a": broken.a * points.scale,
            "d": breaking.as_x(broken.breakpoint, points),
            "b": broken.before,
            "b'": broken.after,
        }
        found.append(Candidate(BROKEN, breaking.EQUATION, values, scored))
    return tuple(sorted(found, key=lambda one: (_aicc(one), one.score.bic)))


def _natural(fitted: Fitted, points: Points) -> dict[str, float]:
    """The parameters as the equation of the form has them."""
    theta, scale = np.float64(fitted.theta), points.scale
    first = np.float64(fitted.coefficients[0])
    second = np.float64(fitted.coefficients[-1])
    shrunk = np.exp(-theta * points.log_x0)
    values = {
        "power+floor": {
            "a": second / theta * shrunk * scale,
            "b": theta,
            "c": (first - second / theta) * scale,
        },
        "power": {"a": first * shrunk * scale, "b": theta},
        "logarithm": {"a": second * scale, "c": (first - second * points.log_x0) * scale},
        "saturating": {"a": second * scale, "c": first * scale, "k": np.exp(theta + points.log_x0)},
    }[fitted.form.name]
    return {name: float(value) for name, value in values.items()}


def _transition(points: Points, broken: Broken | None, forms: Sequence[Candidate]) -> Transition | None:
    """The break, where BIC is lower by 10 than that of every smooth form and its place is known."""
    if broken is None or broken.interval.low is None or broken.interval.high is None:
        return None
    smooth = min((one for one in forms if one.name != BROKEN), key=lambda one: one.score.bic, default=None)
    if smooth is None:
        return None
    delta = smooth.score.bic - next(one.score.bic for one in forms if one.name == BROKEN)
    if delta < STRONG:
        return None
    low, at, high = (
        breaking.as_x(log_x, points)
        for log_x in (broken.interval.low, broken.breakpoint, broken.interval.high)
    )
    return Transition(at, low, high, broken.before, broken.after, delta, smooth.name)
