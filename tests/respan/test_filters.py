"""What each spelling and operator of a filter selects."""

from __future__ import annotations

from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

import pytest

from evalspan.api.respan import filters
from evalspan.api.respan.values import look_up, ordered
from evalspan.errors import UsageError

ITEMS: list[dict[str, Any]] = [
    {"n": 1, "name": "Alpha one", "cost": 0.5, "ok": True, "tags": ["a", "b"], "metadata": {"team": "red"}},
    {"n": 2, "name": "beta", "cost": None, "ok": False, "tags": [],
     "metadata": {"team": "blue", "deep": {"x": 3}}},
    {"n": 3, "name": "alphabet", "cost": 2.0, "ok": None, "tags": ["b"], "metadata": {},
     "at": datetime(2026, 5, 1, tzinfo=UTC)},
]  # fmt: skip


def chosen(given: Any, **options: Any) -> list[int]:
    return [item["n"] for item in filters.parse(given, **options).select(ITEMS, look_up)]


@pytest.mark.parametrize(
    "given",
    [
        {"name": {"operator": "", "value": ["beta"]}},
        {"name": {"value": "beta"}},
        {"name": "beta"},
        {"name": ["beta", "gamma"]},
        [{"field": "name", "operator": "=", "value": "beta"}],
        [{"field": "name", "operator": "IN", "value": ["beta"]}],
        {"filter_params": {"name": "beta"}, "connector": "AND"},
        {"any": {"filter_params": [{"field": "name", "value": "beta"}]}},
    ],
)
def test_each_spelling_of_one_filter_selects_the_same(given: Any) -> None:
    assert chosen(given) == [2]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([{"field": "name", "contains": "zzzz"}], "contains"),
        ({"name": {"opertor": "not", "value": "x"}}, "opertor"),
        ({"name": {}}, "says nothing"),
        ({"name": {"isnull": "banana"}}, "banana"),
        ({"at": {"gte": "0001-01-01T00:00:00+23:00"}}, "not a time"),
        ({"at": {"gte": 5}}, "not a time"),
    ],
)
def test_a_filter_that_would_mean_something_else_is_refused(given: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        chosen(given)


def test_a_text_is_compared_by_its_letters_and_a_number_by_its_value() -> None:
    names: list[Any] = ["7", "007", "7.0", 7, 2**53, 2**53 + 1, 10**400]
    items = [{"n": number, "name": name} for number, name in enumerate(names)]

    def selected(value: Any) -> list[int]:
        return [item["n"] for item in filters.parse({"name": value}).select(items, look_up)]

    assert (selected("7"), selected(7), selected(2**53), selected(10**400)) == ([0, 3], [0, 3], [4], [6])
    assert [item["n"] for item in ordered(items, itemgetter("name"), "name", descending=True, known=True)][
        3:5
    ] == [6, 5]


@pytest.mark.parametrize(
    ("operator", "field", "value", "wanted"),
    [
        ("iexact", "name", "BETA", [2]),
        ("lt", "cost", 1, [1]),
        ("<=", "cost", ["2"], [1, 3]),
        ("gt", "cost", [0.5], [3]),
        (">=", "cost", 0.5, [1, 3]),
        ("gte", "at", "2026-05-01T02:00:00+02:00", [3]),
        ("lt", "at", "2026-05-01", []),
        ("contains", "name", "alpha", [3]),
        ("icontains", "name", "alpha", [1, 3]),
        ("not_contains", "name", "alpha", [1, 2]),
        ("startsWith", "name", "al", [3]),
        ("endswith", "name", "one", [1]),
        ("not_startswith", "name", "al", [1, 2]),
        ("NOT IN", "name", ["beta", "alphabet"], [1]),
        ("!=", "cost", 2.0, [1, 2]),
        ("not", "ok", True, [2, 3]),
        ("eq", "ok", "true", [1]),
        ("isnull", "cost", True, [2]),
        ("isnull", "cost", [False], [1, 3]),
        ("isnull", "cost", None, [2]),
        ("empty", "tags", None, [2]),
        ("notEmpty", "tags", None, [1, 3]),
        ("overlap", "tags", ["a", "z"], [1]),
        ("not_overlap", "tags", ["a"], [2, 3]),
        ("has_key", "metadata", "team", [1, 2]),
        ("ilike", "name", "al%", [1, 3]),
        ("ilike", "name", "%a_p%t", [3]),
        ("full_text_search", "name", "one alpha", [1]),
        ("trigram_word_similar", "name", "alphabat", [3]),
        ("regex", "name", "^[ab].*t", [2, 3]),
        ("", "tags", "b", [1, 3]),
        ("", "metadata__team", "red", [1]),
        ("", "metadata.deep.x", 3, [2]),
        ("", "absent", "x", []),
    ],
)
def test_each_operator_selects_what_its_name_says(
    operator: str, field: str, value: Any, wanted: list[int]
) -> None:
    assert chosen({field: {"operator": operator, "value": value}}) == wanted


def test_conditions_are_joined_by_and_unless_a_connector_says_or() -> None:
    assert chosen({"cost": {"gte": 0.1, "lte": 1}}) == [1]
    assert chosen({"name": "beta", "ok": True}) == []
    assert chosen({"name": {"value": "beta", "connector": "OR"}, "ok": True}) == [1, 2]
    assert chosen(
        {"cost": [{"operator": "lt", "value": 1, "connector": "OR"}, {"operator": "gt", "value": 1}]}
    ) == [
        1,
        3,
    ]
    either = {"connector": "AND", "filter_params": {"name": {"value": "beta", "connector": "OR"}, "n": 3}}
    assert chosen({"either": either, "ok": {"operator": "isnull"}}) == [3]
    assert chosen({}) == chosen(None) == chosen([]) == [1, 2, 3]


def test_contains_ignores_case_where_the_list_is_of_experiments() -> None:
    assert chosen({"name": {"operator": "contains", "value": "ALPHA"}}, fold=True) == [1, 3]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("cheap", "object or a list, not 'cheap'"),
        ({"name": {"operator": "resembles", "value": "x"}}, "no filter operator 'resembles'"),
        ([{"operator": "=", "value": "x"}], "names no 'field'"),
        ({"cost": {"operator": "gt", "value": "dear"}}, "'dear' is not a number"),
        ({"cost": {"operator": "gt", "value": [1, 2]}}, "take one value"),
        ({"at": {"operator": "gt", "value": "soon"}}, "'soon' is not a time"),
        ({"name": {"operator": "regex", "value": "("}}, "regular expression"),
        ({"name": {"value": "x", "connector": "XOR"}}, "'XOR' is not AND or OR"),
        ({"colour": "red"}, "no field 'colour'"),
    ],
)
def test_a_filter_that_cannot_be_read_says_what_is_wrong_with_it(given: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        chosen(given, known=lambda field: field in {"name", "cost", "at"})


def test_the_filters_are_shown_as_the_standard_map() -> None:
    asked = filters.parse(
        [{"field": "cost", "operator": ">", "value": 1}, {"field": "cost", "operator": "<", "value": 9}]
    )
    assert asked.described() == {"cost": [{"operator": "gt", "value": [1]}, {"operator": "lt", "value": [9]}]}
