"""`gxt doctor` names what is wrong; `--repair` mends what can be mended, and no run, ref or file is lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from gxt.git.repository import discover
from gxt.ops.doctor import Diagnosis, doctor
from gxt.ops.listing import ListRequest, list_rows
from gxt.ops.workspace import open_workspace
from gxt.store import journal, locks
from gxt.store.health.live import check_live
from gxt.store.health.machine import check_version
from gxt.store.health.runs import listed
from gxt.store.index import VERSION
from tests.conftest import data, git, gxt
from tests.crash.conftest import EXPERIMENTS, check_notes, fake_git, live_directory
from tests.crash.test_damaged_runs import plant
from tests.crash.test_full_disk import needs_mounts, read_only


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs, the last with a tag; made once."""
    return tmp_path_factory.mktemp("three") / "repo"


@pytest.fixture
def three(made: Path, tmp_path: Path) -> Path:
    """A repository with three runs, copied."""
    if not made.exists():
        made.mkdir()
        git(made, "init", "-q")
        (made / "params.yaml").write_text("lr: 0.1\n")
        git(made, "add", ".")
        git(made, "commit", "-q", "-m", "first")
        script = "import gxt; gxt.init(tags=['x']); gxt.log({'loss': 0.5}, step=1); print('said')"
        (made / "train.py").write_text(script)
        for _ in range(3):
            gxt(made, "run", "-q", "--", "python", "train.py")
        gxt(made, "list")
    root = tmp_path / "three"
    shutil.copytree(made, root)
    return root


def codes(found: Diagnosis) -> list[str]:
    return [finding.code for finding in found.findings]


def whats(found: Diagnosis, repo: Path) -> list[str]:
    """What is said, with paths from the repository on."""
    return [finding.what.replace(f"{repo.resolve()}/", "") for finding in found.findings]


