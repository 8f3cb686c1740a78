"""Makes what tutorial/scaling-study.md shows: `PYTHONPATH=. python docs/assets/make_study.py [--train]`.

Without more the page's commands run on the runs of `study.tar.gz`, an export of the study, and the pictures
that they draw are kept. `--train` makes the study anew first: the sweep of the page, in a clone of this
repository, as whoever calls it, with what `pip install -e '.[demo]'` installs; half an hour of one core.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.docs.pages import ROOT, fences, run

HERE = ROOT / "docs" / "assets"
PAGE = ROOT / "docs" / "tutorial" / "scaling-study.md"
STUDY = HERE / "study.tar.gz"
PICTURES = {"curves.svg": "study-curves.svg", "scaling.svg": "study-scaling.svg"}


def sweep() -> str:
    """The page's commands that train: its `bash` blocks."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    blocks = [lines[start:stop] for language, start, stop in fences(PAGE) if language == "bash"]
    return "\n".join(line for block in blocks for line in block)


def train(directory: Path) -> None:
    """Run the sweep, and export its runs."""
    subprocess.run(["git", "clone", "-q", str(ROOT), "gxt"], cwd=directory, check=True)
    subprocess.run(["bash", "-euc", sweep()], cwd=directory / "gxt", check=True)
    subprocess.run(["gxt", "export", "files", "../study"], cwd=directory / "gxt", check=True)
    pack(directory / "study")


def pack(folder: Path) -> None:
    """The export as one file; the pictures of its runs, half of its bytes, are left out."""

    def kept(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        return None if member.name.endswith(".png") else member

    with tarfile.open(STUDY, "w:gz", compresslevel=9) as archive:
        archive.add(folder, "study", filter=kept)


def draw(directory: Path) -> None:
    """Run the page, and take the pictures that it has drawn."""
    run(PAGE, directory)
    for drawn, kept in PICTURES.items():
        shutil.copyfile(next(directory.rglob(drawn)), HERE / kept)


def main() -> None:
    """Train if asked to, then draw."""
    with tempfile.TemporaryDirectory() as scratch:
        if sys.argv[1:] == ["--train"]:
            train(Path(scratch))
        draw(Path(scratch) / "page")


if __name__ == "__main__":
    main()
