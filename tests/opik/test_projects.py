"""A key of a project writes and reads that project's traces and no others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from opik import flow
from opik.flow import PRIVATE

from evalspan.api.server import Service
from evalspan.keyfile import KeyFile
from evalspan.settings import Settings
from support.opik_client import BASE

Call = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Call]:
    """A request with the key of a project, without a scheme, as the client sends it."""
    folder = tmp_path_factory.mktemp("keys")
    file = KeyFile(folder / "keys.json", create=True)
    keys = {
        name: file.add(["ingest", "read"], now=datetime.now(UTC), project=name)[0]
        for name in ("mine", "theirs")
    }
    settings = Settings(
        store=f"chdb://{folder / 'store'}", http_port=0, grpc_port=-1, keys_file=str(file.path)
    )
    with Service(settings) as running, httpx.Client(base_url=running.endpoint + BASE, timeout=60) as client:

        def request(project: str, method: str, path: str, **body: Any) -> httpx.Response:
            headers = {"authorization": keys[project]}
            return client.request(method, PRIVATE + path, headers=headers, json=body or None)

        yield request


def written(call: Call, project: str) -> str:
    made = flow.identity(1)
    answer = call(
        project, "POST", "/traces", id=made, name=project, start_time=flow.moment(1), project_name=project
    )
    assert answer.status_code == 201, answer.text
    return made


def test_a_trace_is_seen_with_the_key_of_its_project_alone(call: Call) -> None:
    mine, theirs = written(call, "mine"), written(call, "theirs")
    assert call("mine", "GET", f"/traces/{mine}").json()["name"] == "mine"
    assert call("mine", "GET", f"/traces/{theirs}").status_code == 404
    found = call("mine", "POST", "/traces/search", project_name="mine").text
    assert mine in found
    assert theirs not in found
    assert call("mine", "POST", "/traces/search", project_name="theirs").status_code == 404


def test_nothing_is_written_into_a_trace_of_another_project(call: Call) -> None:
    theirs = written(call, "theirs")
    score = {"id": theirs, "name": "n", "value": 1, "source": "sdk"}
    span = {"id": flow.identity(), "trace_id": theirs, "start_time": flow.moment(1)}
    answers = [
        call("mine", "PATCH", f"/traces/{theirs}", output={"x": 1}),
        call("mine", "POST", "/traces", id=theirs, start_time=flow.moment(2)),
        call("mine", "POST", "/spans", **span),
        call("mine", "PUT", "/traces/feedback-scores", scores=[score]),
    ]
    assert [each.status_code for each in answers] == [403] * 4
    seen = call("theirs", "GET", f"/traces/{theirs}").json()
    assert ("output" in seen, seen["feedback_scores"], seen["span_count"]) == (False, [], 0)


def test_another_project_can_neither_be_named_nor_its_experiments_joined(call: Call) -> None:
    named = call(
        "mine", "POST", "/traces", id=flow.identity(), start_time=flow.moment(1), project_name="theirs"
    )
    assert named.status_code == 403
    experiment = flow.identity()
    body = {"id": experiment, "name": "e", "dataset_name": "d", "project_name": "theirs"}
    assert call("theirs", "POST", "/experiments", **body).status_code == 201
    item = {"id": flow.identity(), "experiment_id": experiment, "dataset_item_id": flow.identity(),
            "trace_id": written(call, "mine")}  # fmt: skip
    assert call("mine", "POST", "/experiments/items", experiment_items=[item]).status_code == 404
