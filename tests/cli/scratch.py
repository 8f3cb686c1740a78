"""What the tests of the command line share: runs to read, whole outputs made comparable, a terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from pathlib import Path

from gxt.model.ids import new_uid, run_path
from tests.conftest import LEAKY_NAMES, LEAKY_PREFIXES, git

PYTHON = str(Path(sys.executable).parent)

TRAIN = """\
import math
import gxt

rate = float(open("params.yaml").readline().split()[1])
gxt.init()
for step in range(3):
    gxt.log({"train_loss": 1 / (1 + step) / rate, "val/acc": 0.5 + rate * step / 4}, step=step)
gxt.log({"odd": math.nan}, step=7)
gxt.log({"odd": -math.inf}, step=5)
print("trained")
"""
PARAMS = "lr: 0.1  # the rate\nmodel:\n  type: mlp\n  width: 64\n"

# What differs from one machine and one moment to the next. Columns keep their width.
_VARYING = (
    (r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b", "<uid>"),
    (r"\b[0-9a-f]{40}\b", "<oid>"),
    (r"\b[0-9a-f]{10}(?= on |, no branch)", "<head>"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "<time>"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d", "2001-02-03 04:05"),
    (r"(?<![\d.])\d\.\d s\b", "0.0 s"),
    (r"(?m)^(  python +)[\d.]+", r"\1<version>"),
    (r"(?m)^(  machine +)\S.*$", r"\1<machine>"),
    (r"(?m)( by .* on )\S+$", r"\1<host>"),
)


def normal(text: str, root: Path | None = None) -> str:
    """The text with times, hashes and facts of this machine replaced, and the root by `<repo>`."""
    if root is not None:
        text = text.replace(str(root.resolve()), "<repo>")
    for pattern, replacement in _VARYING:
        text = re.sub(pattern, replacement, text)
    return text


def tagged(text: str) -> str:
    """The text with its escapes as words: `<cyan>exp-002</>`."""
    names = {
        "0": "/",
        "1": "bold",
        "1;4": "head",
        "2": "dim",
        "31": "red",
        "32": "green",
        "33": "yellow",
        "36": "cyan",
    }
    return re.sub(r"\x1b\[([\d;]*)m", lambda found: f"<{names[found[1]]}>", text)


def environment(home: Path) -> dict[str, str]:
    """A sealed environment for fixtures that live longer than a test; `python` is the one that has gxt."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(LEAKY_PREFIXES) and name not in LEAKY_NAMES
    }
    (home / ".gitconfig").write_text("[user]\n\tname = Ada Lovelace\n\temail = ada@example.org\n")
    own = {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "LC_ALL": "C.UTF-8"}
    gits = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_TEST_FSYNC": "0"}
    return {**inherited, **own, **gits, "PATH": f"{PYTHON}:{os.environ['PATH']}"}


def new_repository(root: Path) -> Path:
    """A repository on `main` with one commit that holds `train.py` and `params.yaml`."""
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    (root / "train.py").write_text(TRAIN)
    (root / "params.yaml").write_text(PARAMS)
    git(root, "add", ".")
    git(root, "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-q", "-m", "first")
    return root


def make_history(root: Path, home: Path) -> Path:
    """Six runs in two trees: a baseline, better, worse, failed and renamed descendants, a second baseline."""
    repo, env = new_repository(root), environment(home)

    def run(*words: str) -> None:
        command = [sys.executable, "-m", "gxt", "run", "-q", *words]
        subprocess.run(command, cwd=repo, env=env, capture_output=True, check=False)

    train = ("--", "python", "train.py")
    run("--name", "baseline", "--tag", "first", "--tag", "two words", *train, "--seed", "3")
    run("--set", "lr=0.3", "-m", "higher rate", *train)
    run("--set", "lr=0.05", "-m", "lower rate", *train)
    run("--parent", "1", "--name", "fails", "--", "sh", "-c", "printf 'one\\ttwo\\n'; echo bad >&2; exit 3")
    (repo / "train.py").write_text(TRAIN.replace('"trained"', '"trained wide"') + "# more\n")
    (repo / "notes.bin").write_bytes(b"\0\1\2")
    hypothesis = "Wider learns more.\nIt is slower, too."
    run("--parent", "1", "--name", "wider", "--set", "model.width=128", "--hypothesis", hypothesis, *train)
    git(repo, "checkout", "-q", "--", ".")
    (repo / "notes.bin").unlink()
    run("--parent", "none", "--name", "baseline", "--", "true")
    return repo


