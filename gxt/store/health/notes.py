"""The notes on run commits: they follow from the experiments ref, and plain git shows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gxt.git.objects import ObjectReader, commit_headers, trailers
from gxt.store.health.finding import REPAIR, Finding
from gxt.store.health.refs import Refs
from gxt.store.health.runs import Run, listed
from gxt.store.places import NOTED_FILES, NOTES

_BUILT = f"the next run builds them again, or {REPAIR}"


def check_notes(
    reader: ObjectReader, refs: Refs, tip: str, chain: frozenset[str], runs: Mapping[int, Run]
) -> Iterator[Finding]:
    """Whether each notes ref shows what the experiments ref holds.

    Args:
        reader: for git's objects.
        refs: as they are.
        tip: the newest entry.
        chain: it and all before it.
        runs: the runs in its tree.
    """
    for what, ref in NOTES.items():
        wanted = _wanted(runs, NOTED_FILES[what])
        oid = refs.named.get(ref)
        commit = reader.read(oid) if oid else None
        if commit is None or commit.kind != "commit":
            if ref in refs.broken or oid:
                yield Finding("notes-broken", f"{ref} names no notes", _BUILT, True)
            elif wanted:
                yield Finding("notes-missing", f"{ref} is missing", _BUILT, True)
            continue
        noted = _noted(reader, commit.oid, "")
        shown = trailers(commit_headers(commit)[1]).get("Experiments")
        differing = {key for key in wanted.keys() | noted.keys() if wanted.get(key) != noted.get(key)}
        # the note on a document that git has lost cannot be built again
        differing -= {key for key in differing if key in wanted and reader.read(wanted[key]) is None}
        if any(not run.folder.entries for run in runs.values()):  # nor do we know whose they are
            differing -= noted.keys() - wanted.keys()
        if shown == tip and not differing:
            continue
        numbers = {run.folder.entries["run"].oid: n for n, run in runs.items() if "run" in run.folder.entries}
        ids = [numbers[key] for key in differing if key in numbers]
        whose = f": {listed(ids)}" if ids else ""
        if shown in chain and shown != tip:
            yield Finding("notes-behind", f"{ref} lags behind{whose}", _BUILT, True)
        else:
            what_ = f"{ref} was edited by hand or written by somebody else{whose}"
            yield Finding("notes-edited", what_, f"{_BUILT}; what is there stays in their history", True)


def _wanted(runs: Mapping[int, Run], file: str) -> dict[str, str]:
    """The blob that each run commit should have as its note."""
    return {
        run.folder.entries["run"].oid: run.folder.entries[file].oid
        for run in runs.values()
        if "run" in run.folder.entries and file in run.folder.entries and not run.removed
    }


def _noted(reader: ObjectReader, name: str, before: str) -> dict[str, str]:
    """The blobs of a notes tree by the commit that they are about, however many directories git has made."""
    found: dict[str, str] = {}
    for entry in reader.tree(name):
        if entry.mode == "40000":
            found |= _noted(reader, entry.oid, before + entry.name)
        else:
            found[before + entry.name] = entry.oid
    return found
