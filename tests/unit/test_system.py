"""What is read of /proc, of ps and of NVIDIA's library, from texts as they are written there."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gxt.capture import system
from gxt.capture.nvml import Nvml
from gxt.capture.system import Process, Totals, below, parse_io, parse_meminfo, parse_net_dev, parse_ps, rates

STAT = (
    b"4242 (a ) (b) R 4000 4242 4100 34816 4242 4194304 500 0 0 0 150 50 20 30 20 0 4 0 8000 100000000 2500 "
    b"18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0\n"
)


def test_a_process_is_read_whatever_its_name_holds() -> None:
    assert system.parse_stat(STAT, ticks_per_s=100, page_bytes=4096) == Process(
        pid=4242, parent=4000, group=4100, cpu_s=2.5, memory_bytes=2500 * 4096
    )
    assert system.parse_stat(b"", ticks_per_s=100, page_bytes=4096) is None


def test_ps_tells_of_processes_where_there_is_no_proc() -> None:
    text = "  1     0     1  9000   0:01.50\n 77     1    77  1024 1-02:03:04\n  x y\n"
    assert parse_ps(text) == [
        Process(pid=1, parent=0, group=1, cpu_s=1.5, memory_bytes=9000 << 10),
        Process(pid=77, parent=1, group=77, cpu_s=93784.0, memory_bytes=1 << 20),
    ]


@pytest.mark.skipif(shutil.which("ps") is None, reason="ps is not here: install procps")
def test_both_ways_find_this_process() -> None:
    by_ps = {one.pid: one.parent for one in system._processes_by_ps()}
    assert by_ps[os.getpid()] == os.getppid()
    if system.PROC.joinpath("self", "stat").exists():
        by_proc = {one.pid: one.parent for one in system._processes_of_linux()}
        assert by_proc[os.getpid()] == os.getppid()


def test_a_command_is_its_descendants_and_its_session() -> None:
    def one(pid: int, parent: int, group: int) -> Process:
        return Process(pid, parent, group, 0.0, 0)

    command, child, grandchild = one(10, 2, 10), one(11, 10, 10), one(12, 11, 12)
    left_behind, other = one(13, 1, 10), one(14, 2, 2)
    everybody = [grandchild, other, left_behind, child, command]
    assert {process.pid for process in below(10, everybody)} == {10, 11, 12, 13}
    assert below(99, everybody) == []


def test_counters_of_the_kernel_are_read() -> None:
    assert parse_io(
        b"rchar: 5\nwchar: 6\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 1\n"
    ) == {
        "disk_read_bytes_per_s": 4096.0,
        "disk_written_bytes_per_s": 8192.0,
    }
    net = (
        b"Inter-|   Receive  |  Transmit\n face |bytes packets|bytes packets\n"
        b"    lo: 900 1 0 0 0 0 0 0 900 1 0 0 0 0 0 0\n  eth0: 100 1 0 0 0 0 0 0 40 1 0 0 0 0 0 0\n"
        b" wlan0:   5 1 0 0 0 0 0 0 2 1 0 0 0 0 0 0\n"
    )
    assert parse_net_dev(net) == {"network_received_bytes_per_s": 105, "network_sent_bytes_per_s": 42}
    assert parse_net_dev(b"") == {}
    assert parse_meminfo(b"MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 400 kB\n") == {
        "machine_memory_bytes": 600.0 * 1024
    }
    assert parse_meminfo(b"MemTotal: 1000 kB\n") == {}


def test_rates_are_growth_a_second_and_never_less_than_nothing() -> None:
    before = Totals({"cpu_percent": 100.0, "disk_read_bytes_per_s": 50.0}, {"memory_bytes": 1.0})
    after = Totals({"cpu_percent": 400.0, "disk_read_bytes_per_s": 20.0}, {"memory_bytes": 2.0})
    assert rates(before, after, 2.0) == {
        "cpu_percent": 150.0,
        "disk_read_bytes_per_s": 0.0,
        "memory_bytes": 2.0,
    }


def test_at_the_first_look_only_the_network_has_been_used_before() -> None:
    found = Totals({"cpu_percent": 400.0, "network_sent_bytes_per_s": 9e9}, {"memory_bytes": 2.0})
    assert rates(None, found, 2.0) == {"cpu_percent": 200.0, "memory_bytes": 2.0}


# Three GPUs as NVIDIA's library tells of them; the last one is a part of one: it tells no use and no power.
LIBRARY = """
typedef struct { unsigned int gpu, memory; } utilization;
typedef struct { unsigned long long total, free, used; } memory;
static int gpus[] = {0, 1, 2};
int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
int nvmlDeviceGetCount_v2(unsigned int *count) { *count = 3; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **handle) { *handle = &gpus[index]; return 0; }
int nvmlDeviceGetUUID(int *gpu, char *uuid, unsigned int length) {
    const char text[] = "GPU-a-0"; for (int i = 0; i < 8; i++) uuid[i] = text[i];
    uuid[6] = '0' + *gpu; return 0;
}
int nvmlDeviceGetUtilizationRates(int *gpu, utilization *use) {
    if (*gpu == 2) return 3;
    use->gpu = 90 + *gpu; use->memory = 7; return 0;
}
int nvmlDeviceGetMemoryInfo(int *gpu, memory *info) {
    info->total = 100; info->free = 1; info->used = 5000000000ULL + *gpu; return 0;
}
int nvmlDeviceGetPowerUsage(int *gpu, unsigned int *milliwatts) {
    if (*gpu == 2) return 3;
    *milliwatts = 300500; return 0;
}
"""


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not here to build a library like NVIDIA's")
def test_gpus_tell_what_they_can(tmp_path: Path) -> None:
    source, library = tmp_path / "nvml.c", tmp_path / "libnvml.so"
    source.write_text(LIBRARY)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source], check=True)
    first = {"gpu0/percent": 90.0, "gpu0/memory_bytes": 5e9, "gpu0/power_watts": 300.5}
    second = {"gpu1/percent": 91.0, "gpu1/memory_bytes": 5e9 + 1, "gpu1/power_watts": 300.5}
    third = {"gpu2/memory_bytes": 5e9 + 2}
    told = {
        visible: Nvml(str(library), {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}).metrics()
        for visible in (None, "", "1", "GPU-a-1, 2")
    }
    assert told == {
        None: {**first, **second, **third},
        "": {},
        "1": second,
        "GPU-a-1, 2": {**second, **third},
    }


def test_a_machine_without_the_library_has_no_gpus_to_ask() -> None:
    with pytest.raises(OSError, match="libno-such-thing"):
        Nvml("libno-such-thing.so")
