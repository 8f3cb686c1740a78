"""`gxt output --follow`: every line, however fast they come and however late they are read."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gxt.store.console import Follower
from tests.conftest import data, gxt
from tests.crash.test_full_disk import needs_mounts

# Prints as many lines as it is told.
PRINTER = """
import os, sys
begin = 0
for word in os.fdopen(int(sys.argv[1])):
    for i in range(begin, begin + int(word)):
        print(f"{i:033}")
    begin += int(word)
    sys.stdout.flush()
"""
FILE = 8192  # lines that one file of the console holds


class Printing:
    """A run of `PRINTER`."""

    def __init__(self, process: subprocess.Popen[bytes], go: int) -> None:
        self.process = process
        self._go = go

    def lines(self, count: int) -> None:
        """Have it print so many; all but the last are recorded when this returns."""
        for one in (count - 1, 1):
            os.write(self._go, b"%d\n" % one)
            assert self.process.stdout
            for _ in range(one):
                self.process.stdout.readline()

    def end(self) -> None:
        """Let it come to its end."""
        os.close(self._go)
        assert self.process.stdout
        self.process.stdout.read()
        assert self.process.wait() == 0


@contextmanager
def printing(repo: Path) -> Iterator[Printing]:
    (repo / "printer.py").write_text(PRINTER)
    go_, go = os.pipe()
    command = [sys.executable, "-m", "gxt", "run", "-q", "--", sys.executable, "printer.py"]
    with subprocess.Popen([*command, str(go_)], cwd=repo, stdout=subprocess.PIPE, pass_fds=[go_]) as process:
        os.close(go_)
        yield Printing(process, go)


@contextmanager
def following(repo: Path) -> Iterator[Iterator[str]]:
    """The lines that a follower shows; it is not read before we ask."""
    with subprocess.Popen(
        [sys.executable, "-m", "gxt", "output", "--follow"], cwd=repo, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        yield process.stdout
        assert process.wait() == 0


def live_files(repo: Path) -> list[str]:
    return sorted(path.name for path in (repo / ".git/gxt/live").glob("*/output*"))


def test_it_begins_with_what_there_is_and_ends_with_the_run(repo: Path) -> None:
    with printing(repo) as run:
        run.lines(1)
        with following(repo) as seen:
            assert int(next(seen)) == 0
            assert gxt(repo, "output").stdout == f"{0:033}\n"
            run.lines(1)
            assert int(next(seen)) == 1
            run.end()
            assert list(seen) == []


def test_every_line_comes_however_fast_the_run_is_and_however_late_they_are_read(repo: Path) -> None:
    with printing(repo) as run:
        run.lines(1)
        with following(repo) as first, following(repo) as second:
            assert (int(next(first)), int(next(second))) == (0, 0)
            run.lines(8 * FILE)
            assert [int(next(second)) for _ in range(8 * FILE)] == list(range(1, 8 * FILE + 1))
            run.end()
            assert data(repo, "list", "--limit", "1")[0]["status"] == "completed"
            assert [int(line) for line in first] == list(range(1, 8 * FILE + 1))
            assert list(second) == []
    assert list((repo / ".git/gxt/live").iterdir()) == []


def test_without_a_follower_the_disk_holds_the_head_and_two_files(repo: Path) -> None:
    with printing(repo) as run:
        run.lines(5 * FILE)
        assert live_files(repo) == ["output.3", "output.4", "output.log"]
        with following(repo) as seen:
            assert [int(next(seen)) for _ in range(FILE)] == list(range(FILE))
            assert (
                next(seen)
                == "… output left out here: gxt keeps the first and the last 512 KiB, times included …\n"
            )
            assert [int(next(seen)) for _ in range(2 * FILE)] == list(range(3 * FILE, 5 * FILE))
            run.lines(3 * FILE)
            run.end()
            assert [int(line) for line in seen] == list(range(5 * FILE, 8 * FILE))


def test_a_run_that_has_ended_is_shown(history: Path) -> None:
    assert gxt(history, "output", "4", "--follow").stdout == "one\ttwo\nbad\n"


def test_a_run_that_is_killed_is_followed_to_its_last_line(repo: Path) -> None:
    with printing(repo) as run:
        run.lines(1)
        with following(repo) as seen:
            assert int(next(seen)) == 0
            run.lines(4 * FILE)
            run.process.kill()
            assert [int(line) for line in seen][: 4 * FILE - 1] == list(range(1, 4 * FILE))
    assert data(repo, "show")["status"] == "interrupted"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives directories away")
def test_a_follower_makes_no_file_in_the_run_of_another_user(tmp_path: Path) -> None:
    os.chown(tmp_path, 1234, 1234)
    with pytest.raises(FileNotFoundError):
        Follower(tmp_path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "output.log").write_bytes(b"a line\n")
    follower = Follower(tmp_path)
    assert follower.read() == b"a line\n"
    follower.close()


@needs_mounts
@pytest.mark.parametrize(("printed", "said"), [(True, "a line\n"), (False, "not yet\n")])
def test_a_run_on_a_read_only_file_system_is_followed(tmp_path: Path, printed: bool, said: str) -> None:
    if printed:
        (tmp_path / "output.log").write_text("a line\n")
    script = (
        "import sys; from pathlib import Path; from gxt.store.console import Follower\n"
        "try: print(Follower(Path(sys.argv[1])).read().decode(), end='')\n"
        "except FileNotFoundError: print('not yet')"
    )
    mount = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec "$2" -c "$3" "$1"'
    words = ["unshare", "-Urm", "sh", "-c", mount, "sh", str(tmp_path), sys.executable, script]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == said
