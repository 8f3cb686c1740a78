"""What a run uses of the machine is recorded beside its training, and shown where one asks for it."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.conftest import data, git, gxt

# ends when the machine has been looked at
SCRIPT = """\
import os, time, gxt
gxt.log({"loss": 0.5}, step=7)
journal = os.path.join(os.environ["GXT_LIVE"], "journal.jsonl")
end_s = time.monotonic() + 30
while "system/cpu_percent" not in open(journal).read() and time.monotonic() < end_s:
    time.sleep(0.01)
"""
ALWAYS = {"system/cpu_percent", "system/memory_bytes"}


def test_the_machine_is_looked_at_beside_the_training(repo: Path) -> None:
    git(repo, "config", "gxt.systemEveryS", "0.1")
    (repo / "metrics.json").write_text("{}")
    write = "import json; json.dump({'score': 3}, open('metrics.json', 'w'))\n"
    (repo / "train.py").write_text(f"{SCRIPT}{write}")
    ended = gxt(repo, "run", "--metrics", "metrics.json", "--", sys.executable, "train.py")
    assert "system" not in ended.stderr
    run = data(repo, "show")
    stats = run["metric_stats"]
    assert stats.keys() >= {*ALWAYS, "loss", "score"}
    assert stats["system/memory_bytes"]["min"] > 1 << 20
    assert stats["system/cpu_percent"]["min"] >= 0
    assert stats["score"]["last_step"] == 7  # the step of the training, not of a look at the machine
    page = gxt(repo, "show").stdout
    section, of_machine = page.partition("\nSystem\n")[::2]
    assert "system/" not in section
    assert "  system/memory_bytes " in of_machine
    assert run["metrics"].keys() >= ALWAYS

    gxt(repo, "run", "-q", "--no-system", "--metrics", "metrics.json", "--", sys.executable, "-c", write)
    assert data(repo, "show")["metrics"] == {"score": 3.0}
    for words in (["list"], ["list", "--csv"], ["tree"], ["diff", "1", "2"], ["compare", "1", "2"]):
        assert "system/" not in gxt(repo, *words).stdout, words
    assert gxt(repo, "list", "--where", 'metrics["system/memory_bytes"] > 1', "--columns", "id").stdout == (
        "id\nexp-001\n"
    )
    shown = gxt(repo, "list", "--columns", "id,system/cpu_percent").stdout.splitlines()
    assert [line.split()[0] for line in shown] == ["id", "exp-002", "exp-001"]


def test_a_time_between_looks_that_is_none_is_refused(repo: Path) -> None:
    (repo / ".gxt.toml").write_text('[system]\nevery_s = "often"\n')
    assert gxt(repo, "list", code=2).stderr == (
        "gxt: system.every_s is no time: 'often'\n     give seconds, 0 for never\n"
    )
