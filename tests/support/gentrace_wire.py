"""What Gentrace's client puts on the wire, by hand: for what the client itself cannot be made to do."""

from __future__ import annotations

import json
from typing import Any, Final

import httpx
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from ingest.build import START, event, span, traces

BASE: Final = "/gentrace/api"
TRACES: Final = f"{BASE}/otel/v1/traces"
PROTOBUF: Final = {"content-type": "application/x-protobuf"}


def rows(client: httpx.Client, statement: str) -> list[dict[str, Any]]:
    answer = client.post("/sql", content=statement)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def send(client: httpx.Client, *spans: Span, scope: str = "gentrace.sdk", **headers: str) -> httpx.Response:
    content = traces(*spans, scope=scope).SerializeToString()
    return client.post(TRACES, content=content, headers={**PROTOBUF, **headers})


def case(experiment_id: str, at: int, **more: Any) -> Span:
    """A case of one local test input, with one score."""
    attributes = {
        "gentrace.experiment_id": experiment_id, "gentrace.test_case_name": "t",
        "gentrace.in_experiment": "true", "score.at": at,
    }  # fmt: skip
    args = event("gentrace.fn.args", {"args": '[{"q": 1}]'})
    fields = {"start_time_unix_nano": START + at * 1000, "end_time_unix_nano": START + 9_000_000}
    return span(attributes, events=[args], **{**fields, **more})


def create(client: httpx.Client, **body: Any) -> str:
    answer = client.post(f"{BASE}/v4/experiments", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]
