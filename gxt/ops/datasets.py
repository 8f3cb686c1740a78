"""The data that a run uses: what the repository declares, what the user names, and what it holds."""

from __future__ import annotations

import os
import posixpath
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gxt.capture.remembered import Answer, remembered
from gxt.capture.remembered_params import load_remembered
from gxt.capture.yaml_source import load_yaml
from gxt.data.describe import describe_file, describe_folder, description_key
from gxt.data.digest import digest
from gxt.data.ignored import ignored_in
from gxt.data.project import default_remote
from gxt.data.remembered import Remembered
from gxt.data.sources import Source, from_json, of_pipeline, of_pointer_file, to_json
from gxt.errors import DamagedRecord, GxtError, InvalidParams
from gxt.git import process
from gxt.git.repository import Repository
from gxt.git.snapshot import CODE_ENDINGS
from gxt.model.datasets import change_notices
from gxt.model.json_types import Json, JsonObject
from gxt.model.pipeline import data_declared
from gxt.model.shapes import MAX_DATASETS, is_dataset, is_described
from gxt.model.version import __version__
from gxt.named_tuple import NamedTuple
from gxt.ops.declared import POINTERS, dvc_files, folders_above
from gxt.store import journal
from gxt.store.places import cache_home

if TYPE_CHECKING:
    from gxt.ops.start import Plan

_PATIENCE_S: Final = 60.0  # what has no hash after that must not keep the exit code of a training
_PATIENCE_DECLARED_S: Final = 10.0  # for what nobody has named: a repository can declare more than a run uses
_LARGEST_FILE: Final = 64 << 20  # of DVC's, in bytes


class Found(NamedTuple):
    """What a repository declares and the user names.

    Attributes:
        sources: what the user names first, the others by path.
        named: the paths that the user names.
        files: the `dvc.yaml` and `.dvc` files.
        remote: name and URL of where DVC keeps its data.
        notices: what could not be read, in words.
    """

    sources: tuple[Source, ...]
    named: frozenset[str]
    files: tuple[Path, ...]
    remote: str | None
    notices: tuple[str, ...]


class Inputs(NamedTuple):
    """The data of a run as far as it is known.

    Attributes:
        found: of what.
        entries: as they are recorded.
        is_complete: whether every hash is known.
        notices: what the user should know.
    """

    found: Found
    entries: tuple[JsonObject, ...]
    is_complete: bool
    notices: tuple[str, ...]


class _TooLongError(Exception):
    """The time for hashing is over."""


def find(repository: Repository, named: Sequence[str]) -> Found:
    """What the repository declares, and what the user names relative to the working directory."""
    files = dvc_files(repository)
    declared, notices = _declared(repository, [path for path in files if path.is_file()])
    sources = {one.path: one for one in declared}
    asked = [_below_top(repository, name) for name in named]
    for path in asked:
        sources[path] = sources.get(path) or Source(path, tracked=_around(path, sources.values()))
    kept = _with_git(repository, sources, set(asked))
    kept.sort(key=lambda one: (one.path not in asked, one.path))
    remote = next(filter(None, map(default_remote, folders_above(repository))), None)
    return Found(tuple(kept), frozenset(asked), tuple(files), remote, tuple(notices))


def look(
    repository: Repository,
    found: Found,
    *,
    patience_s: float,
    since_ns: int | None = None,
    tick: Callable[[], None] | None = None,
) -> Inputs:
    """Hash and describe what was found.

    Args:
        repository: where.
        found: what.
        patience_s: how long that may take; what is not hashed by then has no md5.
        since_ns: when the run started, if it goes on already: what has changed since is said.
        tick: called in between, to end it before.
    """
    until_s = time.monotonic() + patience_s

    def check() -> None:
        if time.monotonic() > until_s:
            raise _TooLongError
        if tick is not None:
            tick()

    entries: list[JsonObject] = []
    notices, is_complete = [*found.notices], True
    with Remembered(cache_home(repository) / "data-1.sqlite", tick=check) as memory:
        for source in found.sources:
            memory.changing.clear()
            memory.newest_ns = 0
            entry = _entry(source, found.remote)
            if source.path in found.named:
                entry["named"] = True
            try:
                entry |= _content(repository, source, memory)
            except _TooLongError:
                is_complete = False
                entry["size"] = _file_size(repository.top / source.path)
            except (OSError, GxtError) as error:
                notices.append(f"{source.path} has no hash: {_why(error)}")
            if entry["missing"] and source.kind == "intermediate" and source.md5 is None:
                continue  # of a stage that has not run yet
            if memory.changing or (since_ns is not None and memory.newest_ns > since_ns):
                notices.append(
                    f"{source.path} changed after the run had started: recorded as it was read then"
                )
            if is_dataset(entry) and len(entries) < MAX_DATASETS:
                entries.append(entry)
            else:
                notices.append(
                    f"{source.path} cannot be recorded: too much is known of it, or too many are there"
                )
    entries.sort(key=lambda one: str(one["path"]))
    return Inputs(found, tuple(entries), is_complete, tuple(notices))


