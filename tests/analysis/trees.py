"""Any tree of the search language, for properties that hold of all."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from evalspan.analysis.tree import All, Any, Comparison, Exists, Node, Not, Pattern, Range, Term, Test, Wild

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


def patterns(texts: st.SearchStrategy[str] = TEXTS) -> st.SearchStrategy[Pattern]:
    """Literal pieces and wildcards, as the parser would give them."""

    def joined(parts: list[str | Wild]) -> Pattern:
        merged: list[str | Wild] = []
        for part in parts:
            if isinstance(part, str) and merged and isinstance(merged[-1], str):
                merged[-1] += part
            elif part != "":
                merged.append(part)
        return Pattern(tuple(merged))

    wilds = st.sampled_from(Wild)
    several = st.lists(texts | wilds, max_size=4).map(joined)
    # `*` alone is a question for existence.
    return several.filter(lambda pattern: pattern.parts != (Wild.ANY,))


def number_tests(numbers: st.SearchStrategy[str]) -> st.SearchStrategy[Test]:
    exact = numbers.map(lambda text: Pattern((text,) if text else ()))
    compared = st.builds(Comparison, st.sampled_from([">", ">=", "<", "<="]), numbers)
    ranges = st.builds(Range, st.none() | numbers, st.none() | numbers, st.booleans(), st.booleans())
    return exact | compared | ranges | st.just(Exists())


def text_tests(texts: st.SearchStrategy[str] = TEXTS) -> st.SearchStrategy[Test]:
    return patterns(texts) | st.just(Exists())


def nodes(terms: st.SearchStrategy[Term], leaves: int = 8) -> st.SearchStrategy[Node]:
    def grown(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        several = st.lists(inner, min_size=2, max_size=3).map(_tuple)
        return st.builds(Not, inner) | st.builds(All, several) | st.builds(Any, several)

    return st.recursive(terms, grown, max_leaves=leaves)


def terms(fields: st.SearchStrategy[str | None] | None = None) -> st.SearchStrategy[Term]:
    """With any field and any test that fits the grammar; a text alone has a pattern or `*`."""
    named = st.builds(Term, fields or TEXTS, text_tests() | number_tests(TEXTS))
    return named | st.builds(Term, st.none(), text_tests())


def _tuple(items: Sequence[Node]) -> tuple[Node, ...]:
    return tuple(items)
