"""What the processes of a run use of the machine, and how the machine is doing: by /proc, elsewhere by `ps`.

The processes of a command are those that it has started, at any depth, and all others of its session: what a
worker leaves behind goes on counting. Who makes a session of its own and outlives its starter does not.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from gxt.named_tuple import NamedTuple

PROC: Final = Path("/proc")
_NETWORK: Final = ("network_received_bytes_per_s", "network_sent_bytes_per_s")
_PS: Final = ("ps", "-A", "-o", "pid=,ppid=,pgid=,rss=,time=")
_PS_TIMEOUT_S: Final = 5.0


class Process(NamedTuple):
    """A process as the kernel counts it.

    Attributes:
        group: its session, or where that is not told its process group.
        cpu_s: seconds of CPU time, those of children included that have ended.
        memory_bytes: of its memory what is in RAM; what it shares counts whole.
    """

    pid: int
    parent: int
    group: int
    cpu_s: float
    memory_bytes: int


class Totals(NamedTuple):
    """What all processes of a command have used so far, and the state of the machine.

    Attributes:
        counters: what only grows, by the name that its growth a second goes by.
        gauges: what is as it is, by name.
    """

    counters: Mapping[str, float]
    gauges: Mapping[str, float]


def totals(root: int) -> Totals | None:
    """What a command that is the process `root` has used; None when there is nothing to be found of it."""
    tree = below(
        root, _processes_of_linux() if PROC.joinpath("self", "stat").exists() else _processes_by_ps()
    )
    if not tree:
        return None
    counters: dict[str, float] = {"cpu_percent": 100 * sum(one.cpu_s for one in tree)}
    for pid in (one.pid for one in tree):
        for name, count in parse_io(_read(f"{pid}/io")).items():
            counters[name] = counters.get(name, 0) + count
    counters |= parse_net_dev(_read(f"{root}/net/dev"))
    gauges = {"memory_bytes": float(sum(one.memory_bytes for one in tree)), **parse_meminfo(_read("meminfo"))}
    return Totals(counters, gauges)


def rates(before: Totals | None, after: Totals, seconds: float) -> dict[str, float]:
    """Metrics of the time between two looks: the growth of counters a second, and the gauges of the second.

    A process that nobody waited for takes its counts along: then a sum is less than before, and the rate 0.

    Args:
        before: None at the first look: a command begins at nothing, but the network's counters do not.
        after: the second look.
        seconds: since the first, or since the start of the command.
    """
    since = before.counters if before else {name: 0.0 for name in after.counters if name not in _NETWORK}
    grown = {
        name: max(0.0, count - since[name]) / seconds
        for name, count in after.counters.items()
        if name in since
    }
    return {**grown, **after.gauges}


def below(root: int, processes: Iterable[Process]) -> list[Process]:
    """The processes of a command: its descendants, and those of its session."""
    by_parent: dict[int, list[Process]] = {}
    found: dict[int, Process] = {}
    for one in processes:
        by_parent.setdefault(one.parent, []).append(one)
        if root in (one.pid, one.group):
            found[one.pid] = one
    waiting = list(found)
    while waiting:
        for child in by_parent.get(waiting.pop(), ()):
            if child.pid not in found:
                found[child.pid] = child
                waiting.append(child.pid)
    return list(found.values())


def parse_stat(data: bytes, *, ticks_per_s: int, page_bytes: int) -> Process | None:
    """A process by its /proc/PID/stat (proc_pid_stat(5)); its name may hold anything. None for no such."""
    pid, _, rest = data.partition(b" (")
    fields = rest.rpartition(b")")[2].split()
    try:
        ticks = sum(map(int, fields[11:15]))
        return Process(
            int(pid), int(fields[1]), int(fields[3]), ticks / ticks_per_s, int(fields[21]) * page_bytes
        )
    except (ValueError, IndexError):
        return None


def parse_ps(text: str) -> list[Process]:
    """The processes that `ps -o pid=,ppid=,pgid=,rss=,time=` lists; what is no such row is left out."""
    found = []
    for line in text.splitlines():
        try:
            pid, parent, group, kibibytes, time = line.split()
            found.append(Process(int(pid), int(parent), int(group), _seconds(time), int(kibibytes) << 10))
        except ValueError:
            continue
    return found


def parse_io(data: bytes) -> dict[str, float]:
    """What a process has read from disks and written to them, by its /proc/PID/io."""
    names = {b"read_bytes": "disk_read_bytes_per_s", b"write_bytes": "disk_written_bytes_per_s"}
    pairs = (line.split(b":") for line in data.splitlines() if b":" in line)
    return {names[name]: float(count) for name, count in pairs if name in names}


def parse_net_dev(data: bytes) -> dict[str, float]:
    """What has come and gone over all network interfaces but the loopback, by /proc/PID/net/dev."""
    received, sent, is_any = 0, 0, False
    for line in data.splitlines():
        name, colon, rest = line.partition(b":")
        fields = rest.split()
        if colon and name.strip() != b"lo" and len(fields) >= 9:
            received, sent, is_any = received + int(fields[0]), sent + int(fields[8]), True
    return dict(zip(_NETWORK, (received, sent), strict=True)) if is_any else {}


def parse_meminfo(data: bytes) -> dict[str, float]:
    """How much memory of the machine is in use, by /proc/meminfo."""
    amounts = {name: rest.split() for name, _, rest in (line.partition(b":") for line in data.splitlines())}
    try:
        used = int(amounts[b"MemTotal"][0]) - int(amounts[b"MemAvailable"][0])
    except (KeyError, IndexError, ValueError):
        return {}
    return {"machine_memory_bytes": float(used << 10)}


def _processes_of_linux() -> list[Process]:
    ticks_per_s, page_bytes = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    texts = (_read(f"{name}/stat") for name in os.listdir(PROC) if name.isdigit())  # noqa: PTH208 a third of the time
    found = (parse_stat(text, ticks_per_s=ticks_per_s, page_bytes=page_bytes) for text in texts)
    return [one for one in found if one is not None]


def _processes_by_ps() -> list[Process]:
    from gxt.capture.programs import quiet_output

    return parse_ps(quiet_output(_PS, timeout_s=_PS_TIMEOUT_S) or "")


def _seconds(text: str) -> float:
    """`[[days-]hours:]minutes:seconds` in seconds, as ps writes CPU times."""
    days, _, rest = text.rpartition("-")
    seconds = 0.0
    for part in rest.split(":"):
        seconds = 60 * seconds + float(part)
    return int(days or 0) * 86400 + seconds


def _read(name: str) -> bytes:
    """A file of /proc; nothing where it cannot be read, for processes end at any time."""
    try:
        with (PROC / name).open("rb", buffering=0) as file:
            return file.read() or b""
    except OSError:
        return b""
