"""Ratings: known strengths are found again, and the interval is as wide as it says."""

from __future__ import annotations

import numpy as np
import pytest

from gxt.demo.connect4.elo import Score, estimate, expected, ratings

LADDER = (0.0, 300.0, 600.0, 800.0)


def test_expectations_are_those_of_elo() -> None:
    assert expected(0) == 0.5
    assert expected(400) == pytest.approx(10 / 11)
    assert expected(-191) + expected(191) == pytest.approx(1)


@pytest.mark.parametrize("strength", [-150.0, 420.0, 1100.0])
def test_the_strength_behind_exact_scores_is_found(strength: float) -> None:
    found = estimate([Score(rating, 10_000 * expected(strength - rating), 10_000) for rating in LADDER])
    assert found.elo == pytest.approx(strength, abs=0.5)
    assert found.low < strength < found.high


def test_the_interval_holds_the_strength_19_times_in_20() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        scores = [Score(rating, rng.binomial(32, expected(450 - rating)), 32) for rating in LADDER]
        found = estimate(scores)
        held += found.low <= 450 <= found.high
    assert 0.92 <= held / 400 <= 0.98


def test_who_always_wins_or_loses_is_rated_all_the_same() -> None:
    best = estimate([Score(rating, 20, 20) for rating in LADDER])
    worst = estimate([Score(rating, 0, 20) for rating in LADDER])
    assert 1000 < best.low < best.elo < best.high < 2500
    assert -1700 < worst.low < worst.elo < worst.high < -200


def test_equal_scores_are_equal_strength() -> None:
    found = estimate([Score(100, 50, 100)])
    assert [round(value, 2) for value in found] == [100, 32.03, 167.97]


def test_a_ladder_is_found_from_its_matches() -> None:
    games = 5000
    points = np.array([[0 if a == b else games * expected(a - b) for b in LADDER] for a in LADDER])
    assert ratings(points) == pytest.approx(LADDER, abs=0.5)


def test_a_ladder_whose_first_never_wins_has_ratings() -> None:
    found = ratings(np.array([[0.0, 0.0], [20.0, 0.0]]))
    assert found[0] == 0
    assert found[1] == pytest.approx(400 * np.log10(20.5 / 0.5), abs=1e-3)
