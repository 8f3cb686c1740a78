"""The page of `gxt report` in a real browser: what it shows, what it does, and what it must never do."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.scratch import environment, new_repository
from tests.with_series import Made, write_runs

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))),
    None,
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

HOSTILE = "<img src=x onerror=bad()> </script><script>bad()</script> \"'&amp; \u202ereversed"
SHOWN = "<img src=x onerror=bad()> </script><script>bad()</script> \"'&amp; \\u{202e}reversed"
STEPS = 6000

RUNS = [
    Made(
        {"val/acc": [0.5, 0.6], "loss": [2.0 + math.sin(step) for step in range(STEPS)]},
        name="baseline",
        params={"lr": 0.1, "model": {"type": "mlp"}},
    ),
    Made({"val/acc": [0.5, 0.7]}, name="better", params={"lr": 0.3, "model": {"type": "mlp"}}, parent=0),
    Made({"val/acc": [0.5, 0.4]}, name="worse", params={"lr": 0.02, "model": {"type": "cnn"}}, parent=0),
    Made({"val/acc": [0.5, 0.65]}, name="below", params={"lr": 0.02, "model": {"type": "cnn"}}, parent=1),
    Made({"val/acc": [0.1, 0.2], HOSTILE: [1.0]}, name=HOSTILE, params={HOSTILE: HOSTILE}, parent=2),
]

LOGS_A_PICTURE = """\
import gxt

gxt.init(config={"depth": 3})
gxt.log({"val/acc": 0.5}, step=1)
gxt.log_image("squares", [[[255, 0, 0], [0, 255, 0]]] * 2, step=1)
"""


class Opened:
    """A page in the browser, and what it has asked for and complained of."""

    def __init__(self, browser: Browser, path: Path) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page: Page = browser.new_context(viewport={"width": 1200, "height": 900}).new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("html[data-ready=yes]")

    def texts(self, selector: str) -> list[str]:
        """The texts of the elements, white space as one space."""
        return [" ".join(text.split()) for text in self.page.locator(selector).all_text_contents()]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `tree.html`, of all runs, and `run.html`, of one that logged a picture."""
    folder = tmp_path_factory.mktemp("report")
    env = environment(tmp_path_factory.mktemp("home"))

    def gxt(repo: Path, *words: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "gxt", *words], cwd=repo, env=env, check=True, capture_output=True
        )

    repo = new_repository(folder / "tree")
    write_runs(repo, RUNS)
    gxt(repo, "report", "-o", str(folder / "tree.html"))
    (repo / "train.py").write_text(LOGS_A_PICTURE)
    gxt(repo, "run", "-q", "--parent", "1", "--name", "picture", "--", sys.executable, "train.py")
    gxt(repo, "report", "@", "-o", str(folder / "run.html"))
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def tree(browser: Browser, pages: Path) -> Iterator[Opened]:
    """The page of all runs. Whatever a test does with it: it asks for nothing, and complains of nothing."""
    opened = Opened(browser, pages / "tree.html")
    yield opened
    assert (opened.requests, opened.complaints) == ([(pages / "tree.html").as_uri()], [])
    opened.page.context.close()


def column(opened: Opened, name: str) -> list[str]:
    nth = opened.texts(".runs thead th").index(name) + 1
    return opened.texts(f".runs tbody tr > :nth-child({nth})")


def axis(opened: Opened) -> str:
    return opened.page.locator(".plot").get_attribute("aria-label") or ""


def test_hostile_names_are_text_everywhere(tree: Opened) -> None:
    assert tree.texts(".tree .name")[-1] == SHOWN
    assert column(tree, "name")[0] == SHOWN
    assert SHOWN in tree.texts(".runs thead button")
    assert SHOWN in tree.texts("#metric option")
    tree.page.locator(".runs tbody button").first.click()
    assert f"exp-005 {SHOWN}" in tree.texts("dialog h2")
    assert tree.page.locator("img").count() == 0
    assert tree.page.locator("script").count() == 2


