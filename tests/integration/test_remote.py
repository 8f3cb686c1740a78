"""What another repository has, what comes from it, what goes to it: over a path, a file URL, http and ssh."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gxt.errors import RemoteFailed, UnknownRemote
from gxt.git.remote import Pushed, fetch, ls, push
from gxt.git.remotes import Remote, remotes, resolve
from gxt.git.repository import Repository, discover
from tests.conftest import git
from tests.servers import http_server

OURS = "refs/gxt/experiments"
NOTES = "refs/gxt/notes/config"
TRACKING = "refs/gxt/remotes/origin/experiments"
NOTES_TRACKING = "refs/gxt/remotes/origin/notes/config"
PAIRS = [(OURS, TRACKING), (NOTES, NOTES_TRACKING)]


def connected(repo: Path, url: str, name: str = "origin") -> tuple[Repository, Remote]:
    git(repo, "remote", "add", name, url)
    repository = discover(repo)
    return repository, resolve(repository, name)


def commit(repo: Path, message: str, parent: str | None = None) -> str:
    """A commit that no branch has."""
    tree = git(repo, "rev-parse", "HEAD^{tree}")
    return git(repo, "commit-tree", tree, "-m", message, *(("-p", parent) if parent else ()))


def refs(repo: Path, prefix: str = "refs/") -> dict[str, str]:
    said = git(repo, "for-each-ref", "--format=%(refname) %(objectname)", prefix)
    return dict(line.split(" ") for line in said.splitlines())


# ---------------------------------------------------------------------------------------- over each transport


def test_what_one_pushes_another_fetches(repo: Path, url: str, server: Path, tmp_path: Path) -> None:
    git(server, "config", "receive.advertiseAtomic", "false")
    here, origin = connected(repo, url)
    one = commit(repo, "one")
    two = commit(repo, "two", one)
    assert ls(here, origin, ["refs/gxt/*"]) == {}
    assert push(here, origin, [(one, OURS), (one, NOTES)]) == [
        Pushed(OURS, one, "accepted"),
        Pushed(NOTES, one, "accepted"),
    ]
    assert push(here, origin, [(two, OURS), (one, NOTES)]) == [
        Pushed(OURS, two, "accepted"),
        Pushed(NOTES, one, "up to date"),
    ]
    assert ls(here, origin, ["refs/gxt/*"]) == refs(server) == {OURS: two, NOTES: one}

    git(tmp_path, "init", "-q", "there")
    there, theirs = connected(tmp_path / "there", url)
    absent = "refs/gxt/notes/annotations"
    pairs = [*PAIRS, (absent, "refs/gxt/remotes/origin/notes/annotations")]
    assert fetch(there, theirs, pairs) == {OURS: two, NOTES: one, absent: None}
    assert refs(there.top) == {TRACKING: two, NOTES_TRACKING: one}
    assert git(there.top, "log", "--format=%s", TRACKING) == "two\none"


def test_a_remote_that_has_moved_is_told_from_one_that_refuses(repo: Path, url: str, server: Path) -> None:
    here, origin = connected(repo, url)
    one = commit(repo, "one")
    push(here, origin, [(one, OURS)])
    other = commit(repo, "other")
    git(repo, "push", "-q", "-f", str(server), f"{commit(repo, 'theirs', one)}:{NOTES}")
    hook = server / "hooks" / "update"
    hook.write_text("#!/bin/sh\ncase $1 in *closed) echo 'not on \033[31mFridays'; exit 1;; esac\n")
    hook.chmod(0o755)
    assert push(here, origin, [(other, OURS), (other, "refs/gxt/closed"), (other, "refs/gxt/open")]) == [
        Pushed(OURS, other, "stale", "non-fast-forward"),
        Pushed("refs/gxt/closed", other, "refused", "hook declined: not on [31mFridays"),
        Pushed("refs/gxt/open", other, "accepted"),
    ]


def test_what_is_being_done_is_told(repo: Path, url: str) -> None:
    told: list[tuple[str, int, int, int]] = []
    here, origin = connected(repo, url)
    one = commit(repo, "one")
    push(here, origin, [(one, OURS)], progress=lambda *state: told.append(state))
    fetch(here, origin, [(OURS, TRACKING)], progress=lambda *state: told.append(state))
    writing = [state for state in told if state[0] == "Writing objects"]
    assert [state[:3] for state in writing[-1:]] == [("Writing objects", 4, 4)]
    assert writing[-1][3] > 100


# ------------------------------------------------------------------------------------------- what is not ours


def test_nothing_of_the_user_s_push_and_fetch_settings_counts(
    repo: Path, server: Path, tmp_path: Path, sealed: Path
) -> None:
    """Nor hooks, tags, branches; but `insteadOf` does, as the way there is the user's."""
    one = commit(repo, "one")
    git(repo, "push", "-q", str(server), f"{one}:{OURS}", "HEAD:refs/heads/main")
    git(repo, "tag", "-a", "-m", "mine", "v1")
    git(server, "tag", "theirs", "main")
    with (sealed / ".gitconfig").open("a") as config:
        config.write(
            f'[url "{server.parent.as_uri()}/"]\n\tinsteadOf = https://git.example.org/\n'
            "[fetch]\n\tprune = true\n\tpruneTags = true\n\tparallel = 4\n\twriteCommitGraph = true\n"
            "[push]\n\tfollowTags = true\n\tgpgSign = true\n\trecurseSubmodules = only\n\tdefault = nothing\n"
            "\tpushOption = ci.skip\n\tuseForceIfIncludes = true\n\tnegotiate = true\n"
            "[submodule]\n\trecurse = true\n[core]\n\thooksPath = hooks\n"
        )
    hook = tmp_path / "repo" / "hooks" / "pre-push"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\necho no >&2; exit 1\n")
    hook.chmod(0o755)
    here, _ = connected(repo, "https://git.example.org/team.git")
    git(repo, "config", "remote.origin.mirror", "true")
    git(repo, "config", "remote.origin.tagOpt", "--tags")
    git(repo, "config", "remote.origin.prune", "true")
    git(repo, "config", "remote.origin.fetch", "+refs/*:refs/*")
    git(repo, "config", "remote.origin.push", "+refs/*:refs/*")
    git(repo, "update-ref", OURS, "HEAD")
    git(repo, "update-ref", "refs/gxt/remotes/origin/gone", one)
    before = refs(repo)
    origin = resolve(here)
    assert origin == Remote("origin", "https://git.example.org/team.git", "file:git:http:https:ssh")

    assert fetch(here, origin, PAIRS) == {OURS: one, NOTES: None}
    assert refs(repo) == before | {TRACKING: one}
    assert not (here.git_dir / "FETCH_HEAD").exists()
    there = refs(server)
    two = commit(repo, "two", one)
    assert push(here, origin, [(two, OURS)]) == [Pushed(OURS, two, "accepted")]
    assert refs(server) == there | {OURS: two}
    assert refs(repo) == before | {TRACKING: one}


