"""Folders that somebody else has made: nothing outside of them is read, nothing in them is waited for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gxt.data.received import Content, Received, below, received
from gxt.errors import DamagedRecord


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "folder"
    (inside / "deep").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (inside / "file").write_text("text")
    (inside / "deep/file").write_text("deep")
    (inside / "link").symlink_to("../secret")
    (inside / "away").symlink_to("..")
    os.mkfifo(inside / "pipe")
    os.utime(inside / "file", ns=(0, 1_700_000_000_123_456_000))
    return inside


def test_a_file_is_read_with_its_time(folder: Path) -> None:
    with received(folder) as place:
        assert place.read("file", 4) == Content(b"text", 1_700_000_000_123_456)
        assert (place.has_file("file"), place.has_folder("deep"), place.has_file("deep")) == (
            True,
            True,
            False,
        )
        with pytest.raises(DamagedRecord, match="more than 3 bytes"):
            place.read("file", 3)


@pytest.mark.parametrize("name", ["link", "pipe", "deep", "none", "n" * 300])
def test_what_is_no_file_is_not_there(folder: Path, name: str) -> None:
    with received(folder) as place:
        assert (place.read(name, 100), place.has_file(name)) == (None, False)


@pytest.mark.parametrize("name", ["away", "file", "link", "none"])
def test_what_is_no_folder_is_not_there(folder: Path, name: str) -> None:
    with received(folder) as place, place.folder(name) as inner:
        assert (inner, place.has_folder(name)) == (None, False)


@pytest.mark.parametrize("name", ["..", ".", "", "deep/file", "/etc/passwd", "a\0b"])
def test_a_name_that_leads_elsewhere_is_refused(folder: Path, name: str) -> None:
    with received(folder) as place, pytest.raises(DamagedRecord, match="is no name of a file"):
        place.read(name, 100)


def test_a_path_is_followed_folder_by_folder(folder: Path) -> None:
    def text(place: Received, path: str) -> bytes | None:
        with below(place, path) as handle:
            return os.read(handle, 100) if handle is not None else None

    with received(folder) as place:
        found = {path: text(place, path) for path in ("deep/file", "away/secret", "deep/none", "none/file")}
    assert found == {"deep/file": b"deep", "away/secret": None, "deep/none": None, "none/file": None}
