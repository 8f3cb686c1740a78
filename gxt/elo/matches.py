"""Matches as people have them: rows, frames, what an evaluation wrote."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from gxt.errors import UsageError
from gxt.named_tuple import NamedTuple

_MOST_GAMES: Final = 1e12  # in a row: beyond, one game more changes no digit that the likelihood has
_NO_PHASE: Final = frozenset({"None", "nan", "<NA>"})  # as pandas has what is missing
_ROW: Final = "(player, opponent, wins, draws, losses)"
_TABLE: Final = "wins, draws, losses"  # of an evaluation's file


class Match(NamedTuple):
    """How many games a player won, drew and lost against an opponent; in which phase, if that counts."""

    player: str
    opponent: str
    wins: float
    draws: float
    losses: float
    phase: str = ""


def read_matches(matches: object, player: str) -> Iterator[Match]:
    """The rows of anything that `gxt.elo.fit` takes.

    Args:
        matches: as there.
        player: the name of the player whose evaluation it is.

    Raises:
        UsageError: a row is no match, or the file cannot be read.
    """
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
        raise UsageError(f"there are no matches in it: {matches!r:.60}", hint=f"write [{_ROW}, …]")
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
            if isinstance(counts, str) or not isinstance(counts, Sequence) or len(counts) != 3:
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
        raise UsageError(f"this is no match: {row!r}", hint=f"write {_ROW} or add a phase")
    first, second = str(cells[0]), str(cells[1])
    if first == second:
        raise UsageError(f"{first} plays against himself: {row!r}", hint="leave such games out")
    phase = str(cells[5]) if len(cells) > 5 else ""
    return Match(first, second, counts[0], counts[1], counts[2], "" if phase in _NO_PHASE else phase)
