"""One life of a few runs in repositories of every shape that git allows, and under every setting of a user.

A shape is a function that makes a work tree; what must hold is the same for all of them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import pytest

from tests.conftest import data, git, gxt


class Shape(NamedTuple):
    """A work tree to record in.

    Attributes:
        place: where the user stands.
        env: the user's variables.
    """

    place: Path
    env: Mapping[str, str] = MappingProxyType({})


Maker: TypeAlias = Callable[[Path], Shape]
SHAPES: dict[str, Maker] = {}


def shape(maker: Maker) -> Maker:
    SHAPES[maker.__name__] = maker
    return maker


def configured(**settings: str) -> Maker:
    """An ordinary repository of a user with settings; `__` stands for the dot of a key."""

    def make(tmp: Path) -> Shape:
        repo = ordinary(tmp).place
        for key, value in settings.items():
            git(repo, "config", key.replace("__", "."), value)
        git(repo, "reset", "-q", "--hard")
        return Shape(repo)

    return make


def fill(repo: Path) -> None:
    (repo / "train.py").write_text("print('one')\n")
    (repo / "kept").mkdir(exist_ok=True)
    (repo / "kept" / "text").write_text("text\n")
    (repo / "link").symlink_to("train.py")


def started(repo: Path, *options: str) -> Path:
    repo.mkdir(exist_ok=True)
    git(repo, "init", "-q", *options)
    fill(repo)
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "first")
    return repo


@shape
def ordinary(tmp: Path) -> Shape:
    return Shape(started(tmp / "repo"))


@shape
def without_commits(tmp: Path) -> Shape:
    repo = tmp / "repo"
    repo.mkdir()
    git(repo, "init", "-q")
    fill(repo)
    return Shape(repo)


@shape
def detached(tmp: Path) -> Shape:
    repo = ordinary(tmp).place
    git(repo, "checkout", "-q", "--detach")
    return Shape(repo)


@shape
def shallow(tmp: Path) -> Shape:
    repo = ordinary(tmp).place
    git(repo, "commit", "-q", "--allow-empty", "-m", "second")
    git(tmp, "clone", "-q", "--depth=1", f"file://{repo}", "shallow")
    return Shape(tmp / "shallow")


@shape
def sparse(tmp: Path) -> Shape:
    repo = ordinary(tmp).place
    git(repo, "sparse-checkout", "set", "--no-cone", "/train.py", "/link")
    assert not (repo / "kept").exists()
    return Shape(repo)


@shape
def sparse_index(tmp: Path) -> Shape:
    repo = ordinary(tmp).place
    git(repo, "sparse-checkout", "set", "--cone", "--sparse-index")
    assert not (repo / "kept").exists()
    return Shape(repo)


@shape
def partial_clone_whose_remote_is_gone(tmp: Path) -> Shape:
    repo = ordinary(tmp).place
    git(repo, "config", "uploadpack.allowFilter", "true")
    git(tmp, "clone", "-q", "--filter=blob:none", "--sparse", f"file://{repo}", "partial")
    repo.rename(tmp / "gone")
    return Shape(tmp / "partial")


@shape
def sha256(tmp: Path) -> Shape:
    return Shape(started(tmp / "repo", "--object-format=sha256"))


def reftable(tmp: Path) -> Shape:
    return Shape(started(tmp / "repo", "--ref-format=reftable"))


if tuple(map(int, git(Path(), "version").split()[2].split(".")[:2])) >= (2, 45):
    shape(reftable)


@shape
def objects_elsewhere(tmp: Path) -> Shape:
    git(tmp, "clone", "-q", "--shared", str(ordinary(tmp).place), "borrower")
    return Shape(tmp / "borrower")


@shape
def packed(tmp: Path) -> Shape:
    repo = ordinary(tmp).place
    git(repo, "gc", "-q")
    return Shape(repo)


@shape
def odd_path(tmp: Path) -> Shape:
    return Shape(started(tmp / "a 'b\" é\n$HOME"))


@shape
def linked_work_tree(tmp: Path) -> Shape:
    git(ordinary(tmp).place, "worktree", "add", "-q", "-b", "other", str(tmp / "linked"))
    return Shape(tmp / "linked")


@shape
def work_tree_of_a_bare_repository(tmp: Path) -> Shape:
    git(tmp, "clone", "-q", "--bare", str(ordinary(tmp).place), "bare.git")
    git(tmp / "bare.git", "worktree", "add", "-q", str(tmp / "linked"), "main")
    return Shape(tmp / "linked")


@shape
def inside_a_submodule(tmp: Path) -> Shape:
    inner, outer = ordinary(tmp).place, started(tmp / "outer")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "sub")
    return Shape(outer / "sub")


@shape
def git_dir_elsewhere(tmp: Path) -> Shape:
    return Shape(started(tmp / "repo", f"--separate-git-dir={tmp / 'elsewhere'}"))


@shape
def work_tree_elsewhere(tmp: Path) -> Shape:
    repo, top = ordinary(tmp).place, tmp / "top"
    top.mkdir()
    git(repo, "config", "core.worktree", str(top))
    (top / ".git").write_text(f"gitdir: {repo}/.git\n")
    git(top, "reset", "-q", "--hard")
    return Shape(top)


@shape
def index_of_many_files(tmp: Path) -> Shape:
    repo = configured(feature__manyFiles="true", core__untrackedCache="true", index__version="4")(tmp).place
    git(repo, "update-index", "--index-version=4", "--untracked-cache")
    return Shape(repo)


@shape
def split_index(tmp: Path) -> Shape:
    repo = configured(core__splitIndex="true")(tmp).place
    git(repo, "update-index", "--split-index")
    assert list((repo / ".git").glob("sharedindex.*"))
    return Shape(repo)


@shape
def settings_of_one_work_tree(tmp: Path) -> Shape:
    repo = linked_work_tree(tmp).place
    git(repo, "config", "extensions.worktreeConfig", "true")
    git(repo, "config", "--worktree", "user.name", "Only Here")
    return Shape(repo)


@shape
def names_that_differ_by_case_and_unicode_form(tmp: Path) -> Shape:
    repo = configured(core__ignoreCase="true", core__precomposeUnicode="true")(tmp).place
    for name in ("Case", "case", "caf\u00e9", "cafe\u0301"):
        (repo / name).write_text(f"{name}\n")
    return Shape(repo)


def test_names_that_a_file_system_might_confuse_are_kept_apart(tmp_path: Path) -> None:
    repo = names_that_differ_by_case_and_unicode_form(tmp_path).place
    gxt(repo, "run", "-q", "--", "true")
    listed = git(repo, "ls-tree", "--name-only", "-z", data(repo, "show")["commit"]).split("\0")
    assert {"Case", "case", "caf\u00e9", "cafe\u0301"} <= set(listed)
    assert data(repo, "status")["code"]["skipped"] == []


def _programs(tmp: Path, *names: str) -> str:
    """Programs that a user's git must not start for us: each leaves a file and fails."""
    folder = tmp / "programs"
    folder.mkdir()
    for name in names:
        (folder / name).write_text(f"#!/bin/sh\ntouch {tmp}/called-{name}\nexit 1\n")
        (folder / name).chmod(0o755)
    return str(folder)


