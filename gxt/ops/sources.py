"""What loggers other than gxt write while a command runs, read beside it into the run's journal.

Nothing of their formats is loaded before there is something that may be a logger's: looking costs a run that
uses none of them a fraction of a millisecond.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gxt.capture.files import read_ends
from gxt.capture.log_places import RUN_TAG, may_hold_logs
from gxt.git.repository import Repository
from gxt.model.metrics import TABLES
from gxt.store.journal import LiveRun

if TYPE_CHECKING:
    from gxt.capture.loggers.content import Aside
    from gxt.ops.following import Following, Told

ALL: Final = "all"
POINT: Final = "point"
"""What switches the variables off that a command is given."""

_MLFLOW_CONTEXT: Final = "MLFLOW_RUN_CONTEXT"  # tags in JSON for each run that the command makes
_OUR_CONTEXT: Final = f'{{"{RUN_TAG}":'
_PERIOD_S: Final = 3.0
_SHARE: Final = 50  # a look that takes long is followed by a pause of so many times as long
_PATIENCE_S: Final = 30.0  # for a look that is under way when the command ends
_MOST_WORDS: Final = 100
_MOST_TABLES: Final = 100
_MOST_SAID: Final = 4
_FEW: Final = 3


class SourcesThread(threading.Thread):
    """Reads what other loggers write during a run. Its notices say what was found.

    Args:
        repository: where the command runs.
        live: its run.
        command: its words; those that are folders are looked into.
        off: kinds that are not to be read.
    """

    def __init__(
        self, repository: Repository, live: LiveRun, command: Sequence[str], off: Collection[str]
    ) -> None:
        super().__init__(name="gxt-sources", daemon=True)
        self._repository = repository
        self._live = live
        self._command = command
        self._off = off
        self._since_ns = time.time_ns()
        self._tables = {} if ALL in off else _tables(repository.cwd)
        self._ends = threading.Event()
        self._pid = 0
        self._following: Following | None = None
        self._failure = ""
        self._is_offline = False

    def environment(self) -> dict[str, str]:
        """Variables for the command, so that what loggers write can be read, and told from that of others.

        MLflow marks its runs with ours. W&B writes offline where it would only ask for an account.
        """
        if {ALL, POINT} & {*self._off}:
            return {}
        given = {}
        context = os.environ.get(_MLFLOW_CONTEXT, "")
        if "mlflow" not in self._off and (not context or context.startswith(_OUR_CONTEXT)):
            given[_MLFLOW_CONTEXT] = f'{_OUR_CONTEXT} "{self._live.uid}"}}'
        if "wandb" not in self._off and any(word == "-m" or word.endswith(".py") for word in self._command):
            from gxt.capture.wandb_account import is_used_without_account

            cwd, top = self._repository.cwd, self._repository.top
            self._is_offline = is_used_without_account(self._command, cwd=cwd, top=top, env=os.environ)
            given |= {"WANDB_MODE": "offline"} if self._is_offline else {}
        return given

    def watch(self, pid: int) -> None:
        """Begin beside the command of that process id."""
        self._pid = pid
        self.start()

    def start(self) -> None:
        """Begin; where the system has no thread left, the end of the run reads it all."""
        if ALL not in self._off:
            with suppress(RuntimeError):
                super().start()

    def run(self) -> None:
        """Look now and then until the command has ended."""
        pause_s = _PERIOD_S
        try:
            if self._may_be_there(0):
                from gxt.capture.loggers.tail import Stamp

                already = {path: Stamp(*seen) for path, seen in self._tables.items()}
                self._follow().remember_what_is_there(already, self._ends.is_set)
            while not self._ends.wait(pause_s):
                began_s = time.monotonic()
                self._look()
                pause_s = max(_PERIOD_S, _SHARE * (time.monotonic() - began_s))
        except Exception as error:  # noqa: BLE001 no log of anybody's may end a training
            self._failure = f"the logs of other loggers are not read to their end: {error!r}"

    def finish(self) -> tuple[str, ...]:
        """Read what is left, and say what was found, in one line."""
        self._ends.set()
        if ALL in self._off:
            return ()
        if self.ident is not None:
            self.join(_PATIENCE_S)
        if self.is_alive():
            self._failure = f"logs of other loggers are still being read after {_PATIENCE_S:.0f} s: left out"
        elif not self._failure:
            try:
                self._look(last=True)
            except Exception as error:  # noqa: BLE001 as above
                self._failure = f"the logs of other loggers are not read to their end: {error!r}"
        following = self._following
        if following is None:
            return tuple(filter(None, (self._failure,)))
        notices = [_sentence(following.told()), self._offline(following.told())]
        notices += [_not_read(following.unsure()), self._failure]
        notices += [
            f"a log of another logger could not be read to its end: {one}" for one in following.broken()
        ]
        return tuple(filter(None, notices))

    def _offline(self, told: Sequence[Told]) -> str:
        """Where W&B's files are that nobody sends, if it is we who have kept them here."""
        paths = [one.path for one in told if one.kind == "wandb"] if self._is_offline else []
        if not paths:
            return ""
        import shlex

        path = os.path.relpath(self._repository.top / paths[0], self._repository.cwd)
        return (
            f"W&B knows no account here and wrote offline: wandb login, then wandb sync {shlex.quote(path)}"
        )

    def artifacts(self) -> list[tuple[str, Aside]]:
        """What other loggers have put aside as results, with their kinds; after `finish`."""
        return self._following.artifacts() if self._following else []

    def without_known(self, file: str, numbers: dict[str, float]) -> dict[str, float]:
        """The numbers of a metrics file but for those that are the last ones of a series; after `finish`.

        Args:
            file: relative to the top of the work tree; DVCLive's own is known as a whole.
            numbers: by name.
        """
        if self._following is None:
            return numbers
        if any(
            one.kind == "dvclive" and one.path == str(Path(file).parent) for one in self._following.told()
        ):
            return {}
        last = self._following.last()
        return {name: number for name, number in numbers.items() if repr(last.get(name)) != repr(number)}

    def _look(self, *, last: bool = False) -> None:
        if self._following is None and not self._may_be_there(self._since_ns - 20_000_000):
            return
        self._follow().look(last=last)

    def _may_be_there(self, since_ns: int) -> bool:
        roots, databases = self._places()
        return bool(databases) or may_hold_logs(roots, since_ns)

    def _follow(self) -> Following:
        if self._following is None:
            from gxt.ops.following import Following

            roots, databases = self._places()
            self._following = Following(
                self._repository,
                self._live,
                pid=self._pid,
                roots=roots,
                databases=databases,
                off=self._off,
                since_ns=self._since_ns,
            )
        return self._following

    def _places(self) -> tuple[list[str], list[Path]]:
        """Folders to look into, and MLflow's databases with names of their own."""
        cwd, top = self._repository.cwd, self._repository.top
        words = [
            word.rpartition("=")[2] for word in self._command[1:_MOST_WORDS] if word[:1] != "-" or "=" in word
        ]
        named = [os.environ.get(name, "") for name in ("WANDB_DIR", "TENSORBOARD_LOGGING_DIR")]
        databases = []
        uri = os.environ.get("MLFLOW_TRACKING_URI", "")
        if uri.startswith("sqlite:///"):
            databases.append(cwd / uri.removeprefix("sqlite:///"))
        elif "://" not in uri.removeprefix("file://"):
            named.append(uri.removeprefix("file://").removeprefix("file:"))
        folders = [cwd / os.path.normpath(name) for name in (*named, *words) if name]
        others = [folder for folder in folders if not cwd.is_relative_to(folder)]  # all of a disk is no log
        return list(dict.fromkeys(map(str, (cwd, top, *others)))), databases


