"""Whether a run that is about to start keeps to what its team has agreed on."""

from __future__ import annotations

from collections.abc import Sequence

from gxt.errors import UsageError
from gxt.store.run_settings import Conventions

_PATIENCE_S = 2.0


def check_conventions(wanted: Conventions, name: str | None, tags: Sequence[str]) -> list[str]:
    """What to say of a run that does not keep to the team's conventions.

    Raises:
        UsageError: it does not, and the team enforces them.
    """
    about_name, notices = _of_name(wanted.name, name) if wanted.name else ("", [])
    lacking = [tag for tag in wanted.tags if not any(_is(one, tag) for one in tags)]
    about_tags = f"it has no tag {', '.join(lacking)}" if lacking else ""
    broken = " and ".join(filter(None, (about_name, about_tags)))
    if not broken:
        return notices
    # the user has to know what to type: a name only where one is missing
    options = [*(["--name NAME"] if about_name else []), *(f"--tag {tag}" for tag in lacking)]
    hint = f"say {' '.join(options)}; the team's conventions are in .gxt.toml"
    if wanted.enforce:
        raise UsageError(f"the run does not keep to the conventions: {broken}", hint=hint)
    return [*notices, f"conventions: {broken}: {hint}"]


def _of_name(pattern: str, name: str | None) -> tuple[str, list[str]]:
    """What is wrong with a name, and what else there is to say."""
    if not name or not name.strip():
        return f"it has no name, which would be as {pattern}", []
    from gxt.capture.own_patterns import match_apart

    found = match_apart([rf"\A(?:{pattern})\Z"], [name], timeout_s=_PATIENCE_S)
    if found is None:
        return "", [
            f"conventions: the name was not compared with {pattern}: that takes over {_PATIENCE_S:.0f} s"
        ]
    return ("", []) if found[0] is not None else (f"its name {name} is not as {pattern}", [])


def _is(tag: str, wanted: str) -> bool:
    return tag.startswith(wanted[:-1]) if wanted.endswith("*") else tag == wanted
