"""Repositories as they are found: half way through something, oddly named, hostile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.scratch import Terminal, normal, tagged
from tests.conftest import data, git, gxt


def tree_of(repo: Path, run: str = "@") -> dict[str, str]:
    """Path → mode of everything in the commit of a run."""
    listed = git(repo, "ls-tree", "-r", "-z", data(repo, "show", run)["commit"])
    rows = [row.split("\t", 1) for row in listed.split("\0") if row]
    return {path: facts.split()[0] for facts, path in rows}


def test_a_repository_without_commits(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "train.py").write_text("print('hi')\n")
    done = gxt(tmp_path, "run", "--", "python", "train.py")
    assert normal(done.stderr) == "exp-001\nexp-001 completed in 0.0 s  → gxt show exp-001\n"
    run = data(tmp_path, "show")
    assert (run["code"]["head"], run["code"]["branch"], run["code"]["dirty"]) == (None, "main", True)
    assert tree_of(tmp_path) == {"train.py": "100644"}
    assert "  code     no commit yet with uncommitted changes\n" in gxt(tmp_path, "show").stdout
    assert "code     no commit yet with uncommitted changes\n" in gxt(tmp_path, "status").stdout
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    assert gxt(tmp_path, "run", "--", "true").stderr.splitlines()[0] == "exp-002 ← exp-001"


def test_an_empty_directory_under_git(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    gxt(tmp_path, "run", "-q", "--", "true")
    assert tree_of(tmp_path) == {}
    assert gxt(tmp_path, "diff", "1").stdout == "exp-001  true  →  the work tree\nno difference\n"


def test_a_detached_head(repo: Path) -> None:
    git(repo, "checkout", "-q", "--detach")
    gxt(repo, "run", "-q", "--", "true")
    assert data(repo, "show")["code"]["branch"] is None
    assert "  code     <head>, no branch\n" in normal(gxt(repo, "show").stdout)
    assert git(repo, "status", "--porcelain=v2", "--branch").splitlines()[1] == "# branch.head (detached)"


@pytest.mark.parametrize(
    "name", ["with space", "quo'te\"s", "new\nline", "ünï 中文", "$HOME;`x`", "-dash", b"b\xffd"]
)
def test_odd_names_of_the_repository_and_its_files(tmp_path: Path, name: str | bytes) -> None:
    text = os.fsdecode(name)
    repo = tmp_path / text
    repo.mkdir()
    git(repo, "init", "-q", "-b", "main")
    (repo / f"{text}.py").write_text("print('hi')\n")
    (repo / text).mkdir()
    (repo / text / "inner").write_text("x\n")
    for _ in range(2):
        done = gxt(repo / text, "run", "--", "python", f"../{text}.py")
        assert done.stdout == "hi\n"
        (repo / f"{text}.py").write_text("print('hi')\n# changed\n")
    stored = subprocess.run(
        ["git", "ls-tree", "-r", "-z", "--name-only", data(repo, "show")["commit"]],
        cwd=repo, capture_output=True, check=True,
    ).stdout  # fmt: skip
    assert sorted(os.fsdecode(stored).split("\0")[:-1]) == sorted([f"{text}.py", f"{text}/inner"])
    assert data(repo, "diff", "1", "2")["code"]["files"] == [{"path": f"{text}.py", "added": 1, "removed": 0}]
    for words in (["list"], ["show"], ["status"], ["diff", "1"], ["diff", "1", "2"], ["diff", "1", "--code"]):
        shown = gxt(repo, *words).stdout
        assert all(line.isprintable() or "\t" in line for line in shown.splitlines()), shown


def test_modes_and_links_are_kept(repo: Path) -> None:
    (repo / "run.sh").write_text("#!/bin/sh\n")
    (repo / "run.sh").chmod(0o755)
    (repo / "link").symlink_to("nowhere")
    (repo / "train.py").chmod(0o755)
    gxt(repo, "run", "-q", "--", "./run.sh")
    assert tree_of(repo) == {
        "link": "120000", "params.yaml": "100644", "run.sh": "100755", "train.py": "100755",
    }  # fmt: skip


def test_what_git_ignores_is_not_recorded(repo: Path) -> None:
    (repo / ".gitignore").write_text("*.log\ndata/\n")
    (repo / "x.log").write_text("x\n")
    (repo / "data").mkdir()
    (repo / "data" / "x").write_text("x\n")
    (repo / "wandb").mkdir()
    (repo / "wandb" / "x").write_text("x\n")
    gxt(repo, "run", "-q", "--", "true")
    assert sorted(tree_of(repo)) == [".gitignore", "params.yaml", "train.py"]
    assert data(repo, "show")["code"]["skipped"] == []


def test_source_code_in_folders_that_loggers_use_too_is_recorded(repo: Path) -> None:
    for name in ("src/outputs/heads.py", "src/outputs/log.txt", "runs/1/events", "wandb/code/train.py"):
        (repo / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / name).write_text("x\n")
    gxt(repo, "run", "-q", "--", "true")
    assert sorted(tree_of(repo)) == ["params.yaml", "src/outputs/heads.py", "train.py"]


def test_a_merge_conflict_is_recorded_as_it_stands(repo: Path) -> None:
    git(repo, "checkout", "-q", "-b", "other")
    (repo / "train.py").write_text("print('theirs')\n")
    git(repo, "commit", "-q", "-a", "-m", "theirs")
    git(repo, "checkout", "-q", "main")
    (repo / "train.py").write_text("print('ours')\n")
    git(repo, "commit", "-q", "-a", "-m", "ours")
    subprocess.run(["git", "merge", "-q", "other"], cwd=repo, capture_output=True, check=False)
    before = git(repo, "status", "--porcelain"), (repo / ".git" / "index").read_bytes()
    done = gxt(repo, "run", "--", "true")
    assert done.stderr.splitlines()[0] == (
        "gxt: in the snapshot, but: train.py (merge conflict: recorded as it stands in the work tree)"
    )
    commit = data(repo, "show")["commit"]
    assert git(repo, "show", f"{commit}:train.py") == (repo / "train.py").read_text().rstrip("\n")
    assert (git(repo, "status", "--porcelain"), (repo / ".git" / "index").read_bytes()) == before
    assert gxt(repo, "show").stdout.splitlines()[-1] == (
        "  but: train.py (merge conflict: recorded as it stands in the work tree)"
    )


def test_submodules_and_embedded_repositories(repo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    git(other, "commit", "-q", "--allow-empty", "-m", "first")
    git(repo, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "sub")
    git(repo, "commit", "-q", "-m", "with a submodule")
    (repo / "sub" / "new").write_text("x\n")
    git(repo, "clone", "-q", str(other), "embedded")
    done = gxt(repo, "run", "--", "true")
    assert done.stderr.splitlines()[:2] == [
        "gxt: not in the snapshot: embedded/ (another git repository)",
        "gxt: in the snapshot, but: sub (submodule with uncommitted changes: only its commit is recorded)",
    ]
    assert tree_of(repo) == {
        ".gitmodules": "100644", "params.yaml": "100644", "sub": "160000", "train.py": "100644",
    }  # fmt: skip


def test_line_ends_that_git_converts(repo: Path) -> None:
    git(repo, "config", "core.autocrlf", "true")
    (repo / "crlf.txt").write_bytes(b"a\r\nb\r\n")
    gxt(repo, "run", "-q", "--", "true")
    commit = data(repo, "show")["commit"]
    blob = subprocess.run(
        ["git", "cat-file", "blob", f"{commit}:crlf.txt"], cwd=repo, capture_output=True, check=True
    )
    assert blob.stdout == b"a\nb\n"
    assert gxt(repo, "diff", "1").stdout == "exp-001  true  →  the work tree\nno difference\n"


def test_a_secret_that_git_tracks_is_recorded_with_a_warning(repo: Path) -> None:
    (repo / ".env").write_text("KEY=1\n")
    git(repo, "add", "-f", ".env")
    git(repo, "commit", "-q", "-m", "careless")
    (repo / ".env").write_text("KEY=2\n")
    done = gxt(repo, "run", "--", "true")
    assert done.stderr.splitlines()[0] == (
        "gxt: recorded although it looks like a secret, since git tracks it: .env"
    )


HOSTILE = "\x1b[31mred\x1b]0;title\x07\r\u202etext\u200b"


def test_what_acts_on_a_terminal_never_reaches_it(repo: Path) -> None:
    (repo / "params.yaml").write_text(json.dumps({"lr": HOSTILE, HOSTILE: 1}))
    (repo / f"{HOSTILE}.py").write_text(f"# {HOSTILE}\n")
    said = ["--name", HOSTILE, "-m", HOSTILE, "--hypothesis", HOSTILE, "--tag", HOSTILE]
    metrics = f"import json; json.dump({{{HOSTILE!r}: 1.0}}, open('m.json', 'w'))"
    for extra in ([], ["--parent", "none"]):
        done = gxt(repo, "run", "--metrics", "m.json", *said, *extra, "--", "python", "-c", metrics)
        assert _harmless(done.stdout + done.stderr)
        (repo / "params.yaml").write_text(json.dumps({"lr": HOSTILE + "2", HOSTILE: 2}))
        (repo / f"{HOSTILE}.py").write_text(f"# {HOSTILE} 2\n")
    (repo / "new" / HOSTILE).mkdir(parents=True)
    (repo / "new" / HOSTILE / "x").write_text("x")
    reading = [
        *(
            ["list"],
            ["list", "--csv"],
            ["list", "--md"],
            ["list", "--columns", "name,tags,message,params.lr"],
        ),
        *(["show", "1"], ["show", "1", "--series"], ["output", "1"], ["diff", "1", "2"], ["diff", "1"]),
        *(["diff", "1", "--code"], ["diff", "1", "2", "--csv"], ["compare", "1", "2"], ["tree"], ["status"]),
        *(["base"], ["run", "--dry-run", *said, "--", HOSTILE], ["show", HOSTILE, "--json"]),
    ]
    for words in reading:
        done = subprocess.run(
            [sys.executable, "-m", "gxt", *words], cwd=repo, capture_output=True, text=True, check=False
        )
        assert done.returncode in {0, 2}, done.stderr
        assert _harmless(done.stdout + done.stderr), words
    for words in (["list"], ["show", "1"], ["tree"], ["status"], ["diff", "1", "2"]):
        assert _harmless(Terminal(repo, 80).show(*words, NO_COLOR="1")), words


def _harmless(text: str) -> bool:
    return all(line.isprintable() for line in text.split("\n"))


@pytest.mark.parametrize("locale", ["C", "POSIX", "en_US.ISO-8859-1"])
def test_a_locale_that_lacks_the_characters(repo: Path, locale: str) -> None:
    (repo / "ünï.py").write_text("print('hi')\n")
    gxt(repo, "run", "-q", "--name", "ünï", "--", "python", "ünï.py")
    old = {"LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for words in (["list"], ["show"], ["status"], ["diff", "1"], ["tree"], ["list", "--json"]):
        done = subprocess.run(
            [sys.executable, "-m", "gxt", *words],
            cwd=repo, capture_output=True, env={**os.environ, **old}, check=True,
        )  # fmt: skip
        assert (done.stderr, b"exp-001" in done.stdout) == (b"", True)


def test_names_that_are_no_utf8_do_not_harm_the_history(repo: Path) -> None:
    said: list[str | bytes] = ["--name", b"\xff\xfe", "-m", b"\xff", "--tag", b"\xff", "--", "true", b"\xff"]
    command = [sys.executable, "-m", "gxt", "run", "-q", *said]
    subprocess.run(command, cwd=repo, check=True)
    run = data(repo, "list")[0]
    assert (run["name"], run["message"], run["tags"]) == ("\\udcff\\udcfe", "\\udcff", ["\\udcff"])
    assert gxt(repo, "list", "--columns", "id,name,tags").stdout == (
        "id       name          tags\nexp-001  \\udcff\\udcfe  \\udcff\n"
    )


def test_a_name_of_2000_characters(repo: Path) -> None:
    name = "x" * 2000
    gxt(repo, "run", "-q", "--name", name, "--", "true")
    assert data(repo, "show", name)["name"] == name
    assert gxt(repo, "base").stdout == f"exp-001  {name}\n"
    assert tagged(Terminal(repo, 100).show("base")) == f"<cyan>exp-001</>  {'x' * 59}…\n"
    assert gxt(repo, "list", "--columns", "name").stdout == f"name\n{name}\n"
    assert gxt(repo, "tree").stdout.splitlines() == ["run      name", f"exp-001  {name}"]
    assert name in gxt(repo, "list").stdout
    assert name in gxt(repo, "show").stdout.splitlines()[0]
    assert name in gxt(repo, "diff", "1").stdout.splitlines()[0]
    assert git(repo, "log", "-1", "--format=%s", data(repo, "show")["commit"]) == "x" * 71 + "…"


def test_parameters_of_any_size_and_shape(repo: Path) -> None:
    deep: object = 1
    for _ in range(40):
        deep = {"k": deep}
    odd = {
        "big": 10**30,
        "deep": deep,
        "list": [1, [2, {"a": None}]],
        "long": "x" * 5000,
        "": 1,
        "a.b": {"c d": 2},
    }
    (repo / "odd.json").write_text(json.dumps(odd))
    gxt(repo, "run", "-q", "--params", "odd.json", "--", "true")
    params = data(repo, "show")["params"]
    assert {key: params[key] for key in odd} == odd
    assert gxt(repo, "list", "--where", "params.big > 1 and params.list == params.list").stderr == ""
    assert "  list  " in gxt(repo, "show").stdout


def test_a_huge_number_in_a_parameters_file(repo: Path) -> None:
    (repo / "params.yaml").write_text("n: " + "9" * 5000 + "\n")
    done = subprocess.run(
        [sys.executable, "-m", "gxt", "run", "--", "true"],
        cwd=repo,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 2}
    assert "a bug in gxt" not in done.stderr
    assert gxt(repo, "status").returncode == 0


def test_git_commands_of_a_hook_do_not_lead_gxt_elsewhere(repo: Path, tmp_path: Path) -> None:
    index = str(tmp_path / "index")
    gxt(
        repo,
        "run",
        "-q",
        "--",
        "true",
        GIT_DIR=str(tmp_path / "none"),
        GIT_INDEX_FILE=index,
        GIT_WORK_TREE="/",
    )
    assert data(repo, "show")["id"] == "exp-001"
    assert not (tmp_path / "index").exists()
