"""The index: a cache, which may be damaged and may not lie."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from gxt.git.repository import Repository
from gxt.store.health.finding import REPAIR, Finding
from gxt.store.index import VERSION
from gxt.store.places import home

if TYPE_CHECKING:
    from gxt.store.health.runs import Run


def index_path(repository: Repository) -> Path:
    """Where the index is."""
    return home(repository) / f"index-{VERSION}.sqlite"


def open_index(repository: Repository) -> sqlite3.Connection:
    """The index, only to be read; it is not made when it is not there."""
    from urllib.parse import quote

    return sqlite3.connect(f"file:{quote(str(index_path(repository)))}?mode=ro", uri=True)


def check_index(repository: Repository, tip: str, runs: Mapping[int, Run]) -> Iterator[Finding]:
    """Whether it can be read, and holds at this tip the runs that the tip has. One that lags is no harm."""
    path = index_path(repository)
    if not path.exists() or path.stat().st_size == 0:
        return
    try:
        with closing(open_index(repository)) as index:
            (sound,) = index.execute("PRAGMA quick_check(1)").fetchone()
            said = index.execute("SELECT value FROM state WHERE key = 'tip'").fetchone()
            rows = dict(index.execute("SELECT number, oid FROM runs")) if said and said[0] == tip else None
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "no such table" in str(error):  # somebody writes it, or it is new
            return
        sound, rows = str(error), None
    except sqlite3.DatabaseError as error:
        sound, rows = str(error), None
    present = {number: run.folder.oid for number, run in runs.items() if not run.removed}
    if sound != "ok":
        yield Finding("index-damaged", f"{path} is damaged: {sound}", _AGAIN, True)
    elif rows is not None and rows != present:
        yield Finding("index-wrong", f"{path} does not hold the runs that are in git", _AGAIN, True)


_AGAIN = f"{REPAIR} makes it anew; or delete it: it is a cache"
