"""OTLP of every shape: each item is stored whole or rejected with a reason, in either encoding."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from evalspan.ingest import Signal, values
from fuzz import messages, seeds
from fuzz.conftest import Served
from fuzz.decoding import decoded, written
from ingest.build import logs, metrics, traces

PROTOBUF = {"content-type": "application/x-protobuf"}


def storable(span: Span) -> bool:
    """What the specification says of ids, and the column of time."""
    ids = len(span.trace_id) == 16 and any(span.trace_id) and len(span.span_id) == 8 and any(span.span_id)
    return ids and 0 < span.start_time_unix_nano < 2**63


def meant(items: Iterable[KeyValue]) -> dict[str, tuple[str, str]]:
    """Attributes as their sender meant them: of a repeated key the last."""
    return {item.key: values.encode(item.value) for item in items}


def kept(
    texts: Mapping[str, str], types: Mapping[str, str], row: Mapping[str, Any]
) -> dict[str, tuple[str, str]]:
    """Attributes as they come back from the store, less those that the ingest added."""
    back = meant(values.decode_all(texts, types, row))
    return {key: value for key, value in back.items() if key not in seeds.STATED}


@given(spans=st.lists(messages.spans, min_size=1, max_size=4), shared=messages.attributes)
@settings(max_examples=30)
def test_every_span_is_stored_with_all_its_attributes_or_counted_as_rejected(
    served: Served, spans: list[Span], shared: list[KeyValue]
) -> None:
    request = traces(*spans, resource={})
    request.resource_spans[0].resource.attributes.extend(shared)
    answer = served.client.post("/v1/traces", content=request.SerializeToString(), headers=PROTOBUF)
    assert answer.status_code == 200, answer.content
    good = {(span.trace_id.hex(), span.span_id.hex()): span for span in spans if storable(span)}
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert partial.rejected_spans == sum(not storable(span) for span in spans)
    rows = served.rows("spans_data", [span.trace_id for span in good.values()])
    assert sorted((row["trace_id"], row["span_id"]) for row in rows) == sorted(good)
    for row in rows:
        span = good[row["trace_id"], row["span_id"]]
        assert kept(row["attributes"], row["attribute_types"], row) == meant(span.attributes)
        assert kept(row["resource_attributes"], row["resource_attribute_types"], {}) == meant(
            [*request.resource_spans[0].resource.attributes]
        )
        for event, stored in zip(span.events, row["events"], strict=True):
            assert kept(stored["attributes"], stored["attribute_types"], {}) == meant(event.attributes)
        for link, stored in zip(span.links, row["links"], strict=True):
            assert kept(stored["attributes"], stored["attribute_types"], {}) == meant(link.attributes)


@given(records=st.lists(messages.records, min_size=1, max_size=4))
@settings(max_examples=30)
def test_every_log_record_is_accepted_or_rejected_and_committed(
    served: Served, records: list[LogRecord]
) -> None:
    body = logs(*records).SerializeToString()
    batch = decoded(Signal.LOGS, body)
    assert batch.accepted + batch.findings.rejected.total() == len(records)
    assert served.client.post("/v1/logs", content=body, headers=PROTOBUF).status_code == 200


@given(items=st.lists(messages.measurements(), min_size=1, max_size=3))
@settings(max_examples=30)
def test_every_data_point_is_accepted_or_rejected_and_committed(served: Served, items: list[Metric]) -> None:
    body = metrics(*items).SerializeToString()
    batch = decoded(Signal.METRICS, body)
    points = sum(len(getattr(item, item.WhichOneof("data") or "").data_points) for item in items)
    assert batch.accepted + batch.findings.rejected.total() == points
    assert served.client.post("/v1/metrics", content=body, headers=PROTOBUF).status_code == 200


@given(spans=st.lists(messages.spans, max_size=2), records=st.lists(messages.records, max_size=2))
@settings(max_examples=15)
def test_what_comes_with_the_key_of_a_project_is_accepted_or_rejected(
    served: Served, spans: list[Span], records: list[LogRecord]
) -> None:
    for signal, request, sent in (
        (Signal.TRACES, traces(*spans), len(spans)),
        (Signal.LOGS, logs(*records), len(records)),
    ):
        receipt = asyncio.run(served.ingest.export(signal, request.SerializeToString(), project="mine"))
        assert receipt.accepted + receipt.rejected == sent


def same_in_json(signal: Signal, request: Message) -> None:
    binary = decoded(signal, request.SerializeToString())
    text = decoded(signal, messages.dumped(seeds.form(request)), json=True)
    assert repr(text.rows) == repr(binary.rows)  # not ==: NaN is not equal to itself
    assert text.findings == binary.findings


@given(spans=st.lists(messages.spans, max_size=3))
@settings(max_examples=60)
def test_spans_in_json_make_the_same_rows_as_in_protobuf(spans: list[Span]) -> None:
    same_in_json(Signal.TRACES, traces(*spans))


@given(records=st.lists(messages.records, max_size=3))
@settings(max_examples=60)
def test_log_records_in_json_make_the_same_rows_as_in_protobuf(records: list[LogRecord]) -> None:
    same_in_json(Signal.LOGS, logs(*records))


@given(items=st.lists(messages.measurements(), max_size=3))
@settings(max_examples=60)
def test_data_points_in_json_make_the_same_rows_as_in_protobuf(items: list[Metric]) -> None:
    same_in_json(Signal.METRICS, metrics(*items))


@given(unknown=st.binary(min_size=1, max_size=40))
def test_fields_of_a_newer_otlp_change_nothing(unknown: bytes) -> None:
    request = seeds.requests(Signal.TRACES)[0].SerializeToString()
    newer = request + bytes([15 << 3 | 2, len(unknown)]) + unknown
    assert repr(decoded(Signal.TRACES, newer).rows) == repr(decoded(Signal.TRACES, request).rows)


@pytest.mark.parametrize("signal", Signal)
@given(data=st.data())
@settings(max_examples=60)
def test_what_is_left_of_a_damaged_request_fits_its_columns(signal: Signal, data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([*seeds.bodies(signal)]))
    at = data.draw(st.integers(0, len(whole) - 1))
    damage = data.draw(st.binary(max_size=4))
    size = data.draw(st.integers(0, 4))
    try:
        batch = decoded(signal, whole[:at] + damage + whole[at + size :])
    except ValueError:
        return
    assert written(batch) > 0 or not batch.rows
