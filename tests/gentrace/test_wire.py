"""The paths themselves: what is refused and how, and telemetry in any order, twice, through two services."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from evalspan.api.server import Service
from evalspan.settings import Settings
from ingest.build import event, span
from support.gentrace_wire import BASE, PROTOBUF, TRACES, case, create, rows, send


@pytest.fixture(scope="module")
def http(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.endpoint, timeout=60) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("POST", "/v4/experiments", {"pipelineId": "nonsense"}, 400, "nonsense"),
        ("POST", "/v4/experiments", {"metadata": 3}, 400, "/metadata"),
        ("POST", "/v4/experiments", [], 400, "dictionary"),
        ("GET", "/v4/experiments/absent", None, 404, "absent"),
        ("POST", "/v4/experiments/absent", {"status": "EVALUATING"}, 404, "absent"),
        ("POST", "/v4/experiments/absent", {"status": "DONE"}, 400, "DONE"),
        ("POST", "/v4/pipelines", {}, 400, "/slug"),
        ("GET", "/v4/pipelines/absent", None, 404, "absent"),
        ("GET", "/v4/pipelines?slug[mode]=odd", None, 400, "odd"),
        ("POST", "/v4/datasets", {"name": "d", "pipelineSlug": "absent"}, 404, "absent"),
        ("POST", "/v4/datasets", {"name": "d", "pipelineSlug": "a", "pipelineId": "b"}, 400, "exclude"),
        ("GET", "/v4/datasets?archived=perhaps", None, 400, "perhaps"),
        ("POST", "/v4/test-cases", {"datasetId": "absent", "name": "n", "inputs": {}}, 404, "absent"),
        ("POST", "/v4/test-cases", {"datasetId": "d", "name": "n", "inputs": []}, 400, "/inputs"),
        ("DELETE", "/v4/test-cases/absent", None, 404, "absent"),
        ("GET", "/v4/organizations/other", None, 404, "other"),
        ("GET", "/v4/nothing", None, 404, "Not Found"),
        ("PUT", "/v4/experiments", {}, 405, "Method"),
    ],
)
def test_a_refusal_names_what_is_wrong_in_one_shape(
    http: httpx.Client, method: str, path: str, body: Any, status: int, said: str
) -> None:
    answer = http.request(method, BASE + path, json=body)
    assert answer.status_code == status, answer.text
    told = answer.json()
    assert set(told) == {"message", "errors"}
    assert said in told["message"]
    assert told["errors"]


def test_a_test_case_that_is_sent_again_for_want_of_an_answer_is_one(http: httpx.Client) -> None:
    dataset = http.post(f"{BASE}/v4/datasets", json={"name": "retried", "description": None}).json()["id"]
    body = {"datasetId": dataset, "name": "n", "inputs": {"a": 1}}
    first = http.post(f"{BASE}/v4/test-cases", json=body).json()
    again = http.post(f"{BASE}/v4/test-cases", json=body, headers={"x-stainless-retry-count": "1"}).json()
    another = http.post(f"{BASE}/v4/test-cases", json=body, headers={"x-stainless-retry-count": "0"}).json()
    assert again == first
    assert another["id"] != first["id"]


def test_what_cannot_be_read_is_told_as_otlp_tells_it(http: httpx.Client) -> None:
    broken = http.post(TRACES, content=b"nonsense", headers=PROTOBUF)
    assert (broken.status_code, broken.headers["content-type"]) == (400, "application/x-protobuf")
    response = send(http, span(trace_id=b"short"))
    assert response.status_code == 200
    partial = ExportTraceServiceResponse.FromString(response.content).partial_success
    assert (partial.rejected_spans, "trace_id" in partial.error_message) == (1, True)


def test_spans_that_nobody_knows_anything_about_are_kept_as_they_are(http: httpx.Client) -> None:
    unknown = str(uuid.uuid4())
    with_id = case(unknown, 1)
    with_id.attributes.append(span({"gentrace.test_case_id": "never made"}).attributes[0])
    odd = span(
        events=[
            event("gentrace.fn.args", {"args": "not JSON"}),
            event("gentrace.fn.output", {"output": "NaN"}),
        ]
    )
    assert send(http, with_id, odd).status_code == 200
    [found] = rows(http, f"SELECT * FROM experiment_results WHERE experiment_id = '{unknown}'")
    assert (found["record_id"], found["expected_output"], found["project"]) == ("never made", "", "")
    assert (found["run_iteration"], found["scores"]) == (1, {"at": 1})
    [kept] = rows(http, f"SELECT input, output FROM spans WHERE span_id = '{odd.span_id.hex()}'")
    assert kept == {"input": '"not JSON"', "output": "NaN"}


def test_a_score_that_is_no_number_is_an_evaluation_that_failed(http: httpx.Client) -> None:
    experiment_id = create(http)
    broken = case(experiment_id, 1)
    broken.attributes.extend(span({"score.nan": float("nan"), "score.text": "high"}).attributes)
    assert send(http, broken).status_code == 200
    [found] = rows(http, f"SELECT * FROM experiment_results WHERE experiment_id = '{experiment_id}'")
    assert found["scores"] == {"at": 1}
    assert found["evaluator_errors"] == {"nan": "The score is no finite number: nan."}
    assert found["metadata"] == {"name": "t", "score.text": "high"}


def test_any_order_twice_and_through_two_services_ends_the_same(server_address: str) -> None:
    settings = Settings(store=server_address, http_port=0, grpc_port=-1)
    with Service(settings) as one, Service(settings) as two:
        clients = [httpx.Client(base_url=each.endpoint, timeout=60) for each in (one, two)]
        orders = list(itertools.permutations(range(3)))
        experiments = {order: create(clients[0]) for order in orders}
        sent = {order: [case(id, at) for at in range(3)] for order, id in experiments.items()}
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda order: _send_all(clients, order, sent[order]), orders))
        found = rows(
            clients[1], "SELECT experiment_id, run_iteration, trace_id, scores FROM experiment_results"
        )
        counted = rows(clients[0], "SELECT count() AS n FROM evaluations")
        for client in clients:
            client.close()
    expected = {
        (experiments[order], number + 1, each.trace_id.hex(), number)
        for order in orders
        for number, each in enumerate(sent[order])
    }
    assert {
        (r["experiment_id"], r["run_iteration"], r["trace_id"], r["scores"]["at"]) for r in found
    } == expected
    assert (len(found), int(counted[0]["n"])) == (18, 18)


def _send_all(clients: Sequence[httpx.Client], order: Sequence[int], spans: Sequence[Span]) -> None:
    for turn, number in enumerate([*order, *reversed(order)]):
        assert send(clients[turn % 2], spans[number]).status_code == 200


def test_too_many_requests_are_told_so_that_the_client_tries_again(server_address: str) -> None:
    settings = Settings(store=server_address, http_port=0, grpc_port=-1, api_keys="k", rate_limit=0.01)
    with Service(settings) as service:
        headers = {"authorization": "Bearer k", **PROTOBUF}
        statuses = [
            httpx.post(service.endpoint + TRACES, content=b"", headers=headers).status_code for _ in range(5)
        ]
    assert statuses[0] == 200
    assert statuses[-1] == 503
