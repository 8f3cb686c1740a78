"""Finds programs as a command would, and asks them things. The only start of a process for the environment.

What to ask which program is the matter of `hardware` and `probe`; the wrapped command starts in `process`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def find_executable(name: str, *, cwd: Path, env: Mapping[str, str]) -> Path | None:
    """The file that a command word names: on PATH, or relative to `cwd` when it holds a slash."""
    if not name:
        return None
    folders = [""] if "/" in name else env.get("PATH", os.defpath).split(os.pathsep)
    for folder in folders:
        path = cwd / folder / name
        # os.path: Path.is_file raises where a folder on PATH may not be looked into (su, containers)
        if os.path.isfile(path) and os.access(path, os.X_OK):  # noqa: PTH113
            return path
    return None


def quiet_output(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float,
    stdin: bytes = b"",
) -> str | None:
    """What a process writes to stdout; None when it cannot start, fails, or takes over `timeout_s` seconds.

    It gets only what is given as stdin, its stderr is dropped, and it runs in a session of its own, so that
    what it started ends with it (a pyenv shim is three processes deep).
    """
    try:
        child = subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=env,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError):  # ValueError: a NUL in a word
        return None
    with child:
        try:
            output, _ = child.communicate(stdin or None, timeout=timeout_s)
        except BaseException as stopped:  # also Ctrl-C, which a session of its own does not receive
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            if isinstance(stopped, subprocess.TimeoutExpired):
                return None
            raise
    return output.decode("utf-8", "surrogateescape") if child.returncode == 0 else None
