"""What a run puts out: copied aside while it runs, stored beside the training, named when it ends."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gxt.errors import GxtError
from gxt.model.artifacts import MODEL, clean_name, file_name, place
from gxt.model.json_types import Json, JsonObject
from gxt.store import journal
from gxt.store.console import HEAD
from gxt.store.places import STAGED, names_in

if TYPE_CHECKING:
    from gxt.data.cache import Cache
    from gxt.git.repository import Repository
    from gxt.model.events import Folded
    from gxt.store.settings import Settings

_POLL_S = 0.5
_IMAGES: Final = frozenset((".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".bmp", ".tif", ".tiff"))
Say = Callable[[JsonObject], None]


class Keeper(threading.Thread):
    """Stores, beside the training, what the processes of a run have put aside."""

    def __init__(self, repository: Repository, live: journal.LiveRun) -> None:
        super().__init__(name="gxt-outputs", daemon=True)
        self._repository = repository
        self._live = live
        self._ends = threading.Event()
        self._home = live.path / STAGED

    def start(self) -> None:
        """Begin; where the system has no thread left, the end of the run does it all."""
        with suppress(RuntimeError):
            super().start()

    def run(self) -> None:
        """Look now and then; what fails is tried once more at the end of the run."""
        failed: set[str] = set()
        while not self._ends.wait(_POLL_S):
            for name in _names(self._home).difference(failed):
                try:
                    _store(self._repository, self._home / name, self._say)
                except Exception:  # noqa: BLE001 whatever it is, the end of the run tells of it
                    failed.add(name)
                if self._ends.is_set():
                    return

    def finish(self) -> tuple[str, ...]:
        """Stop when what is being stored is stored; nothing is to be said of it."""
        self._ends.set()
        if self.ident is not None:
            self.join()
        return ()

    def _say(self, facts: JsonObject) -> None:
        self._live.journal.append("stored", facts)


def put_out(
    directory: Path, path: object, *, kind: str, name: object, step: int | None, meta: JsonObject
) -> JsonObject:
    """Copy a file or a folder aside; the facts of the event `artifact`, which makes it an output of the run.

    Args:
        directory: of the live run.
        path: relative to the working directory of this process.
        kind: `model`, or empty to tell it from the path.
        name: what it is called; the last part of the path by default.
        step: of the training.
        meta: what else is to be known of it.

    Raises:
        GxtError: there is no such file or folder.
        OSError: it cannot be copied.
    """
    from gxt.data.staging import stage

    source = _source(os.fspath(path) if isinstance(path, os.PathLike) else path, directory)
    id_ = f"{time.time_ns()}-{os.getpid()}-{threading.get_ident() & 0xFFFF}"
    parts = stage(source, directory / STAGED, id_)
    about = _said(source, journal.top(directory), kind=kind, name=name, step=step)
    extra: JsonObject = {"meta": meta} if meta else {}
    return {"id": id_, **about, "staged": f"{STAGED}/{id_}", "parts": list[Json](parts), **extra}


def take_back(directory: Path, said: JsonObject) -> None:
    """Forget what was copied aside: the journal did not take its event."""
    from gxt.data.staging import forget

    forget(directory / str(said["staged"]))


def put_out_at_end(
    repository: Repository, live: journal.LiveRun, paths: Mapping[str, str | None], who: str = "--out"
) -> list[str]:
    """Store outputs that somebody named; what to say of them.

    Args:
        repository: where.
        live: the run.
        paths: relative to the working directory, with the name of each, where that is not its own.
        who: has named them.
    """
    notices = []
    for number, (path, name) in enumerate(paths.items()):
        try:
            source = _source(path, live.path, repository.cwd)
            said, facts = _taken(repository, source, f"{who.lstrip('-')}-{number}", name)
            live.journal.append("artifact", said)
            live.journal.append("stored", facts)
        except GxtError as error:
            notices.append(f"{who}: {error.message} ({error.hint})")
        except OSError as error:
            notices.append(f"{who} {path} is not kept: {error.strerror or error}")
    with suppress(OSError):
        for text in notices:
            live.journal.append("notice", {"text": text})
    return notices


def read_end(
    repository: Repository,
    settings: Settings,
    directory: Path,
    *,
    unfinished: str,
    also: Iterable[bytes] = (),
    writer: journal.JournalWriter | None = None,
) -> Folded:
    """What the journal of a run that is over says, when all that it has put out is stored.

    Args:
        repository: where.
        settings: which outputs it goes on naming, and the metric that they are judged by.
        directory: of the live run, which nobody else records.
        unfinished: its status when the journal has no end.
        also: lines that could not be written into the journal.
        writer: the journal, if the caller has it open.

    Raises:
        DamagedRecord, NewerFormat: the journal cannot be read.
        OSError: nor can its file.
    """
    untold = _store_all(repository, directory, writer) if names_in(directory / STAGED) else []
    folded = journal.read(directory, unfinished=unfinished, also=[*also, *untold])
    if (directory / HEAD).exists():
        from gxt.ops.printed import printed  # most of the runs that print log, too

        if said := printed(directory, settings.runs, folded):
            folded = journal.read(directory, unfinished=unfinished, also=[*also, *untold, *said])
    if not folded.metrics["artifacts"]:
        return folded
    from gxt.ops.naming import settled

    return settled(repository, settings, folded)


def _store_all(repository: Repository, directory: Path, writer: journal.JournalWriter | None) -> list[bytes]:
    """Store what is left; the lines that the journal did not take."""
    from gxt.data.staging import all_grown

    own = writer or journal.JournalWriter(directory / journal.JOURNAL)
    untold: list[bytes] = []
    all_grown(directory / STAGED)

    def say(facts: JsonObject) -> None:
        try:
            own.append("stored", facts)
        except OSError:
            untold.append(journal.encode({"e": "stored", "t": journal.now_us(), **facts}).encode())

    try:
        for name in sorted(_names(directory / STAGED)):
            try:
                _store(repository, directory / STAGED / name, say)
            except OSError as error:
                say({"id": name, "error": error.strerror or str(error)})
    finally:
        if writer is None:
            own.close()
    return untold


def _store(repository: Repository, folder: Path, say: Say) -> None:
    """Store one output, say so, and only then take the copy away: nothing is lost at any instant."""
    from gxt.data.staging import forget, keep_staged

    say({"id": folder.name, **keep_staged(_cache(repository), folder)})
    forget(folder)


def _cache(repository: Repository) -> Cache:
    from gxt.data.place import find_cache

    return find_cache(repository)


def _names(home: Path) -> set[str]:
    """What waits to be stored; what is being copied has a hidden name."""
    return {name for name in names_in(home) if not name.startswith(".")}


def _taken(repository: Repository, source: Path, id_: str, name: str | None) -> tuple[JsonObject, JsonObject]:
    from gxt.data.staging import keep_path

    facts, parts = keep_path(_cache(repository), source)
    said = _said(source, repository.top, kind="", name=name, step=None)
    if name is not None and not source.is_relative_to(repository.top):
        said["path"] = place(f"../{file_name(name)}")
    return {"id": id_, **said, "staged": None, "parts": list[Json](parts)}, {"id": id_, **facts}


def _source(path: object, directory: Path, cwd: Path | None = None) -> Path:
    """The file or folder, absolute, with no link on the way; none that would be copied into itself."""
    from gxt.data.digest import NEVER

    if not isinstance(path, str):
        raise GxtError(f"a path is a text, not a {type(path).__name__}", hint="name a file or a folder")
    if not path:  # the working directory by normpath, which nobody means by a variable that is empty
        raise GxtError("the path is empty", hint="name a file or a folder")
    folder, name = os.path.split(os.path.normpath((cwd or Path.cwd()) / path))
    source = Path(os.path.realpath(folder), name)
    if not source.is_file() and not source.is_dir():
        raise GxtError(f"there is no file or folder {path}", hint="name one that is there")
    if directory.is_relative_to(source) and NEVER.isdisjoint(directory.relative_to(source).parts):
        raise GxtError(f"{path} holds the record of the run itself", hint="name a folder of the work tree")
    return source


def _said(source: Path, top: Path | None, *, kind: str, name: object, step: int | None) -> JsonObject:
    relative = os.path.relpath(source, top) if top is not None else str(source)
    if relative == ".":  # all of the work tree cannot come back in its own place
        relative = f"../{source.name}"
    return {
        "name": clean_name(source.name if name is None else str(name)),
        "path": place(relative.replace(os.sep, "/")),
        "kind": kind or kind_of(source),
        "step": step,
    }


def kind_of(source: Path) -> str:
    """What an output is, told from its path."""
    if source.is_dir():
        return "folder"
    suffix = source.suffix.lower()
    return "image" if suffix in _IMAGES else MODEL if suffix == ".onnx" else "file"