class DataThread(threading.Thread):
    """Hashes beside the training what was not known when it began, and writes it into the journal."""

    def __init__(self, repository: Repository, live: journal.LiveRun, planned: Plan, inputs: Inputs) -> None:
        super().__init__(name="gxt-data", daemon=True)
        self._repository = repository
        self._live = live
        self._planned = planned
        self._inputs = inputs
        self._is_over = False
        self._notices: list[str] = []

    def start(self) -> None:
        """Begin beside the training where anything is left to do; with no thread left, `finish` does it."""
        if not self._inputs.is_complete:
            with suppress(RuntimeError):
                super().start()

    def run(self) -> None:
        """Hash and write."""
        try:
            before = self._inputs
            self._inputs = look(
                self._repository,
                before.found,
                patience_s=float("inf"),
                since_ns=self._planned.at_us * 1000,
                tick=self._stop_if_over,
            )
            self._notices += [one for one in self._inputs.notices if one not in before.notices]
            self._say(self._inputs.entries, before.entries)
        except Exception as error:  # noqa: BLE001 data that may not be read must not end a training
            self._notices.append(f"not all data is recorded: {error!r}")

    def finish(self) -> tuple[str, ...]:
        """Wait for it, some time; look again at what a pipeline's stages make. Returns notices."""
        if not self._inputs.is_complete and self.ident is None:
            self.run()
        elif self.ident is not None:
            with suppress(KeyboardInterrupt):  # who does not wait has the run without the hash
                self.join(_PATIENCE_S if self._is_named_unknown() else _PATIENCE_DECLARED_S)
            self._is_over = True
            self.join(_PATIENCE_S)
        if any(source.kind == "intermediate" for source in self._inputs.found.sources):
            self._look_again()
        if not self._inputs.is_complete:
            unknown = ", ".join(str(one["path"]) for one in self._inputs.entries if one["md5"] is None)
            self._notices.append(f"not hashed when the run had ended: {unknown}")
        return (*self._notices, *self._changed())

    def _is_named_unknown(self) -> bool:
        """Whether something that the user has named has no hash yet."""
        unknown = {str(one["path"]) for one in self._inputs.entries if one["md5"] is None}
        return not unknown.isdisjoint(self._inputs.found.named)

    def _changed(self) -> list[str]:
        """Which inputs are others than in the parent run, and were not told at the start."""
        notices = change_notices(self._planned.parent or {}, list(self._inputs.entries))
        return [one for one in notices if one not in self._planned.notices]

    def _look_again(self) -> None:
        before = self._inputs
        found = find(self._repository, self._planned.request.data)
        made = found._replace(sources=tuple(one for one in found.sources if one.kind == "intermediate"))
        again = look(self._repository, made, patience_s=_PATIENCE_S)
        kept = [one for one in before.entries if one["kind"] != "intermediate"]
        entries = tuple(sorted((*kept, *again.entries), key=lambda one: str(one["path"])))
        self._notices += [one for one in again.notices if one not in before.notices]
        self._inputs = before._replace(entries=entries, is_complete=before.is_complete and again.is_complete)
        self._say(entries, before.entries)

    def _say(self, entries: Sequence[JsonObject], before: Sequence[JsonObject]) -> None:
        if tuple(entries) != tuple(before):
            try:
                self._live.journal.append("data", {"items": list(entries)})
            except OSError as error:
                self._notices.append(f"the data could not be written down: {error.strerror or error}")

    def _stop_if_over(self) -> None:
        if self._is_over:
            raise _TooLongError


def _declared(repository: Repository, files: Sequence[Path]) -> tuple[list[Source], list[str]]:
    """What DVC's files say; parsed again only when one has changed."""
    cache_dir = cache_home(repository) / "params"
    locks = [path.with_name("dvc.lock") for path in files if path.suffix != POINTERS]
    loaded: list[Path] = []
    names: list[Json] = [str(path) for path in (*files, *locks)]
    question: JsonObject = {"asked": "data", "files": names, "gxt": __version__}

    def ask() -> Answer:
        sources: dict[str, Source] = {}
        notices: list[Json] = []
        for path in sorted(files, key=lambda one: one.suffix == POINTERS):  # what they say counts more
            folder = Path(os.path.relpath(path.parent, repository.top)).as_posix()
            try:
                if path.suffix == POINTERS:
                    known = of_pointer_file(_load(path), folder, posixpath.normpath(f"{folder}/{path.name}"))
                else:
                    known = _of_pipeline(path, folder, cache_dir, loaded)
            except (InvalidParams, DamagedRecord, OSError, ValueError) as error:
                why = error.message if isinstance(error, InvalidParams) else _why(error)
                notices.append(f"no data from {os.path.relpath(path, repository.top)}: {why}")
                continue
            sources |= {one.path: one for one in known}
        watched = [*map(str, files), *map(str, locks), *map(str, loaded)]
        return Answer({"sources": list(map(to_json, sources.values())), "notices": notices}, watched)

    def parse(value: Json) -> tuple[list[Source], list[str]] | None:
        if not isinstance(value, dict):
            return None
        sources, notices = value.get("sources"), value.get("notices")
        if not isinstance(sources, list) or not isinstance(notices, list):
            return None
        return [one for one in map(from_json, sources) if one], list(map(str, notices))

    return (
        remembered(cache_home(repository) / "params", question, parse=parse, ask=ask) if files else None
    ) or ([], [])


