"""The code as it is now, as a git tree: HEAD, the edits and the untracked files that git does not ignore.

The user's index, stash and work tree are never touched: changed paths go into a temporary copy of the index.
A clean work tree costs one `git status` and hashes nothing.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType

from gxt.errors import GitFailed
from gxt.git import process
from gxt.git.index_file import IndexFile, find_index, forget_files, marked_paths, scratch_index, unmarked
from gxt.git.objects import ObjectReader, commit_headers
from gxt.git.repository import Repository
from gxt.model.secrets import secret_in
from gxt.named_tuple import NamedTuple

# What loggers, DVC and gxt itself write is output, not code.
_LOGGER_FOLDERS = frozenset(["wandb", "mlruns", "lightning_logs", "tb_logs", "dvclive", ".aim", ".gxt"])
# Packages have these names too: there, what is written in a programming language is code.
_COMMON_FOLDERS = frozenset(["runs", "outputs"])
_LOGGER_FILES = frozenset(["mlflow.db", "mlflow.db-journal", "mlflow.db-shm", "mlflow.db-wal"])
_EVENT_FILE = "events.out.tfevents."
CODE_ENDINGS = tuple(".py .pyi .pyx .ipynb .sh .c .cc .cpp .cu .cuh .h .hpp .rs .jl .r .toml".split())
_PRIVATE = ("/.dvc/tmp/", "/.dvc/cache/", "/.dvc/config.local")  # what DVC writes there holds tokens

SECRET_PATTERNS = (
    *(".env", ".env.*", "*.env", ".envrc", ".netrc", "_netrc", ".pgpass", ".pypirc", ".npmrc"),
    *(".git-credentials", ".htpasswd", "kubeconfig", "kaggle.json", "*.secret", "*.secrets"),
    *("id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "*.pem", "*.key", "*.ppk", "*.p12", "*.pfx"),
    *("*.jks", "*.keystore", "*.kdbx", "*.ovpn", "credentials", "*credentials.json"),
    *("client_secret*.json", "service-account*.json", "service_account*.json"),
)
# `secrets.py` is code; `secrets.yaml` is not.
_SECRET_STEMS = ("secrets", "secret", "credentials")
_DATA_ENDINGS = tuple(".json .yaml .yml .toml .ini .cfg .conf .txt .properties .xml .csv".split())
_SECRET_FOLDERS = (".aws", ".ssh", ".gnupg", ".kube", ".azure")
_ATTEMPTS = 8
_MOST_UNREAD = 64  # each costs some two starts of git per halving
_READ_OF_A_FILE = 1 << 20
_READ_OF_ALL = 16 << 20  # a MiB takes some 20 ms
_HARMLESS_ENDINGS = (".example", ".sample", ".template", ".dist", ".pub")


class Skipped(NamedTuple):
    """A path that was left out of the snapshot, and why. `size` is in bytes; 0 where it has none."""

    path: str
    reason: str
    size: int = 0


class Snapshot(NamedTuple):
    """The code as it was.

    Attributes:
        head: the HEAD commit, or None in a repository without commits.
        branch: the branch, or None when HEAD is detached.
        dirty: whether the tree differs from HEAD's.
        tree: the id of the tree object.
        changed: paths that differ from HEAD, untracked ones included.
        skipped: what was left out.
        secrets: tracked files that look like secrets (empty) or hold one (its kind): recorded, since git has
            them already.
    """

    head: str | None
    branch: str | None
    dirty: bool
    tree: str
    changed: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    secrets: Mapping[str, str] = MappingProxyType({})


class Limits(NamedTuple):
    """How much of what git does not track may go into a snapshot, in bytes."""

    file_bytes: int = 5 << 20
    total_bytes: int = 50 << 20


class _Status:
    """What `git status` said, gathered."""

    def __init__(self) -> None:
        self.head: str | None = None
        self.branch: str | None = None
        self.changed: list[str] = []
        self.unstaged: set[str] = set()  # of those the ones that the index has no more
        self.untracked: list[str] = []
        self.skipped: list[Skipped] = []
        self.unread: list[Skipped] = []


def take(
    repository: Repository, reader: ObjectReader, limits: Limits | None = None, *, write: bool = True
) -> Snapshot:
    """The snapshot of the work tree as it is now.

    Without `write` nothing is written and `tree` is empty for a dirty work tree: what would be taken.

    Raises:
        GitFailed: git could not read the work tree.
    """
    index = find_index(repository)
    status = _status(repository, index.env)
    taken, skipped = _choose(repository.top, status.untracked, limits or Limits())
    held = _secrets_in(repository.top, dict.fromkeys([*taken, *status.changed]))
    skipped += [
        Skipped(path, f"holds what looks like a secret: {held[path]}") for path in taken if path in held
    ]
    taken = [path for path in taken if path not in held]
    changed = list(dict.fromkeys([*status.changed, *taken]))
    if changed or status.head is None:
        untracked = set(taken)
        paths = [path for path in changed if path not in status.unstaged or path in untracked]
        tree = _write_tree(repository, paths, status, index) if write else ""
    else:
        tree = _head_tree(reader, status.head)
    return Snapshot(
        head=status.head,
        branch=status.branch,
        dirty=bool(changed),
        tree=tree,
        changed=tuple(changed),
        skipped=(*status.skipped, *status.unread, *skipped, *_hidden_edits(repository, index)),
        secrets=_tracked_secrets(status, held),
    )


def _tracked_secrets(status: _Status, held: Mapping[str, str]) -> dict[str, str]:
    paths = [path for path in status.changed if path not in status.unstaged]
    return {path: held.get(path, "") for path in paths if path in held or looks_secret(path)}


def looks_secret(path: str) -> bool:
    """Whether a path has a name that secrets usually have (`.env`, private keys, credential files)."""
    *folders, name = path.lower().split("/")
    if any(folder in _SECRET_FOLDERS for folder in folders):
        return True
    if name.endswith(_HARMLESS_ENDINGS):
        return False
    stem, dot, ending = name.rpartition(".")
    if stem in _SECRET_STEMS and dot + ending in _DATA_ENDINGS:
        return True
    return any(fnmatchcase(name, pattern) for pattern in SECRET_PATTERNS)


def _status(repository: Repository, env: Mapping[str, str]) -> _Status:
    """Parse `git status --porcelain=v2 -z`, whose format git promises to keep."""
    options = "--porcelain=v2 -z --branch --no-ahead-behind --untracked-files=all --no-renames"
    args = ("status", *options.split(), "--ignore-submodules=none")
    try:
        said = process.run(repository.top, args, env=env)
    except GitFailed:
        config = _without_filters(repository)
        if not config:
            raise
        # what a filter cannot read counts as changed here, and is left out where it cannot be stored
        said = process.run(repository.top, args, env=env, config=config)
    status = _Status()
    for line in os.fsdecode(said).split("\0"):
        kind = line[:1]
        if line.startswith("# branch.oid ") and not line.endswith("(initial)"):
            status.head = line.removeprefix("# branch.oid ")
        elif line.startswith("# branch.head ") and not line.endswith("(detached)"):
            status.branch = line.removeprefix("# branch.head ")
        elif kind == "1":
            _, states, submodule, _ = line.split(" ", 3)
            path = line.split(" ", 8)[8]
            _add_changed(status, submodule=submodule, path=path)
            if states == "D.":
                status.unstaged.add(path)
        elif kind == "u":
            path = line.split(" ", 10)[10]
            status.changed.append(path)
            status.skipped.append(Skipped(path, "merge conflict: recorded as it stands in the work tree"))
        elif kind == "?":
            status.untracked.append(line[2:])
    return status


def _without_filters(repository: Repository) -> list[str]:
    """The settings for a git that starts none of the user's filters: one that fails ends `git status`."""
    asked = ("config", "-z", "--name-only", "--get-regexp", r"^filter\..*\.(clean|process|required)$")
    keys = set(process.attempt(repository.top, asked).stdout.decode(errors="replace").split("\0")) - {""}
    return [f"{key}=false" if key.endswith(".required") else f"{key}=" for key in sorted(keys)]


