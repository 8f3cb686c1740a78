"""Parameters: what the words of a command mean, and how objects are normalised, merged and compared."""

from __future__ import annotations

import argparse
import json
import math
import shlex
from collections import OrderedDict, UserDict, namedtuple
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from enum import Enum, IntEnum
from pathlib import Path

import numpy as np
import pytest
import torch

from gxt.errors import InvalidParams
from gxt.model.json_types import Json, JsonObject
from gxt.model.params import (
    MISSING,
    difference,
    flatten,
    from_command,
    join_keys,
    merge,
    normalise,
    parse_scalar,
    split_keys,
)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("python train.py --lr 0.1 -b 32 --flag", {"lr": 0.1, "b": 32, "flag": True}),
        ("python -u -W ignore -X dev train.py --lr=1e-3", {"lr": 0.001}),
        ("python3.11 -Wignore -Xdev train.py --lr 1", {"lr": 1}),
        ("/usr/bin/python -m pkg.train --file data.py --lr 1", {"file": "data.py", "lr": 1}),
        ("python -um pkg.train --lr 1", {"lr": 1}),
        ("python3.13t -m pkg.train --lr 1", {"lr": 1}),
        ("srun python3.13t train.py --lr 1", {"lr": 1}),
        ("strace -f python3.13td train.py --lr 1", {"lr": 1}),
        ("python -mpkg.train --lr 1", {"lr": 1}),
        ("python -c 'import x' --lr 1", {"lr": 1}),
        ("python train --lr 1", {"lr": 1}),
        ("python - --lr 1", {"lr": 1}),
        ("python --check-hash-based-pycs always train.py --lr 1", {"lr": 1}),
        ("python -m", {}),
        ("python", {}),
        ("torchrun --nproc_per_node 2 train.py --lr 1", {"lr": 1}),
        ("torchrun --nproc_per_node 2 -m pkg.train --lr 1", {"lr": 1}),
        ("torchrun --nproc_per_node 2 --no-python ./train --lr 1", {"lr": 1}),
        ("accelerate launch --config_file c.yaml x.py --lr 1", {"lr": 1}),
        ("python -m torch.distributed.run --x y train.py --lr 1", {"lr": 1}),
        ("python -m torch.distributed.run --nnodes 2 -m pkg.train --lr 1", {"lr": 1}),
        ("python -m coverage report --fail-under 90", {"fail_under": 90}),
        ("python -m cProfile -o out.prof train.py --lr 1", {"lr": 1}),
        ("uv run --with numpy python -u train.py --lr 1", {"lr": 1}),
        ("uv run --with numpy train.py --lr 1", {"lr": 1}),
        ("uv run --with numpy trainer --lr 1", {"lr": 1}),
        ("conda run -n e python x.py --lr 1", {"lr": 1}),
        ("conda run -n e ./train --lr 1", {"lr": 1}),
        ("env A=B python x.py --lr 1", {"lr": 1}),
        ("srun -n 2 -m block uv run torchrun --nnodes 2 x.py --lr 1", {"lr": 1}),
        ("srun --exclusive bash -e job.sh --lr 1", {"lr": 1}),
        ("srun -n 2 ./train --lr 1", {"lr": 1}),
        ("deepspeed --num_gpus 2 train.py --deepspeed c.json", {"deepspeed": "c.json"}),
        ("nohup ./train --lr 1", {"lr": 1}),
        ("./train --lr 0.1", {"lr": 0.1}),
        ("./train.py --lr 0.1", {"lr": 0.1}),
        ("bash train.sh --lr 0.1", {"lr": 0.1}),
        ("bash -euo pipefail train.sh --lr 0.1", {"lr": 0.1}),
        ("bash -- train.sh --lr 0.1", {"lr": 0.1}),
        ("sh -c './train --lr 0.1' --lr 2", {}),
        ("bash -lc './train --lr 0.1'", {}),
        ("dvc repro", {}),
        ("dvc repro -f train", {"f": "train"}),
        ("", {}),
    ],
)
def test_only_the_flags_of_the_program_itself_are_parameters(command: str, expected: JsonObject) -> None:
    assert from_command(shlex.split(command)) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--layers 64 64 --act relu", {"layers": [64, 64], "act": "relu"}),
        ("--no-cuda --no_fp16 --weight-decay 0", {"cuda": False, "no_fp16": True, "weight_decay": 0}),
        ("--cuda --no-cuda data.csv", {"cuda": False}),
        (
            "--no-repeat-ngram-size 3 --no-x=1 --no- --no-1",
            {"no_repeat_ngram_size": 3, "no_x": 1, "no_": True, "no_1": True},
        ),
        ("--rep 1 --rep 2 pos1", {"rep": 2}),
        ("--rep 1 --rep 2 3 --tag a --tag b data.csv", {"rep": 2, "tag": "b"}),
        ("--file=a --file b c --pair 1 2 --pair 3 4", {"file": "b", "pair": [3, 4]}),
        ("-e 3 data.csv --act relu 3 --cls cat dog", {"e": 3, "act": "relu", "cls": ["cat", "dog"]}),
        ("--model.dim 64 --model.type=cnn", {"model": {"dim": 64, "type": "cnn"}}),
        ("model.dim=64 +a=1 ++b.c=2 ~d ~e=1", {"model": {"dim": 64}, "a": 1, "b": {"c": 2}}),
        ("--multirun lr=0.1,0.2 layers=[64,64]", {"multirun": True, "lr": "0.1,0.2", "layers": [64, 64]}),
        ("--drop ~model.head lr=1", {"drop": True, "lr": 1}),
        (
            "--offset -1 --range -0.5 -1e-3 --low -inf",
            {"offset": -1, "range": [-0.5, -0.001], "low": "-Infinity"},
        ),
        ("--lr 1 -- --lr 2 lr=3", {"lr": 1}),
        ("--lr 1 --lr 2", {"lr": 2}),
        ("--lr=1 word --b 2", {"lr": 1, "b": 2}),
        ("word http://a?b=c a-b=c 1=2 data=/x", {"data": "/x"}),
        ("--url http://a?b=c", {"url": "http://a?b=c"}),
        ("-b32 -O3 -l2 0.1", {"b": 32, "O": 3, "l2": 0.1}),
        ("--x 1 --x.y 2", {"x": {"y": 2}}),
        ("--x.y 2 --x 1", {"x": 1}),
        ("--a..b 1 --c. 2", {"a..b": 1, "c.": 2}),
        ("--negative '-blurry, dark' --dash -", {"negative": "-blurry, dark", "dash": "-"}),
        ("--empty= --n nan", {"empty": "", "n": "NaN"}),
        ("layers.0.dim=64", {"layers": {"0": {"dim": 64}}}),
        ("--" + ".".join("a" * 33) + " 1", {}),
    ],
)
def test_flags_and_overrides_are_read_with_their_types(words: str, expected: JsonObject) -> None:
    assert from_command(["python", "train.py", *shlex.split(words)]) == expected


