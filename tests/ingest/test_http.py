"""OTLP/HTTP, rule by rule of the specification, over a real socket.

https://github.com/open-telemetry/opentelemetry-proto/blob/main/docs/specification.md
"""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import httpx
import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest  # pyright: ignore[reportMissingTypeStubs] (no py.typed)
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (  # pyright: ignore[reportMissingTypeStubs] (its stub has no __init__)
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from evalspan.errors import AccessError
from evalspan.ingest import Ingest, otlp_error
from evalspan.settings import load
from evalspan.store import Store
from ingest.build import START, Service, log, logs, metrics, span, traces

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
IDS = ("traceId", "spanId", "parentSpanId")
PATHS = ("/v1/traces", "/v1/logs", "/v1/metrics")


def one_metric() -> Metric:
    found = Metric(name="m")
    found.gauge.data_points.add(time_unix_nano=START, as_int=1)
    return found


def hex_id(encoded: str) -> str:
    """An id in hex, in the case that senders use less."""
    return base64.b64decode(encoded).hex().upper()


def as_json(message: Message) -> dict[str, Any]:
    """What a sender of OTLP/JSON would write: like protobuf's JSON, but with ids in hex."""

    def hexed(node: Any) -> Any:
        if isinstance(node, list):
            return [hexed(item) for item in cast("list[Any]", node)]
        if not isinstance(node, dict):
            return node
        form = cast("dict[str, Any]", node)
        return {key: hex_id(form[key]) if key in IDS else hexed(form[key]) for key in form}

    return hexed(MessageToDict(message, use_integers_for_enums=True))


async def post(
    client: httpx.AsyncClient,
    body: bytes,
    media_type: str = PROTOBUF,
    path: str = "/v1/traces",
    **headers: str,
) -> httpx.Response:
    given = {"content-type": media_type, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return await client.post(path, content=body, headers=given)


@pytest.mark.parametrize(
    ("path", "request_message"),
    [("/v1/traces", traces(span())), ("/v1/logs", logs(log())), ("/v1/metrics", metrics(one_metric()))],
)
async def test_every_signal_is_taken_in_both_encodings_on_one_port(
    client: httpx.AsyncClient, path: str, request_message: Message
) -> None:
    binary = await post(client, request_message.SerializeToString(), path=path)
    assert (binary.status_code, binary.headers["content-type"], binary.content) == (200, PROTOBUF, b"")
    text = await post(client, json.dumps(as_json(request_message)).encode(), JSON, path=path)
    assert (text.status_code, text.headers["content-type"], text.content) == (200, JSON, b"{}")


@pytest.mark.parametrize("media_type", [f"{PROTOBUF}; charset=utf-8", "Application/X-Protobuf"])
async def test_parameters_and_case_of_the_content_type_do_not_matter(
    service: Service, client: httpx.AsyncClient, media_type: str
) -> None:
    one = span()
    response = await post(client, traces(one).SerializeToString(), media_type)
    assert response.status_code == 200
    assert service.span_row(one)["name"] == "work"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("media_type", "body"), [(PROTOBUF, b""), (JSON, b"{}"), (JSON, b"")])
async def test_an_empty_request_succeeds(
    client: httpx.AsyncClient, path: str, media_type: str, body: bytes
) -> None:
    assert (await post(client, body, media_type, path=path)).status_code == 200


def without_header(body: bytes) -> bytes:
    """Deflate as some senders write it."""
    return zlib.compress(body, wbits=-15)


def in_two_members(body: bytes) -> bytes:
    """Gzip as pigz and appending senders write it."""
    return gzip.compress(body[:9]) + gzip.compress(body[9:])


@pytest.mark.parametrize(
    ("coding", "encode"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", without_header),
        ("gzip", in_two_members),
        ("identity", bytes),
    ],
)
@pytest.mark.parametrize("media_type", [PROTOBUF, JSON])
async def test_compressed_bodies_are_taken(
    service: Service,
    client: httpx.AsyncClient,
    coding: str,
    encode: Callable[[bytes], bytes],
    media_type: str,
) -> None:
    one = span()
    message = traces(one)
    body = message.SerializeToString() if media_type == PROTOBUF else json.dumps(as_json(message)).encode()
    response = await post(client, encode(body), media_type, content_encoding=coding)
    assert response.status_code == 200
    assert service.span_row(one)["name"] == "work"


async def test_json_ids_are_hex_in_either_case_and_the_rest_is_read_as_the_specification_says(
    service: Service, client: httpx.AsyncClient
) -> None:
    one = span({"raw": b"\0\xff", "big": 2**63 - 1}, parent_span_id=b"\xab" * 8, kind=3)
    one.links.add(trace_id=b"\xcd" * 16, span_id=b"\xef" * 8)
    form = as_json(traces(one))
    item = form["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    item.update(traceId=item["traceId"].lower(), fromTheFuture={"x": [1]}, startTimeUnixNano=START)
    form["resourceSpans"][0]["fromTheFuture"] = 1
    assert (await post(client, json.dumps(form).encode(), JSON)).content == b"{}"
    row = service.span_row(one)
    assert (row["kind"], row["parent_span_id"], row["attributes"]["big"]) == (
        "CLIENT",
        "ab" * 8,
        str(2**63 - 1),
    )
    assert (row["links"][0]["trace_id"], row["attributes"]["raw"]) == ("cd" * 16, "AP8=")


async def test_json_enum_names_are_understood(service: Service, client: httpx.AsyncClient) -> None:
    one = span(kind=3)
    form = as_json(traces(one))
    form["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["kind"] = "SPAN_KIND_CLIENT"
    await post(client, json.dumps(form).encode(), JSON)
    assert service.span_row(one)["kind"] == "CLIENT"


async def test_a_rejected_span_makes_a_partial_success_in_protobuf(
    service: Service, client: httpx.AsyncClient
) -> None:
    good = span()
    response = await post(client, traces(good, span(trace_id=bytes(16))).SerializeToString())
    answer = ExportTraceServiceResponse.FromString(response.content)
    assert (response.status_code, answer.partial_success.rejected_spans) == (200, 1)
    assert "trace_id" in answer.partial_success.error_message
    assert service.span_row(good)["name"] == "work"


async def test_a_rejected_span_makes_a_partial_success_in_json(
    service: Service, client: httpx.AsyncClient
) -> None:
    good, bad = span(), span(name="bad")
    form = as_json(traces(bad, good))
    form["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"] = "not hex"
    response = await post(client, json.dumps(form).encode(), JSON)
    partial = response.json()["partialSuccess"]
    assert (response.status_code, partial["rejectedSpans"]) == (200, "1")
    assert "not hex" in partial["errorMessage"]
    assert service.span_row(good)["name"] == "work"


async def test_rejected_log_records_are_counted_in_their_own_field(client: httpx.AsyncClient) -> None:
    response = await post(client, logs(log(trace_id=b"\1")).SerializeToString(), path="/v1/logs")
    assert ExportLogsServiceResponse.FromString(response.content).partial_success.rejected_log_records == 1


async def test_a_warning_is_a_partial_success_that_rejects_nothing(client: httpx.AsyncClient) -> None:
    response = await post(client, traces(span(end_time_unix_nano=1)).SerializeToString())
    partial = ExportTraceServiceResponse.FromString(response.content).partial_success
    assert (partial.rejected_spans, "before the start" in partial.error_message) == (0, True)


def broken_utf8(message: Message, mark: bytes = b"break me") -> bytes:
    """A serialized message whose string `mark` is no UTF-8."""
    body = message.SerializeToString()
    assert mark in body
    return body.replace(mark, b"\xff" * len(mark))


async def test_broken_utf8_costs_only_the_span_that_has_it(
    service: Service, client: httpx.AsyncClient
) -> None:
    good, bad = span(), span({"key": "break me"})
    response = await post(client, broken_utf8(traces(bad, good)))
    partial = ExportTraceServiceResponse.FromString(response.content).partial_success
    assert (response.status_code, partial.rejected_spans) == (200, 1)
    assert "UTF-8" in partial.error_message
    assert service.span_row(good)["service_name"] == "checkout"
    assert service.count("spans_data", [bad.trace_id]) == 0


@pytest.mark.parametrize("broken", [b"\xff\xfe", b"\\ud800"])
async def test_broken_utf8_in_json_costs_only_the_span_that_has_it(
    service: Service, client: httpx.AsyncClient, broken: bytes
) -> None:
    good, bad = span(), span({"key": "break me"})
    body = json.dumps(as_json(traces(bad, good))).encode().replace(b"break me", broken)
    response = await post(client, body, JSON)
    assert (response.status_code, response.json()["partialSuccess"]["rejectedSpans"]) == (200, "1")
    assert service.span_row(good)["name"] == "work"


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        (PROTOBUF, b"\xff\xff\xff"),
        (PROTOBUF, b"this is no protobuf"),
        pytest.param(PROTOBUF, traces(span()).SerializeToString()[:-3], id="cut short"),
        pytest.param(PROTOBUF, broken_utf8(traces(span({"key": "break me"}))), id="broken text"),
        (JSON, b"{"),
        (JSON, b"[]"),
        (JSON, b'{"resourceSpans": 7}'),
        (JSON, b'{"resourceSpans": [7]}'),
        pytest.param(JSON, b"[" * 100_000, id="deep"),
    ],
)
async def test_what_cannot_be_decoded_is_a_400_with_a_status_that_says_so(
    client: httpx.AsyncClient, media_type: str, body: bytes
) -> None:
    response = await post(client, body, media_type)
    assert (response.status_code, response.headers["content-type"]) == (400, media_type)
    if media_type == JSON:
        status = response.json()
        assert (status["code"], status["details"][0]["@type"].split("/")[1]) == (3, "google.rpc.BadRequest")
        assert status["message"]
    else:
        status = Status.FromString(response.content)
        detail = BadRequest()
        assert status.code == 3
        assert status.details[0].Unpack(detail)
        assert detail.field_violations[0].description == status.message != ""


async def test_a_body_that_is_not_what_its_coding_says_is_a_400(client: httpx.AsyncClient) -> None:
    whole = gzip.compress(traces(span()).SerializeToString())
    for body in (b"no gzip", whole[:-9]):
        response = await post(client, body, content_encoding="gzip")
        assert (response.status_code, Status.FromString(response.content).code) == (400, 3)


async def test_an_unknown_content_type_or_coding_is_a_415(client: httpx.AsyncClient) -> None:
    unknown = await post(client, b"x", "text/plain")
    assert (unknown.status_code, unknown.json()["code"]) == (415, 3)
    assert "text/plain" in unknown.json()["message"]
    coded = await post(client, b"x", content_encoding="br")
    assert coded.status_code == 415
    assert "'br'" in Status.FromString(coded.content).message


async def test_other_methods_are_a_405_with_a_status(client: httpx.AsyncClient) -> None:
    response = await client.get("/v1/traces", headers={"content-type": JSON})
    assert (response.status_code, response.headers["allow"], response.json()["code"]) == (405, "POST", 12)


@pytest.fixture(scope="module")
def small(service: Service) -> Any:
    """A second service on the same store that takes little."""
    settings = load(
        {"http_port": 0, "grpc_port": 0, "max_body_bytes": 100_000, "max_pending_bytes": 200_000}, {}
    )
    with Service(service.store, settings) as running:
        yield running


@pytest.mark.parametrize("coding", ["identity", "gzip", "deflate"])
@pytest.mark.parametrize("media_type", [PROTOBUF, JSON])
async def test_a_body_over_the_limit_is_a_413_also_when_it_is_small_until_it_is_decompressed(
    small: Service, coding: str, media_type: str
) -> None:
    body = b"\0" * 5_000_000
    encode: Any = {"identity": bytes, "gzip": gzip.compress, "deflate": zlib.compress}[coding]
    async with httpx.AsyncClient(base_url=small.url) as client:
        response = await post(client, encode(body), media_type, content_encoding=coding)
    assert (response.status_code, response.headers["content-type"]) == (413, media_type)
    status = response.json() if media_type == JSON else MessageToDict(Status.FromString(response.content))
    assert "100000" in status["message"]


async def test_a_body_without_a_length_is_bounded_as_well(small: Service) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b"\0" * 1000

    async with httpx.AsyncClient(base_url=small.url) as client:
        response = await client.post("/v1/traces", content=endless(), headers={"content-type": PROTOBUF})
    assert response.status_code == 413


async def test_a_full_queue_is_a_503_with_a_small_retry_after_and_not_a_500(small: Service) -> None:
    small.ingest.budget.take(200_000)
    try:
        async with httpx.AsyncClient(base_url=small.url) as client:
            response = await post(client, json.dumps(as_json(traces(span()))).encode(), JSON)
    finally:
        small.ingest.budget.give(200_000)
    assert (response.status_code, response.headers["retry-after"], response.json()["code"]) == (503, "1", 14)
    assert small.ingest.stats().pending_bytes == 0


async def test_a_store_that_is_away_is_a_503(unused_tcp_port: int) -> None:
    with (
        Store(f"http://127.0.0.1:{unused_tcp_port}/evalspan", migrate=False) as away,
        Service(away) as running,
    ):
        async with httpx.AsyncClient(base_url=running.url) as client:
            response = await post(client, traces(span()).SerializeToString())
        assert running.ingest.stats().failed_requests == 1
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert Status.FromString(response.content).code == 14


async def test_what_nobody_foresaw_is_a_500_with_a_status(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def explode(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Ingest, "export", explode)
    response = await post(client, b"{}", JSON)
    assert (response.status_code, response.json()["code"]) == (500, 13)
    assert [record.message for record in caplog.records] == ["An OTLP request failed"]


@pytest.mark.parametrize("media_type", [PROTOBUF, JSON])
def test_who_may_not_come_in_is_told_so_in_the_encoding_of_the_request(media_type: str) -> None:
    response = otlp_error(AccessError("no key"), media_type)
    assert (response.status_code, response.headers["content-type"]) == (401, media_type)
    body = bytes(response.body)
    code = json.loads(body)["code"] if media_type == JSON else Status.FromString(body).code
    assert code == 16
