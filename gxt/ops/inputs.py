"""Whether a run uses data that can be told. Most do not: only what is found here loads the rest."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gxt.errors import UsageError
from gxt.git.repository import Repository
from gxt.ops.declared import folders_above
from gxt.store.places import names_in

if TYPE_CHECKING:
    from gxt.ops.datasets import Inputs


def look_at_inputs(repository: Repository, named: Sequence[str], *, patience_s: float) -> Inputs | None:
    """The data of a run that starts now, as far as it is soon known; None without a sign of any.

    Args:
        repository: where.
        named: paths of data, relative to the working directory.
        patience_s: how long it may take.

    Raises:
        UsageError: there is nothing at a path, or it is no data.
    """
    for path in named:
        check_named(repository, path)
    if not named and not _has_signs(repository):
        return None
    from gxt.ops.datasets import find, look

    return look(repository, find(repository, named), patience_s=patience_s)


def check_named(repository: Repository, named: str) -> None:
    """Raise UsageError unless there is data at a path, relative to the working directory."""
    path = repository.cwd / named
    try:
        kind = stat.S_IFMT(path.stat().st_mode) if named.strip() else 0
    except (OSError, ValueError):  # ValueError: a NUL in the path
        kind = 0
    if not kind:
        raise UsageError(
            f"there is no data at {named!r}", hint="--data takes a file or a folder that is here"
        )
    if kind not in (stat.S_IFREG, stat.S_IFDIR):
        raise UsageError(
            f"{named!r} is neither a file nor a folder", hint="--data takes what can be read twice"
        )
    if Path(os.path.realpath(path)) == repository.top:
        raise UsageError("the whole repository is no data", hint="name the folder in it that holds the data")


def _has_signs(repository: Repository) -> bool:
    return any(
        name == "dvc.yaml" or name.endswith(".dvc")
        for folder in folders_above(repository)
        for name in names_in(folder)
    )