def _of_pipeline(path: Path, folder: str, cache_dir: Path, loaded: list[Path]) -> list[Source]:
    def load(file: str) -> JsonObject | None:
        loaded.append(path.parent / file)
        return load_remembered(path.parent / file, cache_dir) if (path.parent / file).is_file() else None

    lock = path.with_name("dvc.lock")
    try:
        pipeline = load_remembered(path, cache_dir)
    except InvalidParams:  # said by who looks for metrics in it
        return []
    declared = data_declared(pipeline, load)
    return of_pipeline(declared, _load(lock) if lock.is_file() else None, folder)


def _load(path: Path) -> object:
    with path.open("rb") as file:
        data = file.read(_LARGEST_FILE)
    return load_yaml(data.decode(), path.name)


def _below_top(repository: Repository, name: str) -> str:
    """A path that the user names, relative to the top; through links where it is there only behind them."""
    path = Path(os.path.normpath(repository.cwd / name))
    if not path.is_relative_to(repository.top):
        real = Path(os.path.realpath(path.parent), path.name)
        path = real if real.is_relative_to(repository.top) else path
    return Path(os.path.relpath(path, repository.top)).as_posix()


def _around(path: str, sources: Iterable[Source]) -> str | None:
    """By what a path is tracked for the folder that it lies in."""
    return next((one.tracked for one in sources if one.tracked and path.startswith(f"{one.path}/")), None)


def _with_git(repository: Repository, sources: dict[str, Source], named: set[str]) -> list[Source]:
    """The sources with what git tracks marked as such, without what is code."""
    asked = [path for path, one in sources.items() if one.tracked is None and not path.startswith("..")]
    listed: list[str] = []
    if asked:
        words = ("ls-files", "-z", "--", *asked)
        said = process.attempt(repository.top, words, env={"GIT_LITERAL_PATHSPECS": "1"})
        listed = os.fsdecode(said.stdout).split("\0")
    kept = []
    for path, one in sources.items():
        tracked = (
            [name for name in listed if name == path or name.startswith(f"{path}/")] if path in asked else []
        )
        is_code = path.endswith(CODE_ENDINGS) or (
            tracked and all(name.endswith(CODE_ENDINGS) for name in tracked)
        )
        if is_code and path not in named:
            continue
        if tracked:
            kept.append(one._replace(tracked="git", origin="git"))
        elif one.tracked is None and one.kind == "intermediate" and one.md5 is not None:
            kept.append(one._replace(tracked="dvc"))
        else:
            kept.append(one)
    return kept


def _entry(source: Source, remote: str | None) -> JsonObject:
    """A dataset of which nothing but its place is known yet."""
    return {
        "path": source.path,
        "md5": None,
        "size": None,
        "files": None,
        "tracked": source.tracked,
        "kind": source.kind,
        "source": source.origin or (remote if source.tracked == "dvc" else None),
        "missing": False,
        "description": {},
    }


def _content(repository: Repository, source: Source, memory: Remembered) -> JsonObject:
    """What is at the path of a source, or what is recorded of it. Raises OSError, GxtError, _TooLongError."""
    path = repository.top / source.path
    if not path.exists():
        return {"md5": source.md5, "size": source.size_bytes, "files": source.files, "missing": True}
    if not (path.is_file() or path.is_dir()):
        raise GxtError("it is neither a file nor a folder")
    ignored = ignored_in(path, _project(repository, path)) if path.is_dir() else None
    found = digest(path, hash_file=memory.hash_file, ignored=ignored)
    members = found.members
    key = description_key(path, found.md5)
    if members is None:
        description = memory.description(key, lambda: describe_file(path))
    else:
        description = memory.description(key, lambda: describe_folder(path, members))
    return {
        "md5": found.md5,
        "size": found.size_bytes,
        "files": None if members is None else len(members),
        "description": description if is_described(description) else {},
    }


def _file_size(path: Path) -> int | None:
    """Of a file, in bytes; None for a folder, and for what is gone."""
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None


def _project(repository: Repository, path: Path) -> Path:
    """The top of the DVC project that a path belongs to; that of the repository where there is none."""
    return next((folder for folder in path.parents if (folder / ".dvc").is_dir()), repository.top)


def _why(error: Exception) -> str:
    if isinstance(error, GxtError):
        return str(error)
    return (error.strerror if isinstance(error, OSError) else "") or str(error)
