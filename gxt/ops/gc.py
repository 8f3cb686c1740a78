"""`gxt gc`: frees removed runs that nobody else has, takes leftovers away, and has git pack what there is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from gxt.errors import DOCTOR, DamagedRecord, GxtError
from gxt.git import collecting
from gxt.git.collecting import Objects
from gxt.git.objects import ObjectReader
from gxt.git.remotes import remotes
from gxt.git.repository import Repository
from gxt.model.ids import run_id
from gxt.named_tuple import NamedTuple
from gxt.ops import freeing_data
from gxt.ops.workspace import Workspace
from gxt.store import leftovers, locks
from gxt.store.health.past import check_past, read_past
from gxt.store.health.refs import read_refs
from gxt.store.health.runs import lost_runs, read_runs
from gxt.store.places import EXPERIMENTS, NOTES, REMOTE_REFS, TEMPORARY_REFS, cache_home, live_paths
from gxt.store.progress import untold
from gxt.store.sync import freeing
from gxt.store.sync.freeing import Freeable
from gxt.store.sync.merge import Pending
from gxt.store.tree import Tip, read_tip


class Freed(NamedTuple):
    """A removed run that is freed: its id and its uid."""

    id: str
    uid: str


class Plan(NamedTuple):
    """What there is to do.

    Attributes:
        runs: removed runs that no remote has.
        runs_bytes: what they take that nothing else needs; None where git cannot tell.
        refs: refs about remotes that are done with.
        indexes: files of indexes of other versions.
        indexes_bytes: what these take.
        must_forget: a gc that was killed has left traces of what it freed.
        content_bytes: what the cache has of the outputs of these runs and of nobody else.
        objects: how git's objects lie, where they are to be packed.
        notices: what stays though it was removed, in words.
    """

    runs: tuple[Freed, ...] = ()
    runs_bytes: int | None = 0
    refs: tuple[str, ...] = ()
    indexes: tuple[Path, ...] = ()
    indexes_bytes: int = 0
    must_forget: bool = False
    content_bytes: int = 0
    objects: Objects | None = None
    notices: tuple[str, ...] = ()

    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (
            self.runs or self.refs or self.indexes or self.must_forget or self.content_bytes or self.objects
        )


def plan(workspace: Workspace) -> Plan:
    """What there is to do. Nothing is written.

    Raises:
        GxtError: the history is not what it was: it is to be repaired first.
    """
    repository = workspace.repository
    with ObjectReader(repository) as reader:
        ours = read_tip(reader)
        found, damage = _freeable(repository, reader, ours)
        must_forget = leftovers.must_forget(repository)
        if found.runs or must_forget:
            _check_whole(repository, reader)
        seen = freeing.look_at_remotes(repository, reader)
        refs = leftovers.old_refs(reader, seen, remotes(repository).keys())
        size_bytes = freeing.freed_bytes(repository, reader, ours, found) if found.runs else 0
        content_bytes, kept = _content(repository, reader, ours, [one.uid for one in found.runs])
    indexes = leftovers.old_indexes(repository)
    objects = collecting.count_objects(repository)
    is_news = bool(found.runs or refs or must_forget or _left(repository) != objects)
    return Plan(
        runs=tuple(Freed(run_id(one.number), one.uid) for one in found.runs),
        runs_bytes=size_bytes,
        refs=tuple(refs),
        indexes=tuple(indexes),
        indexes_bytes=sum(path.stat().st_size for path in indexes),
        must_forget=must_forget,
        content_bytes=content_bytes,
        objects=objects if is_news and objects.loose + objects.packs > 1 else None,
        notices=(*damage, *kept, *_staying(repository, found, seen.unsettled)),
    )


def collect(workspace: Workspace, planned: Plan) -> Plan:
    """Do what was planned, as far as it still holds; returns what was done.

    Training may go on beside it: git's own gc takes nothing that is new.

    Raises:
        StoreBusy: another git process was in the way; what was done by then is done, and nothing is lost.
        GitFailed: git could not do it.
    """
    repository, done = workspace.repository, planned
    with locks.store_lock(repository):
        if planned.runs:
            with ObjectReader(repository) as reader:
                uids = [one.uid for one in planned.runs]
                data = freeing_data.put_out_by(repository, reader, read_tip(reader), uids)
            if data:
                freeing_data.remember(repository, data)
            leftovers.begin_forgetting(repository)
            freed = set(freeing.free(repository, {one.uid for one in planned.runs}))
            done = done._replace(runs=tuple(one for one in planned.runs if one.uid in freed))
        with ObjectReader(repository) as reader:
            content_bytes = freeing_data.free(repository, reader, read_tip(reader))
            seen = freeing.look_at_remotes(repository, reader)
            old = leftovers.old_refs(reader, seen, remotes(repository).keys())
        refs = [ref for ref in planned.refs if ref in old]
        leftovers.delete_refs(repository, refs)
        if leftovers.must_forget(repository):
            leftovers.forget(repository)
    leftovers.delete_files(planned.indexes)
    if planned.objects:
        collecting.collect(repository)
        _keep_left(repository, collecting.count_objects(repository))
    return done._replace(refs=tuple(refs), content_bytes=content_bytes)


def _content(
    repository: Repository, reader: ObjectReader, ours: Tip | None, uids: Sequence[str]
) -> tuple[int, tuple[str, ...]]:
    """How much of the cache goes with the runs, and why it does not."""
    wanted = [*freeing_data.put_out_by(repository, reader, ours, uids), *freeing_data.remembered(repository)]
    if not wanted:
        return 0, ()
    if freeing_data.is_shared(repository):
        return 0, ("outputs of freed runs stay in the cache: it is not this repository's alone",)
    if live_paths(repository):
        return 0, ("outputs of freed runs stay in the cache while a run goes on: the next gxt gc frees them",)
    # the removed ones are in the history still, and name it themselves: what others name is told afterwards
    return freeing_data.size_of(repository, dict.fromkeys(wanted)), ()


def _freeable(
    repository: Repository, reader: ObjectReader, ours: Tip | None
) -> tuple[Freeable, tuple[str, ...]]:
    """The runs to free; none, and why, where one that is to stay cannot be read."""
    try:
        return freeing.freeable(repository, reader, ours), ()
    except DamagedRecord as error:
        return Freeable(), (f"no run can be freed: {error.message}; gxt doctor tells what can be done",)


def _check_whole(repository: Repository, reader: ObjectReader) -> None:
    """What reflogs remember of a history that was moved back or aside must not be forgotten."""
    past = read_past(repository, reader, read_refs(repository))
    finding = next(check_past(past), None)
    if finding is not None:
        raise GxtError(finding.what, hint=finding.hint)
    if past.chain and past.others and any(lost_runs(reader, past, read_runs(reader, past.chain.tip, untold))):
        raise GxtError("runs are missing that the history once had", hint=DOCTOR)


_OWN = (EXPERIMENTS, *NOTES.values())
_OWN_BELOW = (f"{REMOTE_REFS}/", f"{TEMPORARY_REFS}/")


def _staying(repository: Repository, found: Freeable, unsettled: Sequence[str]) -> list[str]:
    """Removed runs that are not freed, or not by us alone."""
    said = []
    if found.doubtful:
        to, it = unsettled[0], "it" if len(found.doubtful) == 1 else "them"
        why = f"may be at {to}, since a push there was not completed"
        said.append(f"{_ids(found.doubtful)} {why}: gxt push {to} tells; gxt gc frees {it} then")
    commits = [one.folder.entries["run"].oid for one in found.runs]
    refs = collecting.containing(repository, commits)
    others = [ref for ref in refs if ref not in _OWN and not ref.startswith(_OWN_BELOW)]
    return said + [f"{ref} keeps runs that are to be freed: until it is deleted, git does" for ref in others]


def _ids(runs: Sequence[Pending]) -> str:
    return ", ".join(run_id(one.number) for one in runs)


def _left(repository: Repository) -> Objects | None:
    """How the objects lay when the last gc had ended; what it leaves is not packed again and again."""
    with suppress(OSError, ValueError, TypeError):
        return Objects(*json.loads(_left_path(repository).read_bytes()))
    return None


def _keep_left(repository: Repository, objects: Objects) -> None:
    with suppress(OSError):
        _left_path(repository).parent.mkdir(parents=True, exist_ok=True)
        _left_path(repository).write_text(json.dumps(objects))


def _left_path(repository: Repository) -> Path:
    return cache_home(repository) / "collected"