def test_a_word_that_is_not_unicode_becomes_text_that_a_document_can_hold() -> None:
    assert from_command(["./train", "--path", "\udcff"]) == {"path": "\\udcff"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", 3),
        ("-3", -3),
        ("+3", 3),
        ("0", 0),
        ("-0.5", -0.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e-3", 0.001),
        ("1E+3", 1000.0),
        ("inf", math.inf),
        ("-inf", -math.inf),
        ("-.inf", -math.inf),
        ("true", True),
        ("False", False),
        ("null", None),
        ("None", None),
        ("[1, 2]", [1, 2]),
        ("[adam,sgd]", ["adam", "sgd"]),
        ("[]", []),
        ("[ 1 , ]", [1]),
        ('[1, [2, "a, b"], {x: .5}]', [1, [2, "a, b"], {"x": 0.5}]),
        ('{"a": 1, b: [true, null]}', {"a": 1, "b": [True, None]}),
        ("{a:1}", {"a": 1}),
        ('"0.1"', "0.1"),
        ("'0.1'", "0.1"),
        ("'it''s'", "it's"),
        ('"a\\nb"', "a\nb"),
    ],
)
def test_a_word_has_the_type_that_it_looks_like(text: str, expected: Json) -> None:
    value = parse_scalar(text)
    assert value == expected
    assert type(value) is type(expected)


def test_nan_stays_a_float() -> None:
    assert [str(parse_scalar(text)) for text in ("nan", "NaN", ".nan", "-nan")] == ["nan"] * 4
    assert isinstance(parse_scalar("nan"), float)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            " 3",
            "007",
            "-007",
            "00.5",
            "1_000",
            "0x1f",
            "1e400",
            "1.2.3",
            "1-2",
            "e5",
            "-",
            ".",
            "+-1",
        ),
        *("yes", "TRUE", "none", "~", "٣", "[1", "[1]]", "[1,,2]", "[,]", "{a}", "{a 1}", "{:1}", "[a[0]]"),
        *(
            "[f(1, 2)]",
            "'a' and 'b'",
            '"a',
            "'a",
            '"a" b',
            "9" * 301,
            "[" * 33 + "]" * 33,
            "(1, 2)",
            "[1] [2]",
        ),
    ],
)
def test_everything_else_stays_text(text: str) -> None:
    assert parse_scalar(text) == text


