"""The data of runs goes to the remote that DVC has and comes back, as plain DVC would have it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from gxt.data.named import Named, named_by
from gxt.model.json_types import JsonObject
from tests.cli.scratch import Terminal
from tests.conftest import data, git, gxt
from tests.servers import WAIT_S, SftpServer, folder_server, s3_server, sftp_server
from tests.with_data import Content, add_runs

FOLDER = {"a": b"one", "b/c": b"two"}
RUNS: list[dict[str, Content]] = [{"model.bin": b"first"}, {"model.bin": b"second", "out": FOLDER}]
CONFIG = "[core]\n    remote = storage\n    analytics = false\n['remote \"storage\"']\n    url = {}\n"


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    return tmp_path / "storage"


@pytest.fixture
def ada(tmp_path: Path, storage: Path) -> Path:
    """A clone with two runs that name content; DVC has a directory for its remote."""
    git(tmp_path, "init", "-q", "--bare", "hub.git")
    path = clone(tmp_path, "ada")
    configure(path, str(storage))
    (path / "train.py").write_text("print(1)\n")
    git(path, "add", ".")
    git(path, "commit", "-q", "-m", "first")
    git(path, "push", "-q", "origin", "HEAD")
    add_runs(path, RUNS)
    return path


@pytest.fixture
def bob(ada: Path) -> Path:
    """A clone that has the runs of ada, and none of their data."""
    gxt(ada, "push")
    path = clone(ada.parent, "bob")
    gxt(path, "pull")
    return path


def clone(place: Path, name: str) -> Path:
    git(place, "clone", "-q", "hub.git", name)
    git(place / name, "config", "user.name", name.title())
    return place / name


def configure(repo: Path, url: str, *, own: str = "", more: str = "") -> None:
    (repo / ".dvc").mkdir(exist_ok=True)
    (repo / ".dvc/.gitignore").write_text("/config.local\n/tmp\n/cache\n")
    (repo / ".dvc/config").write_text(CONFIG.format(url) + more)
    if own:
        (repo / ".dvc/config.local").write_text(f"['remote \"storage\"']\n{own}")


def content(root: Path) -> dict[str, bytes]:
    """What lies below `files/md5` of a cache or a remote, by hash."""
    files = (path for path in (root / "files/md5").rglob("*") if path.is_file())
    return {path.parent.name + path.name: path.read_bytes() for path in files}


def cache(repo: Path) -> Path:
    return repo / ".dvc/cache"


def dvc(repo: Path, *words: str) -> None:
    env = {**os.environ, "DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(repo.parent / "site")}
    command = [sys.executable, "-m", "dvc", *words, "-q"]
    done = subprocess.run(command, cwd=repo, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr


def object_of(root: Path, md5: str) -> Path:
    return root / "files/md5" / md5[:2] / md5[2:]


def hash_of(repo: Path, run: str, path: str) -> str:
    return str(next(one["md5"] for one in data(repo, "show", run)["artifacts"] if one["path"] == path))


def test_a_push_brings_what_the_runs_name_and_nothing_else(ada: Path, storage: Path) -> None:
    before = content(cache(ada))
    object_of(cache(ada), "a" * 32).parent.mkdir()
    object_of(cache(ada), "a" * 32).write_bytes(b"of no run")
    assert gxt(ada, "push", "--dry-run").stdout == (
        "would go to origin: 2 runs (exp-001, exp-002)\nwould go to storage: 5 objects of data, 141 B\n"
    )
    assert not storage.exists()
    done = gxt(ada, "push")
    assert done.stdout == "to origin: 2 runs (exp-001, exp-002)\nto storage: 5 objects of data, 141 B\n"
    assert done.stderr == ""
    assert content(storage) == before
    assert gxt(ada, "push").stdout == "nothing to push: origin has it all\n"
    assert data(ada, "push")["data"] == {"remote": "storage", "objects": 0, "bytes": 0, "stays": []}


def test_a_pull_leaves_data_until_it_is_asked_for(ada: Path, bob: Path, storage: Path) -> None:
    assert content(cache(bob)) == {}
    assert data(bob, "pull", "--data", "1")["data"] == {"remote": "storage", "objects": 1, "bytes": 5}
    assert list(content(cache(bob)).values()) == [b"first"]
    assert gxt(bob, "pull", "--data-only", "--dry-run").stdout == (
        "would come from storage: 2 objects of data, 12 B\n"
    )
    assert gxt(bob, "pull", "--data").stdout == (
        "origin has nothing new\nfrom storage: 4 objects of data, 136 B\n"
    )
    assert content(cache(bob)) == content(cache(ada)) == content(storage)
    assert gxt(bob, "pull", "--data-only").stdout == "all the data is here\n"
    assert {path.stat().st_mode & 0o777 for path in cache(bob).rglob("??/*") if path.is_file()} == {0o444}


def test_dvc_pulls_what_gxt_has_pushed_and_gxt_what_dvc_has(ada: Path, bob: Path, storage: Path) -> None:
    gxt(bob, "checkout", "2")
    dvc(bob, "pull", ".gxt/model.bin.dvc", ".gxt/out.dvc")
    assert (bob / "model.bin").read_bytes() == b"second"
    assert {name: (bob / "out" / name).read_bytes() for name in FOLDER} == FOLDER
    had = content(storage)
    subprocess.run(["rm", "-rf", str(storage)], check=True)
    dvc(bob, "push", ".gxt/model.bin.dvc", ".gxt/out.dvc")
    subprocess.run(["rm", "-rf", str(cache(ada))], check=True)
    gxt(ada, "pull", "--data", "2")
    first = hash_of(ada, "1", "model.bin")
    assert content(cache(ada)) == {md5: one for md5, one in had.items() if md5 != first}


def test_data_alone_and_runs_alone(ada: Path, storage: Path) -> None:
    done = gxt(ada, "push", "--no-data", "1")
    assert done.stdout == "to origin: 1 run (exp-001)\n"
    assert done.stderr == "gxt: the data of exp-001 stays here: gxt push --data-only brings it after them\n"
    assert not storage.exists()
    assert gxt(ada, "push", "--data-only", "--dry-run", "1").stdout == (
        "would go to storage: 1 object of data, 5 B\n"
    )
    assert gxt(ada, "push", "--data-only").stdout == "to storage: 5 objects of data, 141 B\n"
    assert gxt(ada, "push", "--data-only").stdout == "no data to push: storage has it all\n"
    assert data(ada, "status")["sharing"]["new"] == ["exp-002"]
    gxt(ada, "push", "--no-data", "--data-only", code=2)


def test_the_status_tells_how_much_data_waits(ada: Path, bob: Path) -> None:
    add_runs(ada, [{"more.bin": b"x" * 2048}])
    assert data(ada, "status")["sharing"]["data_bytes"] == 2048
    assert "to origin: 1 run (exp-003), data of 2.0 KiB\n" in gxt(ada, "status").stdout
    gxt(ada, "push", "--data-only")
    assert data(ada, "status")["sharing"]["data_bytes"] == 0


def test_without_a_remote_of_dvc_the_runs_go_and_it_is_said(ada: Path) -> None:
    (ada / ".dvc/config").write_text("")
    done = gxt(ada, "push")
    assert done.stdout == "to origin: 2 runs (exp-001, exp-002)\n"
    assert done.stderr == (
        "gxt: the data of exp-001, exp-002 stays here, as DVC has no remote: dvc remote add -d storage URL, "
        "then gxt push --data-only\n"
    )
    assert gxt(ada, "push").stderr == ""
    assert "DVC has no remote" in gxt(ada, "push", "--data-only", code=2).stderr


def test_without_dvc_at_all_the_data_is_kept_in_gits_directory(tmp_path: Path, repo: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "hub.git")
    git(repo, "remote", "add", "origin", str(tmp_path / "hub.git"))
    add_runs(repo, RUNS)
    assert len(content(repo / ".git/gxt/data")) == 5
    assert gxt(repo, "push").stderr.startswith("gxt: the data of exp-001, exp-002 stays here, as DVC has no")


def test_what_is_neither_here_nor_there_is_an_error_and_nothing_goes(ada: Path, storage: Path) -> None:
    lost = hash_of(ada, "2", "model.bin")
    object_of(cache(ada), lost).unlink()
    done = gxt(ada, "push", code=1)
    assert done.stderr == (
        f"gxt: not in the cache, nor on storage ({storage}): exp-002: model.bin ({lost})\n"
        "     dvc add or dvc pull brings it; gxt push --no-data leaves it\n"
    )
    assert not storage.exists()
    assert data(ada, "status")["sharing"]["new"] == ["exp-001", "exp-002"]
    assert gxt(ada, "push", "1").stdout.startswith("to origin: 1 run (exp-001)")
    object_of(storage, lost).parent.mkdir(exist_ok=True)
    object_of(storage, lost).write_bytes(b"second")
    assert "to storage: 3 objects" in gxt(ada, "push").stdout


@pytest.mark.parametrize("jobs", ["1", "8"])
def test_what_is_damaged_here_is_an_error_and_the_runs_stay(ada: Path, storage: Path, jobs: str) -> None:
    configure(ada, str(storage), own=f"    jobs = {jobs}\n")
    broken = hash_of(ada, "1", "model.bin")
    object_of(cache(ada), broken).chmod(0o644)
    object_of(cache(ada), broken).write_bytes(b"fIrst")
    done = gxt(ada, "push", code=1)
    assert done.stderr.startswith(f"gxt: exp-001: model.bin ({broken}) is damaged in the cache\n")
    assert broken not in content(storage)
    assert git(ada.parent / "hub.git", "for-each-ref", "refs/gxt") == ""


def test_what_is_damaged_there_is_an_error_and_never_comes_here(ada: Path, bob: Path, storage: Path) -> None:
    broken = hash_of(ada, "1", "model.bin")
    object_of(storage, broken).chmod(0o644)
    object_of(storage, broken).write_bytes(b"fIrst")
    done = gxt(bob, "pull", "--data", "1", code=1)
    assert done.stderr == (
        f"gxt: exp-001: model.bin ({broken}) is damaged in storage ({storage})\n"
        "     remove it there, then gxt push --data-only exp-001 from a clone that has it\n"
    )
    assert content(cache(bob)) == {}
    object_of(storage, broken).unlink()
    done = gxt(bob, "pull", "--data", code=1)
    assert done.stderr.startswith(f"gxt: not on storage ({storage}): exp-001: model.bin ({broken})\n")
    assert len(content(cache(bob))) == 4
    assert gxt(ada, "push", "--data-only").stdout == "no data to push: storage has it all\n"
    assert gxt(ada, "push", "--data-only", "exp-001").stdout == "to storage: 1 object of data, 5 B\n"
    assert gxt(bob, "pull", "--data-only").stdout == "from storage: 1 object of data, 5 B\n"


def test_a_truncated_object_there_is_replaced_by_the_next_push(ada: Path, storage: Path) -> None:
    half = object_of(storage, hash_of(ada, "1", "model.bin"))
    half.parent.mkdir(parents=True)
    half.write_bytes(b"fi")
    gxt(ada, "push")
    assert half.read_bytes() == b"first"


def test_a_list_that_is_not_what_its_hash_says_is_an_error(ada: Path) -> None:
    listed = object_of(cache(ada), hash_of(ada, "2", "out"))
    listed.chmod(0o644)
    listed.write_text('[{"md5": "' + "a" * 32 + '", "relpath": "../../x"}]')
    assert f"exp-002: out ({listed.parent.name}{listed.name}) is damaged" in gxt(ada, "push", code=1).stderr


def test_a_killed_push_shows_no_half_and_goes_on(ada: Path, storage: Path) -> None:
    """One thread; the second file of the folder is a pipe that nobody fills."""
    configure(ada, str(storage), own="    jobs = 1\n")
    files = content(cache(ada))
    listed = json.loads(files[hash_of(ada, "2", "out")])
    slow = object_of(cache(ada), next(one["md5"] for one in listed if one["relpath"] == "b/c"))
    slow.unlink()
    os.mkfifo(slow)
    pushing = subprocess.Popen([sys.executable, "-m", "gxt", "push"], cwd=ada, stdout=subprocess.PIPE)
    with slow.open("wb"):  # returns when the push reads it
        pushing.send_signal(signal.SIGKILL)
        pushing.communicate(timeout=WAIT_S)
    arrived = {name: one for name, one in content(storage).items() if ".gxt-" not in name}
    assert arrived == {name: files[name] for name in arrived}
    assert hash_of(ada, "2", "out") not in arrived
    assert git(ada.parent / "hub.git", "for-each-ref", "refs/gxt") == ""
    slow.unlink()
    slow.write_bytes(b"two")
    assert f"to storage: {5 - len(arrived)} objects of data" in gxt(ada, "push").stdout
    assert {name: one for name, one in content(storage).items() if ".gxt-" not in name} == files


def test_whoever_has_not_the_data_pushes_runs_of_his_own(ada: Path, bob: Path, storage: Path) -> None:
    add_runs(bob, [{"bobs.bin": b"of bob"}])
    subprocess.run(["rm", "-rf", str(storage)], check=True)
    assert gxt(bob, "push").stdout == "to origin: 1 run (exp-003)\nto storage: 1 object of data, 6 B\n"
    gxt(ada, "pull")
    assert gxt(ada, "pull", "--data", "3").stdout.endswith("from storage: 1 object of data, 6 B\n")


def test_data_that_comes_into_the_cache_later_goes_with_the_next_push(ada: Path, storage: Path) -> None:
    """Published without its data from elsewhere: it goes as soon as it is here."""
    add_runs(ada, [{"late.bin": b"late"}], keep=False)
    gxt(ada, "push", "--no-data")
    gxt(ada, "push")
    late = hash_of(ada, "3", "late.bin")
    assert late not in content(storage)
    object_of(cache(ada), late).parent.mkdir(exist_ok=True)
    object_of(cache(ada), late).write_bytes(b"late")
    assert (
        gxt(ada, "push").stdout == "nothing to push: origin has it all\nto storage: 1 object of data, 4 B\n"
    )


def test_the_memory_of_what_is_there_may_be_deleted(ada: Path, bob: Path, storage: Path) -> None:
    (ada / ".git/gxt/cache/data-1.sqlite").write_bytes(b"no database" * 1000)
    before = content(storage)
    assert gxt(ada, "push").stdout == "nothing to push: origin has it all\n"
    assert content(storage) == before


def test_what_comes_comes_though_some_of_it_is_missing(ada: Path, bob: Path, storage: Path) -> None:
    listed, first = hash_of(ada, "2", "out"), hash_of(ada, "1", "model.bin")
    for md5 in (listed, first):
        object_of(storage, md5).unlink()
    done = gxt(bob, "pull", "--data-only", code=1)
    assert done.stderr == (
        f"gxt: not on storage ({storage}): exp-001: model.bin ({first}), exp-002: out ({listed})\n"
        "     gxt push --data-only RUN from the clone that has recorded it\n"
    )
    assert content(cache(bob)) == {hash_of(ada, "2", "model.bin"): b"second"}


def test_an_input_that_was_not_here_holds_no_push_up(ada: Path) -> None:
    entry: JsonObject = {"path": "data.csv", "md5": "c" * 32, "size": 3, "tracked": "dvc"}
    add_runs(ada, [{}], inputs=[{**entry, "missing": True}])
    assert gxt(ada, "push").stdout.startswith("to origin: 3 runs")
    add_runs(ada, [{}], inputs=[entry])
    assert f"exp-004: data.csv ({'c' * 32})" in gxt(ada, "push", code=1).stderr


def test_data_of_both_documents_counts() -> None:
    """Inputs that DVC tracks, outputs; nothing without a hash, nothing that git has."""
    md5, folder = "a" * 32, "b" * 32 + ".dir"
    config: JsonObject = {
        "data": [
            {"path": "in", "md5": folder, "size": 5, "tracked": "dvc", "missing": True},
            {"path": "code", "md5": md5, "size": 5, "tracked": "git"},
            {"path": "odd", "md5": "../../x", "tracked": "dvc"},
            "odd",
        ]
    }
    metrics: JsonObject = {
        "artifacts": [{"path": "out", "md5": md5, "size": 7}, {"path": "none", "md5": None}]
    }
    assert named_by("exp-001", config, metrics) == [
        Named(folder, 5, "exp-001", "in", was_here=False),
        Named(md5, 7, "exp-001", "out"),
    ]
    assert named_by("exp-001", {"data": 5}, {"artifacts": {}}) == []


# --- whom the configuration may make talk to whom --------------------------------------------------------


def test_another_place_than_before_is_asked_about(ada: Path, storage: Path) -> None:
    gxt(ada, "push")
    elsewhere = ada.parent / "elsewhere"
    configure(ada, str(elsewhere))
    add_runs(ada, [{"secret.bin": b"secret"}])
    done = gxt(ada, "push", code=1)
    assert done.stderr == (
        f"gxt: .dvc/config names {elsewhere} as the remote storage, or other settings for it than before; so "
        f"far data went to {storage}\n"
        "     if that is meant: the same command with --yes; gxt push --no-data leaves data here\n"
    )
    assert not elsewhere.exists()
    assert (
        gxt(ada, "push", "--yes").stdout
        == "to origin: 1 run (exp-003)\nto storage: 6 objects of data, 147 B\n"
    )
    assert gxt(ada, "push").stderr == ""
    configure(ada, str(storage))
    assert (
        gxt(ada, "push").stdout == "nothing to push: origin has it all\nto storage: 1 object of data, 6 B\n"
    )


@pytest.mark.parametrize(("typed", "goes"), [("y\n", True), ("\n", False)])
def test_on_a_terminal_it_is_a_question(ada: Path, storage: Path, typed: str, goes: bool) -> None:
    gxt(ada, "push")
    elsewhere = ada.parent / "elsewhere"
    configure(ada, str(elsewhere))
    shown = Terminal(ada, 300).show("push", "--data-only", typed=typed)
    question = (
        f".dvc/config names {elsewhere} as the remote storage; so far data went to {storage}. Use it? [y/N] "
    )
    assert shown.startswith(question)
    assert elsewhere.exists() is goes


def test_a_linked_work_tree_uses_the_remote_and_the_cache_of_the_main_one(ada: Path, storage: Path) -> None:
    configure(ada, "../../storage", own="    jobs = 2\n")
    git(ada, "commit", "-q", "-a", "-m", "beside")
    git(ada, "worktree", "add", "-q", str(ada.parent / "far/away/linked"))
    linked = ada.parent / "far/away/linked"
    assert gxt(linked, "push").stdout.endswith("to storage: 5 objects of data, 141 B\n")
    assert content(storage) == content(cache(ada))
    assert gxt(ada, "push").stdout == "nothing to push: origin has it all\n"


def test_what_a_colleague_calls_his_data_writes_no_escapes(ada: Path) -> None:
    add_runs(ada, [{"\x1b[31mred.bin": b"red"}], keep=False)
    done = gxt(ada, "push", code=1)
    assert "exp-003: " in done.stderr
    assert "\x1b" not in done.stderr


def test_two_push_at_the_same_time(ada: Path, bob: Path, storage: Path) -> None:
    for repo in (ada, bob):
        add_runs(repo, [{"same.bin": b"same" * 1000, repo.name: repo.name.encode()}])
    command = [sys.executable, "-m", "gxt", "push"]
    pushes = [subprocess.Popen(command, cwd=repo, stdout=subprocess.DEVNULL) for repo in (ada, bob)]
    assert [one.wait(WAIT_S) for one in pushes] == [0, 0]
    assert content(storage) == content(cache(ada)) | content(cache(bob))


def test_ones_own_settings_need_no_question(ada: Path, storage: Path) -> None:
    gxt(ada, "push")
    configure(ada, str(storage), own=f"    url = {ada.parent / 'mine'}\n")
    (ada / ".dvc/config").write_text("")
    local = ada / ".dvc/config.local"
    local.write_text(f"[core]\n    remote = storage\n{local.read_text()}")
    assert (
        gxt(ada, "push").stdout
        == "nothing to push: origin has it all\nto storage: 5 objects of data, 141 B\n"
    )


def test_settings_that_could_run_a_command_are_taken_from_ones_own_files_alone(repo: Path) -> None:
    from gxt.data.remotes import find_remote
    from gxt.git.repository import discover

    own = "    credentialpath = mine\n"
    configure(repo, "s3://bucket/dvc", own=own, more="    configpath = evil\n    jobs = 3\n    odd = x\n")
    found = find_remote(discover(repo))
    assert found is not None
    assert found.options == {"credentialpath": str(repo / ".dvc/mine"), "jobs": 3}
    assert found.jobs == 3
    theirs, odd = found.notices
    assert theirs == (
        "configpath of the remote storage is not used: in .dvc/config it may be somebody else's, and can run "
        "a command; to have it: dvc remote modify --local storage configpath VALUE"
    )
    assert odd == "odd of the remote storage is not used: gxt does not know it"


@pytest.mark.parametrize(
    ("url", "more", "said"),
    [
        ("gdrive://x/y", "", "gxt carries no data to gdrive://x/y"),
        ("ext::sh", "    worktree = true\n", "worktree of the remote storage"),
        ("s3://b", "    jobs = many\n", "jobs of the remote storage is no whole number: 'many'"),
        ("s3://b", "what\n", "config:6 is no setting"),
        ("s3://b", "[core]\n    remote = other\n", "DVC knows no remote 'other'"),
    ],
)
def test_what_cannot_be_used_is_said(ada: Path, url: str, more: str, said: str) -> None:
    configure(ada, url, more=more)
    assert said in gxt(ada, "push", code=2).stderr
    assert git(ada.parent / "hub.git", "for-each-ref", "refs/gxt") == ""


def test_config_is_read_as_dvc_reads_it(repo: Path) -> None:
    from dvc.config import Config

    from gxt.data.dvc_config import read_config
    from gxt.git.repository import discover

    configure(
        repo, "../../up  # there", own="    Region = 'eu # west'\n", more="    port=22\n[cache]\ndir = ~/c\n"
    )
    with (repo / ".dvc/config").open("a") as file:
        file.write('# all\n[ \'remote "Other"\' ]  # x\nurl = "s3://b/a, b"\nuser = \n')
    theirs = Config(str(repo / ".dvc"), validate=False)
    ours = read_config(discover(repo))
    for name in ("storage", "other"):
        found = {key: one.text for key, one in ours.sections[f'remote "{name}"'].items()}
        assert found == {key: str(one) for key, one in theirs["remote"][name].items()}
    assert ours.value("core", "remote") == "storage"
    assert ours.value("cache", "dir") == str(theirs["cache"]["dir"])


def test_no_module_of_dvc_is_loaded_for_a_directory(ada: Path) -> None:
    script = "import sys; from gxt.cli.main import _run; _run(['push']); print('dvc' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ada, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("to storage: 5 objects of data, 141 B\nFalse\n")


# --- over a network --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with s3_server() as url:
        yield url


@pytest.fixture(scope="module")
def sftp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    with sftp_server(tmp_path_factory.mktemp("sftp")) as server:
        yield server


def exchanged(ada: Path) -> dict[str, bytes]:
    """What a colleague gets of all that ada pushes, by hash."""
    total = "5 objects of data, 141 B"
    assert gxt(ada, "push").stdout == f"to origin: 2 runs (exp-001, exp-002)\nto storage: {total}\n"
    kept = content(cache(ada))
    subprocess.run(["rm", "-rf", str(cache(ada))], check=True)
    assert gxt(ada, "pull", "--data-only").stdout == f"from storage: {total}\n"
    assert content(cache(ada)) == kept
    return kept


def test_s3(ada: Path, s3: str) -> None:
    own = "    access_key_id = me\n    secret_access_key = secret\n"
    configure(ada, "s3://bucket/dvc", own=own, more=f"    endpointurl = {s3}\n    region = us-east-1\n")
    kept = exchanged(ada)
    words = {"aws_access_key_id": "me", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
    server = boto3.client("s3", endpoint_url=s3, **words)
    there = {one["Key"] for one in server.list_objects_v2(Bucket="bucket")["Contents"]}
    assert there == {f"dvc/files/md5/{md5[:2]}/{md5[2:]}" for md5 in kept}
    broken = hash_of(ada, "1", "model.bin")
    server.put_object(Bucket="bucket", Key=f"dvc/files/md5/{broken[:2]}/{broken[2:]}", Body=b"fIrst")
    server.close()
    object_of(cache(ada), broken).unlink()
    done = gxt(ada, "pull", "--data-only", code=1)
    assert done.stderr.startswith(
        f"gxt: exp-001: model.bin ({broken}) is damaged in storage (s3://bucket/dvc)\n"
    )
    assert not object_of(cache(ada), broken).exists()
    git(ada, "checkout", "-q", data(ada, "show", "2")["commit"], "--", ".gxt")
    subprocess.run(["rm", "-rf", str(cache(ada))], check=True)
    dvc(ada, "pull", ".gxt/model.bin.dvc")
    assert (ada / "model.bin").read_bytes() == b"second"


def test_a_package_that_is_missing_is_named(ada: Path, tmp_path: Path) -> None:
    configure(ada, "s3://bucket/dvc")
    lacking = "raise ModuleNotFoundError('none', name='dvc_s3')\n"
    (tmp_path / "dvc_s3.py").write_text(lacking)
    done = gxt(ada, "push", code=1, PYTHONPATH=str(tmp_path))
    assert done.stderr == (
        "gxt: storage (s3://bucket/dvc) takes a package that is not installed: dvc_s3\n"
        "     pip install 'gxt[s3]'\n"
    )


def test_s3_that_refuses_is_said_in_a_line(ada: Path, s3: str) -> None:
    configure(ada, "s3://nowhere/dvc", more=f"    endpointurl = {s3}\n    region = us-east-1\n")
    done = gxt(ada, "push", code=1, AWS_ACCESS_KEY_ID="me", AWS_SECRET_ACCESS_KEY="x")
    assert done.stderr.startswith("gxt: storage (s3://nowhere/dvc): The specified bucket does not exist")
    assert git(ada.parent / "hub.git", "for-each-ref", "refs/gxt") == ""


def test_http_can_only_be_read(ada: Path, bob: Path, storage: Path) -> None:
    with folder_server(storage) as url:
        configure(bob, url)
        object_of(storage, lost := hash_of(ada, "1", "model.bin")).unlink()
        done = gxt(bob, "pull", "--data-only", "--yes", code=1)
        assert done.stderr.startswith(f"gxt: not on storage ({url}): exp-001: model.bin ({lost})\n")
        assert content(cache(bob)) == content(storage)
        configure(ada, url)
        done = gxt(ada, "push", "--data-only", "--yes", "1", code=1)
        assert done.stderr.startswith(f"gxt: storage ({url}): what is behind http can only be read\n")


def test_sftp(ada: Path, sftp: SftpServer, sealed: Path) -> None:
    own = "    user = ada\n    password = secret\n"
    configure(ada, f"ssh://127.0.0.1:{sftp.port}/dvc", own=own)
    kept = exchanged(ada)
    assert content(sftp.folder / "dvc") == kept
    (sealed / ".ssh").mkdir()
    known = sealed / ".ssh/known_hosts"
    known.write_text(f"[127.0.0.1]:{sftp.port} {sftp.key}\n")
    assert gxt(ada, "push", "--data-only", "1").stdout == "no data to push: storage has it all\n"
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
    known.write_text(f"[127.0.0.1]:{sftp.port} {other}\n")
    done = gxt(ada, "push", "--data-only", "1", code=1)
    assert done.stderr.startswith(f"gxt: storage (ssh://127.0.0.1:{sftp.port}/dvc): Host key is not trusted")
