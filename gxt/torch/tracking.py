"""Records what a trainer of your own does, by the methods that trainers have."""

from __future__ import annotations

import inspect
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
        watch_every: at how many steps of the optimizer `watch` looks at the model; never by default.
        summary: what was recorded at the end.
    """

    watch_every: ClassVar[int | None] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 whatever the trainer takes
        super().__init__(*args, **kwargs)
        self.summary: dict[str, object] = {}
        self._best: dict[str, float] = {}
        self._epochs = 0
        self._last_epoch = -1
        self._begun_s = time.monotonic()
        with guarded("TrackedTrainer"):
            self._begin(kwargs)

    def train_epoch(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 whatever the trainer takes
        """One epoch of the trainer, recorded."""
        plain: Any = super()
        result = plain.train_epoch(*args, **kwargs)
        with guarded("TrackedTrainer"):
            self._note_epoch(_epoch(plain.train_epoch, args, kwargs, self._last_epoch + 1), result)
        return result

    def on_training_end(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 whatever the trainer takes
        """What the trainer does at the end, and the summary."""
        plain: Any = super()
        result = plain.on_training_end(*args, **kwargs) if hasattr(plain, "on_training_end") else None
        with guarded("TrackedTrainer"):
            self._sum_up()
        return result

    def _model(self) -> nn.Module | None:
        own = vars(self)
        candidates = (own.get("model"), *own.values())
        return next((one for one in candidates if isinstance(one, nn.Module)), None)

    def _begin(self, said: Mapping[str, object]) -> None:
        config = getattr(self, "config", None)
        if config is None:
            config = {key: one for key, one in said.items() if isinstance(one, (bool, int, float, str))}
        gxt.log_params(config)
        model = self._model()
        if model is None:
            return
        if self.watch_every is None:
            note_model(model)
        else:
            watch(model, self.watch_every)

    def _note_epoch(self, epoch: int, result: object) -> None:
        self._epochs += 1
        self._last_epoch = epoch
        found = dict(_numbers(result if isinstance(result, Mapping) else {"train/loss": result}))
        if not found:
            return
        gxt.log(found, step=epoch)
        for name, value in found.items():
            if "loss" in name.lower():
                self._best[name] = min(value, self._best.get(name, value))

    def _sum_up(self) -> None:
        model = self._model()
        facts = described(model) if model is not None else {}
        self.summary = {
            "epochs": self._epochs,
            "seconds": round(time.monotonic() - self._begun_s, 3),
            **({"param_count": facts["param_count"]} if facts else {}),
            "best": dict(self._best),
        }
        gxt.log({"summary": self.summary}, step=max(0, self._last_epoch), counted=False)


def _epoch(method: Any, args: tuple[Any, ...], kwargs: dict[str, Any], counted: int) -> int:  # noqa: ANN401
    """The argument `epoch` of a call, where it is a whole number."""
    said = inspect.signature(method).bind(*args, **kwargs).arguments.get("epoch")
    return said if isinstance(said, int) else counted


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
