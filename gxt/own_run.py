"""A run that this process records itself, without a `gxt run` around it: what is watched, and its end."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gxt.model.ids import run_id
from gxt.recording import MACHINE, Run, say
from gxt.store import journal, ranks

if TYPE_CHECKING:
    from gxt.ops.datasets import DataThread
    from gxt.ops.environment import EnvironmentThread
    from gxt.ops.outputs import Keeper
    from gxt.ops.start import Plan
    from gxt.ops.workspace import Workspace


class OwnRun(Run):
    """A run that this process records itself: there is no `gxt run` around it."""

    def __init__(self, workspace: Workspace, live: journal.LiveRun, config: Mapping[str, Any]) -> None:
        super().__init__(id_=run_id(live.number), uid=live.uid, config=config, writer=live.journal)
        self._workspace = workspace
        self._live = live
        self._started_s = time.monotonic()
        self._pid = os.getpid()
        self._holds = True
        self._has_ranks = False
        self._environment: EnvironmentThread | None = None
        self._keeper: Keeper | None = None
        self._data: DataThread | None = None
        # so that the processes that the script starts log into its run, as they do under `gxt run`
        os.environ |= {journal.ENV_UID: live.uid, journal.ENV_DIRECTORY: str(live.path)}

    def watch_environment(self) -> None:
        """Look at the interpreter beside the training."""
        from gxt.ops.environment import EnvironmentThread

        self._environment = EnvironmentThread(self._workspace.repository, self._live, [sys.executable])
        self._environment.start()

    def _store_beside(self) -> None:
        """A forked child leaves that to its parent."""
        if self._keeper is None and self._pid == os.getpid():
            from gxt.ops.outputs import Keeper

            self._keeper = Keeper(self._workspace.repository, self._live)
            self._keeper.start()

    def watch_data(self, planned: Plan) -> None:
        """Hash beside the training what is not hashed yet of the data that it uses."""
        from gxt.ops.start import watch_data

        self._data = watch_data(self._workspace, planned, self._live)
        if self._data is not None:
            self._data.start()

    def announce(self, job: str) -> None:
        """Let the other ranks of the job log into this run."""
        ranks.announce(self._live, job)
        self._has_ranks = True

    def _end(self, exit_code: int) -> None:
        """Put the run into git. A forked child leaves that to its parent."""
        from gxt.ops.finish import finish

        if self._pid != os.getpid():
            self._close()
            return
        for name in (journal.ENV_UID, journal.ENV_DIRECTORY):
            os.environ.pop(name, None)
        status = "interrupted" if exit_code == 130 else "failed" if exit_code else "completed"
        try:
            if self._environment is not None:
                for notice in self._environment.finish():
                    say(notice)
            if self._data is not None:
                for notice in self._data.finish():
                    say(notice)
            if self._has_ranks and exit_code == 0:  # after a failure the launcher must hear of it at once
                ranks.await_others(self._live.path)
            self._writer = None
            finished = finish(
                self._workspace,
                self._live,
                status=status,
                exit_code=exit_code,
                duration_s=time.monotonic() - self._started_s,
                keep=self._keeper.finish if self._keeper else tuple,
            )
            for notice in finished.notices if finished else ("the run could not be recorded",):
                if not (
                    MACHINE in self._warned and notice.startswith("the journal ")
                ):  # that was the warning
                    say(notice)
        except Exception as error:  # noqa: BLE001 the results of the training matter more
            self._failed("finish", error)
        else:
            self.id = str(finished.run["id"]) if finished else self.id

    def _after_fork(self) -> None:
        super()._after_fork()
        if self._holds and not self._ended:
            self._holds = False  # the fork of a fork must not close a descriptor of the training
            self._live.held.close()  # the parent's lock must end with the parent
