"""`gxt plot`: pictures into files, in the terminal, as numbers."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.cli.scratch import Terminal, tagged
from tests.conftest import data, gxt


def test_a_picture_goes_into_a_file_in_the_format_of_its_name(history: Path, tmp_path: Path) -> None:
    target = tmp_path / "curves.pdf"
    done = gxt(history, "plot", "curves", "1", "2", "-o", str(target))
    assert (done.stdout, done.stderr) == ("", f"wrote {target}\n")
    assert target.read_bytes().startswith(b"%PDF-")


def test_on_a_terminal_the_picture_is_drawn_there(history: Path) -> None:
    shown = tagged(Terminal(history, 50).show("plot", "curves", "2", "--metric", "val/acc"))
    lines = shown.splitlines()
    assert lines[0] == "<bold>val/acc, exp-002 higher rate</><dim>  val/acc (higher is better)</>"
    assert len(lines) == 20
    assert "<cyan>" in lines[1]
    assert lines[-1].replace("<dim>", "").replace("</>", "").strip() == "step"


def test_in_a_pipe_it_is_said_what_to_do(history: Path) -> None:
    done = gxt(history, "plot", "curves", "2", code=2)
    assert (done.stdout, done.stderr) == (
        "",
        "gxt: there is no terminal to draw in\n     gxt plot curves -o picture.png, or --json for numbers\n",
    )


def test_the_tree_in_a_terminal_is_that_of_gxt_tree(history: Path) -> None:
    terminal = Terminal(history, 80)
    assert terminal.show("plot", "tree", "2") == terminal.show("tree", "2")


def test_json_holds_the_lines_as_numbers(history: Path) -> None:
    assert data(history, "plot", "curves", "2", "--metric", "val/acc", "--metric", "odd") == {
        "kind": "curves",
        "file": None,
        "panels": [
            {
                "title": "val/acc, exp-002 higher rate",
                "x": "step",
                "y": "val/acc (higher is better)",
                "lines": [
                    {
                        "label": "exp-002 higher rate: val/acc",
                        "x": [0.0, 1.0, 2.0],
                        "y": [0.5, 0.575, 0.65],
                    }
                ],
                "bars": [],
                "map": None,
            },
            {
                "title": "odd, exp-002 higher rate",
                "x": "step",
                "y": "odd",
                "lines": [{"label": "exp-002 higher rate: odd", "x": [7.0, 5.0], "y": ["NaN", "NaN"]}],
                "bars": [],
                "map": None,
            },
        ],
    }


@pytest.mark.parametrize("kind", ["compare", "architectures"])
def test_runs_that_match_a_condition_are_drawn(history: Path, kind: str) -> None:
    where = ("--where", 'metrics["val/acc"] > 0.53')
    by = ("--by", "params.lr") if kind == "architectures" else ()
    (panel, *_) = data(history, "plot", kind, "--metric", "val/acc", *where, *by)["panels"]
    assert sorted(line["x"] for line in panel["lines"]) == [[0.55], [0.65]]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["curves", "--by", "params.lr"], "--by is not an option of curves"),
        (["tree", "1", "2"], "a tree has one root"),
        (["compare"], "a comparison needs two runs or more"),
        (["curves", "1", "--where", "status == 'failed'"], "both ids and --where name runs"),
        (["curves", "--where", "status == 'running'"], "no run matches"),
        (["curves", "--smooth", "1"], "--smooth: '1' is no weight from 0 to below 1, for example 0.9"),
        (["curves", "-o", "curves.jpg"], "curves.jpg cannot be drawn: its name tells no format"),
        (["curves", "2", "-o", "no/such/place.png"], "no/such/place.png cannot be written: No such file"),
    ],
)
def test_what_cannot_be_drawn_is_refused(history: Path, words: list[str], said: str) -> None:
    done = gxt(history, "plot", *words, *([] if "-o" in words else ["--json"]), code=2)
    assert said in (done.stderr if "-o" in words else done.stdout.replace('\\"', '"'))


def test_what_is_left_out_is_told_once(history: Path) -> None:
    words = ("plot", "compare", "1", "2", "--metric", "odd")
    told = ["exp-001: odd is -Infinity: left out", "exp-002: odd is -Infinity: left out"]
    done = gxt(history, *words, "--json")
    assert (json.loads(done.stdout)["notices"], done.stderr) == (told, "")


def test_without_matplotlib_the_command_that_brings_it_is_named(history: Path, tmp_path: Path) -> None:
    (tmp_path / "matplotlib.py").write_text("raise ImportError(name='matplotlib')\n")
    done = gxt(history, "plot", "curves", "-o", "x.png", code=1, PYTHONPATH=str(tmp_path))
    assert done.stderr == (
        "gxt: pictures need matplotlib, which is not installed\n     pip install 'gxt[plot]'\n"
    )


def test_without_a_display_a_window_is_refused(history: Path) -> None:
    done = gxt(history, "plot", "curves", "2", "--show", code=2, DISPLAY="", MPLBACKEND="")
    if sys.platform == "linux":
        assert done.stderr == (
            "gxt: there is no display to show it on\n     write it into a file with -o picture.png\n"
        )
