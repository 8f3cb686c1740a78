"""`gxt pull`: what colleagues have recorded and said comes here."""

from __future__ import annotations

from gxt.git.remotes import Remote, resolve
from gxt.model.ids import run_id
from gxt.named_tuple import NamedTuple
from gxt.ops.fetching import fetch_and_take
from gxt.ops.history import History
from gxt.ops.workspace import Workspace
from gxt.store.sync.taking import Taken


class Pulled(NamedTuple):
    """What came from a remote.

    Attributes:
        remote: its name.
        is_empty: it has no runs at all.
        new, updated: ids of runs, as they are here now.
        renumbered: runs of ours that have another number now: what they had, what they have.
        elsewhere: runs of theirs that have another number here: ours, theirs.
        refused: what was left out, in words.
    """

    remote: str
    is_empty: bool
    new: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    renumbered: tuple[tuple[str, str], ...] = ()
    elsewhere: tuple[tuple[str, str], ...] = ()
    refused: tuple[str, ...] = ()


def pull(
    workspace: Workspace, remote: str | None = None, runs: tuple[str, ...] = (), *, dry_run: bool = False
) -> Pulled:
    """Take over what a remote has.

    Args:
        workspace: where.
        remote: its name; by default the one that gives the numbers.
        runs: that must be here afterwards.
        dry_run: fetch, tell what would be, and change nothing.

    Raises:
        RemoteFailed: nothing could be fetched.
        UnknownRun, AmbiguousRun: one of the runs is not here afterwards.
        RewrittenRemote: it has lost or rewritten what it had.
        DamagedRecord, NewerFormat: it has what cannot be taken over.
    """
    from_ = resolve(workspace.repository, remote)
    found = fetch_and_take(workspace.repository, from_, workspace.progress, dry_run=dry_run)
    pulled = _pulled(from_, *found)
    if runs and not dry_run:
        with History(workspace) as history:
            for ref in runs:
                history.resolve(ref)
    return pulled


def _pulled(remote: Remote, theirs: str | None, taken: Taken | None) -> Pulled:
    if theirs is None or taken is None:
        return Pulled(remote.name, is_empty=True)
    return Pulled(
        remote=remote.name,
        is_empty=False,
        new=tuple(map(run_id, taken.new)),
        updated=tuple(map(run_id, taken.updated)),
        renumbered=tuple((run_id(had), run_id(has)) for had, has in taken.renumbered()),
        elsewhere=tuple((run_id(here), run_id(there)) for here, there in taken.elsewhere()),
        refused=taken.refused(),
    )
