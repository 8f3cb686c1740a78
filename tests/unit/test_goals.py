"""Which way a metric is better by its name, and which one stands for a run."""

from __future__ import annotations

from math import inf, nan

import pytest

from gxt.model.goals import Goal, Metric, goal_of, guess_goal, judge, main_metric

UP = """
acc accuracy val_acc test/accuracy Accuracy valAccuracy top5_acc f1 F1 f1_score macro-F1 auc AUC val_AUROC mAP
mAP50 mAP50-95 metrics/mAP50-95(B) map_50 AP50 mIoU IoU val/miou elbo ELBO train_elbo BLEU bleu-4 ROUGE-L
rougeL r2 dice precision recall ndcg@10 hits@1 reward episode_return log_likelihood loss_accuracy throughput
""".split()
DOWN = """
loss val_loss valLoss train/loss perplexity val_ppl mae MSE rmse error top1_err wer nll NLL FID kl_divergence
acc_loss brier ece neg_elbo_loss nelbo
""".split()
UNKNOWN = "lr epoch step grad_norm memory time temperature x learning_rate mapper pressure pass_ms".split()


@pytest.mark.parametrize(
    ("name", "goal"),
    [
        *[(name, "max") for name in UP],
        *[(name, "min") for name in DOWN],
        *[(name, None) for name in UNKNOWN],
    ],
)
def test_the_goal_that_a_name_tells(name: str, goal: Goal | None) -> None:
    assert guess_goal(name) == goal


@pytest.mark.parametrize(
    ("names", "main"),
    [
        ("lr train/loss val/acc", "val/acc"),
        ("lr loss", "loss"),
        ("epoch lr", "epoch"),
        ("train_loss test_acc", "test_acc"),
        ("train_acc test_acc val_loss", "val_loss"),
        ("train_loss accuracy", "accuracy"),
        ("loss test/f1", "test/f1"),
        ("value_loss reward", "value_loss"),
        ("policy_loss value_loss eval/reward", "eval/reward"),
        ("device_error valid_mIoU", "valid_mIoU"),
        ("trainLoss devAcc", "devAcc"),
        ("val_lr train_loss", "train_loss"),
        ("val_loss val_acc", "val_loss"),
        ("", None),
    ],
)
def test_the_metric_that_stands_for_a_run(names: str, main: str | None) -> None:
    found = main_metric(names.split(), chosen=None, goals={})
    assert found == (Metric(main, guess_goal(main)) if main else None)


def test_settings_win() -> None:
    assert main_metric(["val_acc", "lr"], chosen="lr", goals={"lr": "min"}) == Metric("lr", "min")
    assert main_metric(["val_acc", "odd"], chosen="gone", goals={"val_acc": "min"}) == Metric(
        "val_acc", "min"
    )
    assert main_metric(["odd", "other"], chosen=None, goals={"other": "max"}) == Metric("other", "max")


def test_what_tells_of_the_machine_stands_for_no_run_unless_it_is_chosen() -> None:
    names = ["system/gpu0/percent", "quality"]
    assert main_metric(names, chosen=None, goals={}) == Metric("quality", None)
    assert main_metric(names[:1], chosen=None, goals={}) is None
    assert main_metric(names, chosen=names[0], goals={}) == Metric(names[0], None)


def test_a_goal_that_was_set_wins_over_the_guess() -> None:
    assert goal_of("loss", {"loss": "max"}) == "max"
    assert goal_of("quality", {"quality": "min"}) == "min"
    assert goal_of("quality", {}) is None


@pytest.mark.parametrize(
    ("change", "goal", "expected"),
    [
        (0.1, "max", "better"),
        (-0.1, "max", "worse"),
        (0.1, "min", "worse"),
        (-inf, "min", "better"),
        (0.0, "min", "same"),
        (nan, "max", None),
        (0.1, None, None),
    ],
)
def test_a_change_towards_the_goal_is_better(change: float, goal: Goal | None, expected: str | None) -> None:
    assert judge(change, goal) == expected
