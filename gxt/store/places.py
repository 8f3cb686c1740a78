"""Where gxt keeps what: refs in the repository, files in git's common directory."""

from __future__ import annotations

import re
from pathlib import Path

from gxt.git.repository import Repository
from gxt.model.ids import is_uid

EXPERIMENTS = "refs/gxt/experiments"
NOTES = {
    "config": "refs/notes/gxt/config",
    "metrics": "refs/notes/gxt/metrics",
    "annotations": "refs/notes/gxt/annotations",
}
CODE = "code.pack"
STAGED = "files"  # of a live run: outputs on their way into the cache
LIVE_REFS = "refs/gxt/live"
TEMPORARY_REFS = "refs/gxt/tmp"
KEPT_REFS = "refs/gxt/kept"
REMOTE_REFS = "refs/gxt/remotes"
_PACKED = re.compile(rb" refs/gxt/(?:live|tmp)/([^/\n]+)")
NOTED_FILES = {"config": "config.json", "metrics": "metrics.json", "annotations": "annotations.jsonl"}


def live_ref(uid: str) -> str:
    """The ref that keeps the snapshot of a live run; never pushed."""
    return f"{LIVE_REFS}/{uid}"


def temporary_ref(uid: str, what: str) -> str:
    """A ref that protects new objects from gc until the real refs move."""
    return f"{TEMPORARY_REFS}/{uid}/{what}"


def tracking_ref(remote: str) -> str:
    """The newest entry that was taken over from a remote, or that it has accepted from us."""
    return f"{REMOTE_REFS}/{remote}/experiments"


def tracking_notes(remote: str) -> dict[str, str]:
    """The notes of a remote, as they were fetched last."""
    return {what: f"{REMOTE_REFS}/{remote}/notes/{what}" for what in NOTES}


def incoming_ref(remote: str) -> str:
    """The newest entry of a remote as it was fetched last, be it taken over or not."""
    return f"{REMOTE_REFS}/{remote}/incoming"


def outgoing_ref(remote: str, ref: str) -> str:
    """What was to be pushed last to a ref of a remote."""
    return f"{REMOTE_REFS}/{remote}/outgoing/{ref.removeprefix('refs/')}"


def kept_ref(name: str) -> str:
    """A ref by which a repair keeps what another ref has named before."""
    return f"{KEPT_REFS}/{name}"


def home(repository: Repository) -> Path:
    """The directory of gxt, shared by all linked work trees."""
    return repository.common_dir / "gxt"


def recorded_here(repository: Repository) -> Path:
    """The file with the uids of the runs that were recorded in this clone, a line each."""
    return home(repository) / "recorded"


def live_home(repository: Repository) -> Path:
    """The directory that holds one directory per live run."""
    return home(repository) / "live"


def set_aside_home(repository: Repository) -> Path:
    """The directory of what a repair has put out of the way."""
    return home(repository) / "set-aside"


def live_paths(repository: Repository) -> list[Path]:
    """The directories of all live runs, oldest first."""
    try:
        return sorted(path for path in live_home(repository).iterdir() if is_uid(path.name))
    except FileNotFoundError:
        return []


def left_refs(repository: Repository) -> Path:
    """A file that says: there are refs of ours that nobody needs, and that could not be deleted."""
    return home(repository) / "left-refs"


def is_quiet(repository: Repository) -> bool:
    """Whether no run is live and no killed process left anything: then there is nothing to recover."""
    return not (left_refs(repository).exists() or names_in(live_home(repository)) or protected(repository))


def protected(repository: Repository) -> set[str]:
    """The runs for which there are refs that protect them from gc; read without git.

    Somebody may have packed a ref whose process was killed before there was anything else of its run.
    """
    common = repository.common_dir
    found = names_in(common / LIVE_REFS) | names_in(common / TEMPORARY_REFS)
    try:
        packed = (common / "packed-refs").read_bytes()
    except OSError:
        return found
    return found.union(name.decode(errors="replace") for name in _PACKED.findall(packed))


def names_in(folder: Path) -> set[str]:
    """What is in a directory; nothing where there is none."""
    try:
        return {path.name for path in folder.iterdir()}
    except OSError:
        return set()


def cache_home(repository: Repository) -> Path:
    """What may be deleted at any time."""
    return home(repository) / "cache"
