"""Ratings from games: the maximum of the likelihood, intervals that hold, and what cannot be rated."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

from gxt import elo
from gxt.elo import Rating, fit
from gxt.elo.likelihood import Games, ends, maximise
from gxt.errors import UsageError

POINTS = 400 / math.log(10)
ROWS = [
    ("mine", "random", 90, 4, 6, "opening"),
    ("mine", "depth-2", 40, 20, 40, "opening"),
    ("depth-2", "random", 31, 3, 6, "endgame"),
    ("random", "mine", 2, 1, 7, "endgame"),
]


def likelihood(x: np.ndarray, rows: list[tuple[str, str, int, int, int]], names: list[str]) -> float:
    """Davidson's, written down once more; the first name is the anchor."""
    rating, nu = dict(zip(names, [0.0, *x[:-1]], strict=True)), math.exp(x[-1])
    total = 0.0
    for one, other, wins, draws, losses in rows:
        a, b = math.exp(rating[one]), math.exp(rating[other])
        norm = a + b + nu * math.sqrt(a * b)
        total += wins * math.log(a / norm) + losses * math.log(b / norm)
        total += draws * math.log(nu * math.sqrt(a * b) / norm)
    return total


def test_the_ratings_are_those_of_the_greatest_likelihood() -> None:
    rows = [row[:5] for row in ROWS]
    names = ["random", "mine", "depth-2"]
    found = optimize.minimize(lambda x: -likelihood(x, rows, names), np.zeros(3), tol=1e-12)
    ratings = fit(rows, anchor="random")
    assert [ratings.players[name].elo for name in names[1:]] == pytest.approx(found.x[:2] * POINTS, abs=0.01)
    assert ratings.draws == pytest.approx(math.exp(found.x[2]), rel=1e-4)
    assert ratings.players["random"] == Rating("random", 0, 0, 0, 150, (6 + 2 + 6 + 2 + 1.5 + 0.5) / 150)


def test_the_ends_of_an_interval_lie_1_92_below_the_greatest_likelihood() -> None:
    rows, names = [row[:5] for row in ROWS], ["random", "mine", "depth-2"]
    best = -optimize.minimize(lambda x: -likelihood(x, rows, names), np.zeros(3), tol=1e-12).fun
    one = fit(rows, anchor="random").players["mine"]
    for end in (one.low, one.high):
        others = optimize.minimize(
            lambda x, end=end: -likelihood(np.array([end / POINTS, *x]), rows, names), np.zeros(2), tol=1e-12
        )
        assert best + others.fun == pytest.approx(1.9207, abs=1e-4)


def test_without_draws_two_players_are_the_odds_apart() -> None:
    ratings = fit([("a", "b", 30, 0, 10)], anchor="b")
    assert ratings.players["a"].elo == pytest.approx(400 * math.log10(3))
    assert ratings.draws == 0


@pytest.mark.parametrize(("games", "draws"), [(20, 0.0), (20, 1.0), (150, 1.0)])
def test_the_intervals_hold_the_true_ratings_95_times_in_100(games: int, draws: float) -> None:
    truth = np.array([0.0, 0.4, -0.3, 0.9])
    first, second = np.triu_indices(4, 1)
    half = (truth[first] - truth[second]) / 2
    chances = np.exp(np.stack([half, np.full(6, math.log(draws or 1e-20)), -half], axis=1))
    rng = np.random.default_rng(games)
    sets = 800
    counts = rng.multinomial(games, chances / chances.sum(axis=1, keepdims=True), (sets, 6)).astype(float)
    played = Games(first, second, counts, np.zeros(5), np.full(5, 1e-9))
    free = np.array([False, True, True, True, draws > 0])
    start = np.zeros((sets, 5))
    start[:, -1] = 0 if draws else -60
    best, height, _ = maximise(played, start, free[None])
    held = []
    for player in (1, 2, 3):
        which = np.full(sets, player)
        low, high = (ends(played, best, height, free, which, side) for side in (-1, 1))
        held.append(float(((low <= truth[player]) & (truth[player] <= high)).mean()))
    assert held == pytest.approx([0.95] * 3, abs=0.025)
    one = fit(
        [(f"p{a}", f"p{b}", *cells) for a, b, cells in zip(first, second, counts[0], strict=True)],
        anchor="p0",
    )
    assert one.players["p3"].elo == pytest.approx(best[0, 3] * POINTS, abs=1e-3)


