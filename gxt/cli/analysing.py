"""Commands that draw conclusions from many runs: `scaling`."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError, Namespace

from gxt.cli import output
from gxt.cli.parser import Parser, count_from


def scaling_words(parser: Parser) -> None:
    """What `gxt scaling` takes."""
    parser.add(
        *("--x",),
        metavar="NAME",
        default="params",
        help="A name as in --where; unasked params: the recorded number of parameters of the model.",
    )
    parser.add("--y", metavar="NAME", help="A name as in --where; unasked the main metric.")
    parser.add("--where", metavar="CONDITION", help="E.g. \"params.model.type == 'cnn'\".")
    parser.add("--group", metavar="NAME", help="A law for each value of this, and whether they share b.")
    parser.add(
        *("--y-error",),
        metavar="NAME",
        help="The standard error of y; unasked from the interval in Y_low, Y_high.",
    )
    parser.add("--forms", metavar="NAMES", help="Compare only these, e.g. power,logarithm; unasked all.")
    parser.add("--relative", action="store_true", help="The scatter of y grows with y.")
    parser.add("--milestone", metavar="Y", type=_finite, help="Where y is reached, with its interval.")
    parser.add(
        "--level", metavar="PERCENT", type=_percent, default=95.0, help="Of all intervals; 95 unasked."
    )
    parser.add("--seed", metavar="N", type=count_from(0), default=0, help="Of the bootstrap.")
    parser.add_json()
    parser.add_table_formats()


def scaling(words: Namespace) -> None:
    """Fit y = a·x^b + c to all completed runs, and say how sure that is.

    Intervals are given by profile likelihood and by bootstrap, other forms are compared by AICc and BIC, and
    a transition is reported only with its evidence. --csv and --md print the points, the law and its bands.
    """
    from gxt.analysis.installed import check_installed

    check_installed("numpy", "scipy")
    from gxt.analysis.law import Options
    from gxt.ops.scaling import ScalingRequest, named_forms
    from gxt.ops.scaling import scaling as operation
    from gxt.ops.workspace import open_workspace
    from gxt.render import scaling as rendering

    forms = named_forms(words.forms.split(",")) if words.forms is not None else ()
    options = Options(level=words.level / 100, relative=words.relative, seed=words.seed, forms=forms)
    request = ScalingRequest(
        words.x, words.y, words.where, words.group, words.y_error, words.milestone, options
    )
    workspace = open_workspace()
    study, noticed = operation(workspace, request)
    notices = (*workspace.notices, *noticed)
    if words.json:
        output.show_json(rendering.as_json(study), notices)
        return
    output.say_notices(notices)
    if words.csv or words.md:
        output.say_notices(study.warnings)
        table = rendering.table(study, exact=words.csv)
        output.show_table(table, as_csv=words.csv, as_markdown=words.md)
    else:
        output.show(rendering.page(study))


def _finite(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ArgumentTypeError(f"{text!r} is no number")
    return value


def _percent(text: str) -> float:
    value = _finite(text)
    if not 50 <= value < 100:
        raise ArgumentTypeError(f"{text} is not from 50 up to 100")
    return value
