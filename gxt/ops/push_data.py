"""The content that runs name goes to the remote of DVC's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from gxt.data.cache import Cache
from gxt.data.known import Known, is_known
from gxt.data.named import Named, each_once, members
from gxt.data.place import find_cache
from gxt.data.remotes import DataRemote, find_remote
from gxt.data.transfer import Carried, Carrier, is_here, missing_data
from gxt.errors import UnknownRemote
from gxt.git.objects import ObjectReader
from gxt.git.repository import Repository
from gxt.named_tuple import NamedTuple
from gxt.ops.carrying import Carrying, names_of, trusted_remote
from gxt.ops.push import Pushed, chosen, push
from gxt.ops.workspace import Workspace
from gxt.store.places import cache_home
from gxt.store.tree import RunFolder, changed_folders, open_folders, read_tip, uid_of

_MOST_COUNTED = 1_000  # runs whose documents a look at the state may read


class PushedData(NamedTuple):
    """What went to DVC's remote.

    Attributes:
        remote: its name; empty where DVC has none.
        objects, size_bytes: how much went, or would go.
        stays: runs whose content stays here, as there is no remote.
        notices: settings of the remote that were not taken, in words.
    """

    remote: str = ""
    objects: int = 0
    size_bytes: int = 0
    stays: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def push_both(
    workspace: Workspace,
    remote: str | None,
    runs: tuple[str, ...],
    carrying: Carrying | None,
    *,
    dry_run: bool = False,
) -> tuple[Pushed, PushedData]:
    """Publish runs, their content first.

    Args:
        workspace: where.
        remote: git's remote.
        runs: only these.
        carrying: how the content travels; None leaves it here.
        dry_run: tell what would go.

    Raises:
        GxtError: as `push` and `push_data` do.
    """
    data = PushedData()

    def carry(going: Sequence[RunFolder], uids: frozenset[str] | None) -> None:
        nonlocal data
        if carrying is None:
            data = PushedData(stays=_with_content(workspace.repository, going))
            return
        now = push_data(workspace.repository, going, carrying, only=uids, dry_run=dry_run)
        # others may have come first, then this is not the first attempt
        sums = (data.objects + now.objects, data.size_bytes + now.size_bytes)
        data = now._replace(objects=sums[0], size_bytes=sums[1])

    return push(workspace, remote, runs, dry_run=dry_run, carry=carry), data


def push_data_only(
    workspace: Workspace, runs: tuple[str, ...], carrying: Carrying, *, dry_run: bool = False
) -> PushedData:
    """Bring the content of runs to DVC's remote, published or not.

    Raises:
        UnknownRemote: DVC has none.
        GxtError: as `push_data` does.
    """
    data = push_data(workspace.repository, (), carrying, only=chosen(workspace, runs), dry_run=dry_run)
    if not data.remote:
        raise UnknownRemote("DVC has no remote that could hold data", hint="dvc remote add -d storage URL")
    return data


def waiting_bytes(repository: Repository, reader: ObjectReader, folders: Sequence[RunFolder]) -> int:
    """How much content runs name that is here and was never seen at DVC's remote; 0 for very many runs."""
    if len(folders) > _MOST_COUNTED:
        return 0
    named = each_once(_names(reader, folders))
    remote = find_remote(repository) if named else None
    if remote is None:
        return 0
    cache, seen = find_cache(repository), set[str]()
    if is_known(place := cache_home(repository)):
        with Known(place, remote.identity) as known:
            seen = known.has(one.md5 for one in named)
    return sum(one.size_bytes or 0 for one in named if one.md5 not in seen and is_here(cache, one))


def push_data(
    repository: Repository,
    going: Sequence[RunFolder],
    carrying: Carrying,
    *,
    only: Collection[str] | None = None,
    dry_run: bool = False,
) -> PushedData:
    """Bring the content of runs to the remote that DVC's configuration names.

    All of what the runs name that go now, or that were asked for, is there afterwards; of the latter it is
    looked at again. Of the others, published before, goes whatever is here and was never seen there.

    Args:
        repository: ours.
        going: the runs that are about to be published.
        carrying: how.
        only: uids; of other runs nothing is looked at.
        dry_run: tell what would go.

    Raises:
        MissingData: content is neither here nor there. Nothing has gone.
        DamagedData: content has another hash than it should have.
        RemoteFailed: the remote cannot be reached, or has refused.
        GxtError: the remote cannot be used, or is another than before.
    """
    remote = trusted_remote(repository, carrying, dry_run=dry_run)
    if remote is None:
        return PushedData(stays=_with_content(repository, going))
    with ObjectReader(repository) as reader, Known(cache_home(repository), remote.identity) as known:
        looked = _looked_through(reader, known, going, only)
        pushing = _Pushing(remote, find_cache(repository), known, carrying, looks_again=only is not None)
        carried, lacking = pushing.push(looked.needed, looked.others, dry_run=dry_run)
        if looked.tip is not None and not dry_run:
            known.settle(looked.tip, lacking)
    return PushedData(remote.name, *carried, notices=remote.notices)


