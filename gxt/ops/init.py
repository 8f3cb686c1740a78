"""`gxt init`: prepares a repository for gxt. Every other command works without it."""

from __future__ import annotations

from pathlib import Path

from gxt.capture.replacing import replace_content
from gxt.errors import GxtError, UsageError
from gxt.git import process
from gxt.git.own_settings import fulfil, wishes
from gxt.git.remotes import remotes
from gxt.git.repository import Repository, discover, user_settings
from gxt.model.goals import goal_of
from gxt.named_tuple import NamedTuple
from gxt.ops.declared import declared_metric
from gxt.store.places import EXPERIMENTS
from gxt.store.settings import FILE, MainMetric, read_goal, team_metric, team_text, with_metric

_METRIC = "write for example --metric val_acc --goal max"
_BETTER = {"min": ", less is better", "max": ", more is better", None: ""}


class Step(NamedTuple):
    """A thing that a repository should have: its name, what it is in words, whether it had to be made so."""

    what: str
    about: str
    changed: bool


class Prepared(NamedTuple):
    """A repository after it was prepared: what was done or there already, and what else is worth knowing."""

    steps: tuple[Step, ...]
    notices: tuple[str, ...]


def init(cwd: Path, metric: str | None = None, goal: str | None = None, *, dry_run: bool = False) -> Prepared:
    """Write the main metric into the team's file, and settings for plain git into the config of this clone.

    Args:
        cwd: a directory of the work tree.
        metric: the name of the main metric; None leaves it as it is.
        goal: `min` or `max`; without it that of another metric is taken out, for names mostly tell it.
        dry_run: write nothing.

    Raises:
        NotARepository, BareRepository: there is nothing to prepare.
        UsageError: the team's file cannot be read, or the metric makes no sense.
        GxtError: something could not be written.
    """
    repository = discover(cwd)
    before = team_metric(repository)
    after = _wanted(before, metric, goal)
    steps = []
    if after.main is not None:
        about = f"{FILE}: the main metric is {after.main}{_BETTER[after.goal]}"
        steps.append(Step("metric", about, after != before))
        if after != before and not dry_run:
            _write(repository, with_metric(team_text(repository), after))
    for wish in wishes(repository):
        steps.append(Step(wish.key, wish.about, bool(wish.lacking)))
        if not dry_run:
            fulfil(repository, wish)
    return Prepared(tuple(steps), tuple(_notices(repository, after)))


def _wanted(before: MainMetric, metric: str | None, goal: str | None) -> MainMetric:
    main = before.main if metric is None else metric.strip()
    if metric is not None and not (main and main.isprintable()):
        raise UsageError(f"{metric!r} is no name of a metric", hint=_METRIC)
    if goal is None:
        return MainMetric(main, before.goal if main == before.main else None)
    if main is None:
        raise UsageError("--goal is that of the main metric, and there is none", hint=_METRIC)
    return MainMetric(main, read_goal(goal, "--goal"))


def _write(repository: Repository, text: str) -> None:
    path = repository.top / FILE
    try:
        if path.is_file():
            replace_content(path, text.encode())
        else:
            with path.open("xb") as file:
                file.write(text.encode())
    except OSError as error:
        raise GxtError(f"{FILE} cannot be written: {error.strerror}", hint=f"see {path}") from error


def _notices(repository: Repository, after: MainMetric) -> list[str]:
    notices = []
    goals = {after.main: after.goal} if after.main is not None and after.goal is not None else {}
    mine = user_settings(repository).get("gxt.metric")
    if mine is not None and mine != after.main and after.main is not None:
        notices.append(f"git config gxt.metric is {mine}, which wins here")
    elif after.main is not None and goal_of(after.main, goals) is None:
        notices.append(f"whether less or more of {after.main} is better, --goal min or --goal max says")
    elif after.main is None and mine is None and not declared_metric(repository):
        notices.append("the main metric is guessed; --metric NAME --goal max says which it is")
    done = process.attempt(repository.top, ("rev-parse", "--verify", "--quiet", EXPERIMENTS))
    if done.returncode != 0:
        is_shared = bool(remotes(repository))
        pulls = "gxt pull takes over what colleagues have recorded"
        notices.append(pulls if is_shared else "record the first run: gxt run -- python train.py")
    return notices
