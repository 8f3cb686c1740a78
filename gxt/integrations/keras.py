"""gxt in Keras 3, on any of its backends: `model.fit(…, callbacks=[GxtCallback()])`."""

from __future__ import annotations

import math
from collections.abc import Mapping

from keras.callbacks import Callback

import gxt
from gxt.torch.guarding import guarded


class GxtCallback(Callback):  # type: ignore[misc]
    """Records the metrics of each epoch, the optimizer's configuration and what the model is.

    Metrics have the names that Keras gives them (`loss`, `val_loss`), their step is the epoch, from 0. What
    `model.evaluate` finds outside of `fit` is `test/loss` and the like.

    Args:
        every: how many batches lie between records of the metrics so far in the epoch, as `batch/loss` and
            the like, whose step counts batches; None: none.
    """

    def __init__(self, *, every: int | None = None) -> None:
        super().__init__()
        self._every = every
        self._batches = 0
        self._epoch = 0
        self._fits = False

    def on_train_begin(self, logs: Mapping[str, object] | None = None) -> None:  # noqa: ARG002
        """Record what is trained, and how."""
        self._fits = True
        with guarded("GxtCallback"):
            model = self.model
            trained = sum(math.prod(one.shape) for one in model.trainable_weights)
            settings = model.optimizer.get_config() if model.optimizer else {}
            facts = {
                "architecture": model.name,
                "param_count": model.count_params(),
                "trainable_param_count": trained,
                "input_shape": getattr(model, "input_shape", None),
                "epochs": self.params.get("epochs"),
                "optimizer": {name: one for name, one in settings.items() if one is not None},
            }
            gxt.log_params({name: fact for name, fact in facts.items() if fact is not None})

    def on_train_batch_end(self, batch: int, logs: Mapping[str, object] | None = None) -> None:  # noqa: ARG002
        """Record the metrics so far, at some batches."""
        if self._every is not None and self._batches % self._every == 0 and logs:
            gxt.log({"batch": dict(logs)}, step=self._batches, counted=False)
        self._batches += 1

    def on_epoch_end(self, epoch: int, logs: Mapping[str, object] | None = None) -> None:
        """Record the metrics of an epoch, and the learning rate that it had."""
        self._epoch = epoch
        with guarded("GxtCallback"):
            rate = getattr(self.model.optimizer, "learning_rate", None)
            known = {} if rate is None else {"learning_rate": float(rate)}
            gxt.log({**known, **(logs or {})}, step=epoch)

    def on_train_end(self, logs: Mapping[str, object] | None = None) -> None:  # noqa: ARG002
        """What is evaluated from now on is no validation."""
        self._fits = False

    def on_test_end(self, logs: Mapping[str, object] | None = None) -> None:
        """Record what `evaluate` found."""
        if not self._fits and logs:
            gxt.log({"test": dict(logs)}, step=self._epoch, counted=False)
