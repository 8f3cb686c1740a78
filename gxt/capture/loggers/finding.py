"""Where loggers write: which files of a work tree may be theirs, told by names and times alone."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from stat import S_ISREG
from typing import Final

from gxt.capture.log_places import DATABASE, FOLDERS, PARAMS, STATE, is_foreign
from gxt.capture.loggers.tail import Stamp
from gxt.model.metrics import TABLES
from gxt.named_tuple import NamedTuple

_DEEPEST: Final = 8
_MOST: Final = 50_000  # names in one look; an older one than that is not found
_LEAF: Final = 2  # links to a folder without folders in it; on some file systems every folder has one
_ENDINGS: Final = (*TABLES, *PARAMS, STATE, DATABASE, ".wandb", "meta.yaml", "metrics.json")
_MLFLOW_RUN: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)


class Found(NamedTuple):
    """A file, or a folder, that may be a logger's.

    Attributes:
        kind: of the logger.
        path: what is read.
        stream: the folder that stands for one training.
        stamp: how the file looks.
    """

    kind: str
    path: Path
    stream: Path
    stamp: Stamp


def walk(roots: Iterable[str], since_ns: int, *, whole: bool = False) -> Iterator[tuple[str, os.stat_result]]:
    """The files below the roots: those in known folders, in others those of folders that changed since then.

    Links are not followed. What may not be read is passed over.

    Args:
        roots: where to begin.
        since_ns: nanoseconds since 1970.
        whole: also files of known folders that nothing was put into since then. Without it those without
            folders in them are left out: there may be thousands, each of an old run.
    """
    waiting = deque((root, 0, False) for root in roots)
    seen: set[str] = set()
    left = _MOST
    while waiting and left > 0:
        folder, depth, known = waiting.popleft()
        if folder in seen:
            continue
        seen.add(folder)
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        left -= len(entries)
        for entry in entries:
            try:
                found = entry.stat(follow_symlinks=False)
                is_folder = entry.is_dir(follow_symlinks=False)
            except OSError:
                continue
            if S_ISREG(found.st_mode):
                yield entry.path, found
            elif is_folder and depth < _DEEPEST and not is_foreign(entry.name):
                inside = known or entry.name in FOLDERS
                is_leaf = found.st_nlink == _LEAF and not whole
                if found.st_mtime_ns >= since_ns or (inside and not is_leaf):
                    waiting.append((entry.path, depth + 1, inside))


def known(place: str, found: os.stat_result) -> Found | None:
    """The logger that writes files of such a name, if one does."""
    name = place.rpartition("/")[2]
    if not name.endswith(_ENDINGS) and ".tfevents." not in name:
        return None
    path, stamp = Path(place), Stamp.of(found)
    if ".tfevents." in name:
        return None if name.endswith(".profile-empty") else Found("tensorboard", path, path.parent, stamp)
    if name == STATE:
        stream = path.parent.parent if path.parent.name.startswith("checkpoint-") else path.parent
        return Found("trainer_state", path, stream, stamp)
    if name.endswith(".wandb"):
        return Found("wandb", path, path.parent, stamp)
    if name == DATABASE:
        return Found("mlflow", path, path, stamp)
    if name == "meta.yaml":
        is_run = _MLFLOW_RUN.fullmatch(path.parent.name) is not None
        return Found("mlflow", path, path.parent, stamp) if is_run else None
    if name == "metrics.json" and (path.parent.name == "dvclive" or (path.parent / "plots").is_dir()):
        return Found("dvclive", path, path.parent, stamp)
    if name in PARAMS:
        return Found("params", path, path.parent, stamp)
    if name.endswith(TABLES) and found.st_size:
        above = path.parts
        if "plots" in above:  # DVCLive's, or a figure's
            at = len(above) - 1 - above[::-1].index("plots")
            folder = Path(*above[:at])
            return Found("dvclive", path, folder, stamp) if above[at + 1] == "metrics" else None
        return Found("csv", path, path, stamp)
    return None
