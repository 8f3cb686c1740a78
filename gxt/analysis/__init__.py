"""Statistics over runs: where scipy and pandas are met. They are loaded where they are used."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gxt.analysis.study import Study

__all__ = ["analyze_scaling_law"]


def analyze_scaling_law(
    experiments: Iterable[object] | None = None,
    x: str = "params",
    y: str | None = None,
    *,
    where: str | None = None,
    group: str | None = None,
    y_error: str | None = None,
    milestone: float | None = None,
    relative: bool = False,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
    forms: Iterable[str] = (),
) -> Study:
    """Fit y = a·x^b + c to runs, and say how sure that is.

    Args:
        experiments: ids, runs (as `gxt list --json` has them, or objects with such an `id`), or a table of
            points: a data frame or a mapping of columns. Without it: all runs of the repository around the
            working directory. Only those that have completed count.
        x: a name as in `--where`, or `params`: the recorded number of parameters of the model.
        y: such a name; by default the main metric. Of a table, x and y are names of columns.
        where: a condition that the runs have to meet.
        group: a name whose values tell the runs apart, each of which gets a law of its own.
        y_error: the name of the standard error of y. Without it a 95 % interval in `<y>_low`, `<y>_high`
            (or `<y>/low`, `<y>/high`) is used.
        milestone: a value of y whose x is wanted.
        relative: take the scatter of y to grow with |y|.
        level: of the intervals and bands.
        resamples: how often the bootstrap draws.
        seed: of the bootstrap.
        forms: those to compare, of `power+floor`, `power`, `logarithm`, `saturating`, `broken`; unasked all.

    Returns:
        Study: `.fit` is the law, `.frame` the points as a data frame, `.scaling` all else.

    Raises:
        CannotFit: the points are too few or too much alike.
        GxtError: scipy or pandas is not installed, there is no repository, no run has x or y.
    """
    from gxt.analysis.installed import check_installed

    check_installed("numpy", "scipy", "pandas")
    from gxt.analysis.law import Options
    from gxt.errors import UsageError
    from gxt.ops.scaling import ScalingRequest, named_forms, study_of

    if not 0.5 <= level < 1:
        raise UsageError(f"a level of {level} is not from 0.5 up to 1", hint="for 95 % say level=0.95")
    if resamples < 1:
        raise UsageError("the bootstrap has to draw", hint="leave out resamples, or say resamples=1000")
    options = Options(level, relative, resamples, seed, named_forms(forms))
    request = ScalingRequest(x, y, where, group, y_error, milestone, options)
    return study_of(experiments, request)
