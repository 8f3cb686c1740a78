"""The remotes that git's config names: no other place is talked to, and only over git's own transports."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import Final

from gxt.errors import RemoteFailed, UnknownRemote
from gxt.git import process
from gxt.git.conversation import printable
from gxt.git.repository import Repository
from gxt.model.secrets import redact_text
from gxt.named_tuple import NamedTuple

_TRANSPORTS: Final = ("file", "git", "http", "https", "ssh")
_CONFIGURED = r"^(remote\..*\.(url|pushurl)|gxt\.remote|protocol\.(.*\.)?allow)$"


class Remote(NamedTuple):
    """A repository that git's config names.

    Attributes:
        name: its name.
        url: where it is, without credentials: for people.
        transports: those that may be used, for `GIT_ALLOW_PROTOCOL`.
        gives_numbers: runs have the numbers here that they have there. It is the one of the setting
            `gxt.remote`, by default `origin`; where there is none of that name, any.
    """

    name: str
    url: str
    transports: str
    gives_numbers: bool = True


class _Config(NamedTuple):
    urls: dict[str, list[str]]
    chosen: str
    policies: dict[str, str]


def remotes(repository: Repository) -> dict[str, str]:
    """The remotes by name, each with its URL without credentials. One git process."""
    return {name: _shown(urls[0]) for name, urls in _config(repository).urls.items()}


def resolve(repository: Repository, name: str | None = None, *, default: str = "origin") -> Remote:
    """The remote of a name; without one that of the setting `gxt.remote`, or the default. One git process.

    Raises:
        UnknownRemote: there is none of that name, or none at all.
        RemoteFailed: its URL is none that git may be given.
    """
    config = _config(repository)
    wanted = name or config.chosen or default
    urls = config.urls.get(wanted)
    if not urls:
        raise _unknown(wanted, config, is_asked_for=bool(name))
    shown = _shown(urls[0])
    for url in urls:
        _check(wanted, url, _shown(url))
    first = config.chosen or default
    return Remote(wanted, shown, _allowed(config.policies), wanted == first or first not in config.urls)


def _config(repository: Repository) -> _Config:
    done = process.attempt(repository.top, ("config", "-z", "--get-regexp", _CONFIGURED))
    config = _Config({}, "", {})
    for item in os.fsdecode(done.stdout).split("\0"):
        key, _, value = item.partition("\n")
        section, _, rest = key.partition(".")
        middle, _, variable = rest.rpartition(".")
        if section == "gxt":
            config = config._replace(chosen=value)
        elif section == "protocol":
            config.policies[middle] = value
        elif variable == "url":
            # a later empty one takes the earlier ones back
            config.urls[middle] = [*config.urls.get(middle, ()), value] if value else []
    for key, urls in list(config.urls.items()):
        if not urls:
            del config.urls[key]
    return config


def _shown(url: str) -> str:
    return redact_text(printable(url))


def _allowed(policies: dict[str, str]) -> str:
    """The transports that both we and the user allow; our list replaces all that git has been told."""
    own = os.environ.get("GIT_ALLOW_PROTOCOL")
    told = {name: policies.get(name, policies.get("", "always")) for name in _TRANSPORTS}
    forbidden = {"never", "user"} if os.environ.get("GIT_PROTOCOL_FROM_USER") == "0" else {"never"}
    if own is not None:
        return ":".join(name for name in _TRANSPORTS if name in own.split(":"))
    return ":".join(name for name in _TRANSPORTS if told[name] not in forbidden)


def _unknown(wanted: str, config: _Config, *, is_asked_for: bool) -> UnknownRemote:
    shown = _shown(wanted)
    if _looks_like_a_place(wanted) and is_asked_for:
        return UnknownRemote(
            f"{shown} is not the name of a remote", hint=f"give it one: git remote add NAME {shown}"
        )
    if not config.urls:
        return UnknownRemote("this repository has no remote", hint="add one: git remote add origin URL")
    names = ", ".join(sorted(config.urls))
    first = min(config.urls)
    hint = f"the remotes are: {names}" if is_asked_for else f"choose one: git config gxt.remote {first}"
    return UnknownRemote(f"no remote {shown!r}", hint=hint)


def _looks_like_a_place(text: str) -> bool:
    return text.startswith((".", "/", "~")) or ":" in text or os.path.isdir(text)  # noqa: PTH112


@lru_cache(maxsize=1)
def _odd_name() -> re.Pattern[str]:
    return re.compile(r"^[-/.]|\.\.|[\x00-\x20\x7f~^:?*=\[\\]|@\{|\.lock(?:/|$)|/[/.]|[/.]$")


def _check(name: str, url: str, shown: str) -> None:
    if _odd_name().search(name):
        raise UnknownRemote(f"no ref can have the name of the remote {name!r}", hint="git remote rename")
    helper = re.match(r"[A-Za-z0-9][A-Za-z0-9+.-]*::", url)
    if url.startswith("-") or helper:
        raise RemoteFailed(
            "this is no URL that gxt gives to git",
            remote=name,
            url=shown,
            hint=f"use https, ssh or a path: git remote set-url {name} URL",
        )
