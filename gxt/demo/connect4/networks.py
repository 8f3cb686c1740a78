"""The brains: three architectures in four sizes, from `planes` (N, 2, 6, 7) to a policy and a value.

The policy is a score for each column (N, 7), legal or not; the value is the expected result for the player to
move, −1 to 1 (N).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from gxt.demo.connect4.board import COLUMNS, ROWS, SQUARES

_PLANES: Final = 2


class Size(NamedTuple):
    """Numbers that a layer makes of a position (CNN, Transformer: of each square), and how many layers."""

    width: int
    depth: int


SIZES: Final[dict[str, dict[str, Size]]] = {
    "mlp": {"tiny": Size(16, 1), "small": Size(64, 2), "medium": Size(256, 3), "large": Size(1024, 4)},
    "cnn": {"tiny": Size(4, 1), "small": Size(12, 2), "medium": Size(32, 3), "large": Size(64, 6)},
    "transformer": {"tiny": Size(8, 1), "small": Size(24, 2), "medium": Size(64, 3), "large": Size(128, 6)},
}
_HEADS: Final = 4  # of attention


class Network(nn.Module):
    """A body that makes features (N, F) of a position, and two linear heads."""

    def __init__(self, body: nn.Module, features: int) -> None:
        super().__init__()
        self.body = body
        self.policy = nn.Linear(features, COLUMNS)
        self.value = nn.Linear(features, 1)

    def forward(self, boards: Tensor) -> tuple[Tensor, Tensor]:
        """Policy (N, 7) and value (N)."""
        features = self.body(boards)
        return self.policy(features), torch.tanh(self.value(features)).squeeze(1)


class _Residual(nn.Module):
    """Two convolutions beside a shortcut (He et al. 2016, arXiv:1512.03385)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, kernel_size=3, padding=1)
        self.second = nn.Conv2d(width, width, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.second(functional.relu(self.first(x)))
        return functional.relu(x + change)


class _Attention(nn.Module):
    """A layer of a Transformer, normalised first (Vaswani et al. 2017, Xiong et al. 2020)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.before = nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        heads = self.queries_keys_values(self.before(x)).unflatten(2, (3, _HEADS, -1)).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(heads[0], heads[1], heads[2])
        x = x + self.out(seen.transpose(1, 2).flatten(2))
        change: Tensor = self.feed_forward(x)
        return x + change


class _Squares(nn.Module):
    """Each square of the board as a vector (N, 42, width): what stands on it, plus where it is."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.content = nn.Linear(_PLANES, width)
        self.place = nn.Parameter(torch.randn(SQUARES, width) / width**0.5)

    def forward(self, boards: Tensor) -> Tensor:
        content: Tensor = self.content(boards.flatten(2).transpose(1, 2))
        return content + self.place


def _mlp(size: Size) -> Network:
    layers: list[nn.Module] = [nn.Flatten()]
    before = _PLANES * ROWS * COLUMNS
    for _ in range(size.depth):
        layers += [nn.Linear(before, size.width), nn.ReLU()]
        before = size.width
    return Network(nn.Sequential(*layers), size.width)


def _cnn(size: Size) -> Network:
    stem = [nn.Conv2d(_PLANES, size.width, kernel_size=3, padding=1), nn.ReLU()]
    blocks = [_Residual(size.width) for _ in range(size.depth)]
    return Network(nn.Sequential(*stem, *blocks, nn.Flatten()), size.width * SQUARES)


def _transformer(size: Size) -> Network:
    layers = [_Attention(size.width) for _ in range(size.depth)]
    body = nn.Sequential(_Squares(size.width), *layers, nn.LayerNorm(size.width), nn.Flatten())
    return Network(body, size.width * SQUARES)


_BUILDERS: Final[dict[str, Callable[[Size], Network]]] = {
    "mlp": _mlp,
    "cnn": _cnn,
    "transformer": _transformer,
}


def build(kind: str, size: str) -> Network:
    """A network with fresh weights from torch's source of chance.

    Raises:
        ValueError: there is no such architecture or size.
    """
    if kind not in SIZES or size not in SIZES[kind]:
        known = ", ".join(SIZES), ", ".join(SIZES["mlp"])
        raise ValueError(
            f"no network {kind} {size}: model.type is one of {known[0]}; model.size of {known[1]}"
        )
    return _BUILDERS[kind](SIZES[kind][size])


def parameter_count(network: nn.Module) -> int:
    """How many numbers training adjusts: the size of the brain."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
