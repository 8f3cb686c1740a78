"""Whatever is in a repository, a file, a journal or on the command line: no traceback, nothing that acts on a
terminal, no file anywhere else, and the other runs are still there.

Each class of input is attacked with some 10 inputs here, and with a thousand in the long form.
"""

# ruff: noqa: E501 a line a class

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gxt.capture.params_files import edit_params, load_params
from gxt.errors import GxtError
from gxt.model.events import Fold
from gxt.model.ids import new_uid
from gxt.model.version import __version__
from gxt.ops.declared import read_metrics
from gxt.store import locks
from tests.properties import hostile_inputs as inputs
from tests.properties.hostile_ground import Ground, acts

SHORT, LONG = 10, 1000
REF = "refs/gxt/experiments"


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    """A repository for one class; what the program leaves behind when it fails would be beside it."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "ground" / "tmp"))
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "ground").mkdir()
    ground = Ground(tmp_path / "ground")
    yield ground
    ground.check_around()


class Class(NamedTuple):
    """A class of hostile input: how one is made, what is done with several at once, how many that are."""

    one: st.SearchStrategy[Any]
    attack: Callable[[Ground, list[Any]], None]
    together: int


# --- runs that somebody wrote by hand --------------------------------------------------------------------


def attack_history(ground: Ground, runs: list[Any]) -> None:
    """Runs of such documents: each is read, or named as damaged; the sound ones stay."""
    ids = ground.history(runs)
    listed = ground.json("list")
    shown = [run["id"] for run in listed["data"]]
    named = [one.split(" ")[0] for one in listed["notices"]]
    assert sorted(shown + named) == ids
    assert {ids[0], ids[-1]} <= set(shown)
    rows = list(csv.reader(io.StringIO(ground.gxt("list", "--csv", codes=[0], tabs=True).out)))
    assert [row[0] for row in rows[1:]] == shown
    assert {len(row) for row in rows} == {len(rows[0])}
    for row, run in zip(rows[1:], listed["data"], strict=True):
        check_cells(dict(zip(rows[0], row, strict=True)), run)
    for words in (["list"], ["list", "--md"], ["tree"], ["tree", "--json"], ["status"], ["status", "--json"]):
        ground.gxt(*words, codes=[0])
    ground.gxt("report", "--md", codes=[0])
    check_page(ground)
    ground.gxt("list", "--columns", "id,name,tags,message,params.lr,took,created,host,branch")
    ground.gxt("list", "--where", "metrics.acc > 0 or params.lr < 1", "--sort", "-acc")
    for number, name in enumerate(ids[1:3], 2):
        attack_run(ground, name, number, codes=[0] if name in shown else [1])
    ground.check_around()


def check_page(ground: Ground, *words: str) -> None:
    """A report is two scripts, a style and facts: of what the history holds nothing is HTML, and nothing acts."""
    with TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        ground.gxt("report", *words, "-o", str(page), codes=[0])
        before, _, rest = page.read_text().partition('<script type="application/json" id="report">')
        facts, _, after = rest.partition("</script>")
    assert (before.count("<"), after.count("<script"), after.count("</script")) == (17, 1, 1)
    assert "<" not in facts
    assert not any(acts(c) for c in facts)
    assert not any(acts(c) for c in before if c != "\n")
    json.loads(facts, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))


def attack_removed(ground: Ground, runs: list[Any]) -> None:
    """Directories of removed runs, whoever wrote them: no such run is shown, or stands in the way of others."""
    ids = ground.history(runs)
    listed = ground.json("list")
    gone = [name for name in ids if name not in {run["id"] for run in listed["data"]}]
    assert (gone, listed["notices"]) == (ids[1:-1], [])
    for words in (["list"], ["tree"], ["status"], ["doctor"]):
        ground.gxt(*words, codes=[0, 1])
    for name in gone[:2]:
        ground.gxt("show", name, codes=[1])
        ground.gxt("rm", "--undo", name, codes=[1])
    ground.check_around()


def check_cells(row: dict[str, str], run: dict[str, Any]) -> None:
    """Each cell, as a spreadsheet reads it, is the run's value with what acts on a screen escaped."""
    row = {in_ascii(name): in_ascii(cell) for name, cell in row.items()}
    told: dict[str, Any] = {name: run[name] for name in ("id", "status", "parent", "name", "created")}
    told |= {f"metrics.{name}": value for name, value in run["metrics"].items()}
    for name, value in told.items():
        head = quoted(name)
        cell = row[head if head in row else f"'{head}"]
        if isinstance(value, str) or value is None:
            assert cell in {quoted(value or ""), f"'{quoted(value or '')}"}, (name, value)
        elif not isinstance(value, bool):
            assert type(value)(cell) == value, (name, value)
    for cell in (*row, *row.values()):
        assert not cell.lstrip(" \n\v\f").startswith(("=", "+", "-", "@", "\t")) or is_number(cell), cell


