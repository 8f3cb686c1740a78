"""Which Python will a command run? Found by reading files, without running the command.

It follows what stands between a command line and its interpreter: names on PATH, shebangs, launchers such as
`env` and `srun`, project tools such as `uv run`, conda environments and `sh -c`. What cannot be known without
running it (a shell script, make) is answered with None, never with a guess.

It is also where every process of the environment capture starts: `quiet_output`. What an interpreter has
installed is the matter of `gxt.capture.environment`.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

_MAX_DEPTH = 8  # launchers inside launchers; also stops a script whose shebang names itself
_SHEBANG_BYTES = 4096

_SHELLS = ("sh", "bash", "dash", "ksh", "zsh")
_SHELL_KEYWORDS = frozenset({"!", "{", "builtin", "command", "do", "exec", "if", "then", "while"})
_PROJECT_TOOLS = ("hatch", "pdm", "pipenv", "poetry", "rye")
_CONDA_TOOLS = ("conda", "mamba", "micromamba")
# fmt: off
_LAUNCHERS = (
    "caffeinate", "chrt", "ionice", "mpiexec", "mpirun", "ncu", "nice", "nohup", "nsys", "numactl", "orterun",
    "perf", "setsid", "srun", "stdbuf", "strace", "taskset", "time", "timeout", "unbuffer", "xvfb-run",
)
# Options that take a value: without these lists the value would be taken for the command.
_ENV_VALUES = frozenset({"-u", "--unset", "-C", "--chdir", "-S", "--split-string"})
_CONDA_VALUES = frozenset({
    "-n", "--name", "-p", "--prefix", "--cwd", "-r", "--root-prefix", "-a", "--attach", "-e", "--env",
    "--label",
})
_PROJECT_VALUES = frozenset({"-C", "--directory", "-P", "--project", "-p", "-e", "--env", "--python"})
_UV_VALUES = frozenset({  # of uv 0.13
    "-w", "-i", "-f", "-P", "-C", "-p", "--extra", "--no-extra", "--group", "--no-group", "--only-group",
    "--no-editable-package", "--env-file", "--with", "--with-editable", "--with-requirements", "--package",
    "--python-platform", "--index", "--default-index", "--index-url", "--extra-index-url", "--find-links",
    "--index-strategy", "--project", "--keyring-provider", "--upgrade-package", "--upgrade-group",
    "--prerelease", "--prerelease-package", "--fork-strategy", "--exclude-newer", "--exclude-newer-package",
    "--no-sources-package", "--reinstall-package", "--link-mode", "--config-setting", "--python",
    "--config-settings-package", "--no-build-isolation-package", "--no-build-package", "--no-binary-package",
    "--cache-dir", "--resolution", "--refresh-package", "--color", "--allow-insecure-host", "--directory",
    "--config-file",
})
# fmt: on


@dataclass(frozen=True)
class Launch:
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


@dataclass(frozen=True)
class _Place:
    """Where a part of the command line starts: directory, variables, and how deep it is nested."""

    cwd: Path
    env: Mapping[str, str]
    depth: int = 0


def resolve_interpreter(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Path | None:
    """The Python that a command started in `cwd` with `env` would run; None when that cannot be known."""
    launch = resolve_launch(argv, cwd=cwd, env=env)
    return launch.python if launch else None


def resolve_launch(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Launch | None:
    """The same, together with the directory and the variables that the interpreter starts with."""
    try:
        return _resolve(list(argv), _Place(cwd, env))
    except ValueError:  # an unclosed quote, or a NUL in a path: then the command itself fails soon
        return None


def fallback_interpreter(env: Mapping[str, str], *, cwd: Path = Path("/")) -> Path | None:
    """The Python that stands first on PATH: the likeliest one for a command that hides its own."""
    found = (find_executable(name, cwd=cwd, env=env) for name in ("python3", "python"))
    return next((path for path in found if path), None)


def find_executable(name: str, *, cwd: Path, env: Mapping[str, str]) -> Path | None:
    """The file that a command word names: on PATH, or relative to `cwd` when it holds a slash."""
    if not name:
        return None
    folders = [""] if "/" in name else env.get("PATH", os.defpath).split(os.pathsep)
    for folder in folders:
        path = cwd / folder / name
        if path.is_file() and os.access(path, os.X_OK):
            return path
    return None


def quiet_output(
    argv: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None, timeout_s: float
) -> str | None:
    """What a process writes to stdout; None when it cannot start, fails, or takes over `timeout_s` seconds.

    It gets no stdin, its stderr is dropped, and it runs in a session of its own, so that what it started ends
    with it (a pyenv shim is three processes deep).
    """
    try:
        child = subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError):
        return None
    with child:
        try:
            output, _ = child.communicate(timeout=timeout_s)
        except BaseException as stopped:  # also Ctrl-C, which a session of its own does not receive
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            if isinstance(stopped, subprocess.TimeoutExpired):
                return None
            raise
    return output.decode("utf-8", "surrogateescape") if child.returncode == 0 else None


def _resolve(words: list[str], place: _Place) -> Launch | None:
    if not words or place.depth > _MAX_DEPTH:
        return None
    place = replace(place, depth=place.depth + 1)
    name = _basename(words[0])
    tool = _TOOLS.get(name)
    if tool:
        return tool(words, place)
    found = find_executable(words[0], cwd=place.cwd, env=place.env)
    if found is None:
        return None
    if _is_python(name):
        return Launch(found, place.cwd, place.env)
    interpreter = _shebang(found)
    return _resolve([*interpreter, str(found)], place) if interpreter else None


def _basename(word: str) -> str:
    return word.rpartition("/")[2]


def _is_python(name: str) -> bool:
    """Whether a file name is one of an interpreter: python, python3.12, python3.13t, pypy3.10, …"""
    for stem in ("python", "pypy"):
        if name.startswith(stem):
            return not name[len(stem) :].strip("0123456789.td")
    return False


def _shebang(script: Path) -> list[str]:
    """The words before the script's own name when the kernel starts it; empty for what is no script."""
    try:
        with script.open("rb", buffering=0) as file:
            head = file.read(_SHEBANG_BYTES)
    except OSError:
        return []
    if not head.startswith(b"#!"):
        return []
    first, _, rest = os.fsdecode(head[2:]).partition("\n")
    path, _, argument = first.strip().partition(" ")
    if _basename(path) in _SHELLS and rest.startswith("'''exec' "):
        return _exec_trick(rest.partition("\n")[0], script)
    if _basename(path) == "env":
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


