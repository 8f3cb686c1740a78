"""A network as an ONNX file."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch

from gxt.demo.connect4.board import COLUMNS, ROWS
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
