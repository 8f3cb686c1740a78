"""Keeps a model as an ONNX file: what it computes and its weights, for any number of rows."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

import gxt
from gxt.torch.checking import WrongAnswerError, largest_difference
from gxt.torch.examples import Inputs, dynamic_axes, inputs_of, resized, rows
from gxt.torch.guarding import reason
from gxt.torch.models import described, unwrapped

_PACKAGES: Final = ("onnx", "onnxscript")


def save_onnx(
    model: nn.Module,
    example: object,
    path: str | os.PathLike[str] = "model.onnx",
    *,
    name: str | None = None,
    step: int | None = None,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    dynamic_shapes: Any = None,  # noqa: ANN401 as torch.onnx.export takes it
    meta: Mapping[str, object] | None = None,
) -> Path | None:
    """Write a model as an ONNX file and keep it with the run, as `gxt.log_model` does.

    The model is exported in evaluation mode and left in the mode it was in. The weights are inside of the
    file (at most 2 GB), nothing of this machine is: equal weights give equal files. Where onnxruntime is
    installed, its answer to a batch of another size is compared with the model's.

    A failure is a warning in the run, never an exception; a file that answers otherwise than the model is
    not kept. Returns the file, or None after a failure. Needs torch 2.7, onnx and onnxscript:
    `pip install 'gxt[onnx]'`.

    Args:
        model: with or without the wrappers of DDP and `torch.compile`.
        example: an input: a tensor [batch, …], a tuple of arguments, or a mapping of arguments by name.
        path: the file to write.
        name: what it is called in the run; the file's name by default.
        step: of the training, by which its metric is known.
        input_names: in the file; those of the model's `forward` by default.
        output_names: in the file.
        dynamic_shapes: the axes that vary, as `torch.onnx.export` takes them; by default the first axis of
            each tensor where it is as long as that of the first tensor, named `batch`.
        meta: what else is to be known of it, in the file too.
    """
    target = Path(path)
    try:
        with _undisturbed(unwrapped(model)) as bare:
            inputs = inputs_of(example, bare)
            about = described(bare)
            facts = {"gxt.params": about["param_count"], "gxt.architecture": about["architecture"]}
            if dynamic_shapes is None:
                # of an axis of length 1 the exporter may believe that it has that length always
                inputs = resized(inputs, 2) if rows(inputs) == 1 else inputs
                dynamic_shapes = dynamic_axes(inputs, bare)
            content = _exported(
                bare, inputs, {**facts, **(meta or {})}, dynamic_shapes, input_names, output_names
            )
            error = _checked(content, bare, inputs)
        _write(target, content)
    except Exception as failure:  # noqa: BLE001 training goes on whatever happens here
        gxt.warn(f"save_onnx: {_advice(failure)}; the training goes on")
        return None
    checked = {} if error is None else {"onnx_error": error}
    gxt.log_model(target, name=name, step=step, meta={**about, **checked, **(meta or {})})
    return target


@contextmanager
def _undisturbed(model: nn.Module) -> Iterator[nn.Module]:
    """The model in evaluation mode, without gradients and without what exporters say of themselves."""
    modes = [(module, module.training) for module in model.modules()]
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)  # it tells of every optional package it lacks
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch and onnxscript about themselves
            yield model.eval()
    finally:
        logger.setLevel(level)
        for module, training in modes:
            module.training = training


def _exported(
    model: nn.Module,
    inputs: Inputs,
    facts: Mapping[str, object],
    dynamic_shapes: Any,  # noqa: ANN401 as torch.onnx.export takes it
    input_names: Sequence[str] | None,
    output_names: Sequence[str] | None,
) -> bytes:
    program = torch.onnx.export(
        model,
        inputs.args,
        kwargs=inputs.kwargs,
        dynamo=True,
        external_data=False,
        verbose=False,
        input_names=input_names,
        output_names=output_names,
        dynamic_shapes=dynamic_shapes,
    )
    assert program is not None
    proto = program.model_proto
    _strip(proto.graph)
    for function in proto.functions:
        _strip(function)
    for name, fact in facts.items():
        proto.metadata_props.add(key=str(name), value=str(fact))
    content: bytes = proto.SerializeToString(deterministic=True)
    return content


def _strip(graph: Any) -> None:  # noqa: ANN401 a GraphProto or FunctionProto of onnx, which is loaded in torch
    """Take out paths of this machine and lines of source, from the graphs inside of it too."""
    parts = (graph, *graph.node, *graph.value_info, *getattr(graph, "initializer", ()))
    for part in (*parts, *getattr(graph, "input", ()), *getattr(graph, "output", ())):
        if hasattr(part, "metadata_props"):
            del part.metadata_props[:]
            part.doc_string = ""
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else ())):
                _strip(inner)


def _checked(content: bytes, model: nn.Module, inputs: Inputs) -> float | None:
    """As `largest_difference`; where the comparison itself fails the file is kept, with a warning."""
    try:
        return largest_difference(content, model, inputs)
    except WrongAnswerError:
        raise
    except Exception as failure:  # noqa: BLE001 onnxruntime cannot do everything that torch can
        gxt.warn(f"save_onnx: the file could not be compared with the model: {reason(failure)}")
        return None


def _write(path: Path, content: bytes) -> None:
    """All of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _advice(failure: Exception) -> str:
    if isinstance(failure, ImportError) and failure.name in _PACKAGES:
        return f"there is no {failure.name} (pip install 'gxt[onnx]')"
    first: BaseException = failure
    while first.__cause__ is not None:  # the exporter wraps the reason in pages of advice
        first = first.__cause__
    return reason(first)
