"""`python -m tests.bench [NAME…]`: gxt beside its peers, in one table on stdout."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.bench.benches import BENCHES
from tests.bench.measure import Row, say, sealed_bench, table


def main() -> int:
    """Run the benches that were named, else all; 1 when a bound is broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(BENCHES)}")
    names = parser.parse_args().names
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        parser.error(f"no such bench: {', '.join(unknown)} (there are {', '.join(BENCHES)})")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="gxt-bench-") as directory:
        bench = sealed_bench(Path(directory))
        for name in names or BENCHES:
            say(f"{name} …")
            rows += BENCHES[name](bench)
    sys.stdout.write(table(rows))
    say("CPU time (wall time in brackets), medians of turns taken side by side; log: wall time of one call")
    return 1 if any(row.ok is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