def test_a_ref_that_is_gone_is_absent_and_its_tracking_ref_stays(repo: Path, server: Path) -> None:
    here, origin = connected(repo, str(server))
    one = commit(repo, "one")
    push(here, origin, [(one, OURS), (one, NOTES)])
    fetch(here, origin, PAIRS)
    git(server, "update-ref", "-d", NOTES)
    two = commit(repo, "two", one)
    push(here, origin, [(two, OURS)])
    assert fetch(here, origin, PAIRS) == {OURS: two, NOTES: None}
    assert refs(repo, "refs/gxt") == {TRACKING: two, NOTES_TRACKING: one}


def test_what_was_rewritten_there_is_fetched(repo: Path, server: Path) -> None:
    here, origin = connected(repo, str(server))
    push(here, origin, [(commit(repo, "one"), OURS)])
    fetch(here, origin, [(OURS, TRACKING)])
    other = commit(repo, "other")
    git(repo, "push", "-q", "-f", str(server), f"{other}:{OURS}")
    assert fetch(here, origin, [(OURS, TRACKING)]) == {OURS: other}
    assert git(repo, "rev-parse", TRACKING) == other


def test_a_push_of_nothing_or_of_what_is_not_named_pushes_nothing(repo: Path, server: Path) -> None:
    here, origin = connected(repo, str(server))
    git(repo, "config", "remote.origin.push", "+refs/*:refs/*")
    one = commit(repo, "one")
    assert push(here, origin, []) == []
    for oid, ref in (
        ("", OURS),
        (one, "refs/gxt/*"),
        (one, "experiments"),
        ("+" + one, OURS),
        ("HEAD", OURS),
    ):
        with pytest.raises(ValueError, match=":"):
            push(here, origin, [(one, OURS), (oid, ref)])
    assert refs(server) == {}


def test_repositories_with_longer_object_ids_exchange_them_too(tmp_path: Path) -> None:
    for name in ("a", "b"):
        git(tmp_path, "init", "-q", "--object-format=sha256", name)
    git(tmp_path / "a", "commit", "-q", "--allow-empty", "-m", "one")
    one = git(tmp_path / "a", "rev-parse", "HEAD")
    here, origin = connected(tmp_path / "a", str(tmp_path / "b"))
    assert push(here, origin, [(one, OURS)]) == [Pushed(OURS, one, "accepted")]
    assert fetch(here, origin, [(OURS, TRACKING)]) == {OURS: one}


