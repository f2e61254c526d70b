"""Traces and spans as they are written: whole or in part, in batches or alone."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from evalspan.api.operation import Operation
from evalspan.api.opik import ids, taking, wire, writes
from evalspan.api.opik.recorder import recorder
from evalspan.api.opik.writes import NewSpan, NewTrace, SpanBatch, SpanParts, TraceBatch, TraceParts


@taking.kept
async def create_traces(request: Request) -> Response:
    body = await wire.read(request, TraceBatch)
    return await _traces(request, body.traces, "/traces")


@taking.kept
async def create_trace(request: Request) -> Response:
    return await _traces(request, [await wire.read(request, NewTrace)], "")


@taking.kept
async def update_trace(request: Request) -> Response:
    """Also where it is not there yet: the batch that creates it may still be under way."""
    body = await wire.read(request, TraceParts)
    await taking.announce(request, [body])
    write = writes.of_trace(request.path_params["id"], body, "", update=True)
    await recorder(request).record([write])
    return wire.nothing()


@taking.kept
async def create_spans(request: Request) -> Response:
    body = await wire.read(request, SpanBatch)
    return await _spans(request, body.spans, "/spans")


@taking.kept
async def create_span(request: Request) -> Response:
    return await _spans(request, [await wire.read(request, NewSpan)], "")


@taking.kept
async def update_span(request: Request) -> Response:
    """As with traces."""
    body = await wire.read(request, SpanParts)
    await taking.announce(request, [body])
    write = writes.of_span(request.path_params["id"], body, "", update=True)
    await recorder(request).record([write])
    return wire.nothing()


async def _traces(request: Request, traces: list[NewTrace], pointer: str) -> Response:
    await taking.announce(request, traces)
    found = [
        writes.of_trace(trace.id or ids.new(), trace, f"{pointer}/{number}" if pointer else "")
        for number, trace in enumerate(traces)
    ]
    await recorder(request).record(found)
    return wire.nothing(204 if pointer else 201)


async def _spans(request: Request, spans: list[NewSpan], pointer: str) -> Response:
    await taking.announce(request, spans)
    found = [
        writes.of_span(span.id or ids.new(), span, f"{pointer}/{number}" if pointer else "")
        for number, span in enumerate(spans)
    ]
    await recorder(request).record(found)
    return wire.nothing(204 if pointer else 201)


OPERATIONS = (
    Operation(
        "POST", "/v1/private/traces/batch", "Write traces.", create_traces, body=TraceBatch, status=204
    ),
    Operation("POST", "/v1/private/traces", "Write a trace.", create_trace, body=NewTrace, status=201),
    Operation(
        "PATCH", "/v1/private/traces/{id}", "Add to a trace.", update_trace, body=TraceParts, status=204
    ),
    Operation("POST", "/v1/private/spans/batch", "Write spans.", create_spans, body=SpanBatch, status=204),
    Operation("POST", "/v1/private/spans", "Write a span.", create_span, body=NewSpan, status=201),
    Operation(
        "PATCH", "/v1/private/spans/{id}", "Add to a span.", update_span, body=SpanParts, status=204
    ),
)  # fmt: skip
