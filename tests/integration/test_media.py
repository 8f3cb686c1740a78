"""What scripts log besides numbers: histograms, pictures, tables, texts; kept as outputs of the run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from gxt.data.place import find_cache
from gxt.git.repository import discover
from tests.conftest import data, gxt


def script(repo: Path, code: str, *, wrapped: bool = True) -> str:
    """Run a script under `gxt run` or alone; what it was told."""
    (repo / "t.py").write_text(f"import gxt\n{code}\n")
    before = [sys.executable, "-m", "gxt", "run", "-q", "--"] if wrapped else []
    done = subprocess.run(
        [*before, sys.executable, "t.py"], cwd=repo, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def kept(repo: Path) -> list[tuple[Any, ...]]:
    keys = ("name", "path", "kind", "step")
    return [tuple(one[key] for key in keys) for one in data(repo, "show")["artifacts"]]


def content(repo: Path, at: int = 0) -> bytes:
    md5 = data(repo, "show")["artifacts"][at]["md5"]
    return find_cache(discover(repo)).path_of(md5).read_bytes()


HISTOGRAMS = """
gxt.log_histogram("weights/a", counts=[1], edges=[0, 1])
gxt.log({"loss": 1}, step=7)
gxt.log_histogram("weights/a", [0, 1.0])
gxt.log_histogram("weights/a", counts=[3], edges=[0, 1], step=2)
gxt.log_histogram("b c", counts=[4], edges=[0, 1])
"""


def read(repo: Path, at: int = 0) -> list[tuple[int, int, list[float]]]:
    lines = [json.loads(line) for line in content(repo, at).splitlines()]
    return [(line["step"], sum(line["counts"]), line["edges"][-1:]) for line in lines]


def test_histograms_of_one_name_are_one_output(repo: Path) -> None:
    for wrapped in (True, False):
        assert script(repo, HISTOGRAMS, wrapped=wrapped) == ""
        assert kept(repo) == [
            ("media/weights/a", ".gxt/out/media/weights/a.jsonl", "histogram", None),
            ("media/b c", ".gxt/out/media/b-c.jsonl", "histogram", None),
        ]
        assert read(repo) == [(0, 1, [1]), (7, 2, [1]), (2, 3, [1])]
        assert read(repo, 1) == [(7, 4, [1])]


def test_processes_that_log_one_histogram_write_into_one_output(repo: Path) -> None:
    code = """
import os
gxt.log_histogram("a", counts=[1], edges=[0, 1])
if os.fork() == 0:
    gxt.log_histogram("a", counts=[2], edges=[0, 1], step=1)
    gxt.log_histogram("b", counts=[3], edges=[0, 1], step=1)
    os._exit(0)
os.wait()
gxt.log_histogram("b", counts=[4], edges=[0, 1], step=2)
"""
    script(repo, code)
    assert [name for name, *_ in kept(repo)] == ["media/a", "media/b"]
    assert (read(repo), read(repo, 1)) == ([(0, 1, [1]), (1, 2, [1])], [(1, 3, [1]), (2, 4, [1])])


def test_histograms_survive_a_kill(repo: Path) -> None:
    code = f"import os, signal\n{HISTOGRAMS}\nos.kill(os.getpid(), signal.SIGKILL)"
    (repo / "t.py").write_text(f"import gxt\n{code}\n")
    subprocess.run([sys.executable, "t.py"], cwd=repo, check=False)
    assert "exp-001 was interrupted" in gxt(repo, "list").stderr
    assert read(repo) == [(0, 1, [1]), (7, 2, [1]), (2, 3, [1])]


def test_what_is_no_histogram_is_one_warning(repo: Path) -> None:
    told = script(repo, "for x in 'ab': gxt.log_histogram('a', x)")
    assert told == (
        "gxt: log_histogram: a histogram counts numbers, not a str (write for example "
        'gxt.log_histogram("weights", values), or counts=[3, 1], edges=[0, 0.5, 1]); the training goes on\n'
    )
    assert kept(repo) == []


def test_pictures_tables_and_texts_are_outputs_with_the_step_of_the_last_log(repo: Path) -> None:
    code = """
gxt.log_text("note", "before")
gxt.log({"loss": 1}, step=7)
gxt.log_image("samples/cat", [[0, 255]])
gxt.log_table("errors", [{"image": "a.png", "loss": 0.5}])
gxt.log_text("note", "after", step=9)
"""
    for wrapped in (True, False):
        assert script(repo, code, wrapped=wrapped) == ""
        assert kept(repo) == [
            ("media/note", ".gxt/out/media/note.1.txt", "text", None),
            ("media/samples/cat", ".gxt/out/media/samples/cat.png", "image", 7),
            ("media/errors", ".gxt/out/media/errors.csv", "table", 7),
            ("media/note", ".gxt/out/media/note.txt", "text", 9),
        ]
        assert [content(repo, at) for at in (0, 2, 3)] == [b"before", b"image,loss\na.png,0.5\n", b"after"]


def test_the_page_of_a_run_shows_the_last_of_each_name(repo: Path) -> None:
    code = """
for step in range(20):
    gxt.log_text("note", str(step), step)
    gxt.log_table("rows", [[step]], step=step)
gxt.log_text("once", "said")
"""
    script(repo, code)
    page = gxt(repo, "show").stdout.partition("Outputs\n")[2].splitlines()
    assert [" ".join(line.split()) for line in page] == [
        "name step size",
        "media/note 19 2 B and 19 earlier, .gxt/out/media/note.txt",
        "media/rows 19 3 B and 19 earlier, .gxt/out/media/rows.csv",
        "media/once 4 B .gxt/out/media/once.txt",
    ]
    assert len(kept(repo)) == 41


def test_a_name_comes_first(repo: Path) -> None:
    told = script(repo, "gxt.log_image([[0]], 'cat'); gxt.log_text('a', 'b')")
    assert told == (
        "gxt: log_image: a name is a text, not a list (the name comes first, then what is logged); "
        "the training goes on\n"
    )
    assert kept(repo) == [("media/a", ".gxt/out/media/a.txt", "text", None)]
