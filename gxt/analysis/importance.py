"""Which parameters a metric goes with: rank correlation, and the share of its differences that each explains.

All of it rests on ranks: a diverged run, an infinite loss or a logarithmic scale cannot outweigh the others.
Every parameter is looked at alone; `together` names those that cannot be told apart.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import combinations, permutations
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
from scipy import optimize, special, stats

from gxt.model.codec import number_from_json
from gxt.model.json_types import Json
from gxt.named_tuple import NamedTuple

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gxt.analysis.points import Array

    Codes: TypeAlias = NDArray[np.intp]

Kind: TypeAlias = Literal["number", "category"]

FEWEST: Final = 5
"""Runs. Of four even a perfect order comes about by chance one time in twelve: no test can reach 5 %."""
_EXACT: Final = 8  # runs up to which all orders are counted: 40,320
_ALIKE: Final = 0.5  # of one parameter's differences, explained by another: worth a warning
_WHOLLY: Final = 0.999
_BENDS: Final = 2  # degrees of a curve of ranks: a best value in the middle is seen
_MOST_SHARE: Final = 1 - 1e-12
_LEAST_FREE: Final = 2  # degrees of freedom
_TINY: Final = 1e-9
_MOST_VALUES: Final = 30  # of a category: names and paths are none


class Interval(NamedTuple):
    """The ends of an interval."""

    low: float
    high: float


class Effect(NamedTuple):
    """What a metric has to do with one parameter.

    Attributes:
        name: of the parameter, dotted.
        kind: `number` (true and false too), or `category`: texts, lists, null beside numbers.
        n: how many experiments have it and the metric.
        values: how many different values it has in them.
        rho: Spearman's rank correlation, of numbers, with its interval; else None.
        p: how likely chance alone makes as large a correlation, or of a category such differences.
        importance: the share of the metric's differences in rank that it explains alone, with its interval.
        beyond: its share of those that the other parameters leave open, with its interval; None where it has
            no importance, where it is the only one, or the runs cannot tell it from the others.
        why: why there is no importance; empty where there is one.
    """

    name: str
    kind: Kind
    n: int
    values: int
    rho: float | None = None
    rho_interval: Interval | None = None
    p: float | None = None
    importance: float | None = None
    interval: Interval | None = None
    beyond: float | None = None
    beyond_interval: Interval | None = None
    why: str = ""


class Together(NamedTuple):
    """Two parameters that change together, and the share of the one's differences that the other explains."""

    first: str
    second: str
    share: float

    @property
    def always(self) -> bool:
        """Whether no run tells them apart."""
        return self.share >= _WHOLLY


class Effects(NamedTuple):
    """Parameters, the most important first, and pairs of them that change together."""

    effects: tuple[Effect, ...]
    together: tuple[Together, ...]


class _Column(NamedTuple):
    """A parameter in the experiments that have it: where they are, and its values as 0, 1, …, in order."""

    kind: Kind
    at: tuple[int, ...]
    codes: Codes

    @property
    def values(self) -> int:
        return int(self.codes.max()) + 1


def effects(params: Sequence[Mapping[str, Json]], y: Sequence[float], *, level: float = 0.95) -> Effects:
    """What each parameter that differs has to do with a metric.

    Args:
        params: of each experiment its parameters, flat.
        y: of each experiment the metric; infinite values count as the largest and the smallest, NaN is not
            allowed.
        level: of the intervals.
    """
    columns = _columns(params)
    values = np.asarray(y, dtype=np.float64)
    found = [_effect(name, column, values, level) for name, column in columns.items()]
    known = {one.name: columns[one.name] for one in found if one.importance is not None}
    related = [_beyond_others(one, known, values, level) for one in found]
    related.sort(key=_weight, reverse=True)
    return Effects(tuple(related), _together(known))


def _weight(effect: Effect) -> float:
    return -1.0 if effect.importance is None else max(effect.importance, effect.beyond or 0.0)


