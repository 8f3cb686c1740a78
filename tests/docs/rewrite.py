"""Puts into the documentation what its commands print now: `python -m tests.docs.rewrite [PAGE…]`.

Output that still agrees is left alone. Output that was shortened with `…` comes back whole: shorten it again.
The generated reference pages are written too.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.docs.pages import PAGES, ROOT, agrees, commands, run


def rewrite(page: Path) -> int:
    """Correct one page; returns how many outputs changed."""
    with tempfile.TemporaryDirectory() as directory:
        results = run(page, Path(directory))
    lines = page.read_text(encoding="utf-8").splitlines()
    changed = [(one, real) for one, real in results if not agrees(one.shown, real)]
    for one, real in reversed(changed):
        lines[one.start : one.stop] = real.splitlines()
        sys.stderr.write(f"{page.relative_to(ROOT)}:{one.line}: {one.text.splitlines()[0]}\n")
    if changed:
        page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(changed)


def main() -> None:
    """Rewrite the pages that are named, or all."""
    for script in sorted((ROOT / "docs" / "reference").glob("make_*.py")):
        subprocess.run([sys.executable, str(script)], check=True)
    for page in [Path(name).resolve() for name in sys.argv[1:]] or PAGES:
        if commands(page):
            rewrite(page)


if __name__ == "__main__":
    main()
