"""Datasets and their rows over the Respan face."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from ingest.build import span, traces

ROW = {"input": {"name": "Ada", "issue": "late"}, "expected_output": "sorry", "metadata": {"team": "red"}}


def add(client: httpx.Client, dataset_id: str, *rows: dict[str, Any]) -> list[str]:
    return [
        str(client.post(f"/datasets/{dataset_id}/logs/", json=row).raise_for_status().json()["unique_id"])
        for row in rows
    ]


def listed(client: httpx.Client, dataset_id: str, **body: Any) -> list[dict[str, Any]]:
    return client.post(f"/datasets/{dataset_id}/logs/list/", json=body).raise_for_status().json()["results"]


def test_two_datasets_may_bear_one_name_and_each_keeps_its_own_rows(client: httpx.Client) -> None:
    first, second = (client.post("/datasets", json={"name": "twins"}).json() for _ in range(2))
    assert first["id"] != second["id"]
    assert first["name"] == second["name"] == "twins"
    assert first["status"] == "ready"
    add(client, first["id"], ROW)
    counts = [client.get(f"/datasets/{each['id']}").json()["log_count"] for each in (first, second)]
    assert counts == [1, 0]
    found = client.post("/datasets/list/", json={"filters": {"name": "twins"}}).json()
    assert found["count"] == 2


def test_a_dataset_is_changed_and_deleted(client: httpx.Client, dataset_id: str) -> None:
    patched = client.patch(
        f"/datasets/{dataset_id}/", json={"name": "new", "tags": ["a"], "starred": True}
    ).json()
    assert (patched["name"], patched["starred"], patched["tags"][0]["name"]) == ("new", True, "a")
    assert client.delete(f"/datasets/{dataset_id}/").status_code == 204
    gone = client.get(f"/datasets/{dataset_id}/")
    assert gone.status_code == 404
    assert dataset_id in gone.json()["detail"]


def test_a_row_is_listed_as_json_text_and_keeps_what_a_record_has_no_field_for(
    client: httpx.Client, dataset_id: str
) -> None:
    more = {"output": "we are", "metrics": {"cost": 0.25, "prompt_tokens": 3}, "model": "m1"}
    (identity,) = add(client, dataset_id, {**ROW, **more})
    (row,) = listed(client, dataset_id)
    assert row["id"] == row["unique_id"] == identity
    assert json.loads(row["input"]) == ROW["input"]
    assert (row["output"], row["expected_output"], row["model"]) == ("we are", "sorry", "m1")
    assert (row["cost"], row["prompt_tokens"], row["metadata"]) == (0.25, 3, {"team": "red"})


def test_an_expected_output_inside_the_input_is_lifted_out(client: httpx.Client, dataset_id: str) -> None:
    add(client, dataset_id, {"input": {"q": 1, "expected_output": {"a": 2}}})
    (row,) = listed(client, dataset_id)
    assert (json.loads(row["input"]), json.loads(row["expected_output"])) == ({"q": 1}, {"a": 2})


def test_rows_of_one_content_are_as_many_as_were_sent(client: httpx.Client, dataset_id: str) -> None:
    add(client, dataset_id, ROW, ROW)
    sent = client.post(f"/datasets/{dataset_id}/logs/bulk", json={"logs": [ROW, ROW, {"output": "x"}]})
    assert sent.status_code == 201
    assert (sent.json()["success_count"], sent.json()["error_count"]) == (2, 1)
    assert sent.json()["errors"][0]["index"] == 2
    assert "input" in sent.json()["errors"][0]["error"]
    assert len(listed(client, dataset_id)) == 4
    nothing = client.post(f"/datasets/{dataset_id}/logs/bulk/", json={"logs": [{}]})
    assert (nothing.status_code, nothing.json()["success_count"]) == (400, 0)


def test_a_page_past_the_end_is_empty_and_its_status_is_200(client: httpx.Client, dataset_id: str) -> None:
    add(client, dataset_id, *({"input": str(n)} for n in range(3)))
    url = f"/datasets/{dataset_id}/logs/list"
    first = client.get(url, params={"page_size": 2, "sort_by": "input"}).json()
    assert [row["input"] for row in first["results"]] == ["0", "1"]
    second = client.get(first["next"]).json()
    assert ([row["input"] for row in second["results"]], second["next"]) == (["2"], None)
    third = client.post(url, params={"page": 3, "page_size": 2}, json={})
    assert (third.status_code, third.json()["results"], third.json()["count"]) == (200, [], 3)
    in_body = client.post(url, json={"page": 2, "page_size": 2, "sort_by": "-input"}).json()
    assert [row["input"] for row in in_body["results"]] == ["0"]


def test_rows_are_filtered_by_what_they_hold(client: httpx.Client, dataset_id: str) -> None:
    add(client, dataset_id, ROW, {"input": "plain", "metrics": {"cost": 2}})
    assert [row["input"] for row in listed(client, dataset_id, filters={"cost": {"gt": 1}})] == ["plain"]
    assert len(listed(client, dataset_id, filters={"metadata.team": "red"})) == 1
    refused = client.post(f"/datasets/{dataset_id}/logs/list/", json={"filters": {"colour": 1}})
    assert (refused.status_code, "'colour'" in refused.json()["error"]) == (400, True)


def test_a_patch_changes_some_fields_and_a_put_removes_those_not_given(
    client: httpx.Client, dataset_id: str
) -> None:
    (identity,) = add(client, dataset_id, {**ROW, "output": "old"})
    url = f"/datasets/{dataset_id}/logs/{identity}"
    patched = client.patch(url, json={"output": "new", "metadata": {"seen": True}}).json()
    assert (patched["output"], patched["expected_output"]) == ("new", "sorry")
    assert patched["metadata"] == {"team": "red", "seen": True}
    put = client.put(f"{url}/", json={"input": "only"}).json()
    assert (put["input"], put["output"], put["expected_output"], put["metadata"]) == ("only", None, None, {})
    assert client.delete(url).status_code == 204
    assert client.get(url).status_code == 404


def test_a_copy_has_the_rows_of_its_source_in_their_order(client: httpx.Client, dataset_id: str) -> None:
    add(client, dataset_id, *({"input": str(n), "output": n} for n in range(3)))
    made = client.post("/datasets/", json={"source_dataset_id": dataset_id}).json()
    assert (made["name"], made["log_count"]) == ("rows (copy)", 3)
    pairs = [(row["input"], row["output"]) for row in listed(client, made["id"], sort_by="input")]
    assert pairs == [("0", "0"), ("1", "1"), ("2", "2")]


def test_logs_of_a_time_range_become_rows_before_the_answer(client: httpx.Client, dataset_id: str) -> None:
    call = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m7", "gen_ai.usage.input_tokens": 5}
    body = traces(span(call)).SerializeToString()
    root = str(client.base_url).replace("respan/api/", "v1/traces")
    httpx.post(root, content=body, headers={"content-type": "application/x-protobuf"}).raise_for_status()
    wide = {"start_time": "1971-01-01", "end_time": "2250-01-01", "filters": {"model": "m7"}}
    taken = client.post(f"/datasets/{dataset_id}/logs/import/", json=wide)
    assert (taken.status_code, taken.json()["count"]) == (200, 1)
    (row,) = listed(client, dataset_id)
    assert (row["model"], row["prompt_tokens"], row["log_type"]) == ("m7", 5, "chat")
    removed = client.request(
        "DELETE", f"/datasets/{dataset_id}/logs/import/", json={"is_deleting_all_logs": True}
    )
    assert removed.json()["count"] == 1
    assert listed(client, dataset_id) == []


def test_an_export_is_answered_with_where_to_fetch_it(client: httpx.Client, dataset_id: str) -> None:
    add(client, dataset_id, ROW, {"input": "other"})
    body = {"is_exporting": True, "export_format": ".jsonl", "filters": {"metadata.team": "red"}}
    answer = client.post(f"/datasets/{dataset_id}/logs/list/", json=body).json()
    lines = [json.loads(line) for line in client.get(answer["download_url"]).text.splitlines()]
    assert [json.loads(line["input"]) for line in lines] == [ROW["input"]]
    assert answer["download_url"] in answer["message"]


def test_a_summary_counts_rows_and_sums_what_they_say(client: httpx.Client, dataset_id: str) -> None:
    add(client, dataset_id, {"input": 1, "metrics": {"cost": 1.5, "latency": 2}}, {"input": 2})
    found = client.post(f"/datasets/{dataset_id}/logs/summary/", json={}).json()
    assert (found["number_of_requests"], found["total_cost"], found["avg_latency"]) == (2, 1.5, 2.0)


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/datasets/", {}, "needs a name"),
        ("/datasets/", {"name": "x", "start_time": "2026-01-01"}, "both needed"),
        ("/datasets/", {"name": "x", "source_dataset_id": "absent"}, "'absent'"),
        ("/datasets/{id}/logs/", {"output": 1}, "/input"),
        ("/datasets/{id}/logs/", {"input": None}, "null"),
        ("/datasets/{id}/logs/bulk/", {"logs": []}, "1 to 500"),
        ("/datasets/{id}/logs/list/?page=x", {}, "'x' is not a number"),
        ("/datasets/{id}/logs/list/?sort_by=colour", {}, "'colour'"),
        ("/datasets/{id}/logs/import/", {}, "start_time and end_time"),
    ],
)
def test_bad_input_is_refused_with_what_is_wrong(
    client: httpx.Client, dataset_id: str, path: str, body: dict[str, Any], said: str
) -> None:
    refused = client.post(path.replace("{id}", dataset_id), json=body)
    assert refused.status_code in {400, 404}
    assert said in refused.json()["detail"]
    assert refused.json()["error"] == refused.json()["detail"]
