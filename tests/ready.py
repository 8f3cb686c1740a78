"""gxt processes that start ready: forked from a Python that has imported gxt, in half the time of a new one.

Each is a process like any other, with its own pid, directory, environment, streams and exit code. Where the
interpreter itself would start otherwise (another PYTHONPATH, another locale), a new one is to be started.

Run as a program, this is the Python that forks: `python ready.py FD`, with a socket on that descriptor.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

_ROOMS = ("gxt.model", "gxt.git", "gxt.capture", "gxt.store", "gxt.ops", "gxt.render", "gxt.cli")
_HEAVY = {"gxt.ops.scaling"}  # numpy and scipy, for one command

# What an interpreter, or the loader of programs, reads when it starts.
_READ_AT_START = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC_")

_in_use = threading.Lock()


def run(words: list[str], cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str] | None:
    """`python -m gxt WORDS` to its end, its output captured; None where only a new process will do."""
    if not hasattr(os, "fork") or not _in_use.acquire(blocking=False):  # another thread waits for its end
        return None
    try:
        server, at_start = _server()
        if _read_at_start(env) != at_start:
            return None
        return _run(server, words, cwd, env)
    finally:
        _in_use.release()


def _read_at_start(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(_READ_AT_START)}


@cache
def _server() -> tuple[socket.socket, dict[str, str]]:
    """The socket to a Python that is ready, for as long as this process lives, and what it started with."""
    ours, its = socket.socketpair()
    with its:
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), str(its.fileno())],
            cwd="/",
            stdin=subprocess.DEVNULL,
            pass_fds=(its.fileno(),),
        )
    atexit.register(_end, process, ours)
    return ours, _read_at_start(os.environ)


def _end(process: subprocess.Popen[bytes], server: socket.socket) -> None:
    server.close()
    process.wait()


def _run(
    server: socket.socket, words: list[str], cwd: Path, env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    wanted = json.dumps(
        [[os.fsdecode(word) for word in words], str(cwd), dict(env), os.umask(os.umask(0o22))]
    ).encode(errors="surrogateescape")
    (out, its_out), (err, its_err) = os.pipe(), os.pipe()
    said = [b"", b""]
    readers = [threading.Thread(target=_read_all, args=(said, at, fd)) for at, fd in enumerate((out, err))]
    for reader in readers:
        reader.start()
    socket.send_fds(server, [len(wanted).to_bytes(8, "big")], [0, its_out, its_err])
    server.sendall(wanted)
    os.close(its_out)
    os.close(its_err)
    code = int.from_bytes(_receive(server, 4), "big", signed=True)
    for reader in readers:
        reader.join()
    return subprocess.CompletedProcess(words, code, *(text.decode() for text in said))


def _read_all(said: list[bytes], at: int, fd: int) -> None:
    with os.fdopen(fd, "rb") as stream:
        said[at] = stream.read()


def _receive(connection: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        part = connection.recv(count - len(received))
        assert part, "the other side is gone"
        received += part
    return received


def _serve(connection: socket.socket) -> None:
    """Fork for each request; in the child this returns, and what it is to do is set up."""
    while True:
        size, streams, _, _ = socket.recv_fds(connection, 8, 3)
        if not size:
            os._exit(0)
        wanted = _receive(connection, int.from_bytes(size, "big"))
        child = os.fork()
        if child == 0:
            connection.close()
            _become(streams, *json.loads(wanted.decode(errors="surrogateescape")))
            return
        for stream in streams:
            os.close(stream)
        _, status = os.waitpid(child, 0)
        connection.sendall(os.waitstatus_to_exitcode(status).to_bytes(4, "big", signed=True))


def _become(streams: list[int], words: list[str], cwd: str, env: dict[str, str], umask: int) -> None:
    for place, (stream, name) in enumerate(zip(streams, ("stdin", "stdout", "stderr"), strict=True)):
        os.dup2(stream, place)
        os.close(stream)
        before = getattr(sys, name)  # it has looked at another file
        now = open(  # noqa: SIM115 a descriptor, until the end of the process
            place,
            "w" if place else "r",
            buffering=1 if place == 2 else -1,
            encoding=before.encoding,
            errors=before.errors,
            closefd=False,
        )
        setattr(sys, name, now)
        setattr(sys, f"__{name}__", now)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(cwd)
    os.umask(umask)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    main: Any = import_module("gxt.cli.main")
    sys.argv = [str(Path(main.__file__).parents[1] / "__main__.py"), *words]
    sys.path[0] = cwd


def _import_gxt() -> None:
    for room in _ROOMS:
        for module in pkgutil.walk_packages(import_module(room).__path__, f"{room}."):
            if module.name not in _HEAVY:
                with suppress(ImportError):  # of a package that not everybody has: who needs it says so
                    import_module(module.name)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends with the tests
    _import_gxt()
    gc.collect()
    gc.freeze()
    _serve(socket.socket(fileno=int(sys.argv[1])))
    import_module("gxt.cli.main").main()
