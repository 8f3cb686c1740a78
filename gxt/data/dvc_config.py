"""DVC's configuration, read without DVC: https://dvc.org/doc/command-reference/config.

Of its files, each over the one before: the system's, the user's, that of the project (`.dvc/config`, which
git carries and which may be a stranger's), and the project's own of this clone (`.dvc/config.local`).
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from gxt.errors import UsageError
from gxt.git.repository import Repository
from gxt.named_tuple import NamedTuple

FOLDER: Final = ".dvc"
_CARRIED: Final = "config"
_OWN: Final = "config.local"
_PATHS: Final = ("configpath", "credentialpath", "dir", "keyfile", "url")
_SECTION: Final = re.compile(r"""\[\s*(['"]?)(.*?)\1\s*\]\s*(?:#.*)?""")
_SETTING: Final = re.compile(r"""(['"]?)([^='"]+?)\1\s*=\s*(?:"([^"]*)"|'([^']*)'|([^#]*))\s*(?:#.*)?""")


class Value(NamedTuple):
    """A setting: its text, a path made absolute; and whether git carries the file that has it."""

    text: str
    is_carried: bool


class DvcConfig(NamedTuple):
    """What DVC is told.

    Attributes:
        project: DVC's directory of the project; None where there is no project.
        sections: the settings by section (`core`, `remote "storage"`) and name, both in lower case.
    """

    project: Path | None
    sections: Mapping[str, Mapping[str, Value]]

    def value(self, section: str, name: str) -> str | None:
        """The text of a setting, if somebody has made it."""
        found = self.sections.get(section, {}).get(name)
        return found.text if found else None


def read_config(repository: Repository) -> DvcConfig:
    """What the files say that hold for a work tree.

    A linked work tree has no `config.local`, and is not where relative paths begin: both are the main one's.

    Raises:
        UsageError: a file cannot be read.
    """
    project = _project(repository.top)
    files = [(folder / _CARRIED, folder, False) for folder in _folders_of_user()]
    main = None
    if project is not None:
        main = _of_main_tree(repository, project)
        files += [(project / _CARRIED, main, True), (main / _OWN, main, False)]
        if main != project:
            files.append((project / _OWN, project, False))
    sections: dict[str, dict[str, Value]] = {}
    for path, base, is_carried in files:
        for section, name, text in _settings(path):
            shown = _absolute(base, text) if name in _PATHS else text
            sections.setdefault(section, {})[name] = Value(shown, is_carried)
    return DvcConfig(main, sections)


def _project(top: Path) -> Path | None:
    """DVC's directory at or above the top of the work tree."""
    places = (place / FOLDER for place in (top, *top.parents))
    return next((place for place in places if (place / _CARRIED).is_file()), None)


def _of_main_tree(repository: Repository, project: Path) -> Path:
    if repository.git_dir == repository.common_dir or project.parent != repository.top:
        return project
    main = repository.common_dir.parent / FOLDER
    return main if main.is_dir() else project


def _folders_of_user() -> Iterator[Path]:
    """The directories of the system's and the user's configuration, as DVC finds them."""
    home, is_mac = Path.home(), sys.platform == "darwin"
    support = "Library/Application Support/dvc"
    xdg = os.environ.get("XDG_CONFIG_DIRS", "").partition(os.pathsep)[0] or "/etc/xdg"
    mine = os.environ.get("XDG_CONFIG_HOME") or home / ".config"
    system, own = (Path("/", support), home / support) if is_mac else (Path(xdg, "dvc"), Path(mine, "dvc"))
    yield Path(os.environ.get("DVC_SYSTEM_CONFIG_DIR") or system)
    yield Path(os.environ.get("DVC_GLOBAL_CONFIG_DIR") or own)


def _settings(path: Path) -> Iterator[tuple[str, str, str]]:
    """The settings of a file: section, name, text."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path} cannot be read: {error}", hint="mend it, or set it with: dvc config"
        ) from error
    section = ""
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line or line.startswith("#"):
            continue
        if found := _SECTION.fullmatch(line):
            section = " ".join(found[2].lower().split())
        elif found := _SETTING.fullmatch(line):
            text = next((one for one in found.groups()[2:] if one is not None), "")
            yield section, found[2].strip().lower(), text.strip()
        else:
            raise UsageError(f"{path}:{number} is no setting", hint="mend it, or set it with: dvc config")


def _absolute(base: Path, text: str) -> str:
    """A path as DVC takes it: relative to the directory of its file."""
    if re.match(r"\w+://", text):
        return text
    return os.path.abspath(base / Path(text).expanduser())  # noqa: PTH100 not through links, as DVC does
