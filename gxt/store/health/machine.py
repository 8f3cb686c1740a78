"""What runs depend on outside of gxt: git's version, settings that endanger them, room on the disk."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator, Mapping

from gxt.git import process
from gxt.git.repository import Repository
from gxt.named_tuple import NamedTuple
from gxt.store import collector, debris
from gxt.store.health.finding import Finding
from gxt.store.places import home

OLDEST_GIT = (2, 34)
_LEAST_FREE = 100 << 20  # bytes: a run of some length with its code
_AT_ONCE = frozenset(("now", "all"))


class Setting(NamedTuple):
    """One of git's settings, and where it is set: system, global, local or worktree."""

    scope: str
    value: str


def git_version(repository: Repository) -> str:
    """The version of git, such as `2.39.5`. One git process."""
    said = process.run(repository.top, ("version",)).decode(errors="replace").split()
    return said[2] if len(said) > 2 else "of an unknown version"


def git_settings(repository: Repository) -> dict[str, Setting]:
    """What the user's files tell git, by lower-case key. One git process."""
    said = process.run(repository.top, ("config", "-z", "--show-scope", "--list")).decode(errors="replace")
    words = said.split("\0")
    found = {}
    for scope, item in zip(words[::2], words[1::2], strict=False):
        key, _, value = item.partition("\n")
        if scope != "command":  # those are our own
            found[key] = Setting(scope, value)
    return found


def check_version(version: str) -> Iterator[Finding]:
    """Whether gxt works with this git."""
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if numbers and (int(numbers[1]), int(numbers[2])) < OLDEST_GIT:
        yield Finding(
            "git-too-old", f"git {version} is older than gxt works with", "install git 2.34 or newer"
        )


def check_settings(settings: Mapping[str, Setting]) -> Iterator[Finding]:
    """Settings of git with which runs can be lost."""
    fsync = settings.get("core.fsync")
    if fsync and "none" in fsync.value.split(","):
        yield _unsafe("core.fsync", fsync, "what git packs may be lost in a power cut")
    method = settings.get("core.fsyncmethod")
    if method and method.value == "writeout-only":
        yield _unsafe("core.fsyncMethod", method, "a run that was just recorded may be lost in a power cut")
    expire = settings.get("gc.pruneexpire")
    if expire and expire.value in _AT_ONCE:
        yield _unsafe("gc.pruneExpire", expire, "git gc takes at once what no ref names yet")


def _unsafe(key: str, setting: Setting, danger: str) -> Finding:
    return Finding(
        "unsafe-git-setting",
        f"git's setting {key} is {setting.value}: {danger}",
        f"git config --{setting.scope} --unset {key}",
    )


def check_collector(repository: Repository) -> Iterator[Finding]:
    """Whether a git gc that is gone has left the file that says it is running."""
    path = repository.common_dir / "gc.pid"
    try:
        said, age_s = path.read_bytes(), time.time() - path.stat().st_mtime
    except OSError:
        return
    pid = collector.pid_here(said)
    if age_s > collector.STALE_S if pid is None else not collector.lives(pid):
        yield Finding(
            "gc-pid-left",
            f"{path} is {debris.age(age_s)} old, and the git gc that wrote it is gone",
            debris.command("rm", path),
        )


def check_room(repository: Repository) -> Iterator[Finding]:
    """Whether there is room for another run."""
    place = home(repository) if home(repository).is_dir() else repository.common_dir
    free = shutil.disk_usage(place).free
    if free < _LEAST_FREE:
        yield Finding(
            "disk-almost-full",
            f"the disk that holds {place} has only {free >> 20} MiB left",
            "make room: a run that finds no room loses a part of its record",
        )
