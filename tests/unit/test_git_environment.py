"""What a git process of ours gets of the user's environment."""

from __future__ import annotations

import os

import pytest

from gxt.git.process import environment


def test_what_the_user_sets_for_git_is_passed_on_and_what_points_elsewhere_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    passed_on = {
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_CONFIG_COUNT": "0",
        "GIT_SSH_COMMAND": "ssh -4",
        "GIT_TEST_FSYNC": "0",
        "GIT_TRACE": "/tmp/trace",
    }
    ours = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1"}
    elsewhere = {
        "GIT_DIR": "/x",
        "GIT_INDEX_FILE": "/y",
        "GIT_AUTHOR_DATE": "1 +0000",
        "GIT_TRACE_SETUP": "1",
    }
    for name, value in {**passed_on, **elsewhere}.items():
        monkeypatch.setenv(name, value)
    given = environment()
    assert {name: value for name, value in given.items() if name.startswith("GIT_")} == {**passed_on, **ours}
    assert given["LC_ALL"] == "C"
