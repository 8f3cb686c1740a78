"""A fault at each call by which an export or an import changes anything; the next one completes it."""

from __future__ import annotations

import filecmp
import shutil
import signal
import sys
from pathlib import Path

import pytest

from tests.conftest import data, git, gxt
from tests.crash.conftest import EXPERIMENTS, check_sound
from tests.crash.faults import FAULTS, KILL, UNREAL, Fault, calls_of, traced
from tests.crash.test_sharing_faults import await_orphans

pytestmark = pytest.mark.skipif(
    not shutil.which("strace") or sys.platform != "linux", reason="no strace here, or no /proc"
)

# Without pictures: matplotlib would load for half a second each time.
SCRIPT = """\
import sys
from pathlib import Path
from gxt.errors import GxtError
from gxt.ops.export_files import Drawing, export_files
from gxt.ops.workspace import open_workspace
from gxt.render import curve, run_page

try:
    drawing = Drawing(run_page.page, curve.picture, draws=False)
    export_files(open_workspace(), Path("../exported"), drawing=drawing)
except (GxtError, OSError) as error:
    sys.exit(f"gxt: {error}")
"""
EXPORT = [sys.executable, "../export.py"]
IMPORT = [sys.executable, "-m", "gxt", "import", "files", "../whole"]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A repository with two runs, a clone of its code, and an export of the runs, all beside each other."""
    place = tmp_path / "place"
    place.mkdir()
    git(place, "init", "-q", "lab")
    lab = place / "lab"
    (lab / "train.py").write_text("import gxt\ngxt.init()\ngxt.log({'loss': 1.0}, step=3)\nprint('done')\n")
    git(lab, "add", ".")
    git(lab, "commit", "-q", "-m", "first")
    git(place, "clone", "-q", "lab", "clone")
    gxt(lab, "run", "-q", "--name", "one", "--", sys.executable, "train.py")
    gxt(lab, "run", "-q", "--name", "two", "--", "true")
    (place / "export.py").write_text(SCRIPT)
    assert traced(lab, place, [], EXPORT).code == 0
    (place / "exported").rename(place / "whole")
    return place


def check_exported(place: Path) -> None:
    """The next export has it all; nothing else is left."""
    assert traced(place / "lab", place, [], EXPORT).code == 0
    names = [path.relative_to(place / "whole").as_posix() for path in (place / "whole").rglob("*")]
    assert sorted(names) == sorted(
        p.relative_to(place / "exported").as_posix() for p in (place / "exported").rglob("*")
    )
    files = [name for name in names if (place / "whole" / name).is_file()]
    assert filecmp.cmpfiles(place / "whole", place / "exported", files, shallow=False)[1:] == ([], [])


def check_imported(place: Path) -> None:
    """The next import has it all; nothing else is left."""
    clone = place / "clone"
    gxt(clone, "import", "files", "../whole")
    check_sound(clone)
    assert git(clone, "ls-tree", "-r", EXPERIMENTS) == git(place / "lab", "ls-tree", "-r", EXPERIMENTS)
    assert git(clone, "for-each-ref", "--format=%(refname)", "refs/gxt") == EXPERIMENTS
    assert data(clone, "doctor")["findings"] == []


BOTH = pytest.mark.parametrize("way", ["export", "import"])


def fault_by_fault(template: Path, folder: Path, fault: Fault, way: str, chosen: slice) -> None:
    """Have the fault at each of the chosen calls, each in fresh copies."""
    words = EXPORT if way == "export" else IMPORT
    where = "lab" if way == "export" else "clone"

    def copy(name: str) -> Path:
        return shutil.copytree(template, folder / name, symlinks=True)

    first = copy("none")
    calls = calls_of(first / where, first, fault, words)
    assert calls[chosen]
    for call, count in calls[chosen]:
        place = copy(f"{call}-{count}")
        outcome = traced(place / where, place, fault.at(call, count), words)
        trace = (place / "trace").read_text()
        if any(UNREAL.match(line) for line in trace.splitlines() if "INJECTED" in line):
            continue
        await_orphans(place)
        try:
            assert "Traceback" not in outcome.stderr or "KeyboardInterrupt" in outcome.stderr
            assert outcome.code in {0, 1, -signal.SIGKILL, -signal.SIGINT, 130}
            check_exported(place) if way == "export" else check_imported(place)
        except AssertionError as error:
            raise AssertionError(f"{fault.name} at {call} {count}: {outcome}\n{trace[-500:]}") from error
        shutil.rmtree(place)


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@BOTH
def test_a_fault_at_any_call_of_an_exchange_with_files(
    place: Path, tmp_path: Path, way: str, fault: Fault
) -> None:
    fault_by_fault(place, tmp_path / "faults", fault, way, slice(None))


@BOTH
def test_a_kill_at_some_calls_of_an_exchange_with_files(place: Path, tmp_path: Path, way: str) -> None:
    fault_by_fault(place, tmp_path / "faults", KILL, way, slice(7, None, 41))
