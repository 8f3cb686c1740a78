"""`gxt doctor --repair`: mend, step by step, what can be mended without deleting data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from gxt.errors import DOCTOR, GxtError
from gxt.git.repository import Repository
from gxt.ops.outputs import read_end
from gxt.store import locks
from gxt.store.health import files
from gxt.store.health.finding import Finding
from gxt.store.repair import journals, refs, runs
from gxt.store.settings import Settings, load_settings


def mend(repository: Repository) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """Take every step, each upon the one before; returns what was done, and which step failed."""
    busy = _why_not(repository)
    if busy:
        return (), busy
    done: list[str] = []
    failed: list[Finding] = []
    settings = _settings(repository)
    series_bytes = settings.series_bytes
    dead = partial(read_end, repository, settings, unfinished="interrupted")
    steps: tuple[tuple[str, Callable[[], Iterator[str]]], ...] = (
        ("stale locks", lambda: refs.remove_locks(repository)),
        ("damaged refs", lambda: refs.mend_files(repository)),
        ("the experiments ref", lambda: refs.mend_experiments(repository)),
        ("journals", lambda: journals.set_aside_journals(repository)),
        ("leftovers", lambda: refs.sweep(repository)),
        ("dead runs", lambda: journals.record(repository, series_bytes=series_bytes, read_end=dead)),
        ("the history", lambda: runs.mend_runs(repository)),
        ("the notes", lambda: runs.mend_notes(repository)),
        ("the index", lambda: runs.mend_index(repository)),
    )
    for what, step in steps:
        try:
            done.extend(step())
        except GxtError as error:
            if error.hint != DOCTOR:  # else the checks that follow tell it
                failed.append(Finding("repair-failed", f"{what}: {error.message}", error.hint))
        except OSError as error:
            reason = f"{what}: {error.strerror}: {error.filename}"
            failed.append(
                Finding("repair-failed", reason, "repair it where the repository can be written to")
            )
    return tuple(done), tuple(failed)


def _why_not(repository: Repository) -> tuple[Finding, ...]:
    """Why nothing can be repaired now: somebody holds the store's lock, or nothing can be written."""
    held = tuple(files.check_store_lock(repository))
    if held:
        return (Finding("repair-failed", "nothing was repaired", "try again when gxt's lock is free"),)
    try:
        with locks.store_lock(repository):
            return ()
    except OSError as error:
        what = f"nothing was repaired: {error.strerror}: {error.filename}"
        return (Finding("repair-failed", what, "repair it where the repository can be written to"),)


def _settings(repository: Repository) -> Settings:
    """The settings, or what holds without any: the checks say what is wrong with them."""
    try:
        return load_settings(repository)
    except GxtError:
        return Settings()
