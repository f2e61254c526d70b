"""Bodies of the Experiments API and of ddtrace's intake: stored, or refused with the place."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz import messages, seeds
from fuzz.conftest import Served
from ingest.build import START

BASE = "/api/v2/llm-obs/v1"
anything = messages.json_values
texts = messages.texts
calls = st.lists(
    st.dictionaries(st.sampled_from(["name", "tool_id", "arguments"]), anything) | anything, max_size=2
)
chat = st.lists(
    st.fixed_dictionaries(
        {}, optional={"role": anything, "content": anything, "tool_calls": calls | anything}
    )
    | anything,
    max_size=2,
)
meta = st.fixed_dictionaries(
    {},
    optional={
        "span": st.fixed_dictionaries({"kind": st.sampled_from(["llm", "experiment", "tool"]) | anything}),
        "error": st.dictionaries(st.sampled_from(["message", "type", "stack"]), anything) | anything,
        "input": st.fixed_dictionaries({"messages": chat}) | anything,
        "output": anything,
        "metadata": st.dictionaries(texts.filter(lambda key: len(key) < 50), anything, max_size=2) | anything,
        "model_name": anything,
    },
)
tags = st.lists(
    texts | st.builds("{}:{}".format, st.sampled_from(["run_iteration", "retries", "experiment_id"]), texts),
    max_size=3,
)
numbers = st.sampled_from([0, 0.5, -1, 2**63, 10**400, float("nan"), "7", None])
metrics = st.dictionaries(
    st.sampled_from(["input_tokens", "input_cost", "output_cost", "total_cost"]), numbers | anything
)
spans = st.fixed_dictionaries(
    {"span_id": st.sampled_from(["1", "ab" * 8, 7]) | texts, "start_ns": st.sampled_from([START, 1.5e18])},
    optional={
        "meta": meta, "metrics": metrics, "tags": tags, "parent_id": texts, "trace_id": texts,
        "status": texts, "duration": numbers, "name": texts, "service": texts,
    },
)  # fmt: skip
scores = st.fixed_dictionaries(
    {"label": texts, "metric_type": st.sampled_from(["score", "categorical", "boolean", "json", "text"])},
    optional={
        "score_value": numbers, "categorical_value": anything, "boolean_value": anything,
        "json_value": anything, "span_id": texts, "timestamp_ms": numbers, "tags": tags, "error": anything,
        "metadata": anything, "reasoning": texts,
    },
)  # fmt: skip
JSON = {"content-type": "application/json"}


def answered(served: Served, method: str, path: str, body: bytes, allowed: set[int]) -> Any:
    """The answer, which must be one of these and explain itself where it refuses."""
    answer = served.client.request(method, path, content=body, headers=JSON)
    assert answer.status_code in allowed, answer.text
    document: Any = answer.json() if answer.content else {}
    if answer.status_code >= 400:
        assert all(error["detail"] for error in document["errors"])
    return document


@given(bodies=st.lists(spans, min_size=1, max_size=3))
@settings(max_examples=50)
def test_every_span_of_the_intake_is_counted_or_the_body_is_refused(
    served: Served, bodies: list[dict[str, Any]]
) -> None:
    body = messages.dumped([{"event_type": "span", "spans": bodies}])
    found = answered(served, "POST", "/api/v2/llmobs", body, {202, 400})
    assert "errors" in found or found["accepted"] + found["rejected"] == len(bodies)


@given(bodies=st.lists(scores, min_size=1, max_size=3))
@settings(max_examples=50)
def test_every_score_of_an_experiment_is_taken_or_the_body_is_refused(
    served: Served, experiment: str, bodies: list[dict[str, Any]]
) -> None:
    body = messages.dumped({"data": {"attributes": {"metrics": bodies}}})
    answered(served, "POST", f"{BASE}/experiments/{experiment}/events", body, {200, 400})


@given(bodies=st.lists(spans, min_size=1, max_size=2))
@settings(max_examples=30)
def test_every_span_of_an_experiment_is_taken_and_read_back_or_refused(
    served: Served, experiment: str, bodies: list[dict[str, Any]]
) -> None:
    path = f"{BASE}/experiments/{experiment}/events"
    answered(served, "POST", path, messages.dumped({"data": {"attributes": {"spans": bodies}}}), {200, 400})
    assert served.client.get(path).status_code == 200


@given(
    records=st.lists(st.fixed_dictionaries({"input": anything}, optional={"metadata": anything}), max_size=2)
)
@settings(max_examples=20)
def test_any_record_is_taken_or_refused(served: Served, dataset: str, records: list[Any]) -> None:
    body = messages.dumped({"data": {"attributes": {"records": records}}})
    answered(served, "POST", f"{BASE}/datasets/{dataset}/records", body, {200, 400})


@given(
    insert=st.lists(st.fixed_dictionaries({"input": anything}) | anything, max_size=2) | anything,
    update=st.lists(st.fixed_dictionaries({"id": texts, "tag_operations": anything}) | anything, max_size=2),
    delete=st.lists(texts, max_size=2) | anything,
)
@settings(max_examples=20)
def test_any_change_of_a_dataset_is_made_or_refused(
    served: Served, dataset: str, insert: Any, update: Any, delete: Any
) -> None:
    change = {"insert_records": insert, "update_records": update, "delete_records": delete}
    body = messages.dumped({"data": {"attributes": change}})
    answered(served, "POST", f"{BASE}/datasets/{dataset}/batch_update", body, {200, 400, 404})


@given(rows=st.lists(st.lists(texts, min_size=1, max_size=3), max_size=3), noise=st.binary(max_size=5))
@settings(max_examples=20)
def test_any_file_is_uploaded_or_refused(
    served: Served, dataset: str, rows: list[list[str]], noise: bytes
) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerows([["input", "metadata", "tags"], *rows])
    path = f"{BASE}/datasets/{dataset}/records/upload"
    answer = served.client.post(path, files={"file": ("a.csv", file.getvalue().encode() + noise)})
    assert answer.status_code in {200, 400}, answer.text


@given(attributes=st.dictionaries(st.sampled_from(["name", "metadata", "config", "description"]), anything))
@settings(max_examples=30)
def test_any_experiment_is_made_or_refused(
    served: Served, project: str, dataset: str, attributes: dict[str, Any]
) -> None:
    whole = {"name": "e", "project_id": project, "dataset_id": dataset, **attributes}
    body = messages.dumped({"data": {"attributes": whole}})
    answered(served, "POST", f"{BASE}/experiments", body, {200, 400, 409})


@pytest.mark.parametrize("path", ["/api/v2/llmobs", f"{BASE}/projects", "/api/intake/llm-obs/v2/eval-metric"])
@given(data=st.data())
@settings(max_examples=40)
def test_any_bytes_are_refused_with_a_reason(served: Served, path: str, data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([*seeds.datadog_spans(), *seeds.datadog_metrics()]))
    at = data.draw(st.integers(0, len(whole)))
    body = whole[:at] + data.draw(st.binary(max_size=4)) + whole[at + data.draw(st.integers(0, 9)) :]
    answered(served, "POST", path, body, {200, 202, 400})


@pytest.fixture(scope="module")
def project(served: Served) -> str:
    return made(served, "/projects", name="p")


@pytest.fixture(scope="module")
def dataset(served: Served, project: str) -> str:
    return made(served, f"/{project}/datasets", name="d")


@pytest.fixture(scope="module")
def experiment(served: Served, project: str, dataset: str) -> str:
    return made(served, "/experiments", project_id=project, dataset_id=dataset, name="e")


def made(served: Served, path: str, **attributes: Any) -> str:
    answer = served.client.post(BASE + path, json={"data": {"attributes": attributes}})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["data"]["id"])
