"""`experiments/items/bulk`: items with their traces, spans and scores in one request.

What has no id of its own gets one that follows from the request, so that a request that is sent again
is the same.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from pydantic import Field, model_validator
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from evalspan.api.operation import Operation
from evalspan.api.opik import ids, moments, scores, taking, wire, writes
from evalspan.api.opik.recorder import recorder
from evalspan.api.opik.wire import Body
from evalspan.api.opik.writes import Item, NewSpan, NewTrace, Write
from evalspan.api.scope import catalog
from evalspan.errors import UsageError
from evalspan.experiments import Experiment
from evalspan.model import Json, dump


class BulkSpan(NewSpan):
    trace_id: str = ""


class BulkItem(Body):
    dataset_item_id: str
    evaluate_task_result: Json = None
    trace: NewTrace | None = None
    spans: list[BulkSpan] = Field(default_factory=list[BulkSpan])
    feedback_scores: list[scores.Score] = Field(default_factory=list[scores.Score])

    @model_validator(mode="before")
    @classmethod
    def _absent(cls, given: Any) -> Any:
        """Null lists are empty ones."""
        if not isinstance(given, dict):
            return given
        return {key: value for key, value in given.items() if value is not None}  # pyright: ignore[reportUnknownVariableType] (JSON)


class Bulk(Body):
    experiment_name: str = ""
    dataset_name: str = ""
    experiment_id: str | None = None
    project_name: str | None = None
    items: list[BulkItem] = Field(min_length=1, max_length=1000)


@taking.kept
async def upload(request: Request) -> Response:
    body = await wire.read(request, Bulk)
    experiment = await run_in_threadpool(_experiment, request, body)
    traces = [item.trace or _trace(experiment, item) for item in body.items]
    for trace in traces:
        trace.project_name = trace.project_name or body.project_name or experiment.project
    await taking.announce(request, traces)
    await _store(request, body, experiment, traces)
    return wire.nothing()


async def _store(request: Request, body: Bulk, experiment: Experiment, traces: Sequence[NewTrace]) -> None:
    seed = blake2b(dump(body.model_dump(mode="json")).encode()).digest()
    made: list[Write] = []
    links: list[Item] = []
    records: list[LogRecord] = []
    for number, (item, trace) in enumerate(zip(body.items, traces, strict=True)):
        pointer, moment = f"/items/{number}", moments.nanoseconds(moments.text(trace.start_time))
        identity = trace.id or _id(moment, seed, number, "trace")
        made.append(writes.of_trace(identity, trace, f"{pointer}/trace"))
        for place, span in enumerate(item.spans):
            span.trace_id = identity
            span.project_name = span.project_name or trace.project_name
            given = span.id or _id(moment, seed, number, f"span {place}")
            made.append(writes.of_span(given, span, f"{pointer}/spans/{place}"))
        record_id = ids.valid(item.dataset_item_id, f"{pointer}/dataset_item_id")
        item_id = _id(moment, identity.encode(), 0, f"{experiment.experiment_id} {record_id}")
        links.append(Item(item_id, experiment.experiment_id, record_id, identity))
        records += [scores.record("trace", identity, score) for score in item.feedback_scores]
    if records:
        await scores.store(request, records, [link.trace for link in links])
    await recorder(request).record(made, links)


def _trace(experiment: Experiment, item: BulkItem) -> NewTrace:
    """The trace of a bare result: nothing is known of its times, so that it begins and ends with the
    experiment's beginning."""
    try:
        moment = moments.of_id(moments.timed(experiment.experiment_id, ""))
    except UsageError:
        moment = int(experiment.created_at.timestamp() * 1000) * 1_000_000
    started = datetime.fromtimestamp(moment / 1e9, UTC)
    return NewTrace(
        name="evaluation_task", start_time=started, end_time=started, output=item.evaluate_task_result,
        source="experiment",
    )  # fmt: skip


def _experiment(request: Request, body: Bulk) -> Experiment:
    """Raises NotFoundError where the id is none; UsageError where neither id nor name tells one."""
    experiments = catalog(request).experiments
    if body.experiment_id:
        return experiments.get(ids.valid(body.experiment_id, "/experiment_id"))
    found = experiments.find(experiment=body.experiment_name, limit=2).items
    if not body.experiment_name or len(found) != 1:
        raise UsageError(
            f"experiment_name={body.experiment_name!r} does not name one experiment; give experiment_id.",
            pointer="/experiment_id",
        )
    return found[0]


def _id(moment: int, seed: bytes, number: int, what: str) -> str:
    """A UUID of version 7 of that time, the same for the same request."""
    digest = blake2b(seed + f"{number} {what}".encode(), digest_size=10).digest()
    random = int.from_bytes(digest)
    time = moment // 1_000_000
    made = (time << 80) | (0x7 << 76) | ((random >> 68) & 0xFFF) << 64 | (0b10 << 62)
    return str(uuid.UUID(int=made | (random & ((1 << 62) - 1))))


OPERATIONS = (
    Operation(
        "PUT", "/v1/private/experiments/items/bulk", "Write items with their traces, spans and scores.",
        upload, body=Bulk, status=204, refusals=(400, 404, 413),
    ),
)  # fmt: skip
