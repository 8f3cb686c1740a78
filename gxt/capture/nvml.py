"""The NVIDIA GPUs of this machine at work, by NVIDIA's own library (NVML), where there is one.

Functions and structures are those of https://docs.nvidia.com/deploy/nvml-api; what a GPU does not tell (a
part of one by MIG, memory that it shares with the CPU) is left out.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Mapping
from typing import Final

LIBRARY: Final = "libnvidia-ml.so.1"
MOST: Final = 16
"""GPUs that are looked at."""


class _Utilization(ctypes.Structure):
    """`nvmlUtilization_t`: percent of the time since the last look of the driver."""

    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


class _Memory(ctypes.Structure):
    """`nvmlMemory_t`, in bytes."""

    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


class Nvml:
    """The library, ready to be asked.

    Raises:
        OSError: it is not there, or finds no driver.
    """

    def __init__(self, library: str = LIBRARY, env: Mapping[str, str] = os.environ) -> None:
        self._library = ctypes.CDLL(library)
        if self._library.nvmlInit_v2() != 0:
            raise OSError(f"{library} finds no driver")
        self._handles = {
            index: handle for index, handle in self._found() if self._is_visible(index, handle, env)
        }

    def metrics(self) -> dict[str, float]:
        """What each GPU tells: `gpu0/percent` of time at work, `gpu0/memory_bytes`, `gpu0/power_watts`."""
        found: dict[str, float] = {}
        for index, handle in self._handles.items():
            use, memory, power = _Utilization(), _Memory(), ctypes.c_uint()
            if self._library.nvmlDeviceGetUtilizationRates(handle, ctypes.byref(use)) == 0:
                found[f"gpu{index}/percent"] = float(use.gpu)
            if self._library.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory)) == 0:
                found[f"gpu{index}/memory_bytes"] = float(memory.used)
            if self._library.nvmlDeviceGetPowerUsage(handle, ctypes.byref(power)) == 0:
                found[f"gpu{index}/power_watts"] = power.value / 1000
        return found

    def close(self) -> None:
        """Let the driver go."""
        self._library.nvmlShutdown()

    def _found(self) -> Iterator[tuple[int, ctypes.c_void_p]]:
        count = ctypes.c_uint()
        if self._library.nvmlDeviceGetCount_v2(ctypes.byref(count)) != 0:
            return
        for index in range(min(count.value, MOST)):
            handle = ctypes.c_void_p()
            if self._library.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(handle)) == 0:
                yield index, handle

    def _is_visible(self, index: int, handle: ctypes.c_void_p, env: Mapping[str, str]) -> bool:
        """Whether a training may use a GPU: CUDA_VISIBLE_DEVICES names it, by number or uuid, or is unset."""
        said = env.get("CUDA_VISIBLE_DEVICES")
        if said is None:
            return True
        uuid = ctypes.create_string_buffer(96)
        known = self._library.nvmlDeviceGetUUID(handle, uuid, len(uuid)) == 0
        names = [name.strip() for name in said.split(",")]
        return str(index) in names or any(
            known and name.startswith("GPU-") and uuid.value.decode(errors="replace").startswith(name)
            for name in names
        )
