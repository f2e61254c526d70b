"""Text of a search query to its tree.

The tree is built while the text is parsed (no second walk), so that depth costs no recursion; it is
limited all the same, for those who walk it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any as Anything
from typing import cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.exceptions import VisitError

from evalspan.analysis.tree import All, Any, Comparison, Exists, Node, Not, Pattern, Range, Term, Test, Wild
from evalspan.errors import UsageError

MAX_LENGTH = 4096
MAX_DEPTH = 40
"""Of nested negations and groups."""
UNFIT = re.compile(r"[\ud800-\udfff\0]")
"""Characters that no text in a store has: half a surrogate pair is not UTF-8."""

_WORDS: Mapping[str, str] = {
    "FIELD": "a field such as status:",
    "BARE": "a word",
    "WORD": "a value",
    "QUOTED": "a quoted text",
    "COMPARISON": "a comparison (>, >=, <, <=)",
    "RANGE_START": "a range such as [1 TO 5]",
    "RANGE_END": "']' or '}'",
    "_TO": "TO",
    "_AND": "AND",
    "_OR": "OR",
    "NOT": "NOT",
    "LPAR": "'('",
    "RPAR": "')'",
    "MINUS": "'-'",
    "$END": "the end",
}


class QueryError(UsageError):
    """A query that cannot be read, or asks for what there is not. `position` counts characters from 0."""

    def __init__(self, query: str, position: int, message: str) -> None:
        super().__init__(f"{_caret(query, position)}\n{message}", pointer="/query")
        self.position = position


def parse(query: str) -> Node:
    """The tree of a query; nothing but white space is everything.

    Raises:
        QueryError: it is no query; the message points at the place and says what was expected.
    """
    if len(query) > MAX_LENGTH:
        raise QueryError(query, MAX_LENGTH, f"The query is longer than {MAX_LENGTH} characters.")
    if unfit := UNFIT.search(query):
        raise QueryError(query, unfit.start(), f"{unfit[0]!r} is no character of a text.")
    try:
        node = cast(Node, _parser().parse(query))
    except UnexpectedInput as error:
        raise _refusal(query, error) from None
    except VisitError as error:
        raise error.orig_exc from None
    if _too_deep(node):
        raise QueryError(query, 0, f"The query is nested deeper than {MAX_DEPTH} groups and negations.")
    return node


class _Builder(Transformer[Token, Node]):
    """One method per rule of the grammar."""

    def everything(self, _: list[Anything]) -> Node:
        return All(())

    def disjunction(self, items: list[Node]) -> Node:
        return Any(tuple(items))

    def conjunction(self, items: list[Node]) -> Node:
        return All(tuple(items))

    def negated(self, items: list[Anything]) -> Node:
        return Not(items[-1])

    def term(self, items: list[Anything]) -> Node:
        name, tests = items
        position: int = name.start_pos or 0
        terms = tuple(Term(_field(name[:-1]), test, position) for test in tests)
        return terms[0] if len(terms) == 1 else Any(terms)

    def free_word(self, items: list[Token]) -> Node:
        return Term(None, _pattern(items[0]), items[0].start_pos or 0)

    def free_quoted(self, items: list[Token]) -> Node:
        return Term(None, Pattern(_literal(_unquoted(items[0]))), items[0].start_pos or 0)

    def alternatives(self, items: list[list[Test]]) -> list[Test]:
        return [test for tests in items for test in tests]

    def word(self, items: list[Token]) -> list[Test]:
        return [_pattern(items[0])]

    def quoted(self, items: list[Token]) -> list[Test]:
        return [Pattern(_literal(_unquoted(items[0])))]

    def comparison(self, items: list[Anything]) -> list[Test]:
        operator, (bound, _) = items
        return [Comparison(operator.value, bound)]

    def range(self, items: list[Anything]) -> list[Test]:
        start, (low, low_open), (high, high_open), end = items
        return [Range(None if low_open else low, None if high_open else high, start == "[", end == "]")]

    def plain_word(self, items: list[Token]) -> tuple[str, bool]:
        return _unescaped(items[0]), items[0] == "*"

    def plain_quoted(self, items: list[Token]) -> tuple[str, bool]:
        return _unquoted(items[0]), False


@cache
def _parser() -> Lark:
    return Lark.open(
        "query.lark", rel_to=__file__, parser="lalr", lexer="contextual", transformer=_Builder(),
        maybe_placeholders=False,
    )  # fmt: skip


def _pattern(word: str) -> Pattern | Exists:
    """A word with its wildcards; `*` alone asks for existence."""
    if word == "*":
        return Exists()
    parts: list[str | Wild] = []
    for char, escaped in _characters(word):
        wild = None if escaped else {"*": Wild.ANY, "?": Wild.ONE}.get(char)
        if wild is not None:
            parts.append(wild)
        elif parts and isinstance(parts[-1], str):
            parts[-1] += char
        else:
            parts.append(char)
    return Pattern(tuple(parts))


def _characters(word: str) -> Iterator[tuple[str, bool]]:
    """Each character, and whether a backslash stood before it."""
    for match in re.finditer(r"\\(.)|(.)", word, flags=re.DOTALL):
        yield (match[1], True) if match[1] is not None else (match[2], False)


def _unescaped(text: str) -> str:
    return "".join(char for char, _ in _characters(text))


def _unquoted(text: str) -> str:
    return _unescaped(text[1:-1])


def _literal(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def _field(text: str) -> str:
    """A field's name: quotes and backslashes taken off."""
    return re.sub(
        r'"((?:[^"\\]|\\.)*)"|\\(.)',
        lambda match: _unescaped(match[1]) if match[1] is not None else match[2],
        text,
        flags=re.DOTALL,
    )


def _too_deep(node: Node) -> bool:
    level: list[Node] = [node]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for item in level
            for child in ((item.item,) if isinstance(item, Not) else getattr(item, "items", ()))
        ]
        if not level:
            return False
    return True


def _refusal(query: str, error: UnexpectedInput) -> QueryError:
    if isinstance(error, UnexpectedToken):
        token = cast(Token, error.token)
        ended = token.type == "$END"
        position = len(query) if ended else token.start_pos or 0
        found = "the query ends" if ended else f"there is {_shown(str(token))}"
        expected: Iterable[str] = error.accepts or error.expected
    else:
        assert isinstance(error, UnexpectedCharacters)
        position = cast(int, error.pos_in_stream)
        expected = cast("Iterable[str]", error.allowed or ())
        found = f"there is {_shown(query[position])}"
    if query[position : position + 1] == ":":
        return QueryError(query, position, "The value of a field stands right after its colon.")
    if query[position : position + 1] == '"':
        return QueryError(query, position, "This quote is not closed, or stands within a word.")
    names = sorted({_WORDS.get(name, name) for name in expected} - {"MINUS"})
    return QueryError(query, position, f"Expected {', '.join(names)} at character {position + 1}; {found}.")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 30 else f"{text[:30]}...")


def _caret(query: str, position: int, around: int = 60) -> str:
    """The line of the query around a position, and a caret below it."""
    start = max(0, position - around)
    line = re.sub(r"\s", " ", query[start : position + around])
    lead = "..." if start else ""
    return f"This query cannot be run:\n  {lead}{line}\n  {' ' * (len(lead) + position - start)}^"
