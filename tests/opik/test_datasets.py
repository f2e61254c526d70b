"""Datasets through the real client, and the rules of their items on the wire."""

from __future__ import annotations

import gzip
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from support.opik_client import Run, Sql

API = "/v1/private"
TRACES = {"north": "01990000-0000-7000-8000-000000000001", "south": "01990000-0000-7000-8000-000000000002"}


def test_a_user_keeps_a_dataset_and_finds_every_version_of_it_as_it_was(run: Run, ask: Sql) -> None:
    seen = run("datasets")
    assert seen["first"] == ["v1", 3, 3]
    assert [json.loads(each) for each in seen["kept"]] == [
        {"id": 0, "expected_output": "Beijing", "input": {"q": "China?"}, "level": 1},
        {"id": 0, "expected_output": None, "input": {"q": "Kenya?"}, "level": 2},
        {"id": 0, "nested": {"a": [1, 2.5, None, "ü"]}, "question": "Peru?"},
    ]
    assert seen["then"] == seen["kept"]
    assert seen["now"] == [["Kenya?", "The capital of China?"], "v3"]
    assert (seen["filtered"], seen["streamed"], seen["listed"]) == ([2], 2, ["capitals"])
    rows = ask(
        "SELECT input, expected_output, version FROM dataset_records "
        "WHERE dataset = 'capitals' AND is_current ORDER BY input"
    )
    assert rows == [
        {"input": '{"q": "Kenya?"}', "expected_output": "null", "version": 1},
        {"input": '{"q": "The capital of China?"}', "expected_output": '"Beijing"', "version": 2},
    ]


def items(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"id": str(uuid.uuid4()), "data": {"n": n}, "source": "sdk", **more} for n in range(count)]


def made(opik: httpx.Client) -> tuple[str, str]:
    """The name and the id of a new dataset."""
    name = uuid.uuid4().hex
    assert opik.post(f"{API}/datasets", json={"name": name}).status_code == 201
    found = opik.post(f"{API}/datasets/retrieve", json={"dataset_name": name})
    return name, found.json()["id"]


def test_chunks_of_one_batch_that_arrive_at_once_and_twice_are_one_version(opik: httpx.Client) -> None:
    name, identity = made(opik)
    for group in ("a", "b"):
        bodies = [{"dataset_name": name, "batch_group_id": group, "items": items(5)} for _ in range(4)]
        with ThreadPoolExecutor(8) as pool:
            answers = pool.map(lambda body: opik.put(f"{API}/datasets/items", json=body), bodies * 2)
            assert {each.status_code for each in answers} == {204}
    versions = opik.get(f"{API}/datasets/{identity}/versions").json()
    assert [(each["version_name"], each["items_total"]) for each in versions["content"]] == [
        ("v2", 40),
        ("v1", 20),
    ]


def test_a_stream_runs_down_the_ids_from_below_the_last_one_seen(opik: httpx.Client) -> None:
    name, _ = made(opik)
    sent = items(7)
    packed = gzip.compress(json.dumps({"dataset_name": name, "items": sent}).encode())
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    assert opik.put(f"{API}/datasets/items", content=packed, headers=headers).status_code == 204
    found: list[str] = []
    while True:
        body = {"dataset_name": name, "steam_limit": 3, "last_retrieved_id": found[-1] if found else None}
        lines = opik.post(f"{API}/datasets/items/stream", json=body).text.splitlines()
        found += [json.loads(line)["id"] for line in lines]
        if len(lines) < 3:
            break
    assert found == sorted((each["id"] for each in sent), reverse=True)


def test_an_item_sent_again_under_its_id_replaces_what_it_was(opik: httpx.Client) -> None:
    name, identity = made(opik)
    [item] = items(1, tags=["a"], description="first")
    for data in ({"n": 1}, {"n": 2}, {"n": 2}):
        body = {"dataset_name": name, "items": [{**item, "data": data}]}
        assert opik.put(f"{API}/datasets/items", json=body).status_code == 204
    opik.patch(f"{API}/datasets/items/{item['id']}", json={"description": "second"})
    found = opik.get(f"{API}/datasets/{identity}/items").json()
    assert found["total"] == 1
    assert [(each["data"], each["tags"], each["description"]) for each in found["content"]] == [
        ({"n": 2}, ["a"], "second")
    ]
    assert opik.get(f"{API}/datasets/{identity}/versions").json()["total"] == 3


FILTERS: list[tuple[str, str, str, Any, set[int]]] = [
    ("data", "city", "=", "BERN", {1}),
    ("data", "city", "!=", "bern", {0, 2, 3}),
    ("data", "city", "contains", "er", {1, 2}),
    ("data", "city", "not_contains", "er", {0, 3}),
    ("data", "city", "starts_with", "b", {1, 2}),
    ("data", "city", "ends_with", "N", {1, 2}),
    ("data", "city", "is_empty", "", {3}),
    ("data", "city", "is_not_empty", "", {0, 1, 2}),
    ("data", "n", ">", "1", {2, 3}),
    ("data", "n", "<=", "1", {0, 1}),
    ("data", "n", "in", "0,3", {0, 3}),
    ("data.deep.a", "", "=", "true", {2}),
    ("full_data", "", "contains", "bern", {1}),
    ("tags", "", "contains", "blu", {1, 3}),
    ("source", "", "=", "manual", set()),
    ("created_at", "", ">", "2020-01-01T00:00:00Z", {0, 1, 2, 3}),
]


