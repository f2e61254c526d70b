"""A key of a project writes and reads that project and nothing else, whatever is tried with it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.metrics.v1.metrics_pb2 import Gauge, Metric, NumberDataPoint

from evalspan import attributes as names
from evalspan.api.server import Service
from evalspan.ingest.cases import Identity, derived_id
from evalspan.keyfile import KeyFile
from evalspan.settings import Settings
from ingest.build import START, event, log, logs, metrics, span, trace_id, traces

API = "/api/v2/llm-obs/v1"
QUOTED = r"it's a \ 'project'"


@dataclass
class Side:
    """One project: its key, and what was recorded with it."""

    project: str
    client: httpx.Client
    project_id: str
    dataset_id: str
    experiment_id: str
    case: Any


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("projects")
    KeyFile(folder / "keys.json", create=True).add(["admin"], now=datetime.now(UTC))
    settings = Settings(
        store=f"chdb://{folder / 'store'}", http_port=0, grpc_port=-1,
        keys_file=str(folder / "keys.json"), api_keys="everything",
    )  # fmt: skip
    with Service(settings) as running:
        yield running


@pytest.fixture(scope="module")
def connect(service: Service) -> Iterator[Callable[[str], httpx.Client]]:
    """A client with a key of a project ('' for all)."""
    opened: list[httpx.Client] = []

    def client(project: str) -> httpx.Client:
        key = "everything"
        if project:
            file = KeyFile(Path(service.settings.keys_file))
            key, _ = file.add(["ingest", "read", "admin"], now=datetime.now(UTC), project=project)
        headers = {"authorization": f"Bearer {key}"}
        opened.append(httpx.Client(base_url=service.endpoint, timeout=60, headers=headers))
        return opened[-1]

    yield client
    for each in opened:
        each.close()


@pytest.fixture(scope="module")
def everything(connect: Callable[[str], httpx.Client]) -> httpx.Client:
    return connect("")


@pytest.fixture(scope="module")
def sides(connect: Callable[[str], httpx.Client]) -> tuple[Side, Side]:
    """Ours and theirs, each with a dataset, an experiment of two runs, scores, logs and metrics."""
    clients = [connect(project) for project in (QUOTED, "theirs")]
    wait_for_keys(clients)
    return side(QUOTED, clients[0]), side("theirs", clients[1])


@pytest.fixture(scope="module")
def ours(sides: tuple[Side, Side]) -> Side:
    return sides[0]


@pytest.fixture(scope="module")
def theirs(sides: tuple[Side, Side]) -> Side:
    return sides[1]


def wait_for_keys(clients: list[httpx.Client]) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if all(client.get(f"{API}/projects").status_code == 200 for client in clients):
            return
        time.sleep(0.05)


def create(client: httpx.Client, path: str, **attributes: Any) -> str:
    response = client.post(API + path, json={"data": {"attributes": attributes}})
    assert response.status_code == 200, response.text
    return response.json()["data"]["id"]


def side(project: str, client: httpx.Client) -> Side:
    project_id = create(client, "/projects", name=project)
    dataset_id = create(client, f"/{project_id}/datasets", name="data")
    records = {"insert_records": [{"id": "r", "input": f"secret of {project}"}]}
    body = {"data": {"attributes": records}}
    assert client.post(f"{API}/{project_id}/datasets/{dataset_id}/batch_update", json=body).status_code == 200
    experiment = create(client, "/experiments", project_id=project_id, dataset_id=dataset_id, name="nightly")
    case = recorded(client, experiment, project)
    return Side(project, client, project_id, dataset_id, experiment, case)


def recorded(client: httpx.Client, experiment_id: str, project: str) -> Any:
    """The span of a case with a call below it, a score, a log record and a metric point."""
    ids = {names.EXPERIMENT_ID: experiment_id, names.RECORD_ID: "r", names.RUN_ITERATION: 1}
    case = span(ids | {names.SPAN_TYPE: "CASE", names.INPUT: project}, name=f"case of {project}")
    call = span({names.OPERATION_NAME: "chat"}, trace_id=case.trace_id)
    score = ids | {names.EVALUATION_NAME: "quality", names.EVALUATION_SCORE_VALUE: 0.5}
    assert sent(client, "traces", traces(case, call)) == 0
    assert sent(client, "logs", logs(judged(score, case), log(body=None, severity_text=project))) == 0
    assert sent(client, "metrics", metrics(metric(f"metric of {project}"))) == 0
    return case


def judged(attributes: dict[str, Any], case: Any) -> Any:
    """A score of a case."""
    ids = {"trace_id": case.trace_id, "span_id": case.span_id}
    return log(attributes, event_name=names.EVALUATION_RESULT, **ids)


def metric(name: str) -> Metric:
    return Metric(name=name, gauge=Gauge(data_points=[NumberDataPoint(time_unix_nano=START, as_int=1)]))


def sent(client: httpx.Client, signal: str, message: Any) -> int:
    """How many items of a request were rejected."""
    headers = {"content-type": "application/x-protobuf"}
    response = client.post(f"/v1/{signal}", content=message.SerializeToString(), headers=headers)
    assert response.status_code == 200, response.content
    answer = ExportTraceServiceResponse()  # the three responses number their fields alike
    answer.ParseFromString(response.content)
    return answer.partial_success.rejected_spans


def ask(client: httpx.Client, statement: str) -> list[Any]:
    """The first column of what a query finds."""
    response = client.post("/sql", content=statement)
    assert response.status_code == 200, (statement, response.text)
    return [next(iter(json.loads(line).values())) for line in response.text.splitlines()]


def test_what_each_key_wrote_is_there_once_and_read_by_its_own_key_alone(
    sides: tuple[Side, Side], everything: httpx.Client
) -> None:
    for one in sides:
        assert ask(one.client, "SELECT name FROM projects") == [one.project]
        assert ask(one.client, "SELECT input FROM experiment_results") == [one.project]
        assert ask(one.client, "SELECT llm_calls FROM experiment_results") == [1]
        assert ask(one.client, "SELECT scores['quality'] FROM experiment_results") == [0.5]
        assert ask(
            one.client, "SELECT JSONExtractString(concat('[', input, ']'), 1) FROM dataset_records"
        ) == [f"secret of {one.project}"]
        assert ask(one.client, "SELECT severity_text FROM logs") == [one.project]
        assert ask(one.client, "SELECT metric FROM metric_points") == [f"metric of {one.project}"]
    both = ask(everything, "SELECT input FROM experiment_results WHERE experiment = 'nightly'")
    assert sorted(both) == sorted(one.project for one in sides)


def test_no_operation_of_one_key_shows_or_changes_what_is_the_others(ours: Side, theirs: Side) -> None:
    """Every operation that is described, asked for the others' ids, named in the path and in filters."""
    client = ours.client
    ids = {
        "project_id": theirs.project_id, "dataset_id": theirs.dataset_id,
        "experiment_id": theirs.experiment_id, "a": theirs.experiment_id, "b": theirs.experiment_id,
    }  # fmt: skip
    before = theirs.client.get(f"{API}/experiments").json(), theirs.client.get(f"{API}/datasets").json()
    attributes = {
        "name": "mine now", "project_id": theirs.project_id, "dataset_id": theirs.dataset_id,
        "status": "failed", "project_ids": [theirs.project_id], "dataset_ids": [theirs.dataset_id],
        "metrics": [], "spans": [],
        "experiment_ids": [theirs.experiment_id], "record_ids": ["r"], "delete_records": ["r"],
        "records": [{"id": "r", "input": "changed"}],
    }  # fmt: skip
    filters = {
        "filter[id]": theirs.experiment_id, "filter[project_id]": theirs.project_id,
        "filter[name]": "nightly", "filter[project_name]": theirs.project,
        "filter[experiment_name]": "nightly",
    }  # fmt: skip
    document = client.get("/openapi.json").json()
    for path, item in document["paths"].items():
        if path in {"/", "/openapi.json", "/metrics", "/healthz", "/readyz"} or path.startswith("/v1/"):
            continue
        for method in item:
            answer = client.request(
                method, path.format(**ids), json={"data": {"attributes": attributes}},
                params=filters if method == "get" else {},
            )  # fmt: skip
            assert answer.status_code < 500, (method, path)
            assert theirs.project not in answer.text.replace(f"'{theirs.project}'", ""), (method, path)
            assert f"case of {theirs.project}" not in answer.text, (method, path)
            if "{" in path:
                empty = answer.status_code == 200 and answer.json()["data"] == []
                assert empty or answer.status_code in {400, 403, 404}, (method, path, answer.text)
    after = theirs.client.get(f"{API}/experiments").json(), theirs.client.get(f"{API}/datasets").json()
    assert after == before