def quoted(text: str) -> str:
    return in_ascii("".join(c if c in "\t\n" or not acts(c) else f"\\u{{{ord(c):x}}}" for c in text))


def in_ascii(text: str) -> str:
    """As a stream says it that has no other characters: a class is shown on streams of each kind."""
    return text.encode("ascii", "backslashreplace").decode()


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def attack_consoles(ground: Ground, runs: list[Any]) -> None:
    """Consoles of any bytes: shown line by line."""
    for name in ground.history(runs):
        ground.gxt("output", name, codes=[0], tabs=True)
        ground.gxt("output", "--times", "--json", name, codes=[0])


def attack_series(ground: Ground, runs: list[Any]) -> None:
    """Series of any bytes: shown, or named as damaged."""
    for name in ground.history(runs):
        ground.gxt("show", name, "--series", codes=[0, 1])
        ground.gxt("show", name, "--series", "--json", codes=[0, 1])
    check_page(ground)


def attack_run(ground: Ground, name: str, number: int, codes: list[int]) -> None:
    for words in (["show"], ["show", "--json"]):
        ground.gxt(*words, name, codes=codes)
    for words in (["show", name, "--series"], ["show", name, "--csv"], ["show", name, "--series", "--json"]):
        ground.gxt(*words, codes=[0, 1], tabs=True)
    ground.gxt("output", name, codes=codes, tabs=True)
    ground.gxt("output", "--times", "--json", name, codes=codes)
    for words in (
        ["diff", "1", name],
        ["diff", name],
        ["diff", "1", name, "--json"],
        ["diff", "1", name, "--md"],
    ):
        ground.gxt(*words, codes=[0, 1])
    ground.gxt("diff", "1", name, "--code", codes=[0, 1], tabs=True)
    ground.gxt("compare", "1", name, codes=codes)
    ground.gxt("compare", "1", name, "--csv", codes=codes, tabs=True)


# --- files in the work tree ------------------------------------------------------------------------------


def attack_params(ending: str) -> Callable[[Ground, list[Any]], None]:
    def attack(ground: Ground, files: list[Any]) -> None:
        path = ground.repo / f"hostile.{ending}"
        for content in files:
            path.write_bytes(content)
            with suppress(GxtError):
                json.dumps(load_params(path), allow_nan=False).encode()
            with suppress(GxtError):
                edit_params(path, [("a", "1")])
        said = ground.gxt("run", "--dry-run", "--params", path.name, "--set", "a=2", "--", "true")
        assert "a bug" not in said.err
        ground.gxt("run", "--dry-run", "--params", path.name, "--", "true")
        path.unlink()

    return attack


def attack_metrics(ground: Ground, files: list[Any]) -> None:
    for content in files:
        for ending in ("json", "yaml"):
            path = ground.repo / f"hostile.{ending}"
            path.write_bytes(content)
            assert all(isinstance(value, float) for value in read_metrics(path).values())
            path.unlink()


