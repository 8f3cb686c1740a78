"""Looking at the machine now and then while a command runs, at less than one per cent of a core."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from gxt.model.goals import SYSTEM
from gxt.store import journal

if TYPE_CHECKING:
    from gxt.capture.nvml import Nvml
    from gxt.capture.system import Totals

_PATIENCE_S = 2.0  # a driver that does not answer must not keep the exit code of a training
_SHARE = 0.005  # of a core: on a machine with thousands of processes the looks become fewer


class SystemThread(threading.Thread):
    """Writes what the processes of a run use of the machine into its journal.

    The first look is after `every_s` seconds: a shorter run has none, and pays for none.
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
            with suppress(OSError):  # a full disk: a hole in what nobody can do without is told elsewhere
                self._look(gpus)
            self._pause_s = max(self._every_s, (time.thread_time() - began_s) / _SHARE)
        if gpus is not None:
            gpus.close()

    def finish(self) -> None:
        """Stop; a look that is under way is waited for, 2 s at most."""
        self._ends.set()
        if self.ident is not None:
            self.join(_PATIENCE_S)

    def _look(self, gpus: Nvml | None) -> None:
        from gxt.capture.system import Totals, rates, totals

        found, now_s = totals(self._pid), time.monotonic()
        metrics = gpus.metrics() if gpus is not None else {}
        if found is not None:
            # at its start the command had used nothing; how much had gone over the network nobody has looked
            before = self._before or Totals(
                {name: 0.0 for name in found.counters if "network" not in name}, {}
            )
            after = found._replace(
                counters={name: count for name, count in found.counters.items() if name in before.counters}
            )
            metrics = {**rates(before, after, now_s - self._looked_s), **metrics}
            self._before, self._looked_s = found, now_s
        if metrics and not self._ends.is_set():
            said = {f"{SYSTEM}{name}": value for name, value in metrics.items()}
            step = round(now_s - self._started_s)
            self._live.journal.append("metrics", {"s": step, "m": said, "source": "system"})


def _gpus() -> Nvml | None:
    """The GPUs, where there are any."""
    from gxt.capture.nvml import Nvml

    try:
        return Nvml()
    except (OSError, AttributeError):  # an old library lacks a function
        return None