def test_a_key_of_a_project_makes_no_other_project(ours: Side) -> None:
    for name in ("theirs", "a third one"):
        refused = ours.client.post(f"{API}/projects", json={"data": {"attributes": {"name": name}}})
        assert refused.status_code == 403
        assert QUOTED in refused.json()["errors"][0]["detail"] or "project" in refused.text


@pytest.mark.parametrize("key", [names.EXPERIMENT_ID, names.TEST_SUITE_RUN_ID])
def test_items_for_an_experiment_of_another_project_are_refused_alone(
    ours: Side, theirs: Side, everything: httpx.Client, key: str
) -> None:
    foreign = {key: theirs.experiment_id}
    named = foreign | {names.EVALUATION_NAME: "injected", names.EVALUATION_SCORE_VALUE: 0.0}
    good, bad = span(), span(foreign)
    twice = span()
    twice.attributes.extend(span({key: ours.experiment_id}).attributes)
    twice.attributes.extend(span(foreign).attributes)
    scored = span(events=[event(names.EVALUATION_RESULT, named)])
    assert sent(ours.client, "traces", traces(good, bad, twice, scored)) == 3
    assert sent(ours.client, "logs", logs(judged(named, theirs.case), log())) == 1
    injected = f"SELECT count() FROM spans WHERE span_id IN ('{bad.span_id.hex()}', '{twice.span_id.hex()}')"
    assert [int(each) for each in ask(everything, injected)] == [0]
    assert ask(everything, "SELECT name FROM evaluations WHERE name = 'injected'") == []