def _split_options(words: Sequence[str], values: frozenset[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """The leading options as (name, value) and the words from the first that is none.

    Args:
        words: the words after a command or subcommand.
        values: the options that take a value, with their dashes; all others are flags, with value "".
    """
    options: list[tuple[str, str]] = []
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        name, equals, value = word.partition("=")
        if word.startswith("--") and equals:
            options.append((name, value))
        elif word in values and rest:
            options.append((word, rest.pop(0)))
        elif word[:2] in values:
            options.append((word[:2], word[2:]))
        else:
            options.append((word, ""))
    return options, rest


def _option(options: list[tuple[str, str]], *names: str) -> str | None:
    return next((value for name, value in reversed(options) if name in names), None)


def _assignments(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """The leading NAME=VALUE words, and the rest. Values that only a shell can work out are dropped."""
    pairs: dict[str, str] = {}
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if not equals or not name.isidentifier():
            return pairs, words[at:]
        if "$" not in value and "`" not in value:
            pairs[name] = value
    return pairs, []


def _env(words: list[str], place: _Place) -> Launch | None:
    options, rest = _split_options(words[1:], _ENV_VALUES)
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
            return _env(["env", *shlex.split(value), *rest], replace(place, cwd=cwd, env=env))
    while rest and "=" in rest[0]:
        name, _, value = rest.pop(0).partition("=")
        env[name] = value
    return _resolve(rest, replace(place, cwd=cwd, env=env))


def _launcher(words: list[str], place: _Place) -> Launch | None:
    """The first word that leads to an interpreter: the options of each launcher need not be known."""
    for at, word in enumerate(words[1:], start=1):
        if word.startswith("-"):
            continue
        if _basename(word) in _TOOLS:
            return _resolve(words[at:], place)
        launch = _resolve(words[at:], place)
        if launch:
            return launch
    return None


def _shell(words: list[str], place: _Place) -> Launch | None:
    """The first interpreter that the text of `sh -c TEXT` starts; None for a script file."""
    text = _inline_text(words[1:])
    for command in _simple_commands(text or ""):
        pairs, rest = _assignments(command)
        inner = replace(place, env={**place.env, **pairs})
        match rest:
            case [] | ["export", *_]:
                place = replace(inner, env={**inner.env, **_assignments(rest[1:])[0]})
            case ["cd", folder]:
                if (place.cwd / folder).is_dir():  # it may hold a variable, or be made by this very text
                    place = replace(place, cwd=place.cwd / folder)
            case ["source" | ".", script, *_] if _basename(script) == "activate":
                place = _activated((place.cwd / script).parent.parent, place)
            case _:
                launch = _resolve(rest, inner)
                if launch:
                    return launch
    return None


def _inline_text(arguments: Sequence[str]) -> str | None:
    """The TEXT in the arguments `-c TEXT`, `-lc TEXT`, `-euo pipefail -c TEXT` of a shell, if there is."""
    takes_value = False
    for at, word in enumerate(arguments):
        if word.startswith(("-", "+")):
            if "c" in word and not word.startswith("--"):
                return next(iter(arguments[at + 1 :]), None)
            takes_value = word.endswith(("o", "O"))
        elif not takes_value:
            return None
        else:
            takes_value = False
    return None


def _simple_commands(text: str) -> list[list[str]]:
    """A shell text cut at its operators and line ends; each part as words, without the keywords before it."""
    lexer = shlex.shlex(text.replace("\n", " ; "), posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    commands: list[list[str]] = [[]]
    for word in lexer:
        if word.strip("();<>|&") == "" and word:
            commands.append([])
        elif commands[-1] or word not in _SHELL_KEYWORDS:
            commands[-1].append(word)
    return [command for command in commands if command]


def _activated(prefix: Path, place: _Place) -> _Place:
    """The place with the programs of an environment first on PATH."""
    path = f"{prefix / 'bin'}{os.pathsep}{place.env.get('PATH', os.defpath)}"
    return replace(place, env={**place.env, "PATH": path})


def _inside(prefix: Path, command: list[str], place: _Place) -> Launch:
    """A command that runs in an environment: the interpreter that it names, else the environment's."""
    inner = _activated(prefix, place)
    python = prefix / "bin" / "python"
    if not python.exists():
        return Launch(python, inner.cwd, inner.env)
    return _resolve(command, inner) or Launch(python, inner.cwd, inner.env)


def _upward(start: Path, name: str) -> list[Path]:
    """The folders from `start` to the root that hold a file or folder of this name, nearest first."""
    start = Path(os.path.normpath(start))
    return [folder for folder in (start, *start.parents) if (folder / name).exists()]


def _uv(words: list[str], place: _Place) -> Launch | None:
    before, rest = _split_options(words[1:], _UV_VALUES)
    if rest[:1] != ["run"]:
        return None
    after, command = _split_options(rest[1:], _UV_VALUES)
    options = before + after
    flags = {name for name, _ in options}
    if flags & {"--isolated", "--script", "-s"}:  # an environment made for this one run
        return None
    place = replace(place, cwd=place.cwd / (_option(options, "--directory") or ""))
    prefix = _uv_prefix(place.cwd / (_option(options, "--project") or ""), flags, place)
    return _inside(prefix, command, place) if prefix else _resolve(command, place)


def _uv_prefix(start: Path, flags: set[str], place: _Place) -> Path | None:
    """The environment that `uv run` uses (tried with uv 0.13); None without a project and a venv."""
    active = place.env.get("VIRTUAL_ENV")
    projects = [] if "--no-project" in flags else _upward(start, "pyproject.toml")
    if active and ("--active" in flags or not projects):
        return place.cwd / active
    if not projects:
        nearest = _upward(place.cwd, ".venv")
        return nearest[0] / ".venv" if nearest else None
    root = next((folder for folder in projects if _is_uv_workspace(folder)), projects[0])
    return root / (place.env.get("UV_PROJECT_ENVIRONMENT") or ".venv")


def _is_uv_workspace(folder: Path) -> bool:
    try:
        return b"[tool.uv.workspace]" in (folder / "pyproject.toml").read_bytes()
    except OSError:
        return False


def _project_tool(words: list[str], place: _Place) -> Launch | None:
    """`poetry run` and its kin: the project's `.venv`, else the environment that is active."""
    before, rest = _split_options(words[1:], _PROJECT_VALUES)
    if rest[:1] != ["run"]:
        return None
    after, command = _split_options(rest[1:], _PROJECT_VALUES)
    start = place.cwd / (_option(before + after, "-C", "--directory", "-P", "--project") or "")
    for marker in ("Pipfile", "pyproject.toml"):
        for project in _upward(start, marker)[:1]:
            if (project / ".venv" / "bin" / "python").exists():
                return _inside(project / ".venv", command, place)
    active = place.env.get("VIRTUAL_ENV")
    return _inside(place.cwd / active, command, place) if active else None


def _conda(words: list[str], place: _Place) -> Launch | None:
    before, rest = _split_options(words[1:], _CONDA_VALUES)
    if rest[:1] != ["run"]:
        return None
    after, command = _split_options(rest[1:], _CONDA_VALUES)
    options = before + after
    roots = _conda_roots(words[0], _option(options, "-r", "--root-prefix"), place)
    prefix = _conda_prefix(options, roots, place)
    if prefix is None or not (prefix / "bin" / "python").exists():
        return None
    return _inside(prefix, command, replace(place, cwd=place.cwd / (_option(options, "--cwd") or "")))


def _conda_roots(word: str, given: str | None, place: _Place) -> list[Path]:
    """Where conda itself may be installed, likeliest first."""
    roots = [place.cwd / given] if given else []
    if place.env.get("MAMBA_ROOT_PREFIX"):
        roots.append(Path(place.env["MAMBA_ROOT_PREFIX"]))
    if place.env.get("CONDA_EXE"):
        roots.append(Path(place.env["CONDA_EXE"]).parent.parent)
    program = find_executable(word, cwd=place.cwd, env=place.env)
    if program and (program.parent.parent / "conda-meta").is_dir():
        roots.append(program.parent.parent)
    home = place.env.get("HOME")
    if home and _basename(word) == "micromamba":
        roots += [Path(home, ".local/share/mamba"), Path(home, "micromamba")]
    return roots


def _conda_prefix(options: list[tuple[str, str]], roots: list[Path], place: _Place) -> Path | None:
    prefix, name = _option(options, "-p", "--prefix"), _option(options, "-n", "--name")
    if prefix:
        return place.cwd / prefix
    if not name and place.env.get("CONDA_PREFIX"):
        return Path(place.env["CONDA_PREFIX"])
    if name in (None, "base", "root"):
        return next((root for root in roots if root.is_dir()), None)
    folders = [root / "envs" / str(name) for root in roots]
    home = place.env.get("HOME")
    if home:
        folders += [Path(home, ".conda/envs", str(name)), *_known_conda_prefixes(home, str(name))]
    return next((folder for folder in folders if folder.is_dir()), None)


def _known_conda_prefixes(home: str, name: str) -> list[Path]:
    """The environments of this name that conda has listed in the user's `environments.txt`."""
    try:
        text = Path(home, ".conda/environments.txt").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return []
    return [Path(line.strip()) for line in text.splitlines() if _basename(line.strip()) == name]


_Tool = Callable[[list[str], _Place], "Launch | None"]
_TOOLS: dict[str, _Tool] = {
    "env": _env,
    "uv": _uv,
    **dict.fromkeys(_LAUNCHERS, _launcher),
    **dict.fromkeys(_SHELLS, _shell),
    **dict.fromkeys(_PROJECT_TOOLS, _project_tool),
    **dict.fromkeys(_CONDA_TOOLS, _conda),
}
