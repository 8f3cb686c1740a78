"""How strong players are, from the games between them: Elo ratings with intervals, for notebooks and scripts.

    ratings = gxt.elo.fit([("mine", "random", 90, 4, 6), ("mine", "depth-2", 40, 20, 40)], anchor="random")
    print(ratings)
    ratings.players["mine"].elo
    gxt.log(ratings.metrics("mine"))

The model is that of R. A. Bradley and M. E. Terry (Biometrika 39, 1952) with the draws of R. R. Davidson (On
extending the Bradley-Terry model to accommodate ties in paired comparison experiments, Journal of the
American Statistical Association 65, 1970): of players with strengths a and b the first wins with a chance
proportional to a, loses with b and draws with ν√(ab), where one ν, also estimated, serves all pairs. A
strength is 10^(elo/400), as A. E. Elo has it: who is rated 400 higher wins 10 times as often as he loses.
Ratings are those of maximum likelihood, which are the same for every order of the games.

An interval holds all ratings whose profile likelihood (the others chosen as well as they can be) is not
rejected at 95 %: its logarithm is at most 1.92 below the maximum. Unlike one from a standard error it is
right for few games, and has one end where a player has won all of them. It leaves out that openings repeat
and that players change: more games make it narrower, not truer.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsFloat

from gxt.errors import UsageError
from gxt.named_tuple import NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

__all__ = ["Match", "Rating", "Ratings", "fit"]

_SCALE = 400 / math.log(10)  # Elo points for a factor e in the strength
_FALL = 1.920729410347062  # half the quantile 0.95 of χ² with one degree of freedom
_RIDGE = (
    1e-9  # keeps ratings that want to be infinite on the ground; it moves no other by a thousandth of a point
)
_DRAWS_RIDGE = 1 / 9  # with a prior: log ν is 0 ± 3
_MOST_GAMES = 1e12  # in a row: beyond, one game more changes no digit that the likelihood has
_FARTHEST_ANCHOR = 1e6  # Elo points: beyond, a rating relative to it has no digits left
_FARTHEST = 12.0  # a step of the search at most: some 2,000 points
_MOST_STEPS = 100
_AT_ONCE = 4_000_000  # cells of second derivatives that are held at a time
_TABLE = "wins, draws, losses"  # of an evaluation's file


class Match(NamedTuple):
    """How many games a player won, drew and lost against an opponent; in which phase, if that counts."""

    player: str
    opponent: str
    wins: float
    draws: float
    losses: float
    phase: str = ""


_ROW = ", ".join(Match._fields[:5])


class Rating(NamedTuple):
    """How strong a player is, in Elo points.

    Attributes:
        player: the name.
        elo: the rating; infinite for one who has won, or lost, every game that ties him to the anchor, NaN
            where the games do not tell.
        low, high: the interval at 95 %; may be infinite; both are `elo` for an anchor.
        games: how many he has played.
        score: his points a game, a draw counting half.
        note: why there is no finite rating, in words; empty for most.
    """

    player: str
    elo: float
    low: float
    high: float
    games: float
    score: float
    note: str = ""

    def __str__(self) -> str:
        if math.isnan(self.elo):
            return "not rated"
        if math.isinf(self.elo):
            return f"above {self.low:.0f}" if self.elo > 0 else f"below {self.high:.0f}"
        return f"{self.elo:.0f} ± {(self.high - self.low) / 2:.0f}"


class Ratings(NamedTuple):
    """The ratings of all players, the strongest first, and of each phase by itself.

    Attributes:
        players: by name.
        draws: ν, how readily equal players draw: their share of draws is ν / (2 + ν). NaN when only draws.
        phases: the same for the games of each phase alone; empty where no match names one.
    """

    players: dict[str, Rating]
    draws: float
    phases: dict[str, Ratings]

    def __str__(self) -> str:
        width = max(map(len, self.players), default=0)
        return "\n".join(f"{name:<{width}}  {one}" for name, one in self.players.items())

    def metrics(self, player: str) -> dict[str, float]:
        """A player's rating as metrics: `elo`, `elo/low`, `elo/high`, and `elo/PHASE` with its interval.

        What is NaN is left out.
        """
        found = {"elo": self, **{f"elo/{phase}": one for phase, one in self.phases.items()}}
        told: dict[str, float] = {}
        for name, ratings in found.items():
            one = ratings.players.get(player)
            if one is not None:
                told |= {name: one.elo, f"{name}/low": one.low, f"{name}/high": one.high}
        return {name: value for name, value in told.items() if not math.isnan(value)}

    def to_frame(self) -> pd.DataFrame:
        """A row for each player, and for each player in each phase; `phase` is empty for all games."""
        import pandas

        rows = [
            {"phase": phase, **one._asdict()}
            for phase, ratings in {"": self, **self.phases}.items()
            for one in ratings.players.values()
        ]
        return pandas.DataFrame(rows)


def fit(
    matches: object,
    *,
    anchor: str | Mapping[str, float],
    player: str | None = None,
    prior: float | None = None,
) -> Ratings:
    """Rate players by the games between them.

    Args:
        matches: rows, as tuples (player, opponent, wins, draws, losses) or with a phase behind them, as
            mappings with these names, or as a pandas frame with such columns; who has several rows of a pair
            may have them in both orders. Or what an evaluation of one player wrote, a mapping or the path of
            its JSON file: `{"wins, draws, losses": {OPPONENT: {PHASE: [w, d, l]}}}`; phases are optional.
        anchor: who has which rating: a name, whose rating is 0, or ratings by name, taken as exact.
        player: the name of the player whose evaluation it is; by default `player`.
        prior: None, the default, takes nothing for granted: who has won every game is rated infinite. Else a
            number of Elo points: before any game ratings are taken to lie about the first anchor with this
            standard deviation, and every one is finite. Its interval is then one of the posterior's height.

    Raises:
        UsageError: a row is no match, or no anchor has played, or one has no finite rating.
    """
    rows = list(_read(matches, player or "player"))
    fixed = _anchors(anchor)
    if prior is not None and not 0 < _number(prior) < math.inf:
        raise UsageError(f"prior is no spread of ratings: {prior}", hint="write for example prior=400")
    whole = _rated(rows, fixed, prior)
    names = dict.fromkeys(row.phase for row in rows if row.phase)
    phases = {}
    for name in names:
        games = [row for row in rows if row.phase == name]
        if any(side in fixed for row in games for side in (row.player, row.opponent)):
            phases[name] = _rated(games, fixed, prior)
    return whole._replace(phases=phases)


def _anchors(said: object) -> dict[str, float]:
    if isinstance(said, str):
        return {said: 0.0}
    if not isinstance(said, Mapping):
        raise UsageError(
            f"this is no anchor: {said!r}", hint='write anchor="random", or {"random": 0, "depth-2": 380}'
        )
    for name, rating in said.items():
        if not abs(_number(rating)) <= _FARTHEST_ANCHOR:
            raise UsageError(f"{name} cannot be rated {rating}", hint="give an anchor a number of Elo points")
    return {str(name): _number(rating) for name, rating in said.items()}


def _number(said: object) -> float:
    """A number of any library; NaN for what is none."""
    return float(said) if isinstance(said, SupportsFloat) else math.nan


# --- reading ---------------------------------------------------------------------------------------------


def _read(matches: object, player: str) -> Iterator[Match]:
    if isinstance(matches, (str, os.PathLike)):
        path = Path(matches)
        try:
            matches = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{path} cannot be read: {error}", hint="name the JSON file of an evaluation"
            ) from error
    if isinstance(matches, Mapping):
        yield from _of_evaluation(matches, player)
        return
    if hasattr(matches, "to_dict"):
        matches = matches.to_dict("records")
    if not isinstance(matches, Iterable):
        raise UsageError(f"these are no matches: {matches!r}", hint=f"write [({_ROW})]")
    for row in matches:
        yield _match(row)


def _of_evaluation(document: Mapping[str, Any], player: str) -> Iterator[Match]:
    table = document.get(_TABLE)
    if not isinstance(table, Mapping):
        raise UsageError(
            f"there is no {_TABLE!r} in it", hint=f'write {{"{_TABLE}": {{OPPONENT: [w, d, l]}}}}'
        )
    for opponent, found in table.items():
        phases = found if isinstance(found, Mapping) else {"": found}
        for phase, counts in phases.items():
            if not isinstance(counts, Sequence) or len(counts) != 3:
                raise UsageError(
                    f"this is no match: {opponent}: {counts!r}", hint="write [wins, draws, losses]"
                )
            yield _match((player, opponent, *counts, phase))


def _match(row: Any) -> Match:  # noqa: ANN401 whatever the user has
    fields = Match._fields
    if isinstance(row, Mapping):
        absent = [name for name in fields[:5] if name not in row and name != "draws"]
        cells = [row.get(name, 0) for name in fields[:5]] + [row.get("phase", "")]
    else:
        cells = list(row) if isinstance(row, (tuple, list)) else []
        absent = [] if len(cells) in {5, 6} else [f"{len(cells)} cells"]
    try:
        counts = [float(cell) for cell in cells[2:5]]
    except (TypeError, ValueError):
        counts = []
    if absent or len(counts) < 3 or not all(0 <= count <= _MOST_GAMES for count in counts):
        raise UsageError(f"this is no match: {row!r}", hint=f"write ({_ROW}) or add a phase")
    first, second = str(cells[0]), str(cells[1])
    if first == second:
        raise UsageError(f"{first} plays against himself: {row!r}", hint="leave such games out")
    phase = cells[5] if len(cells) > 5 and isinstance(cells[5], str) else ""  # pandas has NaN for none
    return Match(first, second, counts[0], counts[1], counts[2], phase)


# --- rating ----------------------------------------------------------------------------------------------


class Games(NamedTuple):
    """The games of N players, for B sets of results at a time.

    Attributes:
        first, second: (P,) who plays in each pair; no pair twice.
        counts: (B, P, 3) or (1, P, 3) wins of the first, draws, wins of the second.
        centre, ridge: (N + 1,) where each rating, and log ν behind them, is held, and how firmly.
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    counts: Floats
    centre: Floats
    ridge: Floats


