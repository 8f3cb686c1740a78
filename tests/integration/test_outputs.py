"""Checkpoints and other outputs: kept beside the training, named by the run commit, brought back by DVC."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from gxt.data.cache import Cache
from gxt.data.digest import digest
from gxt.data.place import find_cache
from gxt.git.repository import discover
from gxt.model.pointers import Pointer, read_pointers
from tests.conftest import data, git, gxt
from tests.integration.test_as_dvc import dvc

STEPS = """
import gxt

for step in (1000, 2000):
    gxt.log({"val/acc": step / 4000}, step=step)
    with open("model.bin", "w") as file:
        file.write(f"weights {step}")
    gxt.log_model("model.bin", step=step, meta={"width": 64})
    with open("model.bin", "w") as file:
        file.write("half writ")
"""


def script(repo: Path, code: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a script that git ignores, under `gxt run`."""
    (repo / "script.py").write_text(code)
    with (repo / ".git/info/exclude").open("a") as exclude:
        exclude.write("*.bin\n*.onnx*\nscript.py\nruns\n")
    return gxt(repo, "run", "-q", *options, "--", sys.executable, "script.py")


def artifacts(repo: Path, run: str = "@") -> list[tuple[Any, ...]]:
    keys = ("name", "path", "size", "files", "kind", "step", "metric")
    return [tuple(one[key] for key in keys) for one in data(repo, "show", run)["artifacts"]]


def pointers(repo: Path, run: str = "@") -> dict[str, Pointer]:
    """The pointers of a run commit's tree by name."""
    commit = data(repo, "show", run)["commit"]
    names = git(repo, "ls-tree", "-r", "--name-only", commit, ".gxt/").splitlines()
    found = {}
    for name in names:
        document = yaml.safe_load(git(repo, "show", f"{commit}:{name}"))
        assert document["wdir"] == ".."
        (found[name],) = read_pointers(document, name)
    return found


def content(repo: Path, pointer: Pointer) -> str:
    return find_cache(discover(repo)).path_of(pointer.md5).read_text()


def check_two_checkpoints(repo: Path) -> None:
    assert artifacts(repo) == [
        ("model.bin", "model.step-1000.bin", 12, None, "model", 1000, 0.25),
        ("model.bin", "model.bin", 12, None, "model", 2000, 0.5),
    ]
    assert [one["meta"] for one in data(repo, "show")["artifacts"]] == [{"width": 64}] * 2
    found = pointers(repo)
    assert {name: (one.path, content(repo, one)) for name, one in found.items()} == {
        ".gxt/model.bin.dvc": ("model.bin", "weights 2000"),
        ".gxt/model.step-1000.bin.dvc": ("model.step-1000.bin", "weights 1000"),
    }
    assert data(repo, "show")["notices"] == []
    assert list((repo / ".git/gxt/live").iterdir()) == []


def test_checkpoints_of_one_path_are_both_kept_as_they_were(repo: Path) -> None:
    status = git(repo, "status", "--porcelain", "--ignored")
    script(repo, STEPS)
    check_two_checkpoints(repo)
    assert status == ""
    assert git(repo, "status", "--porcelain") == ""


def test_a_script_alone_keeps_its_checkpoints(repo: Path) -> None:
    (repo / ".git/info/exclude").write_text("*.bin\nscript.py\n")
    (repo / "script.py").write_text(STEPS)
    done = subprocess.run([sys.executable, "script.py"], cwd=repo, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    check_two_checkpoints(repo)


def test_dvc_brings_them_back_in_a_checkout_of_the_run(repo: Path, tmp_path: Path) -> None:
    dvc(repo, "init", "-q")
    git(repo, "commit", "-q", "-m", "dvc")
    (repo / ".git/info/exclude").write_text("*.bin\n")
    script(
        repo,
        STEPS.replace("model.bin", "runs/model.bin").replace(
            "import gxt", "import gxt, os; os.mkdir('runs')"
        ),
    )
    assert Cache(repo / ".dvc/cache").has(pointers(repo)[".gxt/model.bin.dvc"].md5)
    place = tmp_path / "checkout"
    git(repo, "worktree", "add", "-q", "--detach", str(place), data(repo, "show")["commit"])
    dvc(place, "cache", "dir", "--local", str(repo / ".dvc/cache"))
    dvc(place, "checkout", "-q", ".gxt/model.bin.dvc", ".gxt/model.step-1000.bin.dvc")
    assert (place / "runs/model.bin").read_text() == "weights 2000"
    assert (place / "runs/model.step-1000.bin").read_text() == "weights 1000"
    assert digest(place / "runs/model.bin").md5 == pointers(repo)[".gxt/model.bin.dvc"].md5


def test_outputs_of_dvc_and_of_the_run_do_not_overlap(repo: Path, tmp_path: Path) -> None:
    dvc(repo, "init", "-q")
    (repo / "dvc.yaml").write_text("stages:\n  train:\n    cmd: python script.py\n    outs: [runs]\n")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "dvc")
    script(
        repo, "import gxt, os; os.mkdir('runs'); open('runs/m.bin', 'w').close(); gxt.log_model('runs/m.bin')"
    )
    assert [one.path for one in pointers(repo).values()] == [".gxt/out/m.bin"]
    place = tmp_path / "checkout"
    git(repo, "worktree", "add", "-q", "--detach", str(place), data(repo, "show")["commit"])
    dvc(place, "cache", "dir", "--local", str(repo / ".dvc/cache"))
    dvc(place, "checkout", "-q", ".gxt/m.bin.dvc")
    assert (place / ".gxt/out/m.bin").read_bytes() == b""