def test_who_has_won_every_game_is_above_a_bound() -> None:
    ratings = fit([("a", "b", 10, 0, 0), ("b", "c", 5, 0, 5)], anchor="b")
    one = ratings.players["a"]
    assert (one.elo, one.high, str(one)) == (math.inf, math.inf, f"above {one.low:.0f}")
    assert one.note == "won every game that ties him to the anchor, or nearly so"
    # 10 wins of 10 are as likely as chance allows, e^-1.92, at the bound
    assert 10 * math.log(1 + 10 ** (-one.low / 400)) == pytest.approx(1.9207, abs=0.05)
    assert list(ratings.players) == ["a", "b", "c"]
    below = fit([("b", "a", 10, 0, 0)], anchor="b").players["a"]
    assert (below.elo, below.low, str(below)) == (-math.inf, -math.inf, f"below {below.high:.0f}")


def test_players_who_are_tied_to_the_anchor_by_no_game_are_not_rated() -> None:
    ratings = fit([("a", "b", 3, 0, 2), ("c", "d", 3, 0, 2)], anchor="b")
    assert [str(ratings.players[name]) for name in "bcd"] == ["0 ± 0", "not rated", "not rated"]
    assert ratings.players["c"].note == "no chain of games ties him to the anchor"
    assert ratings.metrics("c") == {}
    assert fit([("a", "b", 3, 0, 2)], anchor="b").players["a"] == ratings.players["a"]


def test_games_that_do_not_tell_are_said() -> None:
    only_draws = fit([("a", "b", 0, 5, 0)], anchor="b")
    assert (str(only_draws.players["a"]), only_draws.players["a"].note) == (
        "not rated",
        "the games do not tell",
    )
    assert math.isnan(only_draws.draws)
    # both have lost to x alone: who is better is open
    side_by_side = fit([("x", "a", 3, 0, 0), ("x", "b", 3, 0, 0)], anchor="b")
    assert [str(side_by_side.players["a"]), side_by_side.players["a"].note] == [
        "not rated",
        "the games do not tell",
    ]
    # who never lost, and drew: the more draws are taken for granted, the better he may be
    unbeaten = fit([("a", "b", 3, 5, 0)], anchor="b").players["a"]
    assert unbeaten.elo == math.inf
    assert unbeaten.low > 0


def test_a_prior_rates_everybody() -> None:
    rows = [("a", "b", 10, 0, 0), ("c", "d", 0, 2, 0)]
    ratings = fit(rows, anchor="b", prior=400)
    assert all(math.isfinite(one.low) and math.isfinite(one.high) for one in ratings.players.values())
    assert ratings.players["a"].elo > ratings.players["c"].elo == pytest.approx(0, abs=1e-6)
    assert fit(rows, anchor="b", prior=100).players["a"].elo < ratings.players["a"].elo


def test_several_anchors_keep_their_ratings() -> None:
    ladder = {"random": 100.0, "depth-2": 500.0, "depth-9": 2000.0}
    ratings = fit([("mine", "random", 9, 0, 1), ("mine", "depth-2", 5, 0, 5)], anchor=ladder)
    assert [ratings.players[name].elo for name in ("random", "depth-2")] == [100.0, 500.0]
    assert 450 < ratings.players["mine"].elo < 550
    assert ratings.players["mine"].high - ratings.players["mine"].low < 400


def test_each_phase_is_rated_by_itself() -> None:
    ratings = fit(ROWS, anchor="random")
    openings = fit([row[:5] for row in ROWS[:2]], anchor="random")
    assert list(ratings.phases) == ["opening", "endgame"]
    assert ratings.phases["opening"] == openings
    mine = ratings.metrics("mine")
    assert list(mine)[:6] == [
        "elo",
        "elo/low",
        "elo/high",
        "elo/opening",
        "elo/opening/low",
        "elo/opening/high",
    ]
    assert mine["elo/opening"] == openings.players["mine"].elo
    assert mine["elo/low"] < mine["elo"] < mine["elo/high"]


def test_a_phase_may_be_a_number() -> None:
    rows = [(*row[:5], at % 2) for at, row in enumerate(ROWS)]
    frame = pd.DataFrame(rows, columns=["player", "opponent", "wins", "draws", "losses", "phase"])
    assert list(fit(rows, anchor="random").phases) == ["0", "1"]
    assert fit(frame, anchor="random") == fit(rows, anchor="random")
    nobody = [(*row[:5], none) for row, none in zip(ROWS, (None, math.nan, pd.NA, ""), strict=True)]
    assert fit(nobody, anchor="random").phases == {}


