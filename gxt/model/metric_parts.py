"""Metrics that belong together: of one quantity the values on training, validation and test data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_PARTS: Final = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "eval", "evaluation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
PARTS: Final = ("train", "", "val", "test")
"""The parts of a data set, in the order in which people name them; empty where a name tells none."""

BOUNDS: Final = (("/low", "/high"), ("_low", "_high"), (".low", ".high"))
"""What the ends of a value's interval are called, behind the name of the value."""


def quantity_of(name: str) -> tuple[str, str]:
    """What a metric measures and on which part of the data.

    `train/loss` and `loss_train` are (loss, train), `val_loss` is (loss, val), `loss` is (loss, "").
    """
    for word in _WORD.finditer(name):
        part = _PARTS.get(word[0].lower())
        if part is None:
            continue
        rest = f"{name[: word.start()].rstrip('/._- ')} {name[word.end() :].lstrip('/._- ')}".strip()
        if rest:
            quantity = rest.replace(" ", "/") if word.start() else rest
            return (quantity[0].lower() + quantity[1:] if quantity[1:].islower() else quantity), part
    return name, ""


def by_quantity(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """The metrics of each quantity by part, as `{loss: {train: train/loss, val: val/loss}}`.

    The ends of intervals are left out: they belong to their value.
    """
    known = dict.fromkeys(names)
    found: dict[str, dict[str, str]] = {}
    for name in known:
        if not is_bound(name, known):
            quantity, part = quantity_of(name)
            found.setdefault(quantity, {}).setdefault(part, name)
    return {quantity: with_training(parts) for quantity, parts in found.items()}


def with_training(parts: Mapping[str, str]) -> dict[str, str]:
    """The metrics of a quantity, where beside `val_loss` a bare `loss` is that of training (Keras)."""
    bare = "" in parts and "train" not in parts and len(parts) > 1
    return {part or ("train" if bare else ""): name for part, name in parts.items()}


def is_bound(name: str, names: Iterable[str]) -> bool:
    """Whether a name is that of an end of the interval of another one."""
    return any(name.endswith(end) and name.removesuffix(end) in names for pair in BOUNDS for end in pair)


def interval_of(values: Mapping[str, float], name: str) -> tuple[float, float] | None:
    """The interval of a value among flat values, at whatever level it was made.

    `elo/low` and `elo/high`, or with `_` or `.`; else `elo_stderr`, a standard error, of which 1.96 each way
    are taken as the normal distribution's 95 %.
    """
    for low, high in BOUNDS:
        if name + low in values and name + high in values:
            return values[name + low], values[name + high]
    for ending in ("_stderr", "/stderr", ".stderr"):
        if name + ending in values and name in values:
            error = 1.96 * abs(values[name + ending])
            return values[name] - error, values[name] + error
    return None
