"""What commands that carry the content of runs share: the remote, whether to use it, what a run names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from gxt.data.named import Named, named_by
from gxt.data.remotes import DataRemote, Trusted, find_remote
from gxt.errors import DamagedRecord, GxtError, NewerFormat
from gxt.git.objects import ObjectReader
from gxt.git.repository import Repository
from gxt.model.codec import load_document
from gxt.model.ids import run_id
from gxt.model.json_types import JsonObject
from gxt.named_tuple import NamedTuple
from gxt.store.places import home
from gxt.store.progress import Progress, untold
from gxt.store.tree import RunFolder

_DOCUMENTS = ("config.json", "metrics.json")


def nobody_agrees(question: str) -> bool:  # noqa: ARG001 whatever it is
    """The answer where there is nobody to ask."""
    return False


class Carrying(NamedTuple):
    """How content is to travel.

    Attributes:
        agree: asks somebody a question that is answered with yes or no.
        progress: is told how many bytes have travelled.
    """

    agree: Callable[[str], bool] = nobody_agrees
    progress: Progress = untold


def trusted_remote(repository: Repository, carrying: Carrying, *, dry_run: bool = False) -> DataRemote | None:
    """The remote of DVC's that may be used; None where DVC has none.

    Raises:
        GxtError: it is another one than before, and nobody agrees; or there is none that can be used.
    """
    remote = find_remote(repository)
    if remote is None:
        return None
    trusted = Trusted(home(repository) / "data-remotes.json")
    if not trusted.knows(remote):
        before = f"so far data went to {trusted.last()}"
        what = f".dvc/config names {remote.shown} as the remote {remote.name}"
        if not carrying.agree(f"{what}; {before}. Use it?"):
            raise GxtError(
                f"{what}, or other settings for it than before; {before}",
                hint="if that is meant: the same command with --yes; gxt push --no-data leaves data here",
            )
    if not dry_run:
        trusted.remember(remote)
    return remote


def names_of(reader: ObjectReader, folders: Sequence[RunFolder]) -> Iterator[list[Named]]:
    """What each of the runs names, in their order; nothing of a run whose documents cannot be read."""
    whole = [all(name in folder.entries for name in _DOCUMENTS) for folder in folders]
    oids = [
        folder.entries[name].oid
        for folder, is_whole in zip(folders, whole, strict=True)
        for name in _DOCUMENTS
        if is_whole
    ]
    found = reader.read_many(oids)
    for folder, is_whole in zip(folders, whole, strict=True):
        blobs = (next(found), next(found)) if is_whole else (None, None)
        config, metrics = (_parsed(blob.data if blob else b"") for blob in blobs)
        yield named_by(run_id(folder.number), config, metrics)


def _parsed(content: bytes) -> JsonObject:
    """A document, when it may name content at all: most runs name none, and need no parsing."""
    if b'"md5"' not in content:
        return {}
    try:
        return load_document(content, "a run")
    except (DamagedRecord, NewerFormat):  # the commands that show runs tell of it
        return {}
