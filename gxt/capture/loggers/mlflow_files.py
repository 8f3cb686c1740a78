"""MLflow's store of plain files: `mlruns/<experiment>/<run>/` with `meta.yaml` and a file for each value."""

from __future__ import annotations

from pathlib import Path

from gxt.capture.log_places import RUN_TAG
from gxt.capture.loggers.content import NOTHING, Content, Point

META = "meta.yaml"
OWN_TAGS = "mlflow."
NO_LABELS = (OWN_TAGS, RUN_TAG)
"""What the tags begin with that are none of the user's."""

_LONGEST = 8000


class MetricReader:
    """Reads the file of one metric: a line `<time in ms> <value> <step>` for each point."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._rest = b""

    def feed(self, data: bytes) -> Content:
        """The lines that are complete now."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        points = [point for line in lines if (point := self._point(line)) is not None]
        return Content(points) if points else NOTHING

    def _point(self, line: bytes) -> Point | None:
        words = line.split()
        try:
            step = int(words[2]) if len(words) > 2 else 0
            return Point(step, int(words[0]) * 1000, {self._name: float(words[1])})
        except (IndexError, ValueError):
            return None


def started_ms(meta: str) -> int | None:
    """When the run of a `meta.yaml` began, in milliseconds since 1970; None where it does not say."""
    said = field(meta, "start_time")
    return int(said) if said.isdecimal() else None


def marked_run(folder: Path) -> str | None:
    """The uid of the run of ours that a run belongs to, as its tag says; None where it has no such tag."""
    try:
        return (folder / "tags" / RUN_TAG).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def field(meta: str, name: str) -> str:
    """A field of a `meta.yaml`; it has one a line, and reading it as YAML would cost a module of 8 ms."""
    for line in meta.splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return value.strip().strip("'\"")
    return ""


def texts(folder: Path) -> dict[str, str]:
    """The values of the files in a folder by their names; `/` in a name is a folder."""
    found = {}
    for path in sorted(folder.rglob("*")) if is_own_folder(folder) else ():
        if path.is_file() and not path.is_symlink():
            with path.open(encoding="utf-8", errors="replace") as file:
                found[path.relative_to(folder).as_posix()] = file.read(_LONGEST).rstrip("\n")
    return found


def is_own_folder(path: Path) -> bool:
    """Whether it is a folder, and no link to one."""
    return path.is_dir() and not path.is_symlink()
