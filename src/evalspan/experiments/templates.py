"""Filling a prompt's messages: Jinja, in a process that can do nothing else (`confined`).

Objects and arrays stand in a text as JSON, null as nothing. A variable that is missing is an error, and
so is one that neither the declaration nor a message knows: both are mistakes in the data more often than
not, and blank prompts give figures that look right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from evalspan import confined
from evalspan.errors import UsageError
from evalspan.experiments.prompt_versions import VARIABLE_TYPES, Message, PromptContent
from evalspan.model import Json

_DECLARATION: Final = frozenset({"type", "default", "description"})
_KINDS: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


def render(version: PromptContent, variables: Mapping[str, Json]) -> list[dict[str, Json]]:
    """The messages of the version, filled. Blocks for as long as it takes; thread-safe.

    Raises:
        UsageError: a variable is missing, unknown or of another type, or the template fails; the
            message names it.
    """
    given = _complete(version.variables, variables)
    messages = [message.model_dump() for message in version.messages]
    sources = _sources(version.messages)
    texts = iter(fill(sources, given, list(version.variables)))
    return [{**message, "content": _filled(message["content"], texts)} for message in messages]


def fill(sources: list[tuple[str, str]], variables: Mapping[str, Json], declared: list[str]) -> list[str]:
    """Templates, filled; each has a label for errors. Raises UsageError."""
    answer = _compute("render", sources=sources, variables=dict(variables), declared=declared)
    if "unknown" in answer:
        known = sorted({*declared, *_compute("check", sources=sources)})
        raise UsageError(
            f"Unknown {_named(answer['unknown'])}: the prompt knows {', '.join(known) or 'no variables'}."
        )
    return cast("list[str]", answer["texts"])


def check(version: PromptContent) -> list[str]:
    """The variables that the messages use. Raises UsageError where a template cannot be read."""
    return cast("list[str]", _compute("check", sources=_sources(version.messages)))


def check_text(label: str, text: str) -> list[str]:
    """The same of one template."""
    return cast("list[str]", _compute("check", sources=[(label, text)]))


def _compute(job: str, **given: Any) -> Any:
    try:
        return confined.compute(job, **given)
    except confined.Trouble as trouble:
        raise UsageError(f"The template is wrong: {trouble}") from None


def _complete(declared: Mapping[str, Json], given: Mapping[str, Json]) -> dict[str, Json]:
    """The given variables with the defaults of those that are not given."""
    values = dict(given)
    missing: list[str] = []
    for name, declaration in declared.items():
        kind, has_default, default = _declared(declaration)
        if name in values:
            _check_kind(name, kind, values[name])
        elif has_default:
            values[name] = default
        else:
            missing.append(name)
    if missing:
        has = ", ".join(sorted(given)) or "no variables"
        raise UsageError(f"Missing {_named(missing)}: the record's input has {has}.")
    return values


def _declared(declaration: Json) -> tuple[str, bool, Json]:
    """(type or '', whether there is a default, the default)."""
    if isinstance(declaration, str) and declaration in VARIABLE_TYPES:
        return declaration, False, None
    if isinstance(declaration, dict):
        said = cast("dict[str, Json]", declaration)
        if "type" in said and said["type"] in VARIABLE_TYPES and said.keys() <= _DECLARATION:
            return said["type"], "default" in said, said.get("default")
    return "", True, cast("Json", declaration)


def _check_kind(name: str, kind: str, value: Json) -> None:
    wanted = _KINDS.get(kind)
    fits = wanted is None or (isinstance(value, wanted) and isinstance(value, bool) == (kind == "boolean"))
    if not fits:
        text = repr(value)
        shown = text if len(text) <= 80 else f"{text[:80]}..."
        raise UsageError(f"Variable {name!r} is declared as {kind}; the record has {shown}.")


def _named(names: Iterable[str]) -> str:
    names = list(names)
    return f"variable{'s' if len(names) > 1 else ''} {', '.join(repr(name) for name in names)}"


def _sources(messages: Iterable[Message]) -> list[tuple[str, str]]:
    """Every text of the messages, with what it is called in errors."""
    return [
        (f"Message {number} ({message.role})", text)
        for number, message in enumerate(messages, 1)
        for text in _texts(message.content)
    ]


def _texts(content: Json) -> list[str]:
    """The strings of a content, in order; of its parts all but what says what they are."""
    if isinstance(content, str):
        return [content]
    if isinstance(content, dict):
        parts = cast("dict[str, Json]", content)
        return [text for key, part in parts.items() if key != "type" for text in _texts(part)]
    if isinstance(content, list):
        return [text for part in cast("list[Json]", content) for text in _texts(part)]
    return []


def _filled(content: Json, texts: Any) -> Json:
    """The content with its strings replaced, in the order of `_texts`."""
    if isinstance(content, str):
        return next(texts)
    if isinstance(content, dict):
        parts = cast("dict[str, Json]", content)
        return {key: part if key == "type" else _filled(part, texts) for key, part in parts.items()}
    if isinstance(content, list):
        return [_filled(part, texts) for part in cast("list[Json]", content)]
    return content