def test_nesting_up_to_the_cap_is_read() -> None:
    assert parse_scalar("[" * 32 + "]" * 32) == json.loads("[" * 32 + "]" * 32)


def test_a_merge_goes_deep_and_the_later_wins() -> None:
    a: JsonObject = {"lr": 1, "model": {"dim": 1, "type": "cnn"}, "x": {"y": 1}, "layers": [1, 2]}
    b: JsonObject = {"lr": None, "model": {"dim": 2}, "x": 3, "layers": [3]}
    c: JsonObject = {"x": {"z": 1}}
    assert merge(a, b, c) == {
        "lr": None,
        "model": {"dim": 2, "type": "cnn"},
        "x": {"z": 1},
        "layers": [3],
    }
    assert merge() == {}


def test_a_merge_changes_none_of_its_arguments() -> None:
    a: JsonObject = {"model": {"dim": 1}}
    merged = merge(a, {"model": {"type": "cnn"}})
    assert a == {"model": {"dim": 1}}
    assert merged["model"] is not a["model"]


def nested(depth: int, leaf: Json = 1) -> JsonObject:
    """An object of that many levels."""
    value: JsonObject = {"a": leaf}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


def test_sixty_four_levels_are_taken_and_one_more_is_refused() -> None:
    deep = nested(64)
    name = ".".join("a" * 64)
    assert (merge(deep), flatten(deep), difference(deep, {}), normalise(deep)) == (
        deep,
        {name: 1},
        {name: (1, MISSING)},
        deep,
    )
    for function in (merge, flatten, normalise, lambda one: difference(one, {})):
        with pytest.raises(InvalidParams, match="deep"):
            function(nested(65))


def test_flat_names_can_be_taken_apart_again() -> None:
    params: JsonObject = {
        "lr": 1,
        "model": {"dim": 2, "layers": [1, {"a": 2}], "extra": {}, "weight-decay": 3},
        "a": {"b.c": {"d": 4}, 'say "x"\\\n': 5, "": 6, "größe": 7},
        "b.c": {"d": 8},
    }
    flat = flatten(params)
    assert flat == {
        "lr": 1,
        "model.dim": 2,
        "model.layers": [1, {"a": 2}],
        "model.extra": {},
        'model["weight-decay"]': 3,
        'a["b.c"].d': 4,
        'a["say \\"x\\"\\\\\\n"]': 5,
        'a[""]': 6,
        "a.größe": 7,
        '["b.c"].d': 8,
    }
    assert [join_keys(split_keys(name)) for name in flat] == list(flat)
    assert split_keys('a["b.c"].d') == ("a", "b.c", "d")
    assert split_keys('["b.c"].d') == ("b.c", "d")
    assert split_keys("weight-decay") == ("weight-decay",)


@pytest.mark.parametrize(
    "name", ["", ".", ".a", "a.", "a..b", "a[", "a[b]", 'a["b', 'a["b"', "a]", "a b]", '[""]x']
)
def test_a_broken_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidParams, match="is no parameter"):
        split_keys(name)


def test_a_difference_tells_missing_from_null_and_true_from_one() -> None:
    a: JsonObject = {"same": 1, "lr": 0.1, "gone": None, "on": True, "n": 1, "l": [1, {"x": True}], "t": "1"}
    b: JsonObject = {"same": 1.0, "lr": 0.2, "new": None, "on": 1, "n": 1.0, "l": [1, {"x": 1}], "t": 1}
    assert difference(a, b) == {
        "lr": (0.1, 0.2),
        "gone": (None, MISSING),
        "on": (True, 1),
        "l": ([1, {"x": True}], [1, {"x": 1}]),
        "t": ("1", 1),
        "new": (MISSING, None),
    }
    assert list(difference(a, b)) == ["lr", "gone", "on", "l", "t", "new"]
    assert difference({"a": {}}, {"a": {"b": [1]}}) == {"a": ({}, MISSING), "a.b": (MISSING, [1])}
    assert difference({"a": {"b": [1]}}, {"a": {"b": [1, 2]}}) == {"a.b": ([1], [1, 2])}


class Color(Enum):
    RED = 1
    BLUE = "blue"


class Precision(IntEnum):
    HALF = 16


