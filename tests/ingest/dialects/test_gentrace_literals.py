"""What Gentrace's `eval` writes of its arguments: Python's `repr`, inside JSON."""

from __future__ import annotations

import pytest

from evalspan.ingest.dialects.gentrace import unwrapped


@pytest.mark.parametrize(
    ("argument", "read"),
    [
        ({"a": [1, None, "x"]}, {"a": [1, None, "x"]}),
        ([b"\xff", 1], "[b'\\xff', 1]"),
        ({"deep": [(1, 2)]}, "{'deep': [(1, 2)]}"),
        ({1: "a"}, "{1: 'a'}"),
        ([{2}], "[{2}]"),
        (1 + 2j, "(1+2j)"),
    ],
)
def test_a_literal_is_read_back_where_json_holds_it_and_stays_text_where_not(
    argument: object, read: object
) -> None:
    assert unwrapped({"args": [repr(argument)], "kwargs": {}}) == read


def test_an_infinite_number_stays_text() -> None:
    assert unwrapped({"args": ["[1e999]"], "kwargs": {}}) == "[1e999]"
