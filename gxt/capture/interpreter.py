"""Which Python will a command run? Found by reading files, without running the command.

It follows what stands between a command line and its interpreter: names on PATH, shebangs, launchers such as
`env` and `srun`, shell scripts and `sh -c`, and tools such as `uv run` (`project_env`). What cannot be known
without running it (make, a script that loads modules) is answered with None, never with a guess. What the
Python found says of itself is the matter of `probe`.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gxt.capture.command_line import (
    assignments,
    script_text,
    shell_arguments,
    simple_commands,
    split_options,
)
from gxt.capture.files import read_head
from gxt.capture.programs import find_executable
from gxt.capture.project_env import PROJECT_TOOLS, project_run
from gxt.model.launchers import PLAIN_LAUNCHERS, SHELLS, basename, is_python
from gxt.named_tuple import NamedTuple

_MAX_DEPTH = 8  # launchers inside launchers; also stops a script whose shebang names itself
_SHEBANG_BYTES = 4096
_SCRIPT_BYTES = 1 << 16
_CONDAS = ("conda", "mamba", "micromamba")
# They change PATH in ways that only running them tells.
_PATH_CHANGERS = frozenset({"eval", "module", "ml", "spack", "pyenv", "direnv", "workon"})

# Options that take a value: without this list the value would be taken for the command.
_ENV_VALUES = frozenset({"-u", "--unset", "-C", "--chdir", "-S", "--split-string"})


class Launch(NamedTuple):
    """An interpreter and the world it starts in.

    Attributes:
        python: its path as the command reaches it; a link is kept, because the link is what selects a virtual
            environment. With `uv run` it may not exist yet: uv makes the environment first.
        cwd: the directory that it starts in.
        env: its variables, with what launchers changed on the way (`env OMP_NUM_THREADS=1 python`).
    """

    python: Path
    cwd: Path
    env: Mapping[str, str]


class _Place(NamedTuple):
    """Where a part of the command line starts: directory, variables, and how deep it is nested."""

    cwd: Path
    env: Mapping[str, str]
    depth: int = 0


def resolve_launch(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Launch | None:
    """The Python that a command started in `cwd` with `env` would run; None when that cannot be known."""
    try:
        return _resolve(list(argv), _Place(cwd, env))
    except ValueError:  # an unclosed quote, or a NUL in a path: then the command itself fails soon
        return None


def fallback_launch(*, cwd: Path, env: Mapping[str, str]) -> Launch | None:
    """The Python that stands first on PATH: the likeliest one for a command that hides its own."""
    found = (find_executable(name, cwd=cwd, env=env) for name in ("python3", "python"))
    return next((Launch(python, cwd, env) for python in found if python), None)


def _resolve(words: list[str], place: _Place) -> Launch | None:
    if not words or place.depth > _MAX_DEPTH:
        return None
    place = place._replace(depth=place.depth + 1)
    name = basename(words[0])
    tool = _TOOLS.get(name)
    if tool:
        return tool(words, place)
    found = find_executable(words[0], cwd=place.cwd, env=place.env)
    if found is None:
        return None
    if is_python(name):
        return Launch(found, place.cwd, place.env)
    interpreter = _shebang(found)
    return _resolve([*interpreter, str(found)], place) if interpreter else None


def _shebang(script: Path) -> list[str]:
    """The words before the script's own name when the kernel starts it; empty for what is no script."""
    head = read_head(script, _SHEBANG_BYTES)
    if not head.startswith(b"#!"):
        return []
    first, _, rest = os.fsdecode(head[2:]).partition("\n")
    path, _, argument = first.strip().partition(" ")
    if basename(path) in SHELLS and rest.startswith("'''exec' "):
        return _exec_trick(rest.partition("\n")[0], script)
    if basename(path) == "env":
        return ["env", *shlex.split(argument)]
    return [path] if path else []


def _exec_trick(line: str, script: Path) -> list[str]:
    """The interpreter in a line that is a string to Python and an `exec` to the shell.

    Installers write it when the path is too long for a shebang or has a blank in it; relocatable environments
    of uv write `"$(dirname -- "$(realpath -- "$0")")"/'python'`, the interpreter beside the script.
    """
    command = line[len("'''exec' ") :]
    if command.startswith('"$(dirname'):
        sibling = command.rpartition('"/')[2].partition(" ")[0].strip("'\"")
        return [str(script.resolve().parent / sibling)]
    return shlex.split(command)[:1]


