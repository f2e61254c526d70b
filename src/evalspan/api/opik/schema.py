"""Opik's JSON Schema of an experiment, served at `/opik/api/v1/schema/experiment`.

Every experiment that is answered meets it, but for `duration` to Opik's own clients (showing.py).
"""

from __future__ import annotations

from typing import Any, Final, get_args

from starlette.requests import Request
from starlette.responses import Response

from evalspan.api.operation import Operation
from evalspan.api.opik.experiment import Method, Type
from evalspan.api.opik.wire import answer

Json = dict[str, Any]


def _text(description: str, **more: Any) -> Json:
    return {"type": "string", "description": description, **more}


def _uuid(description: str, **more: Any) -> Json:
    return _text(description, format="uuid", **more)


def _number(kind: str, description: str) -> Json:
    return {"type": kind, "description": description, "readOnly": True}


def _list(description: str, **properties: Json) -> Json:
    items = {"type": "object", "properties": properties}
    return {"type": "array", "description": description, "readOnly": True, "items": items}


# Opik writes it with (?s), which the regular expressions of JSON Schema do not have.
_NOT_BLANK: Final = r"^\s*(\S[\s\S]*\S|\S)\s*$"
_STRING: Final[Json] = {"type": "string"}
_WHEN: Final[Json] = {"type": "string", "format": "date-time"}
SCHEMA: Final[Json] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Experiment",
    "description": "A run of a task over a dataset, with what its executions scored, took and cost.",
    "type": "object",
    "required": ["dataset_name"],
    "properties": {
        "id": _uuid("The client gives it, or the service."),
        "dataset_name": _text("The dataset that it ran on; one of a new name is made.", minLength=1),
        "dataset_id": _uuid("The id of that dataset.", readOnly=True),
        "project_id": _uuid("Goes before project_name."),
        "project_name": _text(
            "One of a new name is made. Ignored beside project_id.", pattern=_NOT_BLANK
        ),
        "name": _text("The name that people read; not unique."),
        "metadata": {"description": "Any JSON; returned as it was given."},
        "tags": {
            "type": "array",
            "description": "Labels.",
            "uniqueItems": True,
            "minItems": 0,
            "maxItems": 50,
            "items": {"type": "string", "minLength": 0, "maxLength": 100},
        },
        "type": _text("What kind of run it is.", enum=list(get_args(Type))),
        "evaluation_method": _text("A plain dataset, or a suite of tests.", enum=list(get_args(Method))),
        "optimization_id": _uuid("The optimization that it belongs to."),
        "feedback_scores": _list(
            "The mean of each score over the executions that have it.",
            name=_STRING, value={"type": "number"}, count={"type": "integer"},
        ),
        "comments": _list(
            "What people said of it, the oldest first.",
            id={"type": "string", "format": "uuid"}, text=_STRING, created_at=_WHEN, created_by=_STRING,
        ),
        "created_at": _text("When it was created.", format="date-time", readOnly=True),
        "last_updated_at": _text("When it was last changed.", format="date-time", readOnly=True),
        "created_by": _text("The key that created it.", readOnly=True),
        "last_updated_by": _text("The key that last changed it.", readOnly=True),
        "trace_count": _number("integer", "How many executions it has."),
        "duration": _number("number", "Milliseconds from its first execution's start to its last one's end."),
        "total_estimated_cost": _number("number", "US dollars; absent where a part of it is unknown."),
    },
}  # fmt: skip


def serve(_request: Request) -> Response:
    return answer(SCHEMA)


OPERATIONS = (Operation("GET", "/v1/schema/experiment", "The JSON Schema of an experiment.", serve),)
