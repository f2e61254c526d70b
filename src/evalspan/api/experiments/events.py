"""`/experiments/{experiment_id}/events`: spans and metrics pushed to an experiment, and read back.

What is pushed goes the way of all telemetry: it becomes OTLP messages for the ingest.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from evalspan.api.datadog import metrics, spans
from evalspan.api.datadog.events import EventsBody
from evalspan.api.datadog.intake import ingest
from evalspan.api.datadog.lookup import lookup
from evalspan.api.envelope import Envelope, One, boolean, nothing, one, read_attributes, resource
from evalspan.api.operation import Operation, flag, text
from evalspan.api.scope import catalog, grant
from evalspan.errors import NotFoundError, UsageError
from evalspan.experiments import Experiment
from evalspan.ingest import Receipt, Signal
from evalspan.model import Json
from evalspan.store import sql


class EventMetric(BaseModel):
    """A score, with `{metric_type}_value`."""

    label: str
    metric_type: str
    score_value: float | None = None
    categorical_value: str | None = None
    boolean_value: bool | None = None
    json_value: Json = None
    timestamp_ms: int
    span_id: str
    trace_id: str
    run_iteration: int
    reasoning: str | None
    assessment: str | None
    status: str
    error: dict[str, str] | None
    tags: list[str]
    metadata: dict[str, str]


class EventSpan(BaseModel):
    """The execution of one record in one run."""

    span_id: str
    trace_id: str
    name: str
    start_ns: int
    duration: int
    status: str
    record_id: str
    run_iteration: int
    tags: list[str]
    meta: dict[str, Json]
    eval_metrics: list[EventMetric] = Field(default_factory=list[EventMetric])


class EventsAttributes(BaseModel):
    spans: list[EventSpan]
    summary_metrics: list[EventMetric]


async def push(request: Request) -> Response:
    body = await read_attributes(request, EventsBody)
    identity = request.path_params["experiment_id"]
    known, project = lookup(request), grant(request).project
    if await run_in_threadpool(known, identity) is None:
        raise NotFoundError(f"There is no experiment {identity!r}.")
    receipts: list[Receipt] = []
    if body.spans:
        message = await run_in_threadpool(spans.request, body.spans, known, identity, body.tags)
        receipts.append(await ingest(request).export(Signal.TRACES, message, project=project))
    if body.metrics:
        scores = metrics.of_experiment(body.metrics, identity, body.tags)
        receipts.append(await ingest(request).export(Signal.LOGS, scores, project=project))
    refused = [receipt.message for receipt in receipts if receipt.rejected]
    if refused:
        raise UsageError("; ".join(refused), pointer="/data/attributes")
    return nothing()


def pull(request: Request) -> Response:
    return _answer(request, catalog(request).experiments.get(request.path_params["experiment_id"]))


def pull_by_name(request: Request) -> Response:
    """The latest experiment of a name, unique or logical."""
    project = request.query_params.get("filter[project_name]", "")
    name = request.query_params.get("filter[experiment_name]", "")
    if not project or not name:
        raise UsageError("filter[project_name] and filter[experiment_name] are both needed.")
    projects = catalog(request).projects.find(name=project, limit=1).items
    if not projects:
        raise NotFoundError(f"There is no project {project!r}.")
    experiments, project_id = catalog(request).experiments, projects[0].project_id
    found = [
        *experiments.find(project_id=project_id, name=name, limit=1).items,
        *experiments.find(project_id=project_id, experiment=name, limit=1).items,
    ]
    if not found:
        raise NotFoundError(f"There is no experiment {name!r} in project {project!r}.")
    return _answer(request, max(found, key=lambda item: item.created_at))


def _answer(request: Request, experiment: Experiment) -> Response:
    store = catalog(request).store
    parameters = {"experiment_id": experiment.experiment_id}
    with_scores = boolean(request, "include[eval_metrics]", True)
    found = store.query(sql("queries/event_metrics"), parameters) if with_scores else []
    judged: defaultdict[str, list[EventMetric]] = defaultdict(list)
    for row in found:
        judged[row["span_id"] if row["source"] == "record" else ""].append(_metric(row))
    rows = store.query(sql("queries/event_spans"), parameters)
    attributes = EventsAttributes(
        spans=[_span(row, judged.get(row["span_id"], [])) for row in rows],
        summary_metrics=judged.get("", []),
    )
    return one(resource("experiment_events", experiment.experiment_id, attributes.model_dump(mode="json")))


def _span(row: dict[str, Any], scores: list[EventMetric]) -> EventSpan:
    failed = row["status"] == "error"
    error = {"message": row["error"], "type": row["error_type"], "stack": row["stack"]} if failed else {}
    tags = {
        "dataset_record_id": row["record_id"],
        "run_iteration": row["run_iteration"],
        "run_id": row["run_id"],
    }
    return EventSpan(
        **{name: row[name] for name in ("span_id", "trace_id", "name", "record_id", "run_iteration")},
        start_ns=row["start_ns"],
        duration=row["duration_ns"],
        status="error" if failed else "ok",
        tags=[*(f"{key}:{value}" for key, value in tags.items() if value), *row["tags"]],
        meta={
            "input": _json(row["input"]),
            "output": _json(row["output"]),
            "expected_output": _json(row["expected_output"]),
            "metadata": {
                key: _typed(value, row["metadata_types"].get(key, ""))
                for key, value in row["metadata"].items()
            },
            "error": error,
        },
        eval_metrics=scores,
    )


def _metric(row: dict[str, Any]) -> EventMetric:
    failure = {"message": row["error"], "type": row["error_type"]}
    failed = any(failure.values())
    score = row["score_value"]
    return EventMetric(
        label=row["name"],
        metric_type=row["type"],
        score_value=score if row["type"] == "score" else None,
        boolean_value=bool(score) if row["type"] == "boolean" and score is not None else None,
        categorical_value=row["label_value"],
        json_value=_json(row["json_value"] or ""),
        timestamp_ms=row["timestamp_ms"],
        span_id=row["span_id"],
        trace_id=row["trace_id"],
        run_iteration=row["run_iteration"],
        reasoning=row["explanation"] or None,
        assessment=row["assessment"] or None,
        status="ERROR" if failed else "OK",
        error=failure if failed else None,
        tags=[f"{key}:{value}" for key, value in row["tags"].items()],
        metadata=row["metadata"],
    )


def _typed(written: str, kind: str) -> Json:
    """A value of metadata: objects and lists travel as JSON text in an attribute of type string."""
    return _json(written) if kind or written[:1] in ("{", "[") or written == "null" else written


def _json(written: str) -> Json:
    try:
        return json.loads(written) if written else None
    except ValueError:  # written by another program as plain text
        return written


OPERATIONS = (
    Operation(
        "POST", "/experiments/{experiment_id}/events", "Push spans and metrics.", push,
        body=Envelope[EventsBody], refusals=(400, 404),
    ),
    Operation(
        "GET", "/experiments/{experiment_id}/events", "Read its executions and scores, of all runs.", pull,
        (flag("include[eval_metrics]"),), answer=One[EventsAttributes], refusals=(400, 404),
    ),
    Operation(
        "GET", "/experiments/events", "The same of the latest experiment of a name.", pull_by_name,
        (
            text("filter[project_name]", required=True),
            text("filter[experiment_name]", required=True),
            flag("include[eval_metrics]"),
        ),
        answer=One[EventsAttributes], refusals=(400, 404),
    ),
)  # fmt: skip
