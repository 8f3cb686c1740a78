"""Settings of a clone with which plain git is pleasant beside our refs. What the user has said stays.

`git log --all` shows every entry, run and note, and git has no setting that takes refs out of `--all`: hence
an alias. The labels of our refs are hidden by git itself from 2.39 on, unless somebody has settings of his
own about labels: with these git forgets which namespaces are worth one, so that ours must be named.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Final

from gxt.errors import GxtError
from gxt.git import process
from gxt.git.repository import Repository
from gxt.named_tuple import NamedTuple

_OURS: Final = ("refs/gxt/*", "refs/notes/gxt/*")
_ALIAS: Final = "lga"
_HIDES_LABELS: Final = (2, 39)
_ASKED: Final = r"^(alias\.lga|log\.(excludedecoration|initialdecorationset))$"


class Wish(NamedTuple):
    """A setting that this clone should have.

    Attributes:
        key: its name.
        lacking: the values that are to be added; none when it is so already.
        about: what it does, in words.
    """

    key: str
    lacking: Sequence[str]
    about: str


def wishes(repository: Repository) -> list[Wish]:
    """What this clone should have, by what git is told already, also outside of it. Two git processes."""
    told = _told(repository)
    labels = told.get("log.excludedecoration", [])
    wanted = [_alias(told.get(f"alias.{_ALIAS}", []))]
    is_shown = labels or told.get("log.initialdecorationset", [""])[-1].lower() == "all"
    if is_shown or _version(repository) < _HIDES_LABELS:
        lacking = [one for one in _OURS if one not in labels]
        wanted.append(Wish("log.excludeDecoration", lacking, "git log puts no labels of gxt on commits"))
    return wanted


def fulfil(repository: Repository, wish: Wish) -> None:
    """Write a setting into the config of this clone.

    Raises:
        GxtError: git could not.
    """
    for value in wish.lacking:
        done = process.attempt(repository.top, ("config", "--local", "--add", wish.key, value))
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            reason = said[-1] if said else f"exit code {done.returncode}"
            raise GxtError(
                f"git cannot set {wish.key}: {reason}", hint=f"see {repository.common_dir / 'config'}"
            )


def _alias(present: Sequence[str]) -> Wish:
    excluded = " ".join(f"--exclude={pattern}" for pattern in _OURS)
    value = f"log {excluded} --all --oneline --graph"
    about = f"git {_ALIAS} is git log --all --oneline --graph without the refs of gxt"
    if present and present[-1] != value:
        about = f"git {_ALIAS} is an alias of yours; {excluded} before --all hides the refs of gxt"
    return Wish(f"alias.{_ALIAS}", () if present else (value,), about)


def _told(repository: Repository) -> Mapping[str, list[str]]:
    """The values that git finds for the settings, in all its files."""
    done = process.attempt(repository.top, ("config", "-z", "--get-regexp", _ASKED))
    told: dict[str, list[str]] = {}
    for item in os.fsdecode(done.stdout).split("\0"):
        key, _, value = item.partition("\n")
        told.setdefault(key, []).append(value)
    return told


def _version(repository: Repository) -> tuple[int, ...]:
    said = process.run(repository.top, ("version",)).decode(errors="replace")
    found = re.search(r"(\d+)\.(\d+)", said)
    return tuple(map(int, found.groups())) if found else (0,)
