"""Every run in git: whether it can be read, is what was recorded, and whether one is missing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from gxt.errors import DamagedRecord, GxtError, NewerFormat
from gxt.git import process
from gxt.git.objects import ObjectReader, TreeEntry, commit_headers
from gxt.git.repository import Repository
from gxt.model.annotations import fold
from gxt.model.codec import FORMAT
from gxt.model.ids import parse_run_id, run_id, run_path
from gxt.model.json_types import JsonObject
from gxt.model.run import metrics_of
from gxt.model.series import decode
from gxt.named_tuple import NamedTuple
from gxt.store.health.finding import REPAIR, Finding
from gxt.store.health.past import Entry, Past
from gxt.store.places import EXPERIMENTS
from gxt.store.progress import Progress
from gxt.store.reading import ANNOTATIONS, read_annotations, read_folders, read_removed
from gxt.store.tree import REMOVED, RunFolder, changed_folders, changes, open_folders, uid_of

_BATCH = 200
_MOST = 5  # runs that one finding names
_KNOWN = frozenset(("format", "next"))


class Run(NamedTuple):
    """A run's directory in git and what is wrong with it.

    Attributes:
        folder: the directory.
        uid: the identity, as far as the run commit or a document tells it.
        removed: whether it stands for a run that was removed.
        damage: what cannot be read, in words; empty when all is well.
        newer: whether that is because a newer gxt wrote it.
        metrics: the names of its metrics.
    """

    folder: RunFolder
    uid: str
    removed: bool = False
    damage: str = ""
    newer: bool = False
    metrics: tuple[str, ...] = ()


class Lost(NamedTuple):
    """A run that was recorded and is not in the tree, or not as it was recorded.

    Attributes:
        entry: the entry that added it.
        folder: its directory then.
        whole: whether that can be read.
        edited: the names of what differs now; empty when the run is not in the tree.
        annotations: what is said of it now, where that can be read: it may have been said later.
    """

    entry: Entry
    folder: RunFolder
    whole: bool
    edited: tuple[str, ...] = ()
    annotations: str = ""


def read_runs(reader: ObjectReader, tip: str, progress: Progress) -> dict[int, Run]:
    """Every run in the tree of an entry, looked at to the last byte; by number."""
    places = [(number, oid) for number, oid in changed_folders(reader, None, tip) if oid]
    runs: dict[int, Run] = {}
    rest = iter(places)
    while batch := list(islice(rest, _BATCH)):
        opened = list(open_folders(reader, batch))
        for folder in opened:
            if REMOVED in folder.entries:
                runs[folder.number] = _removed(reader, folder)
        present = [folder for folder in opened if folder.number not in runs]
        for folder, found in read_folders(reader, present):
            runs[folder.number] = _looked_at(reader, folder, found)
        progress("reading runs", len(runs), len(places))
    return runs


def _removed(reader: ObjectReader, folder: RunFolder) -> Run:
    """A removed run: its mark and what was said of it must agree, or nobody could bring it back."""
    uid, damage, newer = uid_of(reader, folder) or "", "", False
    try:
        document = read_removed(reader, folder)
        said = read_annotations(reader, folder)
        if document["uid"] != uid:
            damage = f"its removed.json is that of the run {document['uid']}, its commit is {uid or 'lost'}"
        elif not fold(said).removed:
            damage = "its annotations do not say that it is removed"
    except (DamagedRecord, NewerFormat) as error:
        damage, newer = error.message, isinstance(error, NewerFormat)
    return Run(folder, uid, removed=True, damage=damage, newer=newer)


def _looked_at(reader: ObjectReader, folder: RunFolder, found: JsonObject | GxtError) -> Run:
    if not folder.entries:
        return Run(folder, "", damage="git has lost its directory")
    uid = uid_of(reader, folder) or ""
    if isinstance(found, GxtError):
        id_ = run_id(folder.number)
        message = found.message.removeprefix(f"{id_} ").removeprefix(f"{id_}/").replace(f" of {id_}:", ":")
        return Run(folder, uid, damage=message, newer=isinstance(found, NewerFormat))
    try:
        _check_commit(uid, found)
        _check_metrics(reader, folder, found)
        _check_rest(reader, folder, found)
    except (DamagedRecord, NewerFormat) as error:
        return Run(folder, uid, damage=error.message, newer=isinstance(error, NewerFormat))
    return Run(folder, str(found["uid"]), metrics=tuple(metrics_of(found)))


def _check_commit(uid: str, run: JsonObject) -> None:
    if not uid:
        raise DamagedRecord("its run commit is missing or is none of gxt")
    if uid != run["uid"]:
        raise DamagedRecord(f"its documents are those of the run {run['uid']}, its commit is {uid}'s")


def _check_metrics(reader: ObjectReader, folder: RunFolder, run: JsonObject) -> None:
    blob = reader.read(folder.entries["metrics.json"].oid)
    uid = json.loads(blob.data).get("uid") if blob else None
    if uid != run["uid"]:
        raise DamagedRecord(f"its metrics.json is that of the run {uid}")


def _check_rest(reader: ObjectReader, folder: RunFolder, run: JsonObject) -> None:
    """The series and the console."""
    entry = folder.entries.get("series")
    if entry is not None:
        oids = [one.oid for one in reader.tree(entry.oid)] if entry.mode == "40000" else [entry.oid]
        chunks = [blob.data for blob in reader.read_many(oids) if blob is not None]
        if len(chunks) < max(len(oids), 1):
            raise DamagedRecord("its series is missing or damaged in git")
        decode(chunks)
        if json.loads(chunks[0].partition(b"\n")[0])["uid"] != run["uid"]:
            raise DamagedRecord("its series is that of another run")
    log = folder.entries.get("output.log")
    if log is not None and reader.read(log.oid) is None:
        raise DamagedRecord("its output.log is missing or damaged in git")


def lost_runs(reader: ObjectReader, past: Past, runs: Mapping[int, Run]) -> list[Lost]:
    """Runs that entries have added and that are not in the tree, or not as they were added; oldest first."""
    entries: dict[str, Entry] = {}
    tips: dict[str, str] = {}
    for chain in (*((past.chain,) if past.chain else ()), *past.others):
        for entry in chain.entries:  # newest first: the last word about a run
            entries.setdefault(entry.uid, entry)
            tips.setdefault(entry.uid, chain.tip)
    ordered = sorted(entries.values(), key=lambda entry: entry.number)
    trees = reader.read_many(f"{entry.oid}:{run_path(entry.number)}" for entry in ordered)
    found = [(entry, tree.oid) for entry, tree in zip(ordered, trees, strict=True) if tree is not None]
    present = {run.uid: run for run in runs.values()}
    lost = []
    for entry, oid in found:
        here = present.get(entry.uid) or runs.get(entry.number)
        if here is not None and here.uid not in {entry.uid, ""} and here.uid in entries:
            here = None  # another run has its number
        if here is not None and (here.removed or here.newer or here.folder.oid == oid):
            continue
        (folder,) = open_folders(reader, [(entry.number, oid)])
        last = here.folder if here is not None else _last(reader, tips[entry.uid], entry)
        if here is None and last is not None and REMOVED in last.entries:
            continue
        said = _annotations(reader, last) if last is not None else ""
        edited = _differing(here.folder, folder, said) if here is not None else ()
        if here is None or edited:
            lost.append(Lost(entry, folder, _is_whole(reader, folder), edited, said))
    return lost


def _last(reader: ObjectReader, tip: str, entry: Entry) -> RunFolder | None:
    """The directory of a run when something was last said of it, before a tip. One git process."""
    place = run_path(entry.number)
    words = ("rev-list", "--first-parent", tip, "--", f"{place}/{ANNOTATIONS}")
    oids = process.run(reader.directory, words).decode().split()
    for tree in reader.read_many([f"{oid}:{place}" for oid in oids]):
        folder = next(open_folders(reader, [(entry.number, tree.oid)])) if tree is not None else None
        if folder is not None and ANNOTATIONS in folder.entries and uid_of(reader, folder) == entry.uid:
            return folder
    return None


def _annotations(reader: ObjectReader, folder: RunFolder) -> str:
    """The blob of what is said of a run, where it can be read; else empty."""
    try:
        read_annotations(reader, folder)
    except GxtError:
        return ""
    return _oid(folder, ANNOTATIONS)


def _differing(now: RunFolder, then: RunFolder, said: str) -> tuple[str, ...]:
    """The names of what is not as it was; what can be said of a run later is no reason to call it edited."""
    names = set(now.entries) | set(then.entries)
    if said:
        names.discard(ANNOTATIONS)
    return tuple(sorted(name for name in names if _oid(now, name) != _oid(then, name)))


def _oid(folder: RunFolder, name: str) -> str:
    entry = folder.entries.get(name)
    return entry.oid if entry else ""


def _is_whole(reader: ObjectReader, folder: RunFolder) -> bool:
    return all(not _looked_at(reader, *one).damage for one in read_folders(reader, [folder]))


def check_runs(runs: Mapping[int, Run], lost: Iterable[Lost]) -> Iterator[Finding]:
    """Runs that are damaged, edited by hand, missing, or there twice."""
    told = set[int]()
    for one in lost:
        id_, whole = run_id(one.entry.number), one.whole
        hint = f"{REPAIR} puts it back as it was recorded" if whole else _ELSEWHERE
        if not one.edited:
            yield Finding("run-lost", f"{id_} was recorded and is not in the tree any more", hint, whole)
            continue
        told.add(one.entry.number)
        damage = runs[one.entry.number].damage if one.entry.number in runs else ""
        because = f" ({damage})" if damage else ""
        what = f"{id_} is not as it was recorded: {', '.join(one.edited)} differ{because}"
        who = _WHO.format(path=run_path(one.entry.number))
        yield Finding("run-edited", what, f"{hint}; {who}", whole)
    by_uid: dict[str, int] = {}
    for number, run in sorted(runs.items()):
        if run.damage and number not in told:
            hint = "upgrade gxt: pip install -U gxt" if run.newer else _ELSEWHERE
            what = f"{run_id(number)}: {run.damage}"
            yield Finding("run-newer" if run.newer else "run-damaged", what, hint)
        first = by_uid.setdefault(run.uid, number) if run.uid else number
        if first != number:
            what = f"{run_id(number)} is {run_id(first)} once more: both have the uid {run.uid}"
            yield Finding("run-twice", what, _WHO.format(path=run_path(number)))


_ELSEWHERE = "git fsck names what is missing; copy .git/objects of a clone or a backup that has it over these"
_WHO = f"git log -p --first-parent {EXPERIMENTS} -- {{path}} tells who did it"


def check_format(reader: ObjectReader, tip: str) -> Iterator[Finding]:
    """Whether this gxt can read the tree and understands it; if not, nobody here may judge it."""
    if reader.read(f"{tip}^{{tree}}") is None:
        yield Finding("tree-lost", f"git has lost the tree of {EXPERIMENTS}: no run can be read", _ELSEWHERE)
        return
    version = reader.read(f"{tip}:format")
    if version is not None and version.data.strip() != b"%d" % FORMAT:
        said = version.data[:20].decode(errors="replace").strip()
        what = f"{EXPERIMENTS} has format {said}; this gxt knows format {FORMAT}"
        yield Finding("format-newer", what, "upgrade gxt: pip install -U gxt")


def check_shards(reader: ObjectReader, tip: str) -> Iterator[Finding]:
    """Whether git has every directory of many runs; if not, nobody can tell which runs should be there."""
    for one in changes(reader, None, tip):
        if one.lost:
            what = f"git has lost {one.path} of {EXPERIMENTS}: none of the runs in it can be read"
            yield Finding("tree-lost", what, _ELSEWHERE)


def check_tree(reader: ObjectReader, tip: str, runs: Mapping[int, Run]) -> Iterator[Finding]:
    """The files beside the runs, and names that are none of gxt."""
    version, following = reader.read_many([f"{tip}:format", f"{tip}:next"])
    if version is None:
        what = f"{EXPERIMENTS} does not say which format it has"
        yield Finding("format-missing", what, f"{REPAIR} says it: {FORMAT}", True)
    wanted = max(runs, default=0) + 1
    said = following.data.strip() if following else b""
    if not said.isdigit() or int(said[:18]) < wanted:
        shown = said[:20].decode(errors="replace") or "missing"
        what = f"the next free number is said to be {shown}, and {run_id(wanted - 1)} is there"
        yield Finding("next-too-small", what, f"{REPAIR} makes it {wanted}", True)
    for path, _ in _strange(reader, tip, ""):
        what = f"{path} in {EXPERIMENTS} is none of gxt's: somebody put it there"
        yield Finding("name-strange", what, f"it is in nobody's way; {_WHO.format(path=path)}")


def _strange(reader: ObjectReader, name: str, folder: str) -> Iterator[tuple[str, TreeEntry]]:
    for entry in reader.tree(name):
        path = f"{folder}{entry.name}"
        number = parse_run_id(entry.name)
        if number is not None and entry.mode == "40000":
            if path != run_path(number):
                yield path, entry
        elif entry.mode == "40000" and entry.name.startswith("exp-"):
            yield from _strange(reader, entry.oid, f"{path}/")
        elif folder or entry.name not in _KNOWN:
            yield path, entry


def check_code(repository: Repository, reader: ObjectReader, runs: Mapping[int, Run]) -> Iterator[Finding]:
    """Whether git has every file of the code of every run. One git process."""
    numbers = {
        run.folder.entries["run"].oid: number for number, run in runs.items() if "run" in run.folder.entries
    }
    commits = [found for found in reader.read_many(numbers) if found is not None and found.kind == "commit"]
    if not commits:
        return
    args = ("rev-list", "--no-walk", "--objects", "--quiet", "--missing=print", "--stdin")
    wanted = "".join(f"{commit.oid}\n" for commit in commits)
    said = process.run(repository.top, args, stdin=wanted.encode()).decode()
    missing = {line[1:] for line in said.splitlines() if line.startswith("?")}
    clean, of_runs = set[str](), dict[tuple[str, str], list[int]]()
    for commit in commits if missing else ():
        (tree,) = commit_headers(commit)[0]["tree"]
        for lost in _lacking(reader, TreeEntry("40000", "", tree), "", missing, clean)[:1]:
            of_runs.setdefault(lost, []).append(numbers[commit.oid])
    for (path, oid), lacking in of_runs.items():  # most runs share most of their code
        what = f"the code of {listed(lacking)} lacks {path or 'every file'}: git has no {oid}"
        yield Finding("code-incomplete", what, _ELSEWHERE)


def listed(numbers: Iterable[int]) -> str:
    """The runs of these numbers, the first of many."""
    ids = [run_id(number) for number in sorted(numbers)]
    return f"{', '.join(ids[:_MOST])}{f' and {len(ids) - _MOST} more' if len(ids) > _MOST else ''}"


def _lacking(
    reader: ObjectReader, entry: TreeEntry, path: str, missing: set[str], clean: set[str]
) -> list[tuple[str, str]]:
    """Paths of a tree whose object is missing, with that; trees without any are remembered in `clean`."""
    if entry.oid in missing:
        return [(path, entry.oid)]
    if entry.mode != "40000" or entry.oid in clean:
        return []
    found = []
    for one in reader.tree(entry.oid):
        found += _lacking(reader, one, f"{path}/{one.name}".lstrip("/"), missing, clean)
    if not found:
        clean.add(entry.oid)
    return found
