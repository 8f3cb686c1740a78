"""What goes wrong with another repository is said in one line, with what to do; nobody waits for ever."""

from __future__ import annotations

import os
import pty
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gxt.errors import RemoteFailed
from gxt.git.conversation import LIMITS, Limits, _family
from gxt.git.remote import Pushed, fetch, ls, push
from gxt.git.remote_failures import refusal
from gxt.git.remotes import Remote, resolve
from gxt.git.repository import Repository, discover
from tests.conftest import git
from tests.servers import WAIT_S, deaf_server, http_server, port, ssh_command, sshd

OURS = "refs/gxt/experiments"
TRACKING = "refs/gxt/remotes/origin/experiments"
NO_REPOSITORY = "there is no such repository, or you may not see it"
NOBODY = "it wants a password, and nobody can be asked"
SOON = Limits(answer_s=0.5, work_s=0.5)


def connected(repo: Path, url: object) -> tuple[Repository, Remote]:
    git(repo, "config", "remote.origin.url", str(url))
    repository = discover(repo)
    return repository, resolve(repository)


def head(repo: Path) -> str:
    return git(repo, "rev-parse", "HEAD")


def told(repo: Path, url: object, call: Callable[[Repository, Remote], object]) -> tuple[str, str]:
    """What failed, without name and URL of the remote, and the hint."""
    here, origin = connected(repo, url)
    with pytest.raises(RemoteFailed) as failed:
        call(here, origin)
    start = f"origin ({origin.url}): "
    assert failed.value.message.startswith(start)
    assert "\n" not in failed.value.message
    return failed.value.message.removeprefix(start), failed.value.hint


def asked(repo: Path, url: object, limits: Limits = LIMITS) -> tuple[str, str]:
    return told(repo, url, lambda here, origin: ls(here, origin, ["refs/gxt/*"], limits=limits))


def pushed(repo: Path, server: Path) -> list[Pushed]:
    here, origin = connected(repo, server)
    return push(here, origin, [(head(repo), OURS)])


def hook(server: Path, name: str, script: str) -> None:
    path = server / "hooks" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


# ------------------------------------------------------------------------------------------ it is not reached


def test_a_path_without_a_repository(repo: Path, tmp_path: Path) -> None:
    assert asked(repo, tmp_path / "no") == (
        f"{NO_REPOSITORY} ('{tmp_path}/no' does not appear to be a git repository)",
        "see its URL: git remote get-url origin; to correct it: git remote set-url origin URL",
    )


def test_a_url_without_a_repository(repo: Path, server: Path) -> None:
    with http_server(server.parent) as http:
        what, _ = asked(repo, f"{http.url}/no.git")
        assert what == f"{NO_REPOSITORY} (repository '{http.url}/no.git/' not found)"


