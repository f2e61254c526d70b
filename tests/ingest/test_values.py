"""Attribute values: nothing is lost on the way to text and back."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from evalspan.ingest import values
from ingest.build import pairs, value

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
scalars = st.one_of(
    text.map(lambda given: AnyValue(string_value=given)),
    st.booleans().map(lambda given: AnyValue(bool_value=given)),
    st.integers(-(2**63), 2**63 - 1).map(lambda given: AnyValue(int_value=given)),
    st.floats().map(lambda given: AnyValue(double_value=given)),
    st.binary(max_size=8).map(lambda given: AnyValue(bytes_value=given)),
    st.just(AnyValue()),
)


def _array(items: list[AnyValue]) -> AnyValue:
    found = AnyValue()
    found.array_value.values.extend(items)
    found.array_value.SetInParent()
    return found


def _map(items: list[tuple[str, AnyValue]]) -> AnyValue:
    found = AnyValue()
    found.kvlist_value.SetInParent()
    found.kvlist_value.values.extend(KeyValue(key=key, value=item) for key, item in items)
    return found


any_values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4).map(_array) | st.lists(st.tuples(text, inner), max_size=4).map(_map)
    ),
    max_leaves=20,
)
deep = value({"a": [{"b": [{"c": [1, 2.0, "x", None, True, b"\0\xff"]}]}]})


def bits(given: AnyValue) -> bytes:
    """What tells two values apart, 0.0 and -0.0 included."""
    return given.SerializeToString(deterministic=True)


@given(any_values)
@example(value(2**63 - 1))
@example(value(-(2**63)))
@example(value(math.nan))
@example(value(-math.inf))
@example(value(-0.0))
@example(value(1e16))
@example(value({}))
@example(value([]))
@example(value(""))
@example(value("null"))
@example(value([5e-324, 1e308, 3.0, 3, "3"]))
@example(deep)
def test_every_value_survives_the_way_to_text_and_back(given: AnyValue) -> None:
    back = values.decode(*values.encode(given))
    assert bits(back) == bits(given) or _has_nan(given)
    assert values.encode(back) == values.encode(given)


def _has_nan(given: AnyValue) -> bool:
    """A NaN stays one, but not its payload: text has only one."""
    return "NaN" in values.encode(given)[0]


@given(st.lists(st.tuples(text, any_values), max_size=5))
def test_every_set_of_attributes_survives_and_the_last_of_a_repeated_key_wins(
    given: list[tuple[str, AnyValue]],
) -> None:
    maps = values.encode_all(KeyValue(key=key, value=item) for key, item in given)
    back = values.decode_all(*maps)
    assert {item.key: values.encode(item.value) for item in back} == {
        key: values.encode(item) for key, item in given
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("plain", ("plain", "")),
        (7, ("7", "int")),
        (7.0, ("7.0", "double")),
        (True, ("true", "bool")),
        (b"hi", ("aGk=", "bytes")),
        ([1, 2.0, "x"], ('[1,2.0,"x"]', "array")),
        ({"a": {"b": [None]}}, ('{"a":{"b":[null]}}', "map")),
        (None, ("null", "null")),
    ],
)
def test_values_are_readable_where_plain_json_holds_them(given: object, expected: tuple[str, str]) -> None:
    assert values.encode(value(given)) == expected


def test_what_plain_json_cannot_hold_is_written_as_otlp_json() -> None:
    text, type = values.encode(value({"raw": b"\0", "rate": math.nan}))
    assert type == "otlp"
    assert json.loads(text)["kvlistValue"]["values"][1] == {"key": "rate", "value": {"doubleValue": "NaN"}}


def test_an_attribute_that_moved_to_a_column_is_put_back() -> None:
    texts, types = values.encode_all(pairs({"question": ["why"], "n": 1}))
    row = {"input": texts["question"]}
    values.move(texts, types, "question", "input")
    assert "question" not in texts
    assert sorted(values.decode_all(texts, types, row), key=lambda item: item.key) == pairs(
        {"n": 1, "question": ["why"]}
    )
