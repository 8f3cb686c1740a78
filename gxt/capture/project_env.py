"""Which environment does `uv run`, `poetry run`, `conda run` or one of their kin run its command in?

Found from the files of the project and the variables; none of these tools is started. Which interpreter the
command in that environment is, is the matter of `interpreter`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from gxt.capture.command_line import Options, option, split_options
from gxt.capture.files import read_head
from gxt.capture.programs import find_executable
from gxt.model.launchers import basename
from gxt.named_tuple import NamedTuple

_PROJECT_BYTES = 1 << 20

# fmt: off
# Options that take a value: without these lists the value would be taken for the command.
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


class ProjectRun(NamedTuple):
    """What `TOOL run COMMAND` comes to.

    Attributes:
        prefix: the environment, which may not exist yet (uv makes it first); None when the tool adds none to
            what is on PATH already.
        command: the words after the tool's own.
        cwd: the directory that the command starts in.
    """

    prefix: Path | None
    command: list[str]
    cwd: Path


def project_run(words: list[str], *, cwd: Path, env: Mapping[str, str]) -> ProjectRun | None:
    """The environment and the command of `words`, whose first names one of `PROJECT_TOOLS`.

    None when it is no `run`, or when the environment cannot be known.
    """
    values, environment = _TOOLS[basename(words[0])]
    before, rest = split_options(words[1:], values)
    if rest[:1] != ["run"]:
        return None
    after, command = split_options(rest[1:], values)
    return environment(_Call(words[0], before + after, command, cwd, env))


class _Call(NamedTuple):
    """A `TOOL run` taken apart: the tool as it was typed, its options, the command, and where."""

    tool: str
    options: Options
    command: list[str]
    cwd: Path
    env: Mapping[str, str]


def _uv(call: _Call) -> ProjectRun | None:
    flags = {name for name, _ in call.options}
    if flags & {"--isolated", "--script", "-s"}:  # an environment made for this one run
        return None
    cwd = call.cwd / (option(call.options, "--directory") or "")
    start = cwd / (option(call.options, "--project") or "")
    return ProjectRun(_uv_prefix(start, flags, cwd, call.env), call.command, cwd)


def _uv_prefix(start: Path, flags: set[str], cwd: Path, env: Mapping[str, str]) -> Path | None:
    """The environment that `uv run` uses (tried with uv 0.13); None without a project and a venv."""
    active = env.get("VIRTUAL_ENV")
    projects = [] if "--no-project" in flags else _upward(start, "pyproject.toml")
    if active and ("--active" in flags or not projects):
        return cwd / active
    if not projects:
        nearest = _upward(cwd, ".venv")
        return nearest[0] / ".venv" if nearest else None
    root = next((folder for folder in projects if _is_uv_workspace(folder)), projects[0])
    return root / (env.get("UV_PROJECT_ENVIRONMENT") or ".venv")


def _is_uv_workspace(folder: Path) -> bool:
    return b"[tool.uv.workspace]" in read_head(folder / "pyproject.toml", _PROJECT_BYTES)


def _own_or_active(call: _Call) -> ProjectRun | None:
    """`poetry run` and its kin: the project's `.venv`, else the environment that is active."""
    start = call.cwd / (option(call.options, "-C", "--directory", "-P", "--project") or "")
    for marker in ("Pipfile", "pyproject.toml"):
        for project in _upward(start, marker)[:1]:
            if (project / ".venv" / "bin" / "python").exists():
                return ProjectRun(project / ".venv", call.command, call.cwd)
    active = call.env.get("VIRTUAL_ENV")
    return ProjectRun(call.cwd / active, call.command, call.cwd) if active else None


def _upward(start: Path, name: str) -> list[Path]:
    """The folders from `start` to the root that hold a file or folder of this name, nearest first."""
    start = Path(os.path.normpath(start))
    return [folder for folder in (start, *start.parents) if (folder / name).exists()]


def _conda(call: _Call) -> ProjectRun | None:
    prefix = _conda_prefix(call)
    if prefix is None or not (prefix / "bin" / "python").exists():
        return None
    return ProjectRun(prefix, call.command, call.cwd / (option(call.options, "--cwd") or ""))


def _conda_prefix(call: _Call) -> Path | None:
    prefix, name = option(call.options, "-p", "--prefix"), option(call.options, "-n", "--name")
    if prefix:
        return call.cwd / prefix
    if not name and call.env.get("CONDA_PREFIX"):
        return Path(call.env["CONDA_PREFIX"])
    roots = _conda_roots(call)
    if not name or name in ("base", "root"):
        return next((root for root in roots if root.is_dir()), None)
    folders = [root / "envs" / name for root in roots]
    home = call.env.get("HOME")
    if home:
        folders += [Path(home, ".conda/envs", name), *_known_conda_prefixes(home, name)]
    return next((folder for folder in folders if folder.is_dir()), None)


def _conda_roots(call: _Call) -> list[Path]:
    """Where conda itself may be installed, likeliest first."""
    given = option(call.options, "-r", "--root-prefix")
    roots = [call.cwd / given] if given else []
    if call.env.get("MAMBA_ROOT_PREFIX"):
        roots.append(Path(call.env["MAMBA_ROOT_PREFIX"]))
    if call.env.get("CONDA_EXE"):
        roots.append(Path(call.env["CONDA_EXE"]).parent.parent)
    program = find_executable(call.tool, cwd=call.cwd, env=call.env)
    if program and (program.parent.parent / "conda-meta").is_dir():
        roots.append(program.parent.parent)
    home = call.env.get("HOME")
    if home and basename(call.tool) == "micromamba":
        roots += [Path(home, ".local/share/mamba"), Path(home, "micromamba")]
    return roots


def _known_conda_prefixes(home: str, name: str) -> list[Path]:
    """The environments of this name that conda has listed in the user's `environments.txt`."""
    try:
        text = Path(home, ".conda/environments.txt").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return []
    return [Path(line.strip()) for line in text.splitlines() if basename(line.strip()) == name]


_TOOLS: dict[str, tuple[frozenset[str], Callable[[_Call], ProjectRun | None]]] = {
    "uv": (_UV_VALUES, _uv),
    **dict.fromkeys(("hatch", "pdm", "pipenv", "poetry", "rye"), (_PROJECT_VALUES, _own_or_active)),
    **dict.fromkeys(("conda", "mamba", "micromamba"), (_CONDA_VALUES, _conda)),
}
PROJECT_TOOLS = tuple(_TOOLS)
"""The names of the tools whose `run` is understood."""
