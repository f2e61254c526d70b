"""OTLP below Opik's own path, with its headers and ids.

A span that names its place in an Opik trace (`opik.trace_id`, `opik.span_id`, `opik.parent_span_id`) takes
it, so that it stands below the tracked function that it was started in. Any other is ordinary OTLP, of the
project that the header `projectName` names.
"""

from __future__ import annotations

import uuid
from typing import Any, Final

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from evalspan import attributes as names
from evalspan.api.datadog.intake import ingest
from evalspan.api.datadog.otlp import attributes
from evalspan.api.envelope import chunks
from evalspan.api.operation import Operation
from evalspan.api.opik import ids, rows, taking
from evalspan.api.scope import grant
from evalspan.errors import UsageError
from evalspan.ingest import Encoding, Receipt, Signal, otlp_error, otlp_json, statuses, wire
from evalspan.ingest.body import CODINGS, IDENTITY, inflate
from evalspan.ingest.receipt import Findings

_PROJECT_HEADER: Final = "projectname"
_SPAN_ID: Final = "opik.span_id"
_PARENT_ID: Final = "opik.parent_span_id"
_THREAD: Final = ("opik.thread_id", "thread_id")


async def take(request: Request) -> Response:
    """Answered as OTLP is: errors too."""
    try:
        return await _take(request)
    except ClientDisconnect:
        return Response(status_code=400)
    except Exception as error:
        return otlp_error(error, request.headers.get("content-type", ""))


async def _take(request: Request) -> Response:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    encoding = Encoding.JSON if kind == Encoding.JSON else Encoding.PROTOBUF
    coding = request.headers.get("content-encoding", "").strip().lower() or IDENTITY
    if coding not in CODINGS:
        raise UsageError(f"Content-Encoding {coding!r} is not one of {', '.join(CODINGS)}.")
    body = b"".join([chunk async for chunk in chunks(request)])
    project = request.headers.get(_PROJECT_HEADER, "").strip()
    if project:
        await run_in_threadpool(taking.make, request, [project])
    findings = Findings()
    message = await run_in_threadpool(_read, request, body, coding, encoding, project, findings)
    receipt = _both(
        await ingest(request).export(Signal.TRACES, message, project=grant(request).project), findings
    )
    answer = statuses.response(Signal.TRACES, receipt)
    if encoding is Encoding.PROTOBUF:
        return Response(answer.SerializeToString(), media_type=encoding.value)
    return JSONResponse(MessageToDict(answer))


def _read(
    request: Request, body: bytes, coding: str, encoding: Encoding, project: str, findings: Findings
) -> ExportTraceServiceRequest:
    raw = inflate(body, coding, request.app.state.settings.max_body_bytes)
    parse = otlp_json.parse if encoding is Encoding.JSON else wire.parse
    message: ExportTraceServiceRequest = parse(Signal.TRACES, raw, findings)
    for group in message.resource_spans:
        for scope in group.scope_spans:
            for span in scope.spans:
                _place(span, project)
    return message


def _place(span: Span, project: str) -> None:
    texts = {pair.key: pair.value.string_value for pair in span.attributes}
    more: dict[str, Any] = {}
    if names.SESSION_ID not in texts:
        more[names.SESSION_ID] = next((texts[key] for key in _THREAD if texts.get(key)), None)
    trace = _uuid(texts.get(rows.TRACE_ID))
    if trace:
        span.trace_id = ids.trace_id(trace)
        if own := _uuid(texts.get(_SPAN_ID)):
            span.span_id = ids.span_id(own)
        span.parent_span_id = ids.span_id(_uuid(texts.get(_PARENT_ID)) or trace)
    elif project and not texts.get(names.PROJECT_NAME):
        more[names.PROJECT_NAME] = project
    span.attributes.extend(attributes(more))


def _uuid(given: str | None) -> str:
    """As Opik writes it, or '' for what is none: then the span's own ids stand."""
    try:
        return str(uuid.UUID(given or ""))
    except ValueError:
        return ""


def _both(receipt: Receipt, findings: Findings) -> Receipt:
    """The receipt, with what could not be read in it."""
    own = findings.receipt(0, "spans")
    texts = [text for text in (own.message, receipt.message) if text]
    return Receipt(receipt.accepted, own.rejected + receipt.rejected, "; ".join(texts))


OPERATIONS = (
    Operation(
        "POST", "/v1/private/otel/v1/traces", "Take in OTLP traces.", take,
        body={"application/x-protobuf": {}, "application/json": {}}, refusals=(400, 413),
    ),
)  # fmt: skip
