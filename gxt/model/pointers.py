"""DVC's `.dvc` files: small texts that stand for content which git does not hold.

The format is that of DVC 3: https://dvc.org/doc/user-guide/project-structure/dvc-files
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from gxt.errors import DamagedRecord
from gxt.named_tuple import NamedTuple

MD5: Final = re.compile(r"[0-9a-f]{32}(\.dir)?", re.ASCII)
FOLDER: Final = ".dir"
"""The ending of the hash of a folder: of the list of its files."""
POINTERS: Final = ".gxt"
"""The folder of a run commit's tree that holds the pointers to what the run has put out."""


class Pointer(NamedTuple):
    """One output of a `.dvc` file.

    Attributes:
        path: where the content belongs, relative to the directory that the `.dvc` file speaks of.
        md5: of the content; with the ending `.dir` of a folder's list of files.
        size_bytes: of the content, of all files together.
        files: how many a folder has; None for a file.
        version: 3, or 2 for content that DVC 2 has hashed, which lies elsewhere in its cache.
    """

    path: str
    md5: str
    size_bytes: int | None = None
    files: int | None = None
    version: int = 3

    @property
    def is_folder(self) -> bool:
        """Whether it stands for a folder."""
        return self.md5.endswith(FOLDER)


def is_md5(text: object) -> bool:
    """Whether it is a hash as DVC writes it, be it of a file or of a folder."""
    return isinstance(text, str) and MD5.fullmatch(text) is not None


def dump_pointer(pointer: Pointer, *, wdir: str = "") -> bytes:
    """A `.dvc` file for one output.

    Texts are quoted: YAML would read a hash of nothing but digits, or with a single `e` among them, as a
    number, and DVC fails on it.

    Args:
        pointer: the output.
        wdir: the directory that its path starts from, relative to the file; empty for the file's own.
    """
    lines = [
        *([f"wdir: {json.dumps(wdir)}"] if wdir else []),
        "outs:",
        f"- md5: {json.dumps(pointer.md5)}",
        *([f"  size: {pointer.size_bytes}"] if pointer.size_bytes is not None else []),
        *([f"  nfiles: {pointer.files}"] if pointer.files is not None else []),
        "  hash: md5",
        f"  path: {json.dumps(pointer.path, ensure_ascii=False)}",
    ]
    return ("\n".join(lines) + "\n").encode()


def read_pointers(document: object, what: str) -> list[Pointer]:
    """The outputs of a `.dvc` file that have a hash; also of a stage in a `dvc.lock`.

    Args:
        document: the file, parsed.
        what: names it for people.

    Raises:
        DamagedRecord: it is none, or has a hash or a path that cannot be one.
    """
    outs = document.get("outs", []) if isinstance(document, dict) else None
    if not isinstance(outs, list):
        raise DamagedRecord(f"{what} is no .dvc file", hint="dvc status tells more")
    return [
        read_pointer(out, what) for out in outs if not isinstance(out, dict) or out.get("md5") is not None
    ]


def read_pointer(out: Any, what: str) -> Pointer:  # noqa: ANN401 whatever a YAML file holds
    """One entry of `outs` or `deps`. Raises as `read_pointers`."""
    md5 = out.get("md5") if isinstance(out, dict) else None
    path = out.get("path") if isinstance(out, dict) else None
    if not isinstance(md5, str) or not MD5.fullmatch(md5):
        raise DamagedRecord(f"{what} has no md5 of DVC's but {md5!r}", hint="an md5 must be quoted in YAML")
    if not isinstance(path, str) or not path or "\0" in path:
        raise DamagedRecord(f"{what} has no path", hint="dvc status tells more")
    return Pointer(
        path, md5, _whole(out.get("size")), _whole(out.get("nfiles")), 3 if out.get("hash") == "md5" else 2
    )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
