"""Commands that exchange runs with files: `export`, `import`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gxt.cli import output
from gxt.cli.parser import Parser
from gxt.errors import UsageError

if TYPE_CHECKING:
    from gxt.ops.export_table import Sheet
    from gxt.ops.workspace import Workspace


def export_words(parser: Parser) -> None:
    """What `gxt export` takes."""
    parser.add("kind", metavar="KIND", help=f"What it becomes: {_listed(_EXPORTS)}.")
    parser.add("words", metavar="DIR|ID", nargs="*", help="The folder, for files; then runs; without, all.")
    parser.add("--where", metavar="CONDITION", help='Only those; e.g. "metrics.acc > 0.9".')
    parser.add("--experiment", metavar="NAME", help="Of mlflow; the repository's name by default.")
    parser.add("-o", "--output", metavar="FILE", help="Where csv and xlsx go; csv without it to stdout.")
    parser.add_json()


def export(words: Namespace) -> None:
    """Write runs as files that need no gxt.

    gxt export files DIR makes a folder for each run, as one would keep it by hand, with a README and a
    picture of its metrics, and goes on where it was: what has not changed is left alone. gxt export csv and
    xlsx make a spreadsheet. gxt export mlflow URI [ID…] sends runs to a tracking server, or into a folder or
    a database that MLflow's UI reads; a run that is there is brought up to date.
    """
    way = _chosen(_EXPORTS, words.kind)
    if words.experiment is not None and words.kind != "mlflow":
        raise UsageError(f"--experiment is MLflow's, not of {words.kind}", hint="gxt export mlflow URI")
    way(words)


def import__words(parser: Parser) -> None:
    """What `gxt import` takes."""
    parser.add("kind", metavar="KIND", help=f"What they are: {_listed(_IMPORTS)}.")
    parser.add("words", metavar="DIR", nargs="*", help="The folder.")
    parser.add_json()


def import_(words: Namespace) -> None:
    """Bring runs from files into the history; twice brings nothing new.

    gxt import files DIR reads what gxt export files has written, and folders kept by hand: config.yaml,
    metrics.jsonl, eval.json, or some of them.
    """
    _chosen(_IMPORTS, words.kind)(words)


def _export_files(words: Namespace) -> None:
    from gxt.ops.export_files import Drawing, export_files
    from gxt.render import curve, exchanging, run_page

    if words.output is not None:
        raise UsageError("files go into a folder, not into -o", hint="gxt export files DIR")
    if not words.words:
        raise UsageError("files go into a folder, and none is named", hint="gxt export files DIR")
    folder, *runs = words.words
    drawing = Drawing(run_page.page, curve.picture, draws=curve.can_draw())
    exported = export_files(_open(), Path(folder), runs, words.where, drawing=drawing)
    if words.json:
        output.show_json(exchanging.exported_json(exported), exported.notices)
        return
    output.say_notices(exported.notices)
    output.show(exchanging.exported_page(exported))


def _export_csv(words: Namespace) -> None:
    from gxt.render.spreadsheet import csv_text

    found = _sheet(words)
    text = csv_text(found)
    if words.output is not None:
        _write(words, found, text.encode(errors="backslashreplace"))
    elif words.json:
        raise UsageError("CSV on stdout leaves no room for --json", hint="name a file with -o")
    else:
        output.say_notices(found.notices)
        output.write(text)


def _export_xlsx(words: Namespace) -> None:
    from gxt.render.spreadsheet import xlsx_bytes

    if words.output is None:
        raise UsageError("a workbook goes into a file", hint="gxt export xlsx -o runs.xlsx")
    found = _sheet(words)
    _write(words, found, xlsx_bytes(found))


def _export_mlflow(words: Namespace) -> None:
    from gxt.ops.export_mlflow import export_mlflow
    from gxt.render import curve, exchanging

    if words.output is not None or not words.words:
        what = "runs go to an MLflow server or store, and none is named"
        raise UsageError(what, hint="gxt export mlflow http://HOST:PORT, or a folder")
    where, *runs = words.words
    picture = curve.picture if curve.can_draw() else None
    sent = export_mlflow(_open(), where, runs, words.where, experiment=words.experiment, picture=picture)
    if words.json:
        output.show_json(exchanging.sent_json(sent), sent.notices)
        return
    output.say_notices(sent.notices)
    output.show(exchanging.sent_page(sent))


def _sheet(words: Namespace) -> Sheet:
    from gxt.ops.export_table import sheet

    return sheet(_open(), words.words, words.where)


def _write(words: Namespace, sheet: Sheet, content: bytes) -> None:
    """The file, whole or not at all, and how many runs are in it."""
    from gxt.data.putting import put_file

    put_file(Path(words.output), content)
    if words.json:
        output.show_json({"file": words.output, "runs": len(sheet.rows)}, sheet.notices)
        return
    output.say_notices(sheet.notices)
    count = "1 run" if len(sheet.rows) == 1 else f"{len(sheet.rows)} runs"
    output.say(f"{count} in {words.output}")


def _import_files(words: Namespace) -> None:
    from gxt.ops.import_files import import_files
    from gxt.render import exchanging

    if len(words.words) != 1:
        raise UsageError("one folder is imported at a time", hint="gxt import files DIR")
    workspace = _open()
    imported = import_files(workspace, Path(words.words[0]))
    notices = (*workspace.notices, *imported.notices)
    if words.json:
        output.show_json(exchanging.imported_json(imported), notices)
        return
    output.say_notices(notices)
    output.show(exchanging.imported_page(imported))


_Way = Callable[[Namespace], None]
_EXPORTS: Final[Mapping[str, _Way]] = {
    "files": _export_files,
    "csv": _export_csv,
    "xlsx": _export_xlsx,
    "mlflow": _export_mlflow,
}
_IMPORTS: Final[Mapping[str, _Way]] = {"files": _import_files}


def _chosen(ways: Mapping[str, _Way], kind: str) -> _Way:
    if kind not in ways:
        raise UsageError(f"no such kind: {kind}", hint=f"there is {_listed(ways)}")
    return ways[kind]


def _listed(ways: Mapping[str, _Way] | Sequence[str]) -> str:
    return ", ".join(ways)


def _open() -> Workspace:
    from gxt.cli.progress import bar
    from gxt.ops.workspace import open_workspace

    return open_workspace()._replace(progress=bar())
