"""Projects, datasets and records over HTTP: partial updates, deletion, pages, batches, CSV."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

BASE = "/api/v2/llm-obs/v1"
Json = Any


def send(client: httpx.Client, method: str, path: str, status: int = 200, **attributes: Json) -> Json:
    answer = client.request(method, BASE + path, json={"data": {"attributes": attributes}})
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


@pytest.fixture
def dataset(client: httpx.Client) -> str:
    """The path of a dataset with two records."""
    project = send(client, "POST", "/projects", name="p")["data"]["id"]
    made = send(client, "POST", f"/{project}/datasets", name="d", metadata={"owner": "me"})["data"]["id"]
    records = [{"id": "a", "input": 1, "tags": ["x"]}, {"id": "b", "input": 2, "metadata": {"k": 1}}]
    send(client, "POST", f"/datasets/{made}/batch_update", insert_records=records)
    return f"/{project}/datasets/{made}"


def version(client: httpx.Client, dataset: str) -> int:
    base, _, identity = dataset.rpartition("/")
    [found] = client.get(BASE + base, params={"filter[id]": identity}).json()["data"]
    return found["attributes"]["current_version"]


def test_metadata_alone_makes_no_version_and_content_does(client: httpx.Client, dataset: str) -> None:
    renamed = send(client, "PATCH", dataset, name="new name", metadata={"owner": "you"})["data"]["attributes"]
    assert (renamed["name"], renamed["metadata"], renamed["current_version"]) == (
        "new name",
        {"owner": "you"},
        1,
    )
    send(client, "PATCH", f"{dataset}/records", records=[{"id": "b", "metadata": {"k": 2}}])
    assert version(client, dataset) == 1
    changed = send(client, "PATCH", f"{dataset}/records", records=[{"id": "a", "expected_output": [1]}])
    [record] = changed["data"]["attributes"]["records"]
    assert (record["id"], record["input"], record["expected_output"], record["version"]) == ("a", 1, [1], 2)
    assert record["tags"] == ["x"]


def test_one_batch_inserts_updates_and_deletes_and_null_leaves_as_it_is(
    client: httpx.Client, dataset: str
) -> None:
    answer = send(
        client, "POST", f"{dataset}/batch_update",
        insert_records=[{"id": "c", "input": 3}, {"id": "twin", "input": 1, "tags": ["x"]}],
        update_records=[
            {"id": "a", "input": None, "expected_output": "y", "metadata": None,
             "tag_operations": {"add": ["new"], "remove": ["x"]}},
        ],
        delete_records=["b"],
    )  # fmt: skip
    found = {item["id"]: item["attributes"] for item in answer["data"]}
    assert {item["version"] for item in found.values()} == {2}
    assert (found["a"]["input"], found["a"]["expected_output"], found["a"]["tags"]) == (1, "y", ["new"])
    listed = client.get(f"{BASE}{dataset}/records").json()["data"]
    assert {item["id"] for item in listed} == {"a", "c", "twin"}


def test_an_insert_whose_content_is_there_is_echoed_under_its_canonical_id(
    client: httpx.Client, dataset: str
) -> None:
    twin = [{"id": "twin", "input": 1, "tags": ["x"]}]
    [echo] = send(client, "POST", f"{dataset}/batch_update", insert_records=twin)["data"]
    assert (echo["id"], echo["attributes"]["canonical_id"], echo["attributes"]["version"]) == ("twin", "a", 1)
    assert send(client, "POST", f"{dataset}/records", records=twin)["data"]["attributes"]["records"] == []


def test_deleted_things_leave_lists_and_views(client: httpx.Client, dataset: str) -> None:
    assert send(client, "POST", f"{dataset}/records/delete", record_ids=["a"]) is None
    send(client, "POST", f"{dataset}/records/delete", record_ids=["a"])
    send(client, "POST", f"{dataset}/records/delete", 404, record_ids=["never"])
    base, _, identity = dataset.rpartition("/")
    send(client, "POST", "/datasets/delete", type="soft", dataset_ids=[identity])
    assert client.get(BASE + base).json()["data"] == []
    assert client.post("/sql", content="SELECT * FROM dataset_records").text == ""
    assert send(client, "POST", base, name="d")["data"]["id"] != identity
    send(client, "POST", "/projects/delete", project_ids=[base.split("/")[1]])
    assert (
        client.post("/sql", content="SELECT name FROM projects UNION ALL SELECT name FROM datasets").text
        == ""
    )


def test_a_csv_file_is_uploaded_and_wrong_ones_are_refused_by_line(
    client: httpx.Client, dataset: str
) -> None:
    path = f"{BASE}{dataset}/records/upload?deduplicate=True"

    def upload(content: str) -> httpx.Response:
        return client.post(path, files={"file": ("d.csv", content.encode(), "text/csv")})

    good = 'input,expected_output,metadata,id\n"{""q"": 1}","""""",{},csv1\nplain text,2,"{""k"": 1}",a\n'
    assert upload(good).status_code == 200
    listed = {
        item["id"]: item["attributes"] for item in client.get(f"{BASE}{dataset}/records").json()["data"]
    }
    assert (listed["csv1"]["input"], listed["csv1"]["expected_output"]) == ({"q": 1}, None)
    assert (listed["a"]["input"], listed["a"]["metadata"]) == ("plain text", {"k": 1})
    for wrong in ("question\n1\n", "input,id\n1,a,b\n", "input,id\n1,a b\n", "input,metadata\n1,[]x\n"):
        assert upload(wrong).status_code == 400, wrong
    assert client.post(path, content=b"x").status_code == 400
