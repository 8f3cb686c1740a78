"""Content goes to a remote or comes from it: side by side, checked, object by object, so that whoever is
stopped goes on there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from gxt.data.appearing import appearing
from gxt.data.backend import Backend, WrongContent
from gxt.data.cache import Cache
from gxt.data.local_remote import LocalRemote, has_hash
from gxt.data.named import Named, each_once, members
from gxt.data.remotes import LOCAL, DataRemote
from gxt.errors import DamagedData, MissingData
from gxt.named_tuple import NamedTuple

if TYPE_CHECKING:
    from concurrent.futures import Future

Told: TypeAlias = Callable[[int, int], None]
"""Is told how many bytes have travelled, and of how many."""
_TICK_S: Final = 0.2
_Answer = TypeVar("_Answer")


class Carried(NamedTuple):
    """What has travelled: the number of objects, and their bytes."""

    objects: int = 0
    size_bytes: int = 0


class _Stopped(Exception):
    """Somebody else's object has failed, or the user has seen enough."""


class Carrier:
    """Carries content between a cache and a remote.

    Args:
        remote: which.
        cache: ours.
        told: how far it is.
    """

    def __init__(self, remote: DataRemote, cache: Cache, told: Told) -> None:
        self._remote = remote
        self._cache = cache
        self._told = told
        self._backend = _backend(remote)
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._moved_bytes = 0

    def lacks(self, wanted: Sequence[Named]) -> list[Named]:
        """What of it the remote has not, or has in another size than the one that is known."""

        def look(one: Named) -> bool:
            size = self._backend.size_of(one.md5)
            known = None if one.is_folder else one.size_bytes
            return size is None or (known is not None and size != known)

        return sorted(one for one, is_lacking in self._each(wanted, look) if is_lacking)

    def push(self, wanted: Sequence[Named], settled: Callable[[str], None]) -> Carried:
        """Bring content there that is here; files before the lists that name them.

        Args:
            wanted: all of it in the cache, each once.
            settled: is told each hash that is there now.

        Raises:
            DamagedData: it has not its hash, here or there.
            RemoteFailed: the remote cannot be reached, or has refused.
        """
        sizes = {one.md5: self._cache.path_of(one.md5).stat().st_size for one in wanted}
        total, done = sum(sizes.values()), Carried()

        def bring(one: Named) -> bool:
            if self._backend.size_of(one.md5) == sizes[one.md5]:
                self._moved(sizes[one.md5])
                return False
            self._backend.put(one.md5, self._cache.path_of(one.md5), self._moved)
            return True

        for part in _files_first(wanted):
            for one, is_new in self._each(part, bring, total):
                settled(one.md5)
                if is_new:
                    done = Carried(done.objects + 1, done.size_bytes + sizes[one.md5])
        self._told(total, total)
        return done

    def pull(self, wanted: Sequence[Named], settled: Callable[[str], None]) -> Carried:
        """Bring content here; of a folder the list, then its files.

        Args:
            wanted: what is to be here; what is stays.
            settled: is told each hash that came from there.

        Raises:
            MissingData: the remote has not all of it. What it has is here now.
            DamagedData: it has another hash there.
            RemoteFailed: the remote cannot be reached.
        """
        files, folders = (each_once(part) for part in _files_first(wanted))
        total = sum(one.size_bytes or 0 for one in (*files, *folders))
        done, missing = Carried(), list[Named]()
        for phase in ("lists", "files"):
            part = folders if phase == "lists" else each_once([*files, *self._listed(folders)])
            lacking = [one for one in part if not is_here(self._cache, one)]
            for one, size in self._each(lacking, self._fetch, total):
                if size is None:
                    missing.append(one)
                    continue
                settled(one.md5)
                done = Carried(done.objects + 1, done.size_bytes + size)
        self._told(total, total)
        if missing:
            where = f"on {self._remote.name} ({self._remote.shown})"
            raise missing_data(missing, where, "gxt push --data-only RUN from the clone that has recorded it")
        return done

    def _listed(self, folders: Sequence[Named]) -> list[Named]:
        """The files of the folders whose lists have come."""
        here = (one for one in folders if is_here(self._cache, one))
        return [member for folder in here for member in members(self._cache, folder)]

    def _fetch(self, one: Named) -> int | None:
        """The size of what came; None where there is nothing."""
        size = self._backend.size_of(one.md5)
        if size is None:
            return None
        with appearing(self._cache.path_of(one.md5)) as path:
            self._backend.get(one.md5, path, self._moved)
            if not has_hash(path, one.md5):
                raise WrongContent(is_ours=False)
        return size

    def _moved(self, count: int) -> None:
        with self._lock:
            self._moved_bytes += count
        if self._stop.is_set():
            raise _Stopped

    def _each(
        self, wanted: Sequence[Named], action: Callable[[Named], _Answer], total: int = 0
    ) -> Iterator[tuple[Named, _Answer]]:
        """What the action answers for each, side by side, in the order of the answers."""
        from concurrent.futures import ThreadPoolExecutor

        if not wanted:
            return
        answers: SimpleQueue[Future[_Answer]] = SimpleQueue()
        waiting: dict[Future[_Answer], Named] = {}
        with ThreadPoolExecutor(self._remote.jobs) as threads:
            try:
                for one in wanted:
                    future = threads.submit(action, one)
                    waiting[future] = one
                    future.add_done_callback(answers.put)
                while waiting:
                    try:
                        future = answers.get(timeout=_TICK_S)
                    except Empty:
                        self._told(max(0, min(self._moved_bytes, total - 1)), total)
                        continue
                    one = waiting.pop(future)
                    yield one, self._answer(one, future)
            finally:
                if waiting:
                    self._stop.set()
                    threads.shutdown(wait=False, cancel_futures=True)

    def _answer(self, one: Named, future: Future[_Answer]) -> _Answer:
        """Raises what has failed in our words."""
        from gxt.data.far_remote import failed

        try:
            return future.result()
        except WrongContent as wrong:
            raise self._damaged(one, wrong) from wrong
        except self._backend.failures as error:
            raise failed(self._remote, error) from error

    def _damaged(self, one: Named, wrong: WrongContent) -> DamagedData:
        if wrong.is_ours:
            hint = f"remove {self._cache.path_of(one.md5)}, and get it again from the file or another clone"
            return DamagedData(one.run, one.path, one.md5, "the cache", hint=hint)
        hint = f"remove it there, then gxt push --data-only {one.run} from a clone that has it"
        return DamagedData(
            one.run, one.path, one.md5, f"{self._remote.name} ({self._remote.shown})", hint=hint
        )


def is_here(cache: Cache, one: Named) -> bool:
    """Whether content is in the cache, in its size where that is known."""
    try:
        size = cache.path_of(one.md5).stat().st_size
    except OSError:
        return False
    return one.is_folder or one.size_bytes is None or one.size_bytes == size


def lacking_files(cache: Cache, folders: Sequence[Named]) -> list[Named]:
    """The files that are not in the cache, of folders whose lists are there. Raises DamagedData."""
    return [one for folder in each_once(folders) for one in members(cache, folder) if not is_here(cache, one)]


def missing_data(missing: Sequence[Named], where: str, hint: str) -> MissingData:
    """The error for what is nowhere."""
    named = sorted((one.run, one.path, one.md5) for one in missing)
    return MissingData(tuple(named), where, hint=hint)


def _files_first(wanted: Sequence[Named]) -> tuple[list[Named], list[Named]]:
    return [one for one in wanted if not one.is_folder], [one for one in wanted if one.is_folder]


def _backend(remote: DataRemote) -> Backend:
    if remote.scheme == LOCAL:
        return LocalRemote(Path(remote.url))
    from gxt.data.far_remote import FarRemote

    return FarRemote(remote)
