"""The tree of failures that gxt itself raises.

```
GxtError                  1   something failed
├── UsageError            2   what was asked for makes no sense
│   ├── UnknownRun        2
│   ├── AmbiguousRun      2
│   ├── QueryError        2
│   ├── InvalidParams     2
│   └── UnknownRemote     2
├── NotARepository        1
├── BareRepository        1
├── GitFailed             1
├── StoreBusy             1
├── CannotRecord          1
├── RemovedRun            1
├── MachineFailed         1
├── RemoteFailed          1
├── RewrittenRemote       1
├── MissingData           1
├── DamagedData           1
├── DamagedRecord         1
├── UnsafeCheckpoint      1
├── CannotFit             1
└── NewerFormat           1
```

An error holds facts as fields, a `message` that says what happened and a `hint` that says what to do
next. It never prints: the edge (`gxt.cli`) turns it into words or into the JSON envelope.
"""

from __future__ import annotations

import errno
from typing import ClassVar

DOCTOR = "gxt doctor tells what can be done"


class GxtError(Exception):
    """Every failure that gxt means to raise.

    Attributes:
        code: a stable kebab-case name for programs.
        exit_code: the process exit code of a command that ends with it.
        message: what happened, in a sentence without a full stop.
        hint: what to do next, or an empty string.
    """

    code: ClassVar[str] = "failed"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Both, for who sees a traceback."""
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageError(GxtError):
    """The request itself makes no sense: nothing was done."""

    code = "usage"
    exit_code = 2


class UnknownRun(UsageError):
    """No run answers to this id."""

    code = "unknown-run"

    def __init__(self, ref: str, *, hint: str = "gxt list shows the runs there are") -> None:
        super().__init__(f"no run {ref!r}", hint=hint)
        self.ref = ref


class AmbiguousRun(UsageError):
    """Several runs answer to this id."""

    code = "ambiguous-run"

    def __init__(self, ref: str, candidates: tuple[str, ...]) -> None:
        shown = ", ".join(candidates[:8]) + (" …" if len(candidates) > 8 else "")
        super().__init__(
            f"{ref!r} could be {len(candidates)} runs: {shown}", hint="name one of them by its id"
        )
        self.ref = ref
        self.candidates = candidates


class QueryError(UsageError):
    """A `--where`, `--sort` or `--columns` text that cannot be understood.

    Attributes:
        text: the whole query.
        position: 0-based character at which it goes wrong.
    """

    code = "bad-query"

    def __init__(self, message: str, *, text: str, position: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.text = text
        self.position = position


class InvalidParams(UsageError):
    """A parameters file or a `--set` that cannot be used."""

    code = "invalid-params"


class UnknownRemote(UsageError):
    """No remote repository of this name, or none at all."""

    code = "unknown-remote"


class NotARepository(GxtError):
    """There is no git repository here."""

    code = "not-a-repository"

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is not in a git repository", hint="make one here with: git init")
        self.path = path


class BareRepository(GxtError):
    """The repository has no work tree, so nothing can run in it."""

    code = "bare-repository"

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path} is a bare repository: it has no work tree", hint="work in a clone: git clone <url>"
        )
        self.path = path


class GitFailed(GxtError):
    """A git process ended with an error that gxt did not expect.

    Attributes:
        argv: the arguments after `git`.
        returncode: how it ended.
        stderr: what it said.
    """

    code = "git-failed"

    def __init__(self, argv: tuple[str, ...], returncode: int, stderr: str) -> None:
        said = stderr.strip().splitlines()
        reason = said[-1] if said else f"exit code {returncode}"
        super().__init__(
            f"git {argv[0] if argv else ''} failed: {reason}",
            hint="git fsck tells whether the repository is sound",
        )
        self.argv = argv
        self.returncode = returncode
        self.stderr = stderr


class StoreBusy(GxtError):
    """The store could not be written: somebody held a lock, or every retry lost its race."""

    code = "store-busy"


class CannotRecord(GxtError):
    """Nothing of a run can be written down: it would go unrecorded."""

    code = "cannot-record"


class RemovedRun(GxtError):
    """Somebody has removed the run; it can come back."""

    code = "removed-run"

    def __init__(self, id_: str, at: str, by: str) -> None:
        who = f" by {by}" if by else ""
        when = f" on {at} UTC" if at else ""
        super().__init__(f"{id_} was removed{when}{who}", hint=f"gxt rm --undo {id_} brings it back")
        self.id = id_


class MachineFailed(GxtError):
    """The operating system refused what every program may ask for: room, a file, another process."""

    code = "machine-failed"


_HINTS = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "make room on the disk, and try again"),
    **dict.fromkeys((errno.EACCES, errno.EPERM), "see who may write there: ls -ld"),
    errno.EROFS: "what is mounted there can only be read: mount tells how",
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "too many files are open: see ulimit -n"),
    **dict.fromkeys(
        (errno.EAGAIN, errno.ENOMEM), "too much is running at once: see ulimit -u, and try again"
    ),
    **dict.fromkeys((errno.EIO, errno.ESTALE), "the disk or its server may be failing: save what is on it"),
    errno.EFBIG: "files may not be that large: see ulimit -f",
    errno.ENOLCK: "the file system gives no locks: see how it is mounted",
}


def machine_failure(error: OSError) -> MachineFailed | None:
    """What the user can do about a failure of the machine; None for one that gxt should have foreseen."""
    hint = _HINTS.get(error.errno or 0)
    if hint is None:
        return None
    where = f": {error.filename}" if isinstance(error.filename, str) else ""
    return MachineFailed(f"{error.strerror}{where}", hint=hint)


class RewrittenRemote(GxtError):
    """A remote no longer has the history of runs that it had: nothing was taken over."""

    code = "rewritten-remote"


class RemoteFailed(GxtError):
    """A remote repository could not be reached, or did not do what it was asked for.

    Attributes:
        remote: its name.
        url: where it is, without credentials.
        said: what git and the server said, without credentials and control characters.
    """

    code = "remote-failed"

    def __init__(self, what: str, *, remote: str, url: str, said: str = "", hint: str = "") -> None:
        super().__init__(f"{remote} ({url}): {what}", hint=hint)
        self.remote = remote
        self.url = url
        self.said = said


class MissingData(GxtError):
    """Content that a run names is neither here nor where it should come from.

    Attributes:
        missing: the run, the path and the hash of each.
    """

    code = "missing-data"

    def __init__(self, missing: tuple[tuple[str, str, str], ...], where: str, *, hint: str) -> None:
        shown = ", ".join(f"{run}: {path} ({md5})".lstrip(": ") for run, path, md5 in missing[:6])
        more = f" and {len(missing) - 6} more" if len(missing) > 6 else ""
        super().__init__(f"not {where}: {shown}{more}", hint=hint)
        self.missing = missing


class DamagedData(GxtError):
    """Content that a run names has another hash than the one that it is kept under.

    Attributes:
        run, path, md5: who names it, where, and the hash that it should have.
        where: it is damaged.
    """

    code = "damaged-data"

    def __init__(self, run: str, path: str, md5: str, where: str, *, hint: str = "") -> None:
        super().__init__(f"{run}: {path} ({md5}) is damaged in {where}", hint=hint)
        self.run = run
        self.path = path
        self.md5 = md5
        self.where = where


class DamagedRecord(GxtError):
    """A stored document that cannot be read as what it should be."""

    code = "damaged-record"


class UnsafeCheckpoint(GxtError):
    """A checkpoint that holds more than weights and plain values: to load it would run code out of it."""

    code = "unsafe-checkpoint"

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path} holds more than weights: to load it would run code that it brings along",
            hint="if you made it yourself, read it with torch.load(path, weights_only=False)"
            " and save its state_dict",
        )
        self.path = path


class CannotFit(GxtError):
    """The points are too few, or too much alike, for the law that was asked for."""

    code = "cannot-fit"


class NewerFormat(GxtError):
    """A record of a newer major format than this gxt reads."""

    code = "newer-format"

    def __init__(self, what: str, version: str) -> None:
        super().__init__(
            f"{what} has format {version}; this gxt reads format 1", hint="upgrade gxt: pip install -U gxt"
        )
        self.version = version
