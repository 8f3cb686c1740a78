"""Looking at the interpreter and the machine beside the training, which does not wait for it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from gxt.capture.environment import environment_document
from gxt.git.repository import Repository
from gxt.model.goals import SYSTEM
from gxt.model.json_types import JsonObject
from gxt.store import journal
from gxt.store.places import cache_home

if TYPE_CHECKING:
    from gxt.capture.nvml import Nvml
    from gxt.capture.system import Totals

_PATIENCE_S = 10.0  # a file system that does not answer must not keep the exit code of a training
_LOOK_PATIENCE_S = 2.0  # nor must a driver
_SHARE = 0.005  # of a core: on a machine with thousands of processes the looks become fewer


class EnvironmentThread(threading.Thread):
    """Captures the environment of a command and writes it into the journal of its run."""

    def __init__(self, repository: Repository, live: journal.LiveRun, command: Sequence[str]) -> None:
        super().__init__(name="gxt-environment", daemon=True)
        self._repository = repository
        self._live = live
        self._command = command
        self._document: JsonObject | None = None

    def start(self) -> None:
        """Begin beside the training; where the system has no thread left, `finish` does it all."""
        with suppress(RuntimeError):
            super().start()

    def run(self) -> None:
        """Capture and write; a full disk leaves the run without it."""
        try:
            document = environment_document(
                self._command,
                cwd=self._repository.cwd,
                env=os.environ,
                cache_dir=cache_home(self._repository) / "environment",
            )
            if document != self._document:
                self._document = document
                self._live.journal.append("environment", {"document": document})
        except Exception as error:  # noqa: BLE001 a folder that may not be read must not end a training
            with suppress(OSError):
                self._live.journal.append("notice", {"text": f"no environment: {error!r}"})

    def finish(self) -> tuple[str, ...]:
        """Wait for it, 10 s at most, and look again where more is known by now. Returns notices.

        A launcher may have made its environment only now (`uv run`), and a script that logs with gxt has said
        which interpreter it runs in (behind `make` or a shell script nobody could tell before).
        """
        if self.ident is None:  # never started: the command could not be, or no thread was left
            self.run()
            return ()
        self.join(_PATIENCE_S)
        if self.is_alive():
            return (f"no environment: it was not known {_PATIENCE_S:.0f} s after the training",)
        python = journal.interpreter(self._live.path)
        if python is not None:
            self._command = [python]
            self.run()
        elif self._document is not None and self._document.get("python") is None:
            self.run()
        return ()


class SystemThread(threading.Thread):
    """Writes what the processes of a run use of the machine into its journal.

    The first look is after `every_s` seconds (0: never): a shorter run has none, and pays for none.
    """

    def __init__(self, live: journal.LiveRun, every_s: float) -> None:
        super().__init__(name="gxt-system", daemon=True)
        self._live = live
        self._pause_s = self._every_s = every_s
        self._ends = threading.Event()
        self._pid = 0
        self._started_s = self._looked_s = 0.0
        self._before: Totals | None = None

    def begin(self, pid: int) -> None:
        """Begin beside the command that is this process; where the system has no thread left, never."""
        self._pid = pid
        self._started_s = self._looked_s = time.monotonic()
        if self._every_s:
            with suppress(RuntimeError):
                self.start()

    def run(self) -> None:
        """Look until the command ends; what fails is tried again at the next look."""
        gpus: Nvml | None = None
        is_first = True
        while not self._ends.wait(self._pause_s):
            began_s = time.thread_time()
            if is_first:
                gpus, is_first = _gpus(), False
            # a full disk, a driver that lacks a function: a look that is missed is nobody's trouble
            with suppress(OSError, AttributeError, ValueError):
                self._look(gpus)
            self._pause_s = max(self._every_s, (time.thread_time() - began_s) / _SHARE)
        if gpus is not None:
            gpus.close()

    def finish(self) -> None:
        """Stop; a look that is under way is waited for, 2 s at most."""
        self._ends.set()
        if self.ident is not None:
            self.join(_LOOK_PATIENCE_S)

    def _look(self, gpus: Nvml | None) -> None:
        from gxt.capture.system import rates, totals

        found, now_s = totals(self._pid), time.monotonic()
        metrics = gpus.metrics() if gpus is not None else {}
        if found is not None:
            metrics = {**rates(self._before, found, now_s - self._looked_s), **metrics}
            self._before, self._looked_s = found, now_s
        if metrics and not self._ends.is_set():
            said = {f"{SYSTEM}{name}": value for name, value in metrics.items()}
            step = round(now_s - self._started_s)
            self._live.journal.append("metrics", {"s": step, "m": said, "source": "system"})


def _gpus() -> Nvml | None:
    """The GPUs, where there are any."""
    from gxt.capture.nvml import Nvml

    with suppress(OSError, AttributeError):  # there is none, or an old one
        return Nvml()
    return None