@shape
def user_with_programs(tmp: Path) -> Shape:
    hooks = "pre-commit post-commit reference-transaction post-index-change post-checkout".split()
    folder = _programs(tmp, "gpg", "pager", "editor", "differ", "helper", *hooks)
    repo = ordinary(tmp).place
    settings = {
        "commit.gpgSign": "true", "tag.gpgSign": "true", "gpg.program": f"{folder}/gpg",
        "core.hooksPath": folder, "core.pager": f"{folder}/pager", "pager.log": f"{folder}/pager",
        "core.editor": f"{folder}/editor", "diff.external": f"{folder}/differ",
        "credential.helper": f"{folder}/helper", "core.fsmonitor": f"{folder}/no-monitor",
        "core.askPass": f"{folder}/helper", "alias.status": "!false", "alias.update-ref": "!false",
    }  # fmt: skip
    for key, value in settings.items():
        git(repo, "config", key, value)
    return Shape(repo)


shape_of_words = {
    "user_with_tastes": configured(
        color__ui="always", color__status="always", diff__noprefix="true", diff__mnemonicPrefix="true",
        diff__renames="copies", diff__ignoreSubmodules="all", diff__context="0",
        diff__wordRegex=".", diff__colorMoved="zebra", diff__algorithm="patience",
        diff__suppressBlankEmpty="true",
        status__showUntrackedFiles="no", status__short="true", status__branch="false",
        status__relativePaths="false", status__submoduleSummary="true", status__renames="copies",
        log__showSignature="true", log__date="relative", log__decorate="full", log__follow="true",
        log__showRoot="false", log__abbrevCommit="true", log__mailmap="false", format__pretty="oneline",
        core__abbrev="4", core__quotePath="true", core__commentChar=";", i18n__logOutputEncoding="latin1",
        column__ui="always", grep__lineNumber="true", core__whitespace="tab-in-indent,trailing-space",
    ),
    "user_with_rules": configured(
        user__useConfigOnly="true", core__logAllRefUpdates="always", notes__displayRef="refs/notes/*",
        notes__rewriteRef="refs/notes/*", notes__mergeStrategy="ours", core__notesRef="refs/notes/mine",
        fetch__prune="true", fetch__writeCommitGraph="true", fetch__fsckObjects="true",
        transfer__hideRefs="refs/gxt", transfer__fsckObjects="true", receive__denyDeletes="true",
        receive__denyNonFastForwards="true", receive__hideRefs="refs/notes", receive__fsckObjects="true",
        core__fileMode="false", core__symlinks="true", core__compression="0", core__sharedRepository="group",
        fastimport__unpackLimit="0", transfer__unpackLimit="1",
        core__preloadIndex="false", core__multiPackIndex="true", core__trustctime="false",
        core__checkStat="minimal", core__splitIndex="false", gc__auto="1", gc__autoPackLimit="1",
        gc__pruneExpire="now", gc__reflogExpire="now", maintenance__auto="true",
        pack__writeReverseIndex="true",
        advice__statusHints="true", safe__bareRepository="explicit", submodule__recurse="true",
        core__warnAmbiguousRefs="true", core__longpaths="true", core__protectNTFS="true",
    ),
    "user_of_crlf": configured(core__autocrlf="true", core__safecrlf="warn"),
    "user_without_reflogs": configured(core__logAllRefUpdates="false"),
}  # fmt: skip
SHAPES.update(shape_of_words)