def test_the_tree_shows_changes_in_words_and_selects_and_folds(tree: Opened) -> None:
    ids, changes = ".tree [role=treeitem] .id", ".tree .change"
    assert tree.texts(ids) == ["exp-001", "exp-002", "exp-004", "exp-003", "exp-005"]
    assert tree.texts(changes) == [
        *("", "▲ +0.1 better, n=1", "▼ −0.05 worse, n=1", "▼ −0.2 worse, n=1", "▼ −0.2 worse, n=1")
    ]
    tree.page.get_by_role("button", name="Draw none").click()
    assert tree.texts(".legend li") == []
    tree.page.locator(".tree .name", has_text="better").click()
    assert tree.texts(".legend li") == ["exp-002 better×"]
    tree.page.locator("#metric").select_option(label="loss")
    assert tree.texts(".legend li.without") == ["exp-002 better (no loss)×"]
    assert tree.texts(".tree .selected .id") == tree.texts(".runs tr.selected th") == ["exp-002"]
    tree.page.locator(".tree button.fold").nth(1).click()
    assert tree.texts(ids) == ["exp-001", "exp-002", "exp-003", "exp-005"]
    assert tree.texts(".tree button.fold") == ["−", "+1", "−"]


def test_the_tree_is_walked_by_keys(tree: Opened) -> None:
    tree.page.locator("[role=treeitem]").first.focus()
    for key in ("ArrowDown", "ArrowLeft", "ArrowDown", "Space"):
        tree.page.keyboard.press(key)
    assert tree.page.evaluate("document.activeElement.querySelector('.id').textContent") == "exp-003"
    assert tree.texts(".tree .selected .id") == ["exp-001", "exp-002", "exp-005"]
    tree.page.keyboard.press("Enter")
    assert tree.texts("dialog h2") == ["exp-003 worse"]
    tree.page.keyboard.press("Escape")
    assert not tree.page.locator("dialog").is_visible()
    tree.page.keyboard.press("ArrowDown")
    levels = tree.page.locator("[role=treeitem]").evaluate_all("all => all.map(one => one.ariaLevel)")
    assert levels == ["1", "2", "2", "3"]
    tree.page.keyboard.press("ArrowLeft")
    assert tree.page.evaluate("document.activeElement.querySelector('.id').textContent") == "exp-003"


def test_the_table_is_sorted_by_numbers_and_filtered_by_words(tree: Opened) -> None:
    assert column(tree, "val/acc") == ["0.2", "0.65", "0.4", "0.7 ★", "0.6"]
    tree.page.locator("th button", has_text="val/acc").click()
    assert column(tree, "val/acc") == ["0.2", "0.4", "0.6", "0.65", "0.7 ★"]
    tree.page.locator("th button", has_text="lr").click()
    tree.page.locator("th button", has_text="lr").click()
    assert column(tree, "lr") == ["0.3", "0.1", "0.02", "0.02", ""]
    assert tree.page.locator("th[aria-sort=descending]").all_text_contents() == ["lr"]
    tree.page.locator("#filter").fill("CNN below")
    assert column(tree, "name") == ["below"]
    assert tree.texts(".runs .count") == ["1 of 5 rows"]


def test_what_has_diverged_is_sorted_behind_numbers_and_nothing_behind_that(tree: Opened) -> None:
    tree.page.evaluate(
        "() => { report.runs[1].cells[1] = ['Infinity', null]; report.runs[2].cells[1] = ['', null]; }"
    )
    orders = [
        tree.page.evaluate("up => { Object.assign(sorting, { column: 1, up }); return sortedRuns(); }", up)
        for up in (True, False)
    ]
    assert orders == [[0, 4, 3, 1, 2], [3, 4, 0, 1, 2]]


def test_dragging_zooms_and_a_double_click_shows_all(tree: Opened) -> None:
    tree.page.locator("#metric").select_option(label="loss")
    whole = "loss by step from 0 to 5999, 1 run"
    assert axis(tree) == whole
    box = tree.page.locator(".plot").bounding_box()
    assert box
    tree.page.mouse.move(box["x"] + 300, box["y"] + 100)
    tree.page.mouse.down()
    tree.page.mouse.move(box["x"] + 500, box["y"] + 100)
    tree.page.mouse.up()
    seen = axis(tree).split()
    assert 1000 < float(seen[4]) < float(seen[6].rstrip(",")) < 3000
    tree.page.mouse.dblclick(box["x"] + 300, box["y"] + 100)
    assert axis(tree) == whole
    tree.page.locator(".plot").focus()
    tree.page.keyboard.press("+")
    assert axis(tree) == "loss by step from 1499.8 to 4499.3, 1 run"
    for _ in range(60):
        tree.page.keyboard.press("+")
    assert axis(tree) == "loss by step from 2999.5 to 2999.5, 1 run"
    tree.page.locator("#x").select_option("time")
    assert axis(tree) == "loss by time since the start from 0 s to 1:39:59, 1 run"