def spearman(x: Array | Codes, y: Array | Codes, level: float = 0.95) -> tuple[float, Interval, float]:
    """C. Spearman's rank correlation with its interval and p, for 5 values and more that are not all equal.

    The interval is Fisher's z with the standard error of D. G. Bonett and T. A. Wright (Sample size
    requirements for estimating Pearson, Kendall and Spearman correlations, Psychometrika 65, 2000), a perfect
    order taken back by half a step of ranks; p is scipy's, of 8 values and fewer that of all orders.
    """
    n = len(x)
    rho = float(stats.spearmanr(x, y).statistic)
    p = _exact_p(x, y) if n <= _EXACT else float(stats.spearmanr(x, y).pvalue)
    most = 1 - 6 / (n * (n**2 - 1))
    inner = min(max(rho, -most), most)
    half = float(stats.norm.ppf((1 + level) / 2)) * math.sqrt((1 + inner**2 / 2) / (n - 3))
    z = math.atanh(inner)
    low, high = math.tanh(z - half), math.tanh(z + half)
    return rho, Interval(min(low, rho), max(high, rho)), p


def _exact_p(x: Array | Codes, y: Array | Codes) -> float:
    """The share of all orders of y in which the correlation is at least as far from 0."""
    a, b = (stats.rankdata(one) - (len(x) + 1) / 2 for one in (x, y))
    found = np.abs(b[_orders(len(x))] @ a)
    return float(np.mean(found >= found[0] - _TINY))


def between(x: Codes, y: Array | Codes) -> float:
    """P of the differences between the values of a category: how likely chance alone makes as large ones.

    By the ranks, of W. H. Kruskal and W. A. Wallis (Use of ranks in one-criterion variance analysis, Journal
    of the American Statistical Association 47, 1952); p is scipy's, of 8 values and fewer that of all orders.
    """
    ranks = stats.rankdata(y)
    is_in = np.equal.outer(np.unique(x), x).astype(np.float64)
    if len(x) > _EXACT:
        return float(stats.kruskal(*(ranks[one > 0] for one in is_in)).pvalue)
    found = ((ranks[_orders(len(x))] @ is_in.T) ** 2 / is_in.sum(axis=1)).sum(axis=1)
    return float(np.mean(found >= found[0] - _TINY))


@cache
def _orders(n: int) -> Codes:
    """All orders of so many values, that in which they are first; shape (n!, n)."""
    return np.array(list(permutations(range(n))), dtype=np.intp)


def explained(x: Codes, kind: Kind, y: Array | Codes, level: float = 0.95) -> tuple[float, Interval] | None:
    """The share of the differences in the ranks of y that x explains; None where the values are too few.

    It is epsilon squared (T. L. Kelley, An unbiased correlation ratio measure, PNAS 21, 1935), which is R²
    adjusted for chance, so that noise has 0 on average; below 0 it is 0. A category explains by the mean of
    each value, a number by a curve with one bend over its own ranks. The rank transform is that of W. J.
    Conover and R. L. Iman (The American Statistician 35, 1981). The interval is that of the share among all
    runs that might have been made, by turning round the scaled F distribution of I. S. Helland (On the
    interpretation and use of R² in regression analysis, Biometrics 43, 1987); there a sum of squares below 1,
    which two neighbours in the other order make, counts as 1.

    Args:
        x: whole numbers from 0 that stand for the values in their order, shape (n,).
        kind: whether that order means something.
        y: the metric, shape (n,).
        level: of the interval.
    """
    ranks = stats.rankdata(y)
    return _share(design_of(x, kind), ranks - ranks.mean(), spent=1, level=level)


def beyond(
    design: Array, others: Sequence[Array], y: Array, level: float = 0.95
) -> tuple[float, Interval] | None:
    """The same share of what other parameters leave open: they are taken out of both first.

    That is the partial share, as of R. Frisch and F. V. Waugh (Partial time regressions as compared with
    individual trends, Econometrica 1, 1933). None where the others leave nothing open, follow each other's
    every change, or are as many as the runs.

    Args:
        design: what the parameter can explain, columns of shape (n, degrees).
        others: the same of the others.
        y: the metric, shape (n,).
        level: of the interval.
    """
    ranks = stats.rankdata(y)
    basis = _basis(np.hstack(others))
    left, open_ = (one - basis @ (basis.T @ one) for one in (ranks - ranks.mean(), design))
    if float(left @ left) < 1 or _basis(open_).shape[1] < design.shape[1]:
        return None
    return _share(open_, left, spent=1 + basis.shape[1], level=level)


