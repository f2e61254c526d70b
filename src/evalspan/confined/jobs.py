"""The jobs of the shared process: templates, patterns, schemas, likeness. All take and give plain JSON."""

from __future__ import annotations

import importlib
import json
import re
from functools import lru_cache
from typing import Any, Final, NamedTuple

import jsonschema_rs
from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, UndefinedError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_TEXT: Final = 4 * 1024 * 1024
"""Characters that one job may render."""

# What Jinja and its filters import when they first need it.
_LATE: Final = (
    "encodings.unicode_escape", "html", "jinja2.constants", "jinja2.debug", "pprint", "textwrap",
    "unicodedata", "urllib.parse",
)  # fmt: skip
Source = tuple[str, str]
"""What a text is called in errors, and the template."""


def _shown(value: Any) -> Any:
    """Objects and arrays stand in a text as JSON, and nothing stands for null."""
    if isinstance(value, dict | list):
        return _json(value)
    return "" if value is None else value


def _json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


_environment: Final = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined, finalize=_shown, keep_trailing_newline=True
)
_environment.filters["tojson"] = _json  # Jinja's own escapes for HTML


def do(given: dict[str, Any]) -> Any:
    """The job of that name."""
    return _JOBS[given.pop("job")](**given)


def warm_up() -> None:
    """Load what is loaded at first use: afterwards nothing can be."""
    for name in _LATE:
        importlib.import_module(name)
    render([("", "{% macro m(a) %}{{ a|upper }}{% endmacro %}{{ m(x) ~ 'y' }}")], {"x": "ä"}, ["x"])
    search(r"(?i)\w+", "Ä")
    conforms({"type": "string", "pattern": "^a"}, "b")
    similarity("a", "b")


def check(sources: list[Source]) -> list[str]:
    """The variables that the templates use."""
    return sorted(set[str]().union(*(_compiled(label, text).used for label, text in sources)))


def render(sources: list[Source], variables: dict[str, Any], declared: list[str]) -> dict[str, list[str]]:
    """The texts; or, where there are some, the variables that are neither declared nor used."""
    unknown = sorted(set(variables) - set(declared) - set(check(sources)))
    if unknown:
        return {"unknown": unknown}
    texts: list[str] = []
    left = MAX_TEXT
    for label, source in sources:
        text = _render(label, source, variables, left)
        left -= len(text)
        texts.append(text)
    return {"texts": texts}


def _render(label: str, source: str, variables: dict[str, Any], left: int) -> str:
    chunks: list[str] = []
    try:
        for chunk in _compiled(label, source).template.generate(variables):
            left -= len(chunk)
            if left < 0:
                raise ValueError(f"the filled texts have over {MAX_TEXT} characters")
            chunks.append(chunk)
    except UndefinedError as error:  # what is wrong is what was given, not the template
        raise LookupError(_told(label, error)) from None
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise ValueError(_told(label, error)) from None
    return "".join(chunks)


class _Compiled(NamedTuple):
    template: Template
    used: set[str]


@lru_cache(maxsize=128)
def _compiled(label: str, source: str) -> _Compiled:
    try:
        used: set[str] = meta.find_undeclared_variables(_environment.parse(source))
        return _Compiled(_environment.from_string(source), used)
    except TemplateSyntaxError as error:
        raise ValueError(_told(f"{label}, line {error.lineno}", error.message)) from None
    except TemplateError as error:
        raise ValueError(_told(label, error)) from None


def _told(label: str, error: object) -> str:
    return f"{label}: {str(error).rstrip('.')}."


def search(pattern: str, text: str, ignore_case: bool = False) -> str | None:
    """The first group of the first match, or the whole match where there is no group."""
    try:
        found = re.search(pattern, text, re.IGNORECASE if ignore_case else 0)
    except re.error as error:
        raise ValueError(f"The pattern {pattern!r} is not a regular expression: {error}.") from None
    if found is None:
        return None
    return (found.group(1) or "") if found.re.groups else found.group()


def conforms(schema: Any, document: Any) -> str:
    """What is wrong with the document by the schema, '' where nothing is."""
    try:
        validator = jsonschema_rs.validator_for(schema, retriever=_no_retrieval)
    except (ValueError, TypeError) as error:
        raise ValueError(f"json_schema is not a JSON schema: {_first_line(error)}") from None
    error = next(iter(validator.iter_errors(document)), None)
    if error is None:
        return ""
    where = "/" + "/".join(str(part) for part in error.instance_path) if error.instance_path else "it"
    return f"{where}: {error.message}"[:2000]


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _no_retrieval(address: str) -> Any:
    raise ValueError(f"{address} is not fetched; write it into the schema.")


def similarity(a: str, b: str) -> float:
    """From 0 (nothing in common) to 1 (equal): one less the edit distance by the longer text's length."""
    longest = max(len(a), len(b))
    return 1 - _distance(a, b) / longest if longest else 1.0


def _distance(a: str, b: str) -> int:
    """Levenshtein's, a column of the table at a time in the bits of whole numbers (Myers 1999, Hyyro 2003:
    https://doi.org/10.1145/316542.316550). Two texts of 20,000 characters take 0.15 s; difflib took 22 s
    for two of 8,000.
    """
    if not a or not b:
        return len(a) or len(b)
    places: dict[str, int] = {}
    for index, character in enumerate(a):
        places[character] = places.get(character, 0) | 1 << index
    mask, last, distance = (1 << len(a)) - 1, 1 << (len(a) - 1), len(a)
    up, down = mask, 0  # where the table grows, or shrinks, by one from row to row
    for character in b:
        equal = places.get(character, 0)
        vertical = equal | down
        horizontal = (((equal & up) + up) ^ up) | equal
        grows, shrinks = (down | ~(horizontal | up)) & mask, up & horizontal
        distance += bool(grows & last) - bool(shrinks & last)
        grows, shrinks = grows << 1 | 1, shrinks << 1
        up, down = (shrinks | ~(vertical | grows)) & mask, grows & vertical & mask
    return distance


_JOBS: Final = {
    "check": check, "render": render, "search": search, "conforms": conforms, "similarity": similarity,
}  # fmt: skip
