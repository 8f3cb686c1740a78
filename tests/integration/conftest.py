"""A bare repository, and the ways to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import git
from tests.servers import http_server, ssh_command, sshd


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """An empty bare repository."""
    path = tmp_path / "served" / "team.git"
    git(tmp_path, "init", "-q", "--bare", str(path))
    git(path, "config", "http.receivepack", "true")
    return path


@pytest.fixture(params=["path", "file", "http", "ssh"])
def url(
    request: pytest.FixtureRequest, server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The server by each transport."""
    if request.param == "http":
        with http_server(server.parent, password="pass word") as http:
            yield f"{http.url}/team.git".replace("//", "//ada:pass%20word@", 1)
        return
    if request.param == "ssh":
        daemon = sshd()
        if daemon is None:
            pytest.skip("there is no sshd")
        monkeypatch.setenv("GIT_SSH_COMMAND", ssh_command(tmp_path / "ssh", daemon))
        yield f"ssh://gxt-test{server}"
        return
    yield str(server) if request.param == "path" else server.as_uri()
