"""`gxt export`: runs as files, and for other trackers."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gxt.cli import output
from gxt.cli.kinds import Ways, go, listed
from gxt.cli.parser import Parser
from gxt.cli.progress import open_workspace
from gxt.errors import UnknownRun, UsageError

if TYPE_CHECKING:
    from gxt.ops.export_files import Exported
    from gxt.ops.export_table import Sheet


def export_words(parser: Parser) -> None:
    """What `gxt export` takes."""
    parser.add("kind", metavar="KIND", help=f"What it becomes: {listed(_EXPORTS)}.")
    parser.add(
        "words", metavar="DIR|ID", nargs="*", help="Where to, but for csv and xlsx; then runs; without, all."
    )
    parser.add("--where", metavar="CONDITION", help='Only those; e.g. "metrics.acc > 0.9".')
    parser.add("--experiment", metavar="NAME", help="Of mlflow; the repository's name by default.")
    parser.add("-o", "--output", metavar="FILE", help="Where csv and xlsx go; csv without it to stdout.")
    parser.add_json()


def export(words: Namespace) -> None:
    """Write runs as files that need no gxt, or as what other trackers read.

    gxt export files DIR makes a folder for each run, as one would keep it by hand, with a README and a
    picture of its metrics, and goes on where it was: what has not changed is left alone. gxt export csv and
    xlsx make a spreadsheet. gxt export tensorboard DIR and wandb DIR write what TensorBoard shows and what
    wandb sync uploads. gxt export mlflow URI sends runs to a tracking server, or into a folder or a database
    that MLflow's UI reads. What is there is brought up to date.
    """
    if words.experiment is not None and words.kind != "mlflow":
        raise UsageError(f"--experiment is MLflow's, not of {words.kind}", hint="gxt export mlflow URI")
    go(_EXPORTS, words)


def _export_files(words: Namespace) -> None:
    from gxt.ops.export_files import Drawing, export_files
    from gxt.render import curve, run_page

    folder, runs = _folder_and_runs(words, "files")
    drawing = Drawing(run_page.page, curve.picture, draws=curve.can_draw())
    _show_exported(words, export_files(open_workspace(), folder, runs, words.where, drawing=drawing))


def _export_tensorboard(words: Namespace) -> None:
    from gxt.ops.export_tensorboard import export_tensorboard
    from gxt.render.run_page import page

    folder, runs = _folder_and_runs(words, "tensorboard")
    _show_exported(words, export_tensorboard(open_workspace(), folder, runs, words.where, page=page))


def _export_wandb(words: Namespace) -> None:
    from gxt.ops.export_wandb import export_wandb

    folder, runs = _folder_and_runs(words, "wandb")
    _show_exported(words, export_wandb(open_workspace(), folder, runs, words.where))


def _folder_and_runs(words: Namespace, kind: str) -> tuple[Path, list[str]]:
    """The folder that comes first, and the runs after it."""
    if words.output is not None or not words.words:
        what = "not into -o" if words.output is not None else "and none is named"
        raise UsageError(f"gxt export {kind} writes into a folder, {what}", hint=f"gxt export {kind} DIR")
    folder, *runs = words.words
    return Path(folder), runs


def _show_exported(words: Namespace, exported: Exported) -> None:
    from gxt.render import exchanging

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
    sent = export_mlflow(
        open_workspace(), where, runs, words.where, experiment=words.experiment, picture=picture
    )
    if words.json:
        output.show_json(exchanging.sent_json(sent), sent.notices)
        return
    output.say_notices(sent.notices)
    output.show(exchanging.sent_page(sent))


def _sheet(words: Namespace) -> Sheet:
    from gxt.ops.export_table import sheet

    try:
        return sheet(open_workspace(), words.words, words.where)
    except UnknownRun as error:
        files = [word for word in words.words if word.endswith((".csv", ".xlsx"))]
        if not files:
            raise
        raise UsageError(error.message, hint=f"into a file: gxt export {words.kind} -o {files[0]}") from error


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


_EXPORTS: Final[Ways] = {
    "files": _export_files,
    "csv": _export_csv,
    "xlsx": _export_xlsx,
    "mlflow": _export_mlflow,
    "tensorboard": _export_tensorboard,
    "wandb": _export_wandb,
}
