"""Whether what the analysis needs is installed: the extra `analysis`, which tracking does without."""

from __future__ import annotations

from importlib.util import find_spec

from gxt.errors import GxtError


def check_installed(*packages: str) -> None:
    """Refuse to go on without these packages.

    Raises:
        GxtError: one is missing; the hint is the line that installs them.
    """
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise GxtError(f"the analysis needs {' and '.join(missing)}", hint="pip install 'gxt[analysis]'")