@dataclass(frozen=True)
class Model:
    dim: int = 64
    color: Color = Color.RED
    paths: list[Path] = field(default_factory=lambda: [Path("data/x")])


Point = namedtuple("Point", "x y")


class Missing(UserDict[str, object]):
    """A mapping that lists a key which it denies to contain, as OmegaConf does with a mandatory value."""

    def __contains__(self, key: object) -> bool:
        return key != "missing"

    def __getitem__(self, key: str) -> object:
        if key == "missing":
            raise NotImplementedError(key)
        return super().__getitem__(key)


class Duck:
    """A mapping by its methods only."""

    def keys(self) -> list[str]:
        return ["a"]

    def items(self) -> list[tuple[str, int]]:
        return [("a", 1)]

    def __contains__(self, key: str) -> bool:
        return key == "a"

    def __getitem__(self, key: str) -> int:
        return {"a": 1}[key]


class Hostile:
    """Fails at whatever it is asked."""

    def __getattr__(self, name: str) -> object:
        raise RuntimeError(name)

    def __str__(self) -> str:
        raise ValueError


class Plain:
    pass


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (argparse.Namespace(lr=0.1, layers=[64, 64]), {"lr": 0.1, "layers": [64, 64]}),
        (Model(), {"dim": 64, "color": "RED", "paths": ["data/x"]}),
        (OrderedDict(a=(1, 2), b={3, 1, 2}), {"a": [1, 2], "b": [1, 2, 3]}),
        (UserDict({"a": 1}), {"a": 1}),
        (Missing({"a": 1, "missing": 2}), {"a": 1}),
        (Duck(), {"a": 1}),
        (Point(1, None), {"x": 1, "y": None}),
        ([Color.BLUE, Precision.HALF], ["blue", 16]),
        (
            {None: 1, True: 2, 3: 4, 0.5: 5, Color.RED: 6, (1, 2): 7},
            {"null": 1, "true": 2, "3": 4, "0.5": 5, "RED": 6, "(1, 2)": 7},
        ),
        ([math.nan, math.inf, -math.inf, 1e-300], ["NaN", "Infinity", "-Infinity", 1e-300]),
        ([np.float32(0.5), np.int64(3), np.bool_(1), np.float64("nan")], [0.5, 3, True, "NaN"]),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (torch.tensor(0.5), 0.5),
        (torch.tensor([1, 2]), [1, 2]),
        ([torch.device("cpu"), torch.float32], ["cpu", "torch.float32"]),
        (datetime(2026, 11, 20, 1, 2, 3, tzinfo=timezone.utc), "2026-11-20T01:02:03+00:00"),
        (date(2026, 11, 20), "2026-11-20"),
        ([b"abc\xff", bytearray(b"x"), "\udcff", range(3)], ["abc\\xff", "x", "\\udcff", "range(0, 3)"]),
        ([torch.nn.ReLU, math.sqrt, int], ["torch.nn.modules.activation.ReLU", "math.sqrt", "builtins.int"]),
        ([Hostile()], ["<Hostile>"]),
        (Plain(), f"<{__name__}.Plain object>"),
        ([10**300, 1 << 1024], [10**300, hex(1 << 1024)]),
        ([{"x", 1, None}], [[None, 1, "x"]]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_a_script_holds_becomes_json(value: object, expected: Json) -> None:
    plain = normalise(value)
    assert plain == expected
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain


def test_types_are_plain_after_normalising() -> None:
    class Text(str):
        __slots__ = ()

    plain = normalise([Text("a"), np.float64(0.5), np.bool_(0)])
    assert isinstance(plain, list)
    assert [type(item) for item in plain] == [str, float, bool]


def test_a_large_array_is_described_not_copied() -> None:
    assert normalise(np.zeros(1025)) == "[0. 0. 0. ... 0. 0. 0.]"


def test_too_many_values_end_quickly() -> None:
    bomb: object = "lol"
    for _ in range(40):
        bomb = [bomb] * 9
    with pytest.raises(InvalidParams, match="more than 100000 values"):
        normalise(bomb)
    with pytest.raises(InvalidParams, match="more than 100000 values"):
        normalise({"a": {str(i): i for i in range(100_000)}})


def test_one_text_named_many_times_counts_every_time() -> None:
    with pytest.raises(InvalidParams, match="more than 8 MiB of text"):
        normalise(["x" * 1_000_000] * 9)


def test_a_circle_is_refused() -> None:
    circle: list[object] = []
    circle.append(circle)
    with pytest.raises(InvalidParams, match="in a circle"):
        normalise(circle)
