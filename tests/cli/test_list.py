"""`gxt list`: which runs, in which order, in which columns and formats."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.scratch import Terminal, add_runs, new_repository, normal, tagged
from tests.conftest import data, gxt

WHOLE = """\
id       parent   status     val/acc  train_loss        odd  name         created            took  tags
exp-006           completed                                  baseline     2001-02-03 04:05  0.0 s
exp-005  exp-001  completed    0.525      6.6667  -Infinity  wider        2001-02-03 04:05  0.0 s
exp-004  exp-001  failed                                     fails        2001-02-03 04:05  0.0 s
exp-003  exp-002  completed    0.525      6.6667  -Infinity  lower rate   2001-02-03 04:05  0.0 s
exp-002  exp-001  completed     0.65      1.1111  -Infinity  higher rate  2001-02-03 04:05  0.0 s
exp-001           completed     0.55      3.3333  -Infinity  baseline     2001-02-03 04:05  0.0 s  first two words
"""  # noqa: E501 a table that is as wide as it is


def test_newest_first_with_the_main_metric(history: Path) -> None:
    done = gxt(history, "list")
    assert normal(done.stdout) == WHOLE
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (["--limit", "2"], "6 5"),
        (["--tag", "first"], "1"),
        (["--tag", "first", "--tag", "two words"], "1"),
        (["--tag", "first", "--tag", "other"], ""),
        (["--where", "params.lr == 0.05"], "5 4 3"),
        (["--where", "metrics['val/acc'] > 0.53 and params.model.type == 'mlp'"], "2 1"),
        (["--where", "status in ('failed', 'interrupted') or name == 'wider'"], "5 4"),
        (["--where", "not (metrics.train_loss < 100)"], "6 4"),
        (["--where", "'first' in tags"], "1"),
        (["--where", "params.model.width > 64", "--tag", "first"], ""),
        (["--sort", "-val/acc"], "2 1 5 3 6 4"),
        (["--sort", "val/acc"], "5 3 1 2 6 4"),
        (["--sort", "params.model.width desc", "--limit", "2"], "5 6"),
        (["--sort", "name", "--where", "name > ''"], "6 1 4 5"),
    ],
)
def test_which_runs_and_in_which_order(history: Path, words: list[str], ids: str) -> None:
    found = data(history, "list", *words)
    assert " ".join(run["id"].removeprefix("exp-00") for run in found) == ids


def test_the_columns_that_were_asked_for(history: Path) -> None:
    done = gxt(
        history, "list", "--columns", 'id,params.model.width,val/acc,tags,metrics["odd"]', "--limit", "3"
    )
    assert done.stdout == (
        'id       params.model.width  val/acc  tags  metrics["odd"]\n'
        "exp-006                  64\n"
        "exp-005                 128    0.525        -Infinity\n"
        "exp-004                  64\n"
    )


def test_a_column_that_only_an_older_run_has_is_empty(history: Path) -> None:
    done = gxt(history, "list", "--columns", "id,params.seed", "--limit", "1")
    assert done.stdout == "id       params.seed\nexp-006\n"


def test_took_is_a_name_as_it_is_a_column(history: Path) -> None:
    words = ["list", "--columns", "id,took", "--where", "0 < took < 3600", "--sort", "-took"]
    lines = normal(gxt(history, *words).stdout).splitlines()
    assert lines[0] == "id        took"
    assert sorted(lines[1:]) == [f"exp-00{number}  0.0 s" for number in range(1, 7)]
    exact = gxt(history, "list", "--columns", "took", "--csv", "--limit", "1").stdout
    assert exact == f"took\n{data(history, 'list')[0]['duration_s']}\n"


def test_csv_is_exact_and_has_every_parameter_and_metric(history: Path) -> None:
    rows = list(csv.reader(io.StringIO(gxt(history, "list", "--csv", "--where", "metrics.odd < 0").stdout)))
    head = "id name status parent tags created duration_s params.lr params.model.type params.model.width"
    assert rows[0] == [*head.split(), "params.seed", "metrics.train_loss", "metrics.val/acc", "metrics.odd"]
    exact = [[*row[:5], *row[7:]] for row in rows[1:]]
    assert exact == [
        ["exp-005", "wider", "completed", "exp-001", "", "0.05", "mlp", "128", "",
         "6.666666666666666", "0.525", "-Infinity"],
        ["exp-003", "", "completed", "exp-002", "", "0.05", "mlp", "64", "",
         "6.666666666666666", "0.525", "-Infinity"],
        ["exp-002", "", "completed", "exp-001", "", "0.3", "mlp", "64", "",
         "1.1111111111111112", "0.65", "-Infinity"],
        ["exp-001", "baseline", "completed", "", "first two words", "0.1", "mlp", "64", "3",
         "3.333333333333333", "0.55", "-Infinity"],
    ]  # fmt: skip


def test_csv_of_chosen_columns_is_exact(history: Path) -> None:
    done = gxt(history, "list", "--csv", "--columns", "id,train_loss", "--limit", "2")
    assert done.stdout == "id,train_loss\nexp-006,\nexp-005,6.666666666666666\n"


def test_markdown(history: Path) -> None:
    assert normal(gxt(history, "list", "--md", "--limit", "2").stdout) == (
        "| id | parent | status | val/acc | train\\_loss | odd | name | created | took | tags |\n"
        "| --- | --- | --- | ---: | ---: | ---: | --- | --- | ---: | --- |\n"
        "| exp-006 |  | completed |  |  |  | baseline | 2001-02-03 04:05 | 0.0 s |  |\n"
        "| exp-005 | exp-001 | completed | 0.525 | 6.6667 | -Infinity | wider "
        "| 2001-02-03 04:05 | 0.0 s |  |\n"
    )


def test_nothing_to_list_is_said_on_stderr(history: Path, repo: Path) -> None:
    for where, words, said in (
        (repo, [], "no runs yet: gxt run -- python train.py\n"),
        (history, ["--tag", "none"], "no run matches\n"),
        (history, ["--where", "params.lr > 9"], "no run matches\n"),
    ):
        done = gxt(where, "list", *words)
        assert (done.stdout, done.stderr) == ("", said)


def test_an_empty_repository_gives_an_empty_table_to_programs(repo: Path) -> None:
    assert data(repo, "list") == []
    assert gxt(repo, "list", "--csv").stdout == "id,name,status,parent,tags,created,duration_s\n"


def test_a_wide_terminal_shows_everything_in_colour(history: Path) -> None:
    shown = normal(Terminal(history, 120).show("list", "--where", "name == 'fails' or name == 'wider'"))
    head, wider, fails = tagged(shown).splitlines()
    assert head.replace("<dim>", "").replace("</>", "") == (
        "id       parent   status     val/acc  train_loss        odd  name   created            took  tags"
    )
    assert wider == (
        "<cyan>exp-005</>  <dim>exp-001</>  <green>completed</>    0.525      6.6667  -Infinity  wider  "
        "<dim>2001-02-03 04:05</>  <dim>0.0 s</>"
    )
    assert fails == (
        "<cyan>exp-004</>  <dim>exp-001</>  <red>failed</>                                     fails  "
        "<dim>2001-02-03 04:05</>  <dim>0.0 s</>"
    )


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (80, """\
id       parent   status     val/acc  …in_loss        odd  name         tags
exp-002  exp-001  completed     0.65    1.1111  -Infinity  higher rate
exp-001           completed     0.55    3.3333  -Infinity  baseline     first t…
"""),
        (60, """\