def objects(repo: Path) -> set[str]:
    said = git(repo, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
    return set(said.splitlines())


def check_repaired(repo: Path, *, runs: int = 3) -> Diagnosis:
    """After a repair all is well, git finds nothing, every run is there, and no object has gone."""
    before = objects(repo)
    repaired = doctor(repo, repair=True)
    assert repaired.findings == ()
    assert doctor(repo) == repaired._replace(repaired=())
    assert git(repo, "fsck", "--strict", "--no-dangling", "--no-progress") == ""
    listed = [row.id for row in list_rows(open_workspace(repo), ListRequest()).rows]
    assert listed == [f"exp-{n:03d}" for n in range(runs, 0, -1)]
    assert before <= objects(repo)
    check_notes(repo)
    return repaired


def test_a_sound_repository(three: Path) -> None:
    assert doctor(three).findings == ()
    assert doctor(three).checked[1:] == (3, 0)


def test_a_repository_without_runs(repo: Path) -> None:
    assert doctor(repo).findings == ()


@pytest.mark.parametrize("content", ["", "garbage\n", "1" * 40 + "\n", "\0" * 41], ids="abcd")
def test_an_experiments_ref_whose_file_names_nothing(three: Path, content: str) -> None:
    tip = git(three, "rev-parse", EXPERIMENTS)
    (three / ".git" / EXPERIMENTS).write_text(content)
    (found,) = doctor(three).findings
    assert (found.code, found.repairable) == ("experiments-lost", True)
    assert found.hint == f"gxt doctor --repair puts it back to {tip[:10]} (exp-003)"
    check_repaired(three)
    assert git(three, "rev-parse", EXPERIMENTS) == tip
    assert (three / ".git/gxt/set-aside" / EXPERIMENTS).read_text() == content


def forget(repo: Path) -> None:
    """Nothing but the experiments ref knows of an entry any more."""
    for path in (".git/refs/notes", ".git/logs/refs/gxt", ".git/logs/refs/notes"):
        shutil.rmtree(repo / path)
    for index in (repo / ".git/gxt").glob("index*"):
        index.unlink()


def old_lock(repo: Path) -> Path:
    """A finding that can be repaired, so that a repair does something."""
    lock = repo / f".git/{EXPERIMENTS}.lock"
    lock.touch()
    os.utime(lock, (0, 0))
    return lock


@pytest.mark.parametrize("content", ["", "its own"])
def test_a_history_that_nothing_can_replace_is_not_put_out_of_sight(three: Path, content: str) -> None:
    """The next run would begin at exp-001, and all would seem well."""
    tip = git(three, "rev-parse", EXPERIMENTS)
    forget(three)
    entry = three / ".git/objects" / tip[:2] / tip[2:]
    entry.rename(three / "backup")
    ref = three / ".git" / EXPERIMENTS
    ref.write_text(content and f"{tip}\n")
    lock = old_lock(three)
    repaired = doctor(three, repair=True)
    assert repaired.repaired == (f"removed the stale lock {lock.resolve()}",)
    assert codes(repaired) == ["experiments-lost"]
    assert ref.read_text() == (content and f"{tip}\n")
    assert codes(doctor(three)) == ["experiments-lost"]
    if content:
        (three / "backup").rename(entry)
        assert doctor(three).checked.runs == 3


def test_the_index_remembers_an_entry_wherever_it_lies(three: Path) -> None:
    odd = three.rename(three.with_name("100% #1? of 'three'"))
    index = next((odd / ".git/gxt").glob("index*.sqlite")).rename(odd / "index")
    tip = git(odd, "rev-parse", EXPERIMENTS)
    forget(odd)
    index.rename(odd / ".git/gxt" / f"index-{VERSION}.sqlite")
    git(odd, "update-ref", "-d", EXPERIMENTS)
    assert doctor(odd).findings[0].hint == f"gxt doctor --repair puts it back to {tip[:10]} (exp-003)"


def test_packed_refs_remember_an_entry(three: Path) -> None:
    tip = git(three, "rev-parse", EXPERIMENTS)
    forget(three)
    git(three, "pack-refs", "--all")
    (three / ".git" / EXPERIMENTS).parent.mkdir(parents=True, exist_ok=True)
    (three / ".git" / EXPERIMENTS).write_text("")
    assert doctor(three).findings[0].hint == f"gxt doctor --repair puts it back to {tip[:10]} (exp-003)"
    check_repaired(three)


@pytest.mark.parametrize("packed", ["1" * 40, "its second run"])
def test_a_packed_experiments_ref_beneath_a_damaged_file(three: Path, packed: str) -> None:
    tip, older = git(three, "rev-parse", EXPERIMENTS, f"{EXPERIMENTS}~1").split()
    git(three, "pack-refs", "--all")
    path = three / ".git/packed-refs"
    path.write_text(path.read_text().replace(tip, packed if packed.isdigit() else older))
    (three / ".git" / EXPERIMENTS).parent.mkdir(parents=True, exist_ok=True)
    (three / ".git" / EXPERIMENTS).write_text("")
    assert codes(doctor(three)) == ["experiments-lost"]
    if packed.isdigit():  # the reflog of the repair says what was there, and git fsck minds
        assert doctor(three, repair=True).findings == ()
    else:
        check_repaired(three)
    assert git(three, "rev-parse", EXPERIMENTS) == tip


@pytest.mark.parametrize("remembers", ["notes", "index", "reflog"])
def test_an_experiments_ref_that_is_gone_is_remembered(three: Path, remembers: str) -> None:
    tip, log = git(three, "rev-parse", EXPERIMENTS), three / ".git/logs" / EXPERIMENTS
    kept = log.read_text()
    git(three, "update-ref", "-d", EXPERIMENTS)
    if remembers != "notes":
        for what in ("config", "metrics", "annotations"):
            git(three, "update-ref", "-d", f"refs/notes/gxt/{what}")
    if remembers != "index":
        for path in (three / ".git/gxt").glob("index*"):
            path.unlink()
    if remembers == "reflog":
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(kept)
    found = doctor(three)
    assert codes(found) == ["experiments-lost", *["notes-missing"] * (0 if remembers == "notes" else 3)]
    assert found.findings[0].what == f"{EXPERIMENTS} is gone"
    assert found.checked.runs == 3
    check_repaired(three)
    assert git(three, "rev-parse", EXPERIMENTS) == tip


@pytest.mark.parametrize("kind", ["commit", "blob"])
def test_an_experiments_ref_that_names_something_else(three: Path, kind: str) -> None:
    tip = git(three, "rev-parse", EXPERIMENTS)
    other = git(three, "rev-parse", "HEAD" if kind == "commit" else "HEAD:params.yaml")
    git(three, "update-ref", EXPERIMENTS, other)
    assert codes(doctor(three)) == ["experiments-lost"]
    check_repaired(three)
    assert git(three, "rev-parse", EXPERIMENTS) == tip
    assert git(three, "rev-parse", f"refs/gxt/kept/experiments-{other}") == other


def test_a_symbolic_experiments_ref(three: Path) -> None:
    tip = git(three, "rev-parse", EXPERIMENTS)
    git(three, "update-ref", "refs/heads/elsewhere", tip)
    git(three, "symbolic-ref", EXPERIMENTS, "refs/heads/elsewhere")
    assert codes(doctor(three)) == ["experiments-symbolic"]
    check_repaired(three)
    assert git(three, "rev-parse", EXPERIMENTS, "refs/heads/elsewhere") == f"{tip}\n{tip}"
    gxt(three, "run", "-q", "--", "true")
    assert git(three, "rev-parse", "refs/heads/elsewhere") == tip


def test_an_experiments_ref_that_was_moved_back(three: Path) -> None:
    tip = git(three, "rev-parse", EXPERIMENTS)
    git(three, "update-ref", EXPERIMENTS, f"{EXPERIMENTS}~2")
    assert "experiments-behind" in codes(doctor(three))
    check_repaired(three)
    assert git(three, "rev-parse", EXPERIMENTS) == tip


def test_runs_recorded_after_it_was_moved_back_take_nothing_away(three: Path) -> None:
    """Run 4 has taken the number 2: the runs 2 and 3 come back, the one under the next number."""
    uids = [run["uid"] for run in data(three, "list")]
    git(three, "update-ref", EXPERIMENTS, f"{EXPERIMENTS}~2")
    gxt(three, "run", "-q", "--", "true")
    found = doctor(three)
    assert whats(found, three) == [
        "exp-002 was recorded and is not in the tree any more",
        "exp-003 was recorded and is not in the tree any more",
    ]
    repaired = check_repaired(three, runs=4)
    assert repaired.repaired[0:2] == (
        "exp-004 is as it was recorded, as exp-002: another run has that number now",
        "exp-003 is as it was recorded",
    )
    assert {run["uid"] for run in data(three, "list")} > set(uids)


def test_a_history_that_was_begun_anew_loses_nothing(three: Path) -> None:
    """The ref was deleted, and the next run was the first of all: the old ones come back beside it."""
    uids = {run["uid"] for run in data(three, "list")}
    git(three, "update-ref", "-d", EXPERIMENTS)
    gxt(three, "run", "-q", "--", "true")
    assert [run["id"] for run in data(three, "list")] == ["exp-001"]
    assert whats(doctor(three), three) == [
        f"exp-00{n} was recorded and is not in the tree any more" for n in (1, 2, 3)
    ]
    check_repaired(three, runs=4)
    assert {run["uid"] for run in data(three, "list")} > uids


def test_what_was_said_of_a_run_later_is_kept_by_a_repair(three: Path) -> None:
    said = git(three, "show", f"{EXPERIMENTS}:exp-0xx/exp-002/annotations.jsonl")
    later = said.replace('"x"', '"later"')
    plant(three, "annotations.jsonl", later + "\n")
    assert "run-edited" not in codes(doctor(three))
    plant(three, "metrics.json", "{}")
    check_repaired(three)
    assert data(three, "show", "2")["tags"] == ["later"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("annotations.jsonl", "{"),
        ("config.json", '{"gxt": 1, "uid'),
        ("metrics.json", "[" * 100_000),
        ("environment.json", " " * 70_000_000),
        ("series", "no series"),
        ("output.log", None),
        ("run", None),
    ],
    ids=["no JSON", "torn", "deep", "huge", "no series", "no output", "no commit"],
)
def test_a_run_that_was_edited_by_hand(three: Path, name: str, text: str | None) -> None:
    plant(three, name, text)
    (found,) = [one for one in doctor(three).findings if one.code == "run-edited"]
    assert found.what.startswith(f"exp-002 is not as it was recorded: {name} differ")
    assert found.repairable
    listed = [run["id"] for run in data(three, "list")]
    assert {"exp-003", "exp-001"} <= set(listed)
    edited = git(three, "rev-parse", EXPERIMENTS)
    check_repaired(three)
    git(three, "merge-base", "--is-ancestor", edited, EXPERIMENTS)


