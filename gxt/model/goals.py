"""Which way a metric is better, and which metric stands for a run."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

Goal = Literal["min", "max"]
Verdict = Literal["better", "worse", "same", "unsure"]

# Words of a metric's name, in the field's usual spellings. The last word that is known decides, so that
# `loss_accuracy` is an accuracy and `acc_loss` a loss.
_DOWN = frozenset(
    "loss losses error err mae mse rmse mape smape nll perplexity ppl bpc bpb bpd wer cer ter fid kid "
    "lpips kl divergence brier ece latency crossentropy ce bce regret mismatch hinge logloss eer mcd".split()
)
_UP = frozenset(
    "acc accuracy f1 fbeta auc auroc auprc roc prauc elo map mrr ndcg recall precision iou miou dice bleu "
    "rouge meteor chrf r2 mcc kappa reward return score winrate win psnr ssim top1 top5 hits hit exact em "
    "sensitivity specificity likelihood correlation pearson spearman success inception cider spice "
    "throughput".split()
)
_WORD = re.compile(r"[a-z]+\d*", re.ASCII)


class Metric(NamedTuple):
    """The metric that stands for a run, and its goal (None when nobody knows)."""

    name: str
    goal: Goal | None


def guess_goal(name: str) -> Goal | None:
    """`min` or `max` by the words of a metric's name, or None: `val_loss` min, `test/acc` max, `lr` None."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
    for word in reversed(_WORD.findall(spaced)):
        for candidate in (word, word.rstrip("0123456789")):
            if candidate in _DOWN:
                return "min"
            if candidate in _UP:
                return "max"
    return None


def goal_of(name: str, goals: Mapping[str, Goal]) -> Goal | None:
    """The goal that the settings give, else the guess."""
    return goals.get(name) or guess_goal(name)


def main_metric(names: Iterable[str], *, chosen: str | None, goals: Mapping[str, Goal]) -> Metric | None:
    """The metric that stands for runs with these metrics, names in the order they were first logged.

    The chosen one if there; else the first whose goal is known, validation before others; else the first.
    """
    ordered = list(names)
    if chosen is not None and chosen in ordered:
        return Metric(chosen, goal_of(chosen, goals))
    known = [name for name in ordered if goal_of(name, goals)]
    validation = [name for name in known if _is_validation(name)]
    for name in (*validation[:1], *known[:1], *ordered[:1]):
        return Metric(name, goal_of(name, goals))
    return None


def _is_validation(name: str) -> bool:
    return any(
        part.startswith(("val", "valid", "eval", "dev")) for part in re.split(r"[/_.\- ]", name.lower())
    )


def judge(change: float, goal: Goal | None) -> Verdict | None:
    """Whether a change of a metric (new minus old) is good news; None without a goal or a number."""
    if goal is None or math.isnan(change):
        return None
    if change == 0:
        return "same"
    return "better" if (change > 0) == (goal == "max") else "worse"
