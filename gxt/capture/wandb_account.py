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

from gxt.capture.files import names_in, read_head

PREFIX: Final = "WANDB_"
_LOGIN: Final = tuple(
    b"api_key apikey identity_token identitytoken base_url secret netrc credential keyring dotenv "
    b"load_env read_env env_file env-file environs decouple dynaconf putenv environ.update import_module "
    b"__import__ runpy instantiate hydra sys.path exec(".split()
)
"""What a login is told by, in lower case; the last ones stand for code that is not seen."""
_WORDS: Final = (
    re.compile(rb"wandb[\w.-]*(?:key|token)"),
    re.compile(rb"\Wlogin\b"),
    re.compile(rb"environ(?:\[|\.setdefault\()\s*[^\s\"']|environ\s*\|?=(?!=)"),  # of names that are not seen
)
_MODULES: Final = re.compile(
    rb"[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*|[\w \t,*]+)|import[ \t]+([\w., \t]+))"
)
_STARTERS: Final = re.compile(
    r"python[\d.]*|pypy\d*|torchrun|accelerate|deepspeed|uv|poetry|env|nice|nohup|time|srun|mpirun|mpiexec|.*\.py"
)
"""What gives a command the variables that it has. Others may add some: `op run`, `direnv exec`, a script."""
_HOSTS: Final = (b"wandb", b"coreweave", b"default")  # W&B's own in a netrc; the last stands for any
_DOTENV: Final = (".env", "secrets.env")
_MOST_FILES: Final = 50  # what is found in more of them costs every run some milliseconds, most for nothing
_MOST_BYTES: Final = 1 << 20  # of a file
_MOST_IN_ALL: Final = 250_000  # bytes of all of them


def is_used_without_account(command: Sequence[str], *, cwd: Path, top: Path, env: Mapping[str, str]) -> bool:
    """Whether a command's code logs to W&B, and nothing that can be seen tells it an account.

    Args:
        command: its words; without a Python file among them nothing is known of it.
        cwd: where it runs.
        top: of the repository.
        env: the environment that it gets.
    """
    starter = os.path.basename(command[0]) if command else ""
    if any(name.startswith((PREFIX, "UV_ENV")) for name in env) or not _STARTERS.fullmatch(starter):
        return False
    if _has_account(cwd, top, env):
        return False
    own = [cwd / place for place in env.get("PYTHONPATH", "").split(os.pathsep) if place]
    roots = map(str, (cwd, cwd / "src", top, top / "src", *own))
    code = _code(_scripts(command, cwd), tuple(dict.fromkeys(roots)))
    if not code:
        return False
    text = b"\n".join((*code, os.fsencode("\n".join(command))))
    lowered = text.lower()
    if b"wandb" not in lowered or PREFIX.encode() in text or any(word in lowered for word in _LOGIN):
        return False
    return not any(pattern.search(lowered) for pattern in _WORDS)


def _scripts(command: Sequence[str], cwd: Path) -> list[str]:
    """The Python files that the words name, and the modules behind `-m`."""
    files = [os.path.join(cwd, word) for word in command if word.endswith(".py")]
    modules = _Modules()
    for option, module in pairwise(command):
        if option == "-m":
            files += modules.files(module, (str(cwd), f"{cwd}/src"))
    return files


def _code(files: Sequence[str], roots: Sequence[str]) -> list[bytes]:
    """What the files hold and those of the project that they import; nothing if that is too much to see."""
    texts: dict[str, bytes] = {}
    waiting = list(dict.fromkeys(files))
    modules = _Modules()
    size = 0
    while waiting:
        path = waiting.pop()
        if path in texts:
            continue
        text = texts[path] = read_head(Path(path), _MOST_IN_ALL)
        size += len(text)
        if len(texts) > _MOST_FILES or size >= _MOST_IN_ALL or not (text or os.path.isfile(path)):
            return []
        for name in set(_imported(text)):
            folder = os.path.dirname(path)
            for _ in range(len(name) - len(name.lstrip(".")) - 1):
                folder = os.path.dirname(folder)
            places = (folder,) if name.startswith(".") else tuple(dict.fromkeys((folder, *roots)))
            waiting += modules.files(name.lstrip("."), places)
    return [*texts.values()]


def _imported(text: bytes) -> Iterator[str]:
    """The modules that a text imports, and what it takes from them, which may be modules too."""
    at = text.find(b"import")
    while at >= 0:  # ten times as fast as a pattern that is tried at each line
        found = _MODULES.match(text, text.rfind(b"\n", 0, at) + 1)
        at = text.find(b"import", max(found.end() if found else 0, at + 1))
        if found is None:
            continue
        base, taken, plain = (part or b"" for part in found.groups())
        names = [
            one.split()[0]
            for one in (plain or taken.strip(b"(")).decode("ascii", "replace").split(",")
            if one.strip()
        ]
        start = base.decode()
        yield from ([start] if start else names)
        if start:
            yield from (f"{start}{'' if start.endswith('.') else '.'}{name}" for name in names)


class _Modules:
    """Finds the files of modules; each folder is listed once, for most modules are not the project's."""

    def __init__(self) -> None:
        self._names: dict[str, frozenset[str]] = {}
        self._found: dict[tuple[str, Sequence[str]], list[str]] = {}

    def files(self, module: str, places: Sequence[str]) -> list[str]:
        """The files of the project that a dotted name loads: with a package comes its `__init__.py`."""
        key = module, places
        if key not in self._found:
            parts = [part for part in module.split(".") if part]
            looked = (self._in(place, parts) for place in places)
            self._found[key] = next(filter(None, looked), [])
        return self._found[key]

    def _in(self, place: str, parts: Sequence[str]) -> list[str]:
        if not parts:
            return self._those(place, ("__init__.py",))
        found: list[str] = []
        for part in parts[:-1]:
            if part not in self._listed(place):
                return found
            place = f"{place}/{part}"
            found += self._those(place, ("__init__.py",))
        found += self._those(place, (f"{parts[-1]}.py",))
        if parts[-1] in self._listed(place):
            found += self._those(f"{place}/{parts[-1]}", ("__init__.py", "__main__.py"))
        return found

    def _those(self, folder: str, names: Sequence[str]) -> list[str]:
        return [f"{folder}/{name}" for name in names if name in self._listed(folder)]

    def _listed(self, folder: str) -> frozenset[str]:
        if folder not in self._names:
            self._names[folder] = frozenset(names_in(folder))
        return self._names[folder]


def _has_account(cwd: Path, top: Path, env: Mapping[str, str]) -> bool:
    home = Path(os.path.expanduser("~"))  # Path.home raises where nobody knows it
    netrc = (
        [Path(os.path.expanduser(env["NETRC"]))] if env.get("NETRC") else [home / ".netrc", home / "_netrc"]
    )
    if any(host in read_head(path, _MOST_BYTES) for path in netrc for host in _HOSTS):
        return True
    settings = (home / ".config" / "wandb", cwd / "wandb", cwd / ".wandb")
    if any(os.path.exists(folder / "settings") for folder in settings):
        return True
    places = dict.fromkeys(folder / name for folder in (cwd, top) for name in _DOTENV)
    return any(b"WANDB" in read_head(path, _MOST_BYTES) for path in places)