def test_files_and_folders_named_at_the_start_are_kept_at_the_end(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.bin").write_text("outside")
    code = (
        "import os\nos.makedirs('runs/a')\nfor path in ('runs/a/x.bin', 'm.bin'): open(path, 'w').write('x')"
    )
    done = script(
        repo, code, "--out", "runs", "--out", "m.bin", "--out", "../outside.bin", "--out", "nothing"
    )
    assert done.stderr == ""
    assert artifacts(repo) == [
        ("runs", "runs", 1, 1, "folder", None, None),
        ("m.bin", "m.bin", 1, None, "file", None, None),
        ("outside.bin", ".gxt/out/outside.bin", 7, None, "file", None, None),
    ]
    assert data(repo, "show")["notices"] == [
        "--out: there is no file or folder nothing (name one that is there)"
    ]
    found = pointers(repo)
    assert content(repo, found[".gxt/outside.bin.dvc"]) == "outside"
    assert (found[".gxt/runs.dvc"].is_folder, found[".gxt/runs.dvc"].files) == (True, 1)


def test_a_relative_output_is_one_of_the_working_directory(repo: Path) -> None:
    (repo / "sub").mkdir()
    gxt(repo / "sub", "run", "-q", "--out", "m.bin", "--", "sh", "-c", "printf m > m.bin")
    assert [one[1] for one in artifacts(repo)] == ["sub/m.bin"]


def test_the_same_content_is_stored_once(repo: Path) -> None:
    script(
        repo,
        "import gxt\nopen('m.bin', 'w').write('m')\nfor step in range(3): gxt.log_model('m.bin', step=step)",
    )
    assert len(artifacts(repo)) == 3
    stored = [path for path in (repo / ".git/gxt/data").rglob("*") if path.is_file()]
    assert [path.read_text() for path in stored] == ["m"]


def test_what_cannot_be_kept_is_a_warning_of_each_function_and_the_training_goes_on(repo: Path) -> None:
    calls = ("log_model('none.bin')", "log_artifact('')", "log_model(5)")
    code = "\n".join(["import gxt", *(f"gxt.{call}" for call in calls), "print('trained')"])
    done = script(repo, code)
    assert done.stdout == "trained\n"
    assert done.stderr == (
        "gxt: log_model: there is no file or folder none.bin (name one that is there); the training goes on\n"
        "gxt: log_artifact: the path is empty (name a file or a folder); the training goes on\n"
    )
    assert artifacts(repo) == []


def test_a_folder_is_not_copied_into_itself(repo: Path) -> None:
    done = script(repo, "import gxt\ngxt.log_artifact('.git')\ngxt.log_artifact('.')", "--out", ".git/gxt")
    assert done.stderr == (
        "gxt: log_artifact: .git holds the record of the run itself (name a folder of the work tree); "
        "the training goes on\n"
    )
    (one,) = data(repo, "show")["artifacts"]
    assert (one["path"], one["files"]) == (".gxt/out/repo", 3)
    assert data(repo, "show")["notices"][1:] == [
        "--out: .git/gxt holds the record of the run itself (name a folder of the work tree)"
    ]


def test_pointers_of_another_run_are_not_taken_over(repo: Path) -> None:
    script(repo, STEPS)
    gxt(repo, "branch", "1", "idea")
    git(repo, "switch", "-q", "idea")
    assert (repo / ".gxt/model.bin.dvc").exists()
    gxt(repo, "run", "-q", "--", "true")
    assert pointers(repo) == {}
    assert (repo / ".gxt/model.bin.dvc").exists()


def test_a_setting_keeps_the_best_and_the_last(repo: Path) -> None:
    (repo / ".gxt.toml").write_text("[artifacts]\nkeep_best = 1\n")
    code = """
import gxt
for step, acc in ((1, 0.5), (2, 0.9), (3, 0.7), (4, 0.6)):
    gxt.log({"val/acc": acc}, step=step)
    open("m.bin", "w").write(str(step))
    gxt.log_model("m.bin", step=step)
"""
    done = script(repo, code)
    assert [(one[1], one[5]) for one in artifacts(repo)] == [("m.step-2.bin", 2), ("m.bin", 4)]
    assert data(repo, "show")["notices"] == ["2 of 4 checkpoints m.bin left out: keep_best is 1"]
    git(repo, "config", "gxt.keepBest", "0")
    script(repo, code)
    assert [one[5] for one in artifacts(repo)] == [1, 2, 3, 4]
    git(repo, "config", "gxt.keepBest", "many")
    done = gxt(repo, "run", "--", "true", code=2)
    assert done.stderr == "gxt: keep_best is no count: 'many'\n     give a number, 0 for all\n"


def test_ranks_keep_their_own(repo: Path) -> None:
    code = """
import os, subprocess, sys, gxt
rank = os.environ.get("RANK")
if rank is None:
    for one in "01":
        subprocess.run([sys.executable, "script.py"], env={**os.environ, "RANK": one}, check=True)
else:
    gxt.init(all_ranks=True)
    open(f"rank{rank}.bin", "w").write(rank)
    gxt.log_model(f"rank{rank}.bin")
"""
    script(repo, code)
    assert [(one[0], one[2]) for one in artifacts(repo)] == [("rank0.bin", 1), ("rank1.bin", 1)]


def test_while_it_runs_the_cache_holds_what_was_kept(repo: Path) -> None:
    code = """
import gxt, os, pathlib, time
open("m.bin", "w").write("m")
gxt.log_model("m.bin")
journal = pathlib.Path(os.environ["GXT_LIVE"], "journal.jsonl")
deadline = time.monotonic() + 30
while b'"stored"' not in journal.read_bytes():
    assert time.monotonic() < deadline
    time.sleep(0.01)
"""
    script(repo, code)
    assert [one[0] for one in artifacts(repo)] == ["m.bin"]


@pytest.mark.parametrize(
    ("config", "local", "cache"),
    [
        ("", "", ".dvc/cache"),
        ("[cache]\n    dir = ../store\n", "", "store"),
("['remote \"r\"']\n    url = x\n[cache]\n    dir = a\n", "[cache]\n    dir = 'b c'\n", ".dvc/b c"),
        ("[cache\n", "", ".dvc/cache"),
        ("[cache]\n    type = hardlink\n", "", ".dvc/cache"),
    ],
)  # fmt: skip
def test_the_cache_is_where_dvc_has_it(
    repo: Path, tmp_path: Path, config: str, local: str, cache: str
) -> None:
    (repo / ".dvc").mkdir()
    (repo / ".dvc/config").write_text(config)
    (repo / ".dvc/config.local").write_text(local)
    git(repo, "worktree", "add", "-q", str(tmp_path / "linked"))
    (repo / "sub").mkdir()
    for place in (repo, repo / "sub", tmp_path / "linked"):
        assert find_cache(discover(place)).root == repo / cache


def test_without_dvc_the_cache_is_git_s(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", str(tmp_path / "linked"))
    assert find_cache(discover(tmp_path / "linked")).root == repo / ".git/gxt/data"


def test_a_cache_for_all_projects_is_used(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repo / ".dvc").mkdir()
    (repo / "home").mkdir()
    (repo / "home/config").write_text("[cache]\ndir = /shared\n")
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(repo / "home"))
    assert find_cache(discover(repo)).root == Path("/shared")


def test_content_that_changes_is_hashed_as_it_was_copied(tmp_path: Path) -> None:
    cache, path = Cache(tmp_path / "cache"), tmp_path / "m"
    path.write_bytes(os.urandom(3 << 20))
    found = cache.take_in(path)
    assert digest(path).md5 == found.md5
    assert cache.is_sound(found.md5)
    assert cache.take_in(path) == found
    assert [one for one in (tmp_path / "cache").rglob("*") if one.is_file()] == [cache.path_of(found.md5)]


def test_what_out_names_stays_whatever_the_setting_keeps(repo: Path) -> None:
    (repo / ".gxt.toml").write_text("[artifacts]\nkeep_best = 1\nkeep_last = false\n")
    (repo / "train.py").write_text("""
import gxt
for step, acc in ((1, 0.9), (2, 0.5)):
    gxt.log({"val/acc": acc}, step=step)
    open("m.bin", "w").write(str(step))
    gxt.log_model("m.bin", step=step)
""")
    gxt(repo, "run", "-q", "--out", "m.bin", "--", sys.executable, "train.py")
    assert [(one[1], one[5]) for one in artifacts(repo)] == [("m.step-1.bin", 1), ("m.bin", 2)]