def _basis(columns: Array) -> Array:
    """Orthonormal columns that span the same, shape (n, rank); faster than an SVD."""
    is_wide = columns.shape[1] > columns.shape[0]
    sizes, turned = np.linalg.eigh(columns @ columns.T if is_wide else columns.T @ columns)
    kept = sizes > _TINY * max(1.0, sizes[-1])
    found: Array = turned[:, kept] if is_wide else columns @ (turned[:, kept] / np.sqrt(sizes[kept]))
    return found


def _share(design: Array, y: Array, *, spent: int, level: float) -> tuple[float, Interval] | None:
    """The adjusted share of y that the columns explain; of n values so many are spent already."""
    k = design.shape[1]
    n = len(y) - spent + 1
    df = n - k - 1
    total = float(y @ y)
    if df < _LEAST_FREE or total == 0:
        return None
    basis = _basis(design)
    rest = y - basis @ (basis.T @ y)
    left = min(float(rest @ rest), total)
    share = max(0.0, 1 - (left / df) / (total / (n - 1)))
    left = min(max(left, 1.0), total)
    f = ((total - left) / k) / (left / df)
    low, high = (_share_with(f, k, n, tail) for tail in ((1 + level) / 2, (1 - level) / 2))
    return share, Interval(min(share, low), max(share, high))


def _share_with(f: float, k: int, n: int, tail: float) -> float:
    """The share in the population with which F is below this with that probability; 0 where none is."""
    df = n - k - 1

    def over(share: float) -> float:
        odds = share / (1 - share)
        size = (n - 1) * odds + k
        freedom = size**2 / ((n - 1) * odds * (odds + 2) + k)
        return float(special.fdtr(freedom, df, f * k / size)) - tail

    if over(0.0) <= 0:
        return 0.0
    return float(optimize.brentq(over, 0.0, _MOST_SHARE, xtol=1e-9))


def design_of(x: Codes, kind: Kind) -> Array:
    """Centred columns that span what x can explain, shape (n, degrees)."""
    count = int(x.max()) + 1
    if kind == "category":
        columns = np.equal.outer(x, np.arange(1, count)).astype(np.float64)
    else:
        ranks = stats.rankdata(x)
        scaled = (ranks - ranks.mean()) / len(x)
        columns = np.stack([scaled**degree for degree in range(1, min(_BENDS, count - 1) + 1)], axis=1)
    centred: Array = columns - columns.mean(axis=0)
    return centred


def _effect(name: str, column: _Column, y: Array, level: float) -> Effect:
    x, y = column.codes, y[list(column.at)]
    effect = Effect(name, column.kind, len(x), column.values)
    if why := _why_not(effect, y):
        return effect._replace(why=why)
    found = explained(x, column.kind, y, level)
    if found is None:
        return effect._replace(why=f"{column.values} values in {len(x)} runs: too few of each")
    effect = effect._replace(importance=found[0], interval=found[1])
    if column.kind == "number":
        rho, interval, p = spearman(x, y, level)
        return effect._replace(rho=rho, rho_interval=interval, p=p)
    return effect._replace(p=between(x, y))


def _beyond_others(effect: Effect, columns: Mapping[str, _Column], y: Array, level: float) -> Effect:
    """The effect with its share beyond the parameters that all of its experiments have besides."""
    column = columns.get(effect.name)
    if column is None:
        return effect
    others = []
    for name, other in columns.items():
        if name != effect.name and set(column.at) <= set(other.at):
            others.append(design_of(_codes_at(other, column.at), other.kind))
    others = [one for one in others if one.shape[1]]
    if not others:
        return effect
    found = beyond(design_of(column.codes, column.kind), others, y[list(column.at)], level)
    return effect if found is None else effect._replace(beyond=found[0], beyond_interval=found[1])


