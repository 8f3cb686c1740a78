"""A remote that is a directory: without DVC, and never by hard links, which would share damage."""

from __future__ import annotations

from pathlib import Path

from gxt.data.appearing import appearing
from gxt.data.backend import Moved, WrongContent
from gxt.data.cache import Cache, copy_content
from gxt.data.digest import md5_of
from gxt.model.pointers import FOLDER


class LocalRemote:
    """A directory as a `Backend`.

    Args:
        root: the directory that holds `files/md5`; it is made when something first goes there.
    """

    failures: tuple[type[Exception], ...] = (OSError,)

    def __init__(self, root: Path) -> None:
        self._content = Cache(root)

    def size_of(self, md5: str) -> int | None:
        """As `Backend` says."""
        try:
            return self._content.path_of(md5).stat().st_size
        except FileNotFoundError:
            return None

    def put(self, md5: str, source: Path, moved: Moved) -> None:
        """As `Backend` says; what has arrived is read again."""
        place = self._content.path_of(md5)
        with appearing(place) as arrived:
            copy_content(source, arrived, moved)
            if not has_hash(arrived, md5):
                raise WrongContent(is_ours=not has_hash(source, md5))

    def get(self, md5: str, target: Path, moved: Moved) -> None:
        """As `Backend` says."""
        copy_content(self._content.path_of(md5), target, moved)


def has_hash(path: Path, md5: str) -> bool:
    """Whether a file has a hash, be it as the list of a folder. Raises OSError."""
    return md5_of(path).md5 == md5.removesuffix(FOLDER)
