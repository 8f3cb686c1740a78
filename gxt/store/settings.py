r"""Settings: `.gxt.toml` at the top of the repository for the team, `git config gxt.*` for one person.

```toml
[metric]
main = "val_acc"          # git config gxt.metric val_acc
goal = "max"              # git config gxt.goal max

[goals]                   # git config gxt.val/my_score.goal max
"val/my_score" = "max"

[limits]
untracked_file_mib = 5    # git config gxt.untrackedFileMib 5
untracked_total_mib = 50  # git config gxt.untrackedTotalMib 50
series_mib = 64           # git config gxt.seriesMib 64

[artifacts]
keep_best = 3             # git config gxt.keepBest 3
keep_last = true          # git config gxt.keepLast true

[push]
unpushed_code = "refuse"  # git config gxt.unpushedCode refuse

[sources]                 # other loggers whose logs are read
tensorboard = false       # git config gxt.sources.tensorboard false

[scrape]
enabled = true            # git config gxt.scrape true
patterns = ['my loss is (?P<loss>\S+)']

[system]
every_s = 15              # git config gxt.systemEveryS 15

[conventions]
name = '[a-z]+-\d+'
tags = ["project:*"]
enforce = false

[run]
repeats = 5               # git config gxt.repeats 5
```
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from gxt.errors import UsageError
from gxt.git.repository import Repository, configured_identity, user_settings
from gxt.model.goals import Goal
from gxt.named_tuple import NamedTuple

if TYPE_CHECKING:
    from gxt.store.run_settings import RunSettings

FILE = ".gxt.toml"
ARTIFACTS = {"keep_best": 0, "keep_last": True}
SOURCES = ("tensorboard", "mlflow", "wandb", "dvclive", "csv", "trainer_state", "point", "all")
SYSTEM_EVERY_S = 15.0
LIMITS = {"untracked_file_mib": 5, "untracked_total_mib": 50, "series_mib": 64}


class Settings(NamedTuple):
    """What the team and the user chose.

    Attributes:
        metric: the name of the main metric, or None to let gxt choose.
        goals: `min` or `max` by metric name, where somebody said so.
        untracked_file_bytes: a larger file that git does not track is left out of a snapshot.
        untracked_total_bytes: beyond this together they are left out.
        series_bytes: beyond this the series of a run is thinned.
        takes_code_along: a push of runs may take commits of the code along that no branch of the remote has.
        author: the user's name and email, when git has them.
        keep_best: how many checkpoints of a name a run goes on naming, the best ones; 0 for all.
        keep_last: it names the last one besides.
        sources_off: kinds of other loggers whose logs are not read; `all` for every one, `point` where
            they are read, but given no variable.
        runs: how runs are recorded; None for the usual way.
        repeats: how many runs with different seeds `gxt run` makes unasked.
    """

    metric: str | None = None
    goals: Mapping[str, Goal] = MappingProxyType({})
    untracked_file_bytes: int = 5 << 20
    untracked_total_bytes: int = 50 << 20
    series_bytes: int = 64 << 20
    takes_code_along: bool = True
    author: tuple[str, str] | None = None
    keep_best: int = 0
    keep_last: bool = True
    sources_off: tuple[str, ...] = ()
    runs: RunSettings | None = None
    repeats: int = 1


class MainMetric(NamedTuple):
    """The metric that stands for runs, and which way it is better; None where nobody says."""

    main: str | None
    goal: Goal | None


def load_settings(repository: Repository) -> Settings:
    """The team's settings with the user's over them.

    Raises:
        UsageError: a file that is not TOML, or a value that makes no sense.
    """
    team = read_team(repository.top / FILE)
    metric = _table(team, "metric")
    goals = {name: read_goal(str(goal), FILE) for name, goal in _table(team, "goals").items()}
    limits = {**LIMITS, **_table(team, "limits")}
    code = str(_table(team, "push").get("unpushed_code", "allow"))
    repeats = _table(team, "run").get("repeats", 1)
    kept = {**ARTIFACTS, **_table(team, "artifacts")}
    sources = _table(team, "sources")
    main = metric.get("main")
    if main and metric.get("goal"):
        goals[str(main)] = read_goal(str(metric["goal"]), "the main metric")
    main_goal = None  # the user's own, which wins in whichever way and order it is said
    mine = user_settings(repository)
    for name, value in mine.items():
        section, _, key = name.partition(".")
        if section != "gxt":
            continue
        if key == "metric":
            main = value
        elif key == "goal":
            main_goal = value
        elif key == "unpushedcode":
            code = value
        elif key == "repeats":
            repeats = value
        elif key.endswith(".goal"):
            goals[key.removesuffix(".goal")] = read_goal(value, f"git config gxt.{key}")
        elif key.startswith("sources."):
            said = key.removeprefix("sources.")  # git takes no underscore
            sources[next((kind for kind in SOURCES if kind.replace("_", "") == said), said)] = value
        elif key in {"keepbest", "keeplast"}:
            kept[key.replace("keep", "keep_")] = value
        else:
            limits |= {name: value for name in LIMITS if name.replace("_", "") == key}
    if main and main_goal:
        goals[str(main)] = read_goal(str(main_goal), "the main metric")
    sizes = {name: _mebibytes(name, limits[name]) for name in LIMITS}
    return Settings(
        metric=str(main) if main else None,
        goals=goals,
        untracked_file_bytes=sizes["untracked_file_mib"],
        untracked_total_bytes=sizes["untracked_total_mib"],
        series_bytes=sizes["series_mib"],
        takes_code_along=_choice("unpushed_code", code, ("allow", "refuse")) == "allow",
        author=configured_identity(mine),
        keep_best=_count("keep_best", kept["keep_best"]),
        keep_last=_choice("keep_last", str(kept["keep_last"]).lower(), ("true", "false")) == "true",
        sources_off=_sources_off(sources),
        runs=_run_settings(team, mine),
        repeats=max(1, _count("repeats", repeats, hint="give a whole number, 1 or more")),
    )


def _run_settings(team: Mapping[str, Any], mine: Mapping[str, str]) -> RunSettings | None:
    scrape, system, conventions = (_table(team, name) for name in ("scrape", "system", "conventions"))
    if not (scrape or system or conventions or "gxt.scrape" in mine or "gxt.systemeverys" in mine):
        return None
    from gxt.store.run_settings import run_settings  # few say anything of it

    return run_settings(scrape, system, conventions, mine)


def read_team(path: Path) -> dict[str, Any]:
    """What the team's file says; nothing when there is none. Raises as `load_settings`."""
    if not path.is_file():
        return {}
    toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        return cast("dict[str, Any]", toml.loads(path.read_text(encoding="utf-8")))
    except (ValueError, OSError, RecursionError) as error:
        raise UsageError(f"{FILE} cannot be read: {error}", hint=f"mend {path}") from error


