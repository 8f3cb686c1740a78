"""Runs of many processes at once in one repository, as a sweep on a large machine makes them."""

from __future__ import annotations

import subprocess
import sys
import time
from functools import partial

from tests.bench.generate import generate
from tests.bench.measure import Bench, Row

PROCESSES, RUNS = 16, 50
LEAST_A_SECOND = 20
_RECORD = f"""
import gxt
for number in range({RUNS}):
    with gxt.init(config={{"number": number}}) as run:
        for step in range(5):
            run.log({{"loss": step / 64}}, step=step)
"""


def bench_race(bench: Bench) -> list[Row]:
    """How many runs a second all of them together get into git, the starts of Python included."""
    place = bench.once("race", partial(generate, runs=0))
    since_s = time.perf_counter()
    command = (sys.executable, "-c", _RECORD)
    processes = [subprocess.Popen(command, cwd=place, env=bench.environment) for _ in range(PROCESSES)]
    codes = [process.wait() for process in processes]
    a_second = PROCESSES * RUNS / (time.perf_counter() - since_s)
    listed = bench.run(place, "gxt", "list", "--columns", "id", "--csv").split()
    if any(codes) or len(set(listed)) != PROCESSES * RUNS + 1:
        raise ChildProcessError(f"of {PROCESSES * RUNS} runs {len(set(listed)) - 1} are there")
    return [
        Row(
            f"{PROCESSES} x {RUNS} at once",
            f"{a_second:.0f} runs a second",
            "",
            "",
            f"≥ {LEAST_A_SECOND}",
            a_second >= LEAST_A_SECOND,
        )
    ]
