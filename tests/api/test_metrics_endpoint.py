"""`/metrics`: every counter is what was sent, and what the store has."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from evalspan.api.server import Service
from evalspan.errors import StoreUnavailable
from evalspan.settings import Settings
from evalspan.store import Store
from ingest.build import event, log, logs, span, trace_id, traces
from support.command import environment

EVALUATION = "gen_ai.evaluation.result"
PROTOBUF = {"content-type": "application/x-protobuf"}
SERVICE = "/opentelemetry.proto.collector.{}.v1.{}Service/Export"
LINE = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

Sample = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(client: httpx.Client) -> Sample:
    """Name and labels -> value."""
    found: Sample = {}
    for line in client.get("/metrics").text.splitlines():
        if not line.startswith("#"):
            matched = LINE.fullmatch(line)
            assert matched is not None, line
            found[matched[1], frozenset(LABEL.findall(matched[2] or ""))] = float(matched[3])
    return found


def of(found: Sample, name: str, **labels: str) -> float:
    """The value of one series; 0 where there is none."""
    return found.get((name, frozenset(labels.items())), 0)


def family(found: Sample, name: str) -> dict[frozenset[tuple[str, str]], float]:
    """Every series of one name, without those that are 0."""
    return {labels: value for (key, labels), value in found.items() if key == name and value}


def post(client: httpx.Client, path: str, message: Any) -> httpx.Response:
    body = message if isinstance(message, bytes) else message.SerializeToString()
    return client.post(path, content=body, headers=PROTOBUF)


def call(service: Service, signal: str, noun: str, message: Any) -> grpc.StatusCode:
    """One gRPC export; its status."""
    body = message if isinstance(message, bytes) else message.SerializeToString()
    with grpc.insecure_channel(service.grpc_endpoint) as channel:
        try:
            channel.unary_unary(SERVICE.format(signal, noun))(body, timeout=30)
        except grpc.RpcError as error:
            return error.code()  # pyright: ignore[reportAttributeAccessIssue] (a Call too)
    return grpc.StatusCode.OK


def rows(client: httpx.Client, table: str) -> int:
    return int(client.post("/sql", content=f"SELECT count() AS n FROM {table}").json()["n"])


@pytest.fixture
def mix(service: Service, client: httpx.Client) -> Sample:
    """A known mix through both doors: 9 spans sent (2 bad, 1 twice), 4 log records (1 bad)."""
    llm = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
    usage = {"gen_ai.usage.input_tokens": 3, "gen_ai.usage.output_tokens": 4}
    known = span({**llm, **usage})
    scored = span(events=[event(EVALUATION, {"gen_ai.evaluation.name": "exact"}), event(EVALUATION, {})])
    score = log({"gen_ai.evaluation.name": "exact"}, event_name=EVALUATION, trace_id=trace_id())
    nameless = log({}, event_name=EVALUATION)
    assert post(client, "/v1/traces", traces(span(), span(llm), known, span(span_id=b"\1"))).is_success
    assert post(client, "/v1/traces", traces(known)).is_success
    assert post(client, "/v1/traces", traces(scored)).is_success
    assert call(service, "trace", "Trace", traces(span(), span(trace_id=bytes(16)), span(llm))).name == "OK"
    assert call(service, "logs", "Logs", logs(score, log(), nameless)).name == "OK"
    assert post(client, "/v1/logs", logs(log({"n": 2}))).is_success
    assert post(client, "/v1/traces", b"\xff\xff\xff").status_code == 400
    assert call(service, "trace", "Trace", b"\xff\xff\xff").name == "INVALID_ARGUMENT"
    assert client.get("/v1/traces").status_code == 405
    return scrape(client)


def test_every_item_that_was_sent_is_counted_once_for_what_became_of_it(mix: Sample) -> None:
    receiver = "evalspan_receiver_{}_total".format
    spans = {name: of(mix, receiver(name), item="spans") for name in ("received", "committed", "failed")}
    assert spans == {"received": 9, "committed": 7, "failed": 0}
    records = {name: of(mix, receiver(name), item="log_records") for name in ("received", "committed")}
    assert records == {"received": 4, "committed": 3}
    rejected = family(mix, receiver("rejected"))
    assert {(dict(labels)["item"], value) for labels, value in rejected.items()} == {
        ("spans", 1),
        ("log_records", 1),
    }
    assert sum(rejected.values()) == 9 - 7 + 4 - 3
    assert sum(family(mix, receiver("warned")).values()) == 1


def test_committed_rows_are_those_of_the_store_and_the_duplicate(mix: Sample, client: httpx.Client) -> None:
    written = {dict(labels)["table"]: n for labels, n in family(mix, "evalspan_writer_rows_total").items()}
    assert written == {"spans": 7, "evaluations": 2, "logs": 2}
    stored = {table: rows(client, table) for table in written}
    assert stored == {"spans": 6, "evaluations": 2, "logs": 2}


def test_what_could_not_be_mapped_is_counted_by_span(mix: Sample) -> None:
    assert of(mix, "evalspan_mapping_llm_spans_without_tokens_total") == 2
    dialects = {
        dict(labels)["dialect"]: n for labels, n in family(mix, "evalspan_mapping_spans_total").items()
    }
    assert dialects.pop("none") == 3
    assert list(dialects.values()) == [4]


def test_requests_are_counted_by_route_and_status_and_calls_by_code(mix: Sample) -> None:
    durations = "http_server_request_duration_seconds_count"
    assert {
        tuple(sorted(value for _, value in labels)): n for labels, n in family(mix, durations).items()
    } == {
        ("/v1/traces", "200", "POST"): 3,
        ("/v1/traces", "400", "POST"): 1,
        ("/v1/traces", "405", "GET"): 1,
        ("/v1/logs", "200", "POST"): 1,
    }
    codes = [
        (dict(labels)["rpc_response_status_code"], n)
        for labels, n in family(mix, "rpc_server_call_duration_seconds_count").items()
    ]
    assert sorted(codes) == [("INVALID_ARGUMENT", 1), ("OK", 1), ("OK", 1)]


def test_a_commit_counts_with_its_rows_and_nothing_is_left_waiting(mix: Sample) -> None:
    assert of(mix, "evalspan_writer_commit_duration_seconds_count") == 6
    assert of(mix, "evalspan_writer_commit_rows_sum") == 11
    assert of(mix, "evalspan_writer_commit_rows_bucket", le="1") == 2
    assert of(mix, "evalspan_queue_size_bytes") == of(mix, "evalspan_queue_requests") == 0
    assert of(mix, "evalspan_queue_limit_bytes") == 256 * 1024 * 1024


def test_readiness_says_the_same_as_the_metrics(mix: Sample, client: httpx.Client) -> None:
    stats: Mapping[str, Any] = client.get("/readyz").json()["ingest"]
    assert stats["received"] == {"spans": 9, "log records": 4}
    assert stats["accepted"]["spans"] == of(mix, "evalspan_receiver_committed_total", item="spans")
    assert stats["pending_requests"] == 0


def test_what_the_store_refuses_counts_as_failed_and_comes_in_when_sent_again(
    service: Service, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> None:
        raise StoreUnavailable("The disk is full.")

    request = traces(span(), span())
    with monkeypatch.context() as patched:
        patched.setattr(Store, "add", away)
        assert post(client, "/v1/traces", request).status_code == 503
    assert post(client, "/v1/traces", request).is_success
    found = scrape(client)
    receiver = "evalspan_receiver_{}_total".format
    counts = {name: of(found, receiver(name), item="spans") for name in ("received", "committed", "failed")}
    assert counts == {"received": 4, "committed": 2, "failed": 2}
    assert of(found, receiver("failed_requests")) == 1
    durations = "evalspan_writer_commit_duration_seconds_count"
    assert (of(found, durations, error_type="StoreUnavailable"), of(found, durations)) == (1, 1)
    assert rows(client, "spans") == 2


def test_a_full_queue_is_counted_by_request(settings: Settings) -> None:
    tight = settings.model_copy(update={"max_pending_bytes": 2000, "commit_linger": 1.0})
    with Service(tight) as service, httpx.Client(base_url=service.endpoint, timeout=30) as client:
        first = threading.Thread(target=post, args=(client, "/v1/traces", traces(span({"text": "x" * 1500}))))
        first.start()
        while not of(scrape(client), "evalspan_queue_requests"):
            time.sleep(0.01)
        waiting = scrape(client)
        assert 1500 < of(waiting, "evalspan_queue_size_bytes") < 2000
        refused = post(client, "/v1/traces", traces(span({"text": "x" * 1500})))
        first.join()
        found = scrape(client)
        assert refused.status_code == 503
        assert of(found, "evalspan_queue_refusals_total") == 1
        assert of(found, "evalspan_receiver_committed_total", item="spans") == 1


def test_queries_are_counted_by_how_they_ended(client: httpx.Client) -> None:
    for statement in ("SELECT 1", "SELECT 2", "DROP TABLE spans_data"):
        client.post("/sql", content=statement)
    found = scrape(client)
    durations = "evalspan_query_duration_seconds_count"
    assert (of(found, durations), of(found, durations, error_type="UsageError")) == (2, 1)


def test_the_process_and_the_store_say_their_size(client: httpx.Client) -> None:
    post(client, "/v1/traces", traces(span()))
    found = scrape(client)
    assert of(found, "process_memory_usage_bytes") > 50 * 1024 * 1024
    assert of(found, "evalspan_store_parts", table="spans") == 1
    assert of(found, "evalspan_store_disk_available_bytes") > 0


def test_metrics_are_shown_to_who_has_a_key(settings: Settings) -> None:
    with Service(settings.model_copy(update={"api_keys": "secret"})) as service:
        assert httpx.get(f"{service.endpoint}/metrics").status_code == 401
        with httpx.Client(base_url=service.endpoint, headers={"authorization": "Bearer secret"}) as client:
            refused = {("http_request_method", "GET"), ("http_route", "/metrics")}
            refused.add(("http_response_status_code", "401"))
            found = scrape(client)
            assert found["http_server_request_duration_seconds_count", frozenset(refused)] == 1


class _Receiver(BaseHTTPRequestHandler):
    """Takes OTLP metrics."""

    names: set[str]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        request = ExportMetricsServiceRequest.FromString(body)
        for group in request.resource_metrics:
            for scope in group.scope_metrics:
                self.names.update(metric.name for metric in scope.metrics)
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""


@pytest.fixture
def receiver() -> Iterator[tuple[str, set[str]]]:
    """The URL of an OTLP receiver, and the names of the metrics that it got."""
    names: set[str] = set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Receiver", (_Receiver,), {"names": names}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/metrics", names
    server.shutdown()
    server.server_close()
    thread.join()


def serve_once(folder: Path, **variables: str) -> str:
    """`evalspan serve` until it answers, then stopped; what it wrote."""
    process = subprocess.Popen(
        [sys.executable, "-m", "evalspan", "serve", "--http-port", "0", "--grpc-port", "-1"],
        cwd=folder,
        env=environment(**variables),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    written = ""
    while "answers at" not in written:
        line = process.stderr.readline()
        assert line, written
        written += line
    process.terminate()
    written += process.stderr.read()
    process.wait(30)
    process.stderr.close()
    return written


def test_a_named_receiver_gets_the_same_metrics_as_otlp(
    tmp_path: Path, receiver: tuple[str, set[str]]
) -> None:
    url, names = receiver
    serve_once(tmp_path, OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=url)
    assert {"evalspan.receiver.received", "evalspan.queue.size", "process.memory.usage"} <= names


def test_without_a_receiver_the_service_does_not_send_metrics_to_itself(tmp_path: Path) -> None:
    assert "would send this service's metrics to itself" in serve_once(tmp_path, OTEL_METRICS_EXPORTER="otlp")
