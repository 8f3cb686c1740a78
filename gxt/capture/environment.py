"""The environment document of a run: interpreter, distributions, machine, variables that change results.

Equal environments give equal documents, byte for byte, so that the repository stores each one once: nothing
in it tells the time, the host or the user, and every order is fixed. Slow answers (the `sys.path` of an
interpreter, the list of `nvidia-smi`) are remembered in a cache folder; without it the same is found, later.

Which interpreter a command runs is the matter of `gxt.capture.interpreter`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from gxt.capture.hardware import hardware, nvidia_smi, query_gpus
from gxt.capture.interpreter import Launch, fallback_interpreter, quiet_output, resolve_launch
from gxt.model.json_types import Json, JsonObject

_T = TypeVar("_T")

# Each by its full name: a prefix such as TORCH_ could let a token through.
_VARIABLES = (
    *("BLIS_NUM_THREADS", "CUBLAS_WORKSPACE_CONFIG", "CUDA_DEVICE_ORDER", "CUDA_LAUNCH_BLOCKING"),
    *("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "JAX_DEFAULT_MATMUL_PRECISION", "JAX_ENABLE_X64"),
    *("JAX_PLATFORMS", "MKL_CBWR", "MKL_NUM_THREADS", "NCCL_ALGO", "NCCL_PROTO", "NUMEXPR_NUM_THREADS"),
    *("NVIDIA_TF32_OVERRIDE", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PYTHONHASHSEED", "PYTHONOPTIMIZE"),
    *("PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ENABLE_MPS_FALLBACK", "ROCR_VISIBLE_DEVICES", "SLURM_ARRAY_JOB_ID"),
    *("SLURM_ARRAY_TASK_ID", "SLURM_CPUS_PER_TASK", "SLURM_GPUS", "SLURM_GPUS_PER_NODE", "SLURM_JOB_ID"),
    *(
        "SLURM_JOB_PARTITION",
        "SLURM_NNODES",
        "SLURM_NTASKS",
        "TF_CUDNN_DETERMINISTIC",
        "TF_DETERMINISTIC_OPS",
    ),
    *(
        "TF_ENABLE_ONEDNN_OPTS",
        "TF_FORCE_GPU_ALLOW_GROWTH",
        "TORCHDYNAMO_DISABLE",
        "TORCHINDUCTOR_MAX_AUTOTUNE",
    ),
    *("TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "TORCH_COMPILE_DISABLE", "VECLIB_MAXIMUM_THREADS", "WORLD_SIZE"),
    "XLA_FLAGS",
)
# The variables that an interpreter's sys.path depends on.
_PATH_VARIABLES = (
    *("HOME", "PYTHONEXECUTABLE", "PYTHONHOME", "PYTHONNOUSERSITE", "PYTHONPATH", "PYTHONPLATLIBDIR"),
    *("PYTHONSAFEPATH", "PYTHONUSERBASE", "__PYVENV_LAUNCHER__"),
)
# What a container or a job scheduler shows of a node's GPUs depends on these.
_GPU_VARIABLES = ("NVIDIA_VISIBLE_DEVICES", "SLURM_JOB_ID", "SLURM_STEP_ID")

_PROBE_TIMEOUT_S = 10.0
_PROBE_MARK = "\0sys.path\0"  # on both sides: what a .pth file printed may come before or after
# No import but of modules that every start has loaded: a json.py in the working directory must not run here.
_PROBE = f"""
import os, sys
site = sys.modules.get("site")
folders = list(site.getsitepackages()) + [site.USER_SITE or ""] if site else []
facts = [sys.version.split()[0], sys.implementation.name, sys.prefix, sys.executable, str(len(folders))]
facts += folders + [entry for entry in sys.path if entry]
mark = {_PROBE_MARK.encode()!r}
sys.stdout.buffer.write(mark + b"\\0".join(os.fsencode(fact) for fact in facts) + mark)
"""
# A file changed less than this before it was looked at may change again without a new time stamp.
_TIMESTAMP_GRAIN_NS = 50_000_000


@dataclass(frozen=True)
class Interpreter:
    """A Python and what is installed for it.

    Attributes:
        implementation: "cpython", "pypy", …
        version: as Python says it, "3.11.7".
        executable: the path by which it knows itself; in a virtual environment the one in there.
        prefix: its `sys.prefix`.
        packages: (normalised name, version) of each distribution, sorted. The version of an editable install
            ends in " (editable)", of one from version control in " @ <commit>"; where it came from is not
            told, for such an address may hold a password.
    """

    implementation: str
    version: str
    executable: str
    prefix: str
    packages: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Probe:
    """What an interpreter says of itself; the .pth files in `site_folders` extend its `search_path`."""

    version: str
    implementation: str
    prefix: str
    executable: str
    site_folders: tuple[str, ...]
    search_path: tuple[str, ...]


@dataclass(frozen=True)
class _Answer:
    """A value and the files and folders that it holds for, as long as they stay as they are."""

    value: Json
    watched: Sequence[str] = ()
    lasting: bool = True


def environment_document(
    argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], cache_dir: Path
) -> JsonObject:
    """What a command started in `cwd` with `env` stands on, as the content of `environment.json`.

    Keys: `gxt`, `python` {version, implementation, executable} or null, `packages` {name: version}, those of
    `gxt.capture.hardware.hardware`, and `variables` {name: value}. When the command hides its interpreter
    (a shell script, make), the first Python on PATH is described.
    """
    launch = resolve_launch(argv, cwd=cwd, env=env)
    if launch is None:
        python = fallback_interpreter(env, cwd=cwd)
        launch = Launch(python, cwd, env) if python else None
    found = None
    if launch:
        found = describe_interpreter(launch.python, cwd=launch.cwd, env=launch.env, cache_dir=cache_dir)
        env = launch.env
    return {
        "gxt": 1,
        "python": _python_json(found, env.get("HOME", "")) if found else None,
        "packages": dict(found.packages) if found else {},
        **hardware(env, gpus=_known_gpus(env, cache_dir)),
        "variables": {name: _plain(env[name]) for name in _VARIABLES if name in env},
    }


def describe_interpreter(
    python: Path, *, cwd: Path, env: Mapping[str, str], cache_dir: Path
) -> Interpreter | None:
    """The interpreter and its distributions, as a program started in `cwd` with `env` would find them.

    Starts the interpreter once, then again only when it, its site folders, their .pth files or the variables
    that make its `sys.path` have changed; the distributions are read by this process. None when it does not
    start or takes more than 10 s.
    """
    probe = _remembered(
        cache_dir,
        {"asked": "probe", "python": str(python), "variables": _path_variables(cwd, env)},
        parse=_parse_probe,
        ask=lambda: _ask_probe(python, cwd, env),
    )
    if probe is None:
        return None
    packages = _remembered(
        cache_dir,
        {"asked": "packages", "path": list(probe.search_path)},
        parse=_parse_strings,
        ask=lambda: _scan_packages(probe.search_path),
    )
    return Interpreter(
        implementation=probe.implementation,
        version=probe.version,
        executable=probe.executable or str(python),
        prefix=probe.prefix,
        packages=tuple(sorted((packages or {}).items())),
    )


def _python_json(interpreter: Interpreter, home: str) -> JsonObject:
    executable, home = _shortest_name(Path(interpreter.executable)), home.rstrip("/")
    if home and executable.startswith(f"{home}/"):
        executable = "~" + executable.removeprefix(home)
    return {
        "version": interpreter.version,
        "implementation": interpreter.implementation,
        "executable": _plain(executable),
    }


def _shortest_name(executable: Path) -> str:
    """One of the names of an interpreter: `python` and the `python3` of a shebang are one environment."""
    for name in ("python", "python3"):
        sibling = executable.with_name(name)
        with contextlib.suppress(OSError):
            if sibling.samefile(executable):
                return str(sibling)
    return str(executable)


def _plain(text: str) -> str:
    """The text with "?" for each byte that was no UTF-8: a document cannot hold a lone surrogate."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _path_variables(cwd: Path, env: Mapping[str, str]) -> JsonObject:
    known: JsonObject = {name: env[name] for name in _PATH_VARIABLES if name in env}
    entries = env.get("PYTHONPATH", "").split(os.pathsep)
    if any(entry and not entry.startswith("/") for entry in entries):
        known["cwd"] = str(cwd)
    return known


