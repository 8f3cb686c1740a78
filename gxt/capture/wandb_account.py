"""Whether W&B knows an account here: without one `wandb.init()` asks for it, or ends the script.

Nothing is guessed: where anything may be a login, or some of the code cannot be seen, there is an account.
`WANDB_MODE=offline` yields to `wandb.init(mode="online")`, but not to `wandb.login(key=…)`, nor to a variable
that the script sets itself (wandb 0.31): those have to be seen beforehand.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

from gxt.capture.files import read_head

PREFIX: Final = "WANDB_"
_LOGIN: Final = re.compile(
    rb"WANDB_|(?i:wandb[\w-]*(?:key|token)|\blogin\b|api_?key|identity_?token|secret|netrc|dotenv|load_env"
    rb"|environ\.update|import_module|__import__|runpy|instantiate)"  # the last ones: code that is not seen
)
_MODULES: Final = re.compile(
    rb"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*|[\w \t,*]+)|import[ \t]+([\w., \t]+))",
    re.MULTILINE,
)
_HOSTS: Final = (b"wandb", b"coreweave", b"default")  # W&B's own in a netrc; the last stands for any
_DOTENV: Final = (".env", "secrets.env")
_MOST_FILES: Final = 100
_MOST_BYTES: Final = 1 << 20  # of a file


def is_used_without_account(command: Sequence[str], *, cwd: Path, top: Path, env: Mapping[str, str]) -> bool:
    """Whether a command's code logs to W&B, and nothing that can be seen tells it an account.

    Args:
        command: its words; without a Python file among them nothing is known of it.
        cwd: where it runs.
        top: of the repository.
        env: the environment that it gets.
    """
    if any(name.startswith(PREFIX) for name in env):
        return False
    code = _code(_scripts(command, cwd), (cwd, cwd / "src", top, top / "src"))
    if not code:
        return False
    text = b"\n".join((*code, os.fsencode("\n".join(command))))
    return b"wandb" in text.lower() and not _LOGIN.search(text) and not _has_account(cwd, top, env)


def _scripts(command: Sequence[str], cwd: Path) -> list[Path]:
    """The Python files that the words name, and the modules behind `-m`."""
    files = [cwd / word for word in command if word.endswith(".py")]
    for option, module in pairwise(command):
        if option == "-m":
            files += _files(module, (cwd, cwd / "src"))
    return files


def _code(files: list[Path], roots: Sequence[Path]) -> list[bytes]:
    """What the files hold and those of the project that they import; nothing if that is too much to see."""
    texts: dict[Path, bytes] = {}
    waiting = list(dict.fromkeys(files))
    while waiting:
        path = waiting.pop()
        if path in texts:
            continue
        text = texts[path] = read_head(path, _MOST_BYTES)
        if len(texts) > _MOST_FILES or len(text) == _MOST_BYTES or not _is_file(path):
            return []
        for name in _imported(text):
            folder = path.parent
            for _ in range(len(name) - len(name.lstrip(".")) - 1):
                folder = folder.parent
            places = (folder,) if name.startswith(".") else dict.fromkeys((folder, *roots))
            waiting += _files(name.lstrip("."), tuple(places))
    return [*texts.values()]


def _imported(text: bytes) -> Iterator[str]:
    """The modules that a text imports, and what it takes from them, which may be modules too."""
    for base, taken, plain in _MODULES.findall(text):
        names = [
            one.split()[0]
            for one in (plain or taken.strip(b"(")).decode("ascii", "replace").split(",")
            if one.strip()
        ]
        start = base.decode()
        yield from ([start] if start else names)
        if start:
            yield from (f"{start}{'' if start.endswith('.') else '.'}{name}" for name in names)


def _files(module: str, places: Sequence[Path]) -> list[Path]:
    """The files of the project that a dotted name loads: with a package comes its `__init__.py`."""
    parts = [part for part in module.split(".") if part]
    for place in places:
        if not parts:
            found = [place / "__init__.py"]
        else:
            path = place.joinpath(*parts)
            found = [place.joinpath(*parts[:at], "__init__.py") for at in range(1, len(parts) + 1)]
            found += [path.with_name(f"{path.name}.py"), path / "__main__.py"]
        found = list(filter(_is_file, found))
        if found:
            return found
    return []


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 which raises for nothing


def _has_account(cwd: Path, top: Path, env: Mapping[str, str]) -> bool:
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 Path.home raises where nobody knows it
    netrc = [Path(env["NETRC"])] if env.get("NETRC") else [home / ".netrc", home / "_netrc"]
    if any(host in read_head(path, _MOST_BYTES) for path in netrc for host in _HOSTS):
        return True
    settings = (home / ".config" / "wandb" / "settings", cwd / "wandb" / "settings")
    if any(os.path.exists(path) for path in settings):  # noqa: PTH110 as above
        return True
    places = dict.fromkeys(folder / name for folder in (cwd, top) for name in _DOTENV)
    return any(b"WANDB" in read_head(path, _MOST_BYTES) for path in places)
