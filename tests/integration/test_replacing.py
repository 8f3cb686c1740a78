"""A file of the user's gets its new content whole or not at all, and stays what it is otherwise."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from gxt.capture.replacing import replace_content
from tests.crash.test_full_disk import needs_mounts


def test_the_content_is_exchanged_and_mode_and_owner_stay(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(b"old")
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 1234, 1235)
    before = path.stat()
    replace_content(path, b"new")
    after = path.stat()
    assert path.read_bytes() == b"new"
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    target = tmp_path / "shared" / "params.yaml"
    target.write_bytes(b"old")
    link = tmp_path / "params.yaml"
    link.symlink_to("shared/params.yaml")
    replace_content(link, b"new")
    assert (str(link.readlink()), target.read_bytes()) == ("shared/params.yaml", b"new")


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))  # a file that cannot grow beyond one block
    try:
        with pytest.raises(OSError, match="too large"):
            replace_content(path, b"x" * 10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"old", [path])


@pytest.mark.parametrize(("options", "code", "content"), [("bind", 0, b"new"), ("bind,ro", 1, b"old")])
@needs_mounts
def test_a_file_that_a_container_mounts_is_written_in_place(
    tmp_path: Path, options: str, code: int, content: bytes
) -> None:
    path, mounted = tmp_path / "params.yaml", tmp_path / "outside"
    path.write_bytes(b"")
    mounted.write_bytes(b"old")
    script = (
        "import sys; from pathlib import Path; from gxt.capture.replacing import replace_content\n"
        "try: replace_content(Path(sys.argv[1]), b'new')\nexcept OSError: sys.exit(1)"
    )
    mount = f'mount --bind "$2" "$1" && mount -o remount,{options} "$1" && exec "$3" -c "$4" "$1"'
    words = ["unshare", "-Urm", "sh", "-c", mount, "sh", str(path), str(mounted), sys.executable, script]
    assert subprocess.run(words, check=False).returncode == code
    assert mounted.read_bytes() == content
    assert sorted(tmp_path.iterdir()) == [mounted, path]


def test_a_file_with_two_names_changes_under_both_or_under_none(tmp_path: Path) -> None:
    path, other = tmp_path / "params.yaml", tmp_path / "other.yaml"
    path.write_bytes(b"old and longer")
    other.hardlink_to(path)
    replace_content(path, b"new")
    assert (path.read_bytes(), other.read_bytes(), path.samefile(other)) == (b"new", b"new", True)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            replace_content(path, b"x" * 10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (path.read_bytes(), other.read_bytes()) == (b"new", b"new")
