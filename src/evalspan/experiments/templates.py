"""Filling a prompt's messages: Jinja, in a process that can do nothing else (`confined`).

Objects and arrays stand in a text as JSON, null as nothing. A variable that is missing is an error, and
so is one that neither the declaration nor a message knows: both are mistakes in the data more often than
not, and blank prompts give figures that look right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final, cast

from evalspan import confined
from evalspan.errors import UsageError
from evalspan.experiments.prompt_versions import VARIABLE_TYPES, Message, PromptContent
from evalspan.model import Json, dump

_DECLARATION: Final = frozenset({"type", "default", "description"})
_OTHER_NAMES: Final = {"int": "number", "integer": "number", "float": "number", "bool": "boolean",
                      "str": "string", "dict": "object"}  # fmt: skip
_NEAR: Final = 0.8
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
        if trouble.kind == "LookupError":
            raise UsageError(str(trouble)) from None
        raise UsageError(f"The template is wrong: {trouble}") from None


def check_variables(declared: Mapping[str, Json]) -> None:
    """Raises UsageError where a declaration is a mistake more likely than a default value."""
    for name, declaration in declared.items():
        kind, _, default = _declared(declaration)
        wrong = _fields(declaration).get("type", None if isinstance(declaration, dict) else declaration)
        if _is_declaration(declaration) and default is not None:
            _check_kind(name, kind, default, "its default is")
        if kind or not isinstance(wrong, str):
            continue
        near = _OTHER_NAMES.get(wrong) or next(iter(get_close_matches(wrong, VARIABLE_TYPES, 1, _NEAR)), "")
        if near or isinstance(declaration, dict):
            said = f"did you mean {near!r}?" if near else f"there are {', '.join(sorted(VARIABLE_TYPES))}."
            raise UsageError(
                f"Variable {name!r} has the type {wrong!r}; {said} A default value that reads so is written "
                f'{{"default": {dump(wrong)}}}.',
                pointer=f"/variables/{name}",
            )


def _is_declaration(declaration: Json) -> bool:
    said = _fields(declaration).keys()
    return bool(said & {"type", "default"}) and said <= _DECLARATION


def _fields(declaration: Json) -> dict[str, Json]:
    return cast("dict[str, Json]", declaration) if isinstance(declaration, dict) else {}


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
    if _is_declaration(declaration):
        said = cast("dict[str, Any]", declaration)
        if said.get("type", "") in {"", *VARIABLE_TYPES}:
            return said.get("type", ""), "default" in said, said.get("default")
    return "", True, cast("Json", declaration)


def _check_kind(name: str, kind: str, value: Json, where: str = "the record has") -> None:
    wanted = _KINDS.get(kind)
    fits = wanted is None or (isinstance(value, wanted) and isinstance(value, bool) == (kind == "boolean"))
    if not fits:
        text = repr(value)
        shown = text if len(text) <= 80 else f"{text[:80]}..."
        raise UsageError(f"Variable {name!r} is declared as {kind}; {where} {shown}.")


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
