"""How the processes of a distributed job, without `gxt run` around them, come to log into one run.

Rank 0 records: it leaves the name of the job in the directory of its run. The other ranks of this host look
for that name, and each holds a file of its own there as long as it logs, for which rank 0 waits at its end.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from gxt.git.repository import Repository
from gxt.store import journal, locks
from gxt.store.descriptor import Descriptor
from gxt.store.places import live_paths

START_PATIENCE_S = 30.0  # ranks begin together, but one may read its data before it calls init
END_PATIENCE_S = 10.0
_POLL_S = 0.05
_JOB_FILE = "job"
_RANK_FILE = "rank-"

_RANKS = ("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID")
_SIZES = ("LOCAL_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS")  # on this host
# what torchrun and its like, Open MPI, and SLURM tell all ranks of one job alike
_JOBS = (
    "TORCHELASTIC_RUN_ID",
    "MASTER_ADDR",
    "MASTER_PORT",
    "PMIX_NAMESPACE",
    "SLURM_JOB_ID",
    "SLURM_STEP_ID",
)


def rank() -> int:
    """The number of this process in its distributed job; 0 without one."""
    return _number(_RANKS, 0)


def job(ordinal: int) -> str:
    """A name that the ranks of one job share; empty when their launcher tells them nothing alike.

    Args:
        ordinal: which run of the process it is, so that a fast rank does not join the one before.
    """
    told = [f"{name}={os.environ[name]}" for name in _JOBS if os.environ.get(name)]
    return " ".join([*told, f"run={ordinal}"]) if told else ""


def announce(live: journal.LiveRun, name: str) -> None:
    """Say, as rank 0, that this is the run of the job."""
    (live.path / _JOB_FILE).write_text(name, encoding="utf-8", errors="surrogateescape")


def await_run(repository: Repository, name: str) -> Path | None:
    """The directory of the run that rank 0 of this job records; None when there is none for 30 seconds."""
    gives_up_s = time.monotonic() + START_PATIENCE_S
    while True:
        for path in live_paths(repository):
            if _job_of(path) == name and locks.is_held(path) and not journal.runs_elsewhere(path):
                return path
        if time.monotonic() > gives_up_s:
            return None
        time.sleep(_POLL_S)


def take_part(path: Path) -> Descriptor:
    """Say, as another rank, that this process logs into the run, until the descriptor is closed.

    Raises:
        OSError: the run has ended this moment.
    """
    making = path / f".{_RANK_FILE}{rank()}"
    number = os.open(making, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    locks.share(number)
    making.rename(path / f"{_RANK_FILE}{rank()}")  # only now: a file that nobody holds is a rank that ended
    return Descriptor.of(number)


def await_others(path: Path) -> None:
    """Wait, as rank 0, until the other ranks of this host have logged and ended; 10 seconds at most.

    Where the launcher does not tell how many they are, those that have come are waited for.
    """
    others = _number(_SIZES, 1) - 1
    gives_up_s = time.monotonic() + END_PATIENCE_S
    while time.monotonic() < gives_up_s:
        seen = list(path.glob(f"{_RANK_FILE}*"))
        if len(seen) >= others and not any(map(locks.is_shared, seen)):
            return
        time.sleep(_POLL_S)


def _job_of(path: Path) -> str | None:
    try:
        return (path / _JOB_FILE).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None


def _number(variables: tuple[str, ...], default: int) -> int:
    for variable in variables:
        text = os.environ.get(variable, "")
        if text.isascii() and text.isdigit():
            return int(text)
    return default