def test_nobody_listens(repo: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        number = port(gone)
    what, hint = asked(repo, f"http://127.0.0.1:{number}/x.git")
    assert what.startswith("nothing answers there (")
    assert hint == "see the host and the port: git remote get-url origin"


def test_a_password_that_nobody_can_be_asked_for(repo: Path, server: Path) -> None:
    with http_server(server.parent, password="right") as http:
        assert asked(repo, f"{http.url}/team.git") == (
            f"{NOBODY} (could not read Username for '{http.url}': terminal prompts disabled)",
            "keep it in a credential helper (git help credentials): git ls-remote origin",
        )


def test_a_wrong_password(repo: Path, server: Path) -> None:
    with http_server(server.parent, password="right") as http:
        what, hint = asked(repo, http.url.replace("//", "//ada:wrong@") + "/team.git")
        shown = http.url.replace("//", "//[redacted]@")
        assert what in {
            f"the user or the password was not accepted (Authentication failed for '{url}/team.git/')"
            for url in (shown, http.url)  # git leaves the user's name out, or gxt does
        }
        assert hint == "try it where git can ask, and see: git ls-remote origin"


def test_a_credential_helper_is_asked(repo: Path, server: Path) -> None:
    helper = "!f() { echo username=ada; echo password=right; }; f"
    git(repo, "config", "credential.helper", helper)
    with http_server(server.parent, password="right") as http:
        here, origin = connected(repo, f"{http.url}/team.git")
        assert ls(here, origin, ["refs/gxt/*"]) == {}


@pytest.mark.parametrize(
    ("option", "what"),
    [
        ("", "its ssh key is not a known one (Host key verification failed.)"),
        (
            "-o HostKeyAlias=gxt-test -i {ssh}/stranger -F none -o IdentityAgent=none",
            "it accepted no ssh key",
        ),
    ],
)
def test_ssh_without_a_key(
    repo: Path, server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, what: str
) -> None:
    daemon = sshd()
    if daemon is None:
        pytest.skip("there is no sshd")
    command = ssh_command(tmp_path / "ssh", daemon)
    if option:
        command = command.replace(f"-i {tmp_path}/ssh/user", option.format(ssh=tmp_path / "ssh"))
    monkeypatch.setenv("GIT_SSH_COMMAND", command)
    assert asked(repo, f"ssh://elsewhere{server}")[0].startswith(what)


def test_what_is_no_git_server(repo: Path, tmp_path: Path) -> None:
    git(repo, "config", "remote.origin.uploadpack", "echo hello #")
    what, hint = asked(repo, tmp_path)
    assert what == "its answer is not that of a git server (protocol error: bad line length character: hell)"
    assert hint == "see its URL: git remote get-url origin"


# ------------------------------------------------------------------------------------- it does not take it in


def test_a_server_that_may_only_be_read(repo: Path, server: Path) -> None:
    with http_server(server.parent, writable=False) as http:
        git(server, "config", "http.receivepack", "false")
        what, hint = told(
            repo, f"{http.url}/team.git", lambda here, origin: push(here, origin, [(head(repo), OURS)])
        )
    assert what.startswith("you may not do that there (")
    assert hint == "ask for the right to write, or push elsewhere: git remote -v"


def test_a_hook_that_declines(repo: Path, server: Path) -> None:
    hook(server, "pre-receive", "echo 'ask the team first' >&2; exit 1")
    reason = "pre-receive hook declined: ask the team first"
    assert pushed(repo, server) == [Pushed(OURS, head(repo), "refused", reason)]
    error = refusal("origin", "there", OURS, reason)
    assert error.message == f"origin (there): a hook of the server declined it: {reason}"
    assert error.hint == "ask who looks after the server"


def test_hidden_refs(repo: Path, server: Path) -> None:
    git(server, "config", "transfer.hideRefs", "refs/gxt")
    reason = "deny updating a hidden ref"
    assert pushed(repo, server) == [Pushed(OURS, head(repo), "refused", reason)]
    error = refusal("origin", "there", OURS, reason)
    assert error.message == f"origin (there): the server hides the refs of gxt: {reason}"
    assert error.hint == "on the server: git config --get-all transfer.hideRefs"


def test_a_server_that_checks_what_it_gets(repo: Path, server: Path) -> None:
    git(server, "config", "receive.fsckObjects", "true")
    body = f"tree {git(repo, 'rev-parse', 'HEAD^{tree}')}\nauthor A <a> 1 +0000\ncommitter A 1 +0000\n\nx\n"
    bad = git(repo, "hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=body)
    here, origin = connected(repo, server)
    (answer,) = push(here, origin, [(bad, OURS)])
    assert (answer.fate, answer.reason.partition(":")[0]) == ("refused", "unpacker error")
    assert f"object {bad}: missingEmail: " in answer.reason
    error = refusal("origin", "there", OURS, answer.reason)
    assert error.message == f"origin (there): the server cannot take it in: {answer.reason}"


def test_a_server_without_room(repo: Path, server: Path) -> None:
    """Its files may not grow at all, as on a full disk."""
    git(repo, "config", "remote.origin.receivepack", "trap '' XFSZ; ulimit -f 0; git-receive-pack")
    (answer,) = pushed(repo, server)
    assert (answer.fate, answer.reason.partition(":")[0]) == ("refused", "unpacker error")
    assert git(server, "for-each-ref") == ""


def test_one_url_of_several_that_refuses(repo: Path, server: Path, tmp_path: Path) -> None:
    """`git push` goes to every `pushurl`, and what counts is the worst."""
    git(tmp_path, "init", "-q", "--bare", "other.git")
    hook(tmp_path / "other.git", "pre-receive", "exit 1")
    here, origin = connected(repo, server)
    git(repo, "config", "--add", "remote.origin.pushurl", str(server))
    git(repo, "config", "--add", "remote.origin.pushurl", str(tmp_path / "other.git"))
    assert push(here, origin, [(head(repo), OURS)]) == [
        Pushed(OURS, head(repo), "refused", "pre-receive hook declined")
    ]


def test_one_url_of_several_that_is_not_there(repo: Path, server: Path, tmp_path: Path) -> None:
    git(repo, "config", "--add", "remote.origin.pushurl", str(server))
    git(repo, "config", "--add", "remote.origin.pushurl", str(tmp_path / "no.git"))
    what, _ = told(repo, server, lambda here, origin: push(here, origin, [(head(repo), OURS)]))
    assert what.startswith(NO_REPOSITORY)


# ---------------------------------------------------------------------------------------------- it breaks off


def test_a_server_that_is_killed_while_it_takes_a_push_in(repo: Path, server: Path) -> None:
    hook(server, "pre-receive", "kill -9 $PPID")
    what, hint = told(repo, server, lambda here, origin: push(here, origin, [(head(repo), OURS)]))
    assert what.startswith("the connection broke off (")
    assert hint == "see the network, and try again"
    (server / "hooks" / "pre-receive").unlink()
    repository = discover(repo)
    assert push(repository, resolve(repository), [(head(repo), OURS)])[0].fate == "accepted"


def test_a_server_that_is_killed_while_it_sends(repo: Path, server: Path, tmp_path: Path) -> None:
    git(repo, "push", "-q", str(server), f"HEAD:{OURS}")
    git(server, "config", "uploadpack.packObjectsHook", "/x")  # only what the user's own config says counts
    git(tmp_path, "init", "-q", "there")
    there = tmp_path / "there"
    script = tmp_path / "upload"
    script.write_text('#!/bin/sh\ngit -c uploadpack.packObjectsHook="kill -9 \\$PPID #" upload-pack "$@"\n')
    script.chmod(0o755)
    git(there, "config", "remote.origin.uploadpack", str(script))
    what, _ = told(there, server, lambda here, origin: fetch(here, origin, [(OURS, TRACKING)]))
    assert what.startswith("the connection broke off (")
    assert git(there, "for-each-ref") == ""


@pytest.mark.parametrize("scheme", ["http", "git"])
def test_a_server_that_never_answers_is_given_up(repo: Path, scheme: str) -> None:
    with deaf_server() as deaf:
        what, hint = asked(repo, f"{scheme}://127.0.0.1:{port(deaf)}/x.git", SOON)
        connection, _ = deaf.accept()
        with connection:
            connection.settimeout(WAIT_S)
            while connection.recv(4096):  # until the other side is closed: git is gone
                pass
    assert what.startswith("it gave no sign of life for ")
    assert hint == "see the network, and try again"


def test_a_hook_that_hangs_is_given_up_and_killed(repo: Path, server: Path, tmp_path: Path) -> None:
    for name in ("never", "alive"):
        os.mkfifo(tmp_path / name)
    hook(server, "pre-receive", f"exec 9> {tmp_path}/alive; read line < {tmp_path}/never")
    alive = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    here, origin = connected(repo, server)
    with pytest.raises(RemoteFailed, match="it gave no sign of life"):
        push(here, origin, [(head(repo), OURS)], limits=SOON)
    os.set_blocking(alive, True)
    assert os.read(alive, 1) == b""  # comes when nobody has it open any more
    os.close(alive)
    assert git(server, "for-each-ref") == ""


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing tells that it works")
def test_a_silent_hook_that_works_is_waited_for(repo: Path, server: Path) -> None:
    hook(server, "pre-receive", "end=$(($(date +%s) + 5)); while test $(date +%s) -lt $end; do :; done")
    here, origin = connected(repo, server)
    assert push(here, origin, [(head(repo), OURS)], limits=Limits(2, 2))[0].fate == "accepted"


SLOWLY = """#!/bin/sh
git-upload-pack "$@" | while data=$(dd bs=20000 count=1 2>/dev/null | base64 -w0) && test "$data"; do
    echo "$data" | base64 -d
    sleep 0.3
done
"""


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere git's progress is all there is")
def test_a_slow_transfer_is_not_cut(repo: Path, server: Path, tmp_path: Path) -> None:
    (repo / "noise").write_bytes(os.urandom(400_000))
    git(repo, "add", "noise")
    git(repo, "commit", "-q", "-m", "noise")
    git(repo, "push", "-q", str(server), f"HEAD:{OURS}")
    slowly = tmp_path / "slowly"
    slowly.write_text(SLOWLY)
    slowly.chmod(0o755)
    git(tmp_path, "init", "-q", "there")
    there, origin = connected(tmp_path / "there", server)
    git(there.top, "config", "remote.origin.uploadpack", str(slowly))
    assert fetch(there, origin, [(OURS, TRACKING)], limits=Limits(2, 2)) == {OURS: head(repo)}


def test_a_repository_with_other_object_ids(repo: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256", "other")
    git(tmp_path / "other", "commit", "-q", "--allow-empty", "-m", "one")
    git(tmp_path / "other", "update-ref", OURS, "HEAD")
    for call in (
        lambda here, origin: push(here, origin, [(head(repo), OURS)]),
        lambda here, origin: fetch(here, origin, [(OURS, TRACKING)]),
    ):
        what, _ = told(repo, tmp_path / "other", call)
        assert what.startswith("its object ids are of another kind (")


ASKS = """
import sys
from pathlib import Path
from gxt.git.conversation import LIMITS, Limits, _family
from gxt.git.remote import ls
from gxt.git.remotes import resolve
from gxt.git.repository import discover
repository = discover(Path(sys.argv[1]))
limits = Limits(*map(float, sys.argv[2:])) if sys.argv[2:] else Limits()
print("has", ls(repository, resolve(repository), ["refs/gxt/*"], limits=limits))
"""


def test_ctrl_c_ends_git_at_once(repo: Path) -> None:
    with deaf_server() as deaf:
        connected(repo, f"http://127.0.0.1:{port(deaf)}/x.git")
        asking = subprocess.Popen(
            [sys.executable, "-c", ASKS, str(repo)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        connection, _ = deaf.accept()
        with connection:
            connection.settimeout(WAIT_S)
            assert connection.recv(4096)
            asking.send_signal(signal.SIGINT)
            _, said = asking.communicate(timeout=WAIT_S)
            while connection.recv(4096):
                pass
    assert said.decode().splitlines()[-1] == "KeyboardInterrupt"


# ---------------------------------------------------------------------------------------------- on a terminal


class Terminal:
    """A command with a terminal of its own; what it shows is read until a text comes."""

    def __init__(self, *command: str) -> None:
        self.shown = ""
        self._main, other = pty.openpty()
        takes_it = "import fcntl, os, sys, termios\nfcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
        self.process = subprocess.Popen(
            [sys.executable, "-c", takes_it + "os.execvp(sys.argv[1], sys.argv[1:])", *command],
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
        )
        os.close(other)

    def see(self, text: str) -> None:
        while text not in self.shown:
            assert self.has_more(WAIT_S), self.shown
            self.shown += os.read(self._main, 4096).decode()

    def has_more(self, within_s: float) -> bool:
        return bool(select.select([self._main], [], [], within_s)[0])

    def type(self, text: str) -> None:
        os.write(self._main, text.encode())

    def end(self) -> int:
        code = self.process.wait(WAIT_S)
        os.close(self._main)
        return code


def test_on_a_terminal_a_password_is_asked_for(repo: Path, server: Path) -> None:
    with http_server(server.parent, password="right") as http:
        connected(repo, f"{http.url}/team.git")
        terminal = Terminal(sys.executable, "-c", ASKS, str(repo))
        terminal.see(f"Username for '{http.url}': ")
        if sys.platform == "linux":
            family = _family(terminal.process.pid)
            assert family
            assert family.asks
        terminal.type("ada\n")
        terminal.see("Password for ")
        terminal.type("right\n")
        terminal.see("has {}")
        assert terminal.end() == 0


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing tells that somebody is asked")
def test_who_types_a_password_has_all_the_time(repo: Path, server: Path) -> None:
    with http_server(server.parent, password="right") as http:
        connected(repo, f"{http.url}/team.git")
        terminal = Terminal(sys.executable, "-c", ASKS, str(repo), "2", "2")
        terminal.see("Username for ")
        assert not terminal.has_more(5)  # longer than a server might be silent
        terminal.type("ada\n")
        terminal.see("Password for ")
        terminal.type("right\n")
        terminal.see("has {}")
        assert terminal.end() == 0


def test_ctrl_c_on_a_terminal_ends_git_too(repo: Path) -> None:
    with deaf_server() as deaf:
        connected(repo, f"http://127.0.0.1:{port(deaf)}/x.git")
        terminal = Terminal(sys.executable, "-c", ASKS, str(repo))
        connection, _ = deaf.accept()
        with connection:
            connection.settimeout(WAIT_S)
            assert connection.recv(4096)
            terminal.type("\x03")
            terminal.see("KeyboardInterrupt")
            while connection.recv(4096):
                pass
        assert terminal.end() == -signal.SIGINT


def test_a_deaf_server_is_given_up_on_a_terminal_too(repo: Path) -> None:
    with deaf_server() as deaf:
        connected(repo, f"http://127.0.0.1:{port(deaf)}/x.git")
        terminal = Terminal(sys.executable, "-c", ASKS, str(repo), "0.5", "0.5")
        connection, _ = deaf.accept()
        with connection:
            connection.settimeout(WAIT_S)
            while connection.recv(4096):
                pass
        terminal.see("it gave no sign of life for")
        assert terminal.end() == 1
