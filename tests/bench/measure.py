"""Measuring: what processes cost, two of them side by side, and the table of the results.

CPU time is user and system time of a process and of all the children it waited for. Times of one machine at
one moment mean little; the ratio of two commands that took turns in the same minute does.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# PYTHONDONTWRITEBYTECODE among them: without compiled files every command would compile its modules again
LEAKY_PREFIXES = ("GIT_", "GXT_", "DVC_", "MLFLOW_", "WANDB_", "PYTHON")


@dataclass(frozen=True)
class Cost:
    """What a process took, in seconds."""

    cpu_s: float
    wall_s: float

    def __sub__(self, other: Cost) -> Cost:
        return Cost(self.cpu_s - other.cpu_s, self.wall_s - other.wall_s)

    def __str__(self) -> str:
        return f"{self.cpu_s * 1000:.0f} ({self.wall_s * 1000:.0f}) ms"


@dataclass(frozen=True)
class Row:
    """A line of the table; `ok` is None where nothing is bounded or the peer is not here."""

    name: str
    gxt: str
    peer: str
    ratio: str = ""
    bound: str = ""
    ok: bool | None = None


@dataclass
class Bench:
    """What the benches share: a directory, a sealed environment, things that are costly to make."""

    directory: Path
    environment: dict[str, str]
    made: dict[str, Path] = field(default_factory=dict)

    def once(self, name: str, make: Callable[[Path], object]) -> Path:
        """The directory that `make` fills, made when it is first asked for."""
        if name not in self.made:
            say(f"making {name} …")
            make(self.directory / name)
            self.made[name] = self.directory / name
        return self.made[name]

    def cost(self, directory: Path, *command: str, stdin: Path | None = None) -> Cost:
        """What a command costs; its output is thrown away."""
        return process_cost(command, directory, self.environment, stdin)

    def run(self, directory: Path, *command: str) -> str:
        """What a command prints."""
        return subprocess.run(
            command, cwd=directory, env=self.environment, check=True, stdout=subprocess.PIPE, text=True
        ).stdout


def sealed_bench(directory: Path) -> Bench:
    """A HOME of its own with a git identity, nothing inherited; the programs of this interpreter first."""
    home = directory / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\n\tname = Ada Lovelace\n\temail = ada@example.org\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(LEAKY_PREFIXES)}
    environment = {
        **kept,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', os.defpath)}",
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "DVC_NO_ANALYTICS": "1",
        "WANDB_MODE": "offline",
        "WANDB_SILENT": "true",
    }
    return Bench(directory, environment)


def process_cost(
    command: Sequence[str], directory: Path, environment: dict[str, str], stdin: Path | None = None
) -> Cost:
    """What a process costs with all the children that it waits for.

    Raises:
        ChildProcessError: it ended with another exit code than 0.
    """
    program = shutil.which(command[0], path=environment["PATH"]) or command[0]
    with tempfile.TemporaryFile() as said, (stdin or Path(os.devnull)).open("rb") as source:
        start_s = time.perf_counter()
        child = subprocess.Popen(
            [program, *command[1:]],
            cwd=directory,
            env=environment,
            stdin=source,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        _, status, usage = os.wait4(child.pid, 0)
        wall_s = time.perf_counter() - start_s
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            said.seek(0)
            raise ChildProcessError(f"{' '.join(command)}: {said.read().decode(errors='replace')}")
    return Cost(usage.ru_utime + usage.ru_stime, wall_s)


def alternate(times: int, *actions: Callable[[], Cost]) -> list[Cost]:
    """The median cost of each action; they take turns, after one turn that does not count."""
    for action in actions:
        action()
    turns = [[action() for action in actions] for _ in range(times)]
    return [median(costs) for costs in zip(*turns, strict=True)]


def median(costs: Sequence[Cost]) -> Cost:
    """The median of CPU time and of wall time, each on its own."""
    return Cost(
        statistics.median(cost.cpu_s for cost in costs), statistics.median(cost.wall_s for cost in costs)
    )


def compared(name: str, ours: Cost, peer: Cost, *, bound: float | None = None, what: str = "") -> Row:
    """A row with the ratio of two CPU times; `what` names the peer."""
    ratio = ours.cpu_s / peer.cpu_s
    peer_text = f"{peer} {what}".rstrip()
    shown = ratio_text(ratio)
    if bound is None:
        return Row(name, str(ours), peer_text, shown)
    return Row(name, str(ours), peer_text, shown, f"≤ {bound:g}", ratio <= bound)


def ratio_text(ratio: float) -> str:
    """Three digits above one, two significant ones far below it."""
    return f"{ratio:.2f}" if ratio >= 1 else f"{ratio:.3f}" if ratio >= 0.1 else f"{ratio:.2g}"


def missing(name: str, package: str) -> Row:
    """The row of a peer that is not here: never counted as passed."""
    return Row(name, "", f"not installed: pip install {package}")


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table, padded so that it reads well in a terminal as well."""
    head = ("name", "gxt", "peer", "ratio", "bound", "ok")
    verdicts = {True: "yes", False: "NO", None: ""}
    cells = [head, *((r.name, r.gxt, r.peer, r.ratio, r.bound, verdicts[r.ok]) for r in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [" | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in cells]
    lines.insert(1, " | ".join("-" * width for width in widths))
    return "".join(f"| {line} |\n" for line in lines)


def say(text: str) -> None:
    """Progress, on stderr."""
    sys.stderr.write(f"{text}\n")
