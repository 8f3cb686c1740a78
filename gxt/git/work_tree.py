"""Bringing the files of a tree into the work tree, without touching HEAD, branches or the user's index."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from gxt.errors import GitFailed
from gxt.git import process
from gxt.git.repository import Repository
from gxt.named_tuple import NamedTuple

_LINK = "160000"
_ATTRIBUTES = ".gitattributes"


class Difference(NamedTuple):
    """A path that is not the same in two trees.

    Attributes:
        path: relative to the top, with `/`.
        old: the id of the object in the first tree; empty where there is nothing.
        new: the same of the second one.
        is_submodule: it is a commit of another repository in one of them.
    """

    path: str
    old: str
    new: str
    is_submodule: bool


def differences(repository: Repository, old: str, new: str) -> list[Difference]:
    """What differs between two trees, by path. Raises GitFailed where one cannot be read."""
    said = process.run(repository.top, ("diff-tree", "-r", "-z", "--no-renames", "--raw", old, new, "--"))
    items = iter(os.fsdecode(said).split("\0"))
    zero = repository.zero
    found = []
    for about in items:
        if not about.startswith(":"):
            continue
        old_mode, new_mode, before, after, _ = about[1:].split(" ")
        before, after = ("" if oid == zero else oid for oid in (before, after))
        found.append(Difference(next(items), before, after, _LINK in (old_mode, new_mode)))
    return found


def objects_at(repository: Repository, tree: str, paths: Sequence[str]) -> dict[str, str]:
    """The objects that a tree or commit has at paths; those that it has not are left out."""
    wanted = set(paths)
    return {path: oid for path, oid in objects_below(repository, tree).items() if path in wanted}


def objects_below(repository: Repository, tree: str, folder: str = "") -> dict[str, str]:
    """The objects of a tree or commit by their paths, all of them or those of a folder (with its `/`)."""
    where = ["--", folder] if folder else []
    said = process.run(repository.top, ("ls-tree", "-r", "-z", "--full-tree", tree, *where))
    parted = (item.partition("\t") for item in os.fsdecode(said).split("\0") if item)
    return {path: about.split(" ")[2] for about, _, path in parted}


def hashes(repository: Repository, paths: Sequence[str]) -> dict[str, str]:
    """The ids that the files at paths would have in git; of what git cannot read there is none."""
    there = [path for path in paths if _is_file(repository.top / path)]
    together = [path for path in there if "\n" not in path]
    names = b"".join(os.fsencode(path) + b"\n" for path in together)
    done = process.attempt(repository.top, ("hash-object", "--stdin-paths"), stdin=names)
    if done.returncode == 0 and together == there:
        return dict(zip(there, done.stdout.decode().split(), strict=True))
    found = {}
    for path in there:
        alone = process.attempt(repository.top, ("hash-object", "--", path))
        if alone.returncode == 0:
            found[path] = alone.stdout.decode().strip()
    return found


def _is_file(place: Path) -> bool:
    return place.is_file() and not place.is_symlink()


def write_files(repository: Repository, tree: str, paths: Sequence[str]) -> None:
    """Let files be as they are in a tree, through the user's filters; what is in their place is replaced.

    Args:
        repository: whose work tree.
        tree: a tree or a commit.
        paths: of its files.

    Raises:
        GitFailed: git could not write some; others may be written.
    """
    import tempfile

    home = repository.git_dir / "gxt"
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="git-index-", dir=home, ignore_cleanup_errors=True) as folder:
        env = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        process.run(repository.top, ("read-tree", tree), env=env)
        # what they say of the others must stand there first
        attributes = [path for path in paths if path.rpartition("/")[2] == _ATTRIBUTES]
        for some in (attributes, [path for path in paths if path not in set(attributes)]):
            if some:
                _check_out(repository, some, env)


def _check_out(repository: Repository, paths: Sequence[str], env: Mapping[str, str]) -> None:
    names = b"".join(os.fsencode(path) + b"\0" for path in paths)
    args = ("checkout-index", "--force", "--quiet", "-z", "--stdin")
    done = process.attempt(repository.top, args, stdin=names, env=env)
    if done.returncode != 0 or done.stderr:
        raise GitFailed(args, done.returncode, done.stderr.decode(errors="replace"))


def remove_files(repository: Repository, paths: Iterable[str]) -> None:
    """Remove files, and the folders that become empty. Raises OSError."""
    for path in paths:
        place = repository.top / path
        place.unlink(missing_ok=True)
        with suppress(OSError):
            for folder in place.parents:
                if folder == repository.top:
                    break
                folder.rmdir()


def in_the_way(repository: Repository, path: str, going: frozenset[str]) -> str:
    """What stands where a file of a tree must go and is neither it nor on its way out; empty for nothing.

    Args:
        repository: whose work tree.
        path: of the file.
        going: paths that will be removed before.
    """
    parts = path.split("/")
    for count in range(1, len(parts)):
        parent = "/".join(parts[:count])
        place = repository.top / parent
        if (place.is_symlink() or (place.exists() and not place.is_dir())) and parent not in going:
            return parent
    place = repository.top / path
    if place.is_dir() and not place.is_symlink():
        left = [one for one in _files_below(repository.top, place) if one not in going]
        return left[0] if left else ""
    return ""


def _files_below(top: Path, folder: Path) -> list[str]:
    return [
        Path(place, name).relative_to(top).as_posix() for place, _, names in os.walk(folder) for name in names
    ]


def add_work_tree(repository: Repository, folder: Path, commit: str) -> None:
    """A new linked work tree with the files of a commit, its HEAD detached there.

    Raises:
        GitFailed: git could not make it; there may be something at that place already.
    """
    process.run(repository.top, ("worktree", "add", "--detach", "--quiet", str(folder), commit))


def remove_work_tree(repository: Repository, folder: Path) -> None:
    """Remove a linked work tree with whatever is in it. Raises GitFailed."""
    process.run(repository.top, ("worktree", "remove", "--force", "--force", str(folder)))


def add_branch(repository: Repository, name: str, commit: str) -> None:
    """A new branch that begins at a commit.

    Raises:
        GitFailed: there is one of that name, or no branch can have it.
    """
    process.run(repository.top, ("branch", "--no-track", "--", name, commit))