def test_names_that_only_end_alike_are_not_meant(repo: Path, server: Path) -> None:
    here, origin = connected(repo, str(server))
    one = commit(repo, "one")
    git(repo, "push", "-q", str(server), f"{one}:refs/heads/{OURS}", f"{one}:refs/gxt/experiments2")
    assert ls(here, origin, [OURS]) == {}
    assert fetch(here, origin, [(OURS, TRACKING)]) == {OURS: None}
    assert refs(repo, "refs/gxt") == {}


def test_fifty_thousand_other_refs_do_not_count(repo: Path, server: Path) -> None:
    here, origin = connected(repo, server.as_uri())
    one = commit(repo, "one")
    push(here, origin, [(one, OURS)])
    packed = sorted([f"{one} refs/junk/{number:06}\n" for number in range(50_000)] + [f"{one} {OURS}\n"])
    head = "# pack-refs with: peeled fully-peeled sorted \n"
    (server / "packed-refs").write_text(head + "".join(sorted(packed, key=lambda line: line.split()[1])))
    assert ls(here, origin, ["refs/gxt/*"]) == {OURS: one}
    assert fetch(here, origin, [(OURS, TRACKING)]) == {OURS: one}
    with pytest.raises(RemoteFailed, match="it has too many refs"):
        ls(here, origin, ["refs/*"], most_bytes=1 << 20)


def test_a_partial_clone_gets_the_runs_whole(repo: Path, server: Path, tmp_path: Path) -> None:
    git(server, "config", "uploadpack.allowFilter", "true")
    git(repo, "push", "-q", str(server), "HEAD:refs/heads/main")
    git(tmp_path, "clone", "-q", "--filter=blob:none", "--no-checkout", server.as_uri(), "partial")
    (repo / "metrics.json").write_text("{}\n")
    git(repo, "add", "metrics.json")
    git(repo, "commit", "-q", "-m", "run")
    run = git(repo, "rev-parse", "HEAD")
    git(repo, "push", "-q", str(server), f"HEAD:{OURS}")
    there = discover(tmp_path / "partial")
    assert fetch(there, resolve(there), [(OURS, TRACKING)]) == {OURS: run}
    objects = git(there.top, "rev-list", "--objects", "--missing=print", TRACKING).split("\n")
    blob = git(repo, "rev-parse", f"{run}:metrics.json")
    assert f"{blob} metrics.json" in objects
    assert push(there, resolve(there), [(run, NOTES)]) == [Pushed(NOTES, run, "accepted")]
    # the blobs of a commit that it already has without them: git sees no need to send these
    assert sorted(line for line in objects if line.startswith("?")) == sorted(
        f"?{git(repo, 'rev-parse', f'{run}:{name}')}" for name in ("train.py", "params.yaml")
    )


def test_a_shallow_clone_stays_as_shallow_as_it_is(repo: Path, server: Path, tmp_path: Path) -> None:
    git(repo, "commit", "-q", "--allow-empty", "-m", "second")
    git(repo, "push", "-q", str(server), "HEAD:refs/heads/main")
    run = commit(repo, "run", git(repo, "rev-parse", "HEAD"))
    git(repo, "push", "-q", str(server), f"{run}:{OURS}")
    git(tmp_path, "clone", "-q", "--depth=1", "--branch=main", server.as_uri(), "shallow")
    there = discover(tmp_path / "shallow")
    origin = resolve(there)
    assert fetch(there, origin, [(OURS, TRACKING)]) == {OURS: run}
    assert git(there.top, "log", "--format=%s", TRACKING) == "run\nsecond"
    new = commit(there.top, "new", run)
    assert push(there, origin, [(new, OURS)]) == [Pushed(OURS, new, "accepted")]


def test_a_remote_that_is_a_shallow_clone_itself_is_named(repo: Path, tmp_path: Path) -> None:
    git(repo, "commit", "-q", "--allow-empty", "-m", "second")
    git(tmp_path, "clone", "-q", "--depth=1", repo.as_uri(), "shallow")
    git(tmp_path / "shallow", "update-ref", OURS, "HEAD")
    git(tmp_path, "init", "-q", "there")
    here, origin = connected(tmp_path / "there", (tmp_path / "shallow").as_uri())
    with pytest.raises(RemoteFailed, match="it is a shallow clone itself") as failed:
        fetch(here, origin, [(OURS, TRACKING)])
    assert failed.value.hint == "there: git fetch --unshallow"


# ----------------------------------------------------------------------------------------------- which remote


def test_the_remotes_are_those_of_git(repo: Path) -> None:
    git(repo, "remote", "add", "origin", "https://ada:secret@git.example.org/x.git")
    git(repo, "remote", "add", "up.stream/b", "../other")
    assert remotes(discover(repo)) == {
        "origin": "https://[redacted]@git.example.org/x.git",
        "up.stream/b": "../other",
    }


