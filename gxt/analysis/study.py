"""A study of scaling: runs as points, those left out, and what the points say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from gxt.analysis.fitting import Band
from gxt.analysis.law import UNASKED, Law, Options
from gxt.analysis.points import Point, why_unusable
from gxt.analysis.scaling import Scaling, analyse
from gxt.errors import CannotFit
from gxt.named_tuple import NamedTuple

if TYPE_CHECKING:
    import pandas


class Measured(NamedTuple):
    """What one run says: numbers or None; the standard error of y; what it is grouped by."""

    id: str
    name: str
    x: float | None
    y: float | None
    error: float | None = None
    group: str = ""


class LeftOut(NamedTuple):
    """A run that is no point, and why."""

    id: str
    reason: str


class Study(NamedTuple):
    """How y scales with x over runs.

    Attributes:
        x, y, group: the names of the axes, and of what the runs are grouped by, or empty.
        runs: the runs that are points, in the order given.
        left_out: the others.
        scaling: what the points say: `whole`, `groups` (each with `law`, `forms`, `transition`,
            `milestone`), `families`, `warnings`.
    """

    x: str
    y: str
    group: str
    runs: tuple[Measured, ...]
    left_out: tuple[LeftOut, ...]
    scaling: Scaling

    @property
    def fit(self) -> Law:
        """The law y = a·x^b + c: `a`, `b`, `c` with `value`, `low`, `high`; `at(x)` has its bands."""
        return self.scaling.whole.law

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the points cannot tell, in words."""
        return self.scaling.warnings

    def law_of(self, group: str) -> Law:
        """The law that stands for the runs of a group: its own if it has one, unless one stands for all."""
        found = None if self.scaling.is_one else self.scaling.groups.get(group)
        return self.fit if found is None else found.law

    def bands(self) -> Band:
        """The law of its group, and its bands, at each of the runs."""
        x = np.array([one.x for one in self.runs], dtype=np.float64)
        groups = np.array([one.group for one in self.runs])
        found = np.empty((len(Band._fields), len(x)))
        for group in dict.fromkeys(groups.tolist()):
            chosen = groups == group
            found[:, chosen] = self.law_of(group).at(x[chosen])
        return Band(*found)

    @property
    def frame(self) -> pandas.DataFrame:
        """A row for each point, by the run's id.

        Columns: `name`, `group`, `x`, `y`, `error`; `fitted` by the law of the group with its
        confidence band `low`, `high`, and `next_low`, `next_high` for another measurement; `residual`.
        """
        import pandas as pd  # half a second, for those who look at a frame

        rows = [(one.name, one.group, one.x, one.y, one.error) for one in self.runs]
        index = pd.Index([one.id for one in self.runs], name="id")
        frame = pd.DataFrame(rows, index=index, columns=["name", "group", "x", "y", "error"])
        for name, values in self.bands()._asdict().items():
            frame[name] = values
        frame["residual"] = frame["y"] - frame["fitted"]
        return frame


def study(
    measured: Sequence[Measured],
    *,
    names: tuple[str, str, str],
    options: Options = UNASKED,
    milestone: float | None = None,
) -> Study:
    """Fit what can be fitted, and say what was left out.

    Args:
        measured: the runs.
        names: of x, y and group; the last is empty where there are no groups.
        options: how to fit.
        milestone: a value of y whose x is wanted.

    Raises:
        CannotFit: what is left is not enough; the hint says what was left out.
    """
    reasons = [(one, why_unusable(one.x, one.y)) for one in measured]
    usable = tuple(one for one, reason in reasons if not reason)
    left_out = tuple(LeftOut(one.id, reason) for one, reason in reasons if reason)
    points = [
        Point(one.x, one.y, one.error, one.id, one.group)
        for one in usable
        if one.x is not None and one.y is not None
    ]
    try:
        scaling = analyse(points, options, milestone=milestone)
    except CannotFit as error:
        if not left_out:
            raise
        told = ", ".join(f"{one.id} ({one.reason})" for one in left_out[:6])
        more = f" and {len(left_out) - 6} more" if len(left_out) > 6 else ""
        raise CannotFit(error.message, hint=f"{error.hint}; left out: {told}{more}") from error
    return Study(*names, usable, left_out, scaling)
