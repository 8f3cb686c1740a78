"""Names that no run has: refused, with what was probably meant. What a name stands for is `fields`' part."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gxt.errors import QueryError
from gxt.model.fields import MISSING, TOP_LEVEL, Field, parse_field, parse_sort, reader, shortened
from gxt.model.run import evals_of, metrics_of, params_of
from gxt.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from gxt.model.json_types import Json

_SHOWN = 8  # names in a hint


class Asked(NamedTuple):
    """A name that somebody wrote: what it stands for, the whole text, its 0-based position in that."""

    field: Field
    text: str
    position: int


def asked_column(text: str) -> Asked:
    """The name of a column; raises as `parse_field`."""
    return Asked(parse_field(text), text, 0)


def asked_order(text: str) -> Asked:
    """The name to sort by; raises as `parse_sort`."""
    field, _ = parse_sort(text)
    return Asked(field, text, text.index(field.text))


def check_names(
    asked: Sequence[Asked],
    runs: Callable[[], Iterable[Mapping[str, Json]]],
    known: Callable[[Field], bool],
) -> None:
    """Refuse names that nothing stands behind in any run. Where there are no runs nobody can know.

    Args:
        asked: the names.
        runs: gives all runs, newest first; but for a mistake only the first is looked at.
        known: whether any run has a fact; asked for what the newest lacks.

    Raises:
        QueryError: no run has the first of them.
    """
    named = [one for one in asked if one.field.root not in TOP_LEVEL]
    newest = next(iter(runs()), None) if named else None
    if newest is None:
        return
    for one in named:
        if reader(one.field)(newest) is MISSING and not known(one.field):
            message = f"no run has {shortened(one.field.text)}"
            raise QueryError(message, text=one.text, position=one.position, hint=_hint(one.field, runs()))


def _hint(field: Field, runs: Iterable[Mapping[str, Json]]) -> str:
    from gxt.model.params import flatten  # only a mistake needs it

    known: dict[str, dict[str, None]] = {
        root: {} for root in ("metrics", "params", "evals", "code", "environment")
    }
    for run in runs:
        known["metrics"].update(dict.fromkeys(metrics_of(run)))
        known["params"].update(dict.fromkeys(flatten(params_of(run))))
        known["evals"].update(dict.fromkeys(flatten(evals_of(run))))
        for root in ("code", "environment"):
            facts = run.get(root)
            known[root].update(dict.fromkeys(flatten(facts) if isinstance(facts, dict) else ()))
    if not field.root:
        return _meant(field, [*(known["metrics"] | known["params"]), *sorted(TOP_LEVEL)], "")
    other = {"metrics": "params", "params": "metrics"}.get(field.root, "")
    if other and ".".join(field.keys) in known[other]:
        return f"did you mean {spelled(other, '.'.join(field.keys))}?"
    return _meant(field, [*known[field.root]], field.root)


def _meant(field: Field, known: Sequence[str], root: str) -> str:
    from difflib import get_close_matches

    name = ".".join(field.keys)
    near = [one for one in known if re.split("[./]", one)[-1] == name]
    near = near or get_close_matches(shortened(name), known, n=1)
    if near:
        return f"did you mean {spelled(root, near[0])}?"
    shown = ", ".join(spelled(root, one) for one in known[:_SHOWN])
    return f"there are {shown}" if shown else f"no run has any {root}"


def spelled(root: str, name: str) -> str:
    """A name as it can be written; bare ones stand for themselves, those in brackets are quoted already."""
    if not root:
        return name
    if root == "metrics" and not re.fullmatch(r"[\w.]+", name):
        return f'{root}["{name}"]'
    return f"{root}{name}" if name.startswith("[") else f"{root}.{name}"
