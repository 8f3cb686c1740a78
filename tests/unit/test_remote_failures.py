"""What git, ssh, curl and hosting services say, and what becomes of it. In their words."""

from __future__ import annotations

import pytest

from gxt.git.conversation import Said
from gxt.git.remote_failures import failure, refusal, servers_words

NO_ACCESS = (
    "fatal: Could not read from remote repository.",
    "Please make sure you have the correct access rights",
    "and the repository exists.",
)
OTHER_KEY = "its ssh key is another than before: it may not be the server that it says"
BUSY = "another git is at work in this repository"
URL = "https://github.com/team/x.git"


def told(*lines: str, code: int = 128) -> str:
    error = failure("origin", URL, Said(code, b"", [*lines]))
    start = f"origin ({URL}): "
    assert error.message.startswith(start)
    return error.message.removeprefix(start)


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        (
            ("remote: Repository not found.", f"fatal: repository '{URL}/' not found"),
            f"there is no such repository, or you may not see it (repository '{URL}/' not found)",
        ),
        (
            ("ERROR: Repository not found.", *NO_ACCESS),
            "there is no such repository, or you may not see it (Repository not found.)",
        ),
        (
            ("ERROR: Permission to team/x.git denied to ada.", *NO_ACCESS),
            "you may not do that there (Permission to team/x.git denied to ada.)",
        ),
        (
            (
                "remote: Permission to team/x.git denied to ada.",
                f"fatal: unable to access '{URL}/': The requested URL returned error: 403",
            ),
            "you may not do that there (The requested URL returned error: 403)",
        ),
        (
            (
                "remote: Support for password authentication was removed on August 13, 2021.",
                f"fatal: Authentication failed for '{URL}/'",
            ),
            f"the user or the password was not accepted (Authentication failed for '{URL}/')",
        ),
        (
            ("git@github.com: Permission denied (publickey).", *NO_ACCESS),
            "it accepted no ssh key of yours (git@github.com: Permission denied (publickey).)",
        ),
        (
            (
                "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @",
                "Host key verification failed.",
                *NO_ACCESS,
            ),
            f"{OTHER_KEY} (@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @)",
        ),
        (
            ("ssh: Could not resolve hostname nowhere: Name or service not known", *NO_ACCESS),
            "its host was not found (Could not resolve hostname nowhere: Name or service not known)",
        ),
        (
            ("ssh: connect to host x port 22: Connection refused", *NO_ACCESS),
            "nothing answers there (connect to host x port 22: Connection refused)",
        ),
        (
            (f"fatal: unable to access '{URL}/': Failed to connect to x port 443: Connection timed out",),
            "it cannot be reached (Failed to connect to x port 443: Connection timed out)",
        ),
        (
            (f"fatal: unable to access '{URL}/': SSL certificate problem: self-signed certificate",),
            "no secure connection (SSL certificate problem: self-signed certificate)",
        ),
        (
            (
                "error: RPC failed; curl 56 Recv failure: Connection reset by peer",
                "fatal: early EOF",
                "fatal: fetch-pack: invalid index-pack output",
            ),
            "the connection broke off (RPC failed; curl 56 Recv failure: Connection reset by peer)",
        ),
        (
            ("fatal: write error: No space left on device", "fatal: fetch-pack: invalid index-pack output"),
            "there is no room on this machine (write error: No space left on device)",
        ),
        (
            ("error: cannot lock ref 'refs/gxt/x': Unable to create '/r/x.lock': File exists.",),
            f"{BUSY} (cannot lock ref 'refs/gxt/x': Unable to create '/r/x.lock': File exists.)",
        ),
        (("fatal: something that nobody has seen yet", *NO_ACCESS[:1]), "something that nobody has seen yet"),
        ((), "git ended with exit code 128"),
    ],
)
def test_what_git_says_becomes_one_line(lines: tuple[str, ...], what: str) -> None:
    assert told(*lines) == what


def test_a_server_cannot_pretend_another_failure() -> None:
    assert told(
        "remote: fatal: Authentication failed for 'https://bank.example.org'",
        "fatal: the remote end hung up unexpectedly",
    ) == ("the connection broke off (the remote end hung up unexpectedly)")


def test_a_repository_of_somebody_else_comes_with_git_s_own_advice() -> None:
    error = failure(
        "origin",
        "/srv/x.git",
        Said(
            128,
            b"",
            [
                "fatal: detected dubious ownership in repository at '/srv/x.git'",
                "To add an exception for this directory, call:",
                "git config --global --add safe.directory /srv/x.git",
                *NO_ACCESS,
            ],
        ),
    )
    assert error.hint == "if you trust it: git config --global --add safe.directory /srv/x.git"


def test_a_password_in_git_s_words_is_taken_out() -> None:
    error = failure("origin", "there", Said(1, b"", ["fatal: odd https://ada:s3cret@example.org/x.git"]))
    assert (error.message, error.said) == (
        "origin (there): odd https://[redacted]@example.org/x.git",
        "fatal: odd https://[redacted]@example.org/x.git",
    )


def test_what_a_server_says_of_a_push_is_one_line_without_repetition() -> None:
    assert (
        servers_words(
            [
                "remote: error: GH013: Repository rule violations found for refs/gxt/experiments.",
                "remote:",
                "remote: - Cannot update this protected ref.",
                "remote: - Cannot update this protected ref.",
                "To github.com:team/x.git",
            ]
        )
        == "GH013: Repository rule violations found for refs/gxt/experiments.; "
        "- Cannot update this protected ref."
    )


@pytest.mark.parametrize(
    ("reason", "what"),
    [
        (
            "unpacker error: remote unpack failed: unable to create temporary object directory",
            "the server cannot write it, or you may not",
        ),
        ("unpacker error: unable to write file: No space left on device", "the server has no room"),
        ("protected branch hook declined", "a hook of the server declined it"),
        ("push declined due to repository rule violations", "the server refused refs/gxt/x"),
    ],
)
def test_what_a_server_refuses(reason: str, what: str) -> None:
    assert refusal("origin", "there", "refs/gxt/x", reason).message == f"origin (there): {what}: {reason}"