def attack_file(name: str) -> Callable[[Ground, list[Any]], None]:
    """A file at the top that every command reads."""

    def attack(ground: Ground, files: list[Any]) -> None:
        path = ground.repo / name
        for content in files:
            path.write_bytes(content)
            ground.gxt("list")
            ground.gxt("run", "--dry-run", "--", "true")
            path.unlink()
            ground.check_around()

    return attack


def attack_paths(ground: Ground, names: list[Any]) -> None:
    """Files and folders of such names: told, in a snapshot, in the next difference."""
    ground.history([])
    folder = ground.repo / "hostile"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in names:
        for part in (name.encode("utf-8", "surrogatepass"), os.fsencode(name) if name.isascii() else b"\xff"):
            if part.strip(b"\0") and part not in {b".", b".."} and b"\0" not in part:
                with suppress(OSError):
                    Path(os.fsdecode(os.fsencode(folder) + b"/" + part.replace(b"/", b"_"))).write_text("x")
    for words in (["status"], ["status", "--json"], ["diff", "1"], ["run", "--dry-run", "--", "true"]):
        ground.gxt(*words, codes=[0])
    ground.gxt("diff", "1", "--code", codes=[0], tabs=True)
    shutil.rmtree(folder)


# --- journals --------------------------------------------------------------------------------------------


def start_of(uid: str, **changed: Any) -> bytes:  # noqa: ANN401 any JSON
    config = {
        "gxt": 1,
        "uid": uid,
        "command": ["train"],
        "author": {"name": "A", "email": "a@b.c"},
        "params": {},
    }
    config["created"] = "2026-01-02T03:04:05.000000Z"
    event = {"e": "started", "t": 1_700_000_000_000_000, "config": {**config, **changed}, "offset": "+0100"}
    return json.dumps(event).encode()


def plant_journals(ground: Ground, journals: list[list[bytes]], files: dict[str, bytes]) -> list[Path]:
    """Directories of live runs; `@uid` in a line is the identity of its run."""
    home = ground.repo / ".git" / "gxt" / "live"
    shutil.rmtree(home, ignore_errors=True)
    paths = []
    for number, lines in enumerate(journals):
        uid = new_uid(1_800_000_000_000 + number, number.to_bytes(10, "big"))
        path = home / uid
        path.mkdir(parents=True)
        (path / "journal.jsonl").write_bytes(b"\n".join(lines).replace(b"@uid", uid.encode()) + b"\n")
        for name, content in {"number": b"%d\n" % (number + 5), **files}.items():
            (path / name).write_bytes(content)
        paths.append(path)
    return paths


def attack_live(ground: Ground, journals: list[Any]) -> None:
    """Journals of runs that go on: our lock says so."""
    ground.history([])
    held = [locks.hold(path) for path in plant_journals(ground, journals, {})]
    read_all(ground)
    for one in held:
        assert one is not None
        os.close(one)
    shutil.rmtree(ground.repo / ".git" / "gxt" / "live")


def attack_dead(ground: Ground, journals: list[Any]) -> None:
    """Journals of runs whose processes are gone: they are sealed, or said to be damaged and kept."""
    ground.history([])
    paths = plant_journals(ground, journals, {})
    said = ground.json("list")
    sealed = {run["uid"] for run in said["data"]}
    notices = " ".join(said["notices"])
    assert all(path.name in sealed or (path.exists() and path.name in notices) for path in paths), said
    read_all(ground)
    assert ground.git("fsck", "--strict", "--no-dangling", "--no-progress") == b""


def read_all(ground: Ground) -> None:
    for words in (
        ["list"],
        ["list", "--json"],
        ["tree"],
        ["status"],
        ["show"],
        ["show", "--json"],
        ["diff", "1", "@"],
    ):
        assert "bug" not in ground.gxt(*words).err
    ground.gxt("output", tabs=True)
    ground.gxt("show", "--series", tabs=True)


