"""Requests as real senders write them: where the coverage-guided search begins."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Iterator
from typing import Any, Final, cast

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from evalspan import attributes as names
from evalspan.ingest import Signal
from evalspan.ingest.dialect import At, Dialect, Flat, Made
from evalspan.ingest.plan import dialects
from ingest.build import START, event, log, logs, metrics, span, traces

_IDS: Final = ("traceId", "spanId", "parentSpanId")
STATED: Final = frozenset({names.STATED_END_TIME, names.STATED_EVENT_TIME, names.STATED_SEVERITY})
"""Attributes that the ingest itself writes."""


def attribute_names() -> list[str]:
    """Every attribute that means something to the ingest."""
    found = {
        value
        for name, value in vars(names).items()
        if isinstance(value, str) and "." in value and not name.startswith("_")
    }
    return sorted(found.union(*map(_names, dialects())) - STATED)


def _names(dialect: Dialect) -> set[str]:
    """The attributes of one dialect."""
    found = {mark + "x" if mark.endswith(".") else mark for mark in dialect.marks}
    for source in (source for sources in dialect.fields.values() for source in sources):
        match source:
            case str():
                found.add(source)
            case At():
                found.add(source.key)
            case Flat():
                found |= {source.prefix + end for end in ("0.role", "0.message.content", "1", "")}
            case Made():
                found |= {need for need in source.needs if not need.startswith("@")}
    return found


def dialect_lines() -> Iterator[bytes]:
    """Lines `key=value`, with all that one dialect knows."""
    for dialect in dialects():
        marks = [mark.removesuffix(".") + ".x" if mark.endswith(".") else mark for mark in dialect.marks]
        kinds = [*dialect.span_types, ""][:1] * len(marks)
        pairs = [*zip(marks, kinds, strict=True), *((name, "7") for name in sorted(_names(dialect)))]
        yield "\n".join(f"{key}={text}" for key, text in pairs).encode()


def requests(signal: Signal) -> list[Message]:
    """A few whole requests of one signal."""
    return {Signal.TRACES: _traces, Signal.LOGS: _logs, Signal.METRICS: _metrics}[signal]()


def _traces() -> list[Message]:
    ids: dict[str, Any] = {"trace_id": bytes(range(16)), "span_id": bytes(range(8))}
    told = [
        {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 7, "gen_ai.request.model": "gpt-4o"},
        {"openinference.span.kind": "LLM", "llm.input_messages.0.message.role": "user"},
        {"langfuse.observation.type": "generation", "langfuse.observation.usage_details": '{"input": 3}'},
        {"mlflow.spanType": '"LLM"', "mlflow.spanInputs": '{"q": [1, {"k": null}]}'},
        {"evalspan.experiment.name": "e", "evalspan.input": "q", "evalspan.run_iteration": 1},
        {"nested": {"a": [1, 2.5, None, b"\0", {"b": True}]}, "text": "é"},
    ]
    scored = event(
        "gen_ai.evaluation.result", {"gen_ai.evaluation.name": "s", "gen_ai.evaluation.score.value": 1.0}
    )
    one = span(told[4], events=[scored, event("exception", {"exception.type": "E"})], **ids)
    one.links.add(trace_id=b"\1" * 16, span_id=b"\2" * 8)
    return [traces(*(span(attributes, **ids) for attributes in told)), traces(one)]


def _logs() -> list[Message]:
    score = {names.EVALUATION_NAME: "s", names.EVALUATION_SCORE_VALUE: 0.5, names.EXPERIMENT_NAME: "e"}
    return [logs(log({"k": "v"}, severity_number=9), log(score, event_name=names.EVALUATION_RESULT))]


def _metrics() -> list[Message]:
    found = [Metric(name="g"), Metric(name="h"), Metric(name="e"), Metric(name="s")]
    point = found[0].gauge.data_points.add(time_unix_nano=START, as_double=0.5)
    point.exemplars.add(as_int=1, trace_id=b"\1" * 16, span_id=b"\2" * 8)
    found[1].histogram.data_points.add(
        time_unix_nano=START, count=2, bucket_counts=[1, 1], explicit_bounds=[5]
    )
    found[2].exponential_histogram.data_points.add(time_unix_nano=START, scale=2, zero_count=1)
    found[3].summary.data_points.add(time_unix_nano=START, count=1).quantile_values.add(quantile=0.5, value=1)
    return [metrics(*found)]


def form(message: Message) -> dict[str, Any]:
    """What a sender of OTLP/JSON writes: protobuf's JSON, but with ids in hex."""

    def hexed(node: Any) -> Any:
        if isinstance(node, list):
            return [hexed(item) for item in cast("list[Any]", node)]
        if not isinstance(node, dict):
            return node
        found = cast("dict[str, Any]", node)
        return {
            key: base64.b64decode(item).hex() if key in _IDS else hexed(item) for key, item in found.items()
        }

    return hexed(MessageToDict(message, use_integers_for_enums=True))


