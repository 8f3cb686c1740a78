"""What of the settings is about how runs are recorded: the console, the machine, the team's conventions."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from gxt.errors import UsageError
from gxt.named_tuple import NamedTuple
from gxt.store.settings import SYSTEM_EVERY_S


class Conventions(NamedTuple):
    """What a team wants of its runs.

    Attributes:
        name: a pattern that the whole name of a run fits; None for any name or none.
        tags: labels that each run has; `model:*` stands for any label that begins so.
        enforce: a run that does not keep to them is refused, not only told so.
    """

    name: str | None = None
    tags: tuple[str, ...] = ()
    enforce: bool = False


class RunSettings(NamedTuple):
    """How runs are recorded.

    Attributes:
        scrape: metrics are read from the console of a run that has no others.
        patterns: the user's own patterns for that.
        system_every_s: seconds between two looks at the machine; 0 for none.
        conventions: what the team wants of its runs.
    """

    scrape: bool = True
    patterns: tuple[str, ...] = ()
    system_every_s: float = SYSTEM_EVERY_S
    conventions: Conventions = Conventions()


def run_settings(
    scrape: Mapping[str, Any],
    system: Mapping[str, Any],
    conventions: Mapping[str, Any],
    mine: Mapping[str, str],
) -> RunSettings:
    """The tables `[scrape]`, `[system]` and `[conventions]` of the team, with the user's own over them.

    Raises:
        UsageError: a value that makes no sense.
    """
    name = conventions.get("name")
    return RunSettings(
        scrape=_flag("scrape.enabled", mine.get("gxt.scrape", scrape.get("enabled", True))),
        patterns=tuple(_pattern("scrape.patterns", one) for one in _texts("scrape.patterns", scrape)),
        system_every_s=_seconds(mine.get("gxt.systemeverys", system.get("every_s", SYSTEM_EVERY_S))),
        conventions=Conventions(
            name=None if name is None else _pattern("conventions.name", name, needs_groups=False),
            tags=_texts("conventions.tags", conventions),
            enforce=_flag("conventions.enforce", conventions.get("enforce", False)),
        ),
    )


def _flag(name: str, value: object) -> bool:
    said = str(value).lower()
    if said not in {"true", "false"}:
        raise UsageError(f"{name} is not true or false: {value!r}", hint="write true or false")
    return said == "true"


def _texts(name: str, table: Mapping[str, Any]) -> tuple[str, ...]:
    value = table.get(name.partition(".")[2], ())
    if not isinstance(value, (list, tuple)) or not all(isinstance(one, str) for one in value):
        raise UsageError(f"{name} is no list of texts: {value!r}", hint='write ["…", "…"]')
    return tuple(value)


def _pattern(name: str, value: object, *, needs_groups: bool = True) -> str:
    try:
        groups = re.compile(str(value)).groupindex
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(f"{name} is no pattern: {error}", hint="see docs.python.org/library/re") from error
    if needs_groups and ("name" in groups) != ("value" in groups):
        raise UsageError(f"{name}: {value!r} lacks a group", hint="name and value belong together")
    if needs_groups and not groups.keys() - {"step", "epoch"}:
        hint = "name one by its metric: 'my loss is (?P<loss>\\S+)'"
        raise UsageError(f"{name}: {value!r} has no group with a name", hint=hint)
    return str(value)


def _seconds(value: object) -> float:
    try:
        seconds = float(str(value))
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise UsageError(f"system.every_s is no time: {value!r}", hint="give seconds, 0 for never")
    return seconds
