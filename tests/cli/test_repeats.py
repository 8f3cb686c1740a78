"""`gxt run --repeats`: seeds, groups, failures, interrupts; lists, trees and differences of groups."""

from __future__ import annotations

import csv
import io
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.scratch import environment, normal
from tests.conftest import data, git, gxt

# a mean of 1 + lift, and a spread that the seeds 0, 1, 2 give exactly
TRAIN = """\
import os
import sys

import gxt

seed = int(os.environ["GXT_SEED"])
gxt.log({"acc": 1 + float(sys.argv[1]) + (seed - 1) / 10})
"""


def scratch(root: Path) -> Path:
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    (root / "train.py").write_text(TRAIN)
    git(root, "add", ".")
    git(root, "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-q", "-m", "first")
    return root


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return scratch(tmp_path / "lab")


@pytest.fixture(scope="module")
def groups(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three repeats and three more that derive from them; nobody writes to it."""
    root, env = (
        scratch(tmp_path_factory.mktemp("groups") / "lab"),
        environment(tmp_path_factory.mktemp("home")),
    )
    for lift, words in (("0", ["-m", "plain"]), ("0.5", ["--name", "lifted", "--tag", "good"])):
        command = [sys.executable, "-m", "gxt", "run", "-q", "--repeats", "3", *words]
        subprocess.run([*command, "--", "python", "train.py", lift], cwd=root, env=env, check=True)
    return root


def facts(repo: Path) -> list[tuple[Any, ...]]:
    """Of each run, oldest first: its id, status, seed, place among the repeats and parent."""
    keys = ("id", "status", "seed", "repeat", "parent")
    return [tuple(run[key] for key in keys) for run in reversed(data(repo, "list"))]


def test_repeats_have_one_parent_one_group_and_a_seed_each(lab: Path) -> None:
    gxt(lab, "run", "-q", "--seed", "5", "--", "python", "train.py", "0")
    done = gxt(lab, "run", "--repeats", "2", "--", "python", "train.py", "0.5", "--seed", "{seed}")
    assert facts(lab) == [
        ("exp-001", "completed", 5, None, None),
        ("exp-002", "completed", 0, {"index": 1, "of": 2}, "exp-001"),
        ("exp-003", "completed", 1, {"index": 2, "of": 2}, "exp-001"),
    ]
    second, first, single = data(lab, "list")
    assert single["group"] is None
    assert first["group"] == second["group"] != first["uid"]
    assert (first["params"], second["params"]) == ({"seed": 0}, {"seed": 1})
    assert data(lab, "base")["id"] == "exp-002"
    *lines, last = normal(done.stderr).splitlines()
    assert lines == [
        "exp-002 ← exp-001  repeat 1 of 2, seed 0  seed absent → 0",
        "exp-002 completed in 0.0 s  acc 1.4 (±0)  → gxt diff exp-001 exp-002",
        "exp-003 ← exp-001  repeat 2 of 2, seed 1  seed absent → 1",
        "exp-003 completed in 0.0 s  acc 1.5 (+0.1 better, n=1)  → gxt diff exp-001 exp-003",
    ]
    told = "+0.05 not sure, n=1 and 2: some 31 more of each would tell"
    assert last == f"exp-002+1: 2 completed  acc 1.45 ± 0.05 (2) ({told})  → gxt diff exp-001 exp-002+1"


def test_repeats_at_once_are_told_apart_by_their_seeds(lab: Path) -> None:
    script = "echo out of {seed}; echo err >&2; printf open"
    done = gxt(lab, "run", "-q", "--repeats", "3", "-j", "3", "--seed", "7", "--", "sh", "-c", script)
    assert sorted(done.stdout.splitlines()) == sorted(
        line for seed in (7, 8, 9) for line in (f"[seed {seed}] out of {seed}", f"[seed {seed}] open")
    )
    assert sorted(done.stderr.splitlines()) == [f"[seed {seed}] err" for seed in (7, 8, 9)]
    assert sorted((seed, place["index"], parent) for _, _, seed, place, parent in facts(lab)) == [
        (7, 1, None),
        (8, 2, None),
        (9, 3, None),
    ]
    assert len({run["group"] for run in data(lab, "list")}) == 1


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_repeat_that_fails_stops_no_other_and_gives_the_exit_code(lab: Path, jobs: str) -> None:
    script = "exit $(( GXT_SEED == 0 ? 0 : GXT_SEED + 2 ))"
    done = gxt(lab, "run", "--repeats", "3", "-j", jobs, "--", "sh", "-c", script, code=3)
    assert sorted((run["seed"], run["exit_code"]) for run in data(lab, "list")) == [(0, 0), (1, 3), (2, 4)]
    counts = done.stderr.splitlines()[-1].partition(": ")[2]
    assert sorted(counts.partition("  ")[0].split(", ")) == ["1 completed", "2 failed"]
    assert data(lab, "base")["seed"] == 0


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupt_stops_all_and_says_what_is_recorded(lab: Path, jobs: str) -> None:
    script = "import gxt, signal; gxt.log({'loss': 1.0}); print('ready', flush=True); signal.pause()"
    command = [sys.executable, "-m", "gxt", "run", "--repeats", "4", "-j", jobs, "--", "python", "-c", script]
    process = subprocess.Popen(command, cwd=lab, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(int(jobs)):
        assert process.stdout.readline().endswith("ready\n")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode in (-signal.SIGINT, 130)
    assert [run["status"] for run in data(lab, "list")] == ["interrupted"] * int(jobs)
    group = "exp-001 interrupted" if jobs == "1" else "exp-001+1: 2 interrupted"
    assert said.splitlines()[-1].startswith(f"{group}  {4 - int(jobs)} not started")


def test_an_interrupt_of_a_command_that_ends_well_begins_no_other(lab: Path) -> None:
    script = "import signal as s; s.signal(2, lambda *_: exit(0)); print('ready', flush=True); s.pause()"
    command = [sys.executable, "-m", "gxt", "run", "--repeats", "3", "--", "python", "-c", script]
    process = subprocess.Popen(command, cwd=lab, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said.splitlines()[-1]) == (0, "exp-001 completed  2 not started")


def test_more_repeats_join_a_group_with_the_seeds_that_follow(lab: Path) -> None:
    gxt(lab, "run", "-q", "--repeats", "2", "--", "python", "train.py", "0")
    gxt(lab, "run", "-q", "--parent", "none", "--seed", "0", "--", "python", "train.py", "9")
    gxt(lab, "run", "-q", "--repeats", "2", "--group", "1", "--", "python", "train.py", "0")
    assert facts(lab)[3:] == [
        ("exp-004", "completed", 2, {"index": 3, "of": 4}, None),
        ("exp-005", "completed", 3, {"index": 4, "of": 4}, None),
    ]
    assert data(lab, "show", "5+")["id"] == "exp-001+3"
    failed = gxt(lab, "run", "--repeats", "2", "--group", "3", "--", "true", code=2)
    assert failed.stderr.startswith("gxt: exp-003 is no repeat: it has no group that others could join\n")


def test_jobs_of_a_cluster_make_a_group_together(lab: Path) -> None:
    group = "01J9ZC4Q6W3T2Y8V5N7M1K0H4G"
    for place in (1, 2):
        words = ("--group", group, "--repeat", f"{place}/2", "--seed", str(place), "--parent", "none")
        gxt(lab, "run", "-q", *words, "--", "python", "train.py", "0")
    assert data(lab, "show", group)["repeats"]["metrics"]["acc"]["n"] == 2


def test_one_of_the_repeats_is_not_all_of_them(lab: Path) -> None:
    done = gxt(lab, "run", "--repeats", "2", "--repeat", "1/2", "--", "true", code=2)
    assert done.stderr == (
        "gxt: --repeat is one of the repeats, --repeats all of them\n     leave out one of them\n"
    )


def test_the_default_number_is_a_setting(lab: Path) -> None:
    (lab / ".gxt.toml").write_text("[run]\nrepeats = 3\n")
    git(lab, "config", "gxt.repeats", "2")
    gxt(lab, "run", "-q", "--", "true")
    assert len(data(lab, "list")) == 2
    gxt(lab, "run", "-q", "--repeats", "1", "--", "true")
    assert len(data(lab, "list")) == 3
    assert gxt(lab, "doctor").stdout.count("unknown") == 0


def test_a_dry_run_tells_the_seeds_and_runs_nothing(lab: Path) -> None:
    shown = gxt(
        lab, "run", "--repeats", "3", "--dry-run", "--", "python", "t.py", "{seed}"
    ).stdout.splitlines()
    assert "  seeds      0 1 2" in shown
    assert "  command    python t.py 0" in shown
    assert data(lab, "list") == []


def test_one_file_cannot_hold_the_seeds_of_repeats_at_once(lab: Path) -> None:
    (lab / "params.yaml").write_text("seed: 0\n")
    words = ("run", "-q", "--repeats", "2", "--set", "seed={seed}")
    failed = gxt(lab, *words, "-j", "2", "--", "true", code=2)
    assert failed.stderr == (
        "gxt: --set with {seed} edits one file, which repeats that run at once would share\n"
        "     give the seed to the command: -j 2 -- COMMAND --seed {seed}\n"
    )
    gxt(lab, *words, "--", "true")
    assert [run["params"]["seed"] for run in data(lab, "list")] == [1, 0]


def test_a_script_that_does_not_use_its_seed_is_asked_about(lab: Path) -> None:
    said = gxt(lab, "run", "--repeats", "2", "--", "python", "-c", "import gxt; gxt.log({'a': 1})").stderr
    assert said.splitlines()[-2:] == [
        "gxt: all repeats gave the same: does the command use GXT_SEED, or {seed}?",
        "exp-001+1: 2 completed  a 1 ± 0 (2)  → gxt show exp-001+1",
    ]
    (lab / "train.py").write_text(TRAIN + "# changed\n")
    said = gxt(lab, "run", "--repeats", "1", "--group", "1", "--", "true").stderr
    assert said.splitlines()[-3] == (
        "gxt: the code of exp-003 is not that of exp-001: gxt diff exp-001 exp-003"
    )


def test_a_list_folds_a_group_to_its_mean_and_error(groups: Path) -> None:
    assert normal(gxt(groups, "list").stdout) == (
        "id         parent   status                 acc  name    created            took  tags\n"
        "exp-004+2  exp-001  completed  1.5 ± 0.058 (3)  lifted  2001-02-03 04:05  0.0 s  good\n"
        "exp-001+2           completed    1 ± 0.058 (3)  plain   2001-02-03 04:05  0.0 s\n"
    )
    unfolded = gxt(groups, "list", "--unfold").stdout.splitlines()
    assert [line.split()[0] for line in unfolded[1:]] == [f"exp-00{number}" for number in range(6, 0, -1)]
    assert (
        gxt(groups, "list", "--limit", "1").stdout.splitlines()[1:]
        == gxt(groups, "list").stdout.splitlines()[1:2]
    )
    # a condition that one repeat fulfils shows all of them: a mean of the chosen ones would be too good
    assert "1.5 ± 0.058 (3)" in gxt(groups, "list", "--where", "metrics.acc > 1.55").stdout
    assert [line.split()[0] for line in gxt(groups, "list", "--sort", "acc").stdout.splitlines()[1:]] == [
        "exp-001+2",
        "exp-004+2",
    ]


def test_json_and_csv_keep_every_run(groups: Path) -> None:
    assert [run["seed"] for run in data(groups, "list")] == [2, 1, 0, 2, 1, 0]
    rows = list(csv.DictReader(io.StringIO(gxt(groups, "list", "--csv").stdout)))
    assert [row["metrics.acc"] for row in rows] == ["1.6", "1.5", "1.4", "1.1", "1.0", "0.9"]
    assert [run["id"] for run in data(groups, "list", "--where", "seed == 1")] == ["exp-005", "exp-002"]


@pytest.mark.parametrize("words", [[], ["exp-003"], ["exp-001+"]])
def test_a_tree_shows_a_group_as_one_node(groups: Path, words: list[str]) -> None:
    assert gxt(groups, "tree", *words).stdout == (
        "run        name                acc  change\n"
        "exp-001+2  plain     1 ± 0.058 (3)\n"
        "exp-004+2  lifted  1.5 ± 0.058 (3)  +0.5 better, n=3\n"
    )


def test_a_node_of_the_tree_holds_its_repeats(groups: Path) -> None:
    (root,) = data(groups, "tree")
    (child,) = root["children"]
    assert (child["metric"], child["change"], child["verdict"]) == (
        pytest.approx(1.5),
        pytest.approx(0.5),
        "better",
    )
    assert (child["evidence"]["kind"], child["evidence"]["n"]) == ("welch", [3, 3])
    assert [(run["id"], run["metrics"]["acc"]) for run in child["repeats"]["runs"]] == [
        ("exp-004", 1.4),
        ("exp-005", 1.5),
        ("exp-006", 1.6),
    ]
    assert root["repeats"]["metrics"]["acc"] == {
        "n": 3, "mean": 1.0, "sd": pytest.approx(0.1), "se": pytest.approx(0.1 / 3**0.5),
    }  # fmt: skip


def test_a_difference_of_groups_has_its_reason(groups: Path) -> None:
    shown = gxt(groups, "diff", "1+", "lifted").stdout.splitlines()
    assert shown[:6] == [
        "exp-001+2  plain  →  exp-004+2  lifted",
        "",
        "Metrics",
        "  metric      exp-001+2        exp-004+2  change",
        "  acc     1 ± 0.058 (3)  1.5 ± 0.058 (3)    +0.5  better, n=3",
        "  acc: 95 % interval +0.273 to +0.727, 3 and 3 runs, Welch's t = 6.12 (4 degrees of freedom)",
    ]
    single = data(groups, "diff", "1", "5")["metrics"]["acc"]
    assert (single["verdict"], single["evidence"]["kind"]) == ("better", "single")
    unsure = gxt(groups, "diff", "1+", "3").stdout.splitlines()
    test = "t (the single run taken to be as noisy as the others) = 0.866 (2 degrees of freedom)"
    assert unsure[4:6] == [
        "  acc     1 ± 0.058 (3)      1.1    +0.1  not sure, n=3 and 1",
        f"  acc: 95 % interval −0.397 to +0.597, 3 and 1 runs, {test}; some 15 more of each would tell",
    ]


def test_a_group_is_shown_with_its_runs(groups: Path) -> None:
    shown = normal(gxt(groups, "show", "exp-004+2").stdout)
    assert shown.startswith("exp-004+2  lifted  completed\n")
    assert shown[shown.index("Repeats\n") :] == (
        "Repeats\n"
        "  run      seed  status      took  acc\n"
        "  exp-004     0  completed  0.0 s  1.4\n"
        "  exp-005     1  completed  0.0 s  1.5\n"
        "  exp-006     2  completed  0.0 s  1.6\n"
        "\n"
        "Metrics\n"
        "  metric  mean ± error (runs)  deviation       from parent\n"
        "  acc         1.5 ± 0.058 (3)        0.1  +0.5 better, n=3\n"
        "  acc: 95 % interval +0.273 to +0.727, 3 and 3 runs, Welch's t = 6.12 (4 degrees of freedom)\n"
    )
    one = normal(gxt(groups, "show", "5").stdout)
    assert "  seed       1\n  repeat of  exp-004+2\n" in one
    failed = gxt(groups, "show", "4+", "--series", code=2)
    assert failed.stderr == (
        "gxt: exp-004+2 are several runs, each with a series of its own\n     name one of them: exp-004\n"
    )


def test_groups_stand_side_by_side(groups: Path) -> None:
    assert gxt(groups, "compare", "1+", "4+", "2").stdout.splitlines()[-1].split() == (
        "acc 1 ± 0.058 (3) 1.5 ± 0.058 (3) * 1".split()
    )
    assert [run["id"] for run in data(groups, "compare", "1+", "4+")] == ["exp-001+2", "exp-004+2"]


def test_what_has_no_repeats_is_no_group(lab: Path) -> None:
    gxt(lab, "run", "-q", "--", "true")
    failed = gxt(lab, "show", "1+", code=2)
    assert failed.stderr == "gxt: exp-001 has no repeats\n     leave out the +: 1\n"


def test_the_name_of_repeats_stands_for_all_of_them_whatever_is_added(lab: Path) -> None:
    gxt(lab, "run", "-q", "--repeats", "2", "--name", "w4", "--", "true")
    assert [data(lab, "show", ref)["id"] for ref in ("w4", "w4+", "w4+9")] == ["exp-001+1"] * 3


def test_where_one_run_is_meant_a_group_is_its_first_and_nothing_changes_several(lab: Path) -> None:
    gxt(lab, "run", "-q", "--repeats", "2", "--", "python", "train.py", "0")
    gxt(lab, "run", "-q", "--parent", "exp-001+1", "--", "true")
    assert data(lab, "show", "3")["parent"] == "exp-001"
    assert gxt(lab, "base", "2+").stdout.startswith("exp-002")
    failed = gxt(lab, "tag", "exp-001+1", "good", code=2)
    assert failed.stderr == (
        "gxt: exp-001+1 are several runs, and each is changed by itself\n     name one: exp-001\n"
    )
    assert gxt(lab, "show", "nobody+", code=2).stderr.startswith("gxt: no run 'nobody'\n")


def test_the_next_run_is_weighed_against_the_whole_group(lab: Path) -> None:
    gxt(lab, "run", "-q", "--repeats", "3", "--", "python", "train.py", "0")
    done = gxt(lab, "run", "--seed", "1", "--", "python", "train.py", "5")
    assert normal(done.stderr).splitlines() == [
        "exp-004 ← exp-001  seed 1",
        "exp-004 completed in 0.0 s  acc 6 (+5 better, n=3 and 1)  → gxt diff exp-001+2 exp-004",
    ]


def test_a_reproduction_is_within_the_spread_of_the_repeats(lab: Path) -> None:
    moved = lab.parent / "moved"
    (lab / "train.py").write_text(TRAIN.replace(" / 10}", f" / 10 + float(open({str(moved)!r}).read())}}"))
    moved.write_text("0")
    gxt(lab, "run", "-q", "--repeats", "3", "--", "python", "train.py", "0")
    moved.write_text("0.15")
    near = data(lab, "reproduce", "2")
    assert near["verdict"] == "within"
    assert near["metrics"]["acc"]["original"] == 1.0
    assert near["metrics"]["acc"]["again"] == 1.15
    spread = near["metrics"]["acc"]["spread"]
    assert [spread["n"], spread["low"], spread["high"]] == pytest.approx([3, 0.5032, 1.4968], abs=1e-4)
    moved.write_text("3")
    assert "within" not in gxt(lab, "reproduce", "2", code=3).stdout