def _ask_probe(python: Path, cwd: Path, env: Mapping[str, str]) -> _Answer | None:
    output = quiet_output([str(python), "-c", _PROBE], cwd=cwd, env=env, timeout_s=_PROBE_TIMEOUT_S)
    parts = (output or "").split(_PROBE_MARK)
    fields: list[Json] = [*parts[1].split("\0")] if len(parts) == 3 else []
    probe = _parse_probe(fields)
    if probe is None:
        return None
    folders = probe.site_folders
    pth = [f"{folder}/{name}" for folder in folders for name in _names(folder) if name.endswith(".pth")]
    return _Answer(
        fields,
        watched=[str(python), str(python.parent.parent / "pyvenv.cfg"), *folders, *pth],
        # The shim of a version manager starts another interpreter, today this one, tomorrow that.
        lasting=os.path.normpath(probe.executable) == os.path.normpath(python),
    )


def _parse_probe(fields: Json) -> _Probe | None:
    """The fields as the probe writes them: four facts, a count, that many site folders, `sys.path`."""
    if not isinstance(fields, list):
        return None
    texts = [field for field in fields if isinstance(field, str)]
    if len(texts) != len(fields) or len(texts) < 5 or not texts[4].isdigit():
        return None
    end = 5 + int(texts[4])
    sites = tuple(folder for folder in texts[5:end] if folder)
    return _Probe(texts[0], texts[1], texts[2], texts[3], sites, tuple(texts[end:]))


