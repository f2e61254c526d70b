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