def _env(words: list[str], place: _Place) -> Launch | None:
    options, rest = split_options(words[1:], _ENV_VALUES)
    env, cwd = dict(place.env), place.cwd
    if rest[:1] == ["-"]:
        options, rest = [*options, ("-i", "")], rest[1:]
    for name, value in options:
        if name in ("-i", "--ignore-environment"):
            env.clear()
        elif name in ("-u", "--unset"):
            env.pop(value, None)
        elif name in ("-C", "--chdir"):
            cwd = cwd / value
        elif name in ("-S", "--split-string"):
            return _env(["env", *shlex.split(value), *rest], place._replace(cwd=cwd, env=env))
    while rest and "=" in rest[0]:
        name, _, value = rest.pop(0).partition("=")
        env[name] = value
    return _resolve(rest, place._replace(cwd=cwd, env=env))


def _launcher(words: list[str], place: _Place) -> Launch | None:
    """The first word that leads to an interpreter: the options of each launcher need not be known."""
    for at, word in enumerate(words[1:], start=1):
        if word.startswith("-"):
            continue
        if basename(word) in _TOOLS:
            return _resolve(words[at:], place)
        launch = _resolve(words[at:], place)
        if launch:
            return launch
    return None


def _shell(words: list[str], place: _Place) -> Launch | None:
    """The first interpreter that the text of `sh -c TEXT`, or of a script, starts."""
    for command in simple_commands(_shell_text(words[1:], place)):
        pairs, rest = assignments(command)
        inner = place._replace(env={**place.env, **pairs})
        match rest:
            case [] | ["export", *_]:
                place = inner._replace(env={**inner.env, **assignments(rest[1:])[0]})
            case ["cd", folder]:
                if (place.cwd / folder).is_dir():  # it may hold a variable, or be made by this very text
                    place = place._replace(cwd=place.cwd / folder)
            case [conda, "activate", *name] if conda in _CONDAS:
                activated = _conda(conda, name, place)
                if activated is None:
                    return None
                place = activated
            case ["source" | ".", script] if basename(script) == "activate":
                place = _activated((place.cwd / script).parent.parent, place)
            case ["source" | ".", *_]:
                return None
            case [changer, *_] if changer in _PATH_CHANGERS:
                return None
            case _:
                launch = _resolve(rest, inner)
                if launch:
                    return launch
    return None


def _shell_text(arguments: list[str], place: _Place) -> str:
    """What a shell is told to do: the text after `-c`, or that of its script; empty where neither is."""
    text, script = shell_arguments(arguments)
    if script is not None:
        return script_text(read_head(place.cwd / script, _SCRIPT_BYTES).decode(errors="replace"))
    return text or ""


def _conda(tool: str, name: list[str], place: _Place) -> _Place | None:
    """The place after `conda activate NAME`."""
    where = ["-p" if "/" in name[0] else "-n", name[0]] if name else ["-n", "base"]
    run = project_run([tool, "run", *where, "python"], cwd=place.cwd, env=place.env)
    return _activated(run.prefix, place) if run is not None and run.prefix is not None else None


def _activated(prefix: Path, place: _Place) -> _Place:
    """The place with the programs of an environment first on PATH."""
    path = f"{prefix / 'bin'}{os.pathsep}{place.env.get('PATH', os.defpath)}"
    return place._replace(env={**place.env, "PATH": path})


def _project(words: list[str], place: _Place) -> Launch | None:
    """A command that runs in an environment: the interpreter that it names, else the environment's."""
    run = project_run(words, cwd=place.cwd, env=place.env)
    if run is None:
        return None
    inner = place._replace(cwd=run.cwd)
    if run.prefix is None:
        return _resolve(run.command, inner)
    inner = _activated(run.prefix, inner)
    python = run.prefix / "bin" / "python"
    launch = _resolve(run.command, inner) if python.exists() else None
    return launch or Launch(python, inner.cwd, inner.env)


_Tool = Callable[[list[str], _Place], "Launch | None"]
_TOOLS: dict[str, _Tool] = {
    "env": _env,
    **dict.fromkeys(PLAIN_LAUNCHERS, _launcher),
    **dict.fromkeys(SHELLS, _shell),
    **dict.fromkeys(PROJECT_TOOLS, _project),
}
