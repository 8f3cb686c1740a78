"""What a dataset in a document may be: anybody who can push can write one by hand."""

from __future__ import annotations

import json

import pytest

from gxt.errors import DamagedRecord
from gxt.model.json_types import Json
from gxt.model.shapes import MAX_DATASETS, MAX_DESCRIPTION, check_config

GOOD: Json = {
    "path": "data/x.csv",
    "md5": "d41d8cd98f00b204e9800998ecf8427e.dir",
    "size": 0,
    "files": None,
    "tracked": "dvc",
    "kind": "input",
    "source": None,
    "missing": True,
    "description": {"rows": 1},
    "of a later gxt": [1],
}
DEEP: Json = json.loads('{"a": ' * 200 + "1" + "}" * 200)


def test_a_dataset_with_fields_that_are_not_known_is_one() -> None:
    check_config({"uid": "U", "data": [GOOD, {"path": "x"}]}, "config.json")
    check_config({"uid": "U", "data": None}, "config.json")


@pytest.mark.parametrize(
    "data",
    [
        {},
        [None],
        [{}],
        [{"path": ""}],
        [{"path": 5}],
        [{"path": "x" * 5000}],
        [{"path": "x", "md5": "../../../etc/passwd"}],
        [{"path": "x", "md5": "D41D8CD98F00B204E9800998ECF8427E"}],
        [{"path": "x", "md5": 5}],
        [{"path": "x", "size": -1}],
        [{"path": "x", "size": True}],
        [{"path": "x", "files": 1 << 70}],
        [{"path": "x", "tracked": []}],
        [{"path": "x", "kind": {}}],
        [{"path": "x", "source": "s" * 5000}],
        [{"path": "x", "missing": "no"}],
        [{"path": "x", "description": []}],
        [{"path": "x", "description": DEEP}],
        [{"path": "x", "description": {"classes": list(range(MAX_DESCRIPTION))}}],
        [{"path": str(i)} for i in range(MAX_DATASETS + 1)],
    ],
)
def test_what_is_no_dataset_is_damage(data: Json) -> None:
    with pytest.raises(DamagedRecord, match=r"^config\.json: data is not of the right kind"):
        check_config({"uid": "U", "data": data}, "config.json")
