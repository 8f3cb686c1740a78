"""Much output, endless lines, broken text, bars: all passes unchanged, in little memory, and can be read."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import data, gxt

MEMORY_BYTES = 64 << 20

# Prints its first argument as often as the second says, in blocks; the parent process is gxt.
PRINTS = """
import os, sys
text, times = sys.argv[1].encode().decode("unicode_escape").encode("latin-1"), int(sys.argv[2])
every = max(1, 65536 // len(text))
for done in range(0, times, every):
    rest = memoryview(text * min(every, times - done))
    while rest:
        rest = rest[os.write(1, rest):]
with open(f"/proc/{os.getppid()}/status") as status:
    (peak_kb,) = [line.split()[1] for line in status if line.startswith("VmHWM")]
open("peak_kb", "w").write(peak_kb)
"""

MEGABYTES = [2, pytest.param(200, marks=pytest.mark.long)]


def printed(repo: Path, text: str, times: int) -> int:
    """Print it through gxt; returns the most memory that gxt had, in bytes. Every byte must have passed."""
    (repo / "prints.py").write_text(PRINTS)
    command = [sys.executable, "-m", "gxt", "run", "-q", "--", "python", "prints.py", text, str(times)]
    with subprocess.Popen(command, cwd=repo, stdout=subprocess.PIPE) as process:
        assert process.stdout
        passed, expected = hashlib.sha1(usedforsecurity=False), hashlib.sha1(usedforsecurity=False)
        while chunk := os.read(process.stdout.fileno(), 65536):
            passed.update(chunk)
    assert process.returncode == 0
    block = text.encode().decode("unicode_escape").encode("latin-1")
    for done in range(0, times, 1024):
        expected.update(block * min(1024, times - done))
    assert passed.digest() == expected.digest()
    return int((repo / "peak_kb").read_text()) << 10


needs_proc = pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="VmHWM is Linux's")  # noqa: PTH110


@needs_proc
@pytest.mark.parametrize("megabytes", MEGABYTES)
def test_many_lines(repo: Path, megabytes: int) -> None:
    line = "x" * 79
    assert printed(repo, f"{line}\\n", megabytes * 12_500) < MEMORY_BYTES
    lines = gxt(repo, "output").stdout.splitlines()
    assert [lines[0], lines[-1]] == [line, line]
    assert len(lines) == 2 * (512 << 10) // (80 + 30)


@needs_proc
@pytest.mark.parametrize("megabytes", MEGABYTES)
def test_a_line_without_an_end(repo: Path, megabytes: int) -> None:
    assert printed(repo, "0123456789", megabytes * 100_000) < MEMORY_BYTES
    shown = gxt(repo, "output").stdout
    assert 900 << 10 < len(shown) < 1 << 20
    assert shown.splitlines()[0] == "0123456789" * 6553 + "012345"


@needs_proc
@pytest.mark.parametrize("megabytes", MEGABYTES)
def test_a_bar_that_never_ends(repo: Path, megabytes: int) -> None:
    assert printed(repo, "\\r 10% |#         |", megabytes * 62_500) < MEMORY_BYTES
    assert gxt(repo, "output").stdout == " 10% |#         |\n"


def test_text_that_is_no_utf_8(repo: Path) -> None:
    script = r"import os; os.write(1, b'\xe9 \xff\xfe\0 \xc3\n\xf0\x9f\n\xe2\x82'); os.write(1, b'\xac')"
    command = [sys.executable, "-m", "gxt", "run", "-q", "--", "python", "-c", script]
    done = subprocess.run(command, cwd=repo, capture_output=True, check=True)
    assert done.stdout == b"\xe9 \xff\xfe\0 \xc3\n\xf0\x9f\n\xe2\x82\xac"
    assert gxt(repo, "output").stdout == "� ��\\u{0} �\n�\n€\n"
    assert [line["text"] for line in data(repo, "output")["lines"]] == ["� ��\0 �", "�", "€"]


BARS = """
import sys
def bar(done, end=""):
    sys.stderr.write(f"\\rtrain: {done // 100:3d}%|{'#' * (done // 1000):10}| {done}/10000{end}")
for step in range(10_001):
    bar(step)
sys.stderr.write("\\nsaved\\n")
for step in range(10_001):
    bar(step, end="\\x1b[K")
    if step % 10 == 0:
        sys.stderr.write(f"\\n\\rval: {step // 100}%\\x1b[A")
sys.stderr.write("\\n\\n")
print("end")
"""


def test_of_progress_bars_the_last_state(repo: Path) -> None:
    (repo / "bars.py").write_text(BARS)
    gxt(repo, "run", "-q", "--", "python", "bars.py")
    shown = gxt(repo, "output").stdout.splitlines()
    last = "train: 100%|##########| 10000/10000"
    assert sorted(shown) == sorted(
        ["end", last, "saved", "train:   0%|          | 0/10000", last, "val: 100%"]
    )
    assert data(repo, "show")["status"] == "completed"