def _rated(rows: list[Match], fixed: Mapping[str, float], prior: float | None) -> Ratings:
    import numpy as np

    names = list(dict.fromkeys(name for row in rows for name in (row.player, row.opponent)))
    anchors = [at for at, name in enumerate(names) if name in fixed]
    if not anchors:
        known = ", ".join(names[:8]) or "none"
        raise UsageError(f"no anchor has played: {', '.join(fixed)}", hint=f"players are {known}")
    table = _table(rows, names)
    start = np.zeros(len(names) + 1)
    start[:-1] = fixed[names[anchors[0]]] / _SCALE
    start[anchors] = [fixed[names[at]] / _SCALE for at in anchors]
    has_draws = bool(table[:, :, 1].any())
    start[-1] = 0.0 if has_draws else -60.0
    ridge = np.full(len(start), _RIDGE if prior is None else (_SCALE / prior) ** 2)
    ridge[-1] = _RIDGE if prior is None else _DRAWS_RIDGE
    first, second = np.nonzero(np.triu(table.sum(axis=2)))
    centre = np.where(np.arange(len(start)) < len(names), start[anchors[0]], 0.0)
    games = Games(first, second, table[first, second][None], centre, ridge)
    free = np.ones(len(start), dtype=bool)
    free[anchors], free[-1] = False, has_draws
    standing = _standing(table, anchors) if prior is None else np.zeros(len(names))
    best, height, _ = maximise(games, start[None], free[None])
    low, high = _intervals(games, best, height, free, standing)
    elo = np.where(standing == 0, best[0, :-1] * _SCALE, standing)
    for of_all in (elo, low, high):
        of_all[anchors] = [fixed[names[at]] for at in anchors]
    columns = zip(elo.tolist(), low.tolist(), high.tolist(), *_played(table), strict=True)
    told = _notes(table, anchors, standing)
    found = [Rating(name, *cells, note) for name, cells, note in zip(names, columns, told, strict=True)]
    found.sort(key=lambda one: (math.isnan(one.elo), -one.elo))
    draws = math.exp(best[0, -1]) if has_draws else 0.0
    is_lost = prior is None and _runaway(table, anchors) is not None
    return Ratings({one.player: one for one in found}, math.nan if is_lost else draws, {})


