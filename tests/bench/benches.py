"""The benches: what gxt costs beside what people use today, and beside what the machine charges anyway."""

from __future__ import annotations

import importlib.util
import statistics
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.bench import log_calls
from tests.bench.artifact import bench_artifact
from tests.bench.data import bench_data
from tests.bench.dvc_repository import dvc_experiments, dvc_nothing
from tests.bench.generate import generate
from tests.bench.log_calls import CALLS
from tests.bench.measure import Bench, Cost, Row, alternate, compared, missing, ratio_text
from tests.bench.race import bench_race
from tests.bench.report import bench_report
from tests.bench.scale import bench_many, bench_steps, index_row
from tests.bench.share import bench_share, bench_share_many

MANY_RUNS = 10_000
DVC_EXPERIMENTS = 1_000
TREE_SIZES = (10, 2_000, 10_000)
PRINTING = {
    "200 MB": "import os\nblock = (b'x' * 79 + b'\\n') * 819\nfor _ in range(3052): os.write(1, block)",
    "lines": "for step in range(1_000_000): print('step', step)",
}
"""2.5 million lines of 80 bytes written in blocks, and a million short lines as a script prints them."""


def bench_run(bench: Bench) -> list[Row]:
    """A recorded run of nothing, against DVC's: as it is, and with a parameter edited before each."""
    ours = bench.once("small", partial(generate, runs=0))
    turn = 0

    def edited(directory: Path, *command: str) -> Cost:
        nonlocal turn
        turn += 1
        (directory / "params.yaml").write_text(f"lr: {turn / 1000}\n")
        return bench.cost(directory, *command)

    if not _installed("dvc"):
        return [missing("run", "dvc")]
    clean = bench.once("clean", partial(generate, runs=0))
    theirs = bench.once("dvc-nothing", partial(dvc_nothing, bench))
    # DVC runs a stage only when something has changed
    mine, mine_edited, peer = alternate(
        9,
        partial(bench.cost, clean, "gxt", "run", "--", "true"),
        lambda: edited(ours, "gxt", "run", "--", "true"),
        lambda: edited(theirs, "dvc", "exp", "run"),
    )
    return [
        compared("run", mine, peer, bound=1 / 8, what="dvc exp run"),
        compared("run, edited", mine_edited, peer, bound=None, what="dvc exp run"),
    ]


def bench_run_files(bench: Bench) -> list[Row]:
    """A recorded run in ever larger repositories, less what `git status` costs there: it must not grow."""
    costs: list[tuple[Cost, Cost]] = []
    for files in TREE_SIZES:
        repository = bench.once(f"{files} files", partial(generate, runs=0, files=files))
        recorded, status = alternate(
            9,
            partial(bench.cost, repository, "gxt", "run", "--", "true"),
            partial(bench.cost, repository, "git", "status", "--porcelain"),
        )
        costs.append((recorded, status))
    least = costs[0][0] - costs[0][1]
    rows = []
    for files, (recorded, status) in zip(TREE_SIZES, costs, strict=True):
        grown_ms = (recorded - status - least).cpu_s * 1000
        first = files == TREE_SIZES[0]
        rows.append(
            Row(
                f"run, {files:,} files",
                str(recorded),
                f"{status} git status",
                "" if first else f"{grown_ms:+.0f} ms",
                "" if first else "< +20 ms",
                None if first else grown_ms < 20,
            )
        )
    return rows


def bench_list(bench: Bench) -> list[Row]:
    """Lists of 10,000 runs, against DVC's of 1,000."""
    if not _installed("dvc"):
        return [missing("list", "dvc")]
    ours = _many_runs(bench)
    theirs = bench.once("dvc-many", partial(dvc_experiments, bench, count=DVC_EXPERIMENTS))
    forms = (("list", "--limit", "20"), ("list",), ("list", "--json"))
    *mine, peer = alternate(
        5,
        *(partial(bench.cost, ours, "gxt", *form) for form in forms),
        partial(bench.cost, theirs, "dvc", "exp", "show", "--json"),
    )
    return [
        compared(" ".join(form), cost, peer, bound=1 / 10, what="dvc exp show --json, 1,000 experiments")
        for form, cost in zip(forms, mine, strict=True)
    ]


def bench_list_small(bench: Bench) -> list[Row]:
    """The list that one looks at all day, against what starting Python costs."""
    ours = bench.once("20 runs", partial(generate, runs=20))
    mine, python = alternate(
        15, partial(bench.cost, ours, "gxt", "list", "--limit", "20"), partial(_python, bench, "pass")
    )
    return [compared("list-small", mine, python, bound=12, what="python -c pass")]


