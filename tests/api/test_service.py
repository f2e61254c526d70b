"""The service as a whole: the door, health, SQL over HTTP, pages, start and stop."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import httpx
import pytest

from evalspan.api.server import Service
from evalspan.errors import ServiceError, StoreLocked, UsageError
from evalspan.settings import Settings
from evalspan.store import holder


def test_sql_answers_in_the_format_that_was_asked_for(client: httpx.Client) -> None:
    rows = client.post("/sql", content="SELECT number, 'a' AS s FROM numbers(2)").text.splitlines()
    assert rows == ['{"number":0,"s":"a"}', '{"number":1,"s":"a"}']
    table = client.post("/sql", params={"format": "CSVWithNames"}, content="SELECT 1 AS one, 'x,y' AS two;")
    assert list(csv.reader(io.StringIO(table.text))) == [["one", "two"], ["1", "x,y"]]
    assert table.headers["content-type"].startswith("text/csv")


def test_sql_takes_parameters_from_the_url(client: httpx.Client) -> None:
    answer = client.post("/sql", params={"param_n": "41"}, content="SELECT {n:UInt8} + 1 AS answer")
    assert answer.json() == {"answer": 42}


@pytest.mark.parametrize(
    "statement",
    ["", "SELEC 1", "SELECT nothing FROM spans", "DROP TABLE spans_data", "SELECT file('/etc/passwd')",
     "SELECT {n:UInt8}"],
)  # fmt: skip
def test_sql_that_cannot_be_run_is_a_400_with_the_reason(client: httpx.Client, statement: str) -> None:
    response = client.post("/sql", content=statement)
    assert response.status_code == 400
    assert response.json()["errors"][0]["detail"]


def test_health_and_readiness_answer(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json()["status"] == "ok"


def test_without_a_key_only_health_is_open(settings: Settings) -> None:
    with (
        Service(settings.model_copy(update={"api_keys": "first, second"})) as service,
        httpx.Client(base_url=service.endpoint) as client,
    ):
        assert client.get("/healthz").status_code == 200
        for path in ("/sql", "/v1/traces", "/api/v2/llm-obs/v1/projects", "/experiments"):
            refused = client.post(path)
            assert refused.status_code == 401, path
            assert "API key" in refused.text
        wrong = client.post("/sql", content="SELECT 1", headers={"authorization": "Bearer third"})
        right = client.post("/sql", content="SELECT 1", headers={"authorization": "Bearer second"})
        vendor = client.post("/sql", content="SELECT 1", headers={"dd-api-key": "first"})
        assert [wrong.status_code, right.status_code, vendor.status_code] == [401, 200, 200]


def test_listening_beyond_loopback_without_keys_is_refused_unless_asked_for(settings: Settings) -> None:
    with pytest.raises(UsageError, match=r"'0\.0\.0\.0' without API keys"):
        Service(settings.model_copy(update={"host": "0.0.0.0"}))
    Service(settings.model_copy(update={"host": "0.0.0.0", "allow_open": True}))
    Service(settings.model_copy(update={"host": "0.0.0.0", "api_keys": "k"}))


def test_a_taken_port_is_named(service: Service, tmp_path: Path) -> None:
    port = int(service.endpoint.rsplit(":", 1)[1])
    second = Service(Settings(store=f"chdb://{tmp_path / 'other'}", http_port=port, grpc_port=-1))
    with pytest.raises(ServiceError, match=f":{port}"):
        second.start()


def test_the_store_says_which_service_holds_it(service: Service, settings: Settings, tmp_path: Path) -> None:
    found = holder(tmp_path / "store")
    assert found is not None
    assert found.endpoint == service.endpoint
    with pytest.raises(StoreLocked, match=service.endpoint):
        Service(settings).start()


def test_a_stopped_service_can_be_started_again_on_the_same_store(settings: Settings) -> None:
    for expected in (1, 2):
        with Service(settings) as service, httpx.Client(base_url=service.endpoint) as client:
            body = {"data": {"type": "projects", "attributes": {"name": f"p{expected}"}}}
            client.post("/api/v2/llm-obs/v1/projects", json=body)
            assert client.post("/sql", content="SELECT count() AS n FROM projects").json() == {"n": expected}


def test_an_experiment_has_a_page_that_shows_its_name_and_escapes_it(client: httpx.Client) -> None:
    base = "/api/v2/llm-obs/v1"
    project = client.post(f"{base}/projects", json={"data": {"attributes": {"name": "p"}}}).json()["data"][
        "id"
    ]
    attributes = {"name": "<b>bold</b>", "project_id": project}
    made = client.post(f"{base}/experiments", json={"data": {"attributes": attributes}}).json()["data"]["id"]
    page = client.get(f"/experiments/{made}")
    assert page.status_code == 200
    assert "&lt;b&gt;bold&lt;/b&gt;" in page.text
    assert "<b>bold" not in page.text
    assert client.get("/experiments/unknown").status_code == 404
    assert made in client.get("/", follow_redirects=True).text
