"""A forest of runs by parent, and its reading order; never recursive, since ideas can be 10,000 deep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gxt.named_tuple import NamedTuple


class Forest(NamedTuple):
    """Who derives from whom.

    Attributes:
        roots: runs without a parent here, oldest first.
        children: for each run its children, oldest first.
    """

    roots: tuple[str, ...]
    children: Mapping[str, tuple[str, ...]]

    def order(self) -> Iterator[str]:
        """Every run, each before its children."""
        waiting = list(reversed(self.roots))
        while waiting:
            uid = waiting.pop()
            yield uid
            waiting.extend(reversed(self.children[uid]))

    def weights(self) -> dict[str, int]:
        """How many runs each run's part of the tree has, itself included."""
        weights: dict[str, int] = {}
        for uid in reversed(list(self.order())):
            weights[uid] = 1 + sum(weights[child] for child in self.children[uid])
        return weights


def build_forest(parents: Mapping[str, str | None], root: str | None = None) -> Forest:
    """The forest of these runs (oldest first), or the part of it that starts at one run.

    A parent that is not among them makes a root. So does one run of every cycle: gxt never writes one, but
    somebody's data may hold it.
    """
    children: dict[str, list[str]] = {uid: [] for uid in parents}
    looping = _cycle_starts(parents)
    roots = []
    for uid, parent in parents.items():
        if parent is None or parent not in children or uid in looping:
            roots.append(uid)
        else:
            children[parent].append(uid)
    frozen = {uid: tuple(below) for uid, below in children.items()}
    return Forest(tuple(roots) if root is None else (root,), frozen)


def _cycle_starts(parents: Mapping[str, str | None]) -> set[str]:
    """One run of each cycle of parents."""
    seen: set[str] = set()
    starts = set()
    for uid in parents:
        way: set[str] = set()
        at: str | None = uid
        while at is not None and at in parents and at not in seen:
            seen.add(at)
            way.add(at)
            at = parents[at]
        if at in way:
            starts.add(str(at))
    return starts