def add_runs(repo: Path, parents: Sequence[int | None], values: Sequence[float | None] = ()) -> None:
    """Put runs into a repository without any, by plain git: 500 of them in a tenth of a second.

    Args:
        repo: where.
        parents: of each run its parent's place in this list, or None.
        values: of each run its metric `acc`.
    """
    tree, stream = git(repo, "rev-parse", "HEAD^{tree}"), []
    uids = [new_uid(1_700_000_000_000 + i, i.to_bytes(10, "big")) for i in range(len(parents))]
    person = "A <a@b.c> 1700000000 +0000"
    for mark in range(1, len(uids) + 1):
        stream.append(f"commit refs/gxt/tmp/runs\nmark :{mark}\ncommitter {person}\ndata 2\nr\n")
        stream.append(f"M 040000 {tree} \nreset refs/gxt/tmp/runs\n")
    stream.append(f"commit refs/gxt/experiments\ncommitter {person}\ndata 2\ne\n")
    files = {"format": "1\n", "next": f"{len(parents) + 1}\n"}
    for i, (uid, parent) in enumerate(zip(uids, parents, strict=True)):
        value = values[i] if i < len(values) else None
        place = run_path(i + 1)
        stream.append(f"M 160000 :{i + 1} {place}/run\n")
        for name, document in _documents(uid, uids[parent] if parent is not None else None, value).items():
            files[f"{place}/{name}"] = json.dumps({"gxt": 1, **document})
    stream += [f"M 100644 inline {path}\ndata {len(text)}\n{text}\n" for path, text in files.items()]
    git(repo, "fast-import", "--quiet", stdin="".join(stream) + "done\n")


def _documents(uid: str, parent: str | None, value: float | None) -> dict[str, dict[str, object]]:
    stat = {
        "last": value,
        "last_step": 0,
        "min": value,
        "min_step": 0,
        "max": value,
        "max_step": 0,
        "count": 1,
    }
    metrics = {} if value is None else {"acc": stat}
    about = {"created": "2026-01-02T03:04:05.000000Z", "author": {"name": "A", "email": "a@b.c"}, "host": "h"}
    code: dict[str, object] = {"head": None, "branch": "main", "dirty": False, "tree": "", "skipped": []}
    return {
        "config.json": {"uid": uid, "command": ["train"], "parent": parent, "code": code, **about},
        "environment.json": {"python": None, "packages": {}},
        "metrics.json": {
            "uid": uid,
            "status": "completed",
            "exit_code": 0,
            "duration_s": 1.0,
            "metrics": metrics,
        },
    }


class Terminal:
    """A terminal of its own for a command: `show` gives what stands on its screen, escapes included."""

    def __init__(self, repo: Path, width: int) -> None:
        self.repo = repo
        self.width = width

    def show(self, *words: str, typed: str = "", **env: str) -> str:
        """What `gxt WORDS` writes on the terminal, both streams, newlines as `\\n`, while somebody types
        what is not shown.
        """
        master, slave = pty.openpty()
        if typed:
            attributes = termios.tcgetattr(slave)
            attributes[3] &= ~termios.ECHO
            termios.tcsetattr(slave, termios.TCSANOW, attributes)
            os.write(master, typed.encode())
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, self.width, 0, 0))
        inherited = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
        command = subprocess.Popen(
            [sys.executable, "-m", "gxt", *words],
            cwd=self.repo,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**inherited, "TERM": "xterm", **env},
            start_new_session=True,
        )
        os.close(slave)
        said = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:  # EIO on Linux: the last writer has closed its end
                break
            if not piece:
                break
            said += piece
        os.close(master)
        command.wait()
        return said.decode().replace("\r\n", "\n")
