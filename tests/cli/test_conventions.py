"""What a team wants of the names and tags of its runs is told when one starts, or enforced."""

from __future__ import annotations

from pathlib import Path

import pytest

from gxt.errors import UsageError
from gxt.ops.conventions import check_conventions
from gxt.store.run_settings import Conventions
from tests.conftest import data, gxt

WANTED = Conventions(name=r"[a-z]+-\d+", tags=("project:*", "checked"))
TOML = "[conventions]\nname = '[a-z]+-\\d+'\ntags = ['project:*']\n"
HINT = "the team's conventions are in .gxt.toml"


def test_a_run_that_keeps_to_them_hears_nothing() -> None:
    assert check_conventions(WANTED, "deep-12", ["project:x", "checked"]) == []


def test_what_is_missing_is_named_with_the_words_to_type() -> None:
    assert check_conventions(WANTED, "Deep-12!", ["checked"]) == [
        (
            r"conventions: its name Deep-12! is not as [a-z]+-\d+ and it has no tag project:*: "
            f"say --name NAME --tag project:*; {HINT}"
        )
    ]
    assert check_conventions(WANTED._replace(name=None), None, ["project:x"]) == [
        f"conventions: it has no tag checked: say --tag checked; {HINT}"
    ]
    assert check_conventions(WANTED._replace(tags=()), " ", []) == [
        rf"conventions: it has no name, which would be as [a-z]+-\d+: say --name NAME; {HINT}"
    ]


def test_a_part_of_a_name_is_not_enough() -> None:
    with pytest.raises(UsageError, match="its name a-1b is not as"):
        check_conventions(WANTED._replace(enforce=True), "a-1b", ["project:x", "checked"])


def test_a_run_is_told_at_its_start_and_refused_where_that_is_enforced(repo: Path) -> None:
    (repo / ".gxt.toml").write_text(TOML)
    told = gxt(repo, "run", "--", "true").stderr.splitlines()
    assert told[0] == (
        rf"gxt: conventions: it has no name, which would be as [a-z]+-\d+ and it has no tag project:*: "
        f"say --name NAME --tag project:*; {HINT}"
    )
    assert gxt(repo, "run", "--name", "a-1", "--tag", "project:x", "--", "true").stderr.startswith("exp-002")
    (repo / ".gxt.toml").write_text(f"{TOML}enforce = true\n")
    before = (repo / "params.yaml").read_text()
    words = ("--name", "a-1", "--set", "lr=3", "--", "touch", "ran")
    assert gxt(repo, "run", *words, code=2).stderr == (
        f"gxt: the run does not keep to the conventions: it has no tag project:*\n"
        f"     say --tag project:*; {HINT}\n"
    )
    assert ((repo / "params.yaml").read_text(), (repo / "ran").exists()) == (before, False)
    assert len(data(repo, "list")) == 2


def test_conventions_that_make_no_sense_are_refused(repo: Path) -> None:
    (repo / ".gxt.toml").write_text("[conventions]\ntags = 'project'\n")
    assert gxt(repo, "list", code=2).stderr == (
        'gxt: conventions.tags is no list of texts: \'project\'\n     write ["…", "…"]\n'
    )