def team_metric(repository: Repository) -> MainMetric:
    """The main metric that the team's file names. Raises as `load_settings`."""
    table = _table(read_team(repository.top / FILE), "metric")
    main, goal = table.get("main"), table.get("goal")
    return MainMetric(str(main) if main else None, read_goal(str(goal), "the main metric") if goal else None)


def team_text(repository: Repository) -> str:
    """The text of the team's file, as it is; empty when there is none."""
    path = repository.top / FILE
    return path.read_bytes().decode() if path.is_file() else ""


def with_metric(text: str, metric: MainMetric) -> str:
    """The text of the team's file with another main metric; comments and all else stay.

    Raises:
        UsageError: it is written in a way that only a person can change.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    said = {key: value for key, value in metric._asdict().items() if value is not None}
    try:
        document: Any = tomlkit.parse(text)  # a mapping of anything
        before = document.unwrap()
        if "metric" not in document:
            if text.strip():
                document.add(tomlkit.nl())
            document.add("metric", tomlkit.table())
        for key in set(metric._fields).difference(said):
            document["metric"].pop(key, None)
        document["metric"].update(said)
        new = tomlkit.dumps(document)
        is_as_meant = tomlkit.parse(new).unwrap() == {**before, "metric": {**_others(before), **said}}
    except (TOMLKitError, LookupError, TypeError, ValueError):
        is_as_meant = False
    if not is_as_meant:
        raise UsageError(f"[metric] of {FILE} cannot be changed from here", hint=f"edit {FILE}")
    return new


def _others(team: Mapping[str, Any]) -> dict[str, Any]:
    """What the team's file says below [metric] that is not about the main one."""
    return {key: value for key, value in team.get("metric", {}).items() if key not in MainMetric._fields}


def _table(settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = settings.get(name, {})
    if not isinstance(table, dict):
        raise UsageError(f"{FILE}: [{name}] is not a table", hint=f"write [{name}] and its keys below it")
    return table


def _choice(name: str, value: str, choices: tuple[str, str]) -> str:
    if value not in choices:
        raise UsageError(f"{name} is not {' or '.join(choices)}: {value!r}", hint=f"write {choices[0]}")
    return value


def read_goal(text: str, where: str) -> Goal:
    """The goal that somebody wrote there; UsageError for anything but `min` and `max`."""
    if text == "min":
        return "min"
    if text == "max":
        return "max"
    raise UsageError(f"{where}: a goal is min or max, not {text!r}", hint="write min or max")


def _sources_off(sources: Mapping[str, object]) -> tuple[str, ...]:
    for kind in sources:
        if kind not in SOURCES:
            raise UsageError(f"no logger is called {kind!r}", hint=f"write one of {', '.join(SOURCES)}")
    said = {
        kind: _choice(f"sources.{kind}", str(on).lower(), ("true", "false")) for kind, on in sources.items()
    }
    return tuple(kind for kind, on in said.items() if on == "false")


def _count(name: str, value: object, hint: str = "give a number, 0 for all") -> int:
    if not str(value).isdecimal():
        raise UsageError(f"{name} is no count: {value!r}", hint=hint)
    return int(str(value))


def _mebibytes(name: str, value: object) -> int:
    try:
        size = int(float(str(value)) * (1 << 20))
    except (ValueError, OverflowError):
        size = -1
    if size < 0:
        raise UsageError(f"{name} is no size: {value!r}", hint="give a number of MiB, 0 or more")
    return size
