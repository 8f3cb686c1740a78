"""What git and servers say when something goes wrong between them, in words that tell what to do.

Git has one exit code for all of it, so its English is read (every call is made with LC_ALL=C). What is not
known here is passed on in git's own words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from gxt.errors import RemoteFailed
from gxt.git.conversation import Said
from gxt.model.secrets import redact_text

_MOST_SAID = 600  # characters

_ASK = "try it where git can ask, and see: git ls-remote {name}"
_LATER = "see the network, and try again"
_SERVER = "ask who looks after the server"

_FAILURES: Final = (
    (r"transport '.*' not allowed", "its transport is not allowed", "use https, ssh or a path: {set_url}"),
    (
        r"could not read (?:Username|Password)|terminal prompts disabled",
        "it wants a password, and nobody can be asked",
        "keep it in a credential helper (git help credentials): git ls-remote {name}",
    ),
    (
        r"Authentication failed|error: 401|invalid credentials",
        "the user or the password was not accepted",
        _ASK,
    ),
    (
        r"IDENTIFICATION HAS CHANGED",
        "its ssh key is another than before: it may not be the server that it says",
        f"{_SERVER}, before you do what ssh says: ssh-keygen -R",
    ),
    (r"Host key verification failed", "its ssh key is not a known one", _ASK),
    (
        r"Permission denied \(|Too many authentication failures",
        "it accepted no ssh key of yours",
        "see what ssh tries: GIT_SSH_COMMAND='ssh -v' git ls-remote {name}",
    ),
    (
        r"error: 403|service not enabled|Permission to \S+ denied|access denied|read[- ]only|not permitted",
        "you may not do that there",
        "ask for the right to write, or push elsewhere: git remote -v",
    ),
    (
        (
            r"Could not resolve|Name or service not known|Temporary failure in name resolution"
            r"|nodename nor serv|unable to look up"
        ),
        "its host was not found",
        "see the URL and the network: git remote get-url {name}",
    ),
    (
        r"timed out|No route to host|Network is unreachable|Operation too slow",
        "it cannot be reached",
        "see the network, or a VPN that is not up, and try again",
    ),
    (
        r"Connection refused|Couldn't connect to server|Failed to connect|unable to connect",
        "nothing answers there",
        "see the host and the port: git remote get-url {name}",
    ),
    (
        r"certificate|SSL|gnutls|TLS",
        "no secure connection",
        "see why: GIT_CURL_VERBOSE=1 git ls-remote {name}",
    ),
    (
        r"cannot lock ref|\.lock'",
        "another git is at work in this repository",
        "try again, or see: gxt doctor",
    ),
    (
        r"insufficient permission",
        "git may not write in this repository",
        "see who may: ls -ld .git .git/objects",
    ),
    (r"dubious ownership", "it belongs to another user", "if you trust it: {safe}"),
    (
        r"mismatched algorithms|hash algorithm",
        "its object ids are of another kind",
        "a clone has the same: git clone",
    ),
    (r"shallow roots|shallow update", "it is a shallow clone itself", "there: git fetch --unshallow"),
    (
        r"No space left|Disk quota exceeded|File too large",
        "there is no room on this machine",
        "make room on the disk, and try again",
    ),
    (
        (
            r"does not appear to be a git repository|[Rr]epository .*not found"
            r"|[Rr]epository '.*' does not exist|error: 404|is this a git repository"
        ),
        "there is no such repository, or you may not see it",
        "see its URL: git remote get-url {name}; to correct it: {set_url}",
    ),
    (r"couldn't find remote ref", "a ref went away meanwhile", "try again"),
    (
        (
            r"fsck error|did not send all necessary|bad object|missing (?:blob|tree|commit)|unresolved delta"
            r"|inflate|hash mismatch|pack is corrupted"
        ),
        "what it sent is damaged",
        "on the server: git fsck",
    ),
    (
        (
            r"early EOF|hung up|RPC failed|disconnect|Connection (?:reset|closed)|Broken pipe|flush packet"
            r"|unpack status|report status|Empty reply|transfer closed"
        ),
        "the connection broke off",
        _LATER,
    ),
    (
        r"protocol error|bad line length|expected|not valid|unexpected|info/refs",
        "its answer is not that of a git server",
        "see its URL: git remote get-url {name}",
    ),
)

_REFUSALS: Final = (
    (
        r"hidden ref",
        "the server hides the refs of gxt",
        "on the server: git config --get-all transfer.hideRefs",
    ),
    (r"No space left|quota exceeded|File too large", "the server has no room", _SERVER),
    (r"temporary object|insufficient perm", "the server cannot write it, or you may not", _SERVER),
    (
        r"fsck|missing\w+: |unpacker error|unpack failed|abnormal exit",
        "the server cannot take it in",
        _SERVER,
    ),
    (r"hook declined", "a hook of the server declined it", _SERVER),
    (r"shallow update", "it comes from a shallow clone", "here: git fetch --unshallow {name}"),
)

_OPENING: Final = re.compile(
    r"^(?:remote: )?(?:(?:fatal|error|ssh): )?(?:unable to access '.*?': )?", re.IGNORECASE
)


def failure(name: str, url: str, said: Said) -> RemoteFailed:
    """The failure of a whole conversation.

    Args:
        name: of the remote.
        url: without credentials.
        said: what came of it.
    """
    words = spoken(said.lines)
    if said.silent_s:
        what = f"it gave no sign of life for {said.silent_s:.0f} s"
        return RemoteFailed(what, remote=name, url=url, said=words, hint=_LATER)
    if said.too_much:
        return RemoteFailed("it has too many refs", remote=name, url=url, said=words, hint=_SERVER)
    ours = [line for line in said.lines if not line.startswith("remote: ")]
    safe = next((line for line in ours if line.startswith("git config --global --add safe.dir")), "")
    facts = {"name": name, "set_url": f"git remote set-url {name} URL", "safe": safe or "git help config"}
    for lines in (ours, said.lines):  # what git says counts before what a server wants us to read
        text = "\n".join(lines)
        for pattern, what, hint in _FAILURES:
            if re.search(pattern, text):
                return RemoteFailed(
                    f"{what}{_detail(lines, pattern)}",
                    remote=name,
                    url=url,
                    said=words,
                    hint=hint.format_map(facts),
                )
    return RemoteFailed(
        _clean(_last(ours)) or f"git ended with exit code {said.returncode}",
        remote=name,
        url=url,
        said=words,
        hint=f"see what git says: git ls-remote {name}",
    )


def refusal(name: str, url: str, ref: str, reason: str) -> RemoteFailed:
    """That of one ref, which the server did not want.

    Args:
        name: of the remote.
        url: without credentials.
        ref: which.
        reason: in the words of the server, as `push` gives them.
    """
    found = (kind for kind in _REFUSALS if re.search(kind[0], reason))
    _, what, hint = next(found, ("", f"the server refused {ref}", _SERVER))
    return RemoteFailed(
        f"{what}: {reason}", remote=name, url=url, said=reason, hint=hint.format_map({"name": name})
    )


def spoken(lines: Sequence[str]) -> str:
    """What was said, in one line that can be shown: no advice, no credentials."""
    wanted = [line for line in lines if not line.startswith(("hint: ", "To ", "From "))]
    return _clean("; ".join(wanted))


def servers_words(lines: Sequence[str]) -> str:
    """What the server said about a push, and what git says of the server's disk, in one line."""
    taken = [
        line.partition(": ")[2].removeprefix("error: ").removeprefix("fatal: ").strip()
        for line in lines
        if line.startswith(("remote: ", "error: remote unpack failed"))
    ]
    wanted = [line for line in taken if line and not line.startswith("hook declined to update ")]
    return _clean("; ".join(dict.fromkeys(wanted)))


def _detail(lines: Sequence[str], pattern: str) -> str:
    """The line that tells, for who knows git."""
    line = next(line for line in lines if re.search(pattern, line))
    return f" ({_clean(_OPENING.sub('', line))})"


def _last(lines: Sequence[str]) -> str:
    """The line that says most: `fatal: Could not read from remote repository` comes after any other."""
    told = [line for line in lines if line.startswith(("fatal: ", "error: ", "ssh: ", "ERROR: "))]
    generic = "fatal: Could not read from remote repository"
    told = [line for line in told if not line.startswith(generic)] or [*lines]
    return told[-1].partition(": ")[2] if told else ""


def _clean(text: str) -> str:
    text = redact_text(text)
    return text if len(text) <= _MOST_SAID else f"{text[:_MOST_SAID]} …"
