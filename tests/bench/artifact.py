"""A checkpoint of 100 MiB: what recording it adds to a run, beside `dvc add` of such a file."""

from __future__ import annotations

import importlib.util
import os
import sys
from functools import partial
from pathlib import Path

from tests.bench.dvc_repository import dvc_nothing
from tests.bench.generate import generate
from tests.bench.measure import Bench, Cost, Row, alternate, compared, missing, ratio_text

_BYTES = 100 << 20
_NAME = "checkpoint, 100 MiB"
_TRAIN = """
import sys, time
import gxt

gxt.init()
for path in sys.argv[2:]:
    gxt.log_model(path)
time.sleep(float(sys.argv[1]))
"""


def bench_artifact(bench: Bench) -> list[Row]:
    """What a training waits for a checkpoint, in the midst of it and as its last act; and all CPU time."""
    if importlib.util.find_spec("dvc") is None:
        return [missing(_NAME, "dvc")]
    ours = bench.once("keeping", partial(generate, runs=0))
    theirs = bench.once("dvc-keeping", partial(dvc_nothing, bench))
    (ours / "train.py").write_text(_TRAIN)
    for place in (ours, theirs):
        (place / ".git/info/exclude").write_text("*.bin\n")
    train = ("gxt", "run", "-q", "--", sys.executable, "train.py")
    amidst, calm, last, nothing, peer = alternate(
        5,
        lambda: _of_new_content(bench, ours, *train, "2", "model.bin"),
        partial(bench.cost, ours, *train, "2"),
        lambda: _of_new_content(bench, ours, *train, "0", "model.bin"),
        partial(bench.cost, ours, *train, "0"),
        lambda: _of_new_content(bench, theirs, "dvc", "add", "-q", "model.dat"),
    )
    waited = (amidst - calm).wall_s
    return [
        _row(f"{_NAME}, wait", waited, peer.wall_s, bound=1 / 4),
        _row(f"{_NAME}, last act", (last - nothing).wall_s, peer.wall_s),
        compared(f"{_NAME}, CPU", last - nothing, peer, what="dvc add"),
    ]


def _row(name: str, ours_s: float, peer_s: float, bound: float | None = None) -> Row:
    ratio = ours_s / peer_s
    texts = (f"{ours_s * 1000:.0f} ms", f"{peer_s * 1000:.0f} ms dvc add", ratio_text(ratio))
    return Row(name, *texts, f"≤ {bound:g}", ratio <= bound) if bound else Row(name, *texts)


def _of_new_content(bench: Bench, place: Path, *command: str) -> Cost:
    """What a command costs that keeps what nobody has kept before: its last word."""
    path = place / command[-1]
    path.unlink(missing_ok=True)  # it may be a link into the cache
    path.write_bytes(os.urandom(_BYTES))
    return bench.cost(place, *command)
