"""Text of a query to its tree and back."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analysis.trees import nodes, terms
from evalspan.analysis.syntax import MAX_LENGTH, QueryError, parse
from evalspan.analysis.tree import All, Node

PIECES = st.sampled_from([
    "AND", "OR", "NOT", "-", "(", ")", "[", "]", "{", "}", " TO ", ":", '"', "\\", "*", "?", ">", "<=", " ",
    "@", "a", "b:", "status:", "1", "\n", "é",
])  # fmt: skip


def refused(text: str) -> QueryError | None:
    """Anything else that is raised fails the test."""
    try:
        parse(text)
    except QueryError as error:
        return error
    return None


@given(st.text(max_size=60) | st.lists(PIECES, max_size=20).map("".join))
@example("\ud800")
@example("a\0b")
@example("(" * 3000)
@example("-" * 3000 + "a")
@example('""' * 2000)
def test_any_text_is_a_query_or_refused_with_its_place(text: str) -> None:
    refusal = refused(text)
    if refusal is not None:
        assert refusal.pointer == "/query"
        assert 0 <= refusal.position <= len(text)
        assert "^" in str(refusal)


@given(nodes(terms()))
@example(All(()))
def test_a_tree_printed_is_a_query_for_the_same_tree(node: Node) -> None:
    assert parse(str(node)) == node


@pytest.mark.parametrize(
    ("query", "same"),
    [
        ("a b", "a AND b"),
        ("a b OR c d", "(a AND b) OR (c AND d)"),
        ("-a b", "(NOT a) AND b"),
        ("NOT (a b)", "-(a AND b)"),
        ("status:(ok OR error)", "status:ok OR status:error"),
        ("x:{1 TO 5]", 'x:{"1" TO "5"]'),
        ('"a b":c', "a\\ b:c"),
        ("x:a:b", 'x:"a:b"'),
        ("x:-5", 'x:"-5"'),
        ("x:> 5", "x:>5"),
        ("ANDROID ORDER NOTE", '"ANDROID" AND "ORDER" AND "NOTE"'),
        (" \n", ""),
    ],
)
def test_two_ways_to_write_one_query(query: str, same: str) -> None:
    assert parse(query) == parse(same)


@pytest.mark.parametrize(
    ("query", "other"),
    [("x:a*", 'x:"a*"'), ("x:a*", "x:a\\*"), ("x:*", 'x:"*"'), ("x:[1 TO 5]", "x:{1 TO 5}"), ("a-b", "a -b")],
)
def test_two_queries_that_look_alike_and_differ(query: str, other: str) -> None:
    assert parse(query) != parse(other)


@pytest.mark.parametrize(
    ("query", "position", "said"),
    [
        ("status: error", 6, "right after its colon"),
        (":x", 0, "right after its colon"),
        ("(a", 2, "Expected ')'"),
        ("a)", 1, "there is ')'"),
        ("x:[1 5]", 5, "Expected TO"),
        ("x:[1 TO 5", 9, "']' or '}'"),
        ("a AND", 5, "the query ends"),
        ("OR a", 0, "there is 'OR'"),
        ('"abc', 0, "not closed"),
        ("x:>", 3, "Expected a quoted text, a value"),
        ("x:(a b)", 5, "Expected ')', OR"),
        ("a" * (MAX_LENGTH + 1), MAX_LENGTH, "longer than"),
        ("NOT (a OR " * 30 + "a" + ")" * 30, 0, "nested deeper"),
    ],
)
def test_a_refusal_points_at_the_place_and_says_what_was_expected(
    query: str, position: int, said: str
) -> None:
    with pytest.raises(QueryError) as refusal:
        parse(query)
    assert refusal.value.position == position
    assert said in str(refusal.value)


def test_the_caret_stands_below_the_place_however_long_the_query_is() -> None:
    with pytest.raises(QueryError) as refusal:
        parse("word " * 100 + ") " + "word " * 100)
    _, line, caret, _ = str(refusal.value).split("\n")
    assert line[caret.index("^")] == ")"
