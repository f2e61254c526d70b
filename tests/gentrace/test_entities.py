"""The client's resources, sync and async."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import pytest

from evalspan.api.server import Service
from support.gentrace_client import Run, Sql


@pytest.fixture(scope="module")
def tag() -> str:
    return uuid.uuid4().hex[:8]


@pytest.fixture(scope="module")
def told(run: Run, tag: str) -> dict[str, Any]:
    return run("entities", tag)


def test_a_pipeline_is_made_once_changed_and_archived(told: dict[str, Any], tag: str) -> None:
    one, two = told["one"], told["two"]
    assert (one["slug"], one["displayName"], one["archivedAt"]) == (f"{tag}-Alpha", "First", None)
    assert told["again"] == one
    assert (two["folderId"], told["archived"]["displayName"]) == ("f1", "Beta")
    assert datetime.fromisoformat(told["archived"]["archivedAt"]) >= datetime.fromisoformat(two["createdAt"])
    assert (told["restored"]["archivedAt"], told["restored"]["displayName"]) == (None, None)
    assert told["folder"] == [two["id"]]


def test_pipelines_are_found_by_every_filter_of_their_slug(told: dict[str, Any], tag: str) -> None:
    alpha, beta = f"{tag}-Alpha", f"{tag}-beta"
    assert told["slugs"] == {
        "equal": [beta], "contains": [alpha, beta], "starts": [alpha], "case": [], "ends": [beta],
        "search": [alpha], "in": [beta], "not in": [alpha],
    }  # fmt: skip


def test_datasets_are_listed_by_pipeline_and_archived_ones_on_request(told: dict[str, Any]) -> None:
    data, old = told["data"], told["old"]
    assert (data["name"], data["description"], data["pipelineId"]) == ("d1", "about", told["one"]["id"])
    assert (old["name"], old["description"], old["archivedAt"] is None) == ("d2 old", "gone", False)
    assert (told["live"], told["every"]) == ([data["id"]], [data["id"], old["id"]])
    assert told["golden"] == data["id"]


def test_a_test_case_is_a_record_and_gone_when_it_is_deleted(told: dict[str, Any], ask: Sql) -> None:
    case = told["case"]
    assert told["same"] == case
    assert (case["name"], case["inputs"], case["expectedOutputs"]) == (
        "c1", {"q": [1, {"a": None}]}, {"n": 1.5},
    )  # fmt: skip
    assert (case["datasetId"], case["pipelineId"]) == (told["data"]["id"], told["one"]["id"])
    assert told["cases"] == [case["id"], told["twin"]]
    assert told["left"] == [case["id"]]
    assert told["twin"] in told["gone"]["message"]
    stored = ask(
        "SELECT record_id, input, expected_output FROM dataset_records "
        "WHERE dataset_id = {id:String} AND is_current",
        id=told["data"]["id"],
    )
    assert stored == [
        {"record_id": case["id"], "input": '{"q": [1, {"a": null}]}', "expected_output": '{"n": 1.5}'}
    ]


def test_an_experiment_keeps_its_name_metadata_and_status(told: dict[str, Any], ask: Sql) -> None:
    run, other, bare = told["run"], told["other"], told["bare"]
    assert (run["name"], run["metadata"], other["name"]) == ("run", {"k": [1]}, "run")
    assert (bare["name"], bare["metadata"], told["named"]["name"]) == (None, None, "run")
    assert (told["changed"]["name"], told["changed"]["metadata"]) == ("renamed", {"k": 2})
    assert told["fetched"] == told["changed"]
    assert datetime.fromisoformat(told["changed"]["updatedAt"]) >= datetime.fromisoformat(run["createdAt"])
    assert (told["listed"], told["default"]) == ([other["id"], run["id"]], [bare["id"]])
    stored = ask("SELECT experiment_id, experiment, status FROM experiments")
    assert {(row["experiment_id"], row["experiment"], row["status"]) for row in stored} == {
        (run["id"], "renamed", "completed"), (other["id"], "run", "running"), (bare["id"], "run", "running"),
    }  # fmt: skip


def test_the_organization_is_the_service_and_knows_its_default_pipeline(
    told: dict[str, Any], service: Service
) -> None:
    assert told["mine"] == told["me"]
    assert told["me"]["defaultPipelineId"] == told["bare"]["pipelineId"]
