"""Records what a trainer of your own does, by the methods that trainers have."""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, ClassVar

from torch import nn

import gxt
from gxt.torch.guarding import guarded
from gxt.torch.models import described, note_model
from gxt.torch.watching import watch


class TrackedTrainer:
    """Put it before your trainer: `class Tracked(TrackedTrainer, Trainer): pass`.

    At construction `self.config` is recorded as parameters (without one, the plain arguments by name), and
    what `self.model` is: `architecture`, `param_count`, and with its first input `input_shape`. Each
    `train_epoch` is recorded with what it returns: numbers by name, or one number, which is `train/loss`; its
    step is the argument `epoch`, else the epochs are counted from 0.
    `on_training_end` adds a summary: epochs, seconds and the least of each loss.

    Attributes:
        watch_every: every so many steps of the optimizer `watch` looks at the model; never by default.
    """

    watch_every: ClassVar[int | None] = None
    _gxt: _Progress  # all that is added to a trainer whose own names nobody knows

    def __init_subclass__(cls, **kwargs: Any) -> None:  # noqa: ANN401 whatever the trainer takes
        super().__init_subclass__(**kwargs)
        if hidden := _hidden(cls):
            logging.getLogger("gxt").warning("gxt: %s", hidden)

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 whatever the trainer takes
        super().__init__(*args, **kwargs)
        _progress(self)
        with guarded("TrackedTrainer"):
            _note_start(self, kwargs)

    def train_epoch(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 whatever the trainer takes
        """One epoch of the trainer, recorded."""
        plain: Any = super()
        result = plain.train_epoch(*args, **kwargs)
        with guarded("TrackedTrainer"):
            _progress(self).note_epoch(_epoch(plain.train_epoch, args, kwargs), result)
        return result

    def on_training_end(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 whatever the trainer takes
        """What the trainer does at the end, and the summary."""
        plain: Any = super()
        result = plain.on_training_end(*args, **kwargs) if hasattr(plain, "on_training_end") else None
        with guarded("TrackedTrainer"):
            _progress(self).sum_up(_model(self))
        return result


class _Progress:
    """What a tracked trainer has come to so far."""

    def __init__(self) -> None:
        self._epochs = 0
        self._last = -1
        self._best: dict[str, float] = {}
        self._begun_s = time.monotonic()

    def note_epoch(self, said: int | None, result: object) -> None:
        self._epochs += 1
        self._last = self._last + 1 if said is None else said
        found = dict(_numbers(result if isinstance(result, Mapping) else {"train/loss": result}))
        if not found:
            return
        gxt.log(found, step=self._last)
        for name, value in found.items():
            if "loss" in name.lower():
                self._best[name] = min(value, self._best.get(name, value))

    def sum_up(self, model: nn.Module | None) -> None:
        count = {} if model is None else {"param_count": described(model)["param_count"]}
        seconds = round(time.monotonic() - self._begun_s, 3)
        summary = {"epochs": self._epochs, "seconds": seconds, **count, "best": self._best}
        gxt.log({"summary": summary}, step=max(0, self._last), counted=False)


def _hidden(tracked: type) -> str:
    """Why the epochs of such a trainer are not recorded, in words; empty where they are."""
    line = tracked.__mro__
    place = line.index(TrackedTrainer)
    before = [one for one in line[:place] if "train_epoch" in vars(one)]
    for one in before:
        if not issubclass(one, TrackedTrainer):
            way = f"class {tracked.__name__}(TrackedTrainer, {one.__name__})"
            return f"{tracked.__name__} is not recorded: the mixin comes first, {way}"
    if before and not any("train_epoch" in vars(one) for one in line[place + 1 :]):
        name = before[-1].__name__
        return (
            f"the epochs of {name} are not recorded: its train_epoch stands before TrackedTrainer's; "
            f"leave TrackedTrainer out there, and write class Tracked(TrackedTrainer, {name})"
        )
    return ""


def _progress(trainer: TrackedTrainer) -> _Progress:
    """How far a trainer has come, also one that does not call the constructors of its bases."""
    found: _Progress = vars(trainer).setdefault("_gxt", _Progress())
    return found


def _note_start(trainer: object, said: Mapping[str, object]) -> None:
    config = getattr(trainer, "config", None)
    if config is None:
        config = {key: one for key, one in said.items() if isinstance(one, (bool, int, float, str))}
    gxt.log_params(config)
    model = _model(trainer)
    every = getattr(trainer, "watch_every", None)
    if model is not None and every is not None:
        watch(model, every)
    elif model is not None:
        note_model(model)


def _model(trainer: object) -> nn.Module | None:
    candidates = (getattr(trainer, "model", None), *vars(trainer).values())
    return next((one for one in candidates if isinstance(one, nn.Module)), None)


def _epoch(method: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int | None:  # noqa: ANN401
    """The argument `epoch` of a call, where it is a whole number."""
    said = inspect.signature(method).bind(*args, **kwargs).arguments.get("epoch")
    return said if isinstance(said, int) else None


def _numbers(values: object, prefix: str = "") -> Iterator[tuple[str, float]]:
    """The numbers in nested mappings, with their names joined."""
    if not isinstance(values, Mapping):
        return
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{name}/")
        elif not isinstance(value, (str, bytes)):
            with suppress(TypeError, ValueError, RuntimeError):  # no number, or a tensor of many
                yield name, float(value.item() if hasattr(value, "item") else value)
