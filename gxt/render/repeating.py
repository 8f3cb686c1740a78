"""What came of repeats: the line that sums them up, and what the user should know of them."""

from __future__ import annotations

from collections import Counter

from gxt.model.goals import goal_of, goals_of
from gxt.model.json_types import JsonObject
from gxt.model.repeats import evidence_of, fold_runs, sample_of
from gxt.model.run import metrics_of
from gxt.ops.repeats import Repeated
from gxt.render.clean import cells, one_line, shortened
from gxt.render.running import STYLES, shown_metrics
from gxt.render.values import change, judged, metric_value, more
from gxt.render.view import Style
from gxt.store.settings import Settings


def repeats_line(done: Repeated, settings: Settings, width: int | None) -> tuple[str, Style]:
    """`exp-013+4: 5 completed  acc 0.94 ± 0.012 (5) (+0.02 better, n=5)  → gxt diff exp-012 exp-013+4`.

    On a narrow terminal metrics go, the main one last.
    """
    untold = f"  {done.unstarted} not started" if done.unstarted else ""
    if len(done.runs) < 2:
        one = f"{done.runs[0]['id']} {done.runs[0]['status']}" if done.runs else "nothing is recorded"
        return f"{one}{untold}", "unsure"
    group = fold_runs(done.runs)
    counts = Counter(str(one["status"]) for one in done.runs)
    head = f"{group['id']}: {', '.join(f'{count} {status}' for status, count in counts.items())}{untold}"
    texts = [
        _metric(name, group, done.parent, settings)
        for name in shown_metrics(done.main, list(metrics_of(group)))
    ]
    verb = f"diff {done.parent['id']}" if done.parent else "show"
    following = f"→ gxt {verb} {group['id']}"
    style = STYLES.get(str(group["status"]), "bad" if "failed" in counts else "unsure")
    for count in range(len(texts), -1, -1):
        text = "  ".join([head, *texts[:count], following])
        if width is None or cells(text) <= width:
            return text, style
    return shortened(head, width or 0), style


def remarks(done: Repeated) -> list[str]:
    """What makes runs no repeats of each other: other code, or a seed that nobody looks at."""
    if len(done.runs) < 2:
        return []
    first, *others = done.runs
    told = []
    other = next((one for one in others if _tree(one) != _tree(first)), None)
    if other is not None:
        what = f"the code of {other['id']} is not that of {first['id']}"
        told.append(f"{what}: gxt diff {first['id']} {other['id']}")
    if not _has_spread(fold_runs(done.runs)):
        told.append("all repeats gave the same: does the command use GXT_SEED, or {seed}?")
    return told


def _metric(name: str, group: JsonObject, parent: JsonObject | None, settings: Settings) -> str:
    goals = {**goals_of(parent, group), **settings.goals}
    evidence = evidence_of(parent, group, name, goal_of(name, goals))
    told = f"{change(evidence.difference)} {judged(evidence)}".strip() if evidence else ""
    if evidence and evidence.verdict == "unsure":
        told += f": {more(evidence)}"
    return f"{one_line(name, 40)} {metric_value(group, name)}" + (f" ({told})" if told else "")


def _tree(run: JsonObject) -> object:
    code = run["code"]
    return code.get("tree") if isinstance(code, dict) else None


def _has_spread(group: JsonObject) -> bool:
    """Whether any metric differs among at least two repeats; so it is taken to be where there is none."""
    samples = [one for name in metrics_of(group) if (one := sample_of(group, name)) is not None and one.n > 1]
    return not samples or any(one.sd for one in samples)
