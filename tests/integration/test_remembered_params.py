"""A parameters file that has not changed is not parsed again; one that has, always is."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gxt.capture.params_files import load_params
from gxt.capture.remembered_params import load_remembered
from gxt.errors import InvalidParams
from gxt.model.json_types import JsonObject

LONG_AGO_NS = 1_700_000_000_000_000_000


def aged(path: Path, content: str) -> Path:
    """A file with this content that seems to be from long ago: fresh ones are not remembered."""
    path.write_text(content)
    os.utime(path, ns=(LONG_AGO_NS, LONG_AGO_NS))
    return path


def swap_in_cache(cache: Path, params: JsonObject) -> None:
    """Put other parameters into the one answer in the cache, to tell an answer from there."""
    (answer,) = cache.iterdir()
    document = json.loads(answer.read_text())
    document["value"]["params"] = params
    answer.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("name", "content"), [("p.yaml", "lr: 0.1\n"), ("p.YML", "lr: 0.1\n"), ("p.toml", "lr = 0.1\n")]
)
def test_an_unchanged_file_is_answered_from_the_cache(tmp_path: Path, name: str, content: str) -> None:
    path, cache = aged(tmp_path / name, content), tmp_path / "cache"
    assert load_remembered(path, cache) == {"lr": 0.1}
    swap_in_cache(cache, {"from": "cache"})
    assert load_remembered(path, cache) == {"from": "cache"}


def test_what_is_remembered_is_exactly_what_is_parsed(tmp_path: Path) -> None:
    path, cache = tmp_path / "p.yaml", tmp_path / "cache"
    aged(
        path,
        'z: 1\na: 1.0\ninf: .inf\nday: 2026-01-02\nnone:\n"on": yes\nü: [1e-3, 0x10]\nbig: 1' + "0" * 300,
    )
    expected = load_params(path)
    for _ in range(2):
        assert json.dumps(load_remembered(path, cache)) == json.dumps(expected)


@pytest.mark.parametrize("content", ["lr: 0.2\n", "lr: 0.25\n", ""])
def test_a_changed_file_is_parsed_though_its_time_was_set_back(tmp_path: Path, content: str) -> None:
    path, cache = aged(tmp_path / "p.yaml", "lr: 0.1\n"), tmp_path / "cache"
    load_remembered(path, cache)
    aged(path, content)
    assert load_remembered(path, cache) == load_params(path)


def test_a_file_that_takes_the_place_of_another_is_parsed(tmp_path: Path) -> None:
    path, cache = aged(tmp_path / "p.yaml", "lr: 0.1\n"), tmp_path / "cache"
    load_remembered(path, cache)
    aged(tmp_path / "draft", "lr: 0.2\n").replace(path)
    assert load_remembered(path, cache) == {"lr": 0.2}


def test_a_content_with_another_checksum_is_parsed_whatever_the_time_stamps_say(tmp_path: Path) -> None:
    path, cache = aged(tmp_path / "p.yaml", "lr: 0.1\n"), tmp_path / "cache"
    load_remembered(path, cache)
    (answer,) = cache.iterdir()
    document = json.loads(answer.read_text())
    document["value"]["checksum"] += 1
    answer.write_text(json.dumps(document))
    swap_in_cache(cache, {"from": "cache"})
    assert load_remembered(path, cache) == {"lr": 0.1}


def test_a_file_of_just_now_is_not_remembered(tmp_path: Path) -> None:
    path, cache = tmp_path / "p.yaml", tmp_path / "cache"
    path.write_text("lr: 0.1\n")
    assert load_remembered(path, cache) == {"lr": 0.1}
    assert not cache.exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.yaml", "password: hunter2\n"),
        ("p.yaml", "url: https://ada:hunter2@example.org\n"),
        ("p.json", '{"lr": 0.1}'),  # parsing it is as fast as reading the cache
    ],
)
def test_secrets_and_json_are_not_put_into_the_cache(tmp_path: Path, name: str, content: str) -> None:
    path, cache = aged(tmp_path / name, content), tmp_path / "cache"
    assert load_remembered(path, cache) == load_params(path)
    assert not cache.exists()


def test_an_error_is_told_each_time(tmp_path: Path) -> None:
    path, cache = aged(tmp_path / "p.yaml", "lr: [1\n"), tmp_path / "cache"
    for _ in range(2):
        with pytest.raises(InvalidParams):
            load_remembered(path, cache)


@pytest.mark.parametrize("damage", ["", "null", '{"value": {"params": 1}}', "value", "params"])
def test_a_damaged_cache_is_as_good_as_none(tmp_path: Path, damage: str) -> None:
    path, cache = aged(tmp_path / "p.yaml", "lr: 0.1\n"), tmp_path / "cache"
    load_remembered(path, cache)
    (answer,) = cache.iterdir()
    document = json.loads(answer.read_text())
    if damage == "value":
        damage = json.dumps({**document, "value": []})
    elif damage == "params":
        damage = json.dumps({**document, "value": {**document["value"], "params": [1]}})
    answer.write_text(damage)
    assert load_remembered(path, cache) == {"lr": 0.1}