def _table(rows: Iterable[Match], names: list[str]) -> Floats:
    """(N, N, 3): wins, draws and losses of each against each."""
    import numpy as np

    place = {name: at for at, name in enumerate(names)}
    table = np.zeros((len(names), len(names), 3))
    for row in rows:
        one, other = place[row.player], place[row.opponent]
        table[one, other] += row[2:5]
        table[other, one] += row[4:1:-1]
    return table


def _played(table: Floats) -> tuple[list[float], list[float]]:
    """How many games each has played, and his points a game; NaN for none."""
    import numpy as np

    played = table.sum(axis=(1, 2))
    points = (table[:, :, 0] + table[:, :, 1] / 2).sum(axis=1)
    made = np.divide(points, played, out=np.full(len(played), np.nan), where=played > 0)
    return played.tolist(), made.tolist()


def _standing(table: Floats, anchors: list[int]) -> Floats:
    """(N,) 0 for a finite rating, ±∞ above or below all bounds, NaN for who cannot be rated.

    The likelihood has a maximum for those who are tied to an anchor both ways by chains of games in which
    each has won or drawn against the next (L. R. Ford Jr., Solution of a ranking problem from binary
    comparisons, American Mathematical Monthly 64, 1957).
    """
    import numpy as np

    scores = _reach(_scored(table), anchors)
    above, below = scores[:, anchors[0]], scores[anchors[0]]
    standing = np.select([above & below, above, below], [0.0, np.inf, -np.inf], np.nan)
    runaway = _runaway(table, anchors)
    if runaway is not None:
        beyond = np.select([runaway[0] > 0, runaway[1] < 0], [np.inf, -np.inf], np.nan)
        standing = np.where(standing == 0, beyond, standing)
    standing[anchors] = 0.0
    return standing