@shape
def user_with_variables(tmp: Path) -> Shape:
    repo = ordinary(tmp).place
    other = started(tmp / "other")
    env = {
        "GIT_DIR": str(other / ".git"), "GIT_WORK_TREE": str(other), "GIT_INDEX_FILE": str(tmp / "no-index"),
        "GIT_OBJECT_DIRECTORY": str(tmp / "no-objects"), "GIT_COMMON_DIR": str(tmp / "no-common"),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(other / ".git/objects"), "GIT_NAMESPACE": "elsewhere",
        "GIT_PREFIX": "kept/", "GIT_AUTHOR_NAME": "Somebody", "GIT_AUTHOR_EMAIL": "some@body",
        "GIT_AUTHOR_DATE": "2001-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "nonsense", "GIT_TRACE": "1",
        "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.abbrev", "GIT_CONFIG_VALUE_0": "5",
        "GIT_LITERAL_PATHSPECS": "1", "GIT_ICASE_PATHSPECS": "1", "GIT_OPTIONAL_LOCKS": "1",
        "GIT_EDITOR": "false", "GIT_PAGER": "false", "GIT_EXTERNAL_DIFF": "false",
        "GIT_NOTES_REF": "refs/notes/x", "GIT_REFLOG_ACTION": "x",
        "GIT_DIFF_OPTS": "-u0", "GIT_DEFAULT_HASH": "sha256", "GIT_QUARANTINE_PATH": str(tmp),
        "GIT_REPLACE_REF_BASE": "refs/none", "GIT_GRAFT_FILE": str(tmp / "none"),
        "GIT_SHALLOW_FILE": str(tmp / "none"),
        "GIT_FLUSH": "0", "GIT_CEILING_DIRECTORIES": str(tmp), "GIT_PROTOCOL_FROM_USER": "0",
    }  # fmt: skip
    return Shape(repo, env)


