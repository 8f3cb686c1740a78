"""The place where an operation works: a repository with its settings, and what was found lying there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gxt.git.repository import Repository, discover
from gxt.store.places import live_paths
from gxt.store.settings import Settings, load_settings


@dataclass(frozen=True)
class Workspace:
    """A repository that is ready to work in.

    Attributes:
        repository: where.
        settings: what team and user chose.
        notices: what happened on opening it that the user should know, in words.
    """

    repository: Repository
    settings: Settings
    notices: tuple[str, ...] = ()


def open_workspace(cwd: Path) -> Workspace:
    """Find the repository, and seal what killed processes left behind.

    Raises:
        NotARepository, BareRepository: there is nothing to work in.
    """
    repository = discover(cwd)
    settings = load_settings(repository)
    if not live_paths(repository):
        return Workspace(repository, settings)
    from gxt.store.recovery import recover  # what seals runs is loaded only where there are any to seal

    recovery = recover(repository)
    notices = [
        f"{one.run['id']} was interrupted: everything it had logged is kept"
        for one in recovery.sealed
        if one.run["status"] == "interrupted"
    ]
    return Workspace(repository, settings, (*notices, *recovery.notices))
