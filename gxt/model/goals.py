"""Which way a metric is better, and which metric stands for a run."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, Literal, cast

from gxt.named_tuple import NamedTuple

if TYPE_CHECKING:
    from gxt.model.json_types import Json

Goal = Literal["min", "max"]
Verdict = Literal["better", "worse", "same", "unsure"]
SYSTEM: Final = "system/"
"""How the names of metrics begin that tell of the machine."""
ASIDE: Final = (SYSTEM, "watch/")
"""How those begin that stand for no run, unless somebody says so: also what `gxt.torch.watch` looks at."""

# Words of a metric's name, in the field's usual spellings. The last word that is known decides, so that
# `loss_accuracy` is an accuracy and `acc_loss` a loss.
_DOWN = frozenset(
    "loss losses error err mae mse rmse mape smape nll perplexity ppl bpc bpb bpd wer cer ter fid kid "
    "lpips kl divergence brier ece latency crossentropy ce bce regret mismatch hinge logloss eer mcd nelbo "
    "rmsle wape chamfer epe absrel perp".split()
)
_UP = frozenset(
    "acc accuracy f1 fbeta auc auroc auprc roc prauc elo map mrr ndcg recall precision iou miou dice bleu "
    "rouge meteor chrf r2 mcc kappa reward return score winrate win psnr ssim top1 top5 hits hit exact em "
    "sensitivity specificity likelihood correlation pearson spearman success inception cider spice "
    "throughput elbo ap aupr jaccard bertscore comet nmi ari silhouette pesq stoi".split()
)
_TOKEN = re.compile(r"[A-Za-z]+\d*", re.ASCII)
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_PARTS = (  # of a data set, the more telling first; between the last two stands what names none
    re.compile(r"val(?!u)|eval|dev\d*$", re.ASCII),
    re.compile(r"test", re.ASCII),
    re.compile(r"train|trn\d*$", re.ASCII),
)


class Metric(NamedTuple):
    """The metric that stands for a run, and its goal (None when nobody knows)."""

    name: str
    goal: Goal | None


def guess_goal(name: str) -> Goal | None:
    """`min` or `max` by the words of a metric's name, or None: `val_loss` min, `mAP50-95` max, `lr` None."""
    for token in reversed(_TOKEN.findall(name)):
        # whole first: mIoU is no `m`, `Io` and `U`
        for word in (token, *reversed(_HUMP.split(token))):
            for candidate in (word.lower(), word.lower().rstrip("0123456789")):
                if candidate in _DOWN:
                    return "min"
                if candidate in _UP:
                    return "max"
    return None


def goal_of(name: str, goals: Mapping[str, Goal]) -> Goal | None:
    """The goal that the settings give, else the guess."""
    return goals.get(name) or guess_goal(name)


def goals_of(*runs: Mapping[str, Json] | None) -> dict[str, Goal]:
    """Which way metrics are better, as the scripts of runs have said; of several the last run counts."""
    goals: dict[str, Goal] = {}
    for run in runs:
        defined = run.get("defined") if run else None
        for name, one in defined.items() if isinstance(defined, dict) else ():
            if isinstance(one, dict) and one.get("goal"):
                goals[name] = cast("Goal", one["goal"])
    return goals


def main_metric(names: Iterable[str], *, chosen: str | None, goals: Mapping[str, Goal]) -> Metric | None:
    """The metric that stands for runs with these metrics, names in the order they were first logged.

    The chosen one if there; else the first whose goal is known, validation before test before what names no
    data before training; else the first.
    """
    ordered = list(names)
    if chosen is not None and chosen in ordered:
        return Metric(chosen, goal_of(chosen, goals))
    ordered = [name for name in ordered if not name.startswith(ASIDE)]
    known = [name for name in ordered if goal_of(name, goals)]
    for name in (*sorted(known, key=_distance), *ordered[:1]):
        return Metric(name, goal_of(name, goals))
    return None


def _distance(name: str) -> int:
    """How far a metric is from telling what the run is worth: 0 on validation data, 3 on training data."""
    words = [word.lower() for token in _TOKEN.findall(name) for word in _HUMP.split(token)]
    validation, test, training = (any(map(part.match, words)) for part in _PARTS)
    return 0 if validation else 1 if test else 3 if training else 2


def judge(change: float, goal: Goal | None) -> Verdict | None:
    """Whether a change of a metric (new minus old) is good news; None without a goal or a number."""
    if goal is None or math.isnan(change):
        return None
    if change == 0:
        return "same"
    return "better" if (change > 0) == (goal == "max") else "worse"
