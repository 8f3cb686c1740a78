"""The stage that rates the opponents: each plays each, and the one who moves at random is rated 0.

It knows nothing of networks, so a study of many networks needs it once.
"""

from __future__ import annotations

from itertools import combinations
from typing import Final

import numpy as np

from gxt.demo.connect4.batches import Player, greedy_columns, random_columns
from gxt.demo.connect4.elo import ratings
from gxt.demo.connect4.files import LADDER, load_params, write_json
from gxt.demo.connect4.matches import PHASES, match, starts
from gxt.demo.connect4.search import looking_ahead

OPPONENTS: Final[dict[str, Player]] = {
    "random": random_columns,
    "greedy": greedy_columns,
    "depth-2": looking_ahead(2),
    "depth-4": looking_ahead(4),
    "depth-6": looking_ahead(6),
}


def main() -> None:
    """Write the ratings that the matches of params.yaml give."""
    params = load_params()
    rng = np.random.default_rng(params["seed"])
    names = list(OPPONENTS)
    points = np.zeros((len(names), len(names)))
    for phase in PHASES:
        positions = starts(phase, params["ladder"]["starts"], rng)
        for one, other in combinations(range(len(names)), 2):
            tally = match(OPPONENTS[names[one]], OPPONENTS[names[other]], positions, rng)
            points[one, other] += tally.points
            points[other, one] += tally.games - tally.points
    found = {name: round(rating, 1) for name, rating in zip(names, ratings(points), strict=True)}
    write_json(LADDER, found)
    print("  ".join(f"{name} {rating:.0f}" for name, rating in found.items()))


if __name__ == "__main__":
    main()
