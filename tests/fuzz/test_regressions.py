"""What fuzzing and reading found, each by its name."""

from __future__ import annotations

import json
from typing import Any

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from evalspan.ingest import Signal, otlp_json
from evalspan.ingest.dialect import count
from evalspan.ingest.receipt import Findings
from fuzz.conftest import Served
from fuzz.decoding import decoded, written
from fuzz.messages import dumped
from ingest.build import START, event, log, logs, metrics, span, traces

JSON = {"content-type": "application/json"}
DEEP = "[" * 300 + "]" * 300


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param({"llm.input_messages.²": "x"}, id="an index that is no number"),
        pytest.param({"llm.input_messages." + "9" * 5000: "x"}, id="an index beyond every integer"),
        pytest.param({"llm.input_messages.message": "x"}, id="nothing but the level to leave out"),
        pytest.param({"llm.input_messages." + "a." * 3000: "x"}, id="a key of three thousand levels"),
        pytest.param({"llm.provider": DEEP}, id="a provider that is JSON of three hundred levels"),
        pytest.param({"gen_ai.system_instructions": DEEP}, id="instructions of three hundred levels"),
        pytest.param({"llm.token_count.prompt": "0" * 5000 + "1"}, id="a count of five thousand digits"),
    ],
)
def test_a_span_of_a_dialect_is_kept_whole_however_odd_it_is(attributes: dict[str, Any]) -> None:
    odd, plain = span({"openinference.span.kind": "LLM", **attributes}), span()
    batch = decoded(Signal.TRACES, traces(odd, plain).SerializeToString())
    assert (batch.accepted, batch.findings.rejected) == (2, {})
    assert written(batch) > 0


def test_json_in_an_attribute_that_is_too_deep_to_write_again_is_shown_as_the_text_it_is(
    served: Served,
) -> None:
    one = span({"gen_ai.system_instructions": DEEP})
    served.client.post(
        "/v1/traces",
        content=traces(one).SerializeToString(),
        headers={"content-type": "application/x-protobuf"},
    )
    (row,) = served.rows("spans_data", [one.trace_id])
    assert json.loads(row["input"])[0]["parts"] == [{"type": "text", "content": DEEP}]


def test_tokens_that_are_together_more_than_a_column_holds_are_an_unknown_total(served: Served) -> None:
    huge = {"gen_ai.usage.input_tokens": str(2**63), "gen_ai.usage.output_tokens": str(2**63)}
    one = span({"gen_ai.operation.name": "chat", **huge})
    answer = served.client.post(
        "/v1/traces",
        content=traces(one).SerializeToString(),
        headers={"content-type": "application/x-protobuf"},
    )
    (row,) = served.rows("spans_data", [one.trace_id])
    assert (answer.status_code, row["input_tokens"], row["total_tokens"]) == (200, 2**63, None)


@pytest.mark.parametrize(
    ("stated", "tokens"),
    [
        ("9007199254740993", 2**53 + 1),
        ("9007199254740993.0", 2**53 + 1),
        ("+9007199254740993", 2**53 + 1),
        ("9007199254740992.5", None),
        ("1_000", None),
        ("1e3", 1000),
        (" 7 ", 7),
        ("0e999999999", 0),
        (7.0, 7),
        (7.5, None),
        (True, None),
    ],
)
def test_a_count_is_exactly_what_is_written_or_none(stated: object, tokens: int | None) -> None:
    assert count(stated) == tokens


@pytest.mark.parametrize("number", [300, -1, 2**31 - 1])
def test_a_severity_that_does_not_exist_is_kept_beside_its_record(number: int) -> None:
    batch = decoded(Signal.LOGS, logs(log(severity_number=number)).SerializeToString())
    assert (batch.accepted, "severity_number" in batch.receipt().message) == (1, True)
    assert written(batch) > 0
    assert str(number) in repr(batch.rows)


def test_an_event_beyond_every_date_keeps_its_time_as_text() -> None:
    late = event("e", {}, time_unix_nano=2**64 - 1)
    batch = decoded(Signal.TRACES, traces(span(events=[late])).SerializeToString())
    assert f"'evalspan.event_time_unix_nano': '{2**64 - 1}'}}, {{}}" in repr(batch.rows)


def group(**fields: Any) -> dict[str, Any]:
    item = {"traceId": "ab" * 16, "spanId": "cd" * 8, "startTimeUnixNano": START}
    return {"scopeSpans": [{"spans": [item]}], **fields}


