"""The reference pages follow from the code, and what exists is documented."""

from __future__ import annotations

import ast
import json
import re
import runpy
from pathlib import Path

import pytest

from gxt.cli.main import COMMANDS, command
from gxt.store import settings
from tests.conftest import data, git, gxt
from tests.docs.pages import PAGES, ROOT, commands

REFERENCE = ROOT / "docs" / "reference"


@pytest.mark.parametrize("page", ["cli", "api", "errors", "torch"])
def test_a_generated_page_is_up_to_date(page: str) -> None:
    rendered = runpy.run_path(str(REFERENCE / f"make_{page}.py"))["render"]()
    assert (REFERENCE / f"{page}.md").read_text(encoding="utf-8") == rendered, "python -m tests.docs.rewrite"


def test_every_command_and_option_is_on_the_page() -> None:
    page = (REFERENCE / "cli.md").read_text(encoding="utf-8")
    for name in COMMANDS:
        section = page.partition(f"\n## gxt {name}\n")[2].partition("\n## ")[0]
        options = [spelling for one in command(name)[1].words for spelling in one.option_strings]
        assert [spelling for spelling in options if f"`{spelling}" not in section] == [], name


def test_the_format_page_holds_the_series_reader_that_the_tests_run() -> None:
    reader = (REFERENCE / "series_reader.py").read_text(encoding="utf-8")
    here = f"cat > series_reader.py <<'EOF'\n{reader}EOF"
    assert here in [command.text for command in commands(REFERENCE / "format.md")]


def test_the_settings_page_shows_the_file_of_the_settings_module() -> None:
    shown = re.search(r"```toml\n(.*?)```", settings.__doc__ or "", flags=re.DOTALL)
    assert shown
    assert shown[1] in (ROOT / "docs" / "how-to" / "settings.md").read_text(encoding="utf-8")


def test_the_json_page_names_every_key_of_a_run(repo: Path) -> None:
    gxt(repo, "run", "-q", "--", "true")
    assert set(data(repo, "show")) == first_column("json.md", "## The run")


@pytest.mark.parametrize("document", ["config.json", "environment.json", "metrics.json"])
def test_the_format_page_names_every_field_of_a_document(document: str, repo: Path) -> None:
    gxt(repo, "run", "-q", "--", "true")
    stored = json.loads(git(repo, "show", f"refs/gxt/experiments:exp-0xx/exp-001/{document}"))
    assert set(stored) == first_column("format.md", f"### {document}")


def test_every_finding_of_the_doctor_is_on_its_page() -> None:
    sources = [
        *(ROOT / "gxt/store/health").glob("*.py"),
        ROOT / "gxt/ops/doctor.py",
        ROOT / "gxt/ops/repair.py",
    ]
    calls = [
        node
        for path in sources
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding"
    ]
    codes = {
        node.value for call in calls for node in ast.walk(call.args[0]) if isinstance(node, ast.Constant)
    }
    page = (REFERENCE / "doctor.md").read_text(encoding="utf-8")
    assert codes == set(re.findall(r"^\| `([\w-]+)` \|", page, flags=re.MULTILINE))


def test_every_promise_names_a_test_that_is_there() -> None:
    page = ROOT / "docs" / "explanation" / "promises.md"
    rows = re.findall(
        r"^\| (?!promise|---)(.*?) \| (.*) \|$", page.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    assert len(rows) > 20
    for promise, held in rows:
        files = re.findall(r"\]\((\S+)\)", held)
        assert files, promise
        for file in files:
            assert "\ndef test_" in (page.parent / file).read_text(encoding="utf-8"), f"{promise}: {file}"


def first_column(page: str, head: str) -> set[str]:
    """The words in code font in the first column of the table below a heading."""
    text = (REFERENCE / page).read_text(encoding="utf-8").partition(f"\n{head}\n")[2]
    rows = re.findall(
        r"^\|(.*?)\|", re.split(r"^#", text, maxsplit=1, flags=re.MULTILINE)[0], flags=re.MULTILINE
    )
    return set(re.findall(r"`(\w+)`", " ".join(rows)))


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120


def test_every_decision_has_its_number_context_decision_and_consequences() -> None:
    folder = ROOT / "docs" / "design" / "decisions"
    pages = sorted(folder.glob("*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    index = (ROOT / "docs" / "design" / "tenets.md").read_text(encoding="utf-8")
    for page in pages:
        heads = re.findall(r"^## (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert heads == ["Context", "Decision", "Consequences"], page.name
        assert f"(decisions/{page.name})" in index


def test_the_glossary_is_in_order() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    terms = re.findall(r"^\*\*(.+?)\*\*", text, flags=re.MULTILINE)
    assert terms == sorted(terms, key=str.lower)
    assert len(terms) == len(set(terms))


def test_no_page_names_a_path_of_a_machine() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert re.findall(r"(?<!\S)/(?:tmp|root|work|private)/\S*", text) == [], page.name
