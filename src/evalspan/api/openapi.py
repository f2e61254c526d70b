"""`/openapi.json`: the operations that make the routes of the Experiments API, and the few paths
beside them, as an OpenAPI 3.1 document.

The Experiments API is described below its first prefix; it answers the same below the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from evalspan.api import experiments
from evalspan.api.datadog import intake
from evalspan.api.openapi_other import PATHS
from evalspan.api.operation import Operation

Json = dict[str, Any]


_REFERENCE: Final = "#/components/schemas/{model}"
_ALWAYS: Final = (401, 413, 500, 503)
_DESCRIPTION: Final = (
    "OTLP in, the Experiments API, and SQL. Every path below /api/v2/llm-obs/v1 answers the same below "
    "/api/unstable/llm-obs/v1, and all of /api also below /evp_proxy/v2."
)
ERRORS: Final[Json] = {
    "type": "object",
    "required": ["errors"],
    "properties": {
        "errors": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["status", "title", "detail"],
                "properties": {
                    "status": {"type": "string"},
                    "title": {"type": "string"},
                    "detail": {"type": "string"},
                    "source": {
                        "type": "object",
                        "properties": {"pointer": {"type": "string"}},
                        "description": "A JSON pointer to the offending field of the request body.",
                    },
                },
            },
        }
    },
}


def routes() -> list[BaseRoute]:
    return [Route("/openapi.json", serve, methods=["GET"])]


async def serve(_request: Request) -> Response:
    return JSONResponse(document())


@cache
def document() -> Json:
    """The whole document."""
    found = [
        *((experiments.PREFIXES[0], operation) for operation in experiments.OPERATIONS),
        *(("", operation) for operation in intake.INTAKE),
    ]
    references, schemas = _schemas(operation for _, operation in found)
    paths: Json = {path: dict(methods) for path, methods in PATHS.items()}
    for prefix, operation in found:
        described = _operation(prefix, operation, references)
        paths.setdefault(prefix + operation.path, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": "evalspan", "version": version("evalspan"), "description": _DESCRIPTION},
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Errors": ERRORS},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "datadog": {"type": "apiKey", "in": "header", "name": "dd-api-key"},
            },
        },
        "security": [{}, {"bearer": []}, {"datadog": []}],
    }


def _schemas(operations: Iterable[Operation]) -> tuple[Mapping[Any, Json], Json]:
    """({(model, mode): its reference}, all schemas)."""
    asked: list[tuple[type[BaseModel], Any]] = []
    for operation in operations:
        if isinstance(operation.body, type):
            asked.append((operation.body, "validation"))
        if operation.answer:
            asked.append((operation.answer, "serialization"))
    references, definitions = models_json_schema(list(dict.fromkeys(asked)), ref_template=_REFERENCE)
    return references, definitions["$defs"]


def _operation(prefix: str, operation: Operation, references: Mapping[Any, Json]) -> Json:
    described: Json = {
        "operationId": _identity(operation),
        "summary": operation.summary,
        "parameters": [*_path_parameters(prefix + operation.path), *_query_parameters(operation)],
        "responses": {
            str(operation.status): _answer(operation, references),
            **refusals(*operation.refusals),
        },
    }
    if operation.body is not None:
        content = operation.body
        if isinstance(content, type):
            content = {"application/json": {"schema": references[(content, "validation")]}}
        described["requestBody"] = {"required": True, "content": dict(content)}
    return described


def _identity(operation: Operation) -> str:
    words = re.findall(r"\w+", operation.path)
    return "_".join([operation.method.lower(), *words])


def _answer(operation: Operation, references: Mapping[Any, Json]) -> Json:
    if operation.answer is None:
        return {"description": "Done; the body is empty."}
    schema = references[(operation.answer, "serialization")]
    return {"description": "Done.", "content": {"application/json": {"schema": schema}}}


def _path_parameters(path: str) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameters(operation: Operation) -> list[Json]:
    return [
        {
            "name": query.name,
            "in": "query",
            "required": query.required,
            "schema": dict(query.schema),
            **({"description": query.description} if query.description else {}),
        }
        for query in operation.query
    ]


def refusals(*statuses: int) -> Json:
    """The answers that say no, all of one shape."""
    content = {"application/json": {"schema": {"$ref": _REFERENCE.format(model="Errors")}}}
    return {
        str(status): {"description": HTTPStatus(status).phrase, "content": content}
        for status in sorted({*statuses, *_ALWAYS})
    }
