"""Moving refs: one transaction, with the expected old value of every ref."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from gxt.git import process


class RefUpdate(NamedTuple):
    """Move `ref` from `old` to `new`.

    The zero id as `old` means "must not exist"; None as `new` means "delete", whatever it is now.
    """

    ref: str
    new: str | None
    old: str = ""

    def line(self) -> str:
        """The command for `git update-ref --stdin`."""
        return f"delete {self.ref}\n" if self.new is None else f"update {self.ref} {self.new} {self.old}\n"


def update_refs(directory: Path, updates: Sequence[RefUpdate], *, reason: str, reflog: bool = True) -> bool:
    """Move all refs or none; False when one of them had another value than expected or was locked."""
    lines = "".join(update.line() for update in updates)
    done = process.attempt(
        directory,
        ("update-ref", "-m", reason, "--stdin"),
        stdin=lines.encode(),
        # refs outside heads, remotes and notes get no reflog unless asked for
        config=("core.logAllRefUpdates=always",) if reflog else (),
    )
    return done.returncode == 0


def list_refs(directory: Path, *prefixes: str) -> dict[str, str]:
    """Every ref below one of the prefixes with its object id."""
    said = process.run(directory, ("for-each-ref", "--format=%(objectname) %(refname)", *prefixes)).decode()
    return {ref: oid for oid, _, ref in (line.partition(" ") for line in said.splitlines())}
