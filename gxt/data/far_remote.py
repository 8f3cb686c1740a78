"""Remotes behind a network, through the file systems that DVC itself uses: loaded only where one is used."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any, Final

from gxt.data.backend import Moved, WrongContent, place_of
from gxt.data.local_remote import has_hash
from gxt.data.remotes import DataRemote
from gxt.errors import GxtError, RemoteFailed
from gxt.model.pointers import FOLDER

_SYSTEMS: Final = {
    "s3": ("dvc_s3", "S3FileSystem", "s3"),
    "ssh": ("dvc_ssh", "SSHFileSystem", "ssh"),
    "http": ("dvc_http", "HTTPFileSystem", "s3"),
    "https": ("dvc_http", "HTTPSFileSystem", "s3"),
}
_FAILURES: Final = {
    "s3": ("botocore.exceptions:BotoCoreError", "botocore.exceptions:ClientError"),
    "ssh": ("asyncssh:Error",),
    "http": ("aiohttp:ClientError",),
    "https": ("aiohttp:ClientError",),
}
_SMALL_BYTES: Final = 1 << 20  # of what a server hashes not by itself, so much is read back
_MD5: Final = re.compile(r'"?([0-9a-f]{32})"?')


class FarRemote:
    """A remote as a `Backend`.

    Args:
        remote: which.

    Raises:
        GxtError: the packages that it takes are not installed.
        RemoteFailed: it cannot be reached.
    """

    def __init__(self, remote: DataRemote) -> None:
        self._scheme = remote.scheme
        try:
            self.failures = _failures(remote.scheme)
            made = _made(remote)
        except ImportError as error:
            raise _lacking(remote, error) from error
        self._root = str(made._strip_protocol(remote.url)) if remote.scheme[:4] != "http" else remote.url
        try:
            self._system = made.fs  # it connects here
        except self.failures as error:
            raise failed(remote, error) from error

    def size_of(self, md5: str) -> int | None:
        """As `Backend` says."""
        try:
            size = self._info(place_of(self._root, md5))["size"]
        except FileNotFoundError:
            return None
        return None if size is None else int(size)

    def put(self, md5: str, source: Path, moved: Moved) -> None:
        """As `Backend` says. Checked by the hash that the server tells, else by size, what is small whole."""
        if self._scheme.startswith("http"):
            raise PermissionError("what is behind http can only be read")
        if not has_hash(source, md5):
            raise WrongContent(is_ours=True)
        place, size = place_of(self._root, md5), source.stat().st_size
        self._system.put_file(str(source), place, callback=_callback(moved))
        there = self._info(place)
        told = _MD5.fullmatch(str(there.get("ETag", "")))
        if there["size"] != size:
            raise WrongContent(is_ours=False)
        # with a key of the customer's or of KMS the tag is a hash, but not this one
        if told and told[1] == md5.removesuffix(FOLDER):
            return
        if size <= _SMALL_BYTES and not _is_content(self._system.cat_file(place), md5):
            raise WrongContent(is_ours=False)

    def _info(self, place: str) -> dict[str, Any]:
        # s3fs remembers what it has listed
        told: dict[str, Any] = self._system.info(place, **({"refresh": True} if self._scheme == "s3" else {}))
        return told

    def get(self, md5: str, target: Path, moved: Moved) -> None:
        """As `Backend` says."""
        self._system.get_file(place_of(self._root, md5), str(target), callback=_callback(moved))


def failed(remote: DataRemote, error: Exception) -> RemoteFailed:
    """A failure of a network, a server or a library, in our words."""
    said = str(error).strip().splitlines() or [type(error).__name__]
    text = said[0][:300]
    return RemoteFailed(
        text,
        remote=remote.name,
        url=remote.shown,
        said=text,
        hint="what has arrived stays; when it is mended, the same command goes on",
    )


def _made(remote: DataRemote) -> Any:  # noqa: ANN401 a library without types
    module, name, _ = _SYSTEMS[remote.scheme]
    kind = getattr(importlib.import_module(module), name)
    options = {key: value for key, value in remote.options.items() if key not in {"jobs", "verify"}}
    if remote.scheme != "ssh":
        return kind(url=remote.url, **options)
    place = kind._get_kwargs_from_urls(remote.url)
    # DVC would lend the keys of the agent to the server
    made = kind(**{**place, **options, "agent_forwarding": False})
    known = Path.home() / ".ssh" / "known_hosts"
    if _is_known(known, str(place["host"]), made.fs_args.get("port")):
        made.fs_args["known_hosts"] = str(known)  # DVC checks no key at all
    return made


def _is_known(path: Path, host: str, port: int | None) -> bool:
    """Whether the user has accepted a key of a host: then it must be that one."""
    import asyncssh

    try:
        return any(asyncssh.match_known_hosts(str(path), host, "", port))
    except (OSError, ValueError):
        return False


def _failures(scheme: str) -> tuple[type[Exception], ...]:
    """What the libraries raise beside OSError."""
    found: list[type[Exception]] = [OSError]
    for name in ("asyncio:TimeoutError", "dvc_objects.fs.errors:ConfigError", *_FAILURES[scheme]):
        module, _, attribute = name.partition(":")
        found.append(getattr(importlib.import_module(module), attribute))
    return tuple(found)


def _callback(moved: Moved) -> Any:  # noqa: ANN401 a library without types
    from fsspec.callbacks import Callback

    seen = 0

    def update(_size: int | None, value: int, **_: object) -> None:
        nonlocal seen
        moved(value - seen)
        seen = value

    return Callback(hooks={"moved": update})


def _is_content(content: bytes, md5: str) -> bool:
    import hashlib

    return hashlib.md5(content, usedforsecurity=False).hexdigest() == md5.removesuffix(FOLDER)


def _lacking(remote: DataRemote, error: ImportError) -> GxtError:
    extra = _SYSTEMS[remote.scheme][2]
    return GxtError(
        f"{remote.name} ({remote.shown}) takes a package that is not installed: {error.name}",
        hint=f"pip install 'gxt[{extra}]'",
    )
