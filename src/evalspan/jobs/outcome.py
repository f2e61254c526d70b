"""What an item came to, as telemetry: the attributes of its spans and the events of its scores."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from evalspan import attributes as names
from evalspan.experiments import rows
from evalspan.experiments.evaluator_versions import EvaluatorVersion
from evalspan.jobs.entry import Entry
from evalspan.jobs.job import Job, root_span_id
from evalspan.judges import Verdict, result_attributes
from evalspan.model import Json, Record, dump


def ids(job: Job, record_id: str, run_iteration: int) -> dict[str, Any]:
    """What stands on everything of one item."""
    run = uuid.uuid5(uuid.NAMESPACE_OID, f"{job.experiment_id}/{run_iteration}")
    return {
        names.EXPERIMENT_ID: job.experiment_id,
        names.TEST_SUITE_RUN_ID: job.experiment_id,
        names.RUN_ID: str(run),
        names.RUN_ITERATION: run_iteration,
        names.TEST_CASE_RUN_ATTEMPT: run_iteration,
        names.RECORD_ID: record_id,
        names.TEST_CASE_ID: record_id,
    }


def case(job: Job, record: Record, entry: Entry) -> dict[str, Any]:
    """What stands on the root span beside the ids, but for the output."""
    values: dict[str, Any] = {
        names.SPAN_TYPE: names.CASE,
        names.PROJECT_NAME: job.project,
        names.EXPERIMENT_NAME: job.name,
        names.TEST_SUITE_NAME: job.name,
        names.DATASET_ID: job.dataset_id,
        names.DATASET_NAME: job.dataset,
        names.DATASET_VERSION: job.dataset_version,
        names.INPUT: dump(record.input if entry.input is None else entry.input),
        names.TAGS: [*job.tags, *record.tags],
    }
    if record.expected_output is not None:
        values[names.EXPECTED_OUTPUT] = dump(record.expected_output)
    values |= _below(names.METADATA_PREFIX, metadata(record, entry))
    return values | _below(names.EXPERIMENT_METADATA_PREFIX, job.metadata)


def metadata(record: Record, entry: Entry) -> dict[str, Json]:
    """The record's, and what was handed in beside an output."""
    return {**rows.metadata(record), **entry.metadata}


def evaluator_input(job: Job, evaluator: EvaluatorVersion) -> str:
    """What the span of an evaluator gives as its input; what it judges stands on the root span."""
    return dump(
        {
            "experiment_id": job.experiment_id,
            "dataset_id": job.dataset_id,
            "evaluator_id": evaluator.evaluator_id,
            "evaluator_slug": evaluator.slug,
        }
    )


def verdict_output(evaluator: EvaluatorVersion, verdict: Verdict) -> dict[str, Json]:
    """What the span of an evaluator gives as its output."""
    found = verdict.model_dump(include={"primary_score", "passed", "explanation", "error"})
    value = {"value": verdict.value, "score_value_type": evaluator.score_value_type}
    more = {
        "evaluator_id": evaluator.evaluator_id,
        "evaluator_name": evaluator.name,
        "version": evaluator.label,
    }
    return {evaluator.slug: {**more, **value, **found}}


def scores(
    job: Job, entry: Entry, verdicts: Sequence[tuple[EvaluatorVersion, Verdict]]
) -> ExportLogsServiceRequest:
    """The scores of one item."""
    identity = entry.trace(job)
    shared = {
        **ids(job, entry.record_id, entry.run_iteration),
        names.PROJECT_NAME: job.project,
        names.EVALUATION_SOURCE: "record",
    }
    records = [
        _record(identity, {**shared, **result_attributes(evaluator, verdict)})
        for evaluator, verdict in verdicts
    ]
    resource = Resource(attributes=_attributes({names.SERVICE_NAME: "evalspan"}))
    scope = ScopeLogs(scope=InstrumentationScope(name="evalspan.jobs"), log_records=records)
    return ExportLogsServiceRequest(resource_logs=[ResourceLogs(resource=resource, scope_logs=[scope])])


def _record(identity: str, values: Mapping[str, Any]) -> LogRecord:
    now = time.time_ns()
    return LogRecord(
        time_unix_nano=now,
        observed_time_unix_nano=now,
        event_name=names.EVALUATION_RESULT,
        trace_id=bytes.fromhex(identity),
        span_id=bytes.fromhex(root_span_id(identity)),
        attributes=_attributes(values),
    )


def _attributes(values: Mapping[str, Any]) -> list[KeyValue]:
    return [
        KeyValue(key=key, value=_value(value))
        for key, value in values.items()
        if value is not None and (value != "" or key == names.EVALUATION_SCORE_LABEL)
    ]


def _value(value: Any) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int() if -(2**63) <= value < 2**63:
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case _:
            return AnyValue(string_value=str(value).encode("utf-8", "replace").decode())


def _below(prefix: str, metadata: Mapping[str, Json]) -> dict[str, Any]:
    return {
        prefix + key: value if isinstance(value, str | bool | int | float) else dump(value)
        for key, value in metadata.items()
        if value is not None
    }