def _hidden_edits(repository: Repository, index: IndexFile) -> list[Skipped]:
    """Edits of files that git was told not to look at."""
    marked = marked_paths(repository, index)
    if not marked:
        return []
    try:
        with unmarked(repository, index, marked) as env:
            changed = _status(repository, env).changed
    except GitFailed:  # a filter is broken
        return [Skipped(path, f"marked {mark}: edits of it cannot be seen") for path, mark in marked.items()]
    return [Skipped(path, f"edited, but marked {marked[path]}") for path in changed if path in marked]


def _add_changed(status: _Status, *, submodule: str, path: str) -> None:
    if submodule.startswith("S") and ("M" in submodule or "U" in submodule):
        status.skipped.append(
            Skipped(path, "submodule with uncommitted changes: only its commit is recorded")
        )
    if not submodule.startswith("S") or "C" in submodule:
        status.changed.append(path)


def _choose(top: Path, untracked: list[str], limits: Limits) -> tuple[list[str], list[Skipped]]:
    """Which untracked paths are code, and why the others are not."""
    taken: list[str] = []
    skipped: list[Skipped] = []
    total = 0
    too_much = f"untracked files together over {limits.total_bytes >> 20} MiB"
    for path, size, reason in _looked_at(top, untracked, limits):
        if reason or total + size > limits.total_bytes:
            skipped.append(Skipped(path, reason or too_much, size))
            continue
        total += size
        taken.append(path)
    return taken, skipped


