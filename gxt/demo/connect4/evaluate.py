"""The stage that says how strong a checkpoint is: matches against the ladder, from each phase of the game."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from gxt.demo.connect4.brain import Brain, intuitive
from gxt.demo.connect4.elo import Score, estimate
from gxt.demo.connect4.files import LADDER, MODEL, RESULTS, load_params, read_json, write_json
from gxt.demo.connect4.ladder import OPPONENTS
from gxt.demo.connect4.matches import PHASES, Tally, match, starts


def report(tallies: Mapping[str, Mapping[str, Tally]], ladder: Mapping[str, float]) -> dict[str, object]:
    """What `eval.json` holds: the rating with its interval, the points a game, how the games ended.

    Args:
        tallies: the games by opponent and phase.
        ladder: the opponents' ratings.
    """
    by_opponent = {name: _total(phases.values()) for name, phases in tallies.items()}
    found = estimate([Score(ladder[name], one.points, one.games) for name, one in by_opponent.items()])
    everyone = {phase: _total(phases[phase] for phases in tallies.values()) for phase in PHASES}
    return {
        "elo": round(found.elo, 1),
        "elo_low": round(found.low, 1),
        "elo_high": round(found.high, 1),
        "score": {name: _shares(phases) for name, phases in {"all": everyone, **tallies}.items()},
        "wins, draws, losses": {
            name: {phase: list(tally) for phase, tally in phases.items()} for name, phases in tallies.items()
        },
    }


def _total(tallies: Iterable[Tally]) -> Tally:
    wins, draws, losses = (sum(counts) for counts in zip(*tallies, strict=True))
    return Tally(wins, draws, losses)


def _shares(phases: Mapping[str, Tally]) -> dict[str, float]:
    known = {"all": _total(phases.values()), **phases}
    return {name: round(tally.points / tally.games, 4) for name, tally in known.items()}


def main() -> None:
    """Play the matches of params.yaml and write the results."""
    params = load_params()
    rng = np.random.default_rng(params["seed"])
    player = intuitive(Brain(MODEL))
    positions = {phase: starts(phase, params["evaluate"]["starts"], rng) for phase in PHASES}
    tallies = {
        name: {phase: match(player, opponent, positions[phase], rng) for phase in PHASES}
        for name, opponent in OPPONENTS.items()
    }
    results = report(tallies, read_json(LADDER))
    write_json(RESULTS, results)
    print(f"Elo {results['elo']} ({results['elo_low']} to {results['elo_high']} at 95 %)")


if __name__ == "__main__":
    main()