def _tables(folder: Path) -> dict[Path, tuple[int, int, int, bytes]]:
    """The tables in the user's folder, before the command can touch them: most likely it adds to those."""
    found: dict[Path, tuple[int, int, int, bytes]] = {}
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            is_table = entry.name.endswith(TABLES) and entry.is_file(follow_symlinks=False)
            if is_table and len(found) < _MOST_TABLES:
                path, seen = Path(entry.path), entry.stat()
                ends = read_ends(path, seen.st_size)
                found[path] = (seen.st_ino, seen.st_size, seen.st_mtime_ns, ends)
    return found


def _not_read(unsure: Sequence[Path]) -> str:
    if not unsure:
        return ""
    rest = f" and {len(unsure) - 1} more" if len(unsure) > 1 else ""
    return f"not read: {unsure[0].name}{rest} may be of a run that went on at the same time"


def _sentence(told: Sequence[Told]) -> str:
    """`read from wandb wandb/run-1 (loss, acc; parameters: 3), csv log.csv (7 metrics)`."""
    parts = []
    for one in told:
        few = ", ".join(one.metrics) if len(one.metrics) <= _FEW else f"{len(one.metrics)} metrics"
        count = f"parameters: {one.params}" if one.params else ""
        if few or count:
            parts.append(f"{one.kind} {one.path} ({'; '.join(filter(None, (few, count)))})")
    more = f" and {len(parts) - _MOST_SAID} more" if len(parts) > _MOST_SAID else ""
    return f"read from {', '.join(parts[:_MOST_SAID])}{more}" if parts else ""
