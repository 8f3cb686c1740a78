"""Where the repository is, and what the user told git about gxt."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from gxt.errors import BareRepository, GitFailed, GxtError, NotARepository
from gxt.git import process
from gxt.named_tuple import NamedTuple


class Repository(NamedTuple):
    """One work tree of a git repository.

    Attributes:
        top: the root of the work tree.
        git_dir: git's directory for this work tree (`.git`, or `.git/worktrees/NAME`).
        common_dir: git's directory that all linked work trees share.
        object_format: `sha1` or `sha256`.
        cwd: where the user stands, inside `top`.
    """

    top: Path
    git_dir: Path
    common_dir: Path
    object_format: str
    cwd: Path

    @property
    def prefix(self) -> str:
        """The user's directory relative to the top, `.` at the top."""
        return os.path.relpath(self.cwd, self.top)

    @property
    def zero(self) -> str:
        """The object id that stands for "no such ref" in a compare-and-swap."""
        return "0" * (40 if self.object_format == "sha1" else 64)


# A path may hold newlines, so every path is followed by a question whose answer is known.
_QUESTIONS = (
    "--path-format=absolute",
    "--is-bare-repository",
    "--show-object-format",
    "--git-common-dir",
    "--is-bare-repository",
    "--git-dir",
    "--is-inside-work-tree",
    "--show-toplevel",
)


def discover(cwd: Path) -> Repository:
    """The repository that holds a directory; one git process.

    Raises:
        NotARepository: no repository holds it.
        BareRepository: there is no work tree.
    """
    cwd = Path(os.path.realpath(cwd))
    args = ("rev-parse", *_QUESTIONS)
    done = process.attempt(cwd, args)
    said = os.fsdecode(done.stdout)
    if not said:
        raise _why_not(cwd, args, done.returncode, done.stderr.decode(errors="replace"))
    bare, object_format, rest = said.split("\n", 2)
    common, found, rest = rest.partition(f"\n{bare}\n")
    if bare == "true" or not found:
        raise BareRepository(str(cwd))
    git_dir, found, top = rest.partition("\ntrue\n")
    if not found or done.returncode != 0:
        raise NotARepository(str(cwd)) if "/.git" not in f"{cwd}/" else _inside_git_dir(cwd)
    return Repository(
        top=Path(top.removesuffix("\n")),
        git_dir=Path(git_dir),
        common_dir=Path(common),
        object_format=object_format,
        cwd=cwd,
    )


def _inside_git_dir(cwd: Path) -> GxtError:
    return GxtError(f"{cwd} is inside git's own directory", hint="go to the work tree and try again")


def _why_not(cwd: Path, args: tuple[str, ...], returncode: int, stderr: str) -> GxtError:
    from shlex import quote  # 10 ms

    if "not a git repository" in stderr:
        error = NotARepository(str(cwd))
        if elsewhere := os.environ.get("GIT_DIR"):
            # git sets it for its hooks, and it would lead a run that a hook starts into another repository
            error.hint = f"gxt does not follow GIT_DIR: echo {quote(f'gitdir: {elsewhere}')} > .git"
        return error
    failed = GitFailed(args, returncode, stderr)
    if "dubious ownership" in stderr:
        failed.message = f"git refuses {cwd}: it belongs to another user"
        own = f"git config --global --add safe.directory {quote(str(cwd))}"
        # git's own words name the directory that it means, which may be one above
        said = [line.strip() for line in stderr.splitlines() if line.startswith("\tgit config ")]
        failed.hint = f"if you trust it: {said[0] if said else own}"
    return failed


def packed_refs_state(repository: Repository) -> tuple[int, ...]:
    """What tells one `packed-refs` file from the next.

    A running git takes a new one for the one that it has read when both have the same size, the same second
    and, as file systems give freed inodes away at once, the same inode. Who keeps a git running has to look
    closer.
    """
    try:
        found = (repository.common_dir / "packed-refs").stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size


def user_settings(repository: Repository) -> dict[str, str]:
    """What this person told git of gxt and of himself: the sections gxt, user and author. One git process."""
    done = process.attempt(repository.top, ("config", "-z", "--get-regexp", r"^(gxt|user|author)\."))
    settings = {}
    for item in done.stdout.decode(errors="replace").split("\0"):
        key, _, value = item.partition("\n")
        if key:
            settings[key] = value
    return settings


def configured_identity(settings: Mapping[str, str]) -> tuple[str, str] | None:
    """Name and email as git takes them from its variables and settings; None when it would look further."""
    name, email = (
        os.environ.get(f"GIT_AUTHOR_{what.upper()}")
        or settings.get(f"author.{what}")
        or settings.get(f"user.{what}")
        for what in ("name", "email")
    )
    return (name.strip(), email.strip()) if name and email else None


def guessed_identity(repository: Repository) -> tuple[str, str]:
    """Name and email as git guesses them, else from user and host. One git process."""
    done = process.attempt(repository.top, ("var", "GIT_AUTHOR_IDENT"))
    said = done.stdout.decode(errors="replace")
    name, open_, rest = said.rpartition(" <")
    if done.returncode == 0 and open_:
        return name, rest.partition(">")[0]
    import getpass

    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container without a passwd entry
        user = "unknown"
    return user, f"{user}@{os.uname().nodename}"