def test_what_was_said_of_a_run_comes_back_with_it(three: Path) -> None:
    gxt(three, "tag", "2", "later")
    gxt(three, "note", "2", "seen")
    tags = data(three, "show", "2")["tags"]
    for name in git(three, "ls-tree", "--name-only", f"{EXPERIMENTS}:exp-0xx/exp-002").splitlines():
        plant(three, name, None)
    check_repaired(three)
    run = data(three, "show", "2")
    assert (run["tags"], [one["text"] for one in run["comments"]]) == (tags, ["seen"])


def test_a_removed_run_is_not_brought_back_from_another_past(three: Path) -> None:
    gxt(three, "rm", "2")
    git(three, "update-ref", "-d", EXPERIMENTS)
    gxt(three, "run", "-q", "--", "true")
    assert whats(doctor(three), three) == [
        f"exp-00{n} was recorded and is not in the tree any more" for n in (1, 3)
    ]


@pytest.mark.parametrize(
    ("name", "text", "damage"),
    [
        ("removed.json", "{}", "exp-002/removed.json: uid is not of the right kind"),
        ("annotations.jsonl", "{", "exp-002/annotations.jsonl is not valid JSON: "),
        ("annotations.jsonl", "", "its annotations do not say that it is removed"),
        ("annotations.jsonl", None, "its annotations do not say that it is removed"),
    ],
)
def test_a_removed_run_that_could_not_come_back(
    three: Path, name: str, text: str | None, damage: str
) -> None:
    gxt(three, "rm", "2")
    assert doctor(three).findings == ()
    plant(three, name, text)
    (found,) = [one for one in doctor(three).findings if one.code == "run-damaged"]
    assert found.what.startswith(f"exp-002: {damage}")
    assert [run["id"] for run in data(three, "list")] == ["exp-003", "exp-001"]


def test_a_run_that_was_removed_from_the_tree_by_hand(three: Path) -> None:
    for name in git(three, "ls-tree", "--name-only", f"{EXPERIMENTS}:exp-0xx/exp-002").splitlines():
        plant(three, name, None)
    found = [one for one in doctor(three).findings if one.code.startswith("run-")]
    assert [one.what for one in found] == ["exp-002 was recorded and is not in the tree any more"]
    check_repaired(three)


@pytest.mark.parametrize("text", ["2\n", "", "x", None])
def test_a_next_number_that_is_too_small(three: Path, text: str | None) -> None:
    change = "D next\n" if text is None else f"M 100644 inline next\ndata {len(text)}\n{text}\n"
    by_hand(three, change)
    assert codes(doctor(three))[:1] == ["next-too-small"]
    check_repaired(three)
    assert git(three, "show", f"{EXPERIMENTS}:next") == "4"


