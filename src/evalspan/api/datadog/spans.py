"""Spans of the Experiments API and of ddtrace as OTLP spans.

The standard tags (experiment_id, run_iteration, ...) become attributes; what remains of a case's
tags are the tags of its record and experiment. A record's tag may have replaced a standard one of
the same name, since ddtrace merges them: nothing here can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, cast

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from evalspan import attributes as names
from evalspan.api.datadog import ids
from evalspan.api.datadog.events import SpanBody, tag_values
from evalspan.api.datadog.messages import messages
from evalspan.api.datadog.otlp import attributes
from evalspan.experiments import Experiment
from evalspan.ingest.dialect import amount
from evalspan.model import Json, dump

Lookup = Callable[[str], Experiment | None]
"""The experiment of an id, where there is one."""

_TYPES: Final = {
    "experiment": names.CASE,
    "llm": names.LLM,
    "workflow": names.WORKFLOW,
    "agent": names.AGENT,
    "tool": names.TOOL,
    "task": names.TASK,
    "retrieval": names.RETRIEVER,
    "embedding": names.EMBEDDING,
}
_OPERATIONS: Final = {names.LLM: "chat", names.EMBEDDING: "embeddings"}
_STANDARD: Final = frozenset(
    {
        "agent_service", "ml_app", "service", "language", "source", "ddtrace.version", "error", "error_type",
        "experiment_id", "experiment_name", "run_id", "run_iteration", "project_id", "project_name",
        "dataset_id", "dataset_name", "dataset_record_id", "dataset_record_canonical_id", "retries",
        "git.commit.sha", "git.repository_url", "parent_experiment_span_id", "session_id", "integration",
    }
)  # fmt: skip
_USAGE: Final = {
    "input_tokens": names.USAGE_INPUT_TOKENS,
    "output_tokens": names.USAGE_OUTPUT_TOKENS,
    "cache_read_input_tokens": names.USAGE_CACHE_READ_TOKENS,
    "cache_write_input_tokens": names.USAGE_CACHE_WRITE_TOKENS,
    "reasoning_output_tokens": names.USAGE_REASONING_TOKENS,
}
_PARAMETERS: Final = {
    "temperature": names.REQUEST_TEMPERATURE,
    "max_tokens": names.REQUEST_MAX_TOKENS,
    "top_p": names.REQUEST_TOP_P,
}


def request(
    bodies: Iterable[SpanBody], lookup: Lookup, experiment_id: str = "", run_tags: Iterable[str] = ()
) -> ExportTraceServiceRequest:
    """The spans as one export request.

    Args:
        experiment_id: of all of them, where the path says it.
        run_tags: tags of all of them.
    """
    shared = list(run_tags)
    groups: dict[bytes, ResourceSpans] = {}
    for body in bodies:
        tags = tag_values([*shared, *body.tags])
        if experiment_id:
            tags["experiment_id"] = experiment_id
        resource = _resource(body, tags)
        key = resource.SerializeToString(deterministic=True)
        scope = InstrumentationScope(name="ddtrace.llmobs" if "ddtrace.version" in tags else "evalspan.api")
        group = groups.setdefault(
            key, ResourceSpans(resource=resource, scope_spans=[ScopeSpans(scope=scope)])
        )
        group.scope_spans[0].spans.append(_span(body, tags, lookup))
    return ExportTraceServiceRequest(resource_spans=groups.values())


def _resource(body: SpanBody, tags: dict[str, str]) -> Resource:
    sdk = "ddtrace" if "ddtrace.version" in tags else ""
    return Resource(
        attributes=attributes(
            {
                names.SERVICE_NAME: body.service or tags.get("service") or tags.get("ml_app"),
                "service.version": tags.get("version") if sdk else "",
                "deployment.environment.name": tags.get("env") if sdk else "",
                "telemetry.sdk.name": sdk,
                "telemetry.sdk.version": tags.get("ddtrace.version"),
                "telemetry.sdk.language": tags.get("language") if sdk else "",
            }
        )
    )


def _span(body: SpanBody, tags: dict[str, str], lookup: Lookup) -> Span:
    error = _object(body.meta.get("error"))
    failed = body.status.lower() == "error" or bool(error.get("message"))
    span_type = _span_type(body)
    is_case = span_type == names.CASE
    values = {
        names.SPAN_TYPE: span_type,
        **_identity(tags),
        **(_case(body, tags, lookup, failed) if is_case else _work(body, span_type)),
        names.SESSION_ID: body.session_id or tags.get("session_id"),
    }
    values["datadog.tags"] = list(body.tags) or None
    start = int(body.start_ns)
    span = Span(
        trace_id=ids.trace_id(body.trace_id) or ids.trace_id(f"trace of span {body.span_id}"),
        span_id=ids.span_id(body.span_id),
        parent_span_id=ids.span_id(body.parent_id),
        name=body.name or span_type.lower(),
        kind=Span.SPAN_KIND_CLIENT if span_type in _OPERATIONS else Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=start,
        end_time_unix_nano=start + int(body.duration),
    )
    if failed:
        _fail(span, error, values)
    span.attributes.extend(attributes(values))
    return span


def _span_type(body: SpanBody) -> str:
    kind = _object(body.meta.get("span")).get("kind") or body.meta.get("span.kind") or ""
    if not kind and not ids.span_id(body.parent_id):
        return names.CASE
    return _TYPES.get(str(kind).lower(), names.OTHER)


def _identity(tags: dict[str, str]) -> dict[str, Any]:
    iteration = tags.get("run_iteration", "")
    return {
        names.EXPERIMENT_ID: tags.get("experiment_id"),
        names.TEST_SUITE_RUN_ID: tags.get("experiment_id"),
        names.RUN_ID: tags.get("run_id"),
        names.RUN_ITERATION: _small(iteration),
        names.RECORD_ID: tags.get("dataset_record_canonical_id") or tags.get("dataset_record_id"),
    }


def _case(body: SpanBody, tags: dict[str, str], lookup: Lookup, failed: bool) -> dict[str, Any]:
    experiment = lookup(tags.get("experiment_id", ""))
    name = experiment.experiment if experiment else tags.get("experiment_name")
    meta = body.meta
    output = meta.get("output")
    values: dict[str, Any] = {
        names.PROJECT_NAME: experiment.project if experiment else tags.get("project_name"),
        names.EXPERIMENT_NAME: name,
        names.TEST_SUITE_NAME: name,
        names.DATASET_ID: body.dataset_id or tags.get("dataset_id") or (experiment and experiment.dataset_id),
        names.DATASET_NAME: (experiment and experiment.dataset) or tags.get("dataset_name"),
        names.DATASET_VERSION: experiment.dataset_version if experiment else None,
        names.INPUT: dump(meta.get("input")),
        # ddtrace writes {} where a task that failed has no output.
        names.OUTPUT: dump(None if failed and output == {} else output),
        names.EXPECTED_OUTPUT: dump(meta.get("expected_output")),
        names.TAGS: [tag for tag in body.tags if not _is_standard(tag)],
        names.RETRIES: _small(tags.get("retries", "")),
    }
    for key, value in _object(meta.get("metadata")).items():
        values[names.METADATA_PREFIX + key] = _scalar(value)
    return values


def _work(body: SpanBody, span_type: str) -> dict[str, Any]:
    """What a span below a case did."""
    meta, metrics = body.meta, body.metrics
    values: dict[str, Any] = {
        names.OPERATION_NAME: _OPERATIONS.get(span_type),
        names.REQUEST_MODEL: meta.get("model_name"),
        names.PROVIDER_NAME: meta.get("model_provider"),
        names.USAGE_COST: _cost(metrics),
        names.RESPONSE_TIME_TO_FIRST_CHUNK: metrics.get("time_to_first_token"),
        names.USAGE_TOTAL_TOKENS: metrics.get("total_tokens"),
        **{name: metrics.get(key) for key, name in _USAGE.items()},
    }
    for key, name, field in (
        (names.INPUT_MESSAGES, names.INPUT, "input"),
        (names.OUTPUT_MESSAGES, names.OUTPUT, "output"),
    ):
        content = meta.get(field)
        found = _object(content)
        if "messages" in found:
            values[key] = dump(messages(found["messages"]))
        elif content not in (None, {}):
            values[name] = _text(found.get("value", found.get("documents", content)))
    for key, value in _object(meta.get("metadata")).items():
        values[_PARAMETERS.get(key, f"datadog.metadata.{key}")] = _scalar(value)
    return values


def _is_standard(tag: str) -> bool:
    """Whether ddtrace gave a case the tag. `env:` and `version:` are there even where they are empty,
    and people tag records by them."""
    return tag in ("env:", "version:") or tag.partition(":")[0] in _STANDARD


def _cost(metrics: dict[str, Json]) -> Json:
    if metrics.get("total_cost") is not None:
        return metrics["total_cost"]
    input, output = amount(metrics.get("input_cost")), amount(metrics.get("output_cost"))
    return None if input is None or output is None else input + output


def _fail(span: Span, error: dict[str, Json], values: dict[str, Any]) -> None:
    kind = str(error.get("type") or "").removeprefix("builtins.")
    message = str(error.get("message") or kind or "error")
    values[names.ERROR_TYPE] = kind
    span.status.code = Status.STATUS_CODE_ERROR
    span.status.message = message
    event = span.events.add(name=names.EXCEPTION_EVENT, time_unix_nano=span.end_time_unix_nano)
    described = {
        names.EXCEPTION_TYPE: kind,
        names.EXCEPTION_MESSAGE: message,
        names.EXCEPTION_STACKTRACE: str(error.get("stack") or ""),
    }
    event.attributes.extend(attributes(described))


def _small(tag: str) -> int | None:
    """A count that is written in a tag."""
    return int(tag) if tag.isdecimal() and len(tag) < 10 else None


def _object(value: Json) -> dict[str, Json]:
    return cast("dict[str, Json]", value) if isinstance(value, dict) else {}


def _scalar(value: Json) -> Json:
    return value if isinstance(value, str | bool | int | float) else dump(value)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else dump(value)
