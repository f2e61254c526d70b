"""Gentrace's own spans: arguments and result stand in two events, each as JSON text.

Only what its own tracers made: the client marks the spans of others too (`gentrace.sample`), and those
speak their own dialect. Arguments are unwrapped: of a test case the one object in a list of one, of a
function all parameters as one object. `eval` writes them as Python's `repr`; a literal is read back, any
other stays the text it is.
"""

from __future__ import annotations

import ast
import json
import math
from typing import Any, Final, cast

from evalspan import attributes as names
from evalspan.ingest.dialect import EVENTS, Dialect, Made, View

Json = Any

ARGS_EVENT: Final = "gentrace.fn.args"
ARGS: Final = "args"
OUTPUT_EVENT: Final = "gentrace.fn.output"
OUTPUT: Final = "output"
PIPELINE_ID: Final = "gentrace.pipeline_id"
EXPERIMENT_ID: Final = "gentrace.experiment_id"
TEST_CASE_ID: Final = "gentrace.test_case_id"
TEST_CASE_NAME: Final = "gentrace.test_case_name"
IN_EXPERIMENT: Final = "gentrace.in_experiment"
SCOPES: Final = ("gentrace", "gentrace.sdk")
# Not the user's metadata: what the client, the conventions or we put on a span.
NOT_METADATA: Final = ("gentrace.", "evalspan.", "gen_ai.", "error.", "exception.", "code.", "thread.")

_INTERACTION: Final = "interaction"
_TRACED: Final = "traced"


def loads(text: str) -> Json:
    """JSON, or the text where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def unwrapped(args: Json) -> Json:
    """What a function was called with, without the client's wrapping."""
    if isinstance(args, dict):
        return _of_eval(cast("dict[str, Json]", args))
    if not isinstance(args, list):
        return args
    items = cast("list[Json]", args)
    if len(items) == 1:
        return items[0]
    objects = [cast("dict[str, Json]", item) for item in items if isinstance(item, dict)]
    merged = {key: value for item in objects for key, value in item.items()}
    distinct = len(objects) == len(items) and len(merged) == sum(map(len, objects))
    return merged if merged and distinct else items


def _of_eval(args: dict[str, Json]) -> Json:
    if not args or not args.keys() <= {"args", "kwargs"}:
        return args
    positional = [_literal(item) for item in args.get("args", ())]
    named = {name: _literal(item) for name, item in args.get("kwargs", {}).items()}
    if positional and named:
        return {"args": positional, "kwargs": named}
    return named or (positional[0] if len(positional) == 1 else positional)


def _literal(text: Json) -> Json:
    try:
        found: Json = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text
    return found if _is_json(found) else text


def _is_json(value: object) -> bool:
    """Whether JSON holds the value as it is: of a tuple, a set, bytes or other keys the text says more."""
    match value:
        case None | str() | bool() | int():
            return True
        case float():
            return math.isfinite(value)
        case list():
            return all(map(_is_json, cast("list[object]", value)))
        case dict():
            items = cast("dict[object, object]", value).items()
            return all(isinstance(key, str) and _is_json(item) for key, item in items)
        case _:
            return False


def event(view: View, name: str, key: str) -> str | None:
    """The text that an event carries."""
    return next((texts.get(key) for _, event, texts, _, _ in view.events if event == name), None)


def _input(view: View) -> Json:
    text = event(view, ARGS_EVENT, ARGS)
    return None if text is None else json.dumps(unwrapped(loads(text)), ensure_ascii=False)


def _output(view: View) -> Json:
    return event(view, OUTPUT_EVENT, OUTPUT)


def _kind(view: View) -> str:
    """What the conventions say of a span comes first: an interaction may itself be the LLM call."""
    if names.OPERATION_NAME in view.texts or names.REQUEST_MODEL in view.texts:
        return ""
    return _INTERACTION if PIPELINE_ID in view.texts else _TRACED


DIALECT = Dialect(
    name="gentrace",
    rank=50,
    scopes=SCOPES,
    fields={
        "span_type": (Made((EVENTS, "gentrace."), _kind),),
        "input": (Made((EVENTS,), _input),),
        "output": (Made((EVENTS,), _output),),
    },
    span_types={_INTERACTION: names.CHAIN, _TRACED: names.TASK},
)
