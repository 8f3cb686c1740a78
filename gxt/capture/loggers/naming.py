"""What metrics are called where several trainings of one run have them, each in a folder of its own."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import Final

_SPLITS: Final = frozenset("train training val valid validation eval evaluation test dev".split())
_DRAWN: Final = re.compile(  # a time, or words that a logger has drawn
    r"\d{8}|\d\d-\d\d-\d\d|\d{9,}\.\d+|\d{4}-\d\d-\d\d|^[a-z]+-[a-z]+-\d+$|^[0-9a-f]{32}$", re.ASCII
)


def board_place(folder: str, others: Sequence[str]) -> tuple[str, str]:
    """The training that a folder of TensorBoard's belongs to, and what the names of its metrics begin with.

    A folder below another is a part of its training: `add_scalars` makes one for each of its lines, Keras one
    for each split.

    Args:
        folder: relative to the work tree.
        others: the trainings that came before it.
    """
    home, split = _parted(folder)
    for number, other in enumerate(others):
        base = training_name(PurePath(other), "", number + 1) + "/" if number else ""
        if home == other:
            return other, base + split
        if home.startswith(f"{other}/"):
            below = os.path.relpath(home, other)
            return other, base + split if _DRAWN.search(below) else f"{base}{below}/{split}"
    return home, f"{training_name(PurePath(home), '', len(others) + 1)}/{split}" if others else split


def training_name(path: PurePath, title: str, number: int) -> str:
    """What a training is called that is not the first: its title or folder; `run-2` where those are drawn."""
    name = title or (path.parent.name if path.name == "metrics.csv" else path.stem)
    return f"run-{number}" if not name or _DRAWN.search(name) else name.replace("/", "_")


def _parted(folder: str) -> tuple[str, str]:
    """The folder of a training, and the split that this is of it with a slash."""
    path = PurePath(folder)
    return (str(path.parent), f"{path.name}/") if path.name in _SPLITS else (folder, "")


def metric_name(kind: str, prefix: str, tag: str) -> str:
    """The name in the run. `add_scalars` has a folder for each line, which holds its tag once more.

    Of the tag `Loss` torch names them `Loss_train`, tensorboardX `Loss/train`.
    """
    for stem in (f"{tag.replace('/', '_')}_", f"{tag}/"):
        base, found, line = f"/{prefix}".rpartition(f"/{stem}")
        if kind == "tensorboard" and found and line:
            return f"{base[1:]}/{tag}/{line[:-1]}".lstrip("/")
    return prefix + tag