def attack_beside(name: str) -> Callable[[Ground, list[Any]], None]:
    """A file beside the journal of a live run, or of a dead one."""

    def attack(ground: Ground, contents: list[Any]) -> None:
        ground.history([])
        for at, content in enumerate(contents):
            lines = [start_of("@uid"), b'{"e":"metrics","t":1700000000000001,"s":1,"m":{"acc":0.5}}']
            (path,) = plant_journals(ground, [lines], {name: content})
            held = locks.hold(path) if at % 2 else None
            assert {"exp-001", "exp-002"} <= {run["id"] for run in ground.json("list")["data"]}
            ground.gxt("show", codes=[0])
            ground.gxt("output", codes=[0], tabs=True)
            if held is not None:
                os.close(held)
        shutil.rmtree(ground.repo / ".git" / "gxt" / "live")

    return attack


FOLD: dict[str, Any] = {
    **Fold().to_json(),
    "config": {
        "uid": new_uid(1_800_000_000_000, bytes(10)),
        "author": {"name": "A", "email": "a@b.c"},
        "params": {},
    },
    "stats": {
        "acc": {"last": 1, "last_step": 1, "min": 1, "min_step": 1, "max": 1, "max_step": 1, "count": 1}
    },
}
FIELDS = st.dictionaries(
    st.sampled_from(
        "t s m config offset params tags id text status duration_s exit_code document name parent kind "
        "path values step goal summary items".split()
    ),
    inputs.VALUES,
    max_size=4,
)
KINDS = st.sampled_from(
    "started metrics params described data data_used tag notice source evaluation metric_defined finished environment other".split()
)
EVENTS = st.builds(
    lambda kind, fields: json.dumps({"e": kind, "t": 1_700_000_000_000_005, **fields}).encode(), KINDS, FIELDS
)
JOURNALS = st.lists(EVENTS | inputs.JSON_BYTES.map(lambda data: data.replace(b"\n", b"")), max_size=5).map(
    lambda lines: [start_of("@uid"), *lines]
)
STARTS = st.dictionaries(st.sampled_from(inputs.CONFIG_KEYS), inputs.VALUES, max_size=3).map(
    lambda changed: [start_of(changed.pop("uid", "@uid"), **changed)]  # type: ignore[arg-type]
)
SAID_IN_JOURNALS = st.builds(
    lambda text, other: [
        start_of("@uid", name=text, message=other, author={"name": text, "email": other}, parent=other),
        json.dumps({"e": "tag", "t": 1_700_000_000_000_001, "id": text, "tags": [other]}).encode(),
        json.dumps({"e": "metrics", "t": 1_700_000_000_000_002, "s": 1, "m": {text: 1.0}}).encode(),
        json.dumps({"e": "notice", "t": 1_700_000_000_000_003, "text": other}).encode(),
        json.dumps({"e": "params", "t": 1_700_000_000_000_003, "params": {text: other}}).encode(),
    ],
    inputs.ANY_TEXT,
    inputs.ANY_TEXT,
)


# --- refs, settings of git, files of our own -------------------------------------------------------------


def attack_ref(ground: Ground, contents: list[Any]) -> None:
    ground.history([])
    path = ground.repo / ".git" / REF
    before = path.read_bytes()
    for content in contents:
        path.write_bytes(content)
        for words in (["list"], ["tree", "--json"], ["run", "--dry-run", "--", "true"]):
            ground.gxt(*words)
    path.write_bytes(before)
    assert len(ground.json("list")["data"]) == 2


def attack_derived(*names: str) -> Callable[[Ground, list[Any]], None]:
    """A file below `.git/gxt` that is derived from others or says little: garbage in it costs nothing."""

    def attack(ground: Ground, contents: list[Any]) -> None:
        ground.history([])
        for content in contents:
            for name in names:
                path = ground.repo / ".git" / "gxt" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            assert len(ground.json("list")["data"]) == 2
            ground.gxt("status", codes=[0])

    return attack


