"""Opik's traces and spans as OTLP spans.

A trace is a span of its own, below the case where it is one, and above the spans that name no parent.
Everything that a client wrote stands in `opik.*` attributes as well, from which it is read back and
merged with what comes later.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, cast

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from evalspan import attributes as names
from evalspan.api.datadog.otlp import attributes
from evalspan.api.opik import ids, moments
from evalspan.api.opik.merging import Document
from evalspan.model import Json, dump

PREFIX: Final = "opik."
ID: Final = "opik.id"
TRACE_ID: Final = "opik.trace_id"
STAMPS: Final = "opik.stamps"
ITEM: Final = "opik.item"
OWN: Final = frozenset({ID, TRACE_ID, STAMPS, ITEM})
"""The attributes that are no field."""
INTERNAL: Final = "__opik_eval_internal__"
"""The tag of what evaluation adds to a trace, which the task did not do."""

_TEXTS: Final = frozenset(
    {
        "project_name", "name", "start_time", "end_time", "source", "environment", "thread_id",
        "parent_span_id", "type", "model", "provider", "total_estimated_cost_version",
    }
)  # fmt: skip
_COLUMNS: Final = {"input": names.INPUT, "output": names.OUTPUT}
_TYPES: Final = {
    "general": names.CHAIN,
    "tool": names.TOOL,
    "llm": names.LLM,
    "guardrail": names.GUARDRAIL,
}
_PROVIDERS: Final = {
    "google_vertexai": "gcp.vertex_ai",
    "google_ai": "gcp.gemini",
    "bedrock": "aws.bedrock",
    "mistral": "mistral_ai",
}
# The first that is there counts; what a provider itself reported is flattened below `original_usage.`.
_USAGE: Final = {
    names.USAGE_INPUT_TOKENS: ("prompt_tokens",),
    names.USAGE_OUTPUT_TOKENS: ("completion_tokens",),
    names.USAGE_TOTAL_TOKENS: ("total_tokens",),
    names.USAGE_CACHE_READ_TOKENS: (
        "original_usage.prompt_tokens_details.cached_tokens",
        "original_usage.input_tokens_details.cached_tokens",
        "original_usage.cache_read_input_tokens",
        "original_usage.cached_content_token_count",
    ),
    names.USAGE_CACHE_WRITE_TOKENS: ("original_usage.cache_creation_input_tokens",),
    names.USAGE_REASONING_TOKENS: (
        "original_usage.completion_tokens_details.reasoning_tokens",
        "original_usage.output_tokens_details.reasoning_tokens",
        "original_usage.thoughts_token_count",
    ),
}


def span(document: Document, parent: bytes, project: str, evaluator: str, item: Json = None) -> Span:
    """A trace or span as it now stands. `evaluator`: whom it worked for, '' for the task."""
    fields = document.fields
    values: dict[str, Any] = {
        names.SPAN_TYPE: span_type(document, evaluator),
        names.PROJECT_NAME: project,
        names.EVALUATOR_NAME: evaluator,
        names.SESSION_ID: fields.get("thread_id"),
        **(_call(fields) if document.span else {}),
        ID: document.span or document.trace,
        TRACE_ID: document.trace,
        STAMPS: dump(_by_stamp(document)),
        ITEM: None if item is None else dump(item),
    }
    for name, value in fields.items():
        values[_COLUMNS.get(name) or PREFIX + name] = value if name in _TEXTS else dump(value)
    return message(document, span_id(document), parent, fields.get("name") or "", values)


def message(document: Document, identity: bytes, parent: bytes, name: str, values: dict[str, Any]) -> Span:
    """An OTLP span with the times and the outcome of a document."""
    start = start_of(document)
    ended = document.fields.get("end_time")
    made = Span(
        trace_id=ids.trace_id(document.trace),
        span_id=identity,
        parent_span_id=parent,
        name=name,
        kind=Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=start,
        end_time_unix_nano=moments.nanoseconds(ended) if ended else start,
    )
    if error := _object(document.fields.get("error_info")):
        _fail(made, error, values)
    made.attributes.extend(attributes(values))
    return made


def request(spans: Iterable[Span]) -> ExportTraceServiceRequest:
    scope = InstrumentationScope(name="opik")
    return ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(scope=scope, spans=spans)])]
    )


def read(attributes: Mapping[str, str], input: str, output: str) -> Document:
    """The document that `span` made a row of."""
    identity, trace = attributes[ID], attributes[TRACE_ID]
    document = Document(trace, "" if identity == trace else identity)
    stamps: dict[str, list[str]] = loads(attributes[STAMPS])
    document.stamps = {name: stamp for stamp, set_with in stamps.items() for name in set_with}
    columns = {"input": input, "output": output}
    for name in document.stamps:
        written = columns[name] if name in columns else attributes.get(PREFIX + name, "")
        document.fields[name] = written if name in _TEXTS else loads(written)
    return document


def _by_stamp(document: Document) -> dict[str, list[str]]:
    """Most fields have one stamp in common."""
    found: dict[str, list[str]] = {}
    for name, stamp in sorted(document.stamps.items()):
        found.setdefault(stamp, []).append(name)
    return found


def loads(written: str) -> Any:
    return json.loads(written) if written else None


def span_id(document: Document) -> bytes:
    """A trace's own row has an id made of the trace's."""
    return ids.span_id(document.span or document.trace)


def start_of(document: Document) -> int:
    """The stated start or, until it comes, the time that the id was made at, if that is before the end."""
    stated, ended = document.fields.get("start_time"), document.fields.get("end_time")
    if stated:
        return moments.nanoseconds(stated)
    made = moments.of_id(document.span or document.trace)
    return min(made, moments.nanoseconds(ended)) if ended else made


def span_type(document: Document, evaluator: str) -> str:
    if not document.span:
        return names.TASK
    found = _TYPES.get(document.fields.get("type") or "", names.CHAIN)
    return names.EVALUATOR if evaluator and found == names.CHAIN else found


def evaluator_of(document: Document, find: Callable[[str], Document | None]) -> str:
    """Whom a span worked for: the metric below the uppermost internal span above it; '' for the task."""
    line = [document]
    while len(line) <= 1000 and (above := find(line[-1].fields.get("parent_span_id") or "")):
        if above in line:
            break
        line.append(above)
    internal = [place for place, each in enumerate(line) if INTERNAL in each.tags]
    if not internal:
        return ""
    return str(line[max(internal[-1] - 1, 0)].fields.get("name") or INTERNAL)


def _call(fields: Mapping[str, Json]) -> dict[str, Any]:
    """What a span says of a model's call."""
    usage = _object(fields.get("usage"))
    provider = fields.get("provider")
    first = fields.get("ttft")
    return {
        names.OPERATION_NAME: "chat" if fields.get("type") == "llm" else None,
        names.REQUEST_MODEL: fields.get("model"),
        names.PROVIDER_NAME: _PROVIDERS.get(provider or "", provider),
        names.USAGE_COST: fields.get("total_estimated_cost"),
        names.RESPONSE_TIME_TO_FIRST_CHUNK: None if first is None else first / 1000,
        **{
            name: next((usage[key] for key in keys if usage.get(key) is not None), None)
            for name, keys in _USAGE.items()
        },
    }


def _fail(made: Span, error: Mapping[str, Json], values: dict[str, Any]) -> None:
    kind = str(error.get("exception_type") or "")
    text = str(error.get("message") or kind or "error")
    values[names.ERROR_TYPE] = kind
    made.status.code = Status.STATUS_CODE_ERROR
    made.status.message = text
    event = made.events.add(name=names.EXCEPTION_EVENT, time_unix_nano=made.end_time_unix_nano)
    described = {
        names.EXCEPTION_TYPE: kind,
        names.EXCEPTION_MESSAGE: text,
        names.EXCEPTION_STACKTRACE: str(error.get("traceback") or ""),
    }
    event.attributes.extend(attributes(described))


def _object(value: Json) -> dict[str, Json]:
    return cast("dict[str, Json]", value) if isinstance(value, dict) else {}