def _parse_strings(value: Json) -> dict[str, str] | None:
    if not isinstance(value, dict):
        return None
    texts = {name: text for name, text in value.items() if isinstance(text, str)}
    return texts if len(texts) == len(value) else None


def _scan_packages(search_path: Iterable[str]) -> _Answer:
    """The distributions in the folders of a `sys.path`; as with imports, the first of a name counts."""
    packages: JsonObject = {}
    watched = []
    for folder in search_path:
        watched.append(folder)
        for name in _names(folder):
            stem, _, kind = name.rpartition(".")
            if kind == "dist-info":
                project, version = _dist_info(folder, name)
            elif kind in ("egg-info", "egg-link"):
                metadata, mark = _egg_metadata(folder, name)
                watched += [f"{folder}/{name}", metadata]
                project, version = _name_and_version(metadata, mark)
            else:
                continue
            # pip leaves `~umpy-…` behind when it cannot finish an uninstall
            if project and not stem.startswith("~"):
                packages.setdefault(_normalised(_plain(project)), _plain(version))
    return _Answer(packages, watched)


def _names(folder: str) -> list[str]:
    """The names in a folder, sorted; none where there is no folder."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries)
    except (OSError, ValueError):
        return []


def _normalised(name: str) -> str:
    """The one spelling of a distribution's name (PEP 503): installers write several."""
    return "-".join(part for part in name.lower().replace("_", "-").replace(".", "-").split("-") if part)


def _dist_info(folder: str, name: str) -> tuple[str, str]:
    """Name and version from `Name-1.2.dist-info`, marked with what `direct_url.json` (PEP 610) says."""
    project, _, version = name.removesuffix(".dist-info").rpartition("-")
    origin = _read_json(f"{folder}/{name}/direct_url.json")
    if not isinstance(origin, dict):
        return project, version
    vcs, local = origin.get("vcs_info"), origin.get("dir_info")
    commit = vcs.get("commit_id") if isinstance(vcs, dict) else None
    if isinstance(commit, str):
        version += f" @ {commit}"
    if isinstance(local, dict) and local.get("editable") is True:
        version += " (editable)"
    return project, version


