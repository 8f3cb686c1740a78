"""A small trainer for those who have none: a loss over batches, a validation, a schedule, checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from gxt.torch.checkpoints import load_checkpoint, save_checkpoint
from gxt.torch.tracking import TrackedTrainer

Batches = Iterable[tuple[Tensor, Tensor]]
Found = dict[str, dict[str, float]]


class Loop:
    """The trainer itself. It knows nothing of runs."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        loss: Callable[[Tensor, Tensor], Tensor],
        train: Batches,
        val: Batches | None = None,
        *,
        config: object = None,
        scheduler: LRScheduler | None = None,
        metrics: Mapping[str, Callable[[Tensor, Tensor], Tensor]] | None = None,
        clip: float | None = None,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.config = {} if config is None else config
        self._loss = loss
        self._train = train
        self._val = val
        self._scheduler = scheduler
        self._metrics = {"loss": loss, **(metrics or {})}
        self._clip = clip
        self._device = next(model.parameters()).device

    def fit(self, epochs: int, *, checkpoint: str | Path | None = None) -> Found:
        """Train up to so many epochs in all. Returns what the last of them came to.

        Args:
            epochs: the number of passes over the training data.
            checkpoint: a file that is saved after each epoch; if it is there, the training goes on from it.
        """
        first, found = 0, Found()
        if checkpoint is not None and Path(checkpoint).exists():
            restored = load_checkpoint(checkpoint, self.model, self.optimizer, self._scheduler)
            first = (restored.step or 0) + 1
        for epoch in range(first, epochs):
            found = self.train_epoch(epoch)
            self._adjust(found)
            if checkpoint is not None:
                save_checkpoint(
                    checkpoint,
                    self.model,
                    self.optimizer,
                    self._scheduler,
                    step=epoch,
                    keep=epoch == epochs - 1,
                )
        self.on_training_end()
        return found

    def train_epoch(self, epoch: int) -> Found:  # noqa: ARG002 for those who derive from it
        """One pass over the training data, and one over the validation data where there are any.

        Returns means over the rows: `{"train": {"loss": …}, "val": {"loss": …, metrics …}}`.
        """
        self.model.train()
        total, rows = torch.zeros((), device=self._device), 0
        for inputs, wanted in self._train:
            target = wanted.to(self._device)
            loss = self._loss(self.model(inputs.to(self._device)), target)
            self.optimizer.zero_grad()
            loss.backward()
            if self._clip is not None:
                nn.utils.clip_grad_norm_(self.model.parameters(), self._clip)
            self.optimizer.step()
            total += loss.detach() * len(target)
            rows += len(target)
        found = {"train": {"loss": total.item() / max(1, rows)}}
        return found if self._val is None else {**found, "val": self.validate(self._val)}

    @torch.no_grad()
    def validate(self, batches: Batches) -> dict[str, float]:
        """The loss and the metrics over some data, in evaluation mode."""
        self.model.eval()
        totals = torch.zeros(len(self._metrics), device=self._device)
        rows = 0
        for inputs, wanted in batches:
            target = wanted.to(self._device)
            answer = self.model(inputs.to(self._device))
            totals += torch.stack([one(answer, target) for one in self._metrics.values()]) * len(target)
            rows += len(target)
        return dict(zip(self._metrics, (totals / max(1, rows)).tolist(), strict=True))

    def on_training_end(self) -> None:
        """Called once, when all epochs are done."""

    def _adjust(self, found: Found) -> None:
        """The learning rate, after an epoch."""
        if isinstance(self._scheduler, ReduceLROnPlateau):
            self._scheduler.step(found.get("val", found["train"])["loss"])
        elif self._scheduler is not None:
            self._scheduler.step()


class Trainer(TrackedTrainer, Loop):
    """A small complete trainer that records what it does; see `TrackedTrainer`.

    Args:
        model: on the device where it is to be trained.
        optimizer: of its parameters.
        loss: of an answer and what is wanted, a mean over the rows: `torch.nn.functional.cross_entropy`.
        train: batches (inputs, wanted), one pass each time it is iterated: a `DataLoader`.
        val: to validate with after each epoch.
        config: parameters to record.
        scheduler: of the learning rate, one step an epoch.
        metrics: other means over rows to validate with, by name.
        clip: the largest norm of the gradients.
    """
