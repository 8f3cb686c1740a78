"""What gxt computes and writes is what DVC computes and reads."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gxt.data.cache import Cache
from gxt.data.digest import digest
from gxt.errors import DamagedRecord
from gxt.model.pointers import Pointer, dump_pointer, read_pointers
from tests.conftest import git, gxt


def dvc(repo: Path, *words: str) -> str:
    """What `dvc WORDS` prints. Fails the test when it fails."""
    env = {**os.environ, "DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(repo.parent / "site")}
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *words], cwd=repo, capture_output=True, text=True, check=False, env=env
    )
    assert done.returncode == 0, f"dvc {' '.join(words)}: {done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with DVC, and data in it: a file, and a folder with folders, links and odd names."""
    repo = tmp_path / "repo"
    git(tmp_path, "init", "-q", str(repo))
    dvc(repo, "init", "-q")
    (repo / "file.bin").write_bytes(bytes(range(256)) * 5000)
    folder = repo / "folder"
    for name, content in {
        "b": b"1",
        "a/x": b"2",
        "a.b": b"",
        "a-b": b"3",
        "ä/ö ü": b"4",
        "a/.git/x": b"5",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "empty").mkdir()
    (folder / "linked").symlink_to("b")
    (folder / "elsewhere").symlink_to("a")
    return repo


def test_hashes_and_cache_are_those_of_dvc(project: Path, tmp_path: Path) -> None:
    dvc(project, "add", "-q", "file.bin", "folder")
    cache = Cache(tmp_path / "cache")
    for name in ("file.bin", "folder"):
        found = digest(project / name)
        (pointer,) = read_pointers(yaml.safe_load((project / f"{name}.dvc").read_text()), name)
        files = None if found.members is None else len(found.members)
        assert pointer == Pointer(name, found.md5, found.size_bytes, files)
        cache.keep(project / name, found)
        assert cache.is_sound(found.md5)
    theirs, ours = project / ".dvc/cache/files/md5", tmp_path / "cache/files/md5"
    assert contents(ours) == contents(theirs)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_dvc_checks_out_what_gxt_has_kept(project: Path) -> None:
    cache = Cache(project / ".dvc/cache")
    (project / ".gxt").mkdir()
    for name in ("file.bin", "folder"):
        found = digest(project / name)
        cache.keep(project / name, found)
        files = None if found.members is None else len(found.members)
        pointer = Pointer(f"got/{name}", found.md5, found.size_bytes, files)
        (project / f".gxt/{name}.dvc").write_bytes(dump_pointer(pointer, wdir=".."))
    dvc(project, "checkout", "-q", ".gxt/file.bin.dvc", ".gxt/folder.dvc")
    for name in ("file.bin", "folder"):
        assert digest(project / "got" / name) == digest(project / name)


@pytest.mark.parametrize("md5", ["1" * 32, "1" * 20 + "e" + "2" * 11, "0" * 31 + "a", "a" * 32 + ".dir"])
def test_a_hash_that_looks_like_a_number_stays_a_hash(md5: str) -> None:
    pointer = Pointer("a b: #ü\n", md5, 12, 3 if md5.endswith(".dir") else None)
    assert read_pointers(yaml.safe_load(dump_pointer(pointer)), "x") == [pointer]


@pytest.mark.parametrize(
    "document",
    [[], "text", {"outs": {}}, {"outs": [{"md5": 5, "path": "a"}]}, {"outs": [{"md5": "../x", "path": "a"}]},
     {"outs": [{"md5": "a" * 32, "path": ""}]}, {"outs": ["a"]}, {"outs": [{"md5": "a" * 32}]}],
)  # fmt: skip
def test_what_is_no_pointer_is_refused(document: object) -> None:
    with pytest.raises(DamagedRecord, match=r"^x "):
        read_pointers(document, "x")


def test_a_file_is_kept_once_and_read_only(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    one, two = tmp_path / "one", tmp_path / "two"
    for path in (one, two):
        path.write_bytes(b"same")
    found = digest(one)
    cache.keep(one, found)
    kept = cache.path_of(found.md5)
    before = kept.stat().st_ino
    cache.keep(two, found, move=True)
    assert kept.stat().st_ino == before
    assert kept.stat().st_mode & 0o777 == 0o444
    assert one.read_bytes() == b"same"
    assert not two.exists()
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]


def test_what_a_crash_has_left_under_a_hash_is_replaced(tmp_path: Path) -> None:
    cache, one = Cache(tmp_path / "cache"), tmp_path / "one"
    one.write_bytes(b"content")
    found = digest(one)
    place = cache.path_of(found.md5)
    for move in (False, True):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.write_bytes(b"")
        cache.keep(one, found, move=move)
        assert cache.is_sound(found.md5)
    assert not one.exists()


def test_content_of_an_earlier_cache_is_found_and_never_moved_onto_itself(tmp_path: Path) -> None:
    earlier, one = Cache(tmp_path / "earlier"), tmp_path / "one"
    one.write_bytes(b"content")
    found = digest(one)
    earlier.keep(one, found)
    both = Cache(tmp_path / "cache", earlier.root)
    assert both.path_of(found.md5) == earlier.path_of(found.md5)
    both.keep_file(earlier.path_of(found.md5), found.md5, move=True)
    assert earlier.is_sound(found.md5)
    other = Cache(tmp_path / "other", earlier.root).path_of("0" * 32)
    assert other == Cache(tmp_path / "other").path_of("0" * 32)


def test_dvc_gc_takes_no_output_of_a_run(project: Path) -> None:
    git(project, "commit", "-q", "--allow-empty", "-m", "first")
    (project / "model.bin").write_bytes(b"weights")
    (project / "out").mkdir()
    (project / "out/part.bin").write_bytes(b"more weights")
    md5s = [digest(project / name).md5 for name in ("model.bin", "out/part.bin")]
    gxt(project, "run", "-q", "--out", "model.bin", "--out", "out", "--", "true")
    in_cache = [Cache(project / ".dvc/cache").path_of(md5) for md5 in md5s]
    assert [path.stat().st_nlink for path in in_cache] == [2, 2]
    (project / "model.bin").unlink()
    shutil.rmtree(project / "out")

    dvc(project, "gc", "-q", "-f", "-w")

    assert [path.exists() for path in in_cache] == [False, False]
    gxt(project, "checkout", "1", "--only", "model.bin", "out")
    assert (project / "model.bin").read_bytes() == b"weights"
    assert (project / "out/part.bin").read_bytes() == b"more weights"
