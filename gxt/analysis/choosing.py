"""Which of several laws the points speak for."""

from __future__ import annotations

import math

from gxt.named_tuple import NamedTuple

STRONG = 10.0
"""A difference of BIC that is very strong evidence (R. E. Kass and A. E. Raftery, JASA 90 (1995) 773)."""


class Score(NamedTuple):
    """How well a law with so many parameters, the variance not counted, does; no AICc for too few points."""

    parameters: int
    rss: float
    aicc: float | None
    bic: float


def score(rss: float, n: int, parameters: int) -> Score:
    """Both criteria of a least squares fit, up to what all laws on these points share; lower is better.

    n ln(RSS / n) + 2 k + 2 k (k + 1) / (n - k - 1) with k = parameters + 1 for the variance (C. M. Hurvich
    and C.-L. Tsai, Biometrika 76 (1989) 297; K. P. Burnham and D. R. Anderson, Model Selection and Multimodel
    Inference, 2nd ed. 2002, sections 2.2 and 2.4), and n ln(RSS / n) + k ln n (G. Schwarz, Ann. Stat. 6
    (1978) 461).
    """
    k = parameters + 1
    deviance = n * math.log(rss / n)
    aicc = deviance + 2 * k + 2 * k * (k + 1) / (n - k - 1) if n > k + 1 else None
    return Score(parameters, rss, aicc, deviance + k * math.log(n))
