"""A script that only prints its metrics has them: when it ends, and when it is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from gxt.capture.own_patterns import match_apart
from gxt.ops.printed import printed
from gxt.store import journal
from gxt.store.run_settings import RunSettings
from tests.conftest import data, git, gxt

PRINTS = "print('step 1: loss 0.5')\nprint('step 2: loss 0.25, my number is <7>')\n"


def script(repo: Path, text: str = PRINTS) -> None:
    (repo / "train.py").write_text(text)


def test_a_script_that_prints_its_metrics_has_them_marked_as_read_from_there(repo: Path) -> None:
    script(repo)
    ended = gxt(repo, "run", "--", sys.executable, "train.py")
    assert ended.stdout == "step 1: loss 0.5\nstep 2: loss 0.25, my number is <7>\n"
    lines = ended.stderr.splitlines()
    assert lines[:2] == ["exp-001", "gxt: read from what it printed: loss"]
    assert lines[2].endswith("loss 0.25  → gxt show exp-001")
    run = data(repo, "show", "--series")
    assert run["metric_stats"]["loss"] == {
        "last": 0.25, "last_step": 2, "min": 0.25, "min_step": 2, "max": 0.5, "max_step": 1, "count": 2,
    }  # fmt: skip
    assert run["sources"] == [
        {"kind": "console", "path": None, "metrics": ["loss"], "params": 0, "note": None}
    ]
    printed = [line.split()[0] for line in gxt(repo, "output", "--times").stdout.splitlines()]
    assert run["series"]["loss"] == {"step": [1, 2], "time": printed, "value": [0.5, 0.25]}
    assert "\nRead from\n  console  1 metric\n" in gxt(repo, "show").stdout
    assert run["notices"] == []
    assert gxt(repo, "list", "--where", '"console" in sources', "--columns", "id,sources").stdout == (
        "id       sources\nexp-001  console\n"
    )


def test_nothing_is_read_where_the_script_logs_or_nobody_wants_it(repo: Path) -> None:
    script(repo, f"import gxt\ngxt.log({{'acc': 0.9}})\n{PRINTS}")
    gxt(repo, "run", "-q", "--", sys.executable, "train.py")
    assert data(repo, "show")["metrics"] == {"acc": 0.9}
    script(repo)
    gxt(repo, "run", "-q", "--no-scrape", "--", sys.executable, "train.py")
    git(repo, "config", "gxt.scrape", "false")
    gxt(repo, "run", "-q", "--", sys.executable, "train.py")
    assert [run["metrics"] for run in data(repo, "list")] == [{}, {}, {"acc": 0.9}]
    assert data(repo, "show")["sources"] == []


def _killed_with_its_wrapper(repo: Path, *options: str) -> None:
    script(repo, f"{PRINTS}import sys, time\nsys.stdout.flush()\ntime.sleep(60)\n")
    words = [sys.executable, "-m", "gxt", "run", "-q", *options, "--", sys.executable, "train.py"]
    with subprocess.Popen(words, cwd=repo, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as wrapper:
        end_s = time.monotonic() + 30
        while time.monotonic() < end_s:
            logs = list((repo / ".git/gxt/live").glob("*/output.log"))
            if logs and b"<7>" in logs[0].read_bytes():
                break
            time.sleep(0.01)
        os.kill(wrapper.pid, signal.SIGKILL)


def test_a_killed_run_has_what_it_had_printed(repo: Path) -> None:
    _killed_with_its_wrapper(repo)
    (run,) = data(repo, "list")
    assert (run["status"], run["metrics"]) == ("interrupted", {"loss": 0.25})
    assert [source["kind"] for source in run["sources"]] == ["console"]


def test_what_was_said_at_the_start_holds_for_a_killed_run(repo: Path) -> None:
    _killed_with_its_wrapper(repo, "--no-scrape")
    (run,) = data(repo, "list")
    assert (run["status"], run["metrics"]) == ("interrupted", {})


def test_patterns_of_ones_own_come_first(repo: Path) -> None:
    script(repo)
    (repo / ".gxt.toml").write_text("[scrape]\npatterns = ['step (?P<step>.).*number is <(?P<mine>\\d+)>']\n")
    gxt(repo, "run", "-q", "--", sys.executable, "train.py")
    stats = data(repo, "show")["metric_stats"]
    assert {name: (stat["last"], stat["last_step"]) for name, stat in stats.items()} == {
        "loss": (0.5, 1),
        "mine": (7.0, 2),
    }


def test_a_pattern_that_cannot_be_one_is_refused(repo: Path) -> None:
    (repo / ".gxt.toml").write_text("[scrape]\npatterns = ['loss (']\n")
    assert gxt(repo, "list", code=2).stderr.splitlines()[0] == (
        "gxt: scrape.patterns is no pattern: missing ), unterminated subpattern at position 5"
    )
    (repo / ".gxt.toml").write_text("[scrape]\npatterns = ['loss (.*)']\n")
    assert gxt(repo, "list", code=2).stderr == (
        "gxt: scrape.patterns: 'loss (.*)' has no group with a name\n"
        "     name one by its metric: 'my loss is (?P<loss>\\S+)'\n"
    )


def test_whatever_goes_wrong_while_metrics_are_read_is_said_and_no_more(repo: Path) -> None:
    _killed_with_its_wrapper(repo)
    (live,) = (repo / ".git/gxt/live").iterdir()
    folded = journal.read(live, unfinished="interrupted")
    impossible = RunSettings()._replace(patterns=(b"no text",))  # type: ignore[arg-type]
    (line,) = printed(live, impossible, folded)
    event = json.loads(line)
    assert (event["e"], event["text"].partition(":")[0]) == (
        "notice",
        "no metrics were read from the console",
    )


def test_a_pattern_that_explodes_is_given_up() -> None:
    line = "a" * 60 + "!"
    assert match_apart(["(?P<x>(?:a+)+)$"], [line], timeout_s=0.3) is None
    assert match_apart(["(?P<x>a)(?P<y>b)?", "c"], ["za", "c", "d"]) == [{"x": "a"}, {}, None]
