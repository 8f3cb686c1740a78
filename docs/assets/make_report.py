"""Makes `report.png`, the picture of how-to/report.md, with the commands of that page and Chromium.

`PYTHONPATH=. python docs/assets/make_report.py`
"""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.docs.pages import ROOT, run

HERE = ROOT / "docs" / "assets"
PAGE = ROOT / "docs" / "how-to" / "report.md"


def main() -> None:
    """Run the page, and take a picture of the report that it has written."""
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        run(PAGE, Path(scratch))
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1180, "height": 800})
        page.goto(next(Path(scratch).rglob("report.html")).as_uri())
        page.locator("#metric").select_option(label="train/loss")
        page.locator("[aria-label=Smoothing]").fill("0.95")
        page.mouse.click(5, 5)  # takes the focus off the slider
        shot = Image.open(io.BytesIO(page.screenshot(full_page=True)))
        shot.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(HERE / "report.png", optimize=True)
        chromium.close()


if __name__ == "__main__":
    main()
