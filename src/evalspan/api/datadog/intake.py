"""What ddtrace sends beside the Experiments API: spans, submitted evaluations, and calls for
features that do not exist here."""

from __future__ import annotations

from google.protobuf.message import Message
from pydantic import BaseModel, RootModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from evalspan.api.datadog import metrics, spans
from evalspan.api.datadog.events import MetricsBody, SpanEnvelope
from evalspan.api.datadog.lookup import lookup
from evalspan.api.envelope import Envelope, read_attributes, read_json
from evalspan.api.operation import Operation
from evalspan.api.scope import grant
from evalspan.errors import NotFoundError, UsageError
from evalspan.ingest import Ingest, Receipt, Signal

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_FEATURES = (
    "evaluators/{name}/infer",
    "config/evaluators/{path:path}",
    "spans/events",
    "prompts",
    "prompts/{path:path}",
)


class Envelopes(RootModel[list[SpanEnvelope]]):
    """A list of envelopes."""


class Accepted(BaseModel):
    """How many items were stored, and what was wrong with the rest."""

    accepted: int
    rejected: int
    message: str


async def spans_intake(request: Request) -> Response:
    """A list of envelopes; 202 as Datadog answers."""
    document = await read_json(request)
    envelopes = Envelopes.model_validate(document)
    bodies = [body for envelope in envelopes.root for body in envelope.spans]
    message = await run_in_threadpool(spans.request, bodies, lookup(request))
    return await _take(request, Signal.TRACES, message)


async def metrics_intake(request: Request) -> Response:
    body = await read_attributes(request, MetricsBody)
    for number, metric in enumerate(body.metrics):
        if not (metric.join_on or metric.span_id):
            raise UsageError(
                "A metric must name its span (join_on.span or span_id); joining by a tag, a trace or a "
                "session is not supported.",
                pointer=f"/data/attributes/metrics/{number}/join_on",
            )
    return await _take(request, Signal.LOGS, metrics.submitted(body.metrics))


async def _take(request: Request, signal: Signal, message: Message) -> Response:
    return accepted(await ingest(request).export(signal, message, project=grant(request).project))


def accepted(receipt: Receipt) -> Response:
    """The receipt of an intake. What could not be kept is said, and is no reason to send it again."""
    found = Accepted(accepted=receipt.accepted, rejected=receipt.rejected, message=receipt.message)
    return JSONResponse(found.model_dump(), 202)


def ingest(request: Request) -> Ingest:
    return request.app.state.ingest


def unsupported(request: Request) -> Response:
    """404 with the reason: these clients take any other answer for trouble that may pass.

    Raises:
        NotFoundError.
    """
    raise NotFoundError(f"{request.method} {request.url.path}: evalspan has no such feature.")


INTAKE = (
    Operation(
        "POST", "/api/v2/llmobs", "Take in spans as ddtrace sends them.", spans_intake,
        body=Envelopes, answer=Accepted, status=202,
    ),
    Operation(
        "POST", "/api/intake/llm-obs/v2/eval-metric", "Take in evaluations of spans.", metrics_intake,
        body=Envelope[MetricsBody], answer=Accepted, status=202,
    ),
)  # fmt: skip
UNSUPPORTED: list[BaseRoute] = [Route(f"/{feature}", unsupported, methods=_METHODS) for feature in _FEATURES]
