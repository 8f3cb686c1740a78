"""The machine that a run ran on: platform, CPU, memory, NVIDIA GPUs.

Facts that are the same for every run on this machine; no load and no identity (hostname, user, serial
number), so that equal machines give equal documents.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from gxt.capture.programs import find_executable, quiet_output
from gxt.model.json_types import Json, JsonObject

_CPUINFO = Path("/proc/cpuinfo")
_CPUINFO_BYTES = 4096  # holds the first core; the kernel makes this file as it is read, 400 kB on 256 cores
_NVIDIA_QUERY = ("--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits")
_NVIDIA_TIMEOUT_S = 10.0  # without persistence mode the driver is loaded for the question: seconds
_MEBIBYTE = 1024 * 1024


def hardware(env: Mapping[str, str] = os.environ, *, gpus: list[Json] | None = None) -> JsonObject:
    """What this machine is, as JSON.

    Keys: `platform` (kernel, machine and C library in one string), `os`, `machine`, `cpu` {name, count of the
    cores this process may use}, `memory_bytes` (installed), `gpus` [{name, memory_bytes, driver}].

    Args:
        env: the variables whose PATH finds `nvidia-smi`.
        gpus: an earlier answer of `query_gpus`; None asks now.
    """
    kernel = os.uname()
    if gpus is None:
        gpus = query_gpus(env)
    return {
        "platform": f"{kernel.sysname}-{kernel.release}-{kernel.machine}{_libc()}",
        "os": kernel.sysname,
        "machine": kernel.machine,
        "cpu": {"name": _cpu_name(env) or kernel.machine, "count": _usable_cores()},
        "memory_bytes": _memory_bytes(),
        "gpus": gpus or [],
    }


def query_gpus(env: Mapping[str, str]) -> list[Json] | None:
    """The NVIDIA GPUs as `nvidia-smi` lists them, whatever CUDA_VISIBLE_DEVICES says.

    None when it fails, which may pass. A machine without `nvidia-smi` has none: an empty list.
    """
    program = nvidia_smi(env)
    if program is None:
        return []
    output = quiet_output([str(program), *_NVIDIA_QUERY], env=env, timeout_s=_NVIDIA_TIMEOUT_S)
    return None if output is None else parse_gpus(output)


def nvidia_smi(env: Mapping[str, str]) -> Path | None:
    """The `nvidia-smi` on PATH, if there is one."""
    return find_executable("nvidia-smi", cwd=Path("/"), env=env)


def parse_gpus(text: str) -> list[Json]:
    """The rows `name, memory in MiB, driver` of `nvidia-smi` as objects; what is no such row is left out.

    A GPU that shares the memory of its CPU answers `[N/A]` for its own: `memory_bytes` is then null.
    """
    gpus: list[Json] = []
    for line in text.splitlines():
        fields = [field.strip() for field in line.rsplit(",", 2)]
        if len(fields) != 3:
            continue
        name, memory, driver = fields
        amount = int(memory) * _MEBIBYTE if memory.isascii() and memory.isdigit() else None
        gpus.append({"name": name, "memory_bytes": amount, "driver": driver})
    return gpus


def parse_cpuinfo(text: str) -> str | None:
    """The name of the first CPU in the text of /proc/cpuinfo; None where there is none (most of ARM)."""
    names: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon and value.strip():
            names.setdefault(key.strip(), " ".join(value.split()))
    for key in ("model name", "cpu", "cpu model", "Model"):  # x86, POWER, MIPS, Raspberry Pi
        if key in names:
            return names[key]
    return None


def _cpu_name(env: Mapping[str, str]) -> str | None:
    try:
        with _CPUINFO.open("rb", buffering=0) as file:
            return parse_cpuinfo(file.read(_CPUINFO_BYTES).decode("utf-8", "replace"))
    except OSError:  # macOS has no /proc
        output = quiet_output(["sysctl", "-n", "machdep.cpu.brand_string"], env=env, timeout_s=10.0)
        return (output or "").strip() or None


def _usable_cores() -> int | None:
    """How many cores the scheduler may give to this process; a cluster often gives fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None


def _libc() -> str:
    """The C library as `-with-glibc2.36`: its mathematics differs between versions. Empty where unknown."""
    try:
        name = os.confstr("CS_GNU_LIBC_VERSION")
    except (OSError, ValueError):
        return ""
    return f"-with-{name.replace(' ', '')}" if name else ""
