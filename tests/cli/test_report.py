"""`gxt report`: the file, the Markdown, what is refused. What the page does is tried in a browser."""

from __future__ import annotations

import json
import math
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from gxt.ops.report import MOST_STRETCHES, report
from gxt.ops.workspace import open_workspace
from gxt.render.report.facts import facts
from gxt.render.report.markdown import comment, text_of
from tests.cli.scratch import add_runs, new_repository, normal
from tests.conftest import data, git, gxt
from tests.with_series import Made, write_runs

COMMENT = """\
### 2 runs of repo

val/acc, higher is better · 2001-02-03 04:05 UTC · gxt <version>

| run | name | val/acc | change | status | train\\_loss | odd |
| --- | --- | ---: | --- | --- | ---: | ---: |
| exp-002 | higher rate | 0.65 | ✅ +0.1 better, n=1 | completed | 1.1111 | -Infinity |
| exp-005 | wider | 0.525 | ❌ −0.025 worse, n=1 | completed | 6.6667 | -Infinity |

<details><summary>exp-002: what changed from exp-001 baseline</summary>

- lr: 0.1 → 0.3
- seed: 3 → none
- params.yaml: +1 −1

</details>

<details><summary>exp-005: what changed from exp-001 baseline</summary>

- lr: 0.1 → 0.05
- model.width: 64 → 128
- seed: 3 → none
- notes.bin: binary
- params.yaml: +2 −2
- train.py: +2 −1

</details>
"""


def told(page: Path) -> Any:  # noqa: ANN401 whatever the page holds
    """The facts that the script of a page reads."""
    found = re.search(r'<script type="application/json" id="report">(.*?)</script>', page.read_text())
    assert found
    return json.loads(found[1])


def test_a_comment_for_a_pull_request(history: Path) -> None:
    done = gxt(history, "report", "2", "5", "--md")
    shown = re.sub(r"gxt \d[\w.]+", "gxt <version>", normal(done.stdout))
    assert (shown, done.stderr) == (COMMENT, "")


