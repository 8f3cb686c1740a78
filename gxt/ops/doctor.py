"""`gxt doctor`: everything that can be wrong with the runs of a repository, and the repair of what can be.

Every check stands by itself: what one stumbles over is one finding more, and the others go on. Nothing is
written unless a repair is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

from gxt.errors import GxtError
from gxt.git.objects import ObjectReader
from gxt.git.repository import Repository, discover
from gxt.named_tuple import NamedTuple
from gxt.store.health import files, index_file, live, machine, notes, past, refs, runs, settings
from gxt.store.health.finding import Finding
from gxt.store.progress import Progress, untold

_Seen = TypeVar("_Seen")
_ATTEMPTS = 3


class Checked(NamedTuple):
    """What was looked at: git's version, how many runs are in git, how many go on."""

    git: str
    runs: int
    live: int


class Diagnosis(NamedTuple):
    """What was looked at, what is wrong now, and what was repaired before, in words."""

    checked: Checked
    findings: tuple[Finding, ...]
    repaired: tuple[str, ...] = ()


def doctor(cwd: Path, *, repair: bool = False, progress: Progress = untold) -> Diagnosis:
    """Check the repository that holds a directory; with `repair`, mend first what can be mended.

    Raises:
        NotARepository, BareRepository: there is nothing to check.
    """
    repository = discover(cwd)
    if not repair:
        return diagnose(repository, progress)
    from gxt.ops.repair import mend

    before = diagnose(repository, progress)
    if not any(finding.repairable for finding in before.findings):
        return before
    repaired, failed = mend(repository)
    after = diagnose(repository, progress)
    return after._replace(findings=(*failed, *after.findings), repaired=repaired)


def diagnose(repository: Repository, progress: Progress) -> Diagnosis:
    """All checks. Nothing is written."""
    found: list[Finding] = []
    version = _try(found, lambda: machine.git_version(repository)) or "of an unknown version"
    configured = _try(found, lambda: machine.git_settings(repository)) or {}
    for check in (
        partial(machine.check_version, version),
        partial(machine.check_settings, configured),
        partial(machine.check_collector, repository),
        partial(machine.check_room, repository),
    ):
        _collect(found, check)
    there = _check_history(repository, found, progress, partial_clone=_is_partial(configured))
    for check in (
        partial(live.check_live, repository, frozenset(run.uid for run in there.values())),
        partial(files.check_store_lock, repository),
        partial(files.check_locks, repository),
        partial(files.check_temporary, repository),
        partial(settings.check_own_settings, repository, configured),
        partial(settings.check_metric, repository, {name for run in there.values() for name in run.metrics}),
        partial(_check_params, repository),
    ):
        _collect(found, check)
    counted = sum(not run.removed for run in there.values())
    return Diagnosis(Checked(version, counted, len(live.running(repository))), tuple(dict.fromkeys(found)))


def _check_history(
    repository: Repository, found: list[Finding], progress: Progress, *, partial_clone: bool
) -> dict[int, runs.Run]:
    """The checks of what is in git; returns the runs there.

    A run that somebody records meanwhile moves the refs one after the other under our eyes: then what was
    found may be none, and is looked for again.
    """
    there: dict[int, runs.Run] = {}
    for attempt in range(_ATTEMPTS):
        seen: list[Finding] = []
        named = _try(seen, lambda: refs.read_refs(repository))
        if named is not None:
            with ObjectReader(repository) as reader:
                there = _check_refs(repository, reader, named, seen, progress, partial_clone=partial_clone)
        if not seen or attempt == _ATTEMPTS - 1 or named == _try([], lambda: refs.read_refs(repository)):
            found.extend(seen)
            break
    return there


def _check_refs(
    repository: Repository,
    reader: ObjectReader,
    named: refs.Refs,
    found: list[Finding],
    progress: Progress,
    *,
    partial_clone: bool,
) -> dict[int, runs.Run]:
    """The checks of what refs name, as they were read."""
    _collect(found, lambda: refs.check_refs(repository, named))
    known = _try(found, lambda: past.read_past(repository, reader, named))
    if known is None:
        return {}
    _collect(found, partial(past.check_past, known))
    believed = past.believed(known)
    tip = believed.chain.tip if believed.chain and past.is_entry(believed.chain) else None
    if tip is None:
        return {}
    newer = list(runs.check_format(reader, tip))
    if newer:
        found.extend(newer)
        return {}
    shards = list(runs.check_shards(reader, tip))
    found.extend(shards)
    there = _try(found, lambda: runs.read_runs(reader, tip, progress)) or {}
    chain_ = frozenset(believed.chain.oids if believed.chain else ())
    checks: list[Callable[[], Iterable[Finding]]] = [
        lambda: runs.check_runs(there, [] if shards else runs.lost_runs(reader, believed, there)),
        lambda: runs.check_tree(reader, tip, there),
    ]
    if not shards:  # what follows from the runs can only be compared with all of them
        checks.append(lambda: notes.check_notes(reader, named, tip, chain_, there))
        checks.append(lambda: index_file.check_index(repository, tip, there))
    if not partial_clone:  # what was not fetched is not missing
        checks.append(lambda: runs.check_code(repository, reader, there))
    for check in checks:
        _collect(found, check)
    return there


def _is_partial(configured: dict[str, machine.Setting]) -> bool:
    return any(key.startswith("remote.") and key.endswith(".promisor") for key in configured)


def _check_params(repository: Repository) -> Iterator[Finding]:
    """The parameters file that every run reads."""
    path = repository.top / "params.yaml"
    if not path.exists():
        return
    from gxt.capture.params_files import load_params

    try:
        load_params(path)
    except GxtError as error:
        yield Finding("params-unreadable", error.message, error.hint)


def _collect(found: list[Finding], check: Callable[[], Iterable[Finding]]) -> None:
    """What a check finds, up to where it fails, which is a finding too."""
    _try(found, lambda: found.extend(check()))


def _try(found: list[Finding], look: Callable[[], _Seen]) -> _Seen | None:
    try:
        return look()
    except GxtError as error:
        found.append(Finding("check-failed", f"not everything could be checked: {error.message}", error.hint))
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        what = f"not everything could be checked: {error.strerror}{where}"
        found.append(Finding("check-failed", what, "see that this user may read all of git's directory"))
    return None
