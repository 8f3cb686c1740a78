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

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, SupportsFloat

from gxt.analysis.installed import check_installed
from gxt.elo.matches import Match, read_matches
from gxt.errors import UsageError
from gxt.named_tuple import NamedTuple

if TYPE_CHECKING:
    import pandas as pd

    from gxt.elo.likelihood import Floats

__all__ = ["Match", "Rating", "Ratings", "fit"]

_SCALE: Final = 400 / math.log(10)  # Elo points for a factor e in the strength
_RIDGE: Final = 1e-9
"""Keeps ratings that want to be infinite on the ground; it moves no other by a thousandth of a point."""
_DRAWS_RIDGE: Final = 1 / 9  # with a prior: log ν is 0 ± 3
_FARTHEST_ANCHOR: Final = 1e6  # Elo points: beyond, a rating relative to it has no digits left


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

        Who is not rated has none.
        """
        found = {"elo": self, **{f"elo/{phase}": one for phase, one in self.phases.items()}}
        told: dict[str, float] = {}
        for name, ratings in found.items():
            one = ratings.players.get(player)
            if one is not None and not math.isnan(one.elo):
                told |= {name: one.elo, f"{name}/low": one.low, f"{name}/high": one.high}
        return told

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
        GxtError: there is no numpy (`pip install 'gxt[analysis]'`).
    """
    check_installed("numpy")
    rows = list(read_matches(matches, player or "player"))
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


def _rated(rows: list[Match], fixed: Mapping[str, float], prior: float | None) -> Ratings:
    import numpy as np

    from gxt.elo.likelihood import Games, intervals, maximise
    from gxt.elo.standing import reasons, runaway, standings

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
    standing = standings(table, anchors) if prior is None else np.zeros(len(names))
    best, height, _ = maximise(games, start[None], free[None])
    low, high = (ends * _SCALE for ends in intervals(games, best, height, free, standing))
    elo = np.where(standing == 0, best[0, :-1] * _SCALE, standing)
    for of_all in (elo, low, high):
        of_all[anchors] = [fixed[names[at]] for at in anchors]
    columns = zip(elo.tolist(), low.tolist(), high.tolist(), *_played(table), strict=True)
    told = reasons(table, anchors, standing)
    found = [Rating(name, *cells, note) for name, cells, note in zip(names, columns, told, strict=True)]
    found.sort(key=lambda one: (math.isnan(one.elo), -one.elo))
    with np.errstate(over="ignore"):  # anchors that drew, a million points apart
        draws = float(np.exp(best[0, -1])) if has_draws else 0.0
    is_lost = prior is None and runaway(table, anchors) is not None
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
