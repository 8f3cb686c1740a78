"""What goes into the snapshot of a run, what is left out of it, and what the user is told of that."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import data, git, gxt
from tests.unit.test_secrets import RANDOM

TOKEN = f"token = 'ghp_{RANDOM}'\n"


def left_out(repo: Path, run: str = "@") -> list[tuple[str, str]]:
    """The paths in `code.skipped` of a run, each with its reason."""
    return [(one["path"], one["reason"]) for one in data(repo, "show", run)["code"]["skipped"]]


def said(repo: Path, *words: str, **env: str) -> list[str]:
    """The notices before a run of `true`."""
    lines = gxt(repo, "run", *words, "--", "true", code=0, **env).stderr.splitlines()
    return lines[:-2]


def names(repo: Path) -> list[str]:
    return git(repo, "ls-tree", "-r", "--name-only", data(repo, "show")["commit"]).splitlines()


def test_a_new_file_that_holds_a_token_is_left_out_and_never_shown(repo: Path) -> None:
    (repo / "hub.py").write_text(TOKEN)
    (repo / "other.py").write_text("token = 'ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'\n")
    assert said(repo) == ["gxt: not in the snapshot: hub.py (holds what looks like a secret: GitHub token)"]
    assert left_out(repo) == [("hub.py", "holds what looks like a secret: GitHub token")]
    assert names(repo) == ["other.py", "params.yaml", "train.py"]
    blob = git(repo, "hash-object", "hub.py")
    assert subprocess.run(
        ["git", "cat-file", "-e", blob], cwd=repo, check=False, capture_output=True
    ).returncode
    assert RANDOM not in gxt(repo, "show", "--json").stdout
    assert (
        "             left out: hub.py (holds what looks like a secret: GitHub token)\n"
        in gxt(repo, "run", "--dry-run", "--", "true").stdout
    )


def test_a_tracked_file_that_holds_a_token_is_recorded_with_a_warning(repo: Path) -> None:
    (repo / "train.py").write_text(TOKEN)
    (repo / ".env").write_text("A=1\n")
    git(repo, "add", ".env")
    since = "since git tracks it"
    assert said(repo) == [
        f"gxt: recorded although it looks like a secret, {since}: .env",
        f"gxt: recorded although it holds what looks like a secret, {since}: train.py (GitHub token)",
    ]
    assert names(repo) == [".env", "params.yaml", "train.py"]
    git(repo, "commit", "-q", "-a", "-m", "careless")
    assert said(repo) == []  # git has had it since


def test_only_the_first_mebibyte_of_a_text_is_looked_into(repo: Path) -> None:
    (repo / "binary").write_bytes(b"\0" + TOKEN.encode())
    (repo / "long.txt").write_text("words\n" * 200_000 + TOKEN)
    (repo / "link").symlink_to("binary")
    assert said(repo) == []
    assert {"binary", "link", "long.txt"} <= set(names(repo))


@pytest.mark.parametrize("mark", ["assume-unchanged", "skip-worktree"])
def test_edits_that_git_was_told_not_to_see_are_told(repo: Path, mark: str) -> None:
    git(repo, "update-index", f"--{mark}", "params.yaml", "train.py")
    assert said(repo) == []
    os.utime(repo / "train.py", (1, 1))  # touched, but the same
    (repo / "params.yaml").write_text("lr: 0.5\n")
    before = (repo / ".git/index").read_bytes()
    assert said(repo) == [f"gxt: not in the snapshot: params.yaml (edited, but marked {mark})"]
    assert left_out(repo) == [("params.yaml", f"edited, but marked {mark}")]
    assert (repo / ".git/index").read_bytes() == before
    (repo / "params.yaml").unlink()
    absent = [f"gxt: not in the snapshot: params.yaml (edited, but marked {mark})"]
    assert said(repo) == (absent if mark == "assume-unchanged" else [])


@pytest.mark.parametrize("version", ["3", "4", "split"])
def test_marks_are_seen_in_an_index_of_any_format(repo: Path, version: str) -> None:
    (repo / ("x" * 200)).mkdir()
    (repo / ("x" * 200) / ("y" * 200)).write_text("long\n")
    git(repo, "add", "-N", ".")  # an entry with extended flags
    git(repo, "update-index", "--split-index" if version == "split" else f"--index-version={version}")
    assert said(repo) == []
    git(repo, "update-index", "--skip-worktree", "train.py")
    (repo / "train.py").write_text("edited\n")
    assert said(repo) == ["gxt: not in the snapshot: train.py (edited, but marked skip-worktree)"]


def test_a_sparse_checkout_is_no_edit(repo: Path) -> None:
    git(repo, "sparse-checkout", "set", "--no-cone", "/train.py")
    assert said(repo) == []
    (repo / "params.yaml").write_text("lr: 0.5\n")  # git itself sees it, since it is there
    assert said(repo) == []
    assert git(repo, "show", f"{data(repo, 'show')['commit']}:params.yaml") == "lr: 0.5"


def _filter(repo: Path, at_s: float = 1e9, **settings: str) -> None:
    (repo / ".gitattributes").write_text("*.bin filter=lfs -text\n")
    for name in ("a.bin", "b.bin"):
        (repo / name).write_text(f"{name}\n")
        os.utime(repo / name, (at_s, at_s))
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "pointers")
    for key, value in settings.items():
        git(repo, "config", f"filter.lfs.{key}", value)
    (repo / "a.bin").write_text("edited\n")
    (repo / "new.bin").write_text("new\n")
    (repo / "train.py").write_text("print('edited')\n")


@pytest.mark.parametrize(
    "settings",
    [
        {"clean": "no-such-lfs clean -- %f", "required": "true"},
        {"process": "no-such-lfs filter-process", "clean": "no-such-lfs clean -- %f", "required": "true"},
        {"process": "true", "required": "true"},
    ],
    ids=["clean", "process", "process that says nothing"],
)
@pytest.mark.parametrize("at_s", [1e9, 4e9], ids=["old", "not trusted"])
def test_a_filter_that_is_not_there_costs_only_its_own_files(
    repo: Path, settings: dict[str, str], at_s: float
) -> None:
    """Git looks again into what is as new as the index, whenever it writes that."""
    _filter(repo, at_s, **settings)
    (notice,) = said(repo)
    assert notice.startswith("gxt: not in the snapshot: a.bin (git could not read it: ")
    reasons = {"a.bin: clean filter 'lfs' failed", "new.bin: clean filter 'lfs' failed"}
    reasons.add("the remote end hung up unexpectedly")
    assert [path for path, _ in left_out(repo)] == ["a.bin", "new.bin"]
    assert {reason.removeprefix("git could not read it: ") for _, reason in left_out(repo)} <= reasons
    commit = data(repo, "show")["commit"]
    assert git(repo, "show", f"{commit}:train.py") == "print('edited')"
    assert git(repo, "show", f"{commit}:a.bin") == "a.bin"
    assert gxt(repo, "status").returncode == 0
    assert gxt(repo, "diff", "1").returncode == 0


def test_a_filter_that_is_optional_or_not_set_up_is_none(repo: Path) -> None:
    _filter(repo, clean="no-such-lfs clean -- %f")
    assert said(repo) == []
    git(repo, "config", "--remove-section", "filter.lfs")
    assert said(repo) == []
    assert git(repo, "show", f"{data(repo, 'show')['commit']}:a.bin") == "edited"


def test_a_filter_of_the_user_is_applied_as_git_does(repo: Path) -> None:
    _filter(repo, clean="tr a-z A-Z", required="true")
    assert said(repo) == []
    assert git(repo, "show", f"{data(repo, 'show')['commit']}:new.bin") == "NEW"


def test_an_encoding_of_the_work_tree_is_stored_as_git_does(repo: Path) -> None:
    (repo / ".gitattributes").write_text("*.txt working-tree-encoding=UTF-16\n")
    (repo / "good.txt").write_bytes("häh\n".encode("utf-16"))
    (repo / "bad.txt").write_bytes(b"odd")
    (notice,) = said(repo)
    assert notice.startswith("gxt: not in the snapshot: bad.txt (git could not read it: ")
    assert git(repo, "show", f"{data(repo, 'show')['commit']}:good.txt") == "häh"


def test_a_tracked_file_that_has_become_a_pipe_is_told_and_read_by_nobody(repo: Path) -> None:
    (repo / "train.py").unlink()
    os.mkfifo(repo / "train.py")
    os.mkfifo(repo / "other")  # git itself does not list these
    assert said(repo) == ["gxt: not in the snapshot: train.py (not a regular file)"]
    assert git(repo, "show", f"{data(repo, 'show')['commit']}:train.py") == "print('hello')"


@pytest.mark.parametrize(
    ("at_s", "reason"),
    [
        (1e9, "edited, but marked skip-worktree"),
        (4e9, "marked skip-worktree: edits of it cannot be seen"),
    ],
)
def test_a_broken_filter_keeps_nobody_from_telling_of_marked_files(
    repo: Path, at_s: float, reason: str
) -> None:
    git(repo, "update-index", "--skip-worktree", "params.yaml")
    _filter(repo, at_s, clean="no-such-lfs", required="true")
    (repo / "params.yaml").write_text("lr: 0.5\n")
    gxt(repo, "run", "-q", "--", "true")
    assert ("params.yaml", reason) in left_out(repo)


@pytest.fixture
def checkout(repo: Path) -> Path:
    """600 files that are as new as the index, as after a checkout, in a repository that only looks at their
    size and time: what is written over with the same of both is only seen by who reads it.
    """
    git(repo, "config", "core.trustctime", "false")
    for number in range(600):
        rewrite(repo / f"{number}.txt", "one")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "many")
    git(repo, "update-index", "--refresh")
    os.utime(repo / ".git/index", (FILES_S, FILES_S))
    return repo


FILES_S = 1_700_000_000


def rewrite(path: Path, text: str) -> None:
    path.write_text(text)
    os.utime(path, (FILES_S, FILES_S))


def test_unchanged_files_are_read_once_after_a_checkout_and_never_again(checkout: Path) -> None:
    index = (checkout / ".git/index").read_bytes()
    gxt(checkout, "run", "-q", "--", "true")
    assert data(checkout, "show")["code"]["dirty"] is False
    rewrite(checkout / "7.txt", "two")
    gxt(checkout, "run", "-q", "--", "true")
    assert data(checkout, "show")["code"]["dirty"] is False  # nobody has read it
    (checkout / "8.txt").write_text("edited")
    gxt(checkout, "run", "-q", "--", "true")
    assert data(checkout, "status")["code"]["changed"] == ["8.txt"]
    assert git(checkout, "show", f"{data(checkout, 'show')['commit']}:8.txt") == "edited"
    assert (checkout / ".git/index").read_bytes() == index


def test_an_edit_in_the_second_of_the_checkout_is_seen(checkout: Path) -> None:
    rewrite(checkout / "7.txt", "two")
    gxt(checkout, "run", "-q", "--", "true")
    assert git(checkout, "show", f"{data(checkout, 'show')['commit']}:7.txt") == "two"
    gxt(checkout, "run", "-q", "--", "true")
    assert data(checkout, "status")["code"]["changed"] == ["7.txt"]


def test_what_is_staged_later_is_seen_through_no_old_copy_of_the_index(checkout: Path) -> None:
    gxt(checkout, "run", "-q", "--", "true")
    (checkout / "new.txt").write_text("new")
    (checkout / "train.py").unlink()
    git(checkout, "add", "-A")
    os.utime(checkout / ".git/index", (FILES_S, FILES_S))
    gxt(checkout, "run", "-q", "--", "true")
    assert data(checkout, "status")["code"]["changed"] == ["new.txt", "train.py"]
    assert {"new.txt", "train.py"} & set(names(checkout)) == {"new.txt"}
    git(checkout, "commit", "-q", "-m", "staged")
    gxt(checkout, "run", "-q", "--", "true")
    assert data(checkout, "show")["code"]["dirty"] is False


def test_what_was_taken_out_of_the_index_comes_back_only_as_code(repo: Path) -> None:
    for name in (".env", "ignored.txt", "kept.txt", "gone.txt"):
        (repo / name).write_text(f"{name}\n")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "careless")
    git(repo, "rm", "-q", "--cached", ".env", "ignored.txt", "kept.txt", "gone.txt")
    (repo / "gone.txt").unlink()
    (repo / ".git/info/exclude").write_text("ignored.txt\n")
    assert said(repo) == ["gxt: not in the snapshot: .env (looks like a secret)"]
    assert names(repo) == ["kept.txt", "params.yaml", "train.py"]
    assert data(repo, "status")["code"]["changed"] == [".env", "gone.txt", "ignored.txt", "kept.txt"]


def test_what_dvc_keeps_for_itself_is_never_recorded(repo: Path) -> None:
    """An experiment that DVC saves holds a token in a pickle; nothing keeps git from seeing it here."""
    for folder in (".dvc", "package/.dvc"):
        (repo / folder / "tmp/exps").mkdir(parents=True)
        (repo / folder / "cache/files").mkdir(parents=True)
        for name in ("tmp/exps/saved.pkl", "cache/files/content", "config.local", "config"):
            (repo / folder / name).write_text("x")

    gxt(repo, "run", "-q", "--", "true")

    assert [name for name in names(repo) if "dvc" in name] == [".dvc/config", "package/.dvc/config"]


def test_a_lock_that_dvc_holds_stops_nobody(repo: Path) -> None:
    (repo / ".dvc/tmp").mkdir(parents=True)
    (repo / "model.bin").write_text("weights")
    for name in ("lock", "rwlock", "rwlock.lock"):
        (repo / ".dvc/tmp" / name).write_text("{}")
    with (repo / ".dvc/tmp/lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        gxt(repo, "run", "-q", "--out", "model.bin", "--", "true")
        (repo / "model.bin").unlink()
        gxt(repo, "checkout", "@", "--only", "model.bin")
    assert (repo / "model.bin").read_text() == "weights"


def test_what_loggers_write_beside_the_code_is_not_recorded(repo: Path) -> None:
    for name in ("mlflow.db", "mlflow.db-wal", "logs/events.out.tfevents.1700000000.host.1.0", "mlflow.dbx"):
        (repo / name).parent.mkdir(exist_ok=True)
        (repo / name).write_text("x")

    gxt(repo, "run", "-q", "--", "true")

    assert names(repo) == ["mlflow.dbx", "params.yaml", "train.py"]
