"""Content comes out of the cache to its path, whole or not at all, and nowhere else."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from gxt.data.bringing import bring, is_inside, is_kept, lacking, listed
from gxt.data.cache import Cache
from gxt.data.digest import digest
from gxt.errors import DamagedRecord, MissingData


@pytest.fixture
def top(tmp_path: Path) -> Path:
    path = tmp_path / "top"
    path.mkdir()
    return path


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def kept(cache: Cache, tmp_path: Path, files: dict[str, str]) -> str:
    """The hash of a folder with these files, in the cache."""
    folder = tmp_path / "source"
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    found = digest(folder)
    cache.keep(folder, found, move=True)
    return found.md5


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    }


def put(cache: Cache, content: bytes, ending: str = "") -> str:
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest() + ending
    cache.keep_bytes(content, md5)
    return md5


def test_a_file_replaces_what_stands_there_and_can_be_written_to(cache: Cache, top: Path) -> None:
    md5 = put(cache, b"weights")
    assert bring(cache, md5, top, "checkpoints/a/model.onnx")
    target = top / "checkpoints/a/model.onnx"
    assert target.read_bytes() == b"weights"
    target.write_bytes(b"edited")
    assert cache.is_sound(md5)
    assert bring(cache, md5, top, "checkpoints/a/model.onnx")
    assert not bring(cache, md5, top, "checkpoints/a/model.onnx")
    assert contents(top) == {"checkpoints/a/model.onnx": "weights"}


def test_a_folder_gets_and_loses_files(cache: Cache, tmp_path: Path, top: Path) -> None:
    md5 = kept(cache, tmp_path, {"a": "1", "b/c": "2"})
    (top / "data/b").mkdir(parents=True)
    (top / "data/b/c").write_text("other")
    (top / "data/old").write_text("old")
    assert bring(cache, md5, top, "data")
    assert contents(top) == {"data/a": "1", "data/b/c": "2"}
    assert not bring(cache, md5, top, "data")
    assert is_kept(cache, top / "data")
    (top / "data/a").rename(top / "data/renamed")
    assert not is_kept(cache, top / "data")
    (top / "data/renamed").rename(top / "data/a")
    (top / "data/new").write_text("new")
    assert not is_kept(cache, top / "data")


def test_what_is_not_there_whole_changes_nothing(cache: Cache, tmp_path: Path, top: Path) -> None:
    md5 = kept(cache, tmp_path, {"a": "1", "b/c": "2"})
    (lost,) = (one.md5 for one in listed(cache, md5) if one.path == "b/c")
    cache.path_of(lost).unlink()
    assert lacking(cache, md5) == [lost]
    with pytest.raises(MissingData, match=rf"^not here: data \({lost}\)"):
        bring(cache, md5, top, "data")
    assert contents(top) == {}


def test_damaged_content_is_not_brought(cache: Cache, top: Path) -> None:
    md5 = put(cache, b"weights")
    cache.path_of(md5).chmod(0o644)
    cache.path_of(md5).write_bytes(b"garbage")
    (top / "model").write_text("before")
    with pytest.raises(DamagedRecord, match="is damaged"):
        bring(cache, md5, top, "model")
    assert contents(top) == {"model": "before"}


@pytest.mark.parametrize(
    "path",
    ["../x", "/x", "a/../../x", ".git/hooks/x", "a/.GIT/x", ".dvc/config", "", ".", "a\0b", "a\\..\\x"],
)
def test_no_path_leads_out(cache: Cache, tmp_path: Path, top: Path, path: str) -> None:
    assert not is_inside(path)
    md5 = put(cache, b"x")
    with pytest.raises(DamagedRecord):
        bring(cache, md5, top, path)
    list_md5 = put(cache, json.dumps([{"md5": md5, "relpath": path}]).encode(), ".dir")
    with pytest.raises(DamagedRecord):
        bring(cache, list_md5, top, "data")
    assert contents(top) == {}
    assert not (tmp_path / "x").exists()


def test_no_link_is_followed(cache: Cache, tmp_path: Path, top: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (top / "link").symlink_to(outside)
    md5 = put(cache, b"x")
    with pytest.raises(DamagedRecord, match="through the link link"):
        bring(cache, md5, top, "link/x")
    (top / "file").symlink_to(outside / "y")
    assert bring(cache, md5, top, "file")
    assert not (top / "file").is_symlink()
    assert list(outside.iterdir()) == []


NO_LISTS = [
    *(b"", b"{}", b"[1]", b'[{"relpath": "a"}]', b'[{"relpath": "a", "md5": "../x"}]'),
    b"[" * 100_000,
]


@pytest.mark.parametrize("content", NO_LISTS)
def test_what_is_no_list_is_refused(cache: Cache, top: Path, content: bytes) -> None:
    md5 = put(cache, content, ".dir")
    with pytest.raises(DamagedRecord):
        bring(cache, md5, top, "data")