def test_tuples_mappings_and_frames_say_the_same() -> None:
    columns = ("player", "opponent", "wins", "draws", "losses", "phase")
    dicts = [dict(zip(columns, row, strict=True)) for row in ROWS]
    frame = pd.DataFrame(ROWS, columns=list(columns))
    ratings = fit(ROWS, anchor="random")
    assert fit(dicts, anchor="random") == fit(frame, anchor="random") == ratings
    table = ratings.to_frame()
    assert list(table.columns) == ["phase", "player", "elo", "low", "high", "games", "score", "note"]
    assert list(table[table["phase"] == ""]["player"]) == list(ratings.players)


def test_the_file_of_an_evaluation_is_read(tmp_path: Path) -> None:
    counts = {"random": {"opening": [9, 0, 1], "endgame": [8, 1, 1]}, "greedy": {"opening": [5, 1, 4]}}
    path = tmp_path / "eval.json"
    path.write_text(json.dumps({"elo": 1, "wins, draws, losses": counts}))
    ladder = {"random": 0.0, "greedy": 300.0}
    ratings = fit(path, anchor=ladder, player="mine")
    assert list(ratings.phases) == ["opening", "endgame"]
    assert ratings.players["mine"].games == 30
    rows = [("mine", "random", 17, 1, 2), ("mine", "greedy", 5, 1, 4)]
    assert fit(rows, anchor=ladder).players["mine"] == ratings.players["mine"]


@pytest.mark.parametrize(
    ("matches", "said"),
    [
        ([("a", "b", 1, 2)], "this is no match: ('a', 'b', 1, 2)"),
        ([("a", "b", 1, -2, 3)], "this is no match: ('a', 'b', 1, -2, 3)"),
        ([{"player": "a", "wins": 1}], "this is no match: {'player': 'a', 'wins': 1}"),
        (
            [{"player": "a", "opponent": "b", "wins": 1, "loss": 2}],
            "this is no match: {'player': 'a', 'opponent': 'b', 'wins': 1, 'loss': 2}",
        ),
        ([7], "this is no match: 7"),
        ([("a", "b", 1e15, 3, 1)], "this is no match: ('a', 'b', 1000000000000000.0, 3, 1)"),
        ([("a", "b", math.nan, 3, 1)], "this is no match: ('a', 'b', nan, 3, 1)"),
        ([("a", "a", 1, 2, 3)], "a plays against himself: ('a', 'a', 1, 2, 3)"),
        (7, "there are no matches in it: 7"),
        ({"wins, draws, losses": {"a": 3}}, "this is no match: a: 3"),
        ({"wins, draws, losses": {"a": "912"}}, "this is no match: a: '912'"),
        ({"games": 3}, "there is no 'wins, draws, losses' in it"),
        ([], "no anchor has played: x"),
        (
            [{"player": "a", "opponent": "b", "win": 3, "losses": 1}],  # whose wins would be 0
            "this is no match: {'player': 'a', 'opponent': 'b', 'win': 3, 'losses': 1}",
        ),
        ({"wins, draws, losses": {"b": {"7": [1, 2]}}}, "this is no match: b: [1, 2]"),
    ],
)
def test_what_is_no_match_is_refused(matches: object, said: str) -> None:
    with pytest.raises(UsageError) as failure:
        fit(matches, anchor="x")
    assert failure.value.message == said
    assert failure.value.hint


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"anchor": None}, "this is no anchor: None"),
        ({"anchor": {"b": "high"}}, "b cannot be rated high"),
        ({"anchor": "b", "prior": "wide"}, "prior is no spread of ratings: wide"),
    ],
)
def test_what_is_no_anchor_and_no_prior_is_refused(words: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as failure:
        fit([("a", "b", 1, 2, 3)], **words)
    assert failure.value.message == said
    assert failure.value.hint


@pytest.mark.parametrize("rating", [math.nan, math.inf, -1e300])
def test_an_anchor_without_a_finite_rating_is_refused(rating: float) -> None:
    with pytest.raises(UsageError, match="b cannot be rated"):
        fit([("a", "b", 3, 1, 2)], anchor={"b": rating})


def test_anchors_who_drew_may_be_any_distance_apart() -> None:
    assert fit([("a", "b", 3, 1, 2)], anchor={"a": 1e6, "b": 0}).draws == math.inf


def test_very_many_games_and_none_at_all() -> None:
    many = fit([("a", "b", 10**12, 0, 1)], anchor="b").players["a"]
    assert many.elo == pytest.approx(400 * 12, abs=1)
    assert many.low < many.elo < many.high
    assert str(fit([("a", "b", 0, 0, 0)], anchor="b").players["a"]) == "not rated"


def test_the_public_names_are_exactly_these() -> None:
    assert elo.__all__ == ["Match", "Rating", "Ratings", "fit"]