def by_hand(repo: Path, change: str) -> None:
    """An entry with a change that is none of gxt's."""
    head = f"commit {EXPERIMENTS}\ncommitter A <a@b.c> 1700000000 +0000\ndata 2\nx\nfrom {EXPERIMENTS}^0\n"
    git(repo, "fast-import", "--quiet", stdin=head + change + "done\n")


def test_a_lost_format(three: Path) -> None:
    by_hand(three, "D format\n")
    assert "format-missing" in codes(doctor(three))
    check_repaired(three)


def test_a_history_of_a_newer_gxt_is_neither_judged_nor_changed(dead: Path) -> None:
    by_hand(dead, "M 100644 inline format\ndata 2\n2\n\nD next\n")
    tip = git(dead, "rev-parse", EXPERIMENTS)
    found = doctor(dead, repair=True)
    assert whats(found, dead)[-2:] == [
        f"{EXPERIMENTS} has format 2; this gxt knows format 1",
        "exp-002 was killed and is not in git yet",
    ]
    assert git(dead, "rev-parse", EXPERIMENTS) == tip
    assert live_directory(dead).exists()


@pytest.mark.parametrize("name", ["config.json", "metrics.json"])
def test_a_run_of_a_newer_gxt_is_not_called_edited(three: Path, name: str) -> None:
    plant(three, name, '{"gxt": 2}')
    assert [one for one in codes(doctor(three)) if one.startswith("run-")] == ["run-newer"]


def test_names_that_are_none_of_gxts_are_told(three: Path) -> None:
    by_hand(three, "M 100644 inline exp-0xx/todo\ndata 1\nx\n")
    said = [one for one in doctor(three).findings if one.code == "name-strange"]
    assert [one.what for one in said] == [
        f"exp-0xx/todo in {EXPERIMENTS} is none of gxt's: somebody put it there"
    ]
    assert codes(doctor(three, repair=True)) == ["name-strange"]


