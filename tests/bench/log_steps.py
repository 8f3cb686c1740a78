"""Logs four metrics a step, as fast as it can: `python log_steps.py noisy|float32|rounded STEPS`."""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Iterator
from random import Random

import gxt

NAMES = ("train/loss", "val/loss", "val/acc", "lr")


def values(kind: str, steps: int) -> Iterator[tuple[float, ...]]:
    """Noisy curves and a schedule, as doubles, as doubles born as float32, or rounded to four digits."""
    chance = Random(1)
    for step in range(steps):
        left = math.exp(-4 * step / steps)
        row = (
            2.3 * left + abs(chance.gauss(0.3, 0.05)),
            2.4 * left + abs(chance.gauss(0.4, 0.05)),
            1 - left * 0.9 - abs(chance.gauss(0, 0.02)),
            0.0005 * (1 + math.cos(math.pi * step / steps)),
        )
        if kind == "float32":
            yield struct.unpack("4f", struct.pack("4f", *row))
        elif kind == "rounded":
            yield tuple(round(value, 4) for value in row)
        else:
            yield row


def main(kind: str, steps: int) -> None:
    """Log them all."""
    for step, row in enumerate(values(kind, steps)):
        gxt.log(dict(zip(NAMES, row, strict=True)), step=step)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