def test_the_page_is_written_whole_and_says_where(history: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    done = gxt(history, "report", "-o", str(page))
    assert done.stderr == f"6 runs in {page}\n"
    found = told(page)
    assert (found["title"], found["notices"]) == ("repo", [])
    assert [run["id"] for run in found["runs"]] == [f"exp-00{n}" for n in (6, 5, 4, 3, 2, 1)]
    # each run before its children: its place above, its lane, how many it has below with itself, from afar
    assert found["tree"] == [
        *([5, 0, 5, False], [2, 1, 1, False], [1, 1, 1, False], [4, 0, 2, False], [3, 0, 1, False]),
        [0, 0, 1, False],
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_json_tells_what_was_written(history: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    answer = data(history, "report", "1", "-o", str(page))
    assert answer == {"file": str(page), "runs": 1, "bytes": page.stat().st_size}


def test_the_table_has_what_differs_and_marks_the_best(history: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    gxt(history, "report", "--where", "metrics['val/acc'] > 0.53", "-o", str(page))
    found = told(page)
    assert [name for name, _ in found["columns"]] == [
        *("name", "val/acc", "change", "status", "lr", "seed", "train_loss", "odd", "tags", "created", "took")
    ]
    assert [run["cells"][1] for run in found["runs"]] == [["0.65", 0.65, True], ["0.55", 0.55, False]]
    assert [run["cells"][2] for run in found["runs"]] == [
        ["+0.1 better, n=1", pytest.approx(0.1), "better"],
        ["", None, ""],
    ]


def test_another_main_metric(history: Path) -> None:
    lines = gxt(history, "report", "1", "2", "--md", "--metric", "train_loss").stdout.splitlines()
    assert (
        lines[7] == "| exp-002 | higher rate | 1.1111 | ✅ −2.22 better, n=1 | completed | 0.65 | -Infinity |"
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "gxt: a page goes into a file\n     gxt report -o report.html, or --md\n"),
        (["--md", "--json"], 2, '"message": "Markdown on stdout leaves no room for --json"'),
        (["1", "--where", "id != 'x'", "--md"], 2, "gxt: runs are named, and --where as well"),
        (["9", "--md"], 2, "gxt: no run '9'"),
        (["--where", "id == 'x'", "--md"], 2, "gxt: no run matches\n     gxt list shows all\n"),
        (["--md", "--metric", "nope"], 2, "gxt: no run has a metric 'nope'"),
        (
            ["-o", "r.pdf"],
            2,
            "gxt: r.pdf has no ending of a page of HTML\n     gxt report -o report.html, or",
        ),
        (["-o", "no/such/folder/r.html"], 1, "gxt: no/such/folder/r.html could not be written"),
    ],
)
def test_what_makes_no_sense_is_refused(history: Path, words: list[str], code: int, said: str) -> None:
    done = gxt(history, "report", *words, code=code)
    assert said in done.stdout + done.stderr


def test_without_runs_it_says_how_to_begin(repo: Path) -> None:
    done = gxt(repo, "report", "--md", code=2)
    assert done.stderr == "gxt: there are no runs to report\n     gxt run -- COMMAND records one\n"


def test_a_comment_about_many_runs_is_short_enough_and_says_what_it_leaves_out(tmp_path: Path) -> None:
    repo = new_repository(tmp_path / "repo")
    add_runs(repo, [None, *range(999)], [0.5 + n / 2000 for n in range(1000)])
    text = comment(report(open_workspace(repo), curves=False))
    assert len(text) < 65_536
    assert "\n\n… and 800 more runs, left out: a comment has no room for them.\n" in text


def test_what_changed_goes_before_the_table(tmp_path: Path) -> None:
    repo = new_repository(tmp_path / "repo")
    write_runs(
        repo,
        [
            Made(
                name="n" * 500,
                params={f"p{i}": f"{n} {'x' * 500}" for i in range(30)},
                parent=n - 1 if n else None,
            )
            for n in range(60)
        ],
    )
    text = comment(report(open_workspace(repo), curves=False))
    assert len(text) < 65_536
    assert text.count("\n| exp-") == 60
    assert text.count("<details>") == 15
    assert text.endswith("\n\nWhat changed in 44 more runs is left out: a comment has no room for it.\n")


def test_nothing_in_a_comment_acts_or_calls_anybody() -> None:
    hostile = "@all #12 <img src=x> |`$x$` ~~no~~ &lt; [a](b) \u202ereversed"
    calls_nobody = "@<!-- -->all #<!-- -->12 \\<img src=x> \\|\\`\\$x\\$\\` \\~\\~no\\~\\~ &amp;lt;"
    assert text_of(hostile) == f"{calls_nobody} \\[a](b) \\\\u{{202e}}reversed"


def test_an_address_in_a_comment_is_no_link() -> None:
    assert text_of("https://a.example/b www.a.example GH-12 a://b") == (
        "https:<!-- -->//a.example/b www<!-- -->.a.example GH<!-- -->-12 a:<!-- -->//b"
    )


def test_a_comment_tells_the_reason_whole_and_names_as_they_are(tmp_path: Path) -> None:
    repo = new_repository(tmp_path / "repo")
    group = "01HF7YAT00041061050R3GG28A"
    repeats = [Made({"acc": [acc]}, name="many", group=group, parent=0) for acc in (0.6, 0.8)]
    write_runs(repo, [Made({"acc": [0.5]}, name="Bob's & <co>"), *repeats])
    lines = comment(report(open_workspace(repo), curves=False)).splitlines()
    test = "t (the single run taken to be as noisy as the others) = 1.15 (1 degree of freedom)"
    assert lines[-5:-2] == [
        "<details><summary>exp-002+1: what changed from exp-001 Bob's &amp; &lt;co&gt;</summary>",
        "",
        f"- acc: 95 % interval −2 to +2.4, 1 and 2 runs, {test}; some 8 more of each would tell",
    ]


def test_of_many_notices_the_first_are_told(tmp_path: Path) -> None:
    repo = new_repository(tmp_path / "repo")
    git(repo, "config", "fastimport.unpackLimit", "1000")
    write_runs(repo, [Made({"loss": [float(n)]}) for n in range(25)])
    for n in range(1, 26):
        lost = git(repo, "rev-parse", f"refs/gxt/experiments:exp-0xx/exp-{n:03}/series")
        (repo / ".git" / "objects" / lost[:2] / lost[2:]).unlink()
    notices = report(open_workspace(repo)).notices
    assert (len(notices), notices[-1]) == (21, "… and 5 more like these")


def test_at_first_the_best_by_the_main_metric_are_drawn(tmp_path: Path) -> None:
    repo = new_repository(tmp_path / "repo")
    evals = [[{"name": "elo", "values": {"elo": 1000 + 10 * n}}] for n in range(10)]
    write_runs(repo, [Made({"loss": [float(n)]}, evals=one) for n, one in enumerate(evals)])
    found: Any = facts(report(open_workspace(repo), metric="elo"))
    assert [one["name"] for one in found["metrics"]] == ["loss"]
    assert [found["runs"][at]["id"] for at in found["first"]] == [f"exp-{n:03}" for n in range(10, 2, -1)]


def test_what_has_diverged_is_not_the_best(tmp_path: Path) -> None:
    repo = new_repository(tmp_path / "repo")
    write_runs(repo, [Made({"acc": [value]}) for value in (math.inf, 0.5, 0.6)])
    found: Any = facts(report(open_workspace(repo)))
    assert [run["cells"][1] for run in found["runs"]] == [
        *(["0.6", 0.6, True], ["0.5", 0.5, False], ["Infinity", None, False])
    ]


def test_the_page_of_a_run_tells_how_it_ended_and_is_bounded(tmp_path: Path) -> None:
    repo = new_repository(tmp_path / "repo")
    write_runs(repo, [Made(params={"text": "x" * 1_000_000}, status="failed")])
    found: Any = facts(report(open_workspace(repo)))
    assert found["runs"][0]["page"][0]["rows"][0] == [["status", "dim"], ["failed", "bad"]]
    assert len(json.dumps(found)) < 20_000


def test_a_long_curve_is_reduced_and_the_rest_of_it_told(tmp_path: Path) -> None:
    repo = new_repository(tmp_path / "repo")
    loss = [1 / (1 + step) for step in range(10_000)]
    loss[5_000] = 7.0
    write_runs(repo, [Made({"loss": loss, "short": [1.0, 2.0]})])
    found = report(open_workspace(repo))
    curve, short = found.entries[0].curves["loss"][0], found.entries[0].curves["short"][0]
    assert (curve.logged, max(curve.points[2]), len(curve.means[0])) == (10_000, 7.0, MOST_STRETCHES)
    assert sum(curve.means[3]) == 10_000
    assert short == ("exp-001", tuple(short.points), tuple(short.means), 2)
    assert [list(one) for one in short.points] == [[0, 1], [0.0, 1.0], [1.0, 2.0]]
    assert len(json.dumps(facts(found))) < 40_000


def test_repeats_are_one_row_with_mean_and_error_and_a_curve_each(tmp_path: Path) -> None:
    repo = new_repository(tmp_path / "repo")
    group = "01HF7YAT00041061050R3GG28A"
    write_runs(
        repo,
        [
            Made({"acc": [0.5]}, name="one"),
            Made({"acc": [0.1, 0.6]}, group=group, name="many", parent=0),
            Made({"acc": [0.1, 0.8]}, group=group, name="many", parent=0),
        ],
    )
    found = report(open_workspace(repo))
    page: Any = facts(found)
    assert (page["title"], page["about"][0], page["tree"]) == (
        "repo",
        "3 runs",
        [[1, 0, 2, False], [0, 0, 1, False]],
    )
    runs = page["runs"]
    assert [run["id"] for run in runs] == ["exp-002+1", "exp-001"]
    assert [run["value"] for run in runs] == ["0.7 ± 0.1 (2)", "0.5"]
    assert runs[0]["change"] == "+0.2 not sure, n=1 and 2"
    assert [curve.run for curve in found.entries[0].curves["acc"]] == ["exp-002", "exp-003"]


def test_a_run_whose_parent_is_not_in_the_report_names_it_below_its_nearest_ancestor(
    history: Path, tmp_path: Path
) -> None:
    gxt(history, "report", "1", "3", "-o", str(tmp_path / "report.html"))
    found = told(tmp_path / "report.html")
    assert [run["title"] for run in found["runs"]] == ["baseline", "lower rate ← exp-002"]
    assert found["tree"] == [[0, 0, 2, False], [1, 0, 1, True]]
    assert found["runs"][1]["change"] == "−0.125 worse, n=1"


def test_pictures_whose_content_is_elsewhere_are_told(repo: Path) -> None:
    (repo / "train.py").write_text("import gxt\ngxt.init()\ngxt.log_image('dot', [[0.0, 1.0]])\n")
    gxt(repo, "run", "-q", "--", sys.executable, "train.py")
    here = report(open_workspace(repo))
    assert [(one.name, one.step, one.format) for one in here.entries[0].images] == [("dot", None, "png")]
    shutil.rmtree(repo / ".git" / "gxt" / "data")
    gone = report(open_workspace(repo))
    told_ = "1 image is not here: gxt pull --data brings them, then report again"
    assert (gone.entries[0].images, gone.notices) == ([], (told_,))


def test_a_run_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    repo = new_repository(tmp_path / "repo")
    write_runs(repo, [Made({"loss": [1.0, 0.5]}), Made({"loss": [1.0, 0.25]})])
    tree = git(repo, "rev-parse", "refs/gxt/experiments:exp-0xx/exp-001/series")
    (repo / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    found = report(open_workspace(repo))
    assert [entry.curves.keys() for entry in found.entries] == [{"loss"}, set()]
    assert found.notices == (
        "exp-001 has no curves here: a series object cannot be read: git has lost a part of it",
    )
