"""Servers of git on this machine: smart http with a password, ssh, and one that never answers."""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

WAIT_S = 30.0


class HttpServer(NamedTuple):
    """A running one: `url` has no slash at its end, `requests` are those it got (`GET /x.git/info/refs`)."""

    url: str
    requests: list[str]


@contextlib.contextmanager
def http_server(root: Path, *, password: str = "", writable: bool = True) -> Iterator[HttpServer]:
    """`git http-backend` for the repositories below a directory; with a password the user is `ada`."""
    wanted = "Basic " + base64.b64encode(f"ada:{password}".encode()).decode()
    requests: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the base class's name
            pass

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            requests.append(f"{self.command} {self.path}")
            body = self._body()
            if password and self.headers.get("Authorization") != wanted:
                self._send(401, [("WWW-Authenticate", 'Basic realm="git"')], b"")
                return
            path, _, query = self.path.partition("?")
            env = {
                "PATH": os.environ["PATH"],
                "HOME": os.environ["HOME"],
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_PROJECT_ROOT": str(root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            }
            if writable:
                env["REMOTE_USER"] = "ada"
            done = subprocess.run(
                ["git", "http-backend"], input=body, env=env, capture_output=True, check=False
            )
            head, _, content = done.stdout.partition(b"\r\n\r\n")
            fields = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n") if ": " in line]
            status = next((int(value.split()[0]) for name, value in fields if name == "Status"), 200)
            self._send(status, [(name, value) for name, value in fields if name != "Status"], content)

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            pieces = []
            while size := int(self.rfile.readline(), 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)

        def _send(self, status: int, fields: list[tuple[str, str]], content: bytes) -> None:
            self.send_response(status)
            for name, value in fields:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield HttpServer(f"http://127.0.0.1:{server.server_port}", requests)
        finally:
            server.shutdown()
            thread.join(WAIT_S)


@contextlib.contextmanager
def folder_server(folder: Path) -> Iterator[str]:
    """Files over http, read only; its URL."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the base class's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(WAIT_S)


@contextlib.contextmanager
def deaf_server() -> Iterator[socket.socket]:
    """A listening socket: who connects is never answered."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(WAIT_S)
        yield listening


def port(listening: socket.socket) -> int:
    return int(listening.getsockname()[1])


def sshd() -> str | None:
    """The ssh daemon of this machine, if it has one."""
    return shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


def ssh_command(folder: Path, daemon: str) -> str:
    """A `GIT_SSH_COMMAND` that reaches an ssh daemon of its own for every connection, without a port."""
    folder.mkdir()
    for name in ("host", "user", "stranger"):
        key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(key, check=True, stdin=subprocess.DEVNULL)
    shutil.copy(folder / "user.pub", folder / "authorized_keys")
    host_key = " ".join((folder / "host.pub").read_text().split()[:2])
    (folder / "known_hosts").write_text(f"gxt-test {host_key}\n")
    (folder / "sshd_config").write_text(
        f"HostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized_keys\nStrictModes no\nUsePAM no\n"
        "PidFile none\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n"
        "AcceptEnv GIT_PROTOCOL\nPrintMotd no\n"
    )
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where a root's sshd locks its unprivileged half in
    return (
        f"ssh -F none -i {folder}/user -o IdentitiesOnly=yes -o UserKnownHostsFile={folder}/known_hosts "
        f"-o ProxyCommand='{daemon} -i -f {folder}/sshd_config'"
    )


@contextlib.contextmanager
def s3_server() -> Iterator[str]:
    """moto's server with a bucket `bucket`; its URL."""
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with running(command, stderr=subprocess.STDOUT) as said:
        line = next(line for line in said if "Running on http" in line)
        url = line.split("Running on ")[1].split()[0]
        urllib.request.urlopen(urllib.request.Request(f"{url}/bucket", method="PUT"), timeout=WAIT_S).close()
        yield url


class SftpServer(NamedTuple):
    """A running one: its port, its host key, the folder that it serves. The user is `ada`, with `secret`."""

    port: int
    key: str
    folder: Path


@contextlib.contextmanager
def sftp_server(folder: Path) -> Iterator[SftpServer]:
    """Serves a folder."""
    script = Path(__file__).with_name("sftp_server.py")
    with running([sys.executable, "-W", "ignore", str(script), str(folder)]) as said:
        yield SftpServer(int(next(said)), next(said).strip(), folder)


@contextlib.contextmanager
def running(command: list[str], stderr: int | None = None) -> Iterator[Iterator[str]]:
    """The lines that a server prints, which runs as a process of its own as long."""
    server = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True, bufsize=1
    )
    assert server.stdout is not None
    try:
        yield iter(server.stdout)
    finally:
        server.kill()
        server.communicate(timeout=WAIT_S)