@pytest.mark.parametrize(
    ("steps", "rows"),
    [
        ([0, 1, 2], [3, 3]),  # it ended before
        ([7, 8], [2, 2]),  # and begins after
        ([0, 10], [0, 2]),  # it passes over
        ([0, 4, 5, 9], [0, 4]),
        ([5], [0, 1]),
        ([4, 9, 4, 0], [0, 4]),
    ],
)
def test_a_zoom_sees_what_crosses_it(tree: Opened, steps: list[int], rows: list[int]) -> None:
    assert tree.page.evaluate("steps => within(steps, [3.5, 6])", steps) == rows


def test_times_before_the_start_and_of_many_days(tree: Opened) -> None:
    assert tree.page.evaluate("[-90, 59.5, 3725].map(clock)") == ["-1:30", "59.5 s", "1:02:05"]
    days = tree.page.evaluate("clockTicks([0, 30 * 86400], 5).map(clock)")
    assert days == ["0 s", "240:00:00", "480:00:00", "720:00:00"]


def test_the_pointer_tells_the_value_under_it(tree: Opened) -> None:
    box = tree.page.locator(".plot").bounding_box()
    assert box
    tree.page.mouse.move(box["x"] + box["width"] - 16, box["y"] + 20)
    assert tree.texts(".tip") == ["exp-002 better0.7 · step 1"]


def test_smoothing_draws_something_else_and_a_logarithm_too(tree: Opened) -> None:
    tree.page.locator("#metric").select_option(label="loss")

    def picture() -> object:
        return tree.page.evaluate("document.querySelector('canvas').toDataURL()")

    seen = [picture()]
    tree.page.locator("[aria-label=Smoothing]").fill("0.9")
    seen.append(picture())
    tree.page.locator("#log").check()
    seen.append(picture())
    assert len(set(map(str, seen))) == 3


def test_the_page_of_a_run_has_what_show_has_and_its_pictures(browser: Browser, pages: Path) -> None:
    opened = Opened(browser, pages / "run.html")
    assert opened.texts("h1") == ["exp-006 picture"]
    assert opened.texts(".verdict") == ["0.5 ▼ −0.1 worse, n=1"]
    assert opened.texts("h2") == [
        *("Curves", "What changed from exp-001", "Parameters", "Metrics", "Outputs", "Images")
    ]
    assert opened.texts("figcaption") == ["squares · step 1"]
    opened.page.wait_for_function("document.querySelector('img').complete")
    assert opened.page.evaluate("document.querySelector('img').naturalWidth") == 2
    assert (opened.requests[0], opened.complaints) == ((pages / "run.html").as_uri(), [])
    assert [url[:21] for url in opened.requests[1:]] in ([], ["data:image/png;base64"])
    opened.page.context.close()


def test_nothing_from_elsewhere_may_run(browser: Browser, pages: Path) -> None:
    """The policy of the page: a script or a style that somebody got into it, and any request, are refused."""
    opened = Opened(browser, pages / "tree.html")
    opened.page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.bad = 1";
            document.body.append(script);
            const image = document.createElement("img");
            image.src = "https://example.org/x.png";
            document.body.append(image);
            document.body.setAttribute("style", "color: red");
            return fetch("https://example.org/").catch(() => 0);
        }"""
    )
    assert opened.page.evaluate("window.bad") is None
    assert opened.page.evaluate("getComputedStyle(document.body).color") == "rgb(31, 35, 40)"
    assert len(opened.complaints) >= 4
    assert all("Content Security Policy" in said for said in opened.complaints)
    opened.page.context.close()