def _looked_at(top: Path, untracked: list[str], limits: Limits) -> Iterator[tuple[str, int, str]]:
    """Each untracked path that is not a logger's output, with its size and the reason to leave it out."""
    for path in untracked:
        if _is_output(path):
            continue
        if path.endswith("/"):
            yield path, 0, "another git repository"
            continue
        try:
            found = (top / path).lstat()
        except OSError:
            continue  # gone since git listed it
        if not (stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode)):
            yield path, 0, "not a regular file"
        elif stat.S_ISREG(found.st_mode) and not os.access(top / path, os.R_OK):
            yield path, found.st_size, "it may not be read"
        elif looks_secret(path):
            yield path, found.st_size, "looks like a secret"
        elif found.st_size > limits.file_bytes:
            yield path, found.st_size, f"untracked and over {limits.file_bytes >> 20} MiB"
        else:
            yield path, found.st_size, ""


def _secrets_in(top: Path, paths: Iterable[str]) -> dict[str, str]:
    """The files that hold something of the form of a secret, as far as they are read."""
    held, left = {}, _READ_OF_ALL
    for path in paths:
        text = _text(top / path, min(left, _READ_OF_A_FILE))
        left -= len(text)
        if kind := secret_in(text):
            held[path] = kind
    return held


def _text(path: Path, most: int) -> str:
    """The first bytes of a file as Latin-1; empty for what is no text, and no file."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(number, "rb") as file:
            data = file.read(most) or b""
    except OSError:
        return ""
    return "" if b"\0" in data[:8000] else data.decode("latin-1")


def _is_output(path: str) -> bool:
    if "/.dvc/" in f"/{path}" and any(place in f"/{path}" for place in _PRIVATE):
        return True
    *folders, name = path.split("/")
    if name in _LOGGER_FILES or name.startswith(_EVENT_FILE):
        return True
    if any(folder in _COMMON_FOLDERS for folder in folders) and not path.lower().endswith(CODE_ENDINGS):
        return True
    return any(folder in _LOGGER_FOLDERS for folder in folders)


def _head_tree(reader: ObjectReader, head: str) -> str:
    commit = reader.read(head)
    if commit is None:
        raise GitFailed(("cat-file", head), 1, f"the commit {head} is missing")
    return commit_headers(commit)[0]["tree"][0]


def _write_tree(repository: Repository, changed: list[str], status: _Status, index: IndexFile) -> str:
    """Put the changed paths into a copy of the index, and write its tree."""
    with scratch_index(index) as env:
        try:
            _put(repository, changed, env)
        except GitFailed:
            forget_files(repository, env)
            _put_what_can_be_read(repository, changed, env, status)
        return process.run(repository.top, ("write-tree",), env=env).decode().strip()


def _put_what_can_be_read(
    repository: Repository, paths: list[str], env: dict[str, str], status: _Status
) -> None:
    """Put the paths into the index; one that git cannot read is skipped, and found by halving.

    Where that was so many times in vain, all that is left of a bad half is skipped.
    """
    try:
        _put(repository, paths, env)
    except GitFailed as failed:
        if not paths:
            raise
        if len(paths) == 1 or len(status.unread) >= _MOST_UNREAD:
            status.unread += [Skipped(path, _why_unread(repository.top / path, failed)) for path in paths]
            return
        half = len(paths) // 2
        _put_what_can_be_read(repository, paths[:half], env, status)
        _put_what_can_be_read(repository, paths[half:], env, status)


def _why_unread(path: Path, failed: GitFailed) -> str:
    if path.exists() and not (path.is_file() or path.is_dir()):
        return "not a regular file"
    said = failed.stderr.strip().splitlines() or [""]
    return f"git could not read it: {said[-1].removeprefix('fatal: ')[:200]}"


def _put(repository: Repository, paths: list[str], env: dict[str, str]) -> None:
    """Put all of the paths into the index, or none.

    A gc beside us removes a directory of objects that is empty, also when git is about to write there.
    """
    args = ("update-index", "--add", "--remove", "--replace", "-z", "--stdin")
    names = b"".join(os.fsencode(path) + b"\0" for path in paths)
    for _ in range(_ATTEMPTS):
        try:
            process.run(repository.top, args, stdin=names, env=env)
        except GitFailed as error:
            if "/objects/" not in error.stderr or "No such file or directory" not in error.stderr:
                raise
            failed = error
        else:
            return
    raise failed