@pytest.mark.parametrize("how", ["missing", "empty", "cut", "of another"])
def test_an_object_that_git_has_lost(three: Path, how: str) -> None:
    """Nobody can repair that: the run is named, all others go on, and new ones are recorded."""
    oid = git(three, "rev-parse", f"{EXPERIMENTS}:exp-0xx/exp-002/config.json")
    path = three / ".git/objects" / oid[:2] / oid[2:]
    content = path.read_bytes()
    path.unlink()
    if how != "missing":
        path.write_bytes(b"" if how == "empty" else content[: len(content) // 2])
    (found,) = doctor(three, repair=True).findings
    assert found.code == "run-damaged"
    assert found.what == f"exp-002: git cannot read config.json: {oid[:10]} is lost"
    for cached in (three / ".git/gxt").glob("index*"):
        cached.unlink()
    gxt_list = gxt(three, "list", "--columns", "id", "--csv")
    assert gxt_list.stdout.splitlines() == ["id", "exp-003", "exp-001"]
    git(three, "notes", "--ref=gxt/config", "add", "-f", "-m", "edited", "HEAD")
    gxt(three, "run", "-q", "--", "true")
    assert gxt(three, "list", "--columns", "id", "--csv").stdout.splitlines()[1:] == [
        "exp-004",
        "exp-003",
        "exp-001",
    ]


def test_a_lost_directory_is_named_by_lists_too(three: Path) -> None:
    oid = git(three, "rev-parse", f"{EXPERIMENTS}:exp-0xx/exp-002")
    (three / ".git/objects" / oid[:2] / oid[2:]).unlink()
    for cached in (three / ".git/gxt").glob("index*"):
        cached.unlink()
    done = gxt(three, "list", "--columns", "id", "--csv")
    why = f"git cannot read the directory of exp-002: {oid[:10]} is lost"
    assert done.stderr == f"gxt: exp-002 cannot be read: {why}; gxt show exp-002 tells what to do\n"
    assert done.stdout.splitlines() == ["id", "exp-003", "exp-001"]
    shown = gxt(three, "show", "2", code=1).stderr
    assert shown == f"gxt: {why}\n     copy .git/objects/{oid[:2]}/{oid[2:]} from another clone\n"
    assert whats(doctor(three), three) == ["exp-002: git has lost its directory"]


def test_a_lost_tree_of_all_runs_is_one_finding(three: Path) -> None:
    tip, tree = git(three, "rev-parse", EXPERIMENTS, f"{EXPERIMENTS}^{{tree}}").split()
    (three / ".git/objects" / tree[:2] / tree[2:]).rename(three / "backup")
    lock = old_lock(three)
    repaired = doctor(three, repair=True)
    assert repaired.repaired == (f"removed the stale lock {lock.resolve()}",)
    assert whats(repaired, three) == [f"git has lost the tree of {EXPERIMENTS}: no run can be read"]
    assert git(three, "rev-parse", EXPERIMENTS) == tip
    (three / "backup").rename(three / ".git/objects" / tree[:2] / tree[2:])
    check_repaired(three)


def test_a_lost_directory_of_many_runs_is_one_finding(three: Path) -> None:
    """Not three runs that somebody removed, and notes that are emptied by a repair."""
    shard = git(three, "rev-parse", f"{EXPERIMENTS}:exp-0xx")
    refs = git(three, "for-each-ref")
    (three / ".git/objects" / shard[:2] / shard[2:]).rename(three / "backup")
    lock = old_lock(three)
    repaired = doctor(three, repair=True)
    assert repaired.repaired == (f"removed the stale lock {lock.resolve()}",)
    assert whats(repaired, three) == [
        f"git has lost exp-0xx of {EXPERIMENTS}: none of the runs in it can be read"
    ]
    assert git(three, "for-each-ref") == refs
    (three / "backup").rename(three / ".git/objects" / shard[:2] / shard[2:])
    check_repaired(three)


def test_code_that_git_has_lost(three: Path) -> None:
    oid = git(three, "rev-parse", "HEAD:params.yaml")
    (three / ".git/objects" / oid[:2] / oid[2:]).unlink()
    assert whats(doctor(three), three) == [
        f"the code of exp-001, exp-002, exp-003 lacks params.yaml: git has no {oid}"
    ]
    assert listed(range(1, 41)) == "exp-001, exp-002, exp-003, exp-004, exp-005 and 35 more"


NOTES = "refs/notes/gxt/config"


@pytest.mark.parametrize("damage", ["deleted", "behind", "edited", "no commit", "empty"])
def test_notes(three: Path, damage: str) -> None:
    before = git(three, "rev-parse", NOTES)
    if damage == "deleted":
        git(three, "update-ref", "-d", NOTES)
    elif damage == "behind":
        git(three, "update-ref", NOTES, f"{NOTES}^")
    elif damage == "edited":
        commit = data(three, "show", "1")["commit"]
        git(three, "notes", "--ref=gxt/config", "add", "-f", "-m", "by hand", commit)
        before = git(three, "rev-parse", NOTES)
    elif damage == "no commit":
        git(three, "update-ref", NOTES, git(three, "rev-parse", "HEAD:params.yaml"))
    else:
        (three / ".git" / NOTES).write_text("")
    expected = {
        "deleted": ("notes-missing", f"{NOTES} is missing"),
        "behind": ("notes-behind", f"{NOTES} lags behind: exp-003"),
        "edited": ("notes-edited", f"{NOTES} was edited by hand or written by somebody else: exp-001"),
        "no commit": ("notes-broken", f"{NOTES} names no notes"),
        "empty": ("notes-broken", f"{NOTES} names no notes"),
    }[damage]
    (found,) = doctor(three).findings
    assert (found.code, found.what) == expected
    repaired = check_repaired(three)
    assert repaired.repaired[-1] == "the notes of 3 runs are built again"
    if damage == "edited":
        assert git(three, "rev-parse", f"{NOTES}^") == before


def test_a_dead_run(dead: Path) -> None:
    (found,) = doctor(dead).findings
    assert (found.code, found.what) == ("run-dead", "exp-002 was killed and is not in git yet")
    assert live_directory(dead).exists()
    repaired = check_repaired(dead, runs=2)
    assert repaired.repaired == ("exp-002 is recorded as interrupted: everything it had logged is kept",)


def test_a_run_that_goes_on_is_counted_and_left_alone(dead: Path) -> None:
    held = locks.hold(live_directory(dead))
    assert held is not None
    found = doctor(dead, repair=True)
    os.close(held)
    assert (found.findings, found.checked.live) == ((), 1)
    assert live_directory(dead).exists()


@pytest.mark.parametrize("content", [None, b"", b"\0" * 100, b'{"e":"metrics","t":1,"s":1,"m":{"a":1}}\n'])
def test_a_journal_that_cannot_be_recorded_is_set_aside(dead: Path, content: bytes | None) -> None:
    path = live_directory(dead)
    if content is None:
        (path / journal.JOURNAL).unlink()
    else:
        (path / journal.JOURNAL).write_bytes(content)
    code = git(dead, "rev-parse", f"refs/gxt/live/{path.name}")
    before = {one.name: one.read_bytes() for one in path.iterdir()}
    assert codes(doctor(dead)) == ["journal-unreadable"]
    check_repaired(dead, runs=1)
    aside = dead / ".git/gxt/set-aside" / path.name
    assert {one.name: one.read_bytes() for one in aside.iterdir()} == before
    assert git(dead, "rev-parse", f"refs/gxt/kept/{path.name}") == code


def test_a_journal_cut_at_every_byte_is_recorded_or_named(dead: Path) -> None:
    """What can be kept is kept: from the end of the first line on the run can be recorded."""
    path = live_directory(dead)
    content = (path / journal.JOURNAL).read_bytes()
    first = content.index(b"\n")
    repository = discover(dead)
    for cut in range(len(content) + 1):
        (path / journal.JOURNAL).write_bytes(content[:cut])
        (found,) = check_live(repository, frozenset())
        if cut < first:
            assert (found.code, found.repairable) == ("journal-unreadable", True)
            continue
        torn = content[:cut].rpartition(b"\n")[2] not in {b"", content[cut - 1 :].partition(b"\n")[0]}
        assert found.code == "run-dead"
        assert found.what.startswith("exp-002 was killed and is not in git yet")
        whole = content[:cut].endswith(b"\n") or content[cut : cut + 1] in {b"", b"\n"}
        assert found.what.endswith("left out") is not whole or not torn


def check_every_cut(dead: Path, cuts: Iterable[int]) -> None:
    """`gxt list` and `gxt doctor` at each cut: the run is recorded, or kept where it is and named."""
    kept = dead.with_name("kept")
    shutil.copytree(dead / ".git", kept)
    path = live_directory(dead)
    content = (path / journal.JOURNAL).read_bytes()
    first = content.index(b"\n")
    for cut in cuts:
        (path / journal.JOURNAL).write_bytes(content[:cut])
        workspace = open_workspace(dead)
        rows = list_rows(workspace, ListRequest()).rows
        if cut < first:
            assert [row.id for row in rows] == ["exp-001"]
            assert codes(doctor(dead)) == ["journal-unreadable"]
            assert (path / journal.JOURNAL).read_bytes() == content[:cut]
            continue
        assert [(row.id, row.status) for row in rows] == [
            ("exp-002", "interrupted"),
            ("exp-001", "completed"),
        ]
        assert doctor(dead).findings == ()
        shutil.rmtree(dead / ".git")
        shutil.copytree(kept, dead / ".git")


def test_lists_and_doctor_at_some_cuts(dead: Path) -> None:
    length = (live_directory(dead) / journal.JOURNAL).stat().st_size
    check_every_cut(dead, range(0, length + 1, length // 6))


@pytest.mark.long
def test_lists_and_doctor_at_every_cut(dead: Path) -> None:
    length = (live_directory(dead) / journal.JOURNAL).stat().st_size
    check_every_cut(dead, range(length + 1))


def plant_file(repo: Path, name: str, *, age_s: float = 100.0, text: str = "") -> Path:
    path = repo / ".git" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (time.time() - age_s,) * 2)
    return path


OURS = [f"{EXPERIMENTS}.lock", f"{NOTES}.lock", "refs/gxt/tmp/01JD0000000000000000000000/run.lock"]
FOREIGN = [
    *("index.lock", "HEAD.lock", "packed-refs.lock", "config.lock", "shallow.lock"),
    *("refs/heads/main.lock", "refs/heads/a/b.lock", "refs/stash.lock", "refs/notes/commits.lock"),
    "refs/gxt/kept/x.lock",
]


def test_our_own_stale_locks_go(three: Path) -> None:
    paths = [plant_file(three, name) for name in OURS]
    assert codes(doctor(three)) == ["lock-left"] * 3
    check_repaired(three)
    assert not any(path.exists() for path in paths)


def test_locks_of_others_are_named_with_path_and_age_and_stay(three: Path) -> None:
    paths = [plant_file(three, name, age_s=7201) for name in FOREIGN]
    found = doctor(three, repair=True)
    assert whats(found, three) == [
        f".git/{name} is 2 hours old: git may wait for it" for name in sorted(FOREIGN)
    ]
    assert [one.hint for one in found.findings] == [
        f"if no git is running, remove it: rm {path}" for path in sorted(paths)
    ]
    assert all(path.exists() for path in paths)


def test_what_is_to_be_typed_works_in_a_directory_of_any_name(three: Path) -> None:
    odd = three.rename(three.with_name("Ann's #1 $HOME"))
    lock = plant_file(odd, "index.lock", age_s=7201)
    hint = doctor(odd).findings[0].hint
    subprocess.run(["sh", "-c", hint.removeprefix("if no git is running, remove it: ")], check=True)
    assert not lock.exists()


def test_fresh_locks_are_no_finding(three: Path) -> None:
    for name in (*OURS, *FOREIGN):
        plant_file(three, name, age_s=0)
    assert codes(doctor(three)) == []


def test_what_killed_processes_leave(three: Path) -> None:
    git(three, "update-ref", "refs/gxt/tmp/01JD0000000000000000000000/run", "HEAD")
    git(three, "update-ref", "refs/gxt/live/01JD0000000000000000000000", "HEAD")
    for name in (".new-01JD0000000000000000000000", ".done-01JD0000000000000000000001"):
        (three / ".git/gxt/live" / name).mkdir(parents=True)
    assert codes(doctor(three)) == ["refs-left", "directory-left", "directory-left"]
    lock = plant_file(three, "packed-refs.lock", age_s=3 * 86400)
    (left, *_) = doctor(three).findings
    assert (left.what, left.repairable) == (
        "a killed process has left 2 refs, such as refs/gxt/live/01JD0000000000000000000000",
        False,
    )
    assert (
        left.hint == "the next gxt command removes them when no packed-refs.lock and no git gc is in the way"
    )
    lock.unlink()
    check_repaired(three)


def test_what_git_itself_leaves_is_named_and_stays(three: Path) -> None:
    pack = plant_file(three, "objects/pack/tmp_pack_abc", age_s=3 * 86400, text="x" * 2048)
    keep = plant_file(three, "objects/pack/pack-1.keep", age_s=3 * 86400, text="fast-import")
    found = doctor(three, repair=True)
    assert whats(found, three) == [
        "1 temporary file of git, 2 KiB, up to 3 days old: .git/objects/pack/tmp_pack_abc",
        ".git/objects/pack/pack-1.keep keeps a pack from being repacked: a killed fast-import has left it",
    ]
    assert pack.exists()
    assert keep.exists()


def test_a_gc_that_was_killed(three: Path) -> None:
    plant_file(three, "gc.pid", text=f"99999999 {os.uname().nodename}")
    assert whats(doctor(three), three) == [".git/gc.pid is 100 s old, and the git gc that wrote it is gone"]


@pytest.mark.parametrize(
    ("key", "value"),
    [("core.fsync", "none"), ("core.fsyncMethod", "writeout-only"), ("gc.pruneExpire", "now")],
)
def test_settings_of_git_that_endanger_runs(three: Path, key: str, value: str) -> None:
    git(three, "config", key, value)
    (found,) = doctor(three).findings
    assert found.code == "unsafe-git-setting"
    assert found.hint == f"git config --local --unset {key}"


def test_settings_that_gxt_does_not_know(three: Path) -> None:
    (three / ".gxt.toml").write_text('[metrics]\nmain = "loss"\n[limits]\nseries_mb = 3\n[zoo]\n')
    git(three, "config", "gxt.serieMib", "3")
    git(three, "config", "gxt.val/loss.goal", "min")
    assert [(one.what, one.hint) for one in doctor(three).findings] == [
        (".gxt.toml sets [metrics], which gxt does not know", "did you mean [metric]?"),
        (".gxt.toml sets limits.series_mb, which gxt does not know", "did you mean limits.series_mib?"),
        (
            ".gxt.toml sets [zoo], which gxt does not know",
            "gxt knows [metric], [limits], [artifacts], [push], [run], [goals]",
        ),
        ("git config sets gxt.seriemib, which gxt does not know", "did you mean gxt.seriesMib?"),
    ]


def test_settings_that_cannot_be_read_and_a_metric_that_no_run_has(three: Path) -> None:
    (three / "params.yaml").write_text("a: [")
    git(three, "config", "gxt.metric", "lost")
    assert [(one.code, one.hint) for one in doctor(three).findings] == [
        ("metric-unknown", "did you mean loss?"),
        ("params-unreadable", "mend the file, or name another with --params"),
    ]
    (three / ".gxt.toml").write_text("[metric")
    assert codes(doctor(three)) == ["settings-unreadable", "params-unreadable"]


@pytest.mark.parametrize("damage", ["garbage", "another tip's"])
def test_an_index_that_is_damaged_or_wrong(three: Path, damage: str) -> None:
    (index,) = (three / ".git/gxt").glob("index*.sqlite")
    if damage == "garbage":
        content = index.read_bytes()
        index.write_bytes(content[:100] + b"\xff" * 5000 + content[5100:])
    else:
        import sqlite3

        with sqlite3.connect(index) as db:
            db.execute("DELETE FROM runs WHERE number = 2")
        db.close()
    assert codes(doctor(three)) == ["index-damaged" if damage == "garbage" else "index-wrong"]
    check_repaired(three)


def test_nothing_is_repaired_while_somebody_holds_the_lock(dead: Path) -> None:
    with locks.store_lock(discover(dead)):
        found = doctor(dead, repair=True)
    assert codes(found) == ["repair-failed", "run-dead", "store-locked"]
    if Path("/proc/locks").exists():
        assert f"by the process {os.getpid()}" in found.findings[2].what
    check_repaired(dead, runs=2)


RECORDS_ONCE = """#!/bin/sh
case "$*" in *for-each-ref*) ;; *) exec "$GXT_TEST_GIT" "$@" ;; esac
said=$("$GXT_TEST_GIT" "$@")
[ -e "$MARK" ] || { touch "$MARK"; PATH="$PATH_BEFORE" "$PYTHON" -m gxt run -q -- true; }
printf '%s\\n' "$said"
"""


def test_a_run_that_is_recorded_meanwhile_is_no_finding(
    three: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = {"MARK": str(tmp_path / "mark"), "PATH_BEFORE": os.environ["PATH"], "PYTHON": sys.executable}
    for name, value in {**env, **fake_git(tmp_path / "bin", RECORDS_ONCE)}.items():
        monkeypatch.setenv(name, value)
    found = doctor(three)
    assert (found.findings, found.checked.runs) == ((), 4)


@needs_mounts
def test_in_a_read_only_repository(dead: Path) -> None:
    dead_run = (
        "exp-002 was killed and is not in git yet\n  the next gxt command records it, or gxt doctor --repair"
    )
    assert read_only(dead, "doctor").stdout.startswith(f"{dead_run}\n")
    done = read_only(dead, "doctor", "--repair")
    lock = dead.resolve() / ".git/gxt/lock"
    assert done.stdout.startswith(
        f"nothing was repaired: Read-only file system: {lock}\n"
        f"  repair it where the repository can be written to\n{dead_run}\n"
    )
    assert (done.returncode, done.stderr) == (1, "")


@needs_mounts
def test_a_disk_that_is_almost_full(three: Path) -> None:
    mount = 'mount -t tmpfs -o size=2m none .git/gxt && exec "$@"'
    done = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", mount, "sh", sys.executable, "-m", "gxt", "doctor"],
        cwd=three,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[:2] == [
        f"the disk that holds {three.resolve()}/.git/gxt has only 2 MiB left",
        "  make room: a run that finds no room loses a part of its record",
    ]


def test_a_repository_with_sha256(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    repo.mkdir()
    git(repo, "init", "-q", "--object-format=sha256")
    gxt(repo, "run", "-q", "--", "true")
    (repo / ".git" / EXPERIMENTS).write_text("")
    assert codes(doctor(repo)) == ["experiments-lost"]
    check_repaired(repo, runs=1)


def test_from_a_linked_work_tree(three: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    git(three, "worktree", "add", "-q", str(linked))
    plant(three, "metrics.json", "{}")
    assert "run-edited" in codes(doctor(linked))
    assert doctor(linked, repair=True).findings == ()
    assert doctor(three).findings == ()


def test_everything_at_once(dead: Path) -> None:
    """Every check stands by itself; one repair mends what can be mended."""
    gxt_dir = dead / ".git/gxt"
    (dead / ".git" / EXPERIMENTS).write_text("")
    (dead / ".git" / NOTES).write_text("garbage")
    plant_file(dead, OURS[0])
    bad = gxt_dir / "live" / ("0" * 26)
    bad.mkdir()
    (bad / "journal.jsonl").write_text("no")
    (dead / ".gxt.toml").write_text("[")
    found = doctor(dead)
    assert codes(found) == [
        *("experiments-lost", "notes-broken", "journal-unreadable", "run-dead"),
        *("lock-left", "settings-unreadable"),
    ]
    assert codes(doctor(dead, repair=True)) == ["settings-unreadable"]
    (dead / ".gxt.toml").unlink()
    check_repaired(dead, runs=2)
    assert (gxt_dir / "set-aside" / ("0" * 26) / "journal.jsonl").read_text() == "no"


def test_a_run_whose_number_is_lost_and_a_directory_of_nobody(dead: Path) -> None:
    path = live_directory(dead)
    (path / journal.NUMBER).write_text("")
    (path.parent / "mine").mkdir()
    held = locks.hold(path)
    assert held is not None
    found = whats(doctor(dead), dead)
    os.close(held)
    assert found == [
        f"the number of a running run cannot be read: .git/gxt/live/{path.name}/number",
        ".git/gxt/live/mine is none of gxt's",
    ]


def test_a_run_of_another_machine_that_is_silent(dead: Path) -> None:
    path = live_directory(dead) / journal.JOURNAL
    started, rest = path.read_bytes().split(b"\n", 1)
    told = {**json.loads(started), "host": "far", "boot": "another"}
    path.write_bytes(json.dumps(told).encode() + b"\n" + rest)
    assert doctor(dead).findings == ()
    for file in path.parent.iterdir():
        os.utime(file, (1_700_000_000, 1_700_000_000))
    (found,) = doctor(dead, repair=True).findings
    assert (found.code, found.hint) == (
        "run-silent",
        "if that machine is dead: gxt status --seal exp-002",
    )
    assert path.exists()


def test_a_run_that_is_there_twice(three: Path) -> None:
    tree = git(three, "rev-parse", f"{EXPERIMENTS}:exp-0xx/exp-002")
    by_hand(three, f"M 040000 {tree} exp-0xx/exp-007\nM 100644 inline next\ndata 2\n8\n\n")
    uid = data(three, "show", "2")["uid"]
    assert whats(doctor(three), three)[0] == f"exp-007 is exp-002 once more: both have the uid {uid}"


def test_a_history_that_does_not_begin_where_it_should(three: Path) -> None:
    """As after a rewrite, and nothing remembers the old one: the runs are there, and go on."""
    tree = git(three, "rev-parse", f"{EXPERIMENTS}^{{tree}}")
    other = git(three, "commit-tree", tree, "-m", "squashed")
    for ref in git(three, "for-each-ref", "--format=%(refname)", "refs/gxt", "refs/notes").splitlines():
        git(three, "update-ref", "-d", ref)
    for cached in (three / ".git/gxt").glob("index*"):
        cached.unlink()
    git(three, "update-ref", EXPERIMENTS, other)
    found = doctor(three, repair=True)
    assert whats(found, three) == [
        f"the history of the runs is not whole: {other} is not the entry that every history begins with"
    ]
    assert len(data(three, "list")) == 3


def test_a_damaged_ref_of_a_live_run(three: Path) -> None:
    path = plant_file(three, "refs/gxt/live/01JD0000000000000000000000")
    assert whats(doctor(three), three) == ["refs/gxt/live/01JD0000000000000000000000 names nothing"]
    check_repaired(three)
    assert not path.exists()


def test_a_check_that_git_refuses_is_a_finding_and_the_others_go_on(
    three: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = '#!/bin/sh\ncase "$*" in *rev-list*) echo no >&2; exit 1;; esac\nexec "$GXT_TEST_GIT" "$@"\n'
    for name, value in fake_git(tmp_path / "bin", script).items():
        monkeypatch.setenv(name, value)
    git(three, "config", "gxt.metrc", "loss")
    assert [(one.code, one.what) for one in doctor(three).findings] == [
        ("check-failed", "not everything could be checked: git rev-list failed: no"),
        ("setting-unknown", "git config sets gxt.metrc, which gxt does not know"),
    ]


@pytest.mark.parametrize(("version", "codes_"), [("2.33.8", ["git-too-old"]), ("2.34.1", []), ("3.0", [])])
def test_versions_of_git(version: str, codes_: list[str]) -> None:
    assert [one.code for one in check_version(version)] == codes_
