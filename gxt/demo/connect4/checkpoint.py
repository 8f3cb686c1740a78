"""A network as an ONNX file, and the player that such a file is."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from gxt.demo.connect4.batches import Columns, Player, best_columns
from gxt.demo.connect4.board import COLUMNS, ROWS, Bitboards, legal_columns, planes, playable
from gxt.demo.connect4.networks import Network, parameter_count


def export(network: Network, path: Path, facts: Mapping[str, object]) -> None:
    """Write the network, for any number of boards; the same weights give the same bytes.

    Args:
        network: in evaluation mode from now on.
        path: the file; its weights are in it.
        facts: kept in the file's metadata, with the parameter count.
    """
    example = (torch.zeros(2, 2, ROWS, COLUMNS),)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it tells of every optional package it lacks
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch and onnxscript about themselves
        program = torch.onnx.export(
            network.eval(),
            example,
            dynamo=True,
            external_data=False,
            verbose=False,
            input_names=["boards"],
            output_names=["policy", "value"],
            dynamic_shapes=({0: "batch"},),
        )
    assert program is not None
    model = program.model_proto
    for part in (*model.graph.node, *model.graph.value_info, *model.graph.initializer):
        del part.metadata_props[:]  # paths of this machine and lines of source
    for name, fact in {"gxt.params": parameter_count(network), **facts}.items():
        model.metadata_props.add(key=name, value=str(fact))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


class Brain:
    """The network in an ONNX file, on one core, so that its answers are the same every time."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

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