id       parent   status     val/acc  name         tags
exp-002  exp-001  completed     0.65  higher rate
exp-001           completed     0.55  baseline     first tw…
"""),
        (36, """\
id       status     val/acc  name
exp-002  completed     0.65  higher…
exp-001  completed     0.55  baseli…
"""),
    ],
)  # fmt: skip
def test_a_narrow_terminal_keeps_id_and_main_metric(history: Path, width: int, text: str) -> None:
    where = "metrics['val/acc'] > 0.53"
    assert Terminal(history, width).show("list", "--where", where, NO_COLOR="1") == text


def test_no_color_and_dumb_terminals_get_no_escapes(history: Path) -> None:
    plain = normal(Terminal(history, 120).show("list", NO_COLOR="1"))
    assert plain == WHOLE
    assert normal(Terminal(history, 120).show("list", TERM="dumb")) == plain


def test_a_terminal_shows_the_newest_twenty_and_says_so(tmp_path: Path) -> None:
    repo = new_repository(tmp_path / "repo")
    add_runs(repo, [None] * 21)
    lines = Terminal(repo, 100).show("list", NO_COLOR="1").splitlines()
    assert [line.split()[0] for line in lines[1:-1]] == [f"exp-{number:03d}" for number in range(21, 1, -1)]
    assert lines[-1] == "the newest 20: gxt list --limit N shows more"
    assert len(gxt(repo, "list").stdout.splitlines()) == 22


def test_the_list_is_the_same_with_and_without_its_index(tmp_path: Path) -> None:
    repo = new_repository(tmp_path / "repo")
    gxt(repo, "run", "-q", "--", "true")
    before = gxt(repo, "list").stdout
    for index in (repo / ".git" / "gxt").glob("index*"):
        index.write_bytes(b"not a database")
    assert gxt(repo, "list").stdout == before


@pytest.mark.parametrize("words", [["list"], ["list", "--json"], ["show"], ["tree"], ["--help"]])
def test_a_reader_that_has_enough_ends_the_command_quietly(history: Path, words: list[str]) -> None:
    command = subprocess.Popen(
        [sys.executable, "-m", "gxt", *words], cwd=history, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert command.stdout
    assert command.stderr
    command.stdout.close()
    assert (command.stderr.read(), command.wait()) == (b"", 141)
    command.stderr.close()


def test_running_runs_are_on_top(repo: Path) -> None:
    done = gxt(repo, "run", "-q", "--", "python", "-m", "gxt", "list", "--columns", "id,status")
    assert done.stdout == "id       status\nexp-001  running\n"


def test_a_pipe_gets_titles_whole_and_the_other_rows_where_they_were(repo: Path) -> None:
    long = "x" * 70
    gxt(repo, "run", "-q", "--name", long, "--", "true")
    gxt(repo, "run", "-q", "--name", "short", "--", "true")
    assert normal(gxt(repo, "list").stdout).splitlines()[1:] == [
        f"exp-002  exp-001  completed  {'short':<60}  2001-02-03 04:05  0.0 s",
        f"exp-001           completed  {long}  2001-02-03 04:05  0.0 s",
    ]
    shown = Terminal(repo, 120).show("list", NO_COLOR="1").splitlines()
    assert shown[2].startswith(f"exp-001           completed  {'x' * 59}…  20")


def test_csv_quotes_newlines_and_markdown_has_none(repo: Path) -> None:
    message = 'one, "two"\n\tthree\r\n=4'
    gxt(repo, "run", "-q", "-m", message, "--", "true")
    text = gxt(repo, "list", "--csv", "--columns", "id,message").stdout
    assert text == 'id,message\nexp-001,"one, ""two""\n\tthree\\u{d}\n=4"\n'
    assert list(csv.reader(io.StringIO(text)))[1][1] == message.replace("\r", "\\u{d}")
    marked = gxt(repo, "list", "--md", "--columns", "message").stdout
    assert marked == '| message |\n| --- |\n| one, "two" three =4 |\n'
