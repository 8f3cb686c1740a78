"""Where content by its hash lies: DVC's cache where there is DVC, a folder of our own in git's elsewhere."""

from __future__ import annotations

import os
from configparser import Error, RawConfigParser
from pathlib import Path
from typing import Final

from gxt.data.cache import Cache
from gxt.git.repository import Repository

_DVC: Final = ".dvc"
_CONFIGS: Final = ("config", "config.local")  # the later one wins


def find_cache(repository: Repository) -> Cache:
    """The cache of the DVC project at or above the top; of the main work tree, where there are several.

    Without a project `gxt/data` in git's common directory, in the same layout; with one it stands beside.
    """
    for top in (main_top(repository), repository.top):
        for folder in (top, *top.parents):
            if (folder / _DVC).is_dir():
                return Cache(_cache_of(folder / _DVC), own_cache(repository))
    return Cache(own_cache(repository))


def own_cache(repository: Repository) -> Path:
    """The root of the cache that is used without DVC, and where `dvc gc` does not look."""
    return repository.common_dir / "gxt" / "data"


def main_top(repository: Repository) -> Path:
    """The top of the main work tree; our own where there is none."""
    is_linked = repository.git_dir != repository.common_dir
    return (
        repository.common_dir.parent if is_linked and repository.common_dir.name == ".git" else repository.top
    )


def _cache_of(project: Path) -> Path:
    """What the configuration names, relative to the folder that it is in; by default `cache` there."""
    found = project / "cache"
    for path in (_user_config(), *(project / name for name in _CONFIGS)):
        if named := _cache_dir(path):
            found = Path(os.path.normpath(path.parent / Path(named).expanduser()))
    return found


def _cache_dir(config: Path) -> str:
    """`dir` of the section `cache`; nothing where that cannot be read, as DVC will tell itself."""
    parser = RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(config.read_text(encoding="utf-8"))
        said = parser.get("cache", "dir", fallback=None) or ""
    except (OSError, ValueError, Error):
        return ""
    return said[1:-1] if said[:1] == said[-1:] and said[:1] in ("'", '"') else said


def _user_config() -> Path:
    """The configuration of this person for all projects."""
    if named := os.environ.get("DVC_GLOBAL_CONFIG_DIR"):
        return Path(named) / "config"
    if os.uname().sysname == "Darwin":
        return Path("~/Library/Application Support/dvc/config").expanduser()
    return Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "dvc" / "config"