def _reach(steps: Bools, anchors: list[int]) -> Bools:
    """(N, N) who comes from whom to whom by these steps; anchors are tied to each other."""
    import numpy as np

    reach = steps | np.eye(len(steps), dtype=bool)
    reach[np.ix_(anchors, anchors)] = True
    while True:
        further = (reach.astype(np.float32) @ reach.astype(np.float32)) > 0
        if (further == reach).all():
            return reach
        reach = further


def _runaway(table: Floats, anchors: list[int]) -> Floats | None:
    """(2, N) how far each can be below and above the anchor, where ν has no bound; None where it has one.

    It has none when wins can have to do with strengths that are apart, and all draws with strengths that are
    near: the larger the differences with ν, the better the games are explained. So it is when ratings exist
    with every winner at least 1 above, and who drew at most 1 apart: a system of bounds on differences, which
    has a solution unless some circle of them adds up to less than 0.
    """
    import numpy as np

    if not table[:, :, 1].any():
        return None
    bounds = np.full(table.shape[:2], np.inf)  # how far the second can be above the first
    bounds[table[:, :, 1] > 0] = 1.0
    bounds[table[:, :, 0] > 0] = -1.0
    bounds[np.ix_(anchors, anchors)] = np.minimum(bounds[np.ix_(anchors, anchors)], 0.0)
    bounds[~_reach(_scored(table), anchors).T] = np.inf  # who is infinitely far away binds nobody
    for at in range(len(bounds)):
        bounds = np.minimum(bounds, bounds[:, at, None] + bounds[at])
    if (np.diagonal(bounds) < 0).any():
        return None
    return np.stack([-bounds[:, anchors[0]], bounds[anchors[0]]])


def _scored(table: Floats) -> Bools:
    """(N, N) who has won or drawn against whom."""
    return table[:, :, 0] + table[:, :, 1] > 0


def _notes(table: Floats, anchors: list[int], standing: Floats) -> list[str]:
    """Why each has no finite rating; empty for who has."""
    tied = _reach(table.sum(axis=2) > 0, anchors)[anchors[0]]
    texts = {
        0.0: "",
        math.inf: "won every game that ties him to the anchor, or nearly so",
        -math.inf: "lost every game that ties him to the anchor, or nearly so",
    }
    untold = ("no chain of games ties him to the anchor", "the games do not tell")
    return [texts.get(one, untold[bool(tied[at])]) for at, one in enumerate(standing.tolist())]


