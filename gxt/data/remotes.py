"""The remote that holds the content of runs, as DVC's configuration names it.

What git carries may be a stranger's: of `.dvc/config` only settings are taken that can neither run a command
nor read a secret, and a place that was not used before is one to ask about.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gxt.data.dvc_config import Value, read_config
from gxt.errors import UnknownRemote, UsageError
from gxt.git.repository import Repository
from gxt.model.secrets import redact_text
from gxt.named_tuple import NamedTuple

LOCAL: Final = ""
_EVERY: Final = frozenset(
    "url jobs checksum_jobs verify type shared protected slow_link_warning no_traverse".split()
)
_TAKEN: Final = {
    LOCAL: frozenset[str](),
    "s3": frozenset(
        "region profile endpointurl access_key_id secret_access_key session_token use_ssl ssl_verify "
        "allow_anonymous_login listobjects sse sse_kms_key_id sse_customer_algorithm sse_customer_key acl "
        "grant_read grant_read_acp grant_write_acp grant_full_control cache_regions read_timeout "
        "connect_timeout".split()
    ),
    "ssh": frozenset(
        "port user password ask_password passphrase ask_passphrase keyfile timeout gss_auth allow_agent "
        "max_sessions".split()
    ),
    "http": frozenset(
        "auth user password ask_password custom_auth_header ssl_verify read_timeout connect_timeout".split()
    ),
}
_TAKEN["https"] = _TAKEN["http"]
# a file of AWS may hold a `credential_process`: a command
_ONLY_ONES_OWN: Final = {"s3": frozenset({"configpath", "credentialpath"})}
_NUMBERS: Final = frozenset("port jobs timeout max_sessions read_timeout connect_timeout".split())
_OF_NO_PLACE: Final = _EVERY - {"url"} | {"timeout", "max_sessions", "read_timeout", "connect_timeout"}
_MOST_JOBS: Final = 32


class DataRemote(NamedTuple):
    """Where content goes and comes from.

    Attributes:
        name: as DVC's configuration calls it.
        url: where; a directory is an absolute path.
        scheme: `s3`, `ssh`, `http`, `https`; empty for a directory.
        options: the other settings, as DVC's file systems take them.
        jobs: how many objects travel at a time.
        is_ones_own: nothing that tells where it is comes from a file that git carries.
        notices: settings that were not taken, in words.
    """

    name: str
    url: str
    scheme: str
    options: Mapping[str, str | int | bool]
    jobs: int
    is_ones_own: bool
    notices: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The URL without credentials, for people."""
        return redact_text(self.url)

    @property
    def identity(self) -> str:
        """A hash of all that decides where content goes, as whom, and how it is protected on its way."""
        told = {key: value for key, value in self.options.items() if key not in _OF_NO_PLACE}
        return hashlib.sha256(json.dumps([self.url, told], sort_keys=True).encode()).hexdigest()


def find_remote(repository: Repository) -> DataRemote | None:
    """The remote that DVC would use in this work tree; None where there is none.

    Raises:
        UnknownRemote: the one that is chosen is not there, or has no URL.
        UsageError: the configuration cannot be read, or wants what gxt cannot do.
    """
    config = read_config(repository)
    name = config.value("core", "remote")
    if name is None:
        return None
    name = name.lower()
    said = config.sections.get(f'remote "{name}"', {})
    if "url" not in said:
        raise UnknownRemote(f"DVC knows no remote {name!r}", hint=f"dvc remote add -d {name} URL")
    url = said["url"].text
    found = re.match(r"(\w[\w+.-]*)://", url)
    scheme = found[1].lower() if found else LOCAL
    if scheme not in _TAKEN:
        raise UsageError(
            f"gxt carries no data to {redact_text(url)}",
            hint="a directory, s3://, ssh:// are carried; of what the work tree has: dvc push",
        )
    options, notices = _options(name, scheme, said)
    chosen = config.sections["core"]["remote"]
    placing = [chosen, *(value for key, value in said.items() if key not in _OF_NO_PLACE)]
    return DataRemote(
        name=name,
        url=url,
        scheme=scheme,
        options=options,
        jobs=_jobs(options),
        is_ones_own=not any(value.is_carried for value in placing),
        notices=tuple(notices),
    )


def _options(
    name: str, scheme: str, said: Mapping[str, Value]
) -> tuple[dict[str, str | int | bool], list[str]]:
    """The settings that are taken, and of the others why not."""
    options: dict[str, str | int | bool] = {}
    notices = []
    for key, (text, is_carried) in said.items():
        if key in {"worktree", "version_aware"} and text.lower() == "true":
            raise UsageError(
                f"{key} of the remote {name}: gxt keeps content by its hash alone",
                hint=f"give runs a remote of their own (dvc remote add -d NAME URL), or set {key} to false",
            )
        own = _ONLY_ONES_OWN.get(scheme, frozenset())
        if key == "url" or (key not in _EVERY | _TAKEN[scheme] | own):
            if key not in {"url", "worktree", "version_aware"}:
                notices.append(f"{key} of the remote {name} is not used: gxt does not know it")
        elif key in own and is_carried:
            notices.append(
                f"{key} of the remote {name} is not used: in .dvc/config it may be somebody else's, and can "
                f"run a command; to have it: dvc remote modify --local {name} {key} VALUE"
            )
        else:
            options[key] = _typed(name, key, text)
    return options, notices


def _typed(name: str, key: str, text: str) -> str | int | bool:
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if key not in _NUMBERS:
        return text
    try:
        return int(text)
    except ValueError:
        raise UsageError(
            f"{key} of the remote {name} is no whole number: {text!r}",
            hint=f"dvc remote modify {name} {key} NUMBER",
        ) from None


def _jobs(options: Mapping[str, str | int | bool]) -> int:
    jobs = options.get("jobs", 4 * (os.cpu_count() or 1))
    return max(1, min(int(jobs), _MOST_JOBS))


class Trusted(NamedTuple):
    """The places that were used from this clone.

    Attributes:
        path: the file that remembers them; whoever deletes it is not asked about the next one.
    """

    path: Path

    def last(self) -> str | None:
        """The URL of the place that was used last, without credentials."""
        known = list(self._known().values())
        return known[-1] if known else None

    def knows(self, remote: DataRemote) -> bool:
        """Whether nobody needs to be asked: it is one's own, the first, or was used before."""
        known = self._known()
        return remote.is_ones_own or not known or remote.identity in known

    def remember(self, remote: DataRemote) -> None:
        """It is used now. Raises OSError."""
        known = self._known()
        if list(known)[-1:] == [remote.identity]:
            return
        known.pop(remote.identity, None)
        new = self.path.with_suffix(".new")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(json.dumps({**known, remote.identity: remote.shown}, indent=1))
        new.replace(self.path)

    def _known(self) -> dict[str, str]:
        try:
            known = json.loads(self.path.read_text())
        except (OSError, ValueError):
            return {}
        return {str(key): str(value) for key, value in known.items()} if isinstance(known, dict) else {}
