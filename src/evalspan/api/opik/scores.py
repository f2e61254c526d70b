"""Feedback scores as evaluations.

A trace's score names its trace and so finds the record that the trace was the execution of, whichever
came first. A span's score names its span only: like Opik's, it is the span's and no score of the record.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any, Final, Literal

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from evalspan import attributes as names
from evalspan.api.datadog.intake import ingest
from evalspan.api.datadog.otlp import attributes
from evalspan.api.operation import Operation
from evalspan.api.opik import ids, moments, rows, stored, taking, wire
from evalspan.api.opik.wire import Body
from evalspan.api.scope import everything, grant
from evalspan.errors import UsageError
from evalspan.ingest import Signal

Kind = Literal["trace", "span", "thread"]
KIND: Final = "opik.kind"
SOURCE: Final = "opik.source"
AUTHOR: Final = "opik.author"
ASSERTION: Final = "opik.assertion"


class Score(Body):
    """One feedback score."""

    name: str = Field(min_length=1, max_length=1000)
    value: float = Field(allow_inf_nan=False)
    category_name: str | None = None
    reason: str | None = None
    source: str = "sdk"
    author: str | None = None
    project_name: str | None = None


class GivenScore(Score):
    id: str = Field(description="Of the trace or span.")


class ThreadScore(Score):
    thread_id: str = Field(min_length=1)


class Scores(Body):
    scores: list[GivenScore] = Field(min_length=1, max_length=1000)


class ThreadScores(Body):
    scores: list[ThreadScore] = Field(min_length=1, max_length=1000)


class Name(Body):
    name: str


class Assertion(Body):
    """What an assertion of a test suite found."""

    entity_id: str
    name: str = Field(min_length=1, max_length=1000)
    status: Literal["passed", "failed"]
    reason: str | None = None
    source: str = "sdk"
    project_name: str | None = None


class Assertions(Body):
    entity_type: str | None = None
    assertion_results: list[Assertion] = Field(min_length=1, max_length=1000)


def record(kind: Kind, identity: str, score: Score, more: dict[str, Any] | None = None) -> LogRecord:
    """A score of what has this id. Raises UsageError where it is none."""
    now = time.time_ns()
    categorical = score.category_name is not None
    values = {
        names.EVALUATION_NAME: score.name,
        names.EVALUATION_SOURCE: "record",
        names.EVALUATION_TYPE: "categorical" if categorical else "score",
        names.EVALUATION_SCORE_VALUE: float(score.value),
        names.EVALUATION_SCORE_LABEL: score.category_name,
        names.EVALUATION_EXPLANATION: score.reason,
        SOURCE: score.source,
        AUTHOR: score.author,
        KIND: kind,
        rows.ID: identity,
        **(more or {}),
    }
    return LogRecord(
        time_unix_nano=now,
        observed_time_unix_nano=now,
        event_name=names.EVALUATION_RESULT,
        trace_id=ids.trace_id(identity) if kind == "trace" else b"",
        span_id=_thread(identity) if kind == "thread" else ids.span_id(identity),
        attributes=attributes(values),
    )


async def store(request: Request, records: Sequence[LogRecord], traces: Iterable[str] = ()) -> None:
    """Raises ForbiddenError where one of the traces is of another project than the key."""
    project = grant(request).project
    if project:
        for trace in (await run_in_threadpool(stored.load, everything(request).store, set(traces))).values():
            trace.admit(project)
    scope = ScopeLogs(scope=InstrumentationScope(name="opik"), log_records=records)
    message = ExportLogsServiceRequest(resource_logs=[ResourceLogs(scope_logs=[scope])])
    receipt = await ingest(request).export(Signal.LOGS, message, project=project)
    if receipt.rejected:
        raise UsageError(receipt.message)


@taking.kept
async def score_traces(request: Request) -> Response:
    return await _score_all(request, "trace", await wire.read(request, Scores))


@taking.kept
async def score_spans(request: Request) -> Response:
    return await _score_all(request, "span", await wire.read(request, Scores))


@taking.kept
async def score_trace(request: Request) -> Response:
    return await _score_one(request, "trace")


@taking.kept
async def score_span(request: Request) -> Response:
    return await _score_one(request, "span")


@taking.kept
async def score_threads(request: Request) -> Response:
    body = await wire.read(request, ThreadScores)
    await _announce(request, body.scores)
    records = [record("thread", score.thread_id, score) for score in body.scores]
    await store(request, records)
    return wire.nothing()


@taking.kept
async def take_assertions(request: Request) -> Response:
    body = await wire.read(request, Assertions)
    if body.entity_type not in (None, "trace", "TRACE", "traces"):
        raise UsageError(f"entity_type={body.entity_type!r} is not 'trace'.", pointer="/entity_type")
    projects = {each.project_name or "" for each in body.assertion_results}
    await run_in_threadpool(taking.make, request, projects)
    records: list[LogRecord] = []
    for number, each in enumerate(body.assertion_results):
        trace = moments.timed(each.entity_id, f"/assertion_results/{number}/entity_id")
        passed = each.status == "passed"
        score = Score(name=each.name, value=float(passed), reason=each.reason, source=each.source)
        more = {
            names.EVALUATION_TYPE: "boolean",
            names.EVALUATION_ASSESSMENT: "pass" if passed else "fail",
            ASSERTION: True,
        }
        records.append(record("trace", trace, score, more))
    traces = [each.entity_id for each in body.assertion_results]
    await store(request, records, traces)
    return wire.nothing()


async def forget_trace_score(request: Request) -> Response:
    return await _forget(request, "trace")


async def forget_span_score(request: Request) -> Response:
    return await _forget(request, "span")


async def _score_all(request: Request, kind: Kind, body: Scores) -> Response:
    await _announce(request, body.scores)
    found = [
        (moments.timed(score.id, f"/scores/{number}/id"), score) for number, score in enumerate(body.scores)
    ]
    records = [record(kind, identity, score) for identity, score in found]
    traces = [identity for identity, _ in found] if kind == "trace" else []
    await store(request, records, traces)
    return wire.nothing()


async def _score_one(request: Request, kind: Kind) -> Response:
    score = await wire.read(request, Score)
    await _announce(request, [score])
    identity = moments.timed(request.path_params["id"], "/id")
    traces = [identity] if kind == "trace" else []
    await store(request, [record(kind, identity, score)], traces)
    return wire.nothing()


async def _announce(request: Request, scores: Iterable[Score]) -> None:
    await run_in_threadpool(taking.make, request, {score.project_name or "" for score in scores})


async def _forget(request: Request, kind: Kind) -> Response:
    name = (await wire.read(request, Name)).name
    given = {"name": name, **_place(kind, moments.timed(request.path_params["id"], "/id"))}
    whose = " AND project = {project:String}" if grant(request).project else ""
    condition = "experiment_id = '' AND trace_id = {trace:String} AND span_id = {span:String}"
    await run_in_threadpool(
        everything(request).store.erase,
        "evaluations_data",
        f"{condition} AND name = {{name:String}}{whose}",
        {**given, **({"project": grant(request).project} if whose else {})},
    )
    return wire.nothing()


def _place(kind: Kind, identity: str) -> dict[str, str]:
    return {
        "trace": ids.trace_id(identity).hex() if kind == "trace" else "",
        "span": ids.span_id(identity).hex(),
    }


def _thread(identity: str) -> bytes:
    return blake2b(identity.encode(), digest_size=8, person=b"opik thread").digest()


OPERATIONS = (
    Operation(
        "PUT", "/v1/private/traces/feedback-scores", "Score traces.", score_traces, body=Scores, status=204
    ),
    Operation(
        "PUT", "/v1/private/spans/feedback-scores", "Score spans.", score_spans, body=Scores, status=204
    ),
    Operation(
        "PUT", "/v1/private/traces/threads/feedback-scores", "Score threads.", score_threads,
        body=ThreadScores, status=204,
    ),
    Operation(
        "PUT", "/v1/private/traces/{id}/feedback-scores", "Score a trace.", score_trace,
        body=Score, status=204,
    ),
    Operation(
        "PUT", "/v1/private/spans/{id}/feedback-scores", "Score a span.", score_span, body=Score, status=204
    ),
    Operation(
        "POST", "/v1/private/traces/{id}/feedback-scores/delete", "Remove a score of a trace.",
        forget_trace_score, body=Name, status=204,
    ),
    Operation(
        "POST", "/v1/private/spans/{id}/feedback-scores/delete", "Remove a score of a span.",
        forget_span_score, body=Name, status=204,
    ),
    Operation(
        "PUT", "/v1/private/assertion-results", "What a test suite's assertions found.", take_assertions,
        body=Assertions, status=204,
    ),
)  # fmt: skip