def test_the_setting_comes_before_origin_and_a_name_before_both(repo: Path) -> None:
    for name in ("origin", "team", "mine"):
        git(repo, "remote", "add", name, f"../{name}")
    repository = discover(repo)
    assert resolve(repository).name == "origin"
    git(repo, "config", "gxt.remote", "team")
    assert resolve(repository).name == "team"
    assert resolve(repository, "mine").name == "mine"


def test_a_remote_that_is_not_there_is_told_with_what_to_type(repo: Path) -> None:
    def told(name: str | None = None) -> tuple[str, str]:
        with pytest.raises(UnknownRemote) as failed:
            resolve(discover(repo), name)
        return failed.value.message, failed.value.hint

    assert told() == ("this repository has no remote", "add one: git remote add origin URL")
    git(repo, "remote", "add", "team", "../team")
    assert told() == ("no remote 'origin'", "choose one: git config gxt.remote team")
    assert told("colleague") == ("no remote 'colleague'", "the remotes are: team")
    url = "https://ada:secret@git.example.org/x.git"
    shown = "https://[redacted]@git.example.org/x.git"
    named = f"give it one: git remote add NAME {shown}"
    assert told(url) == (f"{shown} is not the name of a remote", named)
    assert told("../x")[0] == "../x is not the name of a remote"


@pytest.mark.parametrize("url", ["ext::sh -c 'touch owned'", "fd::17", "--upload-pack=touch owned", "-x"])
def test_a_url_that_could_run_something_is_refused(repo: Path, url: str) -> None:
    git(repo, "config", "remote.origin.url", url)
    with pytest.raises(RemoteFailed) as failed:
        resolve(discover(repo))
    assert failed.value.message == f"origin ({url}): this is no URL that gxt gives to git"
    assert failed.value.hint == "use https, ssh or a path: git remote set-url origin URL"


def test_a_transport_behind_insteadof_is_refused_by_git(repo: Path) -> None:
    git(repo, "config", "url.ext::sh -c touch% owned .insteadOf", "team:")
    here, origin = connected(repo, "team:x")
    with pytest.raises(RemoteFailed) as failed:
        ls(here, origin, ["refs/gxt/*"])
    assert failed.value.message == (
        "origin (team:x): its transport is not allowed (transport 'ext' not allowed)"
    )
    assert not (repo / "owned").exists()


def test_what_the_user_forbids_stays_forbidden(
    repo: Path, server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, _ = connected(repo, server.as_uri())
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "https:ssh:ext")
    assert resolve(here).transports == "https:ssh"
    with pytest.raises(RemoteFailed, match="transport 'file' not allowed"):
        ls(here, resolve(here), ["refs/gxt/*"])
    monkeypatch.delenv("GIT_ALLOW_PROTOCOL")
    git(repo, "config", "protocol.allow", "never")
    git(repo, "config", "protocol.https.allow", "always")
    assert resolve(here).transports == "https"


@pytest.mark.parametrize("name", ["-x", "a..b", "a b", "a=b", "x.lock", "a*"])
def test_a_remote_whose_name_no_ref_can_have_is_refused(repo: Path, name: str) -> None:
    git(repo, "config", f"remote.{name}.url", "../x")
    with pytest.raises(UnknownRemote, match="no ref can have the name"):
        resolve(discover(repo), name)


def test_the_password_of_a_url_is_never_shown(repo: Path, server: Path) -> None:
    with http_server(server.parent, password="right") as http:
        here, origin = connected(repo, f"{http.url}/team.git".replace("//", "//ada:wr0ng@", 1))
        with pytest.raises(RemoteFailed) as failed:
            ls(here, origin, ["refs/gxt/*"])
    error = failed.value
    assert "wr0ng" not in f"{error} {error.said} {error.url} {origin}"
    assert error.url == f"{http.url}/team.git".replace("//", "//[redacted]@", 1)


def test_git_gets_no_variable_that_would_lead_it_astray(
    repo: Path, server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, origin = connected(repo, str(server))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert ls(here, origin, ["refs/gxt/*"]) == {}


def test_what_outlives_git_and_holds_its_pipes_is_not_waited_for(
    repo: Path, server: Path, tmp_path: Path
) -> None:
    """As an ssh that stays for the next connection."""
    os.mkfifo(tmp_path / "held")
    git(repo, "config", "remote.origin.uploadpack", f"cat {tmp_path}/held >/dev/null & git-upload-pack")
    git(repo, "config", "remote.origin.url", str(server))
    here = discover(repo)
    assert ls(here, resolve(here), ["refs/gxt/*"]) == {}
    os.close(os.open(tmp_path / "held", os.O_WRONLY))  # waits for its reader, and ends it
