"""An example of what a model is called with, and others made of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn

from gxt.named_tuple import NamedTuple

BATCH: Final = "batch"


class Inputs(NamedTuple):
    """What a model is called with."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def inputs_of(example: object, model: nn.Module) -> Inputs:
    """An example (a tensor, a tuple of arguments, or a mapping by name) on the device of the model."""
    device = next((one.device for one in model.parameters()), torch.device("cpu"))
    if isinstance(example, Mapping):
        found = Inputs((), {str(key): one for key, one in example.items()})
    else:
        found = Inputs(example if isinstance(example, tuple) else (example,), {})
    return _each(found, lambda tensor: tensor.to(device))


def tensors(inputs: Inputs) -> list[Tensor]:
    """The tensors among the inputs, in order."""
    return [one for one in (*inputs.args, *inputs.kwargs.values()) if isinstance(one, Tensor)]


def rows(inputs: Inputs) -> int:
    """How long the batch is, which is the first axis of the first tensor; 0 without one."""
    found = tensors(inputs)
    return len(found[0]) if found and found[0].ndim else 0


def _is_batched(value: object, count: int) -> bool:
    return isinstance(value, Tensor) and value.ndim > 0 and 0 < count == len(value)


def resized(inputs: Inputs, count: int) -> Inputs:
    """The batch with another number of rows: its own again and again."""
    have = rows(inputs)
    return _each(
        inputs,
        lambda tensor: (
            tensor[torch.arange(count, device=tensor.device) % have] if _is_batched(tensor, have) else tensor
        ),
    )


def noisy(inputs: Inputs) -> Inputs:
    """Other numbers, where they are no indices; the training's random numbers are left alone."""
    chance = torch.Generator().manual_seed(0)
    return _each(
        inputs,
        lambda tensor: (
            tensor + torch.randn(tensor.shape, generator=chance).to(tensor)
            if tensor.is_floating_point()
            else tensor
        ),
    )


def dynamic_axes(inputs: Inputs, model: nn.Module) -> Any:  # noqa: ANN401 as torch.onnx.export takes it
    """The first axis, by name, of each tensor that has the length of the batch."""
    count = rows(inputs)

    def axes(value: object) -> dict[int, str] | None:
        return {0: BATCH} if _is_batched(value, count) else None

    if inputs.kwargs:
        return {key: axes(value) for key, value in inputs.kwargs.items()}
    found = tuple(axes(value) for value in inputs.args)
    for nth, one in enumerate(inspect.signature(model.forward).parameters.values()):
        if one.kind is one.VAR_POSITIONAL:  # all that it takes are one argument to the exporter
            return (*found[:nth], found[nth:])
    return found


def _each(inputs: Inputs, changed: Callable[[Tensor], Tensor]) -> Inputs:
    """The inputs with each tensor changed."""
    args = tuple(changed(one) if isinstance(one, Tensor) else one for one in inputs.args)
    named = inputs.kwargs.items()
    return Inputs(args, {key: changed(one) if isinstance(one, Tensor) else one for key, one in named})
