"""Makes `tree.svg`, the picture in the README: `python docs/assets/make_picture.py`.

Real runs in a scratch repository: the project of the first tutorial, and what somebody might try next. What
`gxt tree` prints on a terminal is drawn as it is.
"""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

HERE = Path(__file__).parent
TUTORIAL = HERE.parent / "tutorial" / "first-runs.md"
WIDTH = 78

LINEAR, SQUARES = "[1.0, x, y]", "[1.0, x, y, x * x, y * y]"
PRODUCTS = "[1.0, x, y, x * x, y * y, x * y]"
CUBES = "[1.0, x, y, x * x, y * y, x * y, x * x * x, y * y * y]"
RADIUS = "[1.0, math.hypot(x, y)]"
# parent, name, features, settings
RUNS = (
    ("none", "linear model", LINEAR, "lr=0.05 epochs=20"),
    ("1", "ten times the steps", LINEAR, "epochs=200"),
    ("1", "squares as features", SQUARES, "epochs=20"),
    ("3", "big steps", SQUARES, "lr=0.5"),
    ("4", "huge steps", SQUARES, "lr=5000"),
    ("3", "train longer", SQUARES, "lr=0.05 epochs=60"),
    ("6", "product of the coordinates", PRODUCTS, "epochs=60"),
    ("7", "cubes as well", CUBES, "epochs=60"),
    ("6", "distance instead", RADIUS, "epochs=60"),
    ("9", "distance, bigger steps", RADIUS, "lr=0.5"),
    ("10", "distance, longer", RADIUS, "epochs=200"),
)
THEME = TerminalTheme(
    (22, 27, 34),
    (230, 237, 243),
    [(22, 27, 34), (248, 81, 73), (63, 185, 80), (210, 153, 34), (88, 166, 255), (188, 140, 255),
     (86, 182, 194), (177, 186, 196)],
)  # fmt: skip
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace"


def project(directory: Path) -> None:
    """The tutorial's project, committed."""
    page = TUTORIAL.read_text(encoding="utf-8")
    for name in ("params.yaml", "train.py"):
        found = re.search(rf"^\$ cat > {name} <<'EOF'\n(.*?)^EOF$", page, flags=re.DOTALL | re.MULTILINE)
        assert found, f"the tutorial writes {name}"
        (directory / name).write_text(found[1], encoding="utf-8")
    for words in ("init -q", "add .", "commit -q -m first"):
        subprocess.run(["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *words.split()],
                       cwd=directory, check=True)  # fmt: skip


def record(directory: Path) -> None:
    """The runs, one after the other; one of them fails."""
    script = directory / "train.py"
    linear = script.read_text(encoding="utf-8")
    for number, (parent, name, features, settings) in enumerate(RUNS, 1):
        script.write_text(linear.replace(LINEAR, features), encoding="utf-8")
        words = [word for setting in settings.split() for word in ("--set", setting)]
        done = subprocess.run(
            [sys.executable, "-m", "gxt", "run", "-q", "--parent", parent, "--name", name, *words,
             "--", sys.executable, "train.py"],
            cwd=directory, check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert (done.returncode == 0) == (name != "huge steps"), f"exp-{number:03d}: {done.stderr}"


def on_terminal(directory: Path, *words: str) -> str:
    """What `gxt WORDS` prints on a terminal, escape sequences included."""
    master, slave = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(WIDTH), "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    command = [sys.executable, "-m", "gxt", *words]
    with subprocess.Popen(command, cwd=directory, stdout=slave, env=environment):
        os.close(slave)
        printed = b""
        while data := _read(master):
            printed += data
    os.close(master)
    return printed.decode().replace("\r\n", "\n")


def _read(master: int) -> bytes:
    try:
        return os.read(master, 4096)
    except OSError:  # Linux reports the end of a terminal as an error
        return b""


def main() -> None:
    """Record, print, draw."""
    with tempfile.TemporaryDirectory() as scratch:
        project(Path(scratch))
        record(Path(scratch))
        printed = on_terminal(Path(scratch), "tree")
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text.assemble(("$ ", "dim"), "gxt tree"))
    console.print(Text.from_ansi(printed.rstrip("\n")))
    svg = console.export_svg(title="", theme=THEME, unique_id="gxt-tree")
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)  # the page loads nothing from elsewhere
    lines = [line.rstrip() for line in svg.replace("Fira Code, monospace", FONT).splitlines()]
    (HERE / "tree.svg").write_text("\n".join(filter(None, lines)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
