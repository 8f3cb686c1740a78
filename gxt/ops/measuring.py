"""A metric of chosen runs: what pivot tables and the importance of parameters rest on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gxt.errors import UsageError
from gxt.model.codec import double_from_json
from gxt.model.fields import MISSING, Field, parse_field, reader
from gxt.model.goals import Goal, goal_of, goals_of
from gxt.model.json_types import JsonObject
from gxt.model.names import Asked, check_names
from gxt.model.run import metrics_of
from gxt.named_tuple import NamedTuple
from gxt.ops.compare import CompareRequest, check_narrowing, matching_runs
from gxt.ops.history import History

_TOLD: Final = 6  # runs, in a hint


class LeftOut(NamedTuple):
    """A run that does not count, and why."""

    id: str
    reason: str


class Measured(NamedTuple):
    """Completed runs with a metric, in the order asked for.

    Attributes:
        metric: its name as it was asked for, the main metric unasked.
        goal: which way it is better, where that is known.
        runs: as JSON, each by itself.
        values: the metric of each.
        left_out: the others.
        notices: what could not be read.
    """

    metric: str
    goal: Goal | None
    runs: tuple[JsonObject, ...]
    values: tuple[float, ...]
    left_out: tuple[LeftOut, ...]
    notices: tuple[str, ...]


def measured(
    history: History,
    request: CompareRequest,
    metric: str | None,
    names: Sequence[str] = (),
    *,
    whole_groups: bool = False,
) -> Measured:
    """The runs of a request with their metric.

    Args:
        history: of all runs.
        request: which; all where it names none.
        metric: a name as in `--where`, or a bare one; None for the main metric.
        names: others that some of the runs must have.
        whole_groups: whether conditions that one of several repeats fulfils choose all of them.

    Raises:
        UsageError: there is no such run, none that is completed has the metric, or runs are named and
            conditions given as well.
        UnknownRun, AmbiguousRun: a reference names no single run, nor the repeats of one experiment.
        QueryError: a name or the condition cannot be understood, or none of the runs has what it names.
    """
    found = _singles(history, request)
    if whole_groups and request.narrowed:
        groups = dict.fromkeys(str(run["group"] or "") for run in found)
        members = {group: history.group(group) for group in groups if group}
        every = [one for run in found for one in members.get(str(run["group"]), [run])]
        found = list({str(run["uid"]): run for run in every}.values())
    if not found:
        raise UsageError(
            "no run matches" if request.narrowed else "there are no runs", hint="gxt list shows all"
        )
    goals = {**goals_of(*found), **history.workspace.settings.goals}
    if metric is None:
        main = history.main_metric([metrics_of(run) for run in reversed(found)], goals)
        if main is None:
            raise UsageError("the runs have no metric", hint="name what to look at: --metric NAME")
        field = Field(main.name, "metrics", (main.name,))
    else:
        field = parse_field(metric)
    asked = [field, *map(parse_field, names)]
    check_names(
        [Asked(one, one.text, 0) for one in asked],
        lambda: found,
        lambda one: any(reader(one)(run) is not MISSING for run in found),
    )
    notices = () if request.refs else history.damage()
    return _measured(found, field, goal_of(_spelling(field, found), goals), notices)


def _singles(history: History, request: CompareRequest) -> list[JsonObject]:
    """The runs, each by itself; where a reference names repeats, all of them."""
    if not request.refs:
        return matching_runs(history, request)
    check_narrowing(request)
    named = [history.resolve_many(ref) for ref in request.refs]
    single = [
        one for run in named for one in (history.group(str(run["group"])) if "repeats" in run else [run])
    ]
    return list({str(run["uid"]): run for run in single}.values())


def _measured(
    runs: Sequence[JsonObject], field: Field, goal: Goal | None, notices: tuple[str, ...]
) -> Measured:
    read, kept, values, left_out = reader(field), [], [], []
    for run in runs:
        found = read(run)
        value = None if found is MISSING else double_from_json(found)
        if run["status"] != "completed":
            left_out.append(LeftOut(str(run["id"]), str(run["status"])))
        elif value is None:
            left_out.append(LeftOut(str(run["id"]), f"no number in {field.text}"))
        else:
            kept.append(run)
            values.append(value)
    if not kept:
        told = ", ".join(f"{one.id} ({one.reason})" for one in left_out[:_TOLD])
        raise UsageError(f"no completed run has a number in {field.text}", hint=f"left out: {told}")
    return Measured(field.text, goal, tuple(kept), tuple(values), tuple(left_out), notices)


def _spelling(field: Field, runs: Sequence[JsonObject]) -> str:
    """The name of a metric as the runs have it: a dot in a field finds a slash, too."""
    slashed = "/".join(field.keys)
    return slashed if any(slashed in metrics_of(run) for run in runs) else ".".join(field.keys) or field.root
