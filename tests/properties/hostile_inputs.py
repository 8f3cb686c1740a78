"""Hostile input by class: what an attacker, a careless hand or a broken disk puts where gxt reads."""

# ruff: noqa: E501 a line a class

from __future__ import annotations

import json
from typing import Any, TypeAlias

from hypothesis import strategies as st

Strategy: TypeAlias = "st.SearchStrategy[Any]"

ESCAPES = [
    "\x1b[31m",
    "\x1b[2J",
    "\x1b]0;title\x07",
    "\x1b]52;c;aGk=\x1b\\",
    "\x1bP1$r\x1b\\",
    "\x9b31m",
    "\x85",
]
INVISIBLE = [
    "\u202e",
    "\u2066",
    "\u200b",
    "\ufeff",
    "\U000e0041",
    "\u2028",
    "\ue000",
    "\u0378",
    "\xa0",
    "\u3164",
]
BREAKS = ["\0", "\n", "\r", "\r\n", "\t", "\v", "\f", "\x08", "\x7f", "  "]
HALVES = ["\ud800", "\udcff", "\udfff"]
MARKUP = [
    "[bold]",
    "**x**",
    "<script>",
    "|",
    "`",
    "\\",
    "'",
    '"',
    "%s",
    "{0}",
    "$(id)",
    "&amp;",
    "#",
    "\\x1b",
]
WORDS = [
    "--help",
    "-",
    "--",
    "../../x",
    "/etc/passwd",
    "exp-001",
    "\u0435\u0445\u0440-001",
    "1",
    "@",
    "@~1",
    "best",
]
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "=cmd|'/c calc'!A0", "1e5", "007", "nan"]
WIDE = ["\u6f22", "\u0301", "e\u0301\u0301", "\U0001f468\u200d\U0001f469", "\ud83d", "\uff21", "\u00e9"]


def texts(*pieces: list[str]) -> Strategy:
    """Texts of such pieces, between them anything; now and then very long."""
    piece = st.sampled_from([one for some in pieces for one in some])
    few = st.lists(piece | st.text(max_size=3), min_size=1, max_size=6).map("".join)
    return st.one_of(few, few, few, few, few, few, few, few.map(lambda text: text * 200))


ANY_TEXT = texts(ESCAPES, INVISIBLE, BREAKS, HALVES, MARKUP, WORDS, FORMULAS, WIDE)
NUMBERS = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([10**400, -(10**400), 2**63, -(2**63) - 1, 5e-324, 1.7e308, 0, -0.0, True]),
)
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, ANY_TEXT, st.just([]), st.just({}))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)


def deep(levels: int, opening: str = '{"a":', closing: str = "}") -> str:
    return opening * levels + "1" + closing * levels


# --- bytes that should be JSON ---------------------------------------------------------------------------

JSON_TEXTS = st.one_of(
    st.sampled_from([50, 64, 65, 99, 100, 101, 900, 1100, 5000, 100_000]).flatmap(
        lambda levels: st.sampled_from([deep(levels), deep(levels, "[", "]"), "[" * levels])
    ),
    st.sampled_from(
        [
            *('{"a": 1, "a": 2}', '{"a": NaN}', '{"a": -Infinity}', '{"a": 1e999}', '{"a": 0.1e-999}'),
            *('{"a": %s}' % ("9" * 400), '{"a": %s}' % ("9" * 5000), '{"a": "\\ud800"}', '{"": ""}', "null"),
            *("", " ", "{", "}", "[]", '"x"', "\ufeff{}", "{}{}", "{}\n{}", "// x\n{}", "{'a': 1}", "{,}"),
        ]
    ),
    VALUES.map(json.dumps),
)
JSON_BYTES = st.one_of(
    JSON_TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.binary(max_size=60),
    st.sampled_from(
        [b"\xff\xfe{\0}\0", b'{"a": "\xff"}', b'{"a": "\xed\xa0\x80"}', b"\0" * 100, b"\x1f\x8b\x08"]
    ),
    st.tuples(VALUES.map(lambda value: json.dumps({"a": value}).encode()), st.integers(0, 40)).map(
        lambda cut: cut[0][: cut[1]]
    ),
)

# --- bytes that should be YAML or TOML -------------------------------------------------------------------

_BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)
_MERGE_BOMB = "a0: &a0 {x: 1}\n" + "".join(
    f"a{i}: &a{i}\n  <<: [{','.join([f'*a{i - 1}'] * 9)}]\n  k{i}: 1\n" for i in range(1, 12)
)
YAML_LINES = st.sampled_from(
    [
        *(
            "a: 1",
            "a: [",
            "a: {b: c",
            "- 1",
            "a: *b",
            "a: &b 1",
            "<<: *b",
            "<<: {a: 1}",
            "a: !!python/object:os.system x",
        ),
        *(
            "a: !!python/object/apply:os.system ['touch hostile']",
            "a: !!binary aGk=",
            "a: !!int ''",
            "a: !!set {x, y}",
        ),
        *(
            "a: 2026-13-45",
            "a: 2026-01-01",
            "a: 0o17",
            "a: 017",
            "a: 1_000",
            "a: 1:30:00",
            "a: .nan",
            "a: 1e400",
        ),
        *(
            "\ta: 1",
            "a:\t1",
            "---",
            "...",
            "%YAML 1.1",
            "? [a, b]\n: 1",
            "? {a: b}\n: 1",
            "a: |\n  x\n y",
            "a: \x1b",
            "a: \x85",
        ),
        *(
            'a: "\\e[31m"',
            'a: "\\ud800"',
            "a: 'it''s'",
            "\ufeffa: 1",
            "a: 1\na: 2",
            "null: 1",
            "true: 1",
            "1: 2",
            ".: 1",
            "a.b: 1",
        ),
        *('"": 1', "a: " + "9" * 5000, "a: " + "x" * 5000, "a: " + "[" * 200, "a: " + "{b: " * 200),
    ]
)
YAML_BYTES = st.one_of(
    st.lists(YAML_LINES, min_size=1, max_size=4).map(lambda lines: "\n".join(lines).encode()),
    st.sampled_from(
        [_BOMB.encode(), _MERGE_BOMB.encode(), b"a: \xff", b"\xff\xfea\0:\0", b"a: " + b"x" * (5 << 20)]
    ),
    JSON_BYTES,
)
TOML_BYTES = st.one_of(
    st.lists(
        st.sampled_from(
            [
                *(
                    "a = 1",
                    "a = 1\na = 2",
                    "[a]\nb = 1",
                    "[a.b.c]",
                    "[[a]]\nb = 1",
                    "a.b = 1",
                    "a = nan",
                    "a = inf",
                ),
                *(
                    "a = 1979-05-27T07:32:00Z",
                    "a = 07:32:00",
                    "a = 0x1f",
                    'a = "\\ud800"',
                    'a = "\\u0000"',
                    "a = [1, [2]]",
                ),
                *(
                    '"" = 1',
                    "a = '''x\ny'''",
                    "a = \x1b",
                    "a",
                    "= 1",
                    "a = " + "9" * 5000,
                    "a = " + "[" * 2000,
                    "\ufeffa = 1",
                ),
                "[" + "a." * 2000 + "a]",
            ]
        ),
        min_size=1,
        max_size=4,
    ).map(lambda lines: "\n".join(lines).encode()),
    st.binary(max_size=40),
)
DVC_BYTES = st.one_of(
    YAML_BYTES,
    st.fixed_dictionaries(
        {
            "stages": VALUES | st.dictionaries(ANY_TEXT, VALUES, max_size=2),
            "metrics": VALUES
            | st.lists(ANY_TEXT | st.dictionaries(ANY_TEXT, VALUES, max_size=1), max_size=3),
            "vars": VALUES,
        }
    ).map(lambda document: json.dumps(document).encode()),
    st.sampled_from(
        [
            *(
                b'metrics: ["../../outside", "/etc/passwd", ".", "a\\0b", ""]',
                b"stages: {a: {metrics: ['${x}', '${a.b[0]}']}}",
            ),
            *(
                b"vars: [x: {y: 1}]\nmetrics: ['${x}', '${x.y}', '${', '${}']",
                b"stages: {a: {foreach: [1, 2], do: {metrics: ['${item}']}}}",
            ),
            b"stages: {a: {matrix: {x: [1, 2]}, metrics: ['${item.x}']}}",
        ]
    ),
)
SETTINGS_BYTES = st.one_of(
    TOML_BYTES,
    st.lists(
        st.sampled_from(
            [
                *(
                    '[metric]\nmain = "\\u001b[31m"',
                    "[metric]\nmain = 1",
                    '[metric]\ngoal = "\\u001b"',
                    "[goals]\nx = 1",
                    "[goals]\n\"\\u202e\" = 'max'",
                ),
                *(
                    "[limits]\nseries_mib = -1",
                    "[limits]\nseries_mib = nan",
                    "[limits]\nseries_mib = '\\u001b'",
                    "limits = 1",
                    "metric = []",
                ),
            ]
        ),
        max_size=2,
    ).map(lambda lines: "\n".join(lines).encode()),
)

# --- documents of a run ----------------------------------------------------------------------------------

ODD_TIMES = st.sampled_from(
    [
        "",
        "now",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "2026-02-30T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-W01-1",
        0,
    ]
)
OIDS = st.sampled_from(
    ["", None, "--output=/tmp/gxt-hostile", "HEAD", "0" * 40, "a" * 39, "-", "main:x", "\x1b[31m", "a\nb", 7]
)


def document(name: str, fields: dict[str, Strategy]) -> Strategy:
    """A run with some of the fields of a document replaced."""
    return st.fixed_dictionaries({}, optional=fields).map(lambda changed: {name: changed})


def whole_document(name: str) -> Strategy:
    """A run with bytes in the place of a document, or none."""
    return (st.none() | JSON_BYTES).map(lambda content: {name: content})


