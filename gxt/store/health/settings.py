"""Settings: a file that cannot be read, and names that gxt does not know, which it passes over in silence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set

from gxt.errors import UsageError
from gxt.git.repository import Repository
from gxt.store.health.finding import Finding
from gxt.store.health.machine import Setting
from gxt.store.settings import ARTIFACTS, FILE, LIMITS, load_settings, read_team

_TEAM = {
    "metric": ("main", "goal"),
    "limits": tuple(LIMITS),
    "artifacts": tuple(ARTIFACTS),
    "push": ("unpushed_code",),
    "run": ("repeats",),
}


def check_own_settings(repository: Repository, mine: Mapping[str, Setting]) -> Iterator[Finding]:
    """The team's file and `git config gxt.*`."""
    try:
        team = read_team(repository.top / FILE)
        load_settings(repository)
    except UsageError as error:
        yield Finding("settings-unreadable", error.message, error.hint)
        return
    for name, table in team.items():
        if name not in {*_TEAM, "goals"}:
            yield _unknown(f"[{name}]", FILE, [f"[{known}]" for known in (*_TEAM, "goals")])
        elif name in _TEAM and isinstance(table, dict):
            yield from (_unknown(f"{name}.{key}", FILE, _in(name)) for key in table if key not in _TEAM[name])
    for key in mine:
        section, _, rest = key.partition(".")
        if section == "gxt" and rest not in _mine() and not rest.endswith(".goal"):
            yield _unknown(key, "git config", [f"gxt.{known}" for known in _mine().values()])


def check_metric(repository: Repository, known: Set[str]) -> Iterator[Finding]:
    """Whether any run has the metric that settings call the main one, among all that runs have."""
    try:
        metric = load_settings(repository).metric
    except UsageError:  # said by the check above
        return
    if metric is not None and known and metric not in known:
        what = f"no run has the metric {metric}, which the settings call the main one"
        yield Finding(
            "metric-unknown", what, _nearest(metric, sorted(known), "gxt show tells what a run has")
        )


def _in(table: str) -> list[str]:
    return [f"{table}.{key}" for key in _TEAM[table]]


def _mine() -> dict[str, str]:
    """What git's configuration may say, as git gives it back and as people write it."""
    written = [
        "metric",
        "goal",
        "remote",
        "repeats",
        *(_camel(name) for name in (*LIMITS, *ARTIFACTS, "unpushed_code")),
    ]
    return {name.lower(): name for name in written}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def _unknown(name: str, where: str, known: Sequence[str]) -> Finding:
    what = f"{where} sets {name}, which gxt does not know"
    return Finding("setting-unknown", what, _nearest(name, known, f"gxt knows {', '.join(known)}"))


def _nearest(name: str, known: Sequence[str], otherwise: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name.lower(), [one.lower() for one in known], n=1)
    return f"did you mean {next(one for one in known if one.lower() == near[0])}?" if near else otherwise