def bodies(signal: Signal) -> Iterator[bytes]:
    """The requests in protobuf."""
    return (message.SerializeToString() for message in requests(signal))


def texts(signal: Signal) -> Iterator[bytes]:
    """The requests in JSON."""
    return (json.dumps(form(message)).encode() for message in requests(signal))


def compressed() -> Iterator[bytes]:
    """Compressed bodies of every kind that is taken; the first byte says which."""
    body = next(bodies(Signal.LOGS))
    yield b"\0" + gzip.compress(body)
    yield b"\0" + gzip.compress(body) + gzip.compress(b"")
    yield b"\1" + zlib.compress(body)
    yield b"\1" + zlib.compress(body, wbits=-15)


def datadog_spans() -> Iterator[bytes]:
    """The span intake of ddtrace."""
    call = {
        "span_id": "7", "trace_id": "ab" * 16, "parent_id": "undefined", "name": "n", "start_ns": START,
        "duration": 5, "status": "error", "tags": ["experiment_id:e", "run_iteration:2", "retries:1", "x:y"],
        "meta": {
            "span": {"kind": "llm"}, "error": {"message": "m", "type": "builtins.E"}, "metadata": {"k": [1]},
            "input": {"messages": [{"role": "user", "content": "q", "tool_calls": [{"name": "f"}]}]},
            "output": {"value": "a"}, "model_name": "gpt-4o",
        },
        "metrics": {"input_tokens": 3, "output_tokens": 1.0, "input_cost": 1, "output_cost": 2.5},
    }  # fmt: skip
    case = {"span_id": "1", "start_ns": START, "meta": {"span": {"kind": "experiment"}, "input": {"q": 1}}}
    yield json.dumps([{"event_type": "span", "spans": [call, case]}]).encode()


def datadog_metrics() -> Iterator[bytes]:
    """The evaluation intake of ddtrace."""
    values: list[dict[str, Any]] = [
        {"metric_type": "score", "score_value": 0.5},
        {"metric_type": "categorical", "categorical_value": "good", "assessment": "pass"},
        {"metric_type": "boolean", "boolean_value": True, "error": {"message": "m"}},
        {"metric_type": "json", "json_value": {"k": [1]}, "metadata": {"n": 1, "deep": {"k": "v"}}},
    ]
    shared: dict[str, Any] = {
        "label": "l",
        "span_id": "5",
        "timestamp_ms": 1.5e12,
        "tags": ["run_iteration:2"],
    }
    metrics = [{**shared, **value} for value in values]
    yield json.dumps({"data": {"attributes": {"metrics": metrics}}}).encode()


def queries() -> Iterator[bytes]:
    """Searches."""
    yield b'status:error AND (score.accuracy:<0.5 OR -tag:"a b") @meta.k:[1 TO 5}'
    yield b"NOT input:*wor?d* latency:>=2s"


def statements() -> Iterator[bytes]:
    """SQL as ClickHouse formats it."""
    yield b"SELECT `a b`, 'it''s' FROM spans WHERE x = {y:String} FORMAT JSON"
    yield b"SHOW TABLES FROM evalspan LIKE 'x'"