def test_filters_select_the_items_that_meet_them(opik: httpx.Client) -> None:
    name, identity = made(opik)
    cities = ["Oslo", "Bern", "Berlin", None]
    sent = items(4)
    for item, city, tag in zip(sent, cities, ["red", "blue", "red", "blue"], strict=True):
        item |= {"tags": [tag], "data": {**item["data"], "city": city}}
    sent[2]["data"]["deep"] = {"a": True}
    opik.put(f"{API}/datasets/items", json={"dataset_name": name, "items": sent})
    for field, key, operator, value, wanted in FILTERS:
        given = json.dumps([{"field": field, "key": key, "operator": operator, "value": value}])
        page = opik.get(f"{API}/datasets/{identity}/items", params={"filters": given}).json()
        assert {each["data"]["n"] for each in page["content"]} == wanted, given
        assert page["total"] == len(wanted)
        body = {"dataset_name": name, "filters": given}
        lines = opik.post(f"{API}/datasets/items/stream", json=body).text.splitlines()
        assert {json.loads(line)["data"]["n"] for line in lines} == wanted, given


def test_what_cannot_be_asked_for_is_refused_with_the_reason(opik: httpx.Client) -> None:
    _, identity = made(opik)
    path = f"{API}/datasets/{identity}/items"
    for parameters, reason in (
        ({"page": "0"}, "page=0"),
        ({"size": "many"}, "'many' is not an integer"),
        ({"filters": "{"}, "not a JSON list of conditions"),
        ({"filters": '[{"field": "mood", "operator": "="}]'}, "'mood'"),
        ({"filters": '[{"field": "data", "operator": "~"}]'}, "'~'"),
    ):
        refused = opik.get(path, params=parameters)
        assert (refused.status_code, reason in refused.json()["message"]) == (400, True), parameters
    assert opik.get(path, params={"version": "v9"}).status_code == 404
    assert opik.get(f"{API}/datasets/{uuid.uuid4()}/items").status_code == 404


def test_every_version_keeps_its_items(opik: httpx.Client) -> None:
    name, identity = made(opik)
    sent = items(3)
    opik.put(f"{API}/datasets/items", json={"dataset_name": name, "items": sent, "batch_group_id": "a"})
    gone = {"item_ids": [sent[0]["id"]], "batch_group_id": "b"}
    for _ in range(2):
        assert opik.post(f"{API}/datasets/items/delete", json=gone).status_code == 204
    versions = opik.get(f"{API}/datasets/{identity}/versions").json()["content"]
    assert [(each["items_total"], each["items_deleted"]) for each in versions] == [(2, 1), (3, 0)]
    for each in versions:
        page = opik.get(f"{API}/datasets/{identity}/items", params={"version": each["version_hash"]}).json()
        assert page["total"] == len(page["content"]) == each["items_total"]
    named = opik.post(f"{API}/datasets/{identity}/versions/retrieve", json={"version_name": "v1"}).json()
    assert named == versions[1]
    unknown = opik.post(f"{API}/datasets/items/delete", json={"item_ids": [str(uuid.uuid4())]})
    assert unknown.status_code == 404


def test_datasets_of_one_name_in_two_projects_are_two(opik: httpx.Client) -> None:
    seen: dict[str, tuple[str, str]] = {}
    for project in ("north", "south"):
        item = {**items(1)[0], "data": {"where": project}}
        body = {"dataset_name": "twins", "project_name": project, "items": [item]}
        assert opik.put(f"{API}/datasets/items", json=body).status_code == 204
        experiment = {"id": str(uuid.uuid4()), "dataset_name": "twins", "project_name": project}
        assert opik.post(f"{API}/experiments", json=experiment).status_code == 201
        link = {"experiment_id": experiment["id"], "dataset_item_id": item["id"], "trace_id": TRACES[project]}
        trace = {"id": TRACES[project], "project_name": project, "start_time": "2026-01-01T00:00:00Z"}
        assert opik.post(f"{API}/traces/batch", json={"traces": [trace]}).is_success
        assert opik.post(f"{API}/experiments/items", json={"experiment_items": [link]}).is_success
        found = opik.post(f"{API}/datasets/retrieve", json={"dataset_name": "twins", "project_name": project})
        seen[project] = found.json()["id"], experiment["id"]
        body = {"dataset_name": "twins", "project_name": project}
        [line] = opik.post(f"{API}/datasets/items/stream", json=body).text.splitlines()
        assert json.loads(line)["data"] == {"where": project}
    assert seen["north"][0] != seen["south"][0]
    for dataset, _ in seen.values():  # the client may ask with either: it looks the id up by the name alone
        path = f"{API}/datasets/{dataset}/items/experiments/items"
        page = opik.get(path, params={"experiment_ids": json.dumps([seen["north"][1]])}).json()
        assert [each["data"] for each in page["content"]] == [{"where": "north"}]
    missing = opik.post(f"{API}/datasets/retrieve", json={"dataset_name": "twins", "project_name": "west"})
    assert missing.status_code == 404
