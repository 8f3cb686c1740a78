"""Every git process starts here: never through a shell, with a cleaned environment and our own settings.

What git says is for people; callers parse only formats that git promises to keep (`-z`, `--porcelain`,
`--batch`).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TypeAlias

from gxt.errors import GitFailed, GxtError, machine_failure

# Variables of git that belong to the user and are passed on. All others (GIT_DIR, GIT_INDEX_FILE,
# GIT_WORK_TREE, GIT_OBJECT_DIRECTORY …) are set by git for its own hooks and `rebase --exec`, and would
# point our calls at another index or another repository.
_KEPT = (
    *("GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_CONFIG", "GIT_SSH", "GIT_ASKPASS", "GIT_EXEC_PATH"),
    *("GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM"),
    *("GIT_SSL_", "GIT_PROXY_", "GIT_HTTP_"),
    "GIT_TEST_FSYNC",  # 0: nothing waits for the disk, for repositories that nobody will miss
)

_SETTINGS = (
    "core.fsync=committed",  # else neither refs nor loose objects are synced: 13-16 ms; needs git 2.36
    "core.hooksPath=/dev/null",  # the user's hooks are about the user's branches
    "core.quotePath=false",
    "core.splitIndex=false",  # else our copy of the index leaves its shared half in git's directory
    "gc.auto=0",  # a repack never stands in the way of a training
    "maintenance.auto=false",
    "commit.gpgSign=false",  # a passphrase prompt would stop a run that ends at night
    "log.showSignature=false",
    "core.warnAmbiguousRefs=false",
)

Running: TypeAlias = "subprocess.Popen[bytes]"


@cache
def _prefix() -> tuple[str, ...]:
    return ("git", *(word for setting in _SETTINGS for word in ("-c", setting)))


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a git process: ours without the variables that would redirect git."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or _is_kept(k, v)}
    kept["LC_ALL"] = "C"
    kept["GIT_OPTIONAL_LOCKS"] = "0"  # `git status` must not rewrite the user's index
    kept["GIT_TERMINAL_PROMPT"] = "0"
    kept["GIT_NO_LAZY_FETCH"] = "1"
    if extra:
        kept.update(extra)
    return kept


def _is_kept(name: str, value: str) -> bool:
    """Traces go on into a file or a socket; those on stderr would be read as what git complains of."""
    if name.startswith("GIT_TRACE"):
        return "/" in value
    return name.startswith(_KEPT) and not name.endswith("_DATE")  # runs and reflogs have a time of their own


def start(
    cwd: Path,
    args: Sequence[str],
    *,
    config: Sequence[str] = (),
    stderr: int | None = None,
    env: Mapping[str, str] | None = None,
    on_terminal: bool = False,
) -> Running:
    """A running git with pipes on stdin and stdout, for a conversation. The caller ends it.

    Args:
        cwd: where.
        args: the arguments after `git`.
        config: settings, `name=value`.
        stderr: where git complains; a pipe by default.
        env: variables beside the usual ones.
        on_terminal: leave it in our session, so that it can ask for a password; Ctrl-C reaches it then.
    """
    settings = [word for setting in config for word in ("-c", setting)]
    try:
        return subprocess.Popen(
            [*_prefix(), *settings, *args],
            cwd=cwd,
            bufsize=1 << 16,  # what a pipe holds: an eighth of the reads
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if stderr is None else stderr,
            env=environment(env),
            start_new_session=not on_terminal,  # Ctrl-C in the terminal must not cut a write in half
        )
    except OSError as error:
        raise _not_startable(cwd, error) from error


def attempt(
    cwd: Path,
    args: Sequence[str],
    *,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    config: Sequence[str] = (),
) -> subprocess.CompletedProcess[bytes]:
    """Run git to its end, whatever the exit code."""
    settings = [word for setting in config for word in ("-c", setting)]
    try:
        return subprocess.run(
            [*_prefix(), *settings, *args],
            cwd=cwd,
            input=stdin,
            capture_output=True,
            env=environment(env),
            check=False,
            start_new_session=True,
        )
    except OSError as error:
        raise _not_startable(cwd, error) from error


def run(
    cwd: Path,
    args: Sequence[str],
    *,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    config: Sequence[str] = (),
) -> bytes:
    """What git prints.

    Raises:
        GitFailed: git ended with another exit code than 0.
    """
    done = attempt(cwd, args, stdin=stdin, env=env, config=config)
    if done.returncode != 0:
        raise GitFailed(tuple(args), done.returncode, done.stderr.decode(errors="replace"))
    return done.stdout


def _not_startable(cwd: Path, error: OSError) -> Exception:
    failure = machine_failure(error)
    if failure and not isinstance(error, PermissionError):
        return failure
    if not cwd.is_dir():
        return GxtError(f"{cwd} does not exist", hint="go to a directory that does, and try again")
    if isinstance(error, FileNotFoundError):
        return GxtError(
            f"git is not installed: {error.strerror}", hint="install git 2.34 or newer: https://git-scm.com"
        )
    where = f" in {cwd}" if error.filename == str(cwd) else ""
    return GxtError(
        f"git cannot be started{where}: {error.strerror}", hint=f"see why: git -C {cwd} --version"
    )