METRICS = ("run", "--metrics", "m.json", "--", "sh", "-c", """echo '{"acc": 0.5}' >m.json""")


@pytest.mark.parametrize("name", SHAPES)
def test_runs_are_recorded_and_nothing_of_the_user_is_touched(name: str, tmp_path: Path) -> None:
    place, env = SHAPES[name](tmp_path)
    exclude = Path(git(place, "rev-parse", "--git-path", "info/exclude"))
    (place / exclude).parent.mkdir(exist_ok=True)
    (place / exclude).write_text("m.json\n")
    clean = everything(place)
    said = [gxt(place, *METRICS, code=0, **env).stderr.splitlines()]
    assert everything(place) == clean
    (place / "train.py").write_text("print('two')\n")
    (place / "new file").write_text("new\n")
    dirty = everything(place)
    said.append(gxt(place, *METRICS, code=0, **env).stderr.splitlines())
    kill = subprocess.run(
        [sys.executable, "-m", "gxt", "run", "-q", "--", "sh", "-c", "kill -9 $PPID"],
        cwd=place, env={**os.environ, **env}, capture_output=True, check=False,
    )  # fmt: skip
    assert kill.returncode == -9
    check_reading(place, env)
    assert everything(place) == dirty
    check_plain_git(place, name)
    assert [len(lines) for lines in said] == [2, 2], said
    assert not list(tmp_path.glob("called-*"))


def check_reading(place: Path, env: Mapping[str, str]) -> None:
    """What gxt itself tells of the runs."""
    listed = json.loads(gxt(place, "list", "--json", code=0, **env).stdout)
    assert listed["notices"] == ["exp-003 was interrupted: everything it had logged is kept"]
    assert [(run["id"], run["status"], run["parent"], run["metrics"]) for run in listed["data"]] == [
        ("exp-003", "interrupted", "exp-002", {}),
        ("exp-002", "completed", "exp-001", {"acc": 0.5}),
        ("exp-001", "completed", None, {"acc": 0.5}),
    ]
    assert [run["code"]["skipped"] for run in listed["data"]] == [[], [], []]
    changed = json.loads(gxt(place, "diff", "1", "2", "--json", code=0, **env).stdout)["data"]["code"][
        "files"
    ]
    assert changed == [
        {"path": "new file", "added": 1, "removed": 0},
        {"path": "train.py", "added": 1, "removed": 1},
    ]
    assert gxt(place, "diff", "2", code=0, **env).stdout.splitlines()[1:] == ["no difference"]
    assert len(gxt(place, "tree", code=0, **env).stdout.splitlines()) == 4


def check_plain_git(place: Path, name: str) -> None:
    """What somebody sees who has no gxt."""
    run = data(place, "show", "2")
    assert git(place, "show", f"{run['commit']}:train.py") == "print('two')"
    assert git(place, "show", f"{run['commit']}:new file") == "new"
    assert git(place, "rev-parse", f"{run['commit']}^{{tree}}") == run["code"]["tree"]
    tree = git(place, "ls-tree", "-r", "--name-only", run["commit"]).splitlines()
    assert {"kept/text", "link", "new file", "train.py"} <= set(tree)
    noted = json.loads(git(place, "notes", "--ref=gxt/metrics", "show", run["commit"]))
    assert (noted["status"], noted["exit_code"]) == ("completed", 0)
    if "partial" not in name:
        assert git(place, "fsck", "--strict", "--no-dangling", "--no-progress") == ""


def everything(place: Path) -> dict[str, bytes]:
    """The content of each file of the work tree and of git's own directories, but for what gxt may write."""
    dirs = (
        git(place, "rev-parse", "--path-format=absolute", what) for what in ("--git-dir", "--git-common-dir")
    )
    roots = {place, *map(Path, dirs)}
    files = {path: str(path.relative_to(root)) for root in roots for path in root.rglob("*")}
    return {
        str(path): oct(path.lstat().st_mode).encode() + b" " + _content(path)
        for path, inside in files.items()
        if not OURS.search(inside) and (path.is_symlink() or path.is_file())
    }


OURS = re.compile(r"(^|/)objects/|^m\.json$|((^|/)|((^|/)(logs/)?refs/(notes/)?))gxt/")


def _content(path: Path) -> bytes:
    return os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
