"""The environment document of a run: interpreter, distributions, machine, variables that change results.

Equal environments give equal documents, byte for byte, so that the repository stores each one once: nothing
in it tells the time, the host or the user, and every order is fixed. Here the parts are put together; each is
found in a module of its own (`interpreter`, `probe`, `packages`, `hardware`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from gxt.capture.files import names_in, read_text
from gxt.capture.hardware import hardware, nvidia_smi, query_gpus
from gxt.capture.interpreter import fallback_launch, resolve_launch
from gxt.capture.packages import installed_packages
from gxt.capture.probe import probe
from gxt.capture.remembered import Answer, remembered
from gxt.model.json_types import Json, JsonObject
from gxt.model.scalars import clean_text

# Each by its full name: a prefix such as TORCH_ could let a token through.
_VARIABLES = tuple(
    """
    BLIS_NUM_THREADS CUBLAS_WORKSPACE_CONFIG CUDA_DEVICE_ORDER CUDA_LAUNCH_BLOCKING CUDA_VISIBLE_DEVICES
    HIP_VISIBLE_DEVICES JAX_DEFAULT_MATMUL_PRECISION JAX_ENABLE_X64 JAX_PLATFORMS MKL_CBWR MKL_NUM_THREADS
    NCCL_ALGO NCCL_PROTO NUMEXPR_NUM_THREADS NVIDIA_TF32_OVERRIDE OMP_NUM_THREADS OPENBLAS_NUM_THREADS
    PYTHONHASHSEED PYTHONOPTIMIZE PYTORCH_CUDA_ALLOC_CONF PYTORCH_ENABLE_MPS_FALLBACK ROCR_VISIBLE_DEVICES
    SLURM_CPUS_PER_TASK SLURM_GPUS SLURM_GPUS_PER_NODE SLURM_JOB_PARTITION SLURM_NNODES SLURM_NTASKS
    TF_CUDNN_DETERMINISTIC TF_DETERMINISTIC_OPS TF_ENABLE_ONEDNN_OPTS TF_FORCE_GPU_ALLOW_GROWTH
    TORCHDYNAMO_DISABLE TORCHINDUCTOR_MAX_AUTOTUNE TORCH_ALLOW_TF32_CUBLAS_OVERRIDE TORCH_COMPILE_DISABLE
    VECLIB_MAXIMUM_THREADS WORLD_SIZE XLA_FLAGS
    """.split()
)
# What a container or a job scheduler shows of a node's GPUs depends on these.
_GPU_VARIABLES = ("NVIDIA_VISIBLE_DEVICES", "SLURM_JOB_ID", "SLURM_STEP_ID")


def environment_document(
    argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], cache_dir: Path
) -> JsonObject:
    """What a command started in `cwd` with `env` stands on, as the content of `environment.json`.

    Keys: `gxt`, `python` {version, implementation, executable} or null, `packages` {name: version}, those of
    `gxt.capture.hardware.hardware`, and `variables` {name: value}. When the command hides its interpreter
    (make), the first Python on PATH is described, and `python` also holds `assumed`: true.
    """
    known = resolve_launch(argv, cwd=cwd, env=env)
    launch = known or fallback_launch(cwd=cwd, env=env)
    found = None
    if launch:
        env = launch.env
        found = probe(launch.python, cwd=launch.cwd, env=env, cache_dir=cache_dir)
    document: JsonObject = {"gxt": 1, "python": None, "packages": {}}
    if launch and found:
        python: JsonObject = {
            "version": found.version,
            "implementation": found.implementation,
            "executable": _shown(Path(found.executable or launch.python), env.get("HOME", "")),
        }
        document["python"] = python if known else {**python, "assumed": True}
        document["packages"] = {**installed_packages(found.search_path, cache_dir=cache_dir)}
    document |= hardware(env, gpus=_known_gpus(env, cache_dir))
    document["variables"] = {name: clean_text(env[name]) for name in _VARIABLES if name in env}
    return document


def _shown(executable: Path, home: str) -> str:
    """An interpreter's path as the document tells it: the same for every user with the same layout."""
    path, home = _shortest_name(executable), home.rstrip("/")
    if home and path.startswith(f"{home}/"):
        path = "~" + path.removeprefix(home)
    return clean_text(path)


def _shortest_name(executable: Path) -> str:
    """One of the names of an interpreter: `python` and the `python3` of a shebang are one environment."""
    for name in ("python", "python3"):
        sibling = executable.with_name(name)
        with contextlib.suppress(OSError):
            if sibling.samefile(executable):
                return str(sibling)
    return str(executable)


def _known_gpus(env: Mapping[str, str], cache_dir: Path) -> list[Json]:
    """The GPUs, asked once per boot, driver and set of visible devices: `nvidia-smi` can take seconds."""
    program = nvidia_smi(env)
    if program is None:
        return []
    key: JsonObject = {
        "asked": "gpus",
        "program": str(program),
        "boot": read_text("/proc/sys/kernel/random/boot_id"),
        "driver": read_text("/proc/driver/nvidia/version"),
        "devices": [name for name in names_in("/dev") if name.startswith("nvidia")],
        "variables": {name: env[name] for name in _GPU_VARIABLES if name in env},
    }

    def ask() -> Answer | None:
        gpus = query_gpus(env)
        return None if gpus is None else Answer(gpus, watched=[str(program)])

    return remembered(cache_dir, key, parse=_parse_objects, ask=ask) or []


def _parse_objects(value: Json) -> list[Json] | None:
    return value if isinstance(value, list) and all(isinstance(item, dict) for item in value) else None
