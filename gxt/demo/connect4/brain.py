"""An ONNX checkpoint as a player."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from gxt.demo.connect4.batches import Columns, Player, best_columns
from gxt.demo.connect4.board import Bitboards, legal_columns, planes, playable


class Brain:
    """The network in an ONNX file, on one core, so that its answers are the same every time."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def __call__(self, boards: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Policy (N, 7) and value (N) of planes (N, 2, 6, 7)."""
        policy, value = self._session.run(["policy", "value"], {"boards": boards})
        return policy, value


def intuitive(brain: Brain) -> Player:
    """The player that makes the legal move with the highest score, without looking ahead."""

    def columns(mine: Bitboards, theirs: Bitboards, rng: np.random.Generator) -> Columns:
        policy, _ = brain(planes(mine, theirs))
        return best_columns(policy, legal_columns(playable(mine | theirs)), rng)

    return columns
