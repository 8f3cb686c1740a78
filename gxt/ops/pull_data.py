"""The content that runs name comes here from the remote of DVC's."""

from __future__ import annotations

from collections.abc import Sequence

from gxt.data.known import Known
from gxt.data.named import Named, named_by
from gxt.data.place import find_cache
from gxt.data.transfer import Carrier, is_here, lacking_files
from gxt.errors import UnknownRemote
from gxt.git.repository import Repository
from gxt.model.json_types import JsonObject
from gxt.named_tuple import NamedTuple
from gxt.ops.carrying import Carrying, trusted_remote
from gxt.ops.history import History
from gxt.ops.workspace import Workspace
from gxt.store.places import cache_home

_NO_REMOTE = "dvc remote add -d storage URL says where it is"


class PulledData(NamedTuple):
    """What came from DVC's remote.

    Attributes:
        remote: its name; empty where DVC has none, or nothing was lacking.
        objects, size_bytes: how much came, or would come.
        notices: settings of the remote that were not taken, in words.
    """

    remote: str = ""
    objects: int = 0
    size_bytes: int = 0
    notices: tuple[str, ...] = ()


def pull_data(
    workspace: Workspace, runs: Sequence[str], carrying: Carrying, *, dry_run: bool = False
) -> PulledData:
    """Bring the content here that runs name; of all runs where none is named.

    Args:
        workspace: where.
        runs: which.
        carrying: how.
        dry_run: tell what would come. Of a folder whose list is not here that is the list alone.

    Raises:
        UnknownRun, AmbiguousRun: one of the runs is not here.
        MissingData: the remote has not all of it. What it has is here.
        DamagedData: the remote has other content under a hash.
        RemoteFailed: the remote cannot be reached.
        UnknownRemote: content is lacking here, and DVC has no remote.
        GxtError: the remote cannot be used, or is another than before.
    """
    with History(workspace) as history:
        found = [history.resolve(ref) for ref in runs] if runs else history.runs()
        wanted = [one for run in found for one in names_in(run)]
    return bring(workspace.repository, wanted, carrying, dry_run=dry_run)


def names_in(run: JsonObject) -> list[Named]:
    """What a run names, by its JSON."""
    return named_by(str(run["id"]), run, run)


def bring(
    repository: Repository, wanted: Sequence[Named], carrying: Carrying, *, dry_run: bool = False
) -> PulledData:
    """Bring content into the cache. Raises as `pull_data`."""
    cache = find_cache(repository)
    lacking = [one for one in wanted if not is_here(cache, one)]
    lacking += lacking_files(cache, [one for one in wanted if one.is_folder and is_here(cache, one)])
    if not lacking:
        return PulledData()
    remote = trusted_remote(repository, carrying, dry_run=dry_run)
    if remote is None:
        first = lacking[0]
        raise UnknownRemote(f"{first.run}: {first.path} ({first.md5}) is not here", hint=_NO_REMOTE)
    if dry_run:
        once = {one.md5: one.size_bytes or 0 for one in lacking}
        return PulledData(remote.name, len(once), sum(once.values()), remote.notices)

    def told(done: int, total: int) -> None:
        carrying.progress(f"data from {remote.name}", done, total)

    with Known(cache_home(repository), remote.identity) as known:
        carried = Carrier(remote, cache, told).pull(wanted, known.add)
    return PulledData(remote.name, *carried, notices=remote.notices)
