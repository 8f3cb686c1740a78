"""Every relative link in the documentation leads somewhere, its heading included."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
_OUTSIDE = ("https://", "http://", "mailto:")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as hosting services make them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    heads = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_resolve(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    broken = []
    for target in ("".join(found) for found in _LINK.findall(text)):
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        if target.startswith(_OUTSIDE):
            continue
        if not linked.exists() or (anchor and anchor not in anchors(linked)):
            broken.append(target)
    assert broken == []


def test_every_page_can_be_reached_from_the_map() -> None:
    start = ROOT / "docs" / "index.md"
    reached, waiting = set[Path](), [start]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        targets = ("".join(found) for found in _LINK.findall(page.read_text(encoding="utf-8")))
        linked = ((page.parent / target.partition("#")[0]).resolve() for target in targets)
        waiting += [path for path in linked if path.is_file()]
    assert [str(page) for page in PAGES if page.parent != ROOT and page not in reached] == []
