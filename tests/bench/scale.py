"""Scale: a history of 100,000 runs beside one of 100, and a run of a million steps."""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from gxt.store.places import NOTED_FILES
from tests.bench import log_steps
from tests.bench.generate import generate
from tests.bench.log_steps import NAMES, values
from tests.bench.measure import Bench, Cost, Row, alternate, compared, ratio_text

MANY, FEW = 100_000, 100
STEPS = 1_000_000
MEMORY_MB = 600
SIZES = {"noisy": 0.6, "float32": 0.25, "rounded": 0.6}  # against gzip JSON lines of the same points
_NONE = 'metrics["val/acc"] > 0.999'  # every run is looked at
_FORMS = {
    "list": ("list", "--limit", "20"),
    "list --where, none": ("list", "--where", _NONE),
    "list --where, 20": ("list", "--where", f'not {_NONE} and params.model.type == "vit"', "--limit", "20"),
    "list --sort": ("list", "--sort=-val/acc", "--limit", "20"),
    "tree": ("tree", "--limit", "20"),
    "run": ("run", "-q", "--", "true"),
}


def bench_many(bench: Bench) -> list[Row]:
    """What people do all day at 100,000 runs, against the same at 100."""
    many = bench.once(f"{MANY:,} runs", partial(generate, runs=MANY))
    few = bench.once(f"{FEW:,} runs", partial(generate, runs=FEW))
    forms = {name: (words, words) for name, words in _FORMS.items()}
    forms["show"] = (("show", f"exp-{MANY - 1}"), ("show", f"exp-{FEW - 1}"))
    rows = []
    for name, (theirs, ours) in forms.items():
        costs = alternate(
            7, partial(bench.cost, many, "gxt", *theirs), partial(bench.cost, few, "gxt", *ours)
        )
        rows.append(compared(f"{name}, {MANY:,}", *costs, bound=3, what=f"{FEW} runs"))
    return [*rows, index_row(bench, many, f"index, {MANY:,}")]


def index_row(bench: Bench, repository: Path, name: str) -> Row:
    """What the first list takes more than the next one, against git reading the documents of all runs."""
    listed = repository / ".git" / "documents"
    listed.write_text("".join(f"{oid}\n" for oid in _documents(bench, repository)))
    once = ("gxt", "list", "--limit", "1")

    def from_nothing() -> Cost:
        for index in (repository / ".git" / "gxt").glob("index-*"):
            index.unlink()
        return bench.cost(repository, *once)

    built, warm, read = alternate(
        5,
        from_nothing,
        partial(bench.cost, repository, *once),
        partial(bench.cost, repository, "git", "cat-file", "--batch", stdin=listed),
    )
    return compared(name, built - warm, read, bound=4, what="git cat-file --batch")


def _documents(bench: Bench, repository: Path) -> list[str]:
    """The ids of the documents that an index is made of, each once."""
    names = {"environment.json", *NOTED_FILES.values()}
    lines = bench.run(repository, "git", "ls-tree", "-r", "refs/gxt/experiments").splitlines()
    found = (line.partition("\t") for line in lines)
    return list(dict.fromkeys(at.split()[2] for at, _, path in found if path.rpartition("/")[2] in names))


def bench_steps(bench: Bench) -> list[Row]:
    """A run of a million steps of four metrics: its size in git, the memory to seal and to read it."""
    rows = []
    for number, (kind, bound) in enumerate(SIZES.items(), 1):
        place = bench.once("steps", partial(generate, runs=0))
        script = (sys.executable, log_steps.__file__, kind, str(STEPS))
        recorded = _peak(bench, place, "run", "-q", "--", *script)
        shown = _peak(bench, place, "show", str(number))
        read = _peak(bench, place, "show", str(number), "--series", "--json")
        for name, (used_mb, cpu_s) in (("sealed", recorded), ("shown", shown), ("read back", read)):
            ours = f"{used_mb:.0f} MB, {cpu_s:.1f} s"
            rows.append(Row(f"{kind}, {name}", ours, "", "", f"≤ {MEMORY_MB} MB", used_mb <= MEMORY_MB))
        stored, packed = _stored(bench, place, number) / STEPS, sum(_gzipped(kind)) / STEPS
        theirs, ratio = f"{packed:.1f} B a step gzip JSON lines", stored / packed
        rows.append(
            Row(
                f"{kind}, size",
                f"{stored:.1f} B a step",
                theirs,
                ratio_text(ratio),
                f"≤ {bound}",
                ratio <= bound,
            )
        )
    return rows


# The most memory of a process is at least that of the one that started it: this one holds little.
_MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_maxrss, used.ru_utime + used.ru_stime)
"""


def _peak(bench: Bench, place: Path, *words: str) -> tuple[float, float]:
    """The most memory that gxt or one of its children held, in MB, and the CPU time in seconds."""
    most, cpu_s = bench.run(place, sys.executable, "-c", _MEASURE, "gxt", *words).split()
    return int(most) / (1 << 20 if sys.platform == "darwin" else 1 << 10), float(cpu_s)


def _stored(bench: Bench, place: Path, number: int) -> int:
    """The bytes of a run's series in git."""
    tree = f"refs/gxt/experiments:exp-0xx/exp-{number:03d}"
    lines = bench.run(place, "git", "ls-tree", "-r", "-l", tree, "series").splitlines()
    return sum(int(line.split()[3]) for line in lines)


def _gzipped(kind: str) -> Iterator[int]:
    """The sizes of the pieces of the same points as gzip JSON lines, logged 10 µs apart."""
    packer = zlib.compressobj(6, wbits=31)
    for step, row in enumerate(values(kind, STEPS)):
        point = {"step": step, "time": 1_767_600_000 + step * 10 / 1e6, **dict(zip(NAMES, row, strict=True))}
        yield len(packer.compress(json.dumps(point).encode() + b"\n"))
    yield len(packer.flush())