def _intervals(
    games: Games, best: Floats, height: Floats, free: Bools, standing: Floats
) -> tuple[Floats, Floats]:
    """(N,) the lower and the upper ends at 95 %, in Elo points."""
    import numpy as np

    count = len(standing)
    found = [best[0, :-1] * _SCALE, best[0, :-1] * _SCALE]
    for column, side in enumerate((-1, 1)):
        wanted = np.flatnonzero(free[:-1] & ((standing == 0) | (standing == -side * np.inf)))
        unknown = free[:-1] & ~np.isin(np.arange(count), wanted)
        found[column] = np.where(unknown, side * np.inf, found[column])
        together = max(1, _AT_ONCE // len(free) ** 2)
        for start in range(0, len(wanted), together):
            part = wanted[start : start + together]
            found[column][part] = ends(games, best, height, free, part, side) * _SCALE
    return found[0], found[1]


def ends(
    games: Games, best: Floats, height: Floats, free: Bools, which: NDArray[np.intp], side: int
) -> Floats:
    """(B,) where the profile of the likelihood is 1.92 below its maximum, on one side of it.

    The profile is concave and its slope is that of the likelihood where the others are at their best, so
    Newton's method comes from outside without ever passing the end.

    Args:
        games: B sets of results, or one for all.
        best: (B, N + 1) or (1, N + 1) the ratings at the maximum.
        height: (B,) or (1,) the maximum.
        free: (N + 1,) what is estimated.
        which: (B,) whose interval.
        side: 1 for the upper end, -1 for the lower.
    """
    import numpy as np

    rows = np.arange(len(which))
    x = np.repeat(best, len(which) // len(best), axis=0)
    others = np.repeat(free[None], len(which), axis=0)
    others[rows, which] = False
    _, _, curvature = _slopes(games, x, np.ones_like(others))
    spread = 1 / np.sqrt(np.maximum(curvature[rows, which, which], 1e-3))
    x[rows, which] += side * spread
    for _ in range(_MOST_STEPS):
        x, now, slope = maximise(games, x, others)
        surplus = now - height + _FALL
        step = np.abs(surplus) / np.maximum(np.abs(slope[rows, which]), 1e-9)
        step = np.where(surplus > 0, side, -side) * np.minimum(step, _FARTHEST)
        x[rows, which] += step
        if np.abs(step).max(initial=0.0) < 1e-8:
            break
    return x[rows, which]


def maximise(games: Games, x: Floats, free: Bools) -> tuple[Floats, Floats, Floats]:
    """The most likely ratings by Newton's method, which the likelihood being concave always finds.

    Args:
        games: B sets of results, or one for all.
        x: (B, N + 1) ratings to start from, in units of 400 / ln 10 points; log ν behind them.
        free: (B, N + 1) or (1, N + 1) which of them may change.

    Returns:
        The same where the likelihood is greatest, (B,) its logarithm there, (B, N + 1) its slope.
    """
    import numpy as np

    height, slope, curvature = _slopes(games, x, free)
    for _ in range(_MOST_STEPS):
        step = np.linalg.solve(curvature, (slope * free)[..., None])[..., 0]
        gain = (step * slope).sum(axis=1)
        if gain.max(initial=0.0) < 1e-13:
            break
        step *= np.minimum(1, _FARTHEST / np.maximum(np.abs(step).max(axis=1), 1e-300))[:, None]
        for _ in range(60):
            tried = _slopes(games, x + step, free)
            worse = tried[0] < height - 1e-9 * (1 + np.abs(height))
            if not worse.any():
                break
            step[worse] /= 2
        x = x + step
        height, slope, curvature = tried
    return x, height, slope


def _slopes(games: Games, x: Floats, free: Bools) -> tuple[Floats, Floats, Floats]:
    """The logarithm of the likelihood, its slope, and minus its second derivatives (of what is free)."""
    import numpy as np

    first, second, counts, centre, ridge = games
    total = counts.sum(axis=2)
    half = (x[:, first] - x[:, second]) / 2
    terms = np.stack([half, np.broadcast_to(x[:, -1:], half.shape), -half], axis=2)
    top = terms.max(axis=2, keepdims=True)
    chances = np.exp(terms - top)
    norm = chances.sum(axis=2, keepdims=True)
    chances /= norm
    win, draw, loss = np.moveaxis(chances, 2, 0)
    away = x - centre
    height = ((counts * terms).sum(axis=2) - total * (top + np.log(norm))[..., 0]).sum(axis=1)
    height -= (ridge * away**2).sum(axis=1) / 2
    slope = -ridge * away
    pull = ((counts[..., 0] - counts[..., 2]) - total * (win - loss)) / 2
    slope[:, :-1] += _by_player(games, pull, -pull, x)
    slope[:, -1] += (counts[..., 1] - total * draw).sum(axis=1)
    stiff = total * ((win + loss) - (win - loss) ** 2) / 4
    mixed = -total * (win - loss) * draw / 2
    curvature = np.zeros((*x.shape, x.shape[1]))
    curvature[:, first, second] = curvature[:, second, first] = -stiff
    curvature[:, -1, :-1] = curvature[:, :-1, -1] = _by_player(games, mixed, -mixed, x)
    sums = np.concatenate(
        [_by_player(games, stiff, stiff, x), (total * draw * (1 - draw)).sum(axis=1, keepdims=True)], axis=1
    )
    both = free[:, :, None] & free[:, None, :]
    curvature = np.where(both, curvature, 0.0)
    at = np.arange(x.shape[1])
    curvature[:, at, at] = np.where(free, sums + ridge, 1.0)
    return height, slope, curvature


def _by_player(games: Games, first: Floats, second: Floats, x: Floats) -> Floats:
    """(B, N) what the pairs give to their first and to their second player, (B, P) each, summed up."""
    import numpy as np

    count = x.shape[1] - 1
    given = np.zeros((len(x), count, count))
    given[:, games.first, games.second] = first
    given[:, games.second, games.first] = second
    summed: Floats = given.sum(axis=2)
    return summed
