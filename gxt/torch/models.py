"""What a model is, without the wrappers that training puts around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

import gxt
from gxt.torch.guarding import guarded


def unwrapped(model: nn.Module) -> nn.Module:
    """The model inside of `DistributedDataParallel`, `DataParallel` and `torch.compile`."""
    while True:
        if isinstance(model, (nn.parallel.DistributedDataParallel, nn.DataParallel)):
            model = model.module
        elif isinstance(inner := model._modules.get("_orig_mod"), nn.Module):
            model = inner
        else:
            return model


def described(model: nn.Module) -> dict[str, object]:
    """The name of its class and how many numbers it has: all, and those that are trained."""
    bare = unwrapped(model)
    counts = [(_count(one), one.requires_grad) for one in bare.parameters()]
    return {
        "architecture": type(bare).__name__,
        "param_count": sum(count for count, _ in counts),
        "trainable_param_count": sum(count for count, trained in counts if trained),
    }


def _count(parameter: nn.Parameter) -> int:
    """A lazy one has no shape before the first input."""
    return 0 if isinstance(parameter, nn.UninitializedParameter) else parameter.numel()


def note_model(model: nn.Module, name: str = "") -> None:
    """Record what the model is, and with its first input that one's shape; lazy layers are counted then.

    Args:
        model: with or without wrappers.
        name: of one among several: what is recorded is below it.
    """
    _record(described(model), name)
    note = _InputNote(name)
    # on the wrapper: a hook inside of a compiled model would be compiled with it
    note.handle = model.register_forward_pre_hook(note, with_kwargs=True)


class _InputNote:
    """A hook for one input. It holds nothing that could not be pickled or copied along with the model."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.handle: RemovableHandle | None = None

    def __call__(self, _model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if torch.compiler.is_compiling():
            return
        if self.handle is not None:
            self.handle.remove()
        with guarded("input shape"):
            several: dict[Any, Any] = {**dict(enumerate(args)), **kwargs}
            alone = len(args) == 1 and not kwargs
            _record({"input_shape": shapes(args[0] if alone else several)}, self.name)


def _record(facts: dict[str, object], name: str) -> None:
    gxt.log_params({name: facts} if name else facts)


def shapes(value: object) -> object:
    """The shapes of the tensors in an input: [batch, …], or by name or position where there are several."""
    if isinstance(value, torch.Tensor):
        return list(value.shape) or None
    if isinstance(value, Mapping):
        found = {str(key): shapes(one) for key, one in value.items()}
        return {key: one for key, one in found.items() if one is not None} or None
    if isinstance(value, (list, tuple)):
        return [shapes(one) for one in value]
    return None
