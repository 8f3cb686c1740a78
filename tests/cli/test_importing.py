"""`gxt import files`: what an export has written, what is kept by hand, what nobody should have written."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gxt.errors import UsageError
from gxt.model.series import Series
from gxt.ops.annotate import note, remove, tag
from gxt.ops.import_files import import_files
from gxt.ops.imported import Imported
from gxt.ops.show import Shown, show
from gxt.ops.workspace import open_workspace
from tests.cli.test_exporting import FOLDERS, export
from tests.conftest import data, git, gxt

EXPERIMENTS = "refs/gxt/experiments"
ALL = tuple(f"exp-00{number}" for number in range(1, 7))
NOT_OURS = ("id", "parent", "commit")


def bring(repo: Path, folder: Path) -> Imported:
    return import_files(open_workspace(repo), folder)


def tree(repo: Path) -> str:
    """Every directory of a run: names, modes and ids."""
    return git(repo, "ls-tree", "-r", EXPERIMENTS)


def whole(repo: Path, ref: str) -> tuple[dict[str, object], dict[str, Series]]:
    """A run and its series, without what is another's in another repository."""
    shown: Shown = show(open_workspace(repo), ref, series=True)
    return {k: v for k, v in shown.run.items() if k not in NOT_OURS}, dict(shown.series)


