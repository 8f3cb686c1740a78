"""`gxt import dvc`: DVC's experiments in this repository, and commits of its branches, as runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from gxt.data.cache import Cache
from gxt.data.place import find_cache
from gxt.errors import UsageError
from gxt.git import process
from gxt.git.objects import GitObject, ObjectReader, commit_headers
from gxt.git.refs import list_refs
from gxt.git.repository import Repository
from gxt.named_tuple import NamedTuple
from gxt.ops.dvc_commit import Told, told_by
from gxt.ops.foreign import Foreign, foreign_uid, import_foreign
from gxt.ops.imported import Imported
from gxt.ops.workspace import Workspace
from gxt.store.chain import people
from gxt.store.sync.from_files import uids_here

_EXPERIMENTS: Final = "refs/exps/"
_EXPERIMENT: Final = re.compile(r"refs/exps/[0-9a-f]{2}/[0-9a-f]{38,62}/(?P<name>.+)", re.ASCII)
_OWN_MESSAGE: Final = "dvc: commit experiment "
_SOURCE: Final = "dvc"
_MOST_BEFORE: Final = 200  # commits that are looked at for the run that one derives from

_Prints: TypeAlias = Mapping[frozenset[tuple[str, str]], str]


class _Wanted(NamedTuple):
    """A commit that is to be a run, and what it is called there; a commit of a branch has no name."""

    commit: str
    name: str


class _Commit(NamedTuple):
    """A commit and its parents."""

    object: GitObject
    parents: tuple[str, ...]


def import_dvc(workspace: Workspace, revisions: Sequence[str] = (), *, all_commits: bool = False) -> Imported:
    """Put DVC's experiments into the history. Those that are here already stay as they are.

    Args:
        workspace: where, and where from.
        revisions: names of experiments, or revisions of git; all experiments if there are none.
        all_commits: also the commits of the branches, each that has other results than the one before it.

    Raises:
        UsageError: there is no such revision, or nothing to import.
        GitFailed: git cannot read the repository.
        StoreBusy: nothing could be written now.
    """
    repository = workspace.repository
    experiments = _experiments(repository)
    wanted = [one for name in revisions for one in _named(repository, experiments, name)]
    if not revisions:
        wanted = [*experiments, *(_of_branches(repository) if all_commits else ())]
    if not wanted:
        hint = "dvc exp list --all-commits shows them; commits: gxt import dvc --all-commits"
        raise UsageError("there are no experiments of DVC's here", hint=hint)
    left_out: list[str] = []
    with ObjectReader(repository) as reader:
        reading = _Reading(repository, reader, find_cache(repository), {}, {})
        prints = _prints(reading, experiments)
        runs = list(_runs(reading, {one.commit: one for one in wanted}, prints, bool(revisions), left_out))
        runs = _with_parents(reading, runs, prints)
    return import_foreign(workspace, "DVC", runs, left_out)


class _Reading(NamedTuple):
    """What commits are read with, and what was read of them."""

    repository: Repository
    reader: ObjectReader
    cache: Cache
    commits: dict[str, _Commit | None]
    told: dict[str, Told]

    def commit(self, oid: str) -> _Commit | None:
        """A commit; None where git does not have it."""
        if oid not in self.commits:
            found = self.reader.read(oid)
            if found is None or found.kind != "commit":
                self.commits[oid] = None
            else:
                headers, _ = commit_headers(found)
                self.commits[oid] = _Commit(found, tuple(headers.get("parent", ())))
        return self.commits[oid]

    def tell(self, commit: _Commit) -> Told:
        """What a commit tells."""
        oid = commit.object.oid
        if oid not in self.told:
            at_us = people(commit.object)[1].at_s * 1_000_000
            self.told[oid] = told_by(self.repository, self.reader, self.cache, oid, at_us)
        return self.told[oid]


def _runs(
    reading: _Reading,
    wanted: Mapping[str, _Wanted],
    prints: _Prints,
    is_named: bool,
    left_out: list[str],
) -> Iterator[Foreign]:
    """The runs of commits; those of branches that repeat the commit before, or an experiment, are none."""
    for one in wanted.values():
        commit = reading.commit(one.commit)
        if commit is None:
            left_out.append(f"{one.name or one.commit[:10]}: git does not have it")
            continue
        told = reading.tell(commit)
        if not one.name and not told.points:
            if is_named:
                left_out.append(f"{one.commit[:10]}: it has no metrics of a dvc.yaml")
            continue
        if one.name or is_named or (told.footprint not in prints and _is_news(reading, commit, told)):
            yield _foreign(one, commit, told)


def _is_news(reading: _Reading, commit: _Commit, told: Told) -> bool:
    before = reading.commit(commit.parents[0]) if commit.parents else None
    return before is None or reading.tell(before).footprint != told.footprint


def _foreign(one: _Wanted, commit: _Commit, told: Told) -> Foreign:
    author, committer = people(commit.object)
    ended_us = committer.at_s * 1_000_000
    message = commit_headers(commit.object)[1].strip()
    return Foreign(
        _SOURCE,
        one.commit,
        one.name,
        min((at_us for at_us, _, _ in told.points), default=ended_us),
        ended_us,
        params=told.params,
        metrics=told.points,
        author=(author.name, author.email),
        command=("dvc", "repro") if told.has_stages else (),
        commit=one.commit,
        artifacts=told.artifacts,
        notices=told.notices,
        message="" if message.startswith(_OWN_MESSAGE) else message,
        data=told.data,
    )


def _prints(reading: _Reading, experiments: Sequence[_Wanted]) -> _Prints:
    """The oldest experiments by what they tell, which commits tell in which somebody has applied them."""
    prints: dict[frozenset[tuple[str, str]], str] = {}
    commits = filter(None, (reading.commit(one.commit) for one in experiments))
    for commit in sorted(commits, key=_made_s):
        if (told := reading.tell(commit)).points:
            prints.setdefault(told.footprint, commit.object.oid)
    return prints


def _with_parents(reading: _Reading, runs: Sequence[Foreign], prints: _Prints) -> list[Foreign]:
    """The runs, each with the one that it began from.

    An experiment derives from the run of its baseline: of the commit, or of an experiment that tells the
    same, which somebody has applied and committed. A commit of a branch derives from the nearest one.
    """
    asked = {commit.object.oid for run in runs for commit in _before(reading, run)} | {*prints.values()}
    here = uids_here(reading.repository, [foreign_uid(_SOURCE, key) for key in asked])
    known = {run.key for run in runs} | {key for key in asked if foreign_uid(_SOURCE, key) in here}
    return [run._replace(parent=_parent(reading, run, prints, known)) for run in runs]


def _parent(reading: _Reading, run: Foreign, prints: _Prints, known: set[str]) -> str | None:
    for commit in _before(reading, run):
        keys = [commit.object.oid]
        applied = reading.commit(prints.get(reading.tell(commit).footprint, run.key))
        # who goes back to earlier parameters gets earlier results: a later experiment was not applied here
        if applied is not None and _made_s(applied) <= _made_s(commit):
            keys.append(applied.object.oid)
        for key in keys:
            if key in known and key != run.key:
                return key
    return None


def _made_s(commit: _Commit) -> int:
    """When a commit was made, in seconds since 1970."""
    return people(commit.object)[1].at_s


def _before(reading: _Reading, run: Foreign) -> Iterator[_Commit]:
    """The commits that a run may have begun from, the nearest first."""
    commit = reading.commit(run.key)
    for _ in range(1 if run.name else _MOST_BEFORE):
        commit = reading.commit(commit.parents[0]) if commit is not None and commit.parents else None
        if commit is None:
            return
        yield commit


# --- which commits ---------------------------------------------------------------------------------------


def _experiments(repository: Repository) -> list[_Wanted]:
    """DVC's experiments; its queue and what it has put aside lie elsewhere below the same folder."""
    refs = list_refs(repository.top, _EXPERIMENTS)
    found = ((_EXPERIMENT.fullmatch(ref), oid) for ref, oid in refs.items())
    return [_Wanted(oid, match["name"]) for match, oid in found if match]


def _named(repository: Repository, experiments: Sequence[_Wanted], name: str) -> list[_Wanted]:
    """The experiments of a name, or the commit that git knows by it.

    Raises:
        UsageError: there is neither.
    """
    known = [one for one in experiments if name == one.name]
    if known:
        return known
    asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    oid = process.attempt(repository.top, asked).stdout.decode().strip()
    if not oid:
        hint = "dvc exp list --all-commits shows the experiments, git log the commits"
        raise UsageError(f"there is no experiment and no revision {name}", hint=hint)
    experiment = next((one for one in experiments if one.commit == oid), None)
    return [experiment or _Wanted(oid, "")]


def _of_branches(repository: Repository) -> Iterator[_Wanted]:
    said = process.run(repository.top, ("rev-list", "--reverse", "--branches"))
    yield from (_Wanted(oid, "") for oid in said.decode().split())
