"""The page: template, style, script and facts put together, and nothing that it could load or run besides.

The browser is told to run this script and apply this style, known by their hashes, and to ask for nothing
(Content Security Policy Level 3). What comes from the repository is JSON in which no `<` is left, and the
script puts it into the page as text.
"""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from typing import Final

from gxt.ops.report import Report
from gxt.render.report.facts import facts

_SCRIPTS: Final = ("base.js", "plot.js", "curves.js", "tree.js", "table.js", "run.js", "main.js")


def page(report: Report) -> str:
    """The whole page."""
    told = facts(report)
    style = _file("page.css")
    script = "\n".join(['"use strict";', *map(_file, _SCRIPTS)])
    parts = {
        "policy": (
            f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data:; "
            "base-uri 'none'; form-action 'none'"
        ),
        "title": html.escape(str(told["title"])),
        "style": style,
        "report": json.dumps(told, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c"),
        "script": script,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _file("page.html"))


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _file(name: str) -> str:
    return files("gxt.render.report").joinpath(name).read_text("utf-8")