def test_items_that_name_another_project_are_refused_alone(ours: Side) -> None:
    other = {names.PROJECT_NAME: "theirs"}
    assert sent(ours.client, "traces", traces(span(other), span({names.PROJECT_NAME: QUOTED}), span())) == 1
    assert sent(ours.client, "traces", traces(span(), span(), resource=other)) == 2
    assert sent(ours.client, "logs", logs(log(other), log())) == 1
    points = metrics(metric("m"))
    points.resource_metrics[0].resource.attributes.extend(span(other).attributes)
    assert sent(ours.client, "metrics", points) == 1


def test_what_a_pushed_event_says_is_held_against_the_key_too(ours: Side, theirs: Side) -> None:
    now = time.time_ns()
    push = {"data": {"attributes": {"spans": [{"span_id": "1", "start_ns": now}], "metrics": []}}}
    path = f"{API}/experiments/{theirs.experiment_id}/events"
    assert ours.client.post(path, json=push).status_code == 404
    tags = [f"experiment_id:{theirs.experiment_id}"]
    envelope = [{"event_type": "span", "spans": [{"span_id": "2", "start_ns": now, "tags": tags}]}]
    answer = ours.client.post("/api/v2/llmobs", json=envelope)
    assert (answer.status_code, answer.json()["rejected"]) == (202, 1)