def _codes_at(column: _Column, at: Sequence[int]) -> Codes:
    """Its values at some of its places, again as 0, 1, …, in order."""
    if len(at) == len(column.at):
        return column.codes
    return np.unique(column.codes[np.isin(column.at, at)], return_inverse=True)[1]


def _why_not(effect: Effect, y: Array) -> str:
    """What keeps the values from telling anything; empty where nothing does."""
    if effect.values < 2:
        return "the same in all runs that have it"
    if effect.n < FEWEST:
        return f"{effect.n} runs are too few: it takes {FEWEST}"
    if effect.kind == "category" and effect.values > _MOST_VALUES:
        return f"{effect.values} different values, which have no order"
    return "the metric is the same in all of them" if np.all(y == y[0]) else ""


def _columns(params: Sequence[Mapping[str, Json]]) -> dict[str, _Column]:
    """The parameters that differ, also those that only some have."""
    columns: dict[str, _Column] = {}
    for name in dict.fromkeys(name for one in params for name in one):
        at = tuple(i for i, one in enumerate(params) if name in one)
        column = _column(at, [params[i][name] for i in at])
        if column.values > 1 or len(at) < len(params):
            columns[name] = column
    return columns


def _column(at: tuple[int, ...], values: Sequence[Json]) -> _Column:
    numbers = [one if isinstance(one, int) else number_from_json(one) for one in values]
    known = [one for one in numbers if one is not None and one == one]  # noqa: PLR0124 - only NaN differs from itself
    if len(known) == len(values):
        places = {one: at for at, one in enumerate(sorted(set(known)))}
        return _Column("number", at, np.array([places[one] for one in known]))
    texts = [json.dumps(one, sort_keys=True) for one in values]
    codes = {text: at for at, text in enumerate(dict.fromkeys(texts))}
    return _Column("category", at, np.array([codes[text] for text in texts]))


def _together(columns: Mapping[str, _Column]) -> tuple[Together, ...]:
    """The pairs of which one explains half of the other or more, those that nothing tells apart first."""
    found = []
    for (first, a), (second, b) in combinations(columns.items(), 2):
        both = a.at if a.at == b.at else sorted(set(a.at) & set(b.at))
        if len(both) < FEWEST:
            continue
        x, y = (_codes_at(one, both) for one in (a, b))
        if not (x.any() and y.any()):
            continue
        share = _alike(x, a.kind, y, b.kind)
        if share >= _ALIKE:
            found.append(Together(first, second, share))
    return tuple(sorted(found, key=lambda one: one.share, reverse=True))


def _alike(x: Codes, kind: Kind, y: Codes, other: Kind) -> float:
    """How far one parameter follows the other: 1 where their values go together one by one.

    Of two numbers Spearman's correlation squared, of a category and a number what the category explains of
    its ranks, of two categories V squared as W. Bergsma corrects it (A bias-correction for Cramér's V and
    Tschuprow's T, Journal of the Korean Statistical Society 42, 2013).
    """
    n = len(x)
    r, k = (int(one.max()) + 1 for one in (x, y))
    if r == k == len(np.unique(x * k + y)) < n:
        return 1.0
    if kind == other == "number":
        return float(stats.spearmanr(x, y).statistic) ** 2
    if kind != other:
        of, words = (y, x) if kind == "category" else (x, y)
        found = explained(words, "category", of)
        return 0.0 if found is None else found[0]
    table = np.zeros((r, k))
    np.add.at(table, (x, y), 1)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    phi = float(((table - expected) ** 2 / expected).sum()) / n
    rows, cells = (size - (size - 1) ** 2 / (n - 1) for size in (r, k))
    least = min(rows, cells) - 1
    return max(0.0, phi - (r - 1) * (k - 1) / (n - 1)) / least if least > 0 else 0.0
