"""Names of metrics: which measure the same on other data, which are the ends of an interval."""

from __future__ import annotations

import pytest

from gxt.model.metric_parts import by_quantity, interval_of, quantity_of


@pytest.mark.parametrize(
    ("name", "quantity", "part"),
    [
        ("train/loss", "loss", "train"),
        ("val/loss", "loss", "val"),
        ("val_loss", "loss", "val"),
        ("loss", "loss", ""),
        ("eval_loss", "loss", "val"),
        ("loss/train", "loss", "train"),
        ("loss_validation", "loss", "val"),
        ("trainLoss", "loss", "train"),
        ("valid.acc", "acc", "val"),
        ("testing accuracy", "accuracy", "test"),
        ("model/train/loss", "model/loss", "train"),
        ("train/mAP50-95", "mAP50-95", "train"),
        ("trainable_params", "trainable_params", ""),
        ("value_loss", "value_loss", ""),
        ("test", "test", ""),
        ("val", "val", ""),
        ("", "", ""),
    ],
)
def test_what_a_metric_measures_and_on_what_data(name: str, quantity: str, part: str) -> None:
    assert quantity_of(name) == (quantity, part)


def test_metrics_of_one_quantity_belong_together_and_the_ends_of_intervals_do_not() -> None:
    names = ["train/loss", "val/loss", "val/acc", "elo", "elo/low", "elo/high", "highway/low"]
    assert by_quantity(names) == {
        "loss": {"train": "train/loss", "val": "val/loss"},
        "acc": {"val": "val/acc"},
        "elo": {"": "elo"},
        "highway/low": {"": "highway/low"},
    }


def test_beside_validation_a_bare_name_is_that_of_training() -> None:
    assert by_quantity(["loss", "val_loss"]) == {"loss": {"train": "loss", "val": "val_loss"}}
    assert by_quantity(["loss", "train_loss", "val_loss"]) == {
        "loss": {"": "loss", "train": "train_loss", "val": "val_loss"}
    }


def test_the_interval_of_a_value_by_its_ends_or_its_standard_error() -> None:
    assert interval_of({"elo": 5, "elo/low": 4, "elo/high": 7}, "elo") == (4, 7)
    assert interval_of({"elo": 5, "elo_low": 4, "elo_high": 7}, "elo") == (4, 7)
    assert interval_of({"acc": 0.5, "acc_stderr": 0.1}, "acc") == (0.5 - 0.196, 0.5 + 0.196)
    assert interval_of({"acc": 0.5, "acc_low": 0.1}, "acc") is None