def attack_tree_of_ref(ground: Ground, paths: list[Any]) -> None:
    """Entries of such names in the tree: the runs are there, and nothing of it is lost by the next run."""
    ids = ground.history([])
    head = f"commit {REF}\ncommitter A <a@b.c> 1700000000 +0000\ndata 2\nx\nfrom {REF}^0\n".encode()
    puts = [b'M 100644 inline "%b"\ndata 2\nx\n\n' % path for path in paths]
    ground.git("fast-import", "--quiet", stdin=head + b"".join(puts) + b"done\n")
    said = ground.json("list")
    assert set(ids) <= {run["id"] for run in said["data"]}
    for words in (["list"], ["tree"], ["status"]):
        ground.gxt(*words, codes=[0])


def attack_branch(ground: Ground, names: list[Any]) -> None:
    for name in names:
        (ground.repo / ".git" / "HEAD").write_bytes(b"ref: refs/heads/" + name + b"\n")
        ground.gxt("status")
        ground.gxt("run", "--dry-run", "--", "true")
    (ground.repo / ".git" / "HEAD").write_bytes(b"ref: refs/heads/main\n")


def attack_author(ground: Ground, names: list[Any]) -> None:
    config = ground.repo / ".git" / "config"
    before = config.read_bytes()
    for name in names:
        shown = name.replace("\\", "").replace('"', "").replace("\n", "\\n").encode("utf-8", "surrogatepass")
        config.write_bytes(
            before + b'[user]\n\tname = "%b"\n\temail = "%b"\n[gxt]\n\tmetric = "%b"\n' % ((shown,) * 3)
        )
        ground.gxt("run", "--dry-run", "--", "true")
        ground.gxt("list")
    config.write_bytes(before)


# --- the command line ------------------------------------------------------------------------------------


def attack_words(*before: str) -> Callable[[Ground, list[Any]], None]:
    """A word of the command line behind others."""

    def attack(ground: Ground, words: list[Any]) -> None:
        if ground.calls == 0:
            ground.history([{"config.json": {"name": "x"}}])
        for word in words:
            behind = ["--", "true"] if before[:1] == ("run",) else []
            ground.gxt(*before, word.replace("\0", ""), *behind, tabs=before[:1] == ("output",))

    return attack


def attack_variables(ground: Ground, values: list[Any]) -> None:
    if ground.calls == 0:
        ground.history([{"config.json": {"name": "x" * 300}}])
    names = (
        "COLUMNS",
        "LC_ALL",
        "TERM",
        "TZ",
        "NO_COLOR",
        "GIT_AUTHOR_NAME",
        "GIT_AUTHOR_EMAIL",
        "LINES",
        "SLURM_JOB_ID",
    )
    for value in values:
        with pytest.MonkeyPatch.context() as patch:
            for name in names:
                patch.setenv(
                    name,
                    value.replace("\0", "")
                    .encode("utf-8", "surrogatepass")
                    .decode("utf-8", "surrogateescape"),
                )
            for words in (["list"], ["show"], ["compare", "1", "2"], ["run", "--dry-run", "--", "true"]):
                ground.gxt(*words)