TITLES = document(
    "config.json", dict.fromkeys(("name", "message", "hypothesis", "host", "cwd", "group"), ANY_TEXT)
)
CODE = st.fixed_dictionaries(
    {},
    optional={
        "head": OIDS,
        "tree": OIDS,
        "branch": ANY_TEXT | LEAVES,
        "dirty": LEAVES,
        "skipped": st.lists(st.fixed_dictionaries({"path": LEAVES, "reason": LEAVES}) | LEAVES, max_size=2)
        | LEAVES,
    },
).map(lambda code: {"config.json": {"code": code}})
CONFIG_KEYS = "uid name message hypothesis command cwd parent group seed repeat created author host code params param_files metrics_files outs reproduces data gxt".split()
STATS = st.fixed_dictionaries(
    dict.fromkeys(("last", "min", "max"), NUMBERS | st.sampled_from(["NaN", "Infinity", "-Infinity"]))
    | dict.fromkeys(("min_step", "max_step", "count"), st.integers() | st.just(10**400))
)
METRICS = st.dictionaries(ANY_TEXT, STATS | LEAVES, max_size=4).map(
    lambda stats: {"metrics.json": {"metrics": stats}}
)
METRIC_NAMES = st.dictionaries(
    ANY_TEXT | st.sampled_from(["a/b/c", "", ".", "a.b", "/", "metrics.acc", "params.lr", "id"]),
    st.just({"last": 1.5, "min": 1, "max": 2, "min_step": 0, "max_step": 1, "count": 2}),
    max_size=4,
).map(lambda stats: {"metrics.json": {"metrics": stats}})
TIMES_OF_DAY = st.sampled_from(["2026-01-02T03:04:05Z", "2999-12-31T23:59:59.999999999Z"])
AUTHORS = st.fixed_dictionaries({}, optional={"name": ANY_TEXT, "email": ANY_TEXT})
ANNOTATIONS = st.lists(
    st.fixed_dictionaries(
        {
            "op": st.sampled_from(
                ["tag", "name", "remove", "comment", "formerly", "removed", "evaluation", "other"]
            )
            | LEAVES
        },
        optional={
            "id": LEAVES,
            "at": TIMES_OF_DAY | LEAVES,
            "by": AUTHORS | LEAVES,
            "text": LEAVES,
            "number": LEAVES,
            "tag": ANY_TEXT | LEAVES,
            "name": ANY_TEXT | LEAVES,
            "removes": LEAVES | st.lists(LEAVES, max_size=2),
            "values": VALUES,
            "step": LEAVES,
        },
    ).map(lambda event: json.dumps(event).encode())
    | JSON_BYTES,
    min_size=1,
    max_size=3,
).map(lambda lines: {"annotations.jsonl": b"\n".join(lines)})
SAID = st.one_of(
    [
        st.fixed_dictionaries({"at": TIMES_OF_DAY, "by": AUTHORS, "op": st.just(op), field: ANY_TEXT})
        for op, field in (("tag", "tag"), ("name", "name"), ("comment", "text"), ("conclusion", "text"))
    ]
) | st.fixed_dictionaries(
    {
        "at": TIMES_OF_DAY,
        "by": AUTHORS,
        "op": st.just("evaluation"),
        "name": ANY_TEXT,
        "values": st.dictionaries(ANY_TEXT, VALUES, max_size=3),
    }
)
SAYINGS = st.lists(SAID, min_size=1, max_size=4).map(
    lambda events: {
        "annotations.jsonl": b"\n".join(
            json.dumps({"id": f"i{i}", **event}).encode() for i, event in enumerate(events)
        )
    }
)
REMOVALS = (
    JSON_BYTES
    | st.fixed_dictionaries(
        {"gxt": st.just(1)}, optional={"uid": ANY_TEXT | LEAVES, "at": TIMES_OF_DAY | LEAVES, "by": AUTHORS}
    ).map(lambda document: json.dumps(document).encode())
).map(lambda content: {"removed.json": content})
CONSOLES = st.lists(
    st.tuples(
        st.sampled_from(
            [
                b"2026-01-01T00:00:00.000000Z 1 ",
                b"x 2 ",
                b" 0 ",
                b"",
                b"1 ",
                b"t " + b"9" * 5000 + b" ",
                b"\x1b[31m 1 ",
            ]
        ),
        st.binary(max_size=20) | ANY_TEXT.map(lambda text: text.encode("utf-8", "surrogatepass")),
    ).map(b"".join),
    max_size=5,
).map(lambda lines: {"output.log": b"\n".join(lines)})
SERIES = st.one_of(
    st.binary(max_size=60),
    st.builds(
        lambda header, body: json.dumps(header).encode() + b"\n" + body,
        st.fixed_dictionaries(
            {
                "gxt": st.sampled_from([1, 2, 10**400]) | LEAVES,
                "uid": ANY_TEXT,
                "kind": st.just("series") | LEAVES,
            },
            optional={
                "tables": st.lists(
                    st.fixed_dictionaries(
                        {},
                        optional={
                            "rows": NUMBERS,
                            **dict.fromkeys(("step", "time"), VALUES),
                            "values": st.dictionaries(ANY_TEXT, VALUES, max_size=2) | LEAVES,
                        },
                    ),
                    max_size=2,
                )
                | LEAVES
            },
        ),
        st.binary(max_size=40),
    ),
).map(lambda content: {"series": content})
