"""What a Python says of itself: version, executable, `sys.path`. It is started for that, once.

Which Python a command runs is the matter of `interpreter`, what is installed for it of `packages`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from gxt.capture.files import names_in
from gxt.capture.programs import quiet_output
from gxt.capture.remembered import Answer, remembered
from gxt.model.json_types import Json, JsonObject
from gxt.named_tuple import NamedTuple

# The variables that an interpreter's sys.path depends on.
_VARIABLES = (
    *("HOME", "PYTHONEXECUTABLE", "PYTHONHOME", "PYTHONNOUSERSITE", "PYTHONPATH", "PYTHONPLATLIBDIR"),
    *("PYTHONSAFEPATH", "PYTHONUSERBASE", "__PYVENV_LAUNCHER__"),
)
_TIMEOUT_S = 10.0
_MARK = "\0sys.path\0"  # on both sides: what a .pth file printed may come before or after
# No import but of modules that every start has loaded: a json.py in the working directory must not run here.
_QUESTION = f"""
import os, sys
site = sys.modules.get("site")
folders = list(site.getsitepackages()) + [site.USER_SITE or ""] if site else []
facts = [sys.version.split()[0], sys.implementation.name, sys.executable or "", str(len(folders))]
facts += folders + [entry for entry in sys.path if entry]
mark = {_MARK.encode()!r}
sys.stdout.buffer.write(mark + b"\\0".join(os.fsencode(fact) for fact in facts) + mark)
"""


class Probe(NamedTuple):
    """An interpreter's word about itself.

    Attributes:
        version: as Python says it, "3.11.7".
        implementation: "cpython", "pypy", …
        executable: the path by which it knows itself, in a virtual environment the one in there, or "".
        site_folders: where its distributions are; the .pth files in there extend its `search_path`.
        search_path: its `sys.path`, without the entry for the working directory.
    """

    version: str
    implementation: str
    executable: str
    site_folders: tuple[str, ...]
    search_path: tuple[str, ...]


def probe(python: Path, *, cwd: Path, env: Mapping[str, str], cache_dir: Path) -> Probe | None:
    """Ask the interpreter, as a program started in `cwd` with `env` would find itself.

    It is started again only when it, its site folders, their .pth files or the variables that make its
    `sys.path` have changed. None when it does not start or takes more than 10 s.
    """
    return remembered(
        cache_dir,
        {"asked": "probe", "python": str(python), "variables": _path_variables(cwd, env)},
        parse=_parse,
        ask=lambda: _ask(python, cwd, env),
    )


def _path_variables(cwd: Path, env: Mapping[str, str]) -> JsonObject:
    known: JsonObject = {name: env[name] for name in _VARIABLES if name in env}
    entries = env.get("PYTHONPATH", "").split(os.pathsep)
    if any(entry and not entry.startswith("/") for entry in entries):
        known["cwd"] = str(cwd)
    return known


def _ask(python: Path, cwd: Path, env: Mapping[str, str]) -> Answer | None:
    output = quiet_output([str(python), "-c", _QUESTION], cwd=cwd, env=env, timeout_s=_TIMEOUT_S)
    parts = (output or "").split(_MARK)
    fields: list[Json] = [*parts[1].split("\0")] if len(parts) == 3 else []
    said = _parse(fields)
    if said is None:
        return None
    folders = said.site_folders
    pth = [f"{folder}/{name}" for folder in folders for name in names_in(folder) if name.endswith(".pth")]
    return Answer(
        fields,
        watched=[str(python), str(python.parent.parent / "pyvenv.cfg"), *folders, *pth],
        # The shim of a version manager starts another interpreter, today this one, tomorrow that.
        lasting=os.path.normpath(said.executable) == os.path.normpath(python),
    )


def _parse(fields: Json) -> Probe | None:
    """The fields as they were asked for: three facts, a count, that many site folders, `sys.path`."""
    if not isinstance(fields, list):
        return None
    texts = [field for field in fields if isinstance(field, str)]
    if len(texts) != len(fields) or len(texts) < 4 or not texts[3].isdigit():
        return None
    end = 4 + int(texts[3])
    sites = tuple(folder for folder in texts[4:end] if folder)
    return Probe(texts[0], texts[1], texts[2], sites, tuple(texts[end:]))