WORDS = inputs.ANY_TEXT | st.text(max_size=8)
IDS = WORDS | st.sampled_from(
    ["@~" + "9" * 5000, "9" * 5000, "exp-" + "9" * 9, "-1", "@~-1", "@~\u0663", "\u0661", "0", "exp-000"]
)
QUERIES = st.lists(
    st.sampled_from(
        "and or not in is == != < > ( ) [ ] , . - 1 0.5 1e9 'a' \" \\ true None params.lr metrics.acc tags name é \x1b \x9b \u202e".split(
            " "
        )
    )
    | inputs.ANY_TEXT,
    max_size=8,
).map(" ".join) | st.sampled_from(
    ["(" * 5000, "not " * 5000, "-" * 5000 + "1", "9" * 5000 + " == 1", "1 == 1" + " and 1 == 1" * 2000]
)
COLUMNS = st.sampled_from(["0", "1", "2", "-5", "9" * 5000, "99999999", "\u0663", "1.5", ""]) | WORDS
COUNTS = st.sampled_from(["0", "1", "-1", "9" * 30, "9" * 5000, "1e3", "\u0663", " 1"]) | WORDS
ODD_FILES = st.one_of(
    inputs.JSON_BYTES,
    st.sampled_from(
        [
            b"",
            b"-5",
            b"0",
            b"999999999999999999999",
            b"1000000000",
            b"999999999",
            "\u0663".encode(),
            b"\x00",
            b"1e3",
        ]
    ),
)
SUMMARIES = st.dictionaries(st.sampled_from([*Fold().to_json()]), inputs.VALUES, min_size=1, max_size=3).map(
    lambda parts: json.dumps({"gxt": __version__, "read": 1, "fold": {**FOLD, **parts}}).encode()
)
REF_BYTES = st.one_of(
    st.binary(max_size=50),
    st.sampled_from(
        [
            b"",
            b"\n",
            b"0" * 40,
            b"ref: refs/heads/main",
            b"ref: " + REF.encode(),
            b"ref: refs/heads/x",
            b"ref: ../../HEAD",
        ]
    ),
    st.integers(0, 2**160 - 1).map(lambda oid: b"%040x\n" % oid),
)
TREE_PATHS = (
    st.lists(
        st.sampled_from(
            "exp-0xx exp-1xx exp-0xxxx exp-001 exp-002 exp-012 exp-0012 exp-99999999999 exp-xx exp- run config.json next2 a "
            "\\033[31m \\377 exp-\\033[2J exp-0xx\\t".split(" ")
        ),
        min_size=1,
        max_size=4,
    )
    .map(lambda parts: "/".join(parts).encode())
    .filter(lambda path: not path.startswith((b"exp-0xx/exp-001", b"exp-0xx/exp-002")) and path != b"exp-0xx")
)
BRANCHES = WORDS.map(
    lambda text: text.encode("utf-8", "surrogatepass").replace(b"\n", b"").replace(b"\0", b"")
)

