"""The positions that networks learn from, and the matches that rate them."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import yaml

from gxt.demo.connect4 import prepare
from gxt.demo.connect4.batches import ended, greedy_columns, random_columns
from gxt.demo.connect4.board import legal_columns, mirrored, playable, winning_squares
from gxt.demo.connect4.ladder import OPPONENTS
from gxt.demo.connect4.matches import PHASES, Tally, match, starts
from gxt.demo.connect4.prepare import Played, Wanted, held_out, move_rates, played, position_keys

WANTED = Wanted(games=40, rollouts=2, discount=0.9, random_plies=6, epsilon=0.2, val_share=0.25)


@pytest.fixture(scope="module")
def positions() -> Played:
    return played(WANTED, np.random.default_rng(1))


def prepared(folder: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The data file that the stage writes in a folder."""
    folder.mkdir()
    (folder / "params.yaml").write_text(yaml.safe_dump({"seed": 3, "prepare": WANTED._asdict()}))
    monkeypatch.chdir(folder)
    prepare.main()
    return (folder / "data" / "positions.npz").read_bytes()


def test_the_data_file_has_the_same_bytes_every_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (prepared(tmp_path / name, monkeypatch) for name in ("a", "b"))
    assert hashlib.sha256(first).hexdigest() == hashlib.sha256(second).hexdigest()
    with np.load(tmp_path / "a" / "data" / "positions.npz") as arrays:
        assert {name: (str(array.dtype), array.shape[1:]) for name, array in arrays.items()} == {
            "mine": ("uint64", ()),
            "theirs": ("uint64", ()),
            "rates": ("float32", (7,)),
            "outcome": ("int8", ()),
            "game": ("int32", ()),
            "val": ("bool", ()),
        }
        assert 0 < arrays["val"].mean() < 0.5


def test_positions_are_of_games_that_go_on_and_rates_of_legal_moves(positions: Played) -> None:
    over, _ = ended(positions.mine, positions.theirs)
    occupied = positions.mine | positions.theirs
    assert not over.any()
    assert ((positions.mine & positions.theirs) == 0).all()
    assert ((positions.rates == -2) == ~legal_columns(playable(occupied))).all()
    assert (np.abs(positions.rates[positions.rates != -2]) <= 1).all()


def test_a_winning_move_is_worth_one(positions: Played) -> None:
    occupied = positions.mine | positions.theirs
    wins = legal_columns(playable(occupied) & winning_squares(positions.mine, occupied))
    assert wins.any()
    assert (positions.rates[wins] == 1).all()


def test_the_outcome_is_that_of_the_game_for_the_player_to_move(positions: Played) -> None:
    stones = np.array(
        [int(one | other).bit_count() for one, other in zip(positions.mine, positions.theirs, strict=True)]
    )
    for game in range(WANTED.games):
        rows = np.flatnonzero(positions.game == game)
        rows = rows[np.argsort(stones[rows])]
        assert (np.diff(stones[rows]) == 1).all()
        signs = np.array([(-1) ** index for index in range(len(rows))])
        assert len(set((positions.outcome[rows] * signs).tolist())) == 1
    careful = played(WANTED._replace(epsilon=0.0), np.random.default_rng(1))
    occupied = careful.mine | careful.theirs
    can_win = (playable(occupied) & winning_squares(careful.mine, occupied)) != 0
    assert can_win.any()
    assert (careful.outcome[can_win & (careful.rates.max(axis=1) == 1)] >= 0).all()


def test_move_rates_are_means_of_discounted_results() -> None:
    three = np.array([0b111], dtype=np.uint64)
    rates = move_rates(three, np.array([7 << 14], dtype=np.uint64), WANTED, np.random.default_rng(0))
    assert rates[0, 0] == 1
    assert rates[0, 1] == np.float32(-0.9)  # the other wins with the next move
    assert rates[0, 2] != 1


def test_what_is_for_validation_is_not_trained_with(positions: Played) -> None:
    train, val = held_out(positions, 30)
    keys = position_keys(positions.mine, positions.theirs)
    assert (train == (positions.game < 30)).all()
    assert val.any()
    assert not (train & val).any()
    assert not set(keys[train].tolist()) & set(keys[val].tolist())
    known = set(keys[train].tolist())
    assert (~train & ~val).tolist() == [
        game >= 30 and key in known for game, key in zip(positions.game, keys.tolist(), strict=True)
    ]


def test_a_position_and_its_mirror_image_have_one_key_and_no_other_has_it(positions: Played) -> None:
    keys = position_keys(positions.mine, positions.theirs)
    images = mirrored(positions.mine), mirrored(positions.theirs)
    assert (keys == position_keys(*images)).all()
    different = {
        min(pair, image)
        for pair, image in zip(
            zip(positions.mine.tolist(), positions.theirs.tolist(), strict=True),
            zip(images[0].tolist(), images[1].tolist(), strict=True),
            strict=True,
        )
    }
    assert len(set(keys.tolist())) == len(different)


@pytest.mark.parametrize("phase", PHASES)
def test_matches_start_in_their_phase_without_a_win_at_once(phase: str) -> None:
    mine, theirs = starts(phase, 50, np.random.default_rng(0))
    occupied = mine | theirs
    stones = [int(one).bit_count() for one in occupied]
    fewest, most = PHASES[phase]
    assert (min(stones), max(stones)) == (fewest, most)
    assert not ended(mine, theirs)[0].any()
    assert ((winning_squares(mine, occupied) & playable(occupied)) == 0).all()


def test_a_match_is_two_games_from_each_position_and_fair() -> None:
    positions = starts("opening", 100, np.random.default_rng(0))
    better = match(greedy_columns, random_columns, positions, np.random.default_rng(0))
    worse = match(random_columns, greedy_columns, positions, np.random.default_rng(0))
    assert better.games == worse.games == 200
    assert better.points > 170
    assert worse.points < 30


def test_each_opponent_of_the_ladder_beats_the_one_before() -> None:
    rng = np.random.default_rng(0)
    positions = starts("opening", 8, rng)
    players = list(OPPONENTS.values())
    assert list(OPPONENTS) == ["random", "greedy", "depth-2", "depth-4", "depth-6"]
    for lower, higher in pairwise(players[:4]):
        assert match(higher, lower, positions, rng).points > 8


def test_the_report_tells_by_opponent_and_by_phase() -> None:
    pytest.importorskip("onnxruntime", reason="the stage plays with it")
    from gxt.demo.connect4.evaluate import report

    tallies = {
        "random": {"opening": Tally(4, 0, 0), "midgame": Tally(2, 2, 0), "endgame": Tally(1, 1, 2)},
        "greedy": {"opening": Tally(2, 0, 2), "midgame": Tally(0, 1, 3), "endgame": Tally(0, 0, 4)},
    }
    found = report(tallies, {"random": 0.0, "greedy": 400.0})
    elo = [found.pop(name) for name in ("elo_low", "elo", "elo_high")]
    assert elo == [1.0, 161.9, 321.5]
    assert found == {
        "score": {
            "all": {"all": 0.4583, "opening": 0.75, "midgame": 0.4375, "endgame": 0.1875},
            "random": {"all": 0.7083, "opening": 1.0, "midgame": 0.75, "endgame": 0.375},
            "greedy": {"all": 0.2083, "opening": 0.5, "midgame": 0.125, "endgame": 0.0},
        },
        "wins, draws, losses": {
            "random": {"opening": [4, 0, 0], "midgame": [2, 2, 0], "endgame": [1, 1, 2]},
            "greedy": {"opening": [2, 0, 2], "midgame": [0, 1, 3], "endgame": [0, 0, 4]},
        },
    }
