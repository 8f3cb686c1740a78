"""Makes `curves.svg`, the picture of how-to/plot.md, with the commands of that page.

`PYTHONPATH=. python docs/assets/make_curves.py`
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tests.docs.pages import ROOT, run

HERE = ROOT / "docs" / "assets"
PAGE = ROOT / "docs" / "how-to" / "plot.md"


def main() -> None:
    """Run the page, and take the picture that it has drawn."""
    with tempfile.TemporaryDirectory() as scratch:
        run(PAGE, Path(scratch))
        shutil.copyfile(next(Path(scratch).rglob("curves.svg")), HERE / "curves.svg")


if __name__ == "__main__":
    main()
