"""Watches a model while it is trained: norms and distributions of its gradients and weights, learning rates.

Looked at is when the optimizer has made its step, for some compute the gradients only within it: gradients as
it applied them, after unscaling and clipping, and the weights that came of them. The cost is bounded: at most
fifty layers (more are taken together by the beginnings of their names), of each at most some thousand values
for a histogram, and ever fewer histograms as the training goes on.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook

import gxt
from gxt.named_tuple import NamedTuple
from gxt.torch.guarding import guarded, reason
from gxt.torch.models import note_model, unwrapped

_MOST_LAYERS: Final = 50
_MOST_VALUES: Final = 4096  # of a layer that are counted into a histogram
_BINS: Final = 32
_SAME: Final = 1e-6  # values that differ by less, relatively, are one to a histogram of float32

_watched = weakref.WeakKeyDictionary[nn.Module, "Watch"]()


class _Layer(NamedTuple):
    name: str
    parameters: list[nn.Parameter]


def watch(model: nn.Module, every: int = 100, *, name: str = "watch", histograms: bool = True) -> Watch:
    """Record how the model trains, whichever optimizer trains it.

    At once: its architecture and parameter count, and with the first input that one's shape, as parameters of
    the run. Then at every so many steps of an optimizer, the first included, as metrics below the name:
    `grad_norm` and `weight_norm` (L2; of all and of each layer), `lr`; and histograms of `gradients` and
    `weights` for each layer. The steps are those of the optimizer, from 0; a second optimizer's values are
    below `optimizer1`.

    To watch a model again replaces what watched it before.

    Args:
        model: with or without the wrappers of DDP and `torch.compile`.
        every: how many steps of the optimizer from one look to the next.
        name: of this model among several that are watched.
        histograms: whether distributions are recorded too: at each of the first 16 looks, then at ever
            fewer, some eight for each doubling.
    """
    bare = unwrapped(model)
    watching = _watched[bare] = Watch(bare, max(1, every), name, histograms=histograms)
    _listen()
    with guarded("watch"):
        note_model(model, "" if name == "watch" else name)
    return watching


@cache
def _listen() -> None:
    """Hear of the steps of every optimizer, for good: a hook that goes while hooks are called fails torch."""
    register_optimizer_step_post_hook(_after_step)


def _after_step(optimizer: Optimizer, _args: object, _kwargs: object) -> None:
    if torch.compiler.is_compiling():
        return
    for watching in list(_watched.values()):
        try:
            watching._see(optimizer)
        except Exception as error:  # noqa: BLE001 training goes on whatever happens here
            watching.remove()
            gxt.warn(f"watch ends: {reason(error)}; the training goes on")


class Watch:
    """A model that is being watched, until `remove` or for as long as it lives."""

    def __init__(self, model: nn.Module, every: int, name: str, *, histograms: bool) -> None:
        self._model = weakref.ref(model)
        self._every = every
        self._name = name
        self._histograms = histograms
        self._steps = weakref.WeakKeyDictionary[Optimizer, int]()  # −1: of another model
        self._prefixes = weakref.WeakKeyDictionary[Optimizer, str]()

    def remove(self) -> None:
        """Watch no longer."""
        model = self._model()
        if model is not None and _watched.get(model) is self:
            del _watched[model]

    def _see(self, optimizer: Optimizer) -> None:
        step = self._steps.get(optimizer)
        if step is None:
            step = self._first_step(optimizer)
        if step < 0:
            return
        self._steps[optimizer] = step + 1
        # a value that is copied from a GPU while its work is captured in a graph would break the graph
        if step % self._every or (torch.cuda.is_initialized() and torch.cuda.is_current_stream_capturing()):
            return
        with torch.no_grad():
            self._record(optimizer, step)

    def _first_step(self, optimizer: Optimizer) -> int:
        """Of an optimizer met for the first time: one that takes turns with others, or goes on after them."""
        model = self._model()
        if model is None:
            return -1
        own = {id(parameter) for parameter in model.parameters()}
        mine = any(id(parameter) in own for parameter in _trained(optimizer))
        first = max(0, *self._steps.values(), 1) - 1 if mine else -1
        if mine:
            nth = len(self._prefixes)
            self._prefixes[optimizer] = f"{self._name}/optimizer{nth}" if nth else self._name
        self._steps[optimizer] = first
        return first

    def _record(self, optimizer: Optimizer, step: int) -> None:
        model = self._model()
        if model is None:
            return
        layers = _layers(model, optimizer)
        prefix = self._prefixes[optimizer]
        weights = [[_values(one) for one in layer.parameters] for layer in layers]
        gradients = [
            [_values(one.grad) for one in layer.parameters if one.grad is not None] for layer in layers
        ]
        names = [layer.name for layer in layers]
        found = {**_rates(optimizer), **_named_norms("grad_norm", names, gradients)}
        found |= _named_norms("weight_norm", names, weights)
        gxt.log({f"{prefix}/{key}": value for key, value in found.items()}, step=step, counted=False)
        if self._histograms and _is_due(step // self._every):
            _log_histograms(f"{prefix}/gradients", names, gradients, step)
            _log_histograms(f"{prefix}/weights", names, weights, step)


def _is_due(look: int) -> bool:
    """Of the looks 0, 1, 2 …: all below 16, every second below 32, every fourth below 64 …"""
    return look % (1 << max(0, look.bit_length() - 4)) == 0


def _trained(optimizer: Optimizer) -> Iterable[nn.Parameter]:
    return (parameter for group in optimizer.param_groups for parameter in group["params"])


def _layers(model: nn.Module, optimizer: Optimizer) -> list[_Layer]:
    """The parameters that the optimizer trains, by module; where those are many, by the modules around."""
    wanted = {id(parameter) for parameter in _trained(optimizer)}
    named = [
        (name.split(".")[:-1] or [name], parameter)
        for name, parameter in model.named_parameters()
        if id(parameter) in wanted and parameter.numel()
    ]
    depth = max((len(parts) for parts, _ in named), default=0)
    while depth > 1 and len({tuple(parts[:depth]) for parts, _ in named}) > _MOST_LAYERS:
        depth -= 1
    layers: dict[str, _Layer] = {}
    for parts, parameter in named:
        name = ".".join(parts[:depth])
        layers.setdefault(name, _Layer(name, [])).parameters.append(parameter)
    return list(layers.values())[:_MOST_LAYERS]


def _values(tensor: Tensor) -> Tensor:
    """The numbers of a tensor as a real, dense one."""
    tensor = tensor.detach()
    if tensor.is_sparse:
        tensor = tensor.coalesce().values()
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def _rates(optimizer: Optimizer) -> dict[str, object]:
    rates = [group["lr"] for group in optimizer.param_groups if "lr" in group]
    return {"lr": rates[0]} if len(rates) == 1 else {f"lr/{nth}": rate for nth, rate in enumerate(rates)}


def _named_norms(kind: str, names: Sequence[str], layers: Sequence[list[Tensor]]) -> dict[str, float]:
    """The L2 norm of each layer, and of all: one wait for the device."""
    tensors = [tensor for layer in layers for tensor in layer]
    if not tensors:
        return {}
    device = tensors[0].device
    each = iter(torch.stack([_norm(tensor).to(device) for tensor in tensors]).tolist())
    norms = {
        f"{kind}/{name}": math.hypot(*(next(each) for _ in layer))
        for name, layer in zip(names, layers, strict=True)
        if layer
    }
    return {kind: math.hypot(*norms.values()), **norms}


def _norm(tensor: Tensor) -> Tensor:
    """In float32, where the squares of half-precision numbers have room."""
    norm: Tensor = torch.linalg.vector_norm(tensor, dtype=torch.float32)
    return norm


def _log_histograms(kind: str, names: Sequence[str], layers: Sequence[list[Tensor]], step: int) -> None:
    samples = [_sample(layer) for layer in layers]
    if not samples:
        return
    sizes = [len(sample) for sample in samples]
    device = samples[0].device
    both = torch.cat([sample.to(device) for sample in samples]).cpu()  # one wait for the device
    for name, sample in zip(names, both.split(sizes), strict=True):
        finite = sample[sample.isfinite()]
        if len(finite):
            counts, edges = _counted(finite)
            gxt.log_histogram(f"{kind}/{name}", counts=counts, edges=edges, step=step)


def _sample(tensors: Sequence[Tensor]) -> Tensor:
    """Some values of a layer (at most some thousand), from all over it."""
    size = sum(tensor.numel() for tensor in tensors)
    # odd, for an even stride would meet the same columns of a matrix again and again
    stride = -(-size // _MOST_VALUES) | 1 if size > _MOST_VALUES else 1
    taken = [tensor.reshape(-1)[::stride].float() for tensor in tensors]
    return torch.cat(taken) if taken else torch.empty(0)


def _counted(values: Tensor) -> tuple[list[int], list[float]]:
    """How many of some finite values lie in each of the bins of one width, and the edges of those."""
    low, high = (float(one) for one in values.aminmax())
    if high - low <= _SAME * max(abs(low), abs(high)):
        low, high = low - 0.5, high + 0.5
    counts = torch.histc(values, _BINS, min=low, max=high)
    width = (high - low) / _BINS
    return [int(one) for one in counts.tolist()], [*(low + width * nth for nth in range(_BINS)), high]
