"""`gxt export csv` and `gxt export xlsx`: the runs as a researcher's spreadsheet has them."""

from __future__ import annotations

from collections.abc import Sequence

from gxt.model.codec import number_from_json
from gxt.model.goals import Metric, Verdict, goal_of, judge
from gxt.model.json_types import JsonObject
from gxt.model.params import Difference, difference
from gxt.model.run import metrics_of, params_of
from gxt.named_tuple import NamedTuple
from gxt.ops.choosing import chosen
from gxt.ops.history import History
from gxt.ops.workspace import Workspace


class SheetRow(NamedTuple):
    """A run in the sheet.

    Attributes:
        run: the run as JSON.
        parent: what to call its parent; empty where it has none.
        changed: the parameters that differ from the parent's; None where that is not here.
        verdict: on the main metric, against the parent.
    """

    run: JsonObject
    parent: str
    changed: Difference | None
    verdict: Verdict | None


class Sheet(NamedTuple):
    """Runs, the oldest first, with the names of all their metrics, the main one first."""

    rows: tuple[SheetRow, ...]
    metrics: tuple[str, ...]
    main: Metric | None
    notices: tuple[str, ...] = ()


def sheet(workspace: Workspace, refs: Sequence[str] = (), where: str | None = None) -> Sheet:
    """The runs for a spreadsheet. Raises as `chosen` does."""
    with History(workspace) as history:
        runs = chosen(history, refs, where)
        main = history.main_metric([metrics_of(run) for run in reversed(runs)])
        known = {str(run["uid"]): run for run in runs}
        rows = tuple(_row(history, run, known, main) for run in runs)
        names = dict.fromkeys(name for run in runs for name in metrics_of(run))
        # what the machine did is no result
        shown = [name for name in names if not name.startswith("system/")]
        first = main.name if main else ""
        metrics = tuple(sorted(shown, key=lambda name: name != first))
        return Sheet(rows, metrics, main, (*workspace.notices, *history.damage()))


def _row(history: History, run: JsonObject, known: dict[str, JsonObject], main: Metric | None) -> SheetRow:
    uid = str(run["parent_uid"] or "")
    if not uid:
        return SheetRow(run, "", None, None)
    parent = known.get(uid) or history.by_uid(uid)
    if parent is None:
        return SheetRow(run, history.absent(uid).label, None, None)
    known[uid] = parent
    changed = difference(params_of(parent), params_of(run))
    return SheetRow(run, str(parent["id"]), changed, _verdict(history, parent, run, main))


def _verdict(history: History, parent: JsonObject, run: JsonObject, main: Metric | None) -> Verdict | None:
    if main is None:
        return None
    old, new = (number_from_json(metrics_of(one).get(main.name)) for one in (parent, run))
    if old is None or new is None:
        return None
    return judge(new - old, main.goal or goal_of(main.name, history.workspace.settings.goals))
