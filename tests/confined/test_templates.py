"""The shared process: it does what Jinja does, and survives what a template tries."""

from __future__ import annotations

import random
from typing import Any

import jinja2
import pytest

from evalspan import confined
from evalspan.confined import Trouble

VALUES: dict[str, Any] = {
    "name": "Ada",
    "text": "one two three",
    "items": [3, 1, 2],
    "number": 3.7,
    "markup": "<b>",
}
SLOW = "processor time|not done after"


def render(source: str, **variables: Any) -> str:
    sources = [("T", source)]
    return confined.compute("render", sources=sources, variables=variables, declared=list(variables))[
        "texts"
    ][0]


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in items|sort if i > 1 %}{{ loop.index }}:{{ i }} {% else %}none{% endfor %}",
        "{% set ns = namespace(n=0) %}{% for i in items %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}",
        "{% macro m(a, b='x') %}{{ a }}-{{ b }}{% endmacro %}{{ m(name) }} {{ m(name, b=\"y\") }}",
        "{{ text|wordwrap(4) }} {{ text|title }}{{ text|truncate(8) }} {{ text|center(30) }}",
        "{{ items|join(', ') }} {{ items|sum }} {{ items|batch(2)|list|length }} {{ items|pprint }}",
        "{{ number|round(0)|int }} {{ '%05.2f'|format(number) }} {{ markup|e }} {{ markup|striptags }}",
        "{{ name|urlencode }} {{ 'http://a.b'|urlize }} {{ lipsum(n=0) }}",
        "{{ missing|default('d') }} {{ name is string }} {{ items is iterable }} {{ 3 is divisibleby 3 }}",
        "{% if missing is defined %}a{% else %}b{% endif %}{% raw %}{{ x }}{% endraw %}{# c #}\n",
    ],
    ids=["loop", "namespace", "macro", "texts", "lists", "numbers", "links", "defaults", "tests"],
)
def test_a_template_gives_what_jinja_gives(source: str) -> None:
    expected = jinja2.Environment(keep_trailing_newline=True).from_string(source).render(**VALUES)
    sources = [("T", source)]
    assert confined.compute("render", sources=sources, variables=VALUES, declared=list(VALUES))["texts"] == [
        expected
    ]


def test_objects_stand_in_a_text_as_json_and_null_as_nothing() -> None:
    assert render("{{ a }}|{{ b }}|{{ a|tojson }}", a={"k": ["<ä>", True]}, b=None) == (
        '{"k": ["<ä>", true]}||{"k": ["<ä>", true]}'
    )


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ x.__init__.__globals__ }}", "unsafe"),
        ("{{ 'a' * 10 ** 10 }}", f"memory|characters|{SLOW}"),
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", SLOW),
        ("{% for a in range(99999) %}{{ 'x' * 99 }}{% endfor %}", "characters"),
        (
            "{% set n = namespace(s='x') %}{% for i in range(40) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
            "memory",
        ),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "too deeply"),
        ("{% include 'file' %}", "T: no loader"),
        ("{{ x }", "T, line 1"),
        ("{{ y }}", "'y' is undefined"),
    ],
    ids=[
        "class",
        "globals",
        "repeat",
        "loops",
        "output",
        "doubling",
        "recursion",
        "include",
        "syntax",
        "undefined",
    ],
)
def test_a_template_that_tries_too_much_is_told_and_the_next_one_is_filled(source: str, told: str) -> None:
    with pytest.raises(Trouble, match=told):
        render(source, x=1)
    assert render("{{ x }}", x=1) == "1"


def test_a_pattern_that_never_ends_is_ended() -> None:
    with pytest.raises(Trouble, match=SLOW):
        confined.compute("search", pattern="(a+)+$", text="a" * 60 + "b")


def test_a_schema_is_never_fetched() -> None:
    with pytest.raises(Trouble, match="is not fetched"):
        confined.compute("conforms", schema={"$ref": "http://127.0.0.1:9/schema"}, document=1)


def edit_distance(a: str, b: str) -> int:
    """The table, row by row."""
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, right in enumerate(b, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (left != right))
    return row[-1]


def test_likeness_is_by_the_edit_distance() -> None:
    draw = random.Random(1)
    pairs = [["".join(draw.choices("abä", k=draw.randint(0, 9))) for _ in "ab"] for _ in range(300)]
    for a, b in pairs:
        expected = 1 - edit_distance(a, b) / max(len(a), len(b), 1)
        assert confined.compute("similarity", a=a, b=b) == pytest.approx(expected)


def test_a_variable_may_have_a_name_of_any_letters() -> None:
    sources = [("message", "{{ größe }}")]
    assert confined.compute("render", sources=sources, variables={"größe": 3}, declared=[]) == {
        "texts": ["3"]
    }
