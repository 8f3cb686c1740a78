"""gxt in the trainer of Hugging Face transformers: `Trainer(…, callbacks=[GxtCallback()])`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from torch import nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

import gxt
from gxt.torch.guarding import guarded
from gxt.torch.models import note_model
from gxt.torch.watching import Watch, watch

# recorded also where nobody changed them
_ALWAYS: Final = (
    "learning_rate",
    "num_train_epochs",
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "weight_decay",
    "seed",
)


class GxtCallback(TrainerCallback):  # type: ignore[misc]
    """Records what the trainer logs, its arguments, the model's configuration and how the model trains.

    Of the arguments those that differ from their defaults are recorded, as `training_args`, and of the
    model's configuration what differs from its kind's, as `model_config`. Metrics have the names they have
    in `trainer_state.json`: `loss`, `eval_loss`. Only the process of world rank 0 records.

    Args:
        watch_every: every so many steps of the optimizer `gxt.torch.watch` looks at it; by default never.
        keep_best: whether the best checkpoint of the trainer is kept with the run, at the end.
    """

    def __init__(self, *, watch_every: int | None = None, keep_best: bool = False) -> None:
        super().__init__()
        self._watch_every = watch_every
        self._keep_best = keep_best
        self._watching: Watch | None = None

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002 every event has it
        model: nn.Module | None = None,
        **_kwargs: object,
    ) -> None:
        """Record what is trained, and how."""
        if not state.is_world_process_zero:
            return
        with guarded("GxtCallback"):
            gxt.log_params({"training_args": _changed(args)})
            config: Any = getattr(model, "config", None)
            if hasattr(config, "to_diff_dict"):
                gxt.log_params({"model_config": config.to_diff_dict()})
            if isinstance(model, nn.Module) and self._watch_every is not None:
                self._watching = watch(model, self._watch_every)
            elif isinstance(model, nn.Module):
                note_model(model)

    def on_log(
        self,
        args: TrainingArguments,  # noqa: ARG002 every event has it
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002 every event has it
        logs: Mapping[str, object] | None = None,
        **_kwargs: object,
    ) -> None:
        """Record what the trainer logs, at its step."""
        if state.is_world_process_zero and logs:
            numbers = {name: value for name, value in logs.items() if isinstance(value, (int, float))}
            gxt.log(numbers, step=state.global_step)

    def on_train_end(
        self,
        args: TrainingArguments,  # noqa: ARG002 every event has it
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002 every event has it
        **_kwargs: object,
    ) -> None:
        """Keep the best checkpoint, if that is wanted."""
        if self._watching is not None:
            self._watching.remove()
        best = state.best_model_checkpoint
        if self._keep_best and best and state.is_world_process_zero:
            gxt.log_model(best, step=state.global_step, meta={"score": state.best_metric})


def _changed(args: TrainingArguments) -> dict[str, Any]:
    """The arguments that are not as they are by default; tokens are masked by `to_dict`."""
    said = args.to_dict()
    found = {}
    for field in dataclasses.fields(args):
        made = field.default_factory
        usual = field.default if made is dataclasses.MISSING else made()
        if field.name in said and (field.name in _ALWAYS or getattr(args, field.name) != usual):
            found[field.name] = said[field.name]
    return found
