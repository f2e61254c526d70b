"""Searching and comparing over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from analysis.samples import fill
from evalspan.settings import Settings
from evalspan.store import Store

PATH = "/api/v2/llm-obs/v1/experiments"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a service whose store holds the sample."""
    settings = Settings(store=f"chdb://{tmp_path / 'store'}", http_port=0, grpc_port=-1)
    with Store(settings.store) as store:
        fill(store)
    return settings


def search(client: httpx.Client, **parameters: Any) -> Any:
    given = {{"limit": "page[limit]", "cursor": "page[cursor]"}.get(k, k): v for k, v in parameters.items()}
    response = client.get(f"{PATH}/e1/search", params=given)
    assert response.status_code == 200, response.text
    return response.json()


def refused(client: httpx.Client, path: str, **parameters: Any) -> tuple[int, Any]:
    response = client.get(f"{PATH}/{path}", params=parameters)
    (error,) = response.json()["errors"]
    return response.status_code, error


def test_a_search_answers_with_runs_as_resources(client: httpx.Client) -> None:
    answer = search(client, query="run_iteration:1 @trace.total_tokens:>20")
    assert [(item["id"], item["type"]) for item in answer["data"]] == [
        ("r2:1", "experiment_runs"), ("r4:1", "experiment_runs"), ("r5:1", "experiment_runs"),
    ]  # fmt: skip
    attributes = answer["data"][0]["attributes"]
    assert (attributes["record_id"], attributes["total_tokens"], attributes["status"]) == ("r2", 25, "error")
    assert attributes["started_at"] == "2026-01-01T00:00:00+00:00"
    assert answer["meta"] == {"after": ""}


def test_a_search_over_all_runs_answers_with_records(client: httpx.Client) -> None:
    (item,) = search(client, query="@multi_run_avg.@trace.total_tokens:>60 runs:3")["data"]
    assert (item["id"], item["type"]) == ("r5", "experiment_records")
    assert item["attributes"]["mean_total_tokens"] == 105.0


def test_pages_follow_the_cursor(client: httpx.Client) -> None:
    first = search(client, limit=8)
    second = search(client, limit=8, cursor=first["meta"]["after"])
    assert (len(first["data"]), len(second["data"]), second["meta"]["after"]) == (8, 7, "")
    assert len({item["id"] for item in first["data"] + second["data"]}) == 15


def test_a_query_that_cannot_be_read_is_refused_with_its_place(client: httpx.Client) -> None:
    status, error = refused(client, "e1/search", query="status:error AND (a")
    assert (status, error["status"]) == (400, "400")
    assert error["source"] == {"pointer": "/query"}
    assert error["meta"] == {"position": 19}
    assert "Expected ')'" in error["detail"]


def test_a_query_that_mixes_levels_is_refused_with_the_reason(client: httpx.Client) -> None:
    query = "@multi_run_avg.@trace.total_tokens:>1000 @trace.estimated_total_cost:>0.01"
    status, error = refused(client, "e1/search", query=query)
    assert (status, error["meta"]) == (400, {"position": 41})
    assert "one query asks for one of the two" in error["detail"]


@pytest.mark.parametrize(
    ("path", "parameters", "status", "said"),
    [
        ("e7/search", {}, 404, "'e7'"),
        ("e1/search", {"texts": "maybe"}, 400, "texts='maybe'"),
        ("e1/search", {"page[limit]": "many"}, 400, "page[limit]='many'"),
        ("e1/search", {"page[cursor]": "x"}, 400, "not a cursor"),
        ("e1/compare/e7", {}, 404, "'e7'"),
        ("e1/compare/e2", {"run_a": "0"}, 400, "run_a=0"),
        ("e1/compare/e2", {"run_b": "4294967296"}, 400, "run_b=4294967296"),
        ("e1/compare/e2", {"run_b": "9"}, 404, "no run iteration 9"),
        ("e1/compare/e2", {"run_a": "one"}, 400, "run_a='one'"),
    ],
)
def test_wrong_requests_are_refused_in_the_one_shape(
    client: httpx.Client, path: str, parameters: dict[str, str], status: int, said: str
) -> None:
    found, error = refused(client, path, **parameters)
    assert (found, error["status"]) == (status, str(status))
    assert said in error["detail"]


def test_a_comparison_is_one_resource(client: httpx.Client) -> None:
    given = {"run_a": 1, "run_b": 2, "texts": "true", "lower_is_better": ["exact"]}
    data = client.get(f"{PATH}/e1/compare/e1", params=given).json()["data"]
    assert (data["id"], data["type"]) == ("e1:e1", "experiment_comparisons")
    (exact,) = data["attributes"]["scores"]
    assert (exact["name"], exact["lower_is_better"], exact["n"], exact["unpaired"]) == ("exact", True, 5, 1)
    rows = {row["record_id"]: row for row in data["attributes"]["rows"]}
    assert rows["r2"]["scores"]["exact"]["verdict"] == "failed"
    assert (rows["r0"]["output_a"], rows["r0"]["output_b"]) == ('"Answer 1"', '"Answer 2"')


def test_a_comparison_without_rows_is_the_summary_alone(client: httpx.Client) -> None:
    attributes = client.get(f"{PATH}/e1/compare/e1", params={"rows": "false"}).json()["data"]["attributes"]
    assert attributes["rows"] == []
    assert [label["agreement"] for label in attributes["labels"]] == [1.0]