@pytest.mark.parametrize(
    ("bad", "rejected"),
    [
        (group(resource=5), 1),
        (group(resource={"attributes": [{"key": 7}]}), 1),
        (group(schemaUrl=["x"]), 1),
        ({"scopeSpans": [{"scope": {"name": 5}, "spans": [{}, {}, {}]}]}, 3),
        ({"scopeSpans": [{"spans": [7, None]}]}, 2),
        ({"scopeSpans": [{"spans": [{"name": [[]], "kind": "\udcff"}]}]}, 1),
    ],
)
def test_what_is_bad_in_json_costs_the_items_below_it_and_not_its_neighbours(
    bad: dict[str, Any], rejected: int
) -> None:
    batch = decoded(Signal.TRACES, dumped({"resourceSpans": [bad, group()]}), json=True)
    assert (batch.accepted, batch.findings.rejected.total()) == (1, rejected)


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
def test_a_metric_that_cannot_be_read_counts_with_all_its_points(encoding: str) -> None:
    broken, good = Metric(name="break me"), Metric(name="good")
    for one in (broken, good):
        for _ in range(3):
            one.gauge.data_points.add(time_unix_nano=START)
    body = metrics(broken, good).SerializeToString().replace(b"break me", b"\xff" * 8)
    if encoding == "json":
        points = [{"timeUnixNano": START}] * 3
        forms = [{"name": 5, "gauge": {"dataPoints": points}}, {"gauge": {"dataPoints": points}}]
        body = dumped({"resourceMetrics": [{"scopeMetrics": [{"metrics": forms}]}]})
    batch = decoded(Signal.METRICS, body, json=encoding == "json")
    assert (batch.accepted, batch.findings.rejected.total()) == (3, 3)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 1010 + b"]" * 1010, id="a deep list"),
        pytest.param(b'{"resourceSpans":[' + b"[" * 1000 + b"]" * 1000 + b"]}", id="deep instead of a group"),
        pytest.param(b'{"resourceSpans": 0}', id="a number instead of a list"),
        pytest.param(b'{"resourceSpans": [], "resource_spans": []}', id="two spellings"),
    ],
)
def test_json_of_a_wrong_structure_is_undecodable(body: bytes) -> None:
    with pytest.raises(otlp_json.Undecodable):
        otlp_json.parse(Signal.TRACES, body, Findings())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"\xed\xa0\x80", id="half a character in bytes"),
        pytest.param(b"\\ud800", id="half a character escaped"),
        pytest.param("é".encode("utf-16"), id="another encoding within"),
    ],
)
def test_text_that_is_no_unicode_is_refused_by_the_vendor_apis(served: Served, text: bytes) -> None:
    body = b'[{"event_type": "span", "spans": [{"span_id": "' + text + b'", "start_ns": 1}]}]'
    answer = served.client.post("/api/v2/llmobs", content=body, headers=JSON)
    assert answer.status_code == 400
    whole = json.dumps([{"spans": [{"span_id": "\ud800", "start_ns": 1}]}]).encode("utf-16")
    assert served.client.post("/api/v2/llmobs", content=whole, headers=JSON).status_code == 400


@pytest.mark.parametrize(
    ("meta", "measured", "tags"),
    [
        ({"input": {"messages": [{"tool_calls": ["f"]}]}}, {}, []),
        ({"input": {"messages": [{"tool_results": 7}]}}, {}, []),
        ({}, {"input_cost": 10**400, "output_cost": 0.5}, []),
        ({}, {"total_tokens": 10**400}, []),
        ({"span": {"kind": "experiment"}}, {}, ["retries:" + "9" * 5000]),
    ],
)
def test_a_span_of_ddtrace_is_taken_whatever_its_parts_are(
    served: Served, meta: Any, measured: Any, tags: list[str]
) -> None:
    kind = {"span": {"kind": "llm"}, **meta}
    one = {"span_id": "1", "start_ns": START, "meta": kind, "metrics": measured, "tags": tags}
    answer = served.client.post("/api/v2/llmobs", content=dumped([{"spans": [one]}]), headers=JSON)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)


def test_a_number_of_more_than_64_bits_keeps_its_digits(served: Served) -> None:
    number = 12345678901234567890123
    meta = {"span": {"kind": "llm"}, "metadata": {"seed": number}}
    one = {"span_id": "2", "trace_id": "fe" * 16, "start_ns": START, "meta": meta}
    served.client.post("/api/v2/llmobs", content=dumped([{"spans": [one]}]), headers=JSON)
    (row,) = served.rows("spans_data", [bytes.fromhex("fe" * 16)])
    assert row["attributes"]["datadog.metadata.seed"] == str(number)