def test_nothing_reaches_a_trace_of_another_project_by_its_id(
    ours: Side, theirs: Side, everything: httpx.Client
) -> None:
    """A trace id is no secret: a service that was called knows it."""
    call = span(
        {names.OPERATION_NAME: "chat", "gen_ai.usage.input_tokens": 10**6}, trace_id=theirs.case.trace_id
    )
    score = {names.EVALUATION_NAME: "quality", names.EVALUATION_SCORE_VALUE: 0.0}
    assert sent(ours.client, "traces", traces(call)) == 0
    assert sent(ours.client, "logs", logs(judged(score, theirs.case))) == 0
    where = f"FROM experiment_results WHERE experiment_id = '{theirs.experiment_id}'"
    for client in (theirs.client, everything):
        assert ask(client, f"SELECT llm_calls {where}") == [1]
        assert ask(client, f"SELECT scores['quality'] {where}") == [0.5]
        path = f"{API}/experiments?filter[id]={theirs.experiment_id}"
        assert str(10**6) not in client.get(path).text
    span_id = call.span_id.hex()
    assert ask(ours.client, f"SELECT name FROM spans WHERE span_id = '{span_id}'") == ["work"]
    assert ask(theirs.client, f"SELECT name FROM spans WHERE span_id = '{span_id}'") == []


def test_a_service_with_a_key_of_all_projects_joins_the_trace_that_it_is_called_in(
    ours: Side, everything: httpx.Client
) -> None:
    tool = span({names.OPERATION_NAME: "execute_tool"}, trace_id=ours.case.trace_id, name="lookup")
    assert sent(everything, "traces", traces(tool)) == 0
    assert ask(ours.client, "SELECT record_id FROM spans WHERE name = 'lookup'") == ["r"]


def test_an_experiment_belongs_to_the_project_whose_key_names_it_first(
    ours: Side, theirs: Side, everything: httpx.Client
) -> None:
    ids = {names.EXPERIMENT_ID: "chosen-by-hand", names.RECORD_ID: "1"}
    whole = ids | {names.SPAN_TYPE: "CASE", names.EXPERIMENT_NAME: "by hand"}
    assert sent(ours.client, "traces", traces(span(ids | {"later": "case"}))) == 0
    assert sent(theirs.client, "traces", traces(span(whole))) == 1
    assert sent(ours.client, "traces", traces(span(whole))) == 0
    where = "FROM experiments WHERE experiment_id = 'chosen-by-hand'"
    assert ask(everything, f"SELECT project {where}") == [QUOTED]
    assert ask(ours.client, f"SELECT experiment {where}") == ["by hand"]
    assert ask(theirs.client, f"SELECT experiment {where}") == []


def test_an_experiment_that_only_has_a_name_is_the_projects_own(ours: Side, theirs: Side) -> None:
    for one in (ours, theirs):
        case = span({names.EXPERIMENT_NAME: "by name", names.INPUT: one.project})
        assert sent(one.client, "traces", traces(case)) == 0
    for one in (ours, theirs):
        found = ask(one.client, "SELECT experiment_id FROM experiment_results WHERE experiment = 'by name'")
        assert found == [derived_id(Identity(project=one.project, experiment="by name"))]
    stated = {names.EXPERIMENT_ID: derived_id(Identity(project=theirs.project, experiment="by name"))}
    assert sent(ours.client, "traces", traces(span(stated))) == 1


def test_what_belongs_to_no_project_is_read_by_keys_of_all_projects_only(
    ours: Side, everything: httpx.Client
) -> None:
    stray = span(name="stray", trace_id=trace_id())
    assert sent(everything, "traces", traces(stray)) == 0
    assert ask(everything, "SELECT name FROM spans WHERE name = 'stray'") == ["stray"]
    assert ask(ours.client, "SELECT name FROM spans WHERE name = 'stray'") == []


def test_the_services_own_figures_are_not_a_projects_to_see(ours: Side, everything: httpx.Client) -> None:
    assert ours.client.get("/metrics").status_code == 403
    assert everything.get("/metrics").status_code == 200
    assert "theirs" not in ours.client.get("/readyz").text
