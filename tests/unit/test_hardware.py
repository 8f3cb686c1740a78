"""What the machine is: the parsers on texts of real machines, the rest on this one."""

from __future__ import annotations

import json
import os
from pathlib import Path

from gxt.capture.hardware import hardware, parse_cpuinfo, parse_gpus, query_gpus

X86 = """processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 1
model name\t: AMD EPYC 7763  64-Core Processor
stepping\t: 1

processor\t: 1
model name\t: another
"""
POWER = "processor\t: 0\ncpu\t\t: POWER9, altivec supported\nclock\t\t: 3800.000000MHz\n"
ARM = "processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n"
RASPBERRY = ARM + "\nRevision\t: c03115\nModel\t\t: Raspberry Pi 4 Model B Rev 1.5\n"


def fake_nvidia_smi(folder: Path, script: str) -> dict[str, str]:
    """Variables with a PATH on which `nvidia-smi` is this shell script."""
    folder.mkdir()
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.defpath}"}


def test_the_first_cpu_gives_the_name() -> None:
    assert parse_cpuinfo(X86) == "AMD EPYC 7763 64-Core Processor"
    assert parse_cpuinfo(POWER) == "POWER9, altivec supported"
    assert parse_cpuinfo(RASPBERRY) == "Raspberry Pi 4 Model B Rev 1.5"


def test_a_cpu_without_a_name_has_none() -> None:
    assert parse_cpuinfo(ARM) is None
    assert parse_cpuinfo("") is None
    assert parse_cpuinfo("model name\t:\n") is None


def test_rows_of_nvidia_smi_become_objects() -> None:
    text = "NVIDIA H200, 143771, 570.86.15\nNVIDIA A100-SXM4-80GB, 81920, 570.86.15\n"
    assert parse_gpus(text) == [
        {"name": "NVIDIA H200", "memory_bytes": 143771 * 1024 * 1024, "driver": "570.86.15"},
        {"name": "NVIDIA A100-SXM4-80GB", "memory_bytes": 80 * 1024**3, "driver": "570.86.15"},
    ]


def test_a_gpu_without_memory_of_its_own_has_null() -> None:
    assert parse_gpus("NVIDIA GB10, [N/A], 580.95.05\n") == [
        {"name": "NVIDIA GB10", "memory_bytes": None, "driver": "580.95.05"}
    ]


def test_what_is_no_row_is_left_out() -> None:
    assert parse_gpus("No devices were found\n") == []
    assert parse_gpus("") == []


def test_gpus_are_asked_of_the_nvidia_smi_on_path(tmp_path: Path) -> None:
    env = fake_nvidia_smi(tmp_path / "bin", 'echo "Fake, 2, 1.0"; echo "$@" >&2')
    assert query_gpus(env) == [{"name": "Fake", "memory_bytes": 2 * 1024**2, "driver": "1.0"}]


def test_a_machine_without_nvidia_smi_has_no_gpus_and_a_failing_one_cannot_tell(tmp_path: Path) -> None:
    assert query_gpus({"PATH": str(tmp_path)}) == []
    env = fake_nvidia_smi(tmp_path / "bin", "echo 'NVIDIA-SMI has failed'; exit 9")
    assert query_gpus(env) is None
    assert hardware(env)["gpus"] == []


def test_this_machine_is_described_without_its_name(tmp_path: Path) -> None:
    kernel = os.uname()
    found = hardware({"PATH": str(tmp_path)})
    assert list(found) == ["platform", "os", "machine", "cpu", "memory_bytes", "gpus"]
    assert str(found["platform"]).startswith(f"{kernel.sysname}-{kernel.release}-{kernel.machine}")
    assert (found["os"], found["machine"], found["gpus"]) == (kernel.sysname, kernel.machine, [])
    cpu, memory = found["cpu"], found["memory_bytes"]
    assert isinstance(cpu, dict)
    assert list(cpu) == ["name", "count"]
    assert isinstance(cpu["name"], str)
    assert isinstance(cpu["count"], int)
    assert 1 <= cpu["count"] <= (os.cpu_count() or 1)
    assert isinstance(memory, int)
    assert memory > 64 * 1024**2
    assert hardware({"PATH": str(tmp_path)}) == found
    json.dumps(found)


def test_gpus_that_are_known_are_not_asked_for_again(tmp_path: Path) -> None:
    env = fake_nvidia_smi(tmp_path / "bin", f"touch {tmp_path}/asked")
    assert hardware(env, gpus=[{"name": "known"}])["gpus"] == [{"name": "known"}]
    assert not (tmp_path / "asked").exists()