def _with_content(repository: Repository, going: Sequence[RunFolder]) -> tuple[str, ...]:
    if not going:
        return ()
    with ObjectReader(repository) as reader:
        return tuple(named[0].run for named in names_of(reader, going) if named)


class _Looked(NamedTuple):
    """What runs name: what must be there, what else may be brought, up to which entry that is all."""

    needed: list[Named]
    others: list[Named]
    tip: str | None = None


def _looked_through(
    reader: ObjectReader, known: Known, going: Sequence[RunFolder], only: Collection[str] | None
) -> _Looked:
    tip = read_tip(reader)
    if tip is None:
        return _Looked([], [])
    before = known.tip() if only is None else None
    if before is not None and reader.read(before) is None:
        before = None
    changed = [(number, oid) for number, oid in changed_folders(reader, before, tip.oid) if oid]
    folders = list(open_folders(reader, changed))
    if only is not None:
        chosen = [one for one in folders if uid_of(reader, one) in only]
        return _sorted_out(_names(reader, chosen), [])
    commits = {_commit(one) for one in going}
    others = [one for one in folders if _commit(one) not in commits]
    return _sorted_out(_names(reader, going), [*_names(reader, others), *known.lacking()], tip.oid)


def _sorted_out(needed: list[Named], others: list[Named], tip: str | None = None) -> _Looked:
    """What a run had not when it ran nobody needs to bring."""
    optional = [one for one in needed if not one.was_here]
    return _Looked([one for one in needed if one.was_here], [*optional, *others], tip)


def _names(reader: ObjectReader, folders: Sequence[RunFolder]) -> list[Named]:
    return [one for named in names_of(reader, folders) for one in named]


def _commit(folder: RunFolder) -> str | None:
    entry = folder.entries.get("run")
    return entry.oid if entry else None


class _Pushing:
    """One push of content.

    Args:
        remote: to there.
        cache: from here.
        known: what is known to be there.
        carrying: how.
        looks_again: what was there once may be lost: ask the remote.
    """

    def __init__(
        self, remote: DataRemote, cache: Cache, known: Known, carrying: Carrying, *, looks_again: bool
    ) -> None:
        self._remote = remote
        self._cache = cache
        self._known = known
        self._progress = carrying.progress
        self._looks_again = looks_again

    def push(
        self, needed: Iterable[Named], others: Iterable[Named], *, dry_run: bool
    ) -> tuple[Carried, list[Named]]:
        """What has gone, and what of the others is not here."""
        needed, others = self._unknown(needed), self._unknown(others)
        if not needed and not others:
            return Carried(), []
        wanted = {one.md5 for one in needed}
        all_of_it = each_once([*needed, *others])
        here = [one for one in all_of_it if is_here(self._cache, one)]
        absent = [one for one in all_of_it if not is_here(self._cache, one)]
        files, lost = self._files(here)
        broken = {folder.md5 for _, folder in lost if folder.md5 not in wanted}
        lacking = [one for one in absent if one.md5 not in wanted]
        lacking += [one for one in here if one.md5 in broken]
        elsewhere = [one for one in absent if one.md5 in wanted]
        elsewhere += [one for one, folder in lost if folder.md5 in wanted]
        sendable = self._unknown([*files, *(one for one in here if one.md5 not in broken)])
        if not sendable and not elsewhere:
            return Carried(), lacking
        carrier = Carrier(self._remote, self._cache, self._told)
        missing = carrier.lacks(each_once(elsewhere))
        if missing:
            where = f"in the cache, nor on {self._remote.name} ({self._remote.shown})"
            raise missing_data(missing, where, "dvc add or dvc pull brings it; gxt push --no-data leaves it")
        for one in elsewhere if not dry_run else ():
            self._known.add(one.md5)
        if dry_run:
            going = carrier.lacks(sendable)
            return Carried(len(going), sum(self._size(one) for one in going)), lacking
        return carrier.push(sendable, self._known.add), lacking

    def _unknown(self, wanted: Iterable[Named]) -> list[Named]:
        once = each_once(wanted)
        if self._looks_again:
            return once
        known = self._known.has(one.md5 for one in once)
        return [one for one in once if one.md5 not in known]

    def _files(self, here: Sequence[Named]) -> tuple[list[Named], list[tuple[Named, Named]]]:
        """The files of the folders among it; and those that are not here, each with its folder."""
        files, lost = list[Named](), list[tuple[Named, Named]]()
        for folder in (one for one in here if one.is_folder):
            for member in members(self._cache, folder):
                if is_here(self._cache, member):
                    files.append(member)
                else:
                    lost.append((member, folder))
        return files, lost

    def _size(self, one: Named) -> int:
        return self._cache.path_of(one.md5).stat().st_size

    def _told(self, done: int, total: int) -> None:
        self._progress(f"data to {self._remote.name}", done, total)
