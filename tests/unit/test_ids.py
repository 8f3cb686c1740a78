"""Names of runs: ULIDs, numbers, and the directories that they lie in."""

from __future__ import annotations

import pytest

from gxt.model.ids import is_uid, new_uid, parse_run_id, run_id, run_path


@pytest.mark.parametrize(
    ("at_ms", "randomness", "uid"),
    [
        (0, bytes(10), "0" * 26),
        (2**48 - 1, b"\xff" * 10, "7" + "Z" * 25),
        (1_469_918_176_385, bytes(10), "01ARYZ6S41" + "0" * 16),  # the example of the specification
        (0, bytes(9) + b"\x20", "0" * 24 + "10"),
    ],
)
def test_a_uid_is_48_bits_of_time_and_80_of_chance_in_base_32(
    at_ms: int, randomness: bytes, uid: str
) -> None:
    assert new_uid(at_ms, randomness) == uid
    assert is_uid(uid)


def test_uids_sort_by_their_time() -> None:
    assert new_uid(41, b"\xff" * 10) < new_uid(42, bytes(10))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0" * 25,
        "0" * 27,
        "8" + "0" * 25,
        "0" * 25 + "U",
        "0" * 25 + "I",
        "0" * 25 + "a",
        "٠" * 26,
        "0" * 26 + "\n",
    ],
)
def test_what_is_no_uid(text: str) -> None:
    assert not is_uid(text)


@pytest.mark.parametrize(
    ("number", "path"),
    [
        (1, "exp-0xx/exp-001"),
        (99, "exp-0xx/exp-099"),
        (100, "exp-1xx/exp-100"),
        (9_999, "exp-99xx/exp-9999"),
        (10_000, "exp-1xxxx/exp-100xx/exp-10000"),
        (12_345, "exp-1xxxx/exp-123xx/exp-12345"),
        (99_999, "exp-9xxxx/exp-999xx/exp-99999"),
        (100_000, "exp-10xxxx/exp-1000xx/exp-100000"),
    ],
)
def test_runs_are_filed_in_shards_that_stay_small(number: int, path: str) -> None:
    assert run_path(number) == path
    assert run_id(number) == path.rpartition("/")[2]
    assert parse_run_id(run_id(number)) == number


@pytest.mark.parametrize(
    "text", ["", "12", "exp-12", "exp-0012", "exp-1xx", "EXP-012", "exp-012 ", "exp-٠٠١", "exp-1234567890"]
)
def test_a_run_has_one_spelling(text: str) -> None:
    assert parse_run_id(text) is None