def bench_log(bench: Bench) -> list[Row]:
    """One call that logs four floats, against a plain append and against other trackers."""
    turns = [(_log_us(bench, "plain"), _log_us(bench, "gxt")) for _ in range(5)]
    plain_us, gxt_us = (statistics.median(turn) for turn in zip(*turns, strict=True))
    ours = f"{gxt_us:.1f} µs"
    ratio = gxt_us / plain_us
    rows = [Row("log", ours, f"{plain_us:.1f} µs plain append", ratio_text(ratio), "≤ 2", ratio <= 2)]
    for tracker in ("wandb", "tensorboard", "mlflow"):
        if not _installed(tracker):
            rows.append(missing("log", tracker))
            continue
        peer_us = statistics.median(_log_us(bench, tracker) for _ in range(3))
        rows.append(Row("log", ours, f"{peer_us:.1f} µs {tracker}", ratio_text(gxt_us / peer_us)))
    return rows


def bench_watch(bench: Bench) -> list[Row]:
    """A step of training that is watched, against one that is not."""
    if not _installed("torch"):
        return [missing("watch", "torch")]
    place = bench.once("watched", partial(generate, runs=0))
    rows = []
    for model in ("mlp", "cnn", "transformer"):
        said = bench.run(place, sys.executable, str(Path(__file__).with_name("watching.py")), model)
        plain_us, watched_us = map(float, said.split())
        ratio = watched_us / plain_us
        peer = f"{plain_us:.0f} µs unwatched"
        rows.append(
            Row(f"watch, {model}", f"{watched_us:.0f} µs", peer, ratio_text(ratio), "≤ 1.05", ratio <= 1.05)
        )
    return rows


def bench_output(bench: Bench) -> list[Row]:
    """What a command prints through gxt into a pipe, less a run of nothing; against a bare pipe."""
    place = bench.once("printing", partial(generate, runs=0))
    rows = []
    for name, program in PRINTING.items():
        script = place / "printing.py"
        script.write_text(program)
        piped = f'"$@" {sys.executable} {script} | wc -c'
        ours, nothing, bare = alternate(
            5,
            partial(bench.cost, place, "sh", "-c", piped, "sh", "gxt", "run", "-q", "--"),
            partial(bench.cost, place, "gxt", "run", "-q", "--", "true"),
            partial(bench.cost, place, "sh", "-c", piped, "sh"),
        )
        bound = 2 if name == "lines" else None
        rows.append(compared(f"output, {name}", ours - nothing, bare, bound=bound, what="bare pipe"))
    return rows


def bench_import(bench: Bench) -> list[Row]:
    """What every script and every command pays before it does anything."""
    place = bench.directory
    python, imported, helped = alternate(
        15,
        partial(_python, bench, "pass"),
        partial(_python, bench, "import gxt"),
        partial(bench.cost, place, "gxt", "--help"),
    )
    what = "python -c pass"
    return [
        compared("import gxt", imported, python, what=what),
        compared("gxt --help", helped, python, what=what),
    ]


def bench_index(bench: Bench) -> list[Row]:
    """Building the index of 10,000 runs from nothing, against git reading the same documents."""
    return [index_row(bench, _many_runs(bench), "index")]


BENCHES: dict[str, Callable[[Bench], list[Row]]] = {
    "import": bench_import,
    "log": bench_log,
    "watch": bench_watch,
    "run": bench_run,
    "run-files": bench_run_files,
    "race": bench_race,
    "artifact": bench_artifact,
    "output": bench_output,
    "list-small": bench_list_small,
    "list": bench_list,
    "index": bench_index,
    "many": bench_many,
    "steps": bench_steps,
    "share": bench_share,
    "share-many": bench_share_many,
    "data": bench_data,
    "report": bench_report,
}


def _many_runs(bench: Bench) -> Path:
    return bench.once(f"{MANY_RUNS:,} runs", partial(generate, runs=MANY_RUNS))


def _python(bench: Bench, code: str) -> Cost:
    return bench.cost(bench.directory, sys.executable, "-c", code)


def _log_us(bench: Bench, tracker: str) -> float:
    """The median of a call in a fresh process and a directory of its own, in microseconds."""
    place = bench.once(f"logged by {tracker}", partial(generate, runs=0))
    return float(bench.run(place, sys.executable, log_calls.__file__, tracker, str(CALLS[tracker])))


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None
