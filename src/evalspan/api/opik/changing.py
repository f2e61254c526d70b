"""Changes of an experiment: what a PATCH gives, its end, and scores of the whole, which become
evaluations of their own (source `summary`)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from evalspan import attributes as names
from evalspan.api.datadog.otlp import attributes
from evalspan.api.opik.author import author
from evalspan.api.opik.experiment import OWN, STATUSES, ExperimentPatch, Score, Status, own, split
from evalspan.api.opik.wire import Body, nothing, read
from evalspan.api.scope import catalog, grant
from evalspan.errors import ConflictError, UsageError
from evalspan.experiments import Experiment
from evalspan.experiments.entity import now
from evalspan.ingest import Ingest, Signal

AUTHORS: Final = ("created_by", "last_updated_by")
_MAX_TAGS: Final = 50


class ExperimentIds(Body):
    ids: list[str] = Field(min_length=1, max_length=1000)


class Batch(Body):
    ids: list[str] = Field(min_length=1, max_length=1000)
    update: ExperimentPatch
    merge_tags: bool = False


async def update(request: Request) -> Response:
    body = await read(request, ExperimentPatch)
    await _change(request, request.path_params["id"], body)
    return nothing()


async def update_many(request: Request) -> Response:
    body = await read(request, Batch)
    patch = body.update
    if body.merge_tags and patch.tags is not None:
        patch = patch.model_copy(update={"tags": None, "tags_to_add": patch.tags})
    for identity in body.ids:
        await _change(request, identity, patch)
    return nothing()


async def finish(request: Request) -> Response:
    return await _end(request, "completed")


async def cancel(request: Request) -> Response:
    return await _end(request, "cancelled")


async def _end(request: Request, status: Status) -> Response:
    body = await read(request, ExperimentIds)
    for identity in body.ids:
        await _change(request, identity, ExperimentPatch(status=status))
    return nothing()


async def _change(request: Request, identity: str, patch: ExperimentPatch) -> None:
    await run_in_threadpool(_update, request, identity, patch)
    await send_scores(request, identity, patch.experiment_scores or [])


def _update(request: Request, identity: str, patch: ExperimentPatch) -> None:
    experiments = catalog(request).experiments
    with experiments.changing(identity):
        experiment = experiments.get(identity)
        given = _given(experiment, patch, author(request))
        try:
            experiments.update(identity, name=patch.name, **given)
        except ConflictError:  # the name is another's, which Opik allows
            experiments.update(identity, name=f"{patch.name}-{identity[-8:]}", **given)


def _given(experiment: Experiment, patch: ExperimentPatch, by: str) -> dict[str, Any]:
    """What the patch makes of our entity's fields; None where it leaves one alone."""
    kept = {**own(experiment), "last_updated_by": by}
    metadata = None
    if patch.metadata is not None:
        metadata, rest = split(patch.metadata)
        kept = {name: value for name, value in kept.items() if name != "metadata"} | rest
    if patch.status is not None and patch.status != "running":
        kept["finished_at"] = now().isoformat()
    kept |= patch.model_dump(include={"type", "experiment_scores"}, exclude_none=True)
    return {
        "experiment": patch.name,
        "status": STATUSES[patch.status] if patch.status else None,
        "metadata": metadata,
        "tags": _tags(experiment.tags, patch),
        "config": {**experiment.config, OWN: kept},
    }


def _tags(before: Sequence[str], patch: ExperimentPatch) -> list[str] | None:
    if patch.tags is None and not patch.tags_to_add and not patch.tags_to_remove:
        return None
    wanted = list(before if patch.tags is None else patch.tags)
    removed = set(patch.tags_to_remove or ())
    wanted = list(
        dict.fromkeys([*(each for each in wanted if each not in removed), *(patch.tags_to_add or ())])
    )
    if len(wanted) > _MAX_TAGS:
        raise UsageError(f"There would be {len(wanted)} tags; {_MAX_TAGS} at most.", pointer="/tags_to_add")
    return wanted


async def send_scores(request: Request, identity: str, scores: Sequence[Score]) -> None:
    """Scores of the whole experiment, as evaluations."""
    if not scores:
        return
    records = [_record(identity, each) for each in scores]
    scope = ScopeLogs(scope=InstrumentationScope(name="evalspan.api.opik"), log_records=records)
    message = ExportLogsServiceRequest(resource_logs=[ResourceLogs(scope_logs=[scope])])
    ingest: Ingest = request.app.state.ingest
    receipt = await ingest.export(Signal.LOGS, message, project=grant(request).project)
    if receipt.rejected:
        raise UsageError(receipt.message, pointer="/experiment_scores")


def _record(identity: str, score: Score) -> LogRecord:
    moment = time.time_ns()
    values = {
        names.EXPERIMENT_ID: identity,
        names.EVALUATION_SOURCE: "summary",
        names.EVALUATION_NAME: score.name,
        names.EVALUATION_TYPE: "score",
        names.EVALUATION_SCORE_VALUE: score.value,
    }
    return LogRecord(
        time_unix_nano=moment,
        observed_time_unix_nano=moment,
        event_name=names.EVALUATION_RESULT,
        attributes=attributes(values),
    )
