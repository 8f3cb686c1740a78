"""Git's own garbage collection, in the foreground; what it finds to pack, and reflogs that it would keep."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from gxt.errors import GitFailed, StoreBusy
from gxt.git import process
from gxt.git.repository import Repository
from gxt.named_tuple import NamedTuple


class Objects(NamedTuple):
    """How git's objects lie.

    Attributes:
        loose: how many are in files of their own.
        loose_bytes: what these files hold on disk.
        packs: how many packs there are.
    """

    loose: int
    loose_bytes: int
    packs: int


def count_objects(repository: Repository) -> Objects:
    """How many objects are loose, and how many packs there are. One git process."""
    said = process.run(repository.top, ("count-objects", "-v")).decode()
    facts = dict(line.split(": ", 1) for line in said.splitlines() if ": " in line)
    return Objects(int(facts["count"]), int(facts["size"]) * 1024, int(facts["packs"]))


def collect(repository: Repository) -> None:
    """`git gc` with the user's own settings: what nothing reaches stays as long as these say.

    It stays in our session: Ctrl-C reaches all of its processes, and each cleans up behind itself.

    Raises:
        StoreBusy: another one is at work.
        GitFailed: it could not be done; what was packed by then is packed.
    """
    args = ("gc", "--quiet")
    git = process.start(repository.top, args, on_terminal=True)
    _, said = git.communicate()
    if git.returncode == 0:
        return
    text = os.fsdecode(said)
    if "already running" in text:
        raise StoreBusy("another git gc is at work", hint="it packs what there is; gxt gc tells what is left")
    raise GitFailed(args, git.returncode, text)


def forget_unreachable(repository: Repository, refs: Sequence[str]) -> None:
    """Take out of the reflogs of refs what the ref no longer reaches.

    Raises:
        GitFailed: a ref is locked.
    """
    if refs:
        args = ("reflog", "expire", "--expire=never", "--expire-unreachable=now", "--rewrite", *refs)
        process.run(repository.top, args)


def size_on_disk(repository: Repository, wanted: Iterable[str], without: Iterable[str]) -> int | None:
    """What objects take with all that they reach, in bytes, as far as no branch, tag or `without` reaches it.

    None where git cannot tell: an object is missing.
    """
    revisions = "".join(f"{oid}\n" for oid in (*wanted, *(f"^{oid}" for oid in without)))
    others = ("--not", "--exclude=refs/gxt/*", "--exclude=refs/notes/gxt/*", "--all", "--not")
    args = ("rev-list", "--objects", "--disk-usage", "--ignore-missing", "--stdin", *others)
    done = process.attempt(repository.top, args, stdin=revisions.encode())
    return int(done.stdout) if done.returncode == 0 else None


def containing(repository: Repository, commits: Iterable[str]) -> list[str]:
    """The refs that reach one of some commits. One git process."""
    words = [word for oid in commits for word in ("--contains", oid)]
    done = process.attempt(repository.top, ("for-each-ref", "--format=%(refname)", *words))
    return done.stdout.decode(errors="replace").splitlines() if words else []
