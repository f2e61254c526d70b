"""Who may do what at Gentrace's face."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from evalspan.api.server import Service
from evalspan.keyfile import KeyFile
from evalspan.settings import Settings
from ingest.build import span
from support.gentrace_wire import BASE, case, create, rows, send


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, dict[str, str]]]:
    """A service with keys: one for each role, and one to write and read the project "own" alone."""
    folder = tmp_path_factory.mktemp("guarded")
    keys = KeyFile(folder / "keys.json", create=True)
    now = datetime.now(UTC)
    made = {"ingest": keys.add(["ingest"], now=now)[0], "read": keys.add(["read"], now=now)[0]}
    made |= {"admin": keys.add(["admin"], now=now)[0]}
    made |= {"own": keys.add(["ingest", "read"], project="own", now=now)[0]}
    settings = Settings(
        store=f"chdb://{folder / 'store'}", http_port=0, grpc_port=-1, keys_file=str(folder / "keys.json")
    )
    with Service(settings) as running:
        yield running, made


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/otel/v1/traces", {"ingest", "admin"}),
        ("POST", "/v4/experiments", {"ingest", "admin"}),
        ("POST", "/v4/experiments/x", {"ingest", "admin"}),
        ("GET", "/v4/experiments", {"read", "admin"}),
        ("GET", "/v4/experiments/x", {"read", "admin"}),
        ("GET", "/v4/pipelines/x", {"ingest", "read", "admin"}),
        ("POST", "/v4/pipelines", {"ingest", "admin"}),
        ("GET", "/v4/datasets", {"ingest", "read", "admin"}),
        ("POST", "/v4/datasets/x", {"ingest", "admin"}),
        ("GET", "/v4/test-cases", {"ingest", "read", "admin"}),
        ("DELETE", "/v4/test-cases/x", {"admin"}),
        ("GET", "/v4/organizations/me", {"ingest", "read", "admin"}),
    ],
)
def test_each_role_may_do_what_it_is_for(
    guarded: tuple[Service, dict[str, str]], method: str, path: str, allowed: set[str]
) -> None:
    service, keys = guarded
    for role in ("ingest", "read", "admin"):
        headers = {"authorization": f"Bearer {keys[role]}"}
        status = httpx.request(method, service.endpoint + BASE + path, headers=headers).status_code
        assert (status != 403) == (role in allowed), (role, status)
    assert httpx.request(method, service.endpoint + BASE + path).status_code == 401


def test_a_key_of_a_project_has_that_project_for_its_default_and_no_other(
    guarded: tuple[Service, dict[str, str]],
) -> None:
    service, keys = guarded
    address = service.endpoint
    with (
        httpx.Client(base_url=address, headers={"authorization": f"Bearer {keys['own']}"}) as own,
        httpx.Client(base_url=address, headers={"authorization": f"Bearer {keys['admin']}"}) as admin,
    ):
        theirs = admin.post(f"{BASE}/v4/pipelines", json={"slug": "theirs"}).json()
        foreign = create(admin, pipelineId=theirs["id"], name="foreign")
        mine = create(own, pipelineId="default")
        assert own.get(f"{BASE}/v4/experiments/{mine}").json()["name"] is None
        for answer in (
            own.post(f"{BASE}/v4/pipelines", json={"slug": "another"}),
            own.post(f"{BASE}/v4/experiments", json={"pipelineId": theirs["id"]}),
            own.post(f"{BASE}/v4/experiments", json={"pipelineId": str(uuid.uuid4())}),
        ):
            assert answer.status_code == 403, answer.text
        assert own.get(f"{BASE}/v4/experiments/{foreign}").status_code == 404
        assert [item["slug"] for item in own.get(f"{BASE}/v4/pipelines").json()["data"]] == ["own"]
        inner = span({"gentrace.in_experiment": "true"}, name="inner")
        good = case(mine, 1, trace_id=inner.trace_id, parent_span_id=b"abcdefgh")
        inner.parent_span_id = good.span_id
        assert send(own, inner, good).content == b""
        refused = ExportTraceServiceResponse.FromString(send(own, case(foreign, 1)).content)
        assert refused.partial_success.rejected_spans == 1
        [seen] = rows(own, "SELECT experiment_id, run_iteration, scores FROM experiment_results")
        assert seen == {"experiment_id": mine, "run_iteration": 1, "scores": {"at": 1}}
        assert rows(own, "SELECT name, record_id != '' AS found FROM spans ORDER BY name") == [
            {"name": "inner", "found": 1}, {"name": "work", "found": 1},
        ]  # fmt: skip
