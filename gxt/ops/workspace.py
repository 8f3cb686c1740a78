"""The place where an operation works: a repository with its settings, and what was found lying there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gxt.errors import GxtError
from gxt.git.repository import Repository, discover
from gxt.named_tuple import NamedTuple
from gxt.store.places import is_quiet
from gxt.store.progress import Progress, untold
from gxt.store.settings import Settings, load_settings

if TYPE_CHECKING:
    from gxt.model.events import Folded


class Workspace(NamedTuple):
    """A repository that is ready to work in.

    Attributes:
        repository: where.
        settings: what team and user chose.
        notices: what happened on opening it that the user should know, in words.
        progress: told of what may take long.
    """

    repository: Repository
    settings: Settings
    notices: tuple[str, ...] = ()
    progress: Progress = untold


def open_workspace(cwd: Path | None = None) -> Workspace:
    """Find the repository that holds a directory, ours if none is named, and seal what killed processes left.

    Raises:
        NotARepository, BareRepository: there is nothing to work in.
        GxtError: nor is there a directory.
    """
    repository = discover(cwd or working_directory())
    settings = load_settings(repository)
    if is_quiet(repository):
        return Workspace(repository, settings)
    # what seals runs is loaded only where there may be any to seal
    from gxt.ops.late_logs import late_lines
    from gxt.ops.outputs import read_end
    from gxt.store.recovery import recover

    def dead(path: Path) -> Folded:
        late = late_lines(repository, path, settings.sources_off)
        return read_end(repository, settings, path, unfinished="interrupted", also=late)

    recovery = recover(repository, series_bytes=settings.series_bytes, read_end=dead)
    notices = [
        f"{one.run['id']} was interrupted: everything it had logged is kept"
        for one in recovery.sealed
        if one.run["status"] == "interrupted"
    ]
    return Workspace(repository, settings, (*notices, *recovery.notices))


def how_to_begin(repository: Repository) -> str:
    """What to do where there are no runs, in words. One git process: where there are runs nobody asks."""
    from gxt.git.remotes import remotes

    first = "gxt run -- python train.py"
    return f"{first}, or gxt pull for those of colleagues" if remotes(repository) else first


def working_directory() -> Path:
    """Where the user stands.

    Raises:
        GxtError: somebody has deleted it.
    """
    try:
        return Path.cwd()
    except OSError as error:
        raise GxtError(
            f"the working directory cannot be used: {error.strerror}",
            hint="somebody may have deleted it: go to one that is there, and try again",
        ) from error