def _egg_metadata(folder: str, name: str) -> tuple[str, str]:
    """The metadata file behind an `.egg-info` (file or folder) or `.egg-link`, and its version's mark."""
    if name.endswith(".egg-info"):
        path = Path(folder, name)
        return str(path / "PKG-INFO" if path.is_dir() else path), ""
    project = _read_text(f"{folder}/{name}").partition("\n")[0].strip()
    wanted = _normalised(name.removesuffix(".egg-link"))
    for candidate in _names(project) if project else []:
        if candidate.endswith(".egg-info") and _normalised(candidate.removesuffix(".egg-info")) == wanted:
            return f"{project}/{candidate}/PKG-INFO", " (editable)"
    return f"{project}/{wanted}.egg-info/PKG-INFO", " (editable)"


def _name_and_version(metadata: str, mark: str) -> tuple[str, str]:
    """The headers Name and Version of a metadata file, the latter with the mark; empty where it has none."""
    headers: dict[str, str] = {}
    for line in _read_text(metadata).splitlines():
        name, colon, value = line.partition(":")
        if not colon:
            break
        headers.setdefault(name, value.strip())
    return headers.get("Name", ""), headers.get("Version", "") + mark


def _known_gpus(env: Mapping[str, str], cache_dir: Path) -> list[Json]:
    """The GPUs, asked once per boot, driver and set of visible devices: `nvidia-smi` can take seconds."""
    program = nvidia_smi(env)
    if program is None:
        return []
    key: JsonObject = {
        "asked": "gpus",
        "program": str(program),
        "boot": _read_text("/proc/sys/kernel/random/boot_id"),
        "driver": _read_text("/proc/driver/nvidia/version"),
        "devices": [name for name in _names("/dev") if name.startswith("nvidia")],
        "variables": {name: env[name] for name in _GPU_VARIABLES if name in env},
    }

    def ask() -> _Answer | None:
        gpus = query_gpus(env)
        return None if gpus is None else _Answer(gpus, watched=[str(program)])

    return _remembered(cache_dir, key, parse=_parse_objects, ask=ask) or []


def _parse_objects(value: Json) -> list[Json] | None:
    return value if isinstance(value, list) and all(isinstance(item, dict) for item in value) else None


def _remembered(
    cache_dir: Path,
    key: JsonObject,
    *,
    parse: Callable[[Json], _T | None],
    ask: Callable[[], _Answer | None],
) -> _T | None:
    """The answer in the cache while all that it was read from is as it was, else a new one.

    One file per key. A file that is damaged, of another key or not writable is as good as none.
    """
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    path = cache_dir / f"{digest[:32]}.json"
    known = _read_json(str(path))
    if isinstance(known, dict) and known.get("key") == key:
        watched = known.get("watched")
        if isinstance(watched, dict) and all(_stamp(name) == stamp for name, stamp in watched.items()):
            value = parse(known.get("value"))
            if value is not None:
                return value
    asked_ns = time.time_ns()
    answer = ask()
    if answer is None:
        return None
    stamps = {name: _stamp(name) for name in answer.watched}
    if answer.lasting and all(_is_settled(stamp, asked_ns) for stamp in stamps.values()):
        _write_json(path, {"key": key, "watched": dict(stamps), "value": answer.value})
    return parse(answer.value)


def _stamp(path: str) -> list[Json] | None:
    """What changes when a file or folder changes, or a link to it; None when there is none."""
    try:
        link, target = Path(path).lstat(), Path(path).stat()
    except (OSError, ValueError):
        return None
    return [link.st_mtime_ns, link.st_ino, target.st_mtime_ns, target.st_ino, target.st_size]


def _is_settled(stamp: list[Json] | None, asked_ns: int) -> bool:
    if stamp is None:
        return True
    newest = max(time_ns for time_ns in (stamp[0], stamp[2]) if isinstance(time_ns, int))
    return newest < asked_ns - _TIMESTAMP_GRAIN_NS


def _read_text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="surrogateescape")
    except (OSError, ValueError):
        return ""


def _read_json(path: str) -> Json:
    """The document in a file; None when there is none or it is damaged."""
    try:
        value: Json = json.loads(_read_text(path))
    except (ValueError, RecursionError):
        return None
    return value


def _write_json(path: Path, document: JsonObject) -> None:
    """Write a cache file whole or not at all; a cache that cannot be written is done without."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("x", encoding="ascii") as file:
            json.dump(document, file)
        draft.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