@pytest.fixture(scope="session")
def exported(history: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of the history; nobody writes to it."""
    folder = tmp_path_factory.mktemp("exported") / "out"
    export(history, folder)
    return folder


@pytest.fixture
def out(exported: Path, tmp_path: Path) -> Path:
    """The export to write to."""
    shutil.copytree(exported, tmp_path / "out", symlinks=True)
    return tmp_path / "out"


@pytest.fixture
def clone(history: Path, tmp_path: Path) -> Path:
    """A clone of the code, with every object and no run."""
    git(tmp_path, "clone", "-q", str(history), "clone")
    return tmp_path / "clone"


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """A repository without any of the code, with a run of its own."""
    root = tmp_path / "stranger"
    root.mkdir()
    git(root, "init", "-q")
    gxt(root, "run", "-q", "--", "true")
    return root


# --- what an export has written --------------------------------------------------------------------------


def test_a_clone_of_the_code_gets_the_very_same_runs(history: Path, exported: Path, clone: Path) -> None:
    assert bring(clone, exported) == Imported(str(exported), ALL)
    assert tree(clone) == tree(history)
    assert git(clone, "for-each-ref", "refs/gxt", "--format=%(refname)") == EXPERIMENTS
    assert gxt(clone, "doctor").stdout.endswith("all is well\n")


def test_twice_changes_nothing(exported: Path, clone: Path) -> None:
    bring(clone, exported)
    before = git(clone, "for-each-ref")
    assert bring(clone, exported) == Imported(str(exported), known=6)
    assert bring(clone, exported / FOLDERS[2]) == Imported(str(exported / FOLDERS[2]), known=1)
    assert git(clone, "for-each-ref") == before


def test_where_it_came_from_nothing_changes(history: Path, exported: Path) -> None:
    before = git(history, "for-each-ref")
    assert bring(history, exported) == Imported(str(exported), known=6)
    assert git(history, "for-each-ref") == before


def test_another_repository_gets_equal_runs_under_its_own_numbers(
    history: Path, exported: Path, stranger: Path
) -> None:
    ids = tuple(f"exp-00{number}" for number in range(2, 8))
    missing = "exp-002, exp-003, exp-004 and 3 more came without their code: this repository does not have it"
    assert bring(stranger, exported) == Imported(str(exported), ids, notices=(missing,))
    for ours, theirs in zip(ids, ALL, strict=True):
        assert whole(stranger, ours) == whole(history, theirs)
    assert data(stranger, "show", "exp-004")["parent"] == "exp-003"
    run = git(stranger, "rev-parse", f"{EXPERIMENTS}:exp-0xx/exp-003/run")
    assert git(stranger, "ls-tree", run) == ""
    assert gxt(stranger, "output", "exp-003").stdout == "trained\n"
    assert gxt(stranger, "doctor").stdout.endswith("all is well\n")
    assert bring(stranger, exported) == Imported(str(exported), known=6)


def test_a_run_that_came_without_its_code_is_the_same_run_where_the_code_is(
    history: Path, exported: Path, stranger: Path, clone: Path, tmp_path: Path
) -> None:
    bring(stranger, exported)
    export(stranger, tmp_path / "again")
    bring(clone, exported)
    before = tree(clone)
    done = bring(clone, tmp_path / "again")
    assert (done.new, done.known, done.notices) == (("exp-007",), 6, ())
    assert tree(clone).startswith(before[: before.index("exp-006")])
    git(stranger, "fetch", "-q", str(history), "main")
    assert bring(stranger, exported) == Imported(str(exported), known=6)


def test_runs_without_their_code_are_compared_in_all_else(exported: Path, stranger: Path) -> None:
    bring(stranger, exported)
    compared = gxt(stranger, "diff", "2", "6")
    assert compared.stderr == "gxt: this repository does not have the code of exp-002 and exp-006\n"
    assert [text for text in compared.stdout.splitlines() if text and text[0] != " "] == [
        "exp-002  baseline  →  exp-006  wider",
        "Metrics",
        "Parameters",
    ]
    beside = gxt(stranger, "diff", "1", "6", "--code")
    assert (beside.stdout, beside.stderr.splitlines()) == (
        "",
        ["gxt: this repository does not have the code of exp-006"],
    )


def test_a_run_whose_commit_is_lost_gets_it_back_where_its_tree_is_there(
    history: Path, exported: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--no-local", str(history), "clone")  # of reachable objects alone
    git(clone, "fetch", "-q", str(history), f"{EXPERIMENTS}:refs/kept")
    run = git(clone, "rev-parse", "refs/kept:exp-0xx/exp-001/run")
    code = git(clone, "rev-parse", f"{run}^{{tree}}")
    git(clone, "update-ref", "-d", "refs/kept")
    git(clone, "update-ref", "refs/tags/tree", code)
    git(clone, "gc", "-q", "--prune=now")
    assert bring(clone, exported / FOLDERS[0]).notices == ()
    assert git(clone, "rev-parse", f"{EXPERIMENTS}:exp-0xx/exp-001/run") == run


def test_what_both_sides_have_said_is_united(
    exported: Path, clone: Path, stranger: Path, tmp_path: Path
) -> None:
    bring(clone, exported)
    bring(stranger, exported)
    tag(open_workspace(clone), "exp-001", ["here"])
    note(open_workspace(stranger), "exp-002", "there", conclusion=True)
    export(stranger, tmp_path / "again", "exp-002")
    assert bring(clone, tmp_path / "again") == Imported(str(tmp_path / "again"), updated=("exp-001",))
    run, _ = whole(clone, "exp-001")
    assert run["tags"] == ["first", "two words", "here"]
    assert "there" in str(run["conclusions"])


def test_a_run_that_was_removed_here_stays_so_and_it_is_said(exported: Path, clone: Path) -> None:
    bring(clone, exported)
    remove(open_workspace(clone), ["exp-003"])
    said = f"{FOLDERS[2]} was removed here: gxt rm --undo exp-003 brings it back"
    assert bring(clone, exported) == Imported(str(exported), known=5, notices=(said,))


def test_the_command_tells_what_came(exported: Path, clone: Path) -> None:
    done = gxt(clone, "import", "files", str(exported / FOLDERS[4]), "--json")
    shown = {"from": str(exported / FOLDERS[4]), "new": ["exp-001"], "updated": [], "known": 0}
    assert json.loads(done.stdout)["data"] == shown
    done = gxt(clone, "import", "files", str(exported))
    shown_runs = "5 runs (exp-002, exp-003, exp-004, exp-005, exp-006), 1 run here already"
    assert (done.stdout, done.stderr) == (f"from {exported}: {shown_runs}\n", "")


def test_outputs_come_along_and_go_into_the_cache(history: Path, stranger: Path, tmp_path: Path) -> None:
    script = (
        "import gxt, pathlib\n"
        "gxt.init()\n"
        "for step, acc in enumerate([0.5, 0.9, 0.7]):\n"
        "    pathlib.Path('model.pt').write_text(f'weights {step}')\n"
        "    gxt.log({'val/acc': acc}, step=step)\n"
        "    gxt.log_model('model.pt', step=step)\n"
        "pathlib.Path('plots/deep').mkdir(parents=True)\n"
        "pathlib.Path('plots/deep/a.txt').write_text('a')\n"
        "pathlib.Path('plots/b.txt').write_text('b')\n"
        "gxt.log_artifact('plots')\n"
    )
    lab = tmp_path / "lab"
    shutil.copytree(history, lab, symlinks=True)
    (lab / "put.py").write_text(script)
    gxt(lab, "run", "-q", "--name", "puts out", "--", "python", "put.py")
    folder = tmp_path / "out" / "exp-007-puts-out"
    export(lab, tmp_path / "out", "exp-007")
    assert (folder / "model_best.pt").read_text() == "weights 1"
    outputs = sorted(path.relative_to(folder).as_posix() for path in (folder / "outputs").rglob("*.*"))
    texts = {name: (folder / name).read_text() for name in outputs}
    assert texts == {
        "outputs/model.2.pt": "weights 2",
        "outputs/model.pt": "weights 0",
        "outputs/plots/b.txt": "b",
        "outputs/plots/deep/a.txt": "a",
    }
    (folder / "outputs/model.pt").write_text("another")  # has another hash than the run says
    bring(stranger, tmp_path / "out")
    assert whole(stranger, "exp-002") == whole(lab, "exp-007")
    shutil.rmtree(tmp_path / "out")
    done = export(stranger, tmp_path / "again", "exp-002")
    assert done.notices == (
        "outputs of exp-002 are not here: gxt pull --data brings them, then export again",
    )
    again = tmp_path / "again" / "exp-002-puts-out"
    del texts["outputs/model.pt"]
    outputs = sorted(path.relative_to(again).as_posix() for path in (again / "outputs").rglob("*.*"))
    assert {name: (again / name).read_text() for name in outputs} == texts


# --- what is kept by hand --------------------------------------------------------------------------------


def by_hand(folder: Path, name: str = "my run") -> Path:
    run = folder / name
    run.mkdir(parents=True)
    (run / "config.yaml").write_text("lr: 0.1\nmodel: {type: mlp}\napi_token: hunter2hunter2\n")
    lines = [
        '{"step": 0, "loss": 1.5, "val": {"acc": 0.25}, "note": "x"}',
        '{"step": 10, "loss": NaN}',
        "torn {",
    ]
    (run / "metrics.jsonl").write_text("\n".join(lines))
    (run / "eval.json").write_text('{"elo": 1500, "games": {"won": 3}}')
    for at, file in enumerate(("config.yaml", "metrics.jsonl", "eval.json")):
        os.utime(run / file, (1_700_000_000 + 60 * at,) * 2)
    return run


def test_what_is_kept_by_hand_becomes_a_run(stranger: Path, tmp_path: Path) -> None:
    by_hand(tmp_path / "hand")
    assert bring(stranger, tmp_path / "hand") == Imported(str(tmp_path / "hand"), ("exp-002",))
    run = data(stranger, "show", "exp-002", "--series")
    facts = {
        key: run[key] for key in ("name", "status", "created", "duration_s", "params", "metrics", "notices")
    }
    assert facts == {
        "name": "my run",
        "status": "completed",
        "created": "2023-11-14T22:13:20.000000Z",
        "duration_s": 120.0,
        "params": {"lr": 0.1, "model": {"type": "mlp"}, "api_token": "[redacted]"},
        "metrics": {"loss": "NaN", "val/acc": 0.25, "elo": 1500},
        "notices": [
            "imported from my run, which was kept by hand: its times are those of its files",
            "lines of metrics.jsonl without a metric: 1",
        ],
    }
    at = "2023-11-14T22:14:20.000000Z"
    assert run["series"] == {
        "loss": {"step": [0, 10], "time": [at, at], "value": [1.5, "NaN"]},
        "val/acc": {"step": [0], "time": [at], "value": [0.25]},
    }
    assert [(one["name"], one["values"]) for one in run["evals"]] == [
        ("eval", {"elo": 1500, "games": {"won": 3}})
    ]
    assert gxt(stranger, "doctor").stdout.endswith("all is well\n")


def test_what_is_kept_by_hand_is_the_same_run_again_whatever_its_times(
    stranger: Path, tmp_path: Path
) -> None:
    run = by_hand(tmp_path / "hand")
    bring(stranger, tmp_path / "hand")
    os.utime(run / "config.yaml", (1_600_000_000,) * 2)
    assert bring(stranger, run) == Imported(str(run), known=1)
    by_hand(tmp_path / "hand", "my copy")
    assert bring(stranger, tmp_path / "hand").new == ("exp-003",)


def test_times_in_the_lines_count_and_tell_the_order_of_the_numbers(stranger: Path, tmp_path: Path) -> None:
    for name, lines in (
        (
            "a late",
            '{"loss": 1, "time": "2024-03-01T12:00:00Z"}\n{"loss": 2, "time": "2024-03-01T12:00:01.5Z"}',
        ),
        ("b early", '{"_step": 3, "loss": 1, "_timestamp": 1600000000.25}'),
        ("c odd", '{"loss": 1e999, "step": 1.5, "time": -1, "n": 1' + "0" * 400 + "}\n[1]\n" + "[" * 100_000),
    ):
        (tmp_path / "hand" / name).mkdir(parents=True)
        (tmp_path / "hand" / name / "metrics.jsonl").write_text(lines)
        os.utime(tmp_path / "hand" / name / "metrics.jsonl", (-5, -5))
    assert bring(stranger, tmp_path / "hand").new == ("exp-002", "exp-003", "exp-004")
    runs = [data(stranger, "show", f"exp-00{number}", "--series") for number in (2, 3, 4)]
    assert [(run["name"], run["created"]) for run in runs] == [
        ("c odd", "1970-01-01T00:00:00.000000Z"),
        ("b early", "2020-09-13T12:26:40.250000Z"),
        ("a late", "2024-03-01T12:00:00.000000Z"),
    ]
    assert runs[0]["metrics"] == {"loss": "Infinity", "step": 1.5, "time": -1}
    assert runs[1]["series"]["loss"]["step"] == [3]
    assert runs[2]["series"]["loss"]["time"] == ["2024-03-01T12:00:00.000000Z", "2024-03-01T12:00:01.500000Z"]
    assert runs[2]["duration_s"] == 1.5


# --- what nobody should have written ---------------------------------------------------------------------


def _document(name: str, **changes: object) -> Callable[[Path], object]:
    def change(run: Path) -> None:
        path = run / "record" / name
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return change


def _text(name: str, text: bytes) -> Callable[[Path], object]:
    def change(run: Path) -> None:
        (run / name).write_bytes(text)

    return change


def _link(name: str, target: str) -> Callable[[Path], object]:
    def change(run: Path) -> None:
        path = run / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        path.symlink_to(target)

    return change


def _fifo(run: Path) -> None:
    (run / "record/config.json").unlink()
    os.mkfifo(run / "record/config.json")


def _pieces(*names: str) -> Callable[[Path], object]:
    def change(run: Path) -> None:
        (run / "record/series").unlink()
        (run / "record/series").mkdir()
        for name in names:
            (run / "record/series" / name).write_bytes(b"x")

    return change


def _large(name: str, size: int) -> Callable[[Path], object]:
    return lambda run: os.truncate(run / name, size)


OTHER = "01M7ZDNZXGZAW48S32SPQAT036"
HOSTILE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no commit": (lambda run: (run / "record/commit").unlink(), "record has no commit"),
    "no metrics": (lambda run: (run / "record/metrics.json").unlink(), "it has no metrics.json"),
    "a link to a file": (_link("record/config.json", "/etc/passwd"), "record has no config.json"),
    "a link to a folder": (_link("record", "../other/record"), "it has no folder record"),
    "a FIFO": (_fifo, "record has no config.json"),
    "another commit": (_text("record/commit", b"tree 1\n\nRun-Uid: x\n"), "its commit is that of no run"),
    "an odd time": (
        lambda run: (run / "record/commit").write_bytes(
            (run / "record/commit").read_bytes().replace(b" +0000\n", b" +99999999999999999\n", 1)
        ),
        "its commit is that of no run",
    ),
    "another uid": (_document("config.json", uid=OTHER), "its config.json another's"),
    "another uid in the metrics": (_document("metrics.json", uid=OTHER), f"its metrics.json that of {OTHER}"),
    "code that is an option": (_document("config.json", code={"tree": "--all"}), "config.json: code is not"),
    "a newer format": (_document("config.json", gxt=2), "config.json has format 2"),
    "no object": (_text("record/environment.json", b"[]"), "environment.json is not a JSON object"),
    "deep": (_text("record/metrics.json", b"[" * 100_000), "metrics.json is nested too deep"),
    "a key twice": (
        lambda run: (run / "record/config.json").write_bytes(
            (run / "record/config.json").read_bytes().replace(b'"cwd":', b'"cwd": "x",\n "cwd":', 1)
        ),
        "config.json has a key twice",
    ),
    "words of no op": (_text("record/annotations.jsonl", b'{"op": "tag"}\n'), "annotations.jsonl: id is not"),
    "removed": (
        _text(
            "record/annotations.jsonl",
            b'{"at":"2026-01-01T00:00:00Z","by":{"email":"","name":""},"id":"x","op":"removed"}\n',
        ),
        "its annotations say that it is removed",
    ),
    "a long console": (_large("record/output.log", (2 << 20) + 1), "output.log has more than 2097152 bytes"),
    "odd pieces": (_pieces("0001", "x"), "its series is not in pieces that are named 0001, 0002 …"),
    "lost pieces": (_pieces("0001", "0003"), "its series is not in pieces that are named 0001, 0002 …"),
    "git's own name": (_pieces(".git"), "its series is not in pieces that are named 0001, 0002 …"),
}


@pytest.fixture(scope="session")
def untouched(history: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of the code into which nothing ever comes."""
    folder = tmp_path_factory.mktemp("untouched")
    git(folder, "clone", "-q", str(history), "clone")
    return folder / "clone"


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_not_as_gxt_writes_it_is_left_out_and_named(
    exported: Path, untouched: Path, tmp_path: Path, what: str
) -> None:
    change, reason = HOSTILE[what]
    out = tmp_path / "out"
    shutil.copytree(exported / FOLDERS[1], out / "run")
    shutil.copytree(exported / FOLDERS[1], tmp_path / "other")
    change(out / "run")
    refs = git(untouched, "for-each-ref")
    done = bring(untouched, out)
    (notice,) = done.notices
    assert (done.new, notice.startswith("left out: run: "), reason in notice) == ((), True, True), notice
    assert git(untouched, "for-each-ref") == refs


def test_the_other_runs_of_a_folder_come_all_the_same(out: Path, clone: Path) -> None:
    (out / FOLDERS[0] / "record/metrics.json").write_text("{")  # seen before it is in git
    _pieces("0002")(out / FOLDERS[1])  # and when it is
    done = bring(clone, out)
    assert len(done.new) == 4
    assert [one.split(": ")[:2] for one in done.notices] == [["left out", name] for name in FOLDERS[:2]]
    assert git(clone, "for-each-ref", "refs/gxt", "--format=%(refname)") == EXPERIMENTS
    assert [run["name"] or run["message"] for run in data(clone, "list")] == [
        *("baseline", "wider", "fails", "lower rate"),
    ]
    assert gxt(clone, "doctor").stdout.endswith("all is well\n")


def test_a_run_that_is_here_with_other_results_is_refused(out: Path, clone: Path) -> None:
    bring(clone, out)
    before = tree(clone)
    _document("metrics.json", status="failed")(out / FOLDERS[1])
    notice = f"left out: {FOLDERS[1]}, exp-002 here: its metrics.json is not the one that was recorded"
    assert bring(clone, out) == Imported(str(out), known=5, notices=(notice,))
    assert tree(clone) == before


def test_a_folder_that_was_copied_is_imported_once(out: Path, clone: Path) -> None:
    shutil.copytree(out / FOLDERS[1], out / "exp-002 copy")
    notice = f"left out: {FOLDERS[1]} is the run of exp-002 copy"
    done = bring(clone, out)
    assert (done.new, done.notices) == (ALL, (notice,))


def test_a_name_acts_on_no_terminal(out: Path, clone: Path) -> None:
    (out / FOLDERS[1] / "record/commit").unlink()
    (out / FOLDERS[1]).rename(out / "\x1b[31m\nred")
    said = gxt(clone, "import", "files", str(out)).stderr
    assert said == "gxt: left out: \\u{1b}[31m\\u{a}red: record has no commit\n"


@pytest.mark.parametrize("what", ["nothing", "file", "empty"])
def test_a_folder_without_runs_is_said(clone: Path, tmp_path: Path, what: str) -> None:
    place = tmp_path / "place"
    if what == "file":
        place.write_text("x")
    elif what == "empty":
        (place / "sub").mkdir(parents=True)
    with pytest.raises(UsageError):
        bring(clone, place)
