"""Data and outputs of a run come back with its code: here, in a clone, beside, in a reproduction."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from gxt.data.cache import Cache
from gxt.data.digest import digest
from gxt.model.pointers import Pointer, dump_pointer
from tests.conftest import data, git, gxt

SCRIPT = """
import pathlib
import gxt
text = pathlib.Path("data/train.csv").read_text()
for step in (1, 2):
    gxt.log({"acc": step / 2 + len(text)}, step=step)
    pathlib.Path("checkpoints/m.bin").write_text(f"weights {step}")
    gxt.log_artifact("checkpoints/m.bin", step=step)
"""
CONTENT = "a,b\n1,2\n"


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A repository with data that DVC keeps, a storage, and a run that has put out two checkpoints."""
    git(tmp_path, "init", "-q", "--bare", "hub.git")
    git(tmp_path, "clone", "-q", str(tmp_path / "hub.git"), "lab")
    repo = tmp_path / "lab"
    (repo / ".dvc").mkdir()
    storage = tmp_path / "storage"
    storage.mkdir()
    (repo / ".dvc/config").write_text(
        f"[core]\n    remote = storage\n['remote \"storage\"']\n    url = {storage}\n"
    )
    (repo / ".dvc/.gitignore").write_text("/config.local\n/tmp\n/cache\n")
    (repo / ".gitignore").write_text("/data\n/checkpoints\n")
    (repo / "train.py").write_text(SCRIPT)
    for folder in ("data", "checkpoints"):
        (repo / folder).mkdir()
    (repo / "data/train.csv").write_text(CONTENT)
    keep(repo, CONTENT)
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "first")
    git(repo, "push", "-q", "origin", "HEAD")
    gxt(repo, "run", "-q", "--", sys.executable, "train.py")
    return repo


def keep(repo: Path, content: str) -> None:
    """Give the data to DVC, as `dvc add data` does."""
    found = digest(repo / "data")
    Cache(repo / ".dvc/cache").keep(repo / "data", found)
    pointer = Pointer("data", found.md5, found.size_bytes, len(found.members or ()))
    (repo / "data.dvc").write_bytes(dump_pointer(pointer))
    assert (repo / "data/train.csv").read_text() == content


def files(repo: Path, *folders: str) -> dict[str, str]:
    paths = (path for folder in folders for path in (repo / folder).rglob("*") if path.is_file())
    return {path.relative_to(repo).as_posix(): path.read_text() for path in paths}


BACK = {
    "data/train.csv": CONTENT,
    "checkpoints/m.step-1.bin": "weights 1",
    "checkpoints/m.bin": "weights 2",
}


def test_data_and_outputs_come_back_with_the_code(lab: Path) -> None:
    (lab / "data/train.csv").write_text("other\n")
    keep(lab, "other\n")
    gxt(lab, "run", "-q", "--", sys.executable, "train.py")
    done = data(lab, "checkout", "1")
    assert set(done["written"]) >= {"data", "data.dvc"}
    assert files(lab, "data", "checkpoints") == BACK
    (lab / "checkpoints/m.bin").unlink()
    only = data(lab, "checkout", "1", "--only", "checkpoints")
    assert only["written"] == ["checkpoints/m.bin"]
    gxt(lab, "checkout", "2")
    assert files(lab, "data") == {"data/train.csv": "other\n"}
    gxt(lab, "checkout", "1", "--no-data")
    assert files(lab, "data") == {"data/train.csv": "other\n"}


@pytest.mark.parametrize("name", ["data/train.csv", "data/new.csv", "checkpoints/m.bin"])
def test_data_that_nobody_keeps_is_not_overwritten(lab: Path, name: str) -> None:
    (lab / name).write_text("mine\n")
    before = files(lab, "data", "checkpoints")
    refused = gxt(lab, "checkout", "1", code=1)
    path = "data" if name.startswith("data") else name
    assert refused.stderr == (
        f"gxt: unsaved changes would be overwritten: {path}\n"
        "     keep them (dvc add PATH) or move them away; or say --no-data\n"
    )
    assert files(lab, "data", "checkpoints") == before


def test_a_repository_inside_data_is_nobodys_business(lab: Path) -> None:
    (lab / "data/train.csv").write_text("other\n")
    keep(lab, "other\n")
    gxt(lab, "run", "-q", "--", sys.executable, "train.py")
    git(lab, "init", "-q", "data/labels")
    (lab / "data/labels/.git/mine").write_text("mine\n")
    gxt(lab, "checkout", "1")
    assert files(lab, "data")["data/train.csv"] == CONTENT
    assert (lab / "data/labels/.git/mine").read_text() == "mine\n"


def test_a_link_into_the_cache_is_kept(lab: Path) -> None:
    (lab / "data/train.csv").write_text("other\n")
    keep(lab, "other\n")
    found = digest(lab / "data/train.csv")
    (lab / "data/train.csv").unlink()
    (lab / "data/train.csv").symlink_to(Cache(lab / ".dvc/cache").path_of(found.md5))
    gxt(lab, "run", "-q", "--", "true")
    gxt(lab, "checkout", "1")
    assert files(lab, "data") == {"data/train.csv": CONTENT}
    assert not (lab / "data/train.csv").is_symlink()
    assert Cache(lab / ".dvc/cache").is_sound(found.md5)


