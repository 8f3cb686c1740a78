"""`gxt report` of 100 runs of 10,000 points: how long it takes to write, and a browser to open."""

from __future__ import annotations

import math
import shutil
import statistics
from pathlib import Path
from random import Random

from tests.bench.measure import Bench, Row, missing
from tests.cli.scratch import new_repository
from tests.with_series import Made, write_runs

RUNS, POINTS = 100, 10_000
OPEN_S = 2.0
_TURNS = 5
_DRAWN = """() => new Promise((done) => {
    requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now())));
})"""


def bench_report(bench: Bench) -> list[Row]:
    """The page of the whole tree: from the start of the navigation until all curves are on the screen."""
    repository = bench.once(f"{RUNS} x {POINTS:,} points", _made)
    page = bench.directory / "report.html"
    cost = bench.cost(repository, "gxt", "report", "-o", str(page))
    rows = [Row(f"report, {RUNS} x {POINTS:,}", f"{cost}, {page.stat().st_size / 1e6:.1f} MB", "")]
    chromium = shutil.which("chromium")
    if chromium is None:
        return [*rows, missing("report, opened", "chromium")]
    opened_s = statistics.median(_opened_s(chromium, page) for _ in range(_TURNS))
    is_fast = opened_s < OPEN_S
    return [*rows, Row("report, opened", f"{opened_s * 1000:.0f} ms", "", "", f"< {OPEN_S:.0f} s", is_fast)]


def _opened_s(chromium: str, page: Path) -> float:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        opened = browser.new_page()
        opened.goto(page.as_uri())
        drawn_ms = float(opened.evaluate(_DRAWN))
        browser.close()
    return drawn_ms / 1000


def _made(directory: Path) -> None:
    noise = Random(1)
    runs = []
    for nth in range(RUNS):
        rate, best = noise.choice((1.0, 3.0, 10.0)), noise.uniform(0.3, 0.7)
        loss = [best + 2 * math.exp(-step * rate / POINTS) + noise.gauss(0, 0.06) for step in range(POINTS)]
        params = {"lr": rate, "model": {"type": noise.choice(("mlp", "cnn"))}}
        parent = noise.randrange(nth) if nth else None
        runs.append(Made({"loss": loss}, name=f"idea {nth}", params=params, parent=parent))
    write_runs(new_repository(directory), runs)
