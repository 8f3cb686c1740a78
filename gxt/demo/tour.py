"""Performs the steps of the demo in a repository of its own, by the commands that a user would type.

It shows nothing: what the commands print goes straight to the terminal, what is said around them is the
command line's.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from shutil import which

from gxt.demo.story import Edit
from gxt.errors import GxtError, UsageError

_INTERPRETER = Path(sys.executable)
_PACKAGES = ("torch", "numpy")
_IDENTITY = {"user.name": "gxt demo", "user.email": "demo@localhost"}

# Set by git for its hooks, they would make another repository than the demo's ours.
_REDIRECTING = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR")

# A passphrase prompt or a hook that the user has for every repository must not stop the demo's one commit.
_UNATTENDED = ("-c", "commit.gpgSign=false", "-c", "core.hooksPath=/dev/null")


def prepare(directory: Path) -> Path:
    """Make the directory and put the project's files there; its absolute path.

    Raises:
        UsageError: it exists already with something in it.
        GxtError: git or a package that the training needs is missing, or the directory cannot be made.
    """
    _require_packages()
    if which("git") is None:
        raise GxtError("git is not installed", hint="install git 2.34 or newer: https://git-scm.com")
    place = directory.resolve()
    try:
        if place.exists() and (not place.is_dir() or any(place.iterdir())):
            raise UsageError(
                f"{directory} exists and is not an empty directory",
                hint="name another one: gxt demo DIR",
            )
        place.mkdir(parents=True, exist_ok=True)
        for source in (Path(__file__).parent / "project").iterdir():
            if source.is_file():
                (place / source.name).write_bytes(source.read_bytes())
    except OSError as error:
        raise GxtError(
            f"cannot make {directory}: {error.strerror}", hint="name another directory: gxt demo DIR"
        ) from error
    return place


def spelled(command: Sequence[str]) -> list[str]:
    """The command with the name that this interpreter has in its own directory: not each has a `python`."""
    name = "python" if (_INTERPRETER.parent / "python").exists() else _INTERPRETER.name
    return [name if word == "python" else word for word in command]


def apply(place: Path, edit: Edit) -> None:
    """Change a file of the repository."""
    path = place / edit.path
    path.write_text(path.read_text(encoding="utf-8").replace(edit.old, edit.new, 1), encoding="utf-8")


def perform(place: Path, command: Sequence[str], *, exit_code: int = 0) -> None:
    """Run a command in the repository, its output live on ours.

    Args:
        place: the repository.
        command: the words as `spelled`; `gxt` is this gxt.
        exit_code: how it should end.

    Raises:
        GxtError: it ended otherwise.
        KeyboardInterrupt: the user stopped it.
    """
    ended = _run(place, command)
    if ended in {-signal.SIGINT, 128 + signal.SIGINT}:
        raise KeyboardInterrupt
    if ended != exit_code:
        raise GxtError(
            f"the demo stopped: {' '.join(command[:2])} ended with exit code {ended}",
            hint=f"what there is so far is in {place}",
        )
    if list(command[:2]) == ["git", "init"]:
        _introduce(place)


def _require_packages() -> None:
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise GxtError(
            f"gxt demo needs torch and numpy: {sys.executable} has no {' and no '.join(missing)}",
            hint="pip install 'gxt[demo]', or in a checkout of gxt: pip install -e '.[demo]'",
        )


def _run(place: Path, command: Sequence[str]) -> int:
    with _start(place, command) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # it has had the same signal, and gets the time to record its end
            process.wait()
            raise


def _start(place: Path, command: Sequence[str]) -> subprocess.Popen[bytes]:
    program, *words = command
    argv = [sys.executable, "-m", "gxt"] if program == "gxt" else ["git", *_UNATTENDED]
    return subprocess.Popen([*argv, *words], cwd=place, env=_environment(os.environ))


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    """Ours, where `python` is this interpreter and nothing points to another repository or run."""
    unwanted = {key for key in ours if key in _REDIRECTING or key.startswith("GXT_")}
    kept = {key: value for key, value in ours.items() if key not in unwanted}
    kept["PATH"] = os.pathsep.join([str(_INTERPRETER.parent), kept.get("PATH", os.defpath)])
    return kept


def _introduce(place: Path) -> None:
    """Give this one repository an author where git knows none."""
    for key, value in _IDENTITY.items():
        command = ["git", "config", key]
        known = subprocess.run(
            command, cwd=place, env=_environment(os.environ), stdout=subprocess.DEVNULL, check=False
        )
        if known.returncode != 0:
            subprocess.run([*command, value], cwd=place, env=_environment(os.environ), check=True)
