"""What `gxt.torch.watch` costs: `python watching.py MODEL` prints the CPU time of a step in µs.

Once without it and once with it at its default, in turns of a hundred steps, one look each, with histograms,
which later looks often lack: the median without, and beside it the median of the differences of neighbours,
for a processor is faster at one time than at another. The first turns, which warm what is used, do not count.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import torch
from torch import nn

import gxt
from gxt.demo.connect4.networks import build
from gxt.torch import watch

STEPS = 100  # of watch's default, from one look to the next
TURNS = 25
BATCH = 64


def _mlp() -> tuple[nn.Module, torch.Tensor]:
    """As for MNIST: steps so short that little else is."""
    model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
    return model, torch.randn(BATCH, 784)


def _cnn() -> tuple[nn.Module, torch.Tensor]:
    return build("cnn", "tiny"), torch.randn(BATCH, 2, 6, 7)


def _transformer() -> tuple[nn.Module, torch.Tensor]:
    return build("transformer", "tiny"), torch.randn(BATCH, 2, 6, 7)


MODELS: dict[str, Callable[[], tuple[nn.Module, torch.Tensor]]] = {
    "mlp": _mlp,
    "cnn": _cnn,
    "transformer": _transformer,
}


def _train(model: nn.Module, inputs: torch.Tensor, optimizer: torch.optim.Adam, steps: int) -> None:
    for _ in range(steps):
        answer = model(inputs)
        first = answer[0] if isinstance(answer, tuple) else answer
        optimizer.zero_grad()
        nn.functional.cross_entropy(first, torch.zeros(len(inputs), dtype=torch.long)).backward()
        optimizer.step()


def main(name: str) -> None:
    """Train one of the models, watched and not."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model, inputs = MODELS[name]()
    optimizer = torch.optim.Adam(model.parameters())
    gxt.init()

    def turn() -> float:
        start = time.process_time()
        _train(model, inputs, optimizer, STEPS)
        return (time.process_time() - start) / STEPS * 1e6

    plain_us, watched_us = [], []
    for _ in range(TURNS + 1):
        plain_us.append(turn())
        watching = watch(model)
        watched_us.append(turn())
        watching.remove()
    plain = statistics.median(plain_us[1:])
    print(plain, plain + statistics.median(w - p for w, p in zip(watched_us[1:], plain_us[1:], strict=True)))


if __name__ == "__main__":
    main(sys.argv[1])
