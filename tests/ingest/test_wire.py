"""Bytes that are not what they should be: an error that says so, and never another one."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from evalspan.ingest import Signal, Undecodable, otlp_json, wire
from evalspan.ingest.receipt import Findings
from ingest.build import Service, event, log, logs, metrics, span, trace_id, traces, value

whole = traces(
    span({"s": "text", "n": 1, "list": [1, {"k": b"\0"}]}, events=[event("e", {"k": "v"})]), span()
).SerializeToString()
form = {
    "resourceSpans": [
        {
            "resource": {"attributes": [{"key": "k", "value": {"stringValue": "v"}}]},
            "scopeSpans": [
                {"spans": [{"traceId": "01" * 16, "spanId": "02" * 8, "links": [{"traceId": "03"}]}]}
            ],
        }
    ]
}


@given(st.data())
def test_any_damage_to_protobuf_is_undecodable_or_survived(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(whole) - 1))
    damage = data.draw(st.binary(max_size=6))
    with contextlib.suppress(Undecodable):
        wire.parse(Signal.TRACES, whole[:at] + damage + whole[at + len(damage) :], Findings())


@given(st.data())
def test_any_damage_to_json_is_undecodable_or_survived(data: st.DataObject) -> None:
    text = json.dumps(form).encode()
    at = data.draw(st.integers(0, len(text) - 1))
    damage = data.draw(st.binary(max_size=6))
    with contextlib.suppress(Undecodable):
        otlp_json.parse(Signal.TRACES, text[:at] + damage + text[at + len(damage) :], Findings())


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "resourceSpans",
                        "scopeSpans",
                        "spans",
                        "traceId",
                        "attributes",
                        "key",
                        "value",
                        "resource",
                    ]
                ),
                inner,
            )
        ),
    )
)
def test_any_other_json_is_undecodable_or_survived(anything: object) -> None:
    with contextlib.suppress(Undecodable):
        otlp_json.parse(Signal.TRACES, json.dumps(anything).encode(), Findings())


@pytest.mark.parametrize("signal", Signal)
def test_items_are_salvaged_in_every_signal(signal: Signal) -> None:
    requests = {
        Signal.TRACES: traces(span(name="good"), span(name="break me")),
        Signal.LOGS: logs(log(event_name="good"), log(event_name="break me")),
        Signal.METRICS: metrics(Metric(name="good"), Metric(name="break me")),
    }
    findings = Findings()
    body = requests[signal].SerializeToString().replace(b"break me", b"\xff" * 8)
    assert b"good" in wire.parse(signal, body, findings).SerializeToString()
    assert findings.rejected.total() == 1


def field(number: int, content: bytes) -> bytes:
    """A length-delimited field, which protobuf's own classes would not nest so deep."""
    size, tail = len(content), b""
    while size > 0x7F:
        tail += bytes([size & 0x7F | 0x80])
        size >>= 7
    return bytes([number << 3 | 2]) + tail + bytes([size]) + content


def raw_nested(levels: int) -> bytes:
    """An AnyValue: lists in lists."""
    raw = field(5, b"")
    for _ in range(levels):
        raw = field(5, field(1, raw))
    return raw


def nested(levels: int) -> Any:
    deep: Any = []
    for _ in range(levels):
        deep = [deep]
    return deep


@pytest.mark.parametrize(
    ("levels", "kept"),
    [
        (40, ["deep", "fine"]),
        (48, ["deep", "fine"]),  # two messages a level: the span parses, and no longer in its request
        (200, ["fine"]),
    ],
)
async def test_a_value_that_is_nested_too_deep_costs_its_span_at_most(
    service: Service, levels: int, kept: list[str]
) -> None:
    deep, fine = span(name="deep"), span(name="fine", trace_id=trace_id())
    attribute = field(1, b"nested") + field(2, raw_nested(levels))
    spans = field(2, deep.SerializeToString() + field(9, attribute)) + field(2, fine.SerializeToString())
    body = field(1, field(2, spans))
    receipt = await service.ingest.export(Signal.TRACES, body)
    assert (receipt.accepted, receipt.rejected) == (len(kept), 2 - len(kept))
    assert service.span_row(fine)["name"] == "fine"
    assert service.count("spans_data", [deep.trace_id]) == ("deep" in kept)


@pytest.mark.parametrize("levels", [40, 47])
async def test_a_log_record_may_be_nested_deep(service: Service, levels: int) -> None:
    record = log(body=value(nested(levels)), trace_id=trace_id(), span_id=b"\1" * 8)
    receipt = await service.ingest.export(Signal.LOGS, logs(record).SerializeToString())
    assert receipt.accepted == 1
    row = service.one("logs_data", record.trace_id, record.span_id)
    assert row["body"].count("[") == levels + 1


def test_a_broken_resource_costs_its_own_spans_only() -> None:
    request = traces(span(), span(), resource={"service.name": "break me"})
    request.MergeFrom(traces(span(name="good")))
    findings = Findings()
    kept = wire.parse(Signal.TRACES, request.SerializeToString().replace(b"break me", b"\xff" * 8), findings)
    assert [group.scope_spans[0].spans[0].name for group in kept.resource_spans] == ["good"]
    assert findings.rejected.total() == 2
