"""gxt in Lightning: `Trainer(callbacks=[GxtCallback()])`, or the logger: `Trainer(logger=GxtLogger())`."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

if "pytorch_lightning" in sys.modules and "lightning" not in sys.modules:  # the same under its older name
    from pytorch_lightning import Callback, LightningModule
    from pytorch_lightning import Trainer as LightningTrainer
    from pytorch_lightning.loggers import Logger
    from pytorch_lightning.utilities import rank_zero_only
else:
    from lightning.pytorch import Callback, LightningModule
    from lightning.pytorch import Trainer as LightningTrainer
    from lightning.pytorch.loggers import Logger
    from lightning.pytorch.utilities import rank_zero_only

import gxt
from gxt.torch.guarding import guarded
from gxt.torch.models import note_model
from gxt.torch.watching import Watch, watch

_FACTS = ("max_epochs", "max_steps", "accumulate_grad_batches", "gradient_clip_val", "precision")


class GxtLogger(Logger):  # type: ignore[misc]
    """Records what `self.log` and `save_hyperparameters` say, at the steps of every other logger."""

    @property
    def name(self) -> str:
        """Empty: checkpoints lie where they would lie without this logger."""
        return ""

    @property
    def version(self) -> str:
        """Empty, as the name."""
        return ""

    @rank_zero_only  # type: ignore[untyped-decorator]
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Record values under the names that the module gave them."""
        gxt.log(dict(metrics), step=step)

    @rank_zero_only  # type: ignore[untyped-decorator]
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *_args: object, **_kwargs: object) -> None:
        """Record what the module and the data module saved as their parameters."""
        gxt.log_params(vars(params) if isinstance(params, Namespace) else params)


class GxtCallback(Callback):  # type: ignore[misc]
    """Records what a module logs, its parameters, what it is, and how it trains.

    Only the process of global rank 0 records. Nothing is recorded of a `fast_dev_run`.

    Args:
        watch_every: every so many steps of an optimizer `gxt.torch.watch` looks at it; by default never.
        keep_best: whether the best checkpoint of the trainer is kept with the run, at the end.
    """

    def __init__(self, *, watch_every: int | None = None, keep_best: bool = False) -> None:
        super().__init__()
        self._watch_every = watch_every
        self._keep_best = keep_best
        self._watching: Watch | None = None

    def setup(self, trainer: LightningTrainer, pl_module: LightningModule, stage: str) -> None:  # noqa: ARG002
        """Join the loggers before the trainer tells them of parameters."""
        if not trainer.is_global_zero or trainer.fast_dev_run:
            return
        if not any(isinstance(one, GxtLogger) for one in trainer.loggers):
            trainer.loggers = [*trainer.loggers, GxtLogger()]

    def on_fit_start(self, trainer: LightningTrainer, pl_module: LightningModule) -> None:
        """Record what is trained, and how."""
        if not trainer.is_global_zero or trainer.fast_dev_run:
            return
        with guarded("GxtCallback"):
            facts = {name: getattr(trainer, name, None) for name in _FACTS}
            gxt.log_params({"trainer": {name: fact for name, fact in facts.items() if fact is not None}})
            if self._watch_every is None:
                note_model(pl_module)
            else:
                self._watching = watch(pl_module, self._watch_every)

    def on_fit_end(self, trainer: LightningTrainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Keep the best checkpoint, if that is wanted."""
        if self._watching is not None:
            self._watching.remove()
        with guarded("GxtCallback"):
            checkpoint = trainer.checkpoint_callback
            best = getattr(checkpoint, "best_model_path", "")
            if self._keep_best and best and trainer.is_global_zero:
                score = getattr(checkpoint, "best_model_score", None)
                gxt.log_model(best, meta={} if score is None else {"score": float(score)})
