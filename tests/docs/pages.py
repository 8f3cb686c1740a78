"""The console blocks of the documentation: read, run in a scratch directory, compared with what they show.

In a ```console block a line that starts with `$ ` is a command (with its here-document or its continued
lines), what follows up to the next command is its output. The commands of one page run in one bash, in order,
in an empty directory, as a user with a git identity and nothing else but, in `~/gxt`, this repository.

Compared is what the reader compares too: `normalised` takes out what differs from day to day and from machine
to machine. A line with `…` alone stands for any lines.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
_MARK = "::: the end of a command, exit code"
_TIMEOUT_S = 120

# What a reader will not find the same, and the word that stands for it in the comparison.
_CHANGING = (
    (r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b", "UID"),
    (r"\b[0-9a-f]{40}\b", "HASH"),
    (r"(?<![.\w-])[0-9a-f]{7,12}\b", "HASH"),  # words and numbers of that form change on both sides
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", "TIME"),
    (r"\b\d{4}-\d\d-\d\d \d\d:\d\d\b", "TIME"),
    (r"\b\d{10} [+-]\d{4}\b", "TIME"),
    (r"\bUID-\d{19}\b", "UID-TIME"),
    (r"\b(\d+ d \d+ h|\d+ h \d+ min|\d+ min \d\d s|\d+(\.\d)? s)(?=\W|$)", "DURATION"),
    (r'("duration_s": )[\d.]+', r"\1DURATION"),
    (r"(by .* <.*> on )\S+$", r"\1HOST"),
    (r"^( +(machine|python) +).*", r"\1…"),
    (r"^git \d+\.[\w.]+", "git VERSION"),
    (r" {2,}", "  "),
)


@dataclass(frozen=True)
class Command:
    """A command of a page and the output it shows.

    Attributes:
        line: 1-based, of the command in the page.
        text: what bash runs.
        start: 0-based index of the output's first line among the lines of the page; `stop` is after its last.
        shown: the output, without the last newline.
    """

    line: int
    text: str
    start: int
    stop: int
    shown: str


def fences(page: Path) -> Iterator[tuple[str, int, int]]:
    """Each fenced block: its language, and the 0-based range of its inner lines."""
    start, language = 0, ""
    for at, text in enumerate(page.read_text(encoding="utf-8").splitlines()):
        if not text.startswith("```"):
            continue
        if start:
            yield language, start, at
            start = 0
        else:
            start, language = at + 1, text[3:].strip()


def commands(page: Path) -> list[Command]:
    """The commands in the console blocks of a page, in order."""
    lines = page.read_text(encoding="utf-8").splitlines()
    found = []
    for language, start, stop in fences(page):
        at = start if language == "console" else stop
        while at < stop:
            assert lines[at].startswith("$ "), f"{page.name}:{at + 1}: a console block begins with `$ `"
            end = _command_end(lines, at, stop)
            text = "\n".join([lines[at][2:], *lines[at + 1 : end]])
            following = next((i for i in range(end, stop) if lines[i].startswith("$ ")), stop)
            found.append(Command(at + 1, text, end, following, "\n".join(lines[end:following])))
            at = following
    return found


def _command_end(lines: Sequence[str], at: int, stop: int) -> int:
    """The index after a command's last line."""
    here = re.search(r"<<'?(\w+)'?", lines[at])
    if here:
        return lines.index(here[1], at, stop) + 1
    while lines[at].endswith("\\"):
        at += 1
    return at + 1


def run(page: Path, directory: Path) -> list[tuple[Command, str]]:
    """Every command of the page with what it really prints (stdout and stderr as on a terminal)."""
    wanted = commands(page)
    home = directory.resolve() / "home" / "ada"
    home.mkdir(parents=True)
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Ada Lovelace\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n"
    )
    (home / "gxt").symlink_to(ROOT)
    end = f"\ncode=$?; echo; echo '{_MARK}' $code; (exit $code)\n"
    script = "".join(["exec 2>&1 </dev/null\n", *(f"{one.text}{end}" for one in wanted), "exit 0\n"])
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=home,
        env={
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TEST_FSYNC": "0",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "COLUMNS": "120",
        },
        stdout=subprocess.PIPE,
        timeout=_TIMEOUT_S,
        check=True,
    )
    printed = done.stdout.decode().replace(str(directory.resolve()), "")
    parts = re.split(rf"\n?\n{_MARK} \d+\n", "\n" + printed)
    assert len(parts) == len(wanted) + 1, f"{page.name}: a command ended the shell"
    assert "a bug in gxt" not in printed, printed
    return [(one, real.removeprefix("\n")) for one, real in zip(wanted, parts, strict=False)]


def normalised(text: str) -> str:
    """The text with a word in place of each id, time, duration, host and machine; runs of spaces as two."""
    for pattern, word in _CHANGING:
        text = re.sub(pattern, word, text, flags=re.MULTILINE)
    return "\n".join(line.rstrip() for line in text.splitlines())


def agrees(shown: str, real: str) -> bool:
    """Whether the page shows what the command prints."""
    pieces = re.split(r"^…$", normalised(shown), flags=re.MULTILINE)
    pattern = "(.*)".join(re.escape(piece) for piece in pieces)
    return re.fullmatch(pattern, normalised(real), flags=re.DOTALL) is not None
