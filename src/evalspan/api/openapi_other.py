"""What `/openapi.json` says of the paths that are not operations of the Experiments API."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from evalspan.ingest import Encoding, Signal

Json = dict[str, Any]
_ANY: Final = {"type": "object"}
_BYTES: Final = {"type": "string", "format": "binary"}
_ERRORS: Final = {"application/json": {"schema": {"$ref": "#/components/schemas/Errors"}}}


def _refused(content: Json, *statuses: int) -> Json:
    return {
        str(status): {"description": HTTPStatus(status).phrase, "content": content} for status in statuses
    }


def _otlp(signal: Signal) -> Json:
    both = {Encoding.PROTOBUF.value: {"schema": _BYTES}, Encoding.JSON.value: {"schema": _ANY}}
    return {
        "post": {
            "operationId": f"export_{signal}",
            "summary": f"OTLP/HTTP: export {signal}. The answer means that the store holds them.",
            "requestBody": {"required": True, "content": both},
            "responses": {
                "200": {"description": "Stored; partial_success tells of refused items.", "content": both},
                **_refused(both, 400, 401, 405, 413, 415, 500, 503),
            },
        }
    }


def _get(identity: str, summary: str, schema: Json, *refusals: int) -> Json:
    content = {"application/json": {"schema": schema}}
    return {
        "get": {
            "operationId": identity,
            "summary": summary,
            "responses": {
                "200": {"description": "Done.", "content": content},
                **_refused(_ERRORS, *refusals),
            },
        }
    }


_STATUS: Final = {"type": "object", "required": ["status"], "properties": {"status": {"const": "ok"}}}
PATHS: Final[dict[str, Json]] = {
    **{f"/v1/{signal}": _otlp(signal) for signal in Signal},
    "/sql": {
        "post": {
            "operationId": "query",
            "summary": "Run a read-only query.",
            "parameters": [
                {
                    "name": "format",
                    "in": "query",
                    "description": "A ClickHouse output format; param_NAME=value sets a query parameter.",
                    "schema": {"type": "string", "default": "JSONEachRow"},
                }
            ],
            "requestBody": {
                "required": True,
                "content": {"text/plain": {"schema": {"type": "string"}}},
            },
            "responses": {
                "200": {"description": "The result, in that format.", "content": {"*/*": {"schema": {}}}},
                **_refused(_ERRORS, 400, 401, 413, 500, 503),
            },
        }
    },
    "/healthz": _get("alive", "Whether the process answers.", _STATUS),
    "/readyz": _get("ready", "Whether the store answers, and what was taken in.", _STATUS, 503),
    "/metrics": {
        "get": {
            "operationId": "metrics",
            "summary": "The service's own counters, in the Prometheus text format.",
            "responses": {
                "200": {
                    "description": "Every instrument as it stands.",
                    "content": {"text/plain": {"schema": {"type": "string"}}},
                },
                **_refused(_ERRORS, 401, 404),
            },
        }
    },
    "/openapi.json": _get("describe", "This document.", _ANY, 401),
}