def test_the_remote_is_that_of_the_files_as_they_are(lab: Path, tmp_path: Path) -> None:
    gxt(lab, "push")
    good, evil = tmp_path / "storage", tmp_path / "evil"
    shutil.copytree(good, evil)
    config = lab / ".dvc/config"
    config.write_text(config.read_text().replace(str(good), str(evil)))
    gxt(lab, "run", "-q", "--", sys.executable, "train.py")
    gxt(lab, "push", "--no-data")
    git(tmp_path, "clone", "-q", str(tmp_path / "hub.git"), "bob")
    bob = tmp_path / "bob"
    gxt(bob, "pull")
    shutil.rmtree(evil)
    done = gxt(bob, "checkout", "2")
    assert files(bob, "data", "checkpoints") == BACK
    assert done.stderr == ""


def test_what_stands_there_already_needs_no_cache(lab: Path) -> None:
    for cache in (".dvc/cache", ".git/gxt/data"):
        shutil.rmtree(lab / cache)
    (lab / "checkpoints/m.bin").write_text("weights 2")
    done = gxt(lab, "checkout", "1")
    assert "checkpoints/m.step-1.bin" in done.stderr
    assert "checkpoints/m.bin" not in done.stderr
    assert files(lab, "data", "checkpoints") == {
        name: text for name, text in BACK.items() if name != "checkpoints/m.step-1.bin"
    }


def test_a_clone_gets_them_from_the_remote(lab: Path, tmp_path: Path) -> None:
    gxt(lab, "push")
    git(tmp_path, "clone", "-q", str(tmp_path / "hub.git"), "bob")
    bob = tmp_path / "bob"
    gxt(bob, "pull")
    assert not (bob / ".dvc/cache").exists()
    gxt(bob, "checkout", "1")
    assert files(bob, "data", "checkpoints") == BACK
    gxt(bob, "checkout", "1", "--worktree", "../beside")
    assert files(tmp_path / "beside", "data", "checkpoints") == BACK
    assert (tmp_path / "beside/.dvc/config.local").read_text() == (f"[cache]\n    dir = {bob}/.dvc/cache\n")


def test_what_cannot_be_had_is_told_and_the_rest_comes(lab: Path, tmp_path: Path) -> None:
    gxt(lab, "push")
    (first, _) = data(lab, "show", "1")["artifacts"]
    lost = Cache(tmp_path / "storage").path_of(first["md5"])
    lost.unlink()
    git(tmp_path, "clone", "-q", str(tmp_path / "hub.git"), "bob")
    bob = tmp_path / "bob"
    gxt(bob, "pull")
    done = gxt(bob, "checkout", "1")
    assert f"exp-001: checkpoints/m.step-1.bin ({first['md5']})" in done.stderr
    assert files(bob, "data", "checkpoints") == {
        name: text for name, text in BACK.items() if name != "checkpoints/m.step-1.bin"
    }


def test_a_reproduction_has_its_data_and_is_compared_by_its_outputs(lab: Path, tmp_path: Path) -> None:
    gxt(lab, "push")
    git(tmp_path, "clone", "-q", str(tmp_path / "hub.git"), "bob")
    bob = tmp_path / "bob"
    gxt(bob, "pull")
    done = data(bob, "reproduce", "1", "--yes")
    assert done["verdict"] == "identical"
    assert {name: one["verdict"] for name, one in done["artifacts"].items()} == {
        "m.bin (step 1)": "identical",
        "m.bin (step 2)": "identical",
    }
    assert not (bob / "data").exists()


def test_data_that_only_the_work_tree_has_is_taken_from_there_if_it_is_the_same(lab: Path) -> None:
    (lab / "data.dvc").unlink()
    gxt(lab, "run", "-q", "--data", "data", "--", sys.executable, "train.py")
    assert data(lab, "reproduce", "2")["verdict"] == "identical"
    (lab / "data/train.csv").write_text("other\n")
    refused = gxt(lab, "reproduce", "2", code=1)
    assert refused.stderr.startswith("gxt: exp-002 cannot have its data: data (")
    assert refused.stderr.endswith("     bring it first: gxt pull --data exp-002\n")


def test_what_was_kept_before_there_was_dvc_is_found_when_there_is(tmp_path: Path) -> None:
    repo = tmp_path / "lab"
    git(tmp_path, "init", "-q", "lab")
    (repo / ".gitignore").write_text("/out\n")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "first")
    make = "import pathlib; pathlib.Path('out').mkdir(); pathlib.Path('out/x').write_text('kept')"
    gxt(repo, "run", "-q", "--out", "out", "--", sys.executable, "-c", make)
    assert (repo / ".git/gxt/data/files/md5").is_dir()
    (repo / ".dvc").mkdir()
    (repo / "out/x").unlink()
    assert data(repo, "checkout", "1")["written"] == [".gxt/out.dvc", "out"]
    assert files(repo, "out") == {"out/x": "kept"}
    gxt(repo, "reproduce", "1")
    assert data(repo, "checkout", "2", "--only", "out")["written"] == []
    shutil.rmtree(repo / "out")
    assert data(repo, "checkout", "2", "--only", "out")["written"] == ["out"]


