"""`gxt eval`: what is found of a run afterwards, shown, asked for, and taken back."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.scratch import normal
from tests.cli.test_annotating import check_sound, entries, said
from tests.conftest import data, git, gxt

EXPERIMENTS = "refs/gxt/experiments"
BY = "Ada Lovelace <ada@example.org>"


@pytest.fixture
def lab(history: Path, tmp_path: Path) -> Path:
    """Six runs to say something of."""
    return shutil.copytree(history, tmp_path / "lab")


def found(repo: Path, ref: str) -> list[dict[str, object]]:
    """The evaluations of a run without what differs from one moment to the next."""
    return [
        {key: value for key, value in one.items() if key not in {"id", "at"}}
        for one in data(repo, "show", ref)["evals"]
    ]


def test_what_was_found_is_shown_with_its_name_who_and_when(lab: Path) -> None:
    words = ("elo=1523", "elo_low=1490.25", "won=true", "judge=by hand", "--name", "vs-baseline")
    assert said(lab, "eval", "2", *words, "--step", "1000") == (
        "exp-002 vs-baseline: elo 1523, elo_low 1490.2, judge by hand, won true\n", "",
    )  # fmt: skip
    assert said(lab, "eval", "exp-2", "acc=.93") == ("exp-002 eval: acc 0.93\n", "")
    page = normal(gxt(lab, "show", "2").stdout)
    assert page[page.index("Evaluations") :].splitlines() == [
        "Evaluations",
        "  vs-baseline  step 1000  2001-02-03 04:05  Ada Lovelace",
        "    elo      1523",
        "    elo_low  1490.2",
        "    judge    by hand",
        "    won      true",
        "  eval  2001-02-03 04:05  Ada Lovelace",
        "    acc  0.93",
    ]
    values = {"elo": 1523, "elo_low": 1490.25, "judge": "by hand", "won": True}
    assert found(lab, "2") == [
        {"name": "vs-baseline", "by": BY, "step": 1000, "values": values},
        {"name": "eval", "by": BY, "step": None, "values": {"acc": 0.93}},
    ]
    assert entries(lab) == [
        "exp-002 evaluated eval: acc 0.93",
        "exp-002 evaluated vs-baseline: elo 1523, elo_low 1490.2, won true, judge by hand",
    ]
    check_sound(lab)


def test_a_rating_and_what_has_an_interval_are_metrics_of_the_run(lab: Path) -> None:
    def metrics() -> dict[str, float]:
        return {name: one for name, one in data(lab, "show", "2")["metrics"].items() if name not in logged}

    logged = dict(data(lab, "show", "2")["metrics"])
    taken = next(iter(logged))
    gxt(lab, "eval", "2", "elo=1523", "elo_low=1490", "elo_high=1556", "games=400", f"{taken}=7")
    gxt(lab, "eval", "1", "elo=1500")
    assert metrics() == {"elo": 1523, "elo_low": 1490, "elo_high": 1556}
    assert data(lab, "show", "2")["metrics"][taken] == logged[taken]
    found = gxt(lab, "list", "--where", "metrics.elo > 1510", "--columns", "id,metrics.elo").stdout
    assert found.split() == ["id", "metrics.elo", "exp-002", "1523"]
    (row,) = [line for line in gxt(lab, "diff", "1", "2").stdout.splitlines() if line.startswith("  elo")]
    assert row.split() == ["elo", "1500", "1523", "±", "33", "+23", "better,", "n=1"]
    gxt(lab, "eval", "2", "elo=1600", "acc=0.9", "acc/low=0.8", "acc/high=inf", "--name", "later")
    assert metrics() == {"elo": 1600, "acc": 0.9, "acc/low": 0.8, "acc/high": "Infinity"}
    gxt(lab, "eval", "2", "acc=0.5", "acc/low=0.4", "acc/high=0.6", "--name", "on other data")
    assert metrics() == {"elo": 1600}
    gxt(lab, "eval", "2", "--remove", "all")
    assert metrics() == {}


def test_a_file_may_be_nested_and_what_is_typed_wins_over_it(lab: Path) -> None:
    found_there = {
        "elo": 1,
        "games": {"won": 3, "lost": 1},
        "matches": [{"a": 1}, {"b": [2]}],
        "x": float("nan"),
    }
    (lab / "eval.json").write_text(json.dumps(found_there))
    values = {"elo": 1, "games": {"won": 4, "lost": 1}, "matches": [{"a": 1}, {"b": [2]}], "x": "NaN"}
    assert data(lab, "eval", "2", "--file", "eval.json", "games.won=4")["evals"][0]["values"] == values
    (lab / "eval.yml").write_text("acc: .inf\nphases:\n- first\n")
    run = data(lab, "eval", "2", "--file", "eval.yml", "--name", "y")
    assert run["evals"][1]["values"] == {"acc": "Infinity", "phases": ["first"]}
    (lab / "eval.toml").write_text("[games]\nwon = 1e-3\n")
    assert data(lab, "eval", "2", "--file", "eval.toml", "--name", "t")["evals"][2]["values"] == {
        "games": {"won": 0.001}
    }
    check_sound(lab)


@pytest.mark.parametrize("text", [b'{"val/acc": 1e-3}', b"val/acc: 0.001\n"])
def test_stdin_is_json_or_yaml(lab: Path, text: bytes) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gxt", "eval", "2", "--file", "-"], cwd=lab, input=text, capture_output=True,
        check=True,
    )  # fmt: skip
    assert done.stdout == b'exp-002 eval: ["val/acc"] 0.001\n'
    assert found(lab, "2")[0]["values"] == {"val/acc": 0.001}


def test_numbers_are_numbers_and_keys_nest_at_dots(lab: Path) -> None:
    words = ("a=nan", "b=-inf", "c=1e-3", "d=-3", "e=007", 'f="1"', "g.h=1", "i/j=2", 'k["l.m"]=[1, x]')
    assert data(lab, "eval", "2", *words)["evals"][0]["values"] == {
        "a": "NaN", "b": "-Infinity", "c": 0.001, "d": -3, "e": "007", "f": "1", "g": {"h": 1}, "i/j": 2,
        "k": {"l.m": [1, "x"]},
    }  # fmt: skip


def test_runs_are_found_and_sorted_by_what_was_found(lab: Path) -> None:
    for run, elo in (("1", "1490"), ("2", "1523"), ("3", "nan")):
        gxt(lab, "eval", run, f"elo={elo}", "test/acc=0.5", "--name", "vs-baseline")
    gxt(lab, "eval", "5", "elo=inf", "games.won=2")
    where = 'evals["vs-baseline"].elo > 1500'
    assert [run["id"] for run in data(lab, "list", "--where", where)] == ["exp-002"]
    assert [run["id"] for run in data(lab, "list", "--where", "evals.eval.elo > 9")] == ["exp-005"]
    assert gxt(
        lab, "list", "--sort", "-evals.vs-baseline.elo", "--limit", "3",
        "--columns", "id,evals.vs-baseline.elo,evals.vs-baseline.test.acc,evals.eval.games.won",
    ).stdout == (
        "id       evals.vs-baseline.elo  evals.vs-baseline.test.acc  evals.eval.games.won\n"
        "exp-002                   1523                         0.5\n"
        "exp-001                   1490                         0.5\n"
        "exp-006\n"
    )  # fmt: skip
    head = gxt(lab, "list", "--csv").stdout.splitlines()[0]
    assert [name for name in head.split(",") if "eval" in name] == [
        '"evals[""vs-baseline""].elo"',
        '"evals[""vs-baseline""][""test/acc""]"',
        "evals.eval.elo",
        "evals.eval.games.won",
    ]


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (
            ["--where", "evals.vs-baseline.elo > 1"],
            "'-' cannot stand in a plain name",
            'write evals["vs-baseline"]',
        ),
        (["--where", "evals.elo > 1"], "no run has evals.elo", 'did you mean evals["vs-baseline"].elo?'),
        (["--sort", "evals"], "evals needs a key", "write for example evals.NAME.acc"),
    ],
)
def test_a_name_that_nobody_has_is_told(lab: Path, words: list[str], message: str, hint: str) -> None:
    gxt(lab, "eval", "2", "elo=1523", "--name", "vs-baseline")
    lines = gxt(lab, "list", *words, code=2).stderr.splitlines()
    assert [lines[0], lines[-1]] == [f"gxt: {message}", f"     {hint}"]


def test_of_one_name_the_later_counts_and_the_earlier_stays_in_the_history(lab: Path) -> None:
    gxt(lab, "eval", "2", "elo=1")
    gxt(lab, "eval", "2", "acc=1", "--name", "other")
    gxt(lab, "eval", "2", "elo=2")
    tip = git(lab, "rev-parse", EXPERIMENTS)
    assert said(lab, "eval", "2", "elo=2") == ("exp-002 already has this evaluation eval\n", "")
    assert git(lab, "rev-parse", EXPERIMENTS) == tip
    assert [(one["name"], one["values"]) for one in found(lab, "2")] == [
        ("other", {"acc": 1}),
        ("eval", {"elo": 2}),
    ]
    lines = git(lab, "show", f"{EXPERIMENTS}:exp-0xx/exp-002/annotations.jsonl").splitlines()
    assert [json.loads(line)["values"] for line in lines] == [{"elo": 1}, {"acc": 1}, {"elo": 2}]
    gxt(lab, "eval", "2", "elo=2", "--step", "3")
    assert found(lab, "2")[-1]["step"] == 3


def test_what_is_taken_back_does_not_count_nor_does_what_it_had_replaced(lab: Path) -> None:
    for words in (["elo=1"], ["elo=2"], ["acc=1", "--name", "a"], ["acc=1", "--name", "b"]):
        gxt(lab, "eval", "2", *words)
    assert said(lab, "eval", "2", "--remove", "eval") == ("exp-002 evaluations: a, b\n", "")
    assert said(lab, "eval", "2", "--remove", "eval") == ("exp-002 has no evaluation eval\n", "")
    assert said(lab, "eval", "2", "--remove", "all") == ("exp-002 has no evaluations\n", "")
    assert said(lab, "eval", "2", "--remove", "all") == ("exp-002 has no evaluations\n", "")
    assert data(lab, "show", "2")["evals"] == []
    assert "Evaluations" not in gxt(lab, "show", "2").stdout
    assert entries(lab)[:2] == ["exp-002 takes back a, b", "exp-002 takes back eval"]
    check_sound(lab)


def test_what_acts_on_a_terminal_is_shown_as_text(lab: Path) -> None:
    (lab / "eval.json").write_text(json.dumps({"a\x1b[2J": "\x1b]0;owned\x07", "list": ["x" * 300]}))
    said_now = gxt(lab, "eval", "2", "--file", "eval.json").stdout
    page = gxt(lab, "show", "2").stdout
    assert "\x1b" not in said_now + page
    lines = page[page.index("Evaluations") :].splitlines()[2:]
    cut = '["' + "x" * 197 + "…"
    assert lines == [
        r'    ["a\u{1b}[2J"]  \u{1b}]0;owned\u{7}',
        f"    list            {cut}",
    ]


def test_secrets_are_not_kept_and_numbers_are(lab: Path) -> None:
    (lab / "eval.json").write_text('{"judge": {"api_key": "sk-abc", "model": "m"}, "token": 5}')
    run = data(lab, "eval", "2", "--file", "eval.json", "password=x", "acc_per_token=0.5")
    assert run["evals"][0]["values"] == {
        "judge": {"api_key": "[redacted]", "model": "m"},
        "token": 5,
        "password": "[redacted]",
        "acc_per_token": 0.5,
    }


def test_a_removed_run_takes_no_evaluation_and_comes_back_with_what_it_had(lab: Path) -> None:
    gxt(lab, "eval", "2", "acc=1")
    gxt(lab, "rm", "2")
    assert "was removed" in said(lab, "eval", "2", "acc=2", code=1)[1]
    gxt(lab, "rm", "--undo", "2")
    assert found(lab, "2")[0]["values"] == {"acc": 1}
    check_sound(lab)


ODD_FILES = {
    "empty": b"{}",
    "list": b"[1]",
    "torn": b"{torn",
    "odd": b"\xff",
    "deep": b'{"a":' * 33 + b"1" + b"}" * 33,
    "large": b'{"a": "' + b"x" * 2_000_000 + b'"}',
    "huge": b" " * (5 << 20),
}
NO_VALUE = "there is no value: write KEY=VALUE, for example elo=1523, or name a file with --file"
REFUSED = {
    "99 a=1": "no run '99': the latest is exp-006; gxt list shows all",
    "2": NO_VALUE,
    "elo=3": "no run is named: gxt eval @ elo=3, for the latest",
    "2 --file empty.json": NO_VALUE,
    "2 elo=": "'elo=' has no value: write elo=null, or for an empty text 'elo=\"\"'",
    "2 elo": "'elo' has no =: write KEY=VALUE, for example elo=1523",
    "2 =1": "'=1' has no key: write KEY=VALUE, for example elo=1523",
    "2 a..b=1": "'a..b' is no key: a key is missing after the dot: "
    'write for example model.dim or model["a.b"]',
    "2 a=1 --step x": "--step: 'x' is not a whole number: gxt eval --help tells how",
    "2 a=1 --name=": "a name cannot be empty: write a word, or some in quotes",
    "2 a=1 --name all": "all cannot be the name of an evaluation: --remove all takes back every one: "
    "choose another one",
    "2 a=1 --remove x": "--remove goes alone: take back first, then say it anew",
    "2 --file list.json": "list.json is not an object at the top: "
    "list.json has to hold an object: {name: value, …}",
    "2 --file none.json": "none.json cannot be read: No such file or directory: name another --file",
    "2 --file results.txt": "results.txt cannot be read: its name tells no format: "
    "the formats are .json, .yaml and .toml",
    "2 --file torn.json": "not valid JSON: torn.json, line 1, column 2: "
    "Expecting property name enclosed in double quotes: torn.json has to hold an object: {name: value, …}",
    "2 --file odd.json": "odd.json is no UTF-8 text: 'utf-8' codec can't decode byte 0xff in position 0: "
    "invalid start byte: convert it first: iconv",
    "2 --file deep.json": "the values are nested deeper than 32: keep a smaller part of them",
    "2 --file large.json": "an evaluation has 1 MiB at most, not 2000009 bytes: "
    "keep what sums it up, commit the rest to the repository, and note where it is",
    "2 --file huge.json": "huge.json has more than 4 MiB: "
    "commit a large file to the repository, and note where it is",
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_kept_is_refused(lab: Path, words: str) -> None:
    for name, content in ODD_FILES.items():
        (lab / f"{name}.json").write_bytes(content)
    tip = git(lab, "rev-parse", EXPERIMENTS)
    out, err = said(lab, "eval", *words.split(), code=2)
    assert (out, err.removeprefix("gxt: ").rstrip().replace("\n     ", ": ")) == ("", REFUSED[words])
    assert git(lab, "rev-parse", EXPERIMENTS) == tip
