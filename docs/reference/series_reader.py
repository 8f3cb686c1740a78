"""Print every point of a gxt series object: python series_reader.py CHUNK. Needs nothing but Python."""

import json
import zlib
from array import array
from itertools import accumulate
from pathlib import Path
from sys import argv, stdout

header, body = Path(argv[1]).read_bytes().split(b"\n", 1)
for table in json.loads(header)["tables"]:
    rows, columns = table["rows"], [table["step"], table["time"], *table["values"].values()]
    for place, column in enumerate(columns):
        planes, body = zlib.decompress(body[: column["bytes"]]), body[column["bytes"] :]
        kind, bits = {"float32": ("f", "I"), "float64": ("d", "Q")}.get(column["as"][:7], ("q", "Q"))
        words = [int.from_bytes(planes[row::rows], "little") for row in range(rows)]
        if column["as"] not in ("float32", "float64"):  # differences, coded 0, -1, 1, -2 … as 0, 1, 2, 3 …
            words = [n % 256 ** array(bits).itemsize for n in accumulate((w >> 1) ^ -(w & 1) for w in words)]
        columns[place] = array(kind, array(bits, words).tobytes())
        if column["as"] == "decimal":  # -(2**53) stands for -0.0
            columns[place] = [n / 10 ** column["scale"] if n != -(2**53) else -0.0 for n in columns[place]]
    for name, values in zip(table["values"], columns[2:], strict=True):
        stdout.writelines(f"{name}\t{s}\t{t}\t{v!r}\n" for s, t, v in zip(*columns[:2], values, strict=True))