def test_pointers_that_stand_there_already_are_not_written(lab: Path) -> None:
    gxt(lab, "checkout", "1")
    assert data(lab, "checkout", "1")["written"] == []


def test_a_file_where_the_folder_of_an_output_must_be_stays(lab: Path) -> None:
    gxt(lab, "run", "-q", "--", sys.executable, "train.py")
    shutil.rmtree(lab / "checkpoints")
    (lab / "checkpoints").write_text("mine")

    done = gxt(lab, "checkout", "2")

    assert "checkpoints/m.bin is not brought: a file stands where its folder must be\n" in done.stderr
    assert (lab / "checkpoints").read_text() == "mine"


def test_the_cache_of_dvc_stays_ignored_in_code_from_before_dvc(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "lab")
    repo = tmp_path / "lab"
    (repo / "a.py").write_text("1")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "first")
    gxt(repo, "run", "-q", "--", "true")
    (repo / ".dvc/cache").mkdir(parents=True)
    (repo / ".dvc/cache/content").write_text("x")
    (repo / ".dvc/config").write_text("")
    (repo / ".dvc/.gitignore").write_text("/cache\n")
    git(repo, "add", ".dvc/config", ".dvc/.gitignore")
    git(repo, "commit", "-q", "-m", "dvc")

    gxt(repo, "checkout", "1")

    assert not (repo / ".dvc/config").exists()
    assert git(repo, "status", "--porcelain", "--untracked-files=all") == " D .dvc/config"


@pytest.fixture
def alone(tmp_path: Path) -> Path:
    """A repository whose data and outputs lie beside it."""
    git(tmp_path, "init", "-q", "lab")
    repo = tmp_path / "lab"
    (repo / "train.py").write_text(
        "import pathlib, sys\n"
        "text = pathlib.Path(sys.argv[1]).read_text()\n"
        "pathlib.Path(sys.argv[2]).write_text(text.upper())\n"
    )
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "first")
    (tmp_path / "in.txt").write_text("abc")
    return repo


@pytest.mark.parametrize("is_absolute", [False, True])
def test_data_and_outputs_beside_the_repository_are_used_again(alone: Path, is_absolute: bool) -> None:
    source, target = (
        (str(alone.parent / name) if is_absolute else f"../{name}") for name in ("in.txt", "out.txt")
    )
    command = (sys.executable, "train.py", source, target)
    gxt(alone, "run", "-q", "--data", source, "--out", target, "--", *command)
    (alone.parent / "out.txt").write_text("mine")

    done = gxt(alone, "reproduce", "1")

    first, again = data(alone, "show", "1"), data(alone, "show", "2")
    assert "exp-002 against exp-001: identical\n" in done.stdout
    assert [one["md5"] for one in again["data"]] == [one["md5"] for one in first["data"]] != []
    assert [one["md5"] for one in again["artifacts"]] == [one["md5"] for one in first["artifacts"]] != []
    assert (alone.parent / "out.txt").read_text() == ("ABC" if is_absolute else "mine")


def test_data_beside_the_repository_that_is_another_now_is_refused(alone: Path) -> None:
    command = (sys.executable, "train.py", "../in.txt", "../out.txt")
    gxt(alone, "run", "-q", "--data", "../in.txt", "--", *command)
    (alone.parent / "in.txt").write_text("other")

    refused = gxt(alone, "reproduce", "1", code=1)

    assert refused.stderr.startswith("gxt: exp-001 cannot have its data: ../in.txt (900150983cd24fb0")


def test_what_the_original_lacked_is_not_asked_for(lab: Path) -> None:
    (lab / "unused.dvc").write_bytes(
        dump_pointer(Pointer("unused.bin", "d41d8cd98f00b204e9800998ecf8427e", 0))
    )
    (lab / ".gitignore").write_text("/data\n/checkpoints\n/unused.bin\n")
    gxt(lab, "run", "-q", "--", sys.executable, "train.py")

    assert "identical" in gxt(lab, "reproduce", "2").stdout


def test_what_a_stage_makes_is_brought_where_the_run_was_given_it(lab: Path) -> None:
    (lab / "dvc.yaml").write_text("stages:\n  prepare:\n    cmd: make\n    outs: [features.txt]\n")
    (lab / ".gitignore").write_text("/data\n/checkpoints\n/features.txt\n")
    (lab / "features.txt").write_text("one")
    read = "import pathlib; print(pathlib.Path('features.txt').read_text())"
    gxt(lab, "run", "-q", "--data", "features.txt", "--", sys.executable, "-c", read)

    assert gxt(lab, "reproduce", "2").stdout.startswith("one\n")
