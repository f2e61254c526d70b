"""Metrics of the Experiments API and of ddtrace as `gen_ai.evaluation.result` log records.

A metric of an experiment carries the span that it judges but not the record: the views find the
record by the span, which may arrive later. Its trace id is left out, so that a metric with it and
one without it are the same score.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs

from evalspan import attributes as names
from evalspan.api.datadog import ids
from evalspan.api.datadog.events import MetricBody, MetricError, SubmittedMetric, tag_values
from evalspan.api.datadog.otlp import attributes
from evalspan.model import Json, dump

SUMMARY = "summary"
_RUN_TAGS = ("run_id", "run_iteration")


def of_experiment(
    bodies: Iterable[MetricBody], experiment_id: str, run_tags: Iterable[str]
) -> ExportLogsServiceRequest:
    """Metrics that were pushed to an experiment."""
    shared = tag_values(run_tags)
    return _request([_pushed(body, experiment_id, shared) for body in bodies])


def submitted(bodies: Iterable[SubmittedMetric]) -> ExportLogsServiceRequest:
    """Metrics of the evaluation intake, each of which names its span."""
    return _request([_submitted(body) for body in bodies])


def _request(records: list[LogRecord]) -> ExportLogsServiceRequest:
    scope = ScopeLogs(scope=InstrumentationScope(name="evalspan.api"), log_records=records)
    return ExportLogsServiceRequest(resource_logs=[ResourceLogs(scope_logs=[scope])])


def _pushed(body: MetricBody, experiment_id: str, shared: dict[str, str]) -> LogRecord:
    tags = tag_values(body.tags)
    run = {**shared, **{key: tags.pop(key) for key in _RUN_TAGS if key in tags}}
    iteration = run.get("run_iteration", "")
    summary = body.metric_source == SUMMARY or not body.span_id
    values = {
        names.EXPERIMENT_ID: experiment_id,
        names.RUN_ID: run.get("run_id"),
        names.RUN_ITERATION: int(iteration) if iteration.isdecimal() and len(iteration) < 10 else None,
        names.EVALUATION_SOURCE: SUMMARY if summary else "record",
        **_judgement(body, tags),
    }
    return _record(body, values, span_id=b"" if summary else ids.span_id(body.span_id))


def _submitted(body: SubmittedMetric) -> LogRecord:
    joined = body.join_on.span if body.join_on else body
    values = {
        names.EVALUATION_SOURCE: "record",
        **_judgement(body, tag_values(body.tags)),
    }
    return _record(body, values, span_id=ids.span_id(joined.span_id), trace_id=ids.trace_id(joined.trace_id))


def _record(body: MetricBody, values: dict[str, Any], span_id: bytes, trace_id: bytes = b"") -> LogRecord:
    now = time.time_ns()
    return LogRecord(
        time_unix_nano=now if body.timestamp_ms is None else int(body.timestamp_ms * 1_000_000),
        observed_time_unix_nano=now,
        event_name=names.EVALUATION_RESULT,
        span_id=span_id,
        trace_id=trace_id,
        attributes=attributes(values),
    )


def _judgement(body: MetricBody, tags: dict[str, str]) -> dict[str, Any]:
    error = body.error if isinstance(body.error, MetricError) else MetricError(message=body.error or "")
    score, label, json_text = _value(body)
    values: dict[str, Any] = {
        names.EVALUATION_NAME: body.label,
        names.EVALUATION_TYPE: "categorical" if body.metric_type == "text" else body.metric_type,
        names.EVALUATION_SCORE_VALUE: score,
        names.EVALUATION_SCORE_LABEL: label,
        names.EVALUATION_JSON: json_text,
        names.EVALUATION_EXPLANATION: body.reasoning,
        names.EVALUATION_ASSESSMENT: body.assessment,
        names.EVALUATOR_TYPE: body.eval_source_type,
        names.ERROR_TYPE: error.type.removeprefix("builtins."),
        names.EVALUATION_ERROR: error.message,
        names.EXCEPTION_STACKTRACE: error.stack,
        "datadog.evaluation.status": body.status,
    }
    values |= {names.EVALUATION_TAG_PREFIX + key: tag for key, tag in tags.items()}
    values |= {
        names.EVALUATION_METADATA_PREFIX + key: item
        if isinstance(item, str | bool | int | float)
        else dump(item)
        for key, item in body.metadata.items()
    }
    return values


def _value(body: MetricBody) -> tuple[float | None, str | None, str | None]:
    """(score, label, JSON)."""
    match body.metric_type:
        case "boolean":
            return (None if body.boolean_value is None else float(body.boolean_value)), None, None
        case "score":
            value = body.score_value
            return (value if value is not None and math.isfinite(value) else None), None, None
        case "json":
            return None, None, None if body.json_value is None else dump(body.json_value)
        case "categorical":
            return None, _label(body.categorical_value), None
        case "text":
            return None, body.text_value, None


def _label(value: Json) -> str | None:
    return value if value is None or isinstance(value, str) else dump(value)
