"""The distributions installed in the folders of a `sys.path`, read from their metadata folders.

Nothing is imported and no interpreter is started: which folders an interpreter looks into, `probe` asks it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gxt.capture.files import names_in, read_json, read_text
from gxt.capture.remembered import Answer, remembered
from gxt.model.json_types import Json, JsonObject
from gxt.model.scalars import clean_text


def installed_packages(search_path: Sequence[str], *, cache_dir: Path) -> dict[str, str]:
    """Name → version, sorted by name; as with imports, the first of a name counts.

    Names are normalised (PEP 503). The version of an editable install ends in " (editable)", of one from
    version control in " @ <commit>"; where it came from is not told, for such an address may hold a password.
    """
    packages = remembered(
        cache_dir,
        {"asked": "packages", "path": [*search_path]},
        parse=_parse,
        ask=lambda: _scan(search_path),
    )
    return dict(sorted((packages or {}).items()))


def _parse(value: Json) -> dict[str, str] | None:
    if not isinstance(value, dict):
        return None
    texts = {name: text for name, text in value.items() if isinstance(text, str)}
    return texts if len(texts) == len(value) else None


def _scan(search_path: Sequence[str]) -> Answer:
    packages: JsonObject = {}
    watched = []
    for folder in search_path:
        watched.append(folder)
        for name in names_in(folder):
            stem, _, kind = name.rpartition(".")
            if kind == "dist-info":
                project, version = _dist_info(folder, name)
            elif kind in ("egg-info", "egg-link"):
                metadata, mark = _egg_metadata(folder, name)
                watched += [f"{folder}/{name}", metadata]
                project, version = _name_and_version(metadata, mark)
            else:
                continue
            # pip leaves `~umpy-…` behind when it cannot finish an uninstall
            if project and not stem.startswith("~"):
                packages.setdefault(_normalised(clean_text(project)), clean_text(version))
    return Answer(packages, watched)


def _normalised(name: str) -> str:
    """The one spelling of a distribution's name (PEP 503): installers write several."""
    return "-".join(part for part in name.lower().replace("_", "-").replace(".", "-").split("-") if part)


def _dist_info(folder: str, name: str) -> tuple[str, str]:
    """Name and version from `Name-1.2.dist-info`, marked with what `direct_url.json` (PEP 610) says."""
    project, _, version = name.removesuffix(".dist-info").rpartition("-")
    origin = read_json(f"{folder}/{name}/direct_url.json")
    if not isinstance(origin, dict):
        return project, version
    vcs, local = origin.get("vcs_info"), origin.get("dir_info")
    commit = vcs.get("commit_id") if isinstance(vcs, dict) else None
    if isinstance(commit, str):
        version += f" @ {commit}"
    if isinstance(local, dict) and local.get("editable") is True:
        version += " (editable)"
    return project, version


def _egg_metadata(folder: str, name: str) -> tuple[str, str]:
    """The metadata file behind an `.egg-info` (file or folder) or `.egg-link`, and its version's mark."""
    if name.endswith(".egg-info"):
        path = Path(folder, name)
        return str(path / "PKG-INFO" if path.is_dir() else path), ""
    project = read_text(f"{folder}/{name}").partition("\n")[0].strip()
    wanted = _normalised(name.removesuffix(".egg-link"))
    for candidate in names_in(project):
        if candidate.endswith(".egg-info") and _normalised(candidate.removesuffix(".egg-info")) == wanted:
            return f"{project}/{candidate}/PKG-INFO", " (editable)"
    return f"{project}/{wanted}.egg-info/PKG-INFO", " (editable)"


def _name_and_version(metadata: str, mark: str) -> tuple[str, str]:
    """The headers Name and Version of a metadata file, the latter with the mark; empty where it has none."""
    headers: dict[str, str] = {}
    for line in read_text(metadata).splitlines():
        name, colon, value = line.partition(":")
        if not colon:
            break
        headers.setdefault(name, value.strip())
    return headers.get("Name", ""), headers.get("Version", "") + mark