CLASSES = {
    "titles": Class(inputs.TITLES, attack_history, 25),
    "config of any kind": Class(
        inputs.document("config.json", dict.fromkeys(inputs.CONFIG_KEYS, inputs.VALUES)), attack_history, 25
    ),
    "config of any bytes": Class(inputs.whole_document("config.json"), attack_history, 25),
    "times": Class(inputs.document("config.json", {"created": inputs.ODD_TIMES}), attack_history, 25),
    "code": Class(inputs.CODE, attack_history, 25),
    "parameters": Class(inputs.document("config.json", {"params": st.dictionaries(inputs.ANY_TEXT, inputs.VALUES)}), attack_history, 25),
    "commands": Class(inputs.document("config.json", {"command": st.lists(inputs.ANY_TEXT, max_size=4)}), attack_history, 25),
    "authors": Class(
        inputs.document("config.json", {"author": st.fixed_dictionaries({"name": inputs.ANY_TEXT, "email": inputs.ANY_TEXT})}),
        attack_history, 25,
    ),
    "parents": Class(inputs.document("config.json", {"parent": inputs.ANY_TEXT, "uid": inputs.ANY_TEXT}), attack_history, 25),
    "metrics": Class(inputs.METRICS, attack_history, 25),
    "names of metrics": Class(inputs.METRIC_NAMES, attack_history, 25),
    "metrics document of any kind": Class(
        inputs.document("metrics.json", dict.fromkeys("status exit_code duration_s metrics evals artifacts notices".split(), inputs.VALUES)),
        attack_history, 25,
    ),
    "metrics document of any bytes": Class(inputs.whole_document("metrics.json"), attack_history, 25),
    "notices": Class(inputs.document("metrics.json", {"notices": st.lists(inputs.LEAVES, max_size=3)}), attack_history, 25),
    "environment of any kind": Class(
        inputs.document(
            "environment.json",
            dict.fromkeys("python cpu platform memory_bytes gpus variables packages".split(), inputs.VALUES)
            | {"gpus": st.lists(st.dictionaries(st.just("name"), inputs.LEAVES), max_size=2)},
        ),
        attack_history, 25,
    ),
    "environment of any bytes": Class(inputs.whole_document("environment.json"), attack_history, 25),
    "annotations": Class(inputs.ANNOTATIONS, attack_history, 25),
    "sayings": Class(inputs.SAYINGS, attack_history, 25),
    "removals": Class(inputs.REMOVALS, attack_removed, 25),
    "consoles": Class(inputs.CONSOLES, attack_consoles, 25),
    "series": Class(inputs.SERIES, attack_series, 25),
    "parameters in YAML": Class(inputs.YAML_BYTES, attack_params("yaml"), 25),
    "parameters in JSON": Class(inputs.JSON_BYTES, attack_params("json"), 25),
    "parameters in TOML": Class(inputs.TOML_BYTES, attack_params("toml"), 25),
    "files of metrics": Class(inputs.YAML_BYTES, attack_metrics, 25),
    "dvc.yaml": Class(inputs.DVC_BYTES, attack_file("dvc.yaml"), 5),
    ".gxt.toml": Class(inputs.SETTINGS_BYTES, attack_file(".gxt.toml"), 5),
    "paths": Class(inputs.ANY_TEXT, attack_paths, 25),
    "journals of running runs": Class(JOURNALS, attack_live, 25),
    "journals of dead runs": Class(JOURNALS, attack_dead, 5),
    "starts of journals": Class(STARTS, attack_dead, 5),
    "what a journal says": Class(SAID_IN_JOURNALS, attack_dead, 5),
    "numbers": Class(ODD_FILES, attack_beside("number"), 5),
    "summaries": Class(ODD_FILES | SUMMARIES, attack_beside("summary.json"), 5),
    "consoles of live runs": Class(inputs.CONSOLES.map(lambda run: run["output.log"]), attack_beside("output.log"), 5),
    "indexes": Class(ODD_FILES, attack_derived("index-10.sqlite"), 5),
    "bases": Class(ODD_FILES | inputs.VALUES.map(lambda value: json.dumps({"uid": value, "head": value}).encode()), attack_derived("../gxt/base.json"), 5),
    "refs": Class(REF_BYTES, attack_ref, 5),
    "trees": Class(TREE_PATHS, attack_tree_of_ref, 5),
    "branches": Class(BRANCHES, attack_branch, 5),
    "authors in settings": Class(WORDS, attack_author, 5),
    "conditions": Class(QUERIES, attack_words("list", "--where"), 5),
    "orders": Class(QUERIES, attack_words("list", "--sort"), 5),
    "columns": Class(QUERIES, attack_words("list", "--columns"), 5),
    "limits": Class(COUNTS, attack_words("list", "--limit"), 5),
    "ids": Class(IDS, attack_words("show"), 5),
    "consoles by id": Class(IDS, attack_words("output"), 5),
    "commands of gxt": Class(WORDS, attack_words(), 5),
    "names on the command line": Class(WORDS, attack_words("run", "--dry-run", "--name"), 5),
    "assignments": Class(WORDS | inputs.ANY_TEXT.map("lr={}".format), attack_words("run", "--dry-run", "--set"), 5),
    "variables": Class(COLUMNS, attack_variables, 5),
}  # fmt: skip


# Each of these seals runs, or calls the program many times an input: for the long form alone.
SLOW = {"journals of dead runs", "starts of journals", "what a journal says", "variables"}
FORMS = [
    pytest.param(name, count, marks=[pytest.mark.long] if count == LONG or name in SLOW else [])
    for name in CLASSES
    for count in (SHORT, LONG)
]


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@pytest.mark.parametrize(("name", "count"), FORMS)
def test_hostile(name: str, count: int, ground: Ground) -> None:
    one, attack, together = CLASSES[name]
    together = min(together, count)

    @settings(
        max_examples=1 + -(-count // together),  # the first one is the simplest there is
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],  # to shrink takes minutes, and what was said tells enough
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(one, min_size=together, max_size=together))
    def attacked(several: list[Any]) -> None:
        attack(ground, several)

    attacked()
