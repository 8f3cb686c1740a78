"""What `.dvcignore` files leave out of folders, so that their hashes are those of DVC."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from gxt.data.digest import Ignored
from gxt.errors import GxtError
from gxt.named_tuple import NamedTuple

_NAME: Final = ".dvcignore"


class _Rule(NamedTuple):
    """A line of a `.dvcignore`, for paths below the folder of that file."""

    base: str
    pattern: re.Pattern[str]
    ignores: bool
    folders_only: bool


def ignored_in(folder: Path, top: Path) -> Ignored | None:
    """Which paths in a folder DVC would leave out; None where no `.dvcignore` speaks of it.

    Args:
        folder: a dataset.
        top: of the repository, or of the DVC project in it; files above it do not count.

    Raises:
        GxtError: there is one, and no library to read it with.
        OSError: one cannot be read.
    """
    above = [parent for parent in folder.parents if parent.is_relative_to(top)]
    rules: list[_Rule] = []
    for place in reversed(above):
        if (place / _NAME).is_file():
            rules += _rules(place)
    if not rules:
        return None
    rules.reverse()  # the last that fits counts

    def ignored(path: Path, is_folder: bool) -> bool:
        text = path.as_posix()
        texts = (text, f"{text}/") if is_folder else (text,)
        for rule in rules:
            if rule.folders_only and not is_folder:
                continue
            if any(rule.pattern.match(one[len(rule.base) :]) for one in texts):
                return rule.ignores
        return False

    return ignored


def _rules(place: Path) -> list[_Rule]:
    try:
        from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern as Pattern
    except ImportError:
        try:  # before pathspec 1
            from pathspec.patterns.gitwildmatch import GitWildMatchPattern as Pattern
        except ImportError as error:
            raise GxtError(
                f"{place / _NAME} cannot be understood without pathspec", hint="pip install pathspec"
            ) from error
    base = place.as_posix().rstrip("/") + "/"
    lines = map(str.strip, (place / _NAME).read_text(encoding="utf-8", errors="replace").splitlines())
    rules = []
    for text in lines:
        regex, ignores = Pattern.pattern_to_regex(text) if text and not text.startswith("#") else (None, None)
        if regex is not None and ignores is not None:
            rules.append(_Rule(base, re.compile(os.fsdecode(regex)), ignores, text.endswith("/")))
    return rules
