"""The stage that makes the data: positions from games, how good each move is, and how the game ended.

Games begin with random moves, so that they differ, and go on with the move that does best in rollouts (flat
Monte Carlo search), now and then with a random one. Recorded is what comes after the random beginning.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gxt.demo.connect4.batches import best_columns, ended, play, random_columns, rollouts
from gxt.demo.connect4.board import BOTTOM, COLUMNS, SQUARES, Bitboards, legal_columns, mirrored, playable
from gxt.demo.connect4.files import POSITIONS, load_params, write_arrays


class Wanted(NamedTuple):
    """What params.yaml says of the data.

    Attributes:
        games: how many to play.
        rollouts: how many say how good a move is.
        discount: what a win keeps of its worth with each ply that it takes, 0 to 1: sooner is better.
        random_plies: at most so many random moves begin a game, each number as likely as the others.
        epsilon: the share of random moves after that, 0 to 1.
        val_share: the share of the games for validation, 0 to 1.
    """

    games: int
    rollouts: int
    discount: float
    random_plies: int
    epsilon: float
    val_share: float


class Played(NamedTuple):
    """Positions (N) of games.

    Attributes:
        mine: stones of the player to move.
        theirs: stones of the other.
        rates: (N, 7) what each move is worth to the player, −1 to 1; −2 where it is illegal.
        outcome: how the game ended for the player to move: 1, 0 or −1.
        game: number of the game.
    """

    mine: Bitboards
    theirs: Bitboards
    rates: NDArray[np.float32]
    outcome: NDArray[np.int8]
    game: NDArray[np.int32]


def move_rates(
    mine: Bitboards, theirs: Bitboards, wanted: Wanted, rng: np.random.Generator
) -> NDArray[np.float32]:
    """The mean worth (N, 7) of the rollouts after each move, as in `Played`; 1 for a move that wins."""
    legal = legal_columns(playable(mine | theirs))
    row, column = np.nonzero(legal)
    after = play(mine[row], theirs[row], column)
    many = np.repeat(after[0], wanted.rollouts), np.repeat(after[1], wanted.rollouts)
    worth = rollouts(*many, wanted.discount, rng)
    rates = np.full(legal.shape, -2, dtype=np.float32)
    means = -worth.reshape(-1, wanted.rollouts).mean(axis=1, dtype=np.float64)
    rates[row, column] = means.round(4)  # machines differ in the last bits of a sum
    return rates


def played(wanted: Wanted, rng: np.random.Generator) -> Played:
    """The positions of games that are all played move by move."""
    games = wanted.games
    mine, theirs = np.zeros((2, games), dtype=np.uint64)
    going, outcome = np.arange(games), np.zeros(games, dtype=np.int8)
    beginning = rng.integers(0, wanted.random_plies + 1, games)
    steps: list[Played] = []
    for ply in range(SQUARES):
        recorded = beginning[going] <= ply
        rates = np.zeros((len(going), COLUMNS), dtype=np.float32)
        rates[recorded] = move_rates(mine[recorded], theirs[recorded], wanted, rng)
        signs = np.full(recorded.sum(), 1 - 2 * (ply % 2), dtype=np.int8)  # the outcome is not known yet
        steps.append(
            Played(mine[recorded], theirs[recorded], rates[recorded], signs, going[recorded].astype(np.int32))
        )
        by_chance = ~recorded | (rng.random(len(going)) < wanted.epsilon)
        columns = np.where(
            by_chance,
            random_columns(mine, theirs, rng),
            best_columns(rates, legal_columns(playable(mine | theirs)), rng),
        )
        mine, theirs = play(mine, theirs, columns)
        over, result = ended(mine, theirs)
        outcome[going[over]] = result[over] * (2 * (ply % 2) - 1)  # for the player who began
        going, mine, theirs = going[~over], mine[~over], theirs[~over]
    every = Played(*(np.concatenate(parts) for parts in zip(*steps, strict=True)))
    return every._replace(outcome=every.outcome * outcome[every.game])


def position_keys(mine: Bitboards, theirs: Bitboards) -> Bitboards:
    """A number for each position, the same for its mirror image and for no other."""
    keys: Bitboards = mine + (mine | theirs) + BOTTOM
    image = mirrored(mine) + mirrored(mine | theirs) + BOTTOM
    return np.where(keys < image, keys, image)


def held_out(positions: Played, first: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which positions are for training, those of games before `first`, and which for validation.

    A position that occurs in both, as it is or mirrored, is for training only.
    """
    train = positions.game < first
    keys = position_keys(positions.mine, positions.theirs)
    return train, ~train & ~np.isin(keys, keys[train])


def main() -> None:
    """Write the data file that params.yaml asks for."""
    params = load_params()
    wanted = Wanted(**params["prepare"])
    positions = played(wanted, np.random.default_rng(params["seed"]))
    train, val = held_out(positions, wanted.games - round(wanted.games * wanted.val_share))
    for_val = val[train | val]
    arrays = {name: array[train | val] for name, array in positions._asdict().items()}
    write_arrays(POSITIONS, {**arrays, "val": for_val})
    print(f"{wanted.games} games: {train.sum()} positions to train with, {val.sum()} to validate with")


if __name__ == "__main__":
    main()
