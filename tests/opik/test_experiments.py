"""The experiment entity on the wire: every field of Opik's schema, its limits, and what it answers."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import jsonschema_rs
import pytest

from support.opik_client import Run, Sql

API = "/v1/private/experiments"
Make = Callable[..., dict[str, Any]]


@pytest.fixture
def make(opik: httpx.Client) -> Make:
    """Creates an experiment with the given fields and reads it back."""

    def create(**fields: Any) -> dict[str, Any]:
        body = {"id": str(uuid.uuid4()), "dataset_name": "d", "project_name": "p", **fields}
        made = opik.post(API, json=body)
        assert made.status_code == 201, made.text
        return read(opik, made.headers["location"].rpartition("/")[2])

    return create


def read(opik: httpx.Client, identity: str) -> dict[str, Any]:
    found = opik.get(f"{API}/{identity}")
    assert found.status_code == 200, found.text
    return found.json()


METADATA: list[Any] = [
    {"model": "m", "n": 1, "f": 1.0, "deep": {"list": [1, None, True]}, "_opik_resume": '{"v": 1}', "ü": "é"},
    {},
    ["a", {"b": 1}],
    "text",
    0,
]


@pytest.mark.parametrize("metadata", METADATA, ids=["object", "empty", "list", "text", "number"])
def test_metadata_of_any_shape_is_returned_unchanged(make: Make, metadata: Any) -> None:
    assert make(metadata=metadata)["metadata"] == metadata


def test_every_field_that_is_given_is_returned(make: Make, opik: httpx.Client, ask: Sql) -> None:
    fields: dict[str, Any] = {
        "id": str(uuid.uuid4()), "dataset_name": "whole", "project_name": "all", "name": "fields",
        "metadata": {"commit": "abc"}, "tags": ["a", "b"], "type": "mini-batch",
        "evaluation_method": "evaluation_suite", "optimization_id": str(uuid.uuid4()), "status": "running",
        "experiment_scores": [{"name": "f1", "value": 0.5}],
    }  # fmt: skip
    found = make(**fields)
    assert {name: found[name] for name in fields} == fields
    assert found["created_by"] == found["last_updated_by"] == "anonymous"
    assert (found["trace_count"], found["feedback_scores"], found["comments"]) == (0, [], [])
    dataset = opik.get(f"/v1/private/datasets/{found['dataset_id']}").json()
    project = opik.get(f"/v1/private/projects/{found['project_id']}").json()
    assert (dataset["name"], project["name"], dataset["project_id"]) == ("whole", "all", project["id"])
    [row] = ask("SELECT * FROM experiments WHERE experiment = 'fields'")
    assert (row["project"], row["dataset"], row["tags"]) == ("all", "whole", ["a", "b"])
    assert json.loads(row["metadata"]) == {"commit": "abc"}
    [score] = ask(
        "SELECT name, score_value, source FROM evaluations WHERE experiment_id = {id:String}", id=found["id"]
    )
    assert score == {"name": "f1", "score_value": 0.5, "source": "summary"}


REFUSED: dict[str, dict[str, Any]] = {
    "no dataset": {"dataset_name": None},
    "an empty dataset": {"dataset_name": ""},
    "an id that is no UUID": {"id": "one"},
    "a blank project": {"project_name": " \n"},
    "a project id that is no UUID": {"project_id": "p"},
    "a type": {"type": "other"},
    "a method": {"evaluation_method": "other"},
    "a status": {"status": "over"},
    "an optimization": {"optimization_id": "o"},
    "51 tags": {"tags": [str(n) for n in range(51)]},
    "tags that repeat": {"tags": ["a", "a"]},
    "a tag of 101 characters": {"tags": ["x" * 101]},
    "a score without a value": {"experiment_scores": [{"name": "f1"}]},
}


@pytest.mark.parametrize("fields", REFUSED.values(), ids=REFUSED.keys())
def test_what_the_schema_forbids_is_refused_with_the_field(
    opik: httpx.Client, fields: dict[str, Any]
) -> None:
    refused = opik.post(API, json={"dataset_name": "d", **fields})
    assert refused.status_code == 400
    [field] = fields
    assert f"/{field}" in refused.json()["message"]


def test_the_limits_themselves_are_allowed_and_what_is_read_only_is_ignored(make: Make) -> None:
    tags = [str(n).zfill(100) for n in range(50)]
    found = make(
        tags=tags, type="mutation", trace_count=9, duration=5, created_by="me",
        feedback_scores=[{"name": "x"}],
        total_estimated_cost=1.5, comments=[{"text": "no"}], dataset_id=str(uuid.uuid4()),
    )  # fmt: skip
    assert found["tags"] == tags
    assert (found["trace_count"], found["created_by"], found["comments"]) == (0, "anonymous", [])
    assert "total_estimated_cost" not in found
    assert "duration" not in found


def test_an_id_sent_twice_is_one_experiment_and_with_other_data_a_conflict(
    make: Make, opik: httpx.Client
) -> None:
    identity = str(uuid.uuid4())
    assert make(id=identity, name="once") == make(id=identity, name="once")
    other = opik.post(API, json={"id": identity, "dataset_name": "another", "project_name": "p"})
    assert other.status_code == 409
    assert opik.post(f"{API}/delete", json={"ids": [identity]}).status_code == 204
    assert opik.get(f"{API}/{identity}").status_code == 404
    assert opik.post(API, json={"id": identity, "dataset_name": "d", "project_name": "p"}).status_code == 409


def test_two_experiments_may_have_one_name_and_a_third_take_it(make: Make, opik: httpx.Client) -> None:
    found = [make(name="same"), make(name="same"), make(name="other")]
    assert opik.patch(f"{API}/{found[2]['id']}", json={"name": "same"}).status_code == 204
    assert [read(opik, each["id"])["name"] for each in found] == ["same"] * 3
    listed = opik.get(API, params={"name": "SAM", "datasetId": found[0]["dataset_id"]}).json()
    assert {each["id"] for each in listed["content"]} >= {each["id"] for each in found}


def test_an_experiment_without_a_name_is_given_one(make: Make) -> None:
    found = make()
    assert found["name"].startswith("experiment-")


def test_a_project_and_a_dataset_may_be_told_by_their_ids(make: Make, opik: httpx.Client) -> None:
    first = make(project_name="by id", dataset_name="of an id")
    found = make(project_id=first["project_id"], dataset_id=first["dataset_id"], dataset_name=None)
    assert (found["project_name"], found["dataset_name"]) == ("by id", "of an id")
    unknown = opik.post(API, json={"dataset_name": "d", "project_id": str(uuid.uuid4())})
    assert unknown.status_code == 404


def test_a_patch_changes_what_it_names_and_keeps_the_rest(make: Make, opik: httpx.Client, ask: Sql) -> None:
    identity = make(name="before", tags=["a", "b"], metadata={"x": 1}, type="trial")["id"]
    for change in (
        {"name": "after", "metadata": {"y": 2}},
        {"tags_to_add": ["c"], "tags_to_remove": ["a"]},
        {"experiment_scores": [{"name": "f1", "value": 1}]},
        {"experiment_scores": [{"name": "f1", "value": 2}]},
        {"status": "failed"},
    ):
        assert opik.patch(f"{API}/{identity}", json=change).status_code == 204
    found = read(opik, identity)
    assert (found["name"], found["metadata"], found["tags"], found["type"]) == (
        "after", {"y": 2}, ["b", "c"], "trial",
    )  # fmt: skip
    assert (found["status"], found["experiment_scores"]) == ("failed", [{"name": "f1", "value": 2}])
    assert ask("SELECT score_value FROM evaluations WHERE experiment_id = {id:String}", id=identity) == [
        {"score_value": 2}
    ]
    assert opik.patch(f"{API}/{uuid.uuid4()}", json={"name": "x"}).status_code == 404


def test_finishing_and_cancelling_set_the_status(make: Make, opik: httpx.Client, ask: Sql) -> None:
    for verb, method, theirs, ours in (
        ("finish", "POST", "completed", "completed"),
        ("cancel", "PUT", "cancelled", "interrupted"),
    ):
        identity = make()["id"]
        assert opik.request(method, f"{API}/{verb}", json={"ids": [identity]}).status_code == 204
        found = read(opik, identity)
        assert found["status"] == theirs
        assert found["finished_at"]
        rows = ask("SELECT status FROM experiments WHERE experiment_id = {id:String}", id=identity)
        assert rows == [{"status": ours}]


def test_comments_are_added_edited_and_deleted(make: Make, opik: httpx.Client) -> None:
    experiment = make()["id"]
    for text in ("first", "second"):
        made = opik.post(f"{API}/{experiment}/comments", json={"text": text})
        assert made.status_code == 201
    one = made.headers["location"].rpartition("/")[2]
    assert opik.patch(f"{API}/comments/{one}", json={"text": "better"}).status_code == 204
    comments = read(opik, experiment)["comments"]
    assert [(each["text"], each["created_by"]) for each in comments] == [
        ("first", "anonymous"),
        ("better", "anonymous"),
    ]
    assert opik.get(f"{API}/{experiment}/comments/{one}").json() == comments[1]
    assert opik.post(f"{API}/comments/delete", json={"ids": [one]}).status_code == 204
    assert [each["text"] for each in read(opik, experiment)["comments"]] == ["first"]
    assert opik.patch(f"{API}/comments/{one}", json={"text": "gone"}).status_code == 404
    assert opik.post(f"{API}/{uuid.uuid4()}/comments", json={"text": "x"}).status_code == 404


def test_a_stream_finds_names_and_runs_down_the_ids(make: Make, opik: httpx.Client) -> None:
    ids = sorted((make(name=f"streamed {n}", project_name="river")["id"] for n in range(5)), reverse=True)
    found: list[str] = []
    for _ in range(3):
        body = {
            "name": "STREAMED", "limit": 2, "project_name": "river",
            "last_retrieved_id": found[-1] if found else None,
        }  # fmt: skip
        lines = opik.post(f"{API}/stream", json=body).text.splitlines()
        found += [json.loads(line)["id"] for line in lines]
    assert found == ids


def test_what_is_answered_meets_the_schema_that_is_served(make: Make, opik: httpx.Client) -> None:
    schema = opik.get("/v1/schema/experiment").json()
    full = make(
        name="n", tags=["a"], metadata={"a": 1}, optimization_id=str(uuid.uuid4()), type="trial",
        experiment_scores=[{"name": "s", "value": 1}],
    )  # fmt: skip
    opik.post(f"{API}/{full['id']}/comments", json={"text": "seen"})
    checker = jsonschema_rs.Draft7Validator(schema, validate_formats=True)
    for each in (read(opik, full["id"]), make(), *opik.get(API).json()["content"]):
        assert [error.message for error in checker.iter_errors(each)] == []
    for bad in (
        {},
        {"dataset_name": ""},
        {"dataset_name": "d", "type": "x"},
        {"dataset_name": "d", "tags": [1]},
    ):
        assert not checker.is_valid(bad)


def test_the_links_that_the_client_prints_lead_to_the_page_of_the_experiment(
    make: Make, opik: httpx.Client
) -> None:
    found = make(name="linked")
    ids = json.dumps([found["id"]])
    origin = str(opik.base_url).removesuffix("/api/")
    page = httpx.get(
        f"{origin}/default/experiments/{found['dataset_id']}/compare",
        params={"experiments": ids}, follow_redirects=True,
    )  # fmt: skip
    assert page.status_code == 200
    assert "linked" in page.text
    other = opik.get("/v1/session/redirect/projects/", params={"trace_id": str(uuid.uuid4()), "path": "x"})
    assert (other.status_code, other.headers["location"]) == (302, "/experiments")


def test_the_client_reads_and_changes_experiments(run: Run) -> None:
    seen = run("experiments")
    assert seen["by_id"] == {
        "name": "named",
        "tags": ["a"],
        "config": {"k": {"deep": [1]}},
        "dataset": "cities",
    }
    assert seen["by_name"] == ["named"]
    assert seen["renamed"] == ["renamed", {"k": 2}]
    assert seen["of_dataset"] == ["renamed"]
    assert seen["nameless"].startswith("experiment-")


def test_what_an_experiment_came_to_is_a_number_by_the_schema_and_percentiles_to_the_client(
    make: Make, opik: httpx.Client
) -> None:
    experiment, trace = make(name="ran", project_name="ran")["id"], str(uuid.UUID(int=7 << 76 | 2 << 62))
    for method, path, body in (
        ("POST", "experiments/items", {"experiment_items": [{
            "id": str(uuid.uuid4()), "experiment_id": experiment, "dataset_item_id": str(uuid.uuid4()),
            "trace_id": trace,
        }]}),
        ("POST", "traces/batch", {"traces": [{
            "id": trace, "project_name": "ran", "name": "t", "output": {"a": 1},
            "start_time": "2026-01-01T00:00:00Z", "end_time": "2026-01-01T00:00:02Z",
        }]}),
        ("PUT", "traces/feedback-scores", {"scores": [
            {"id": trace, "name": "exact", "value": 0.5, "source": "sdk", "project_name": "ran"},
        ]}),
    ):  # fmt: skip
        answer = opik.request(method, f"/v1/private/{path}", json=body)
        assert answer.is_success, answer.text
    found = read(opik, experiment)
    checker = jsonschema_rs.Draft7Validator(opik.get("/v1/schema/experiment").json(), validate_formats=True)
    assert [error.message for error in checker.iter_errors(found)] == []
    assert (found["trace_count"], found["duration"]) == (1, 2000)
    assert found["feedback_scores"] == [{"name": "exact", "value": 0.5, "count": 1}]
    seen = opik.get(f"{API}/{experiment}", headers={"x-fern-language": "Python"}).json()
    assert seen["duration"] == {"p50": 2000, "p90": 2000, "p99": 2000}
