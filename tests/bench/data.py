"""Data: runs with one small object each go to a directory, beside DVC's experiments that have the same."""

from __future__ import annotations

import importlib.util
import shutil
from functools import partial
from pathlib import Path

from tests.bench.dvc_repository import dvc_experiments
from tests.bench.generate import generate
from tests.bench.measure import Bench, Cost, Row, alternate, compared, missing
from tests.bench.share import DVC_SHARED, SHARED, first_push, scaled
from tests.with_data import add_runs


def bench_data(bench: Bench) -> list[Row]:
    """The first push of 1,000 runs with their data, and a push with nothing new, against DVC."""
    push, nothing = f"push with data, {SHARED:,}", "push with data, nothing new"
    if importlib.util.find_spec("dvc") is None:
        return [missing(push, "dvc"), missing(nothing, "dvc")]
    ours = bench.once("runs with data", partial(_runs, bench))
    pushed, again = alternate(
        3, partial(_first, bench, ours, "gxt", "push"), partial(bench.cost, ours, "gxt", "push")
    )
    dvc_pushed, dvc_again = _dvc(bench)
    what = f"dvc exp push of {SHARED:,}, from 1 and {DVC_SHARED}"
    return [
        compared(push, pushed, dvc_pushed, bound=1 / 8, what=what),
        compared(nothing, again, dvc_again, bound=1 / 20, what=what),
    ]


def _dvc(bench: Bench) -> tuple[Cost, Cost]:
    """What DVC's push costs and what it costs again, by what each experiment adds to the first."""
    one, several = (
        bench.once(f"dvc-data-{count}", partial(_experiments, bench, count=count))
        for count in (1, DVC_SHARED)
    )
    words = ("dvc", "exp", "push", "-q", "-A", "origin")
    first_one, again_one, first, again = alternate(
        3,
        partial(_first, bench, one, *words),
        partial(bench.cost, one, *words),
        partial(_first, bench, several, *words),
        partial(bench.cost, several, *words),
    )
    return scaled(first_one, first), scaled(again_one, again)


def _runs(bench: Bench, directory: Path) -> None:
    generate(directory, runs=0)
    (directory / ".dvc").mkdir()
    config = f"[core]\n    remote = storage\n['remote \"storage\"']\n    url = {_storage(directory)}\n"
    (directory / ".dvc/config").write_text(config)
    bench.run(directory, "git", "add", ".")
    bench.run(directory, "git", "commit", "-q", "-m", "where the data is")
    add_runs(directory, [{"model.bin": b"model of %d" % number} for number in range(SHARED)])
    bench.run(directory, "git", "repack", "-adq")


def _experiments(bench: Bench, directory: Path, count: int) -> None:
    dvc_experiments(bench, directory, count, with_data=True)
    bench.run(directory, "dvc", "remote", "add", "-q", "-d", "storage", str(_storage(directory)))
    bench.run(directory, "git", "commit", "-q", "-a", "-m", "where the data is")
    bench.run(directory, "git", "repack", "-adq")


def _first(bench: Bench, repository: Path, *command: str) -> Cost:
    """What a push costs to a new server, where nothing is remembered of the storage, which is empty."""
    for place in (_storage(repository), repository / ".git/gxt/cache"):
        shutil.rmtree(place, ignore_errors=True)
    return first_push(bench, repository, *command)


def _storage(repository: Path) -> Path:
    return repository.with_name(f"{repository.name}-storage")
