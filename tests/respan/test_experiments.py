"""Experiments over the Respan face: drafts, both dialects, what is refused, how they stand."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from evalspan.api.server import Service
from ingest.build import span, traces
from support.llm_wire import LLMWire

Over = Callable[[str], dict[str, Any]]
WAIT: dict[str, Any] = {"type": "wait", "config": {}}


def create(client: httpx.Client, **body: Any) -> dict[str, Any]:
    made = client.post("/v2/experiments/", json=body)
    assert made.status_code == 201, made.text
    return made.json()


def add(client: httpx.Client, dataset_id: str, *inputs: Any) -> None:
    logs: list[Any] = [
        each if isinstance(each, dict) and "input" in each else {"input": each} for each in inputs
    ]
    client.post(f"/datasets/{dataset_id}/logs/bulk/", json={"logs": logs}).raise_for_status()


def logs(client: httpx.Client, experiment_id: str, **query: Any) -> dict[str, Any]:
    return client.get(f"/v2/experiments/{experiment_id}/logs/", params=query).raise_for_status().json()


def evaluator(client: httpx.Client) -> str:
    """A rule that holds the output against the expected one; its slug."""
    slug = f"same_{uuid.uuid4().hex[:8]}"
    body = {"name": "Same", "evaluator_slug": slug, "type": "rule", "score_value_type": "boolean",
            "rule_config": {"rule": "exact"}}  # fmt: skip
    client.post("/evaluators/", json=body).raise_for_status()
    return slug


def test_a_name_alone_is_a_draft_which_runs_once_it_is_whole(
    client: httpx.Client, dataset_id: str, over: Over
) -> None:
    add(client, dataset_id, {"input": "q", "output": "a", "expected_output": "a"})
    made = create(client, name="sketch")
    assert (made["status"], made["name"], made["progress"]) == ("draft", "sketch", 0.0)
    assert "is a draft" in logs(client, made["id"])["message"]
    slug = evaluator(client)
    body = {"dataset_id": dataset_id, "workflow": [{"type": "duplicate"}], "evaluator_ids": [slug]}
    patched = client.patch(f"/v2/experiments/{made['id']}/", json=body)
    assert patched.status_code == 200, patched.text
    assert (patched.json()["name"], patched.json()["workflow_count"]) == ("sketch", 1)
    assert over(made["id"])["status"] == "completed"
    renamed = client.patch(f"/v2/experiments/{made['id']}", json={"name": "other", "description": "d"})
    assert (renamed.status_code, renamed.json().get("name")) == (200, "other"), renamed.text
    again = client.patch(f"/v2/experiments/{made['id']}", json={"workflow": [WAIT]})
    assert (again.status_code, "has run" in again.json()["error"]) == (409, True)
    (log,) = logs(client, made["id"])["results"]
    score = log["scores"][slug]
    assert (log["output"], score["boolean_value"], score["is_passed"], score["evaluator_name"]) == (
        "a", True, True, "Same",
    )  # fmt: skip


def test_an_evaluator_may_be_a_step_or_named_by_id_or_slug(
    client: httpx.Client, dataset_id: str, over: Over
) -> None:
    first, second = evaluator(client), evaluator(client)
    add(client, dataset_id, {"input": "q", "output": "a", "expected_output": "b"})
    steps = [{"type": "duplicate"}, {"type": "evaluator", "config": {"evaluator_slug": second}}]
    made = create(
        client, dataset_id=dataset_id, workflows=steps, evaluator_slugs=["ignored"], evaluator_ids=[first]
    )
    over(made["id"])
    (log,) = logs(client, made["id"])["results"]
    assert {slug: score["boolean_value"] for slug, score in log["scores"].items()} == {
        first: False,
        second: False,
    }


def test_what_waits_is_not_changed_and_is_cancelled_and_run_again(
    client: httpx.Client, dataset_id: str, over: Over
) -> None:
    add(client, dataset_id, "one", "two")
    made = create(client, dataset_id=dataset_id, workflow=[WAIT], runs=2)
    url = f"/v2/experiments/{made['id']}"
    assert logs(client, made["id"])["count"] == 4
    assert client.patch(url, json={"name": "other"}).status_code == 409
    cancelled = client.post(f"{url}/cancel/").json()
    assert (cancelled["status"], cancelled["run_status"]) == ("failed", "cancelled")
    assert "cancelled" in cancelled["error_message"]
    assert client.post(f"{url}/runs/").json()["run_status"] in {"pending", "waiting", "running"}
    for log in logs(client, made["id"])["results"]:
        client.patch(f"{url}/logs/{log['root_span_unique_id']}/", json={"output": 1}).raise_for_status()
    assert over(made["id"])["status"] == "completed"


def test_running_what_is_under_way_changes_nothing(client: httpx.Client, dataset_id: str, over: Over) -> None:
    add(client, dataset_id, "one")
    made = create(client, name="sketch")
    url = f"/v2/experiments/{made['id']}"
    client.patch(f"{url}/", json={"dataset_id": dataset_id, "workflow": [WAIT]}).raise_for_status()
    for _ in range(2):
        assert client.post(f"{url}/runs/").raise_for_status().json()["status"] in {"pending", "running"}
    refused = client.post(f"{url}/runs/", json={"budget": {"tokens": 5}})
    assert (refused.status_code, "cancel it before" in refused.json()["error"]) == (409, True)
    (log,) = logs(client, made["id"])["results"]
    client.patch(f"{url}/logs/{log['id']}/", json={"output": 1}).raise_for_status()
    assert over(made["id"])["status"] == "completed"


def test_a_list_cuts_long_texts_unless_a_program_waits_for_them_and_says_so(
    client: httpx.Client, service: Service, dataset_id: str, over: Over
) -> None:
    text = "x" * 3000
    add(client, dataset_id, {"input": text}, {"input": 7})
    made = create(client, dataset_id=dataset_id, workflow=[WAIT])
    waiting = logs(client, made["id"])
    assert ([each["input"] for each in waiting["results"]], "message" in waiting) == ([text, "7"], False)
    for log in waiting["results"]:
        url = f"/v2/experiments/{made['id']}/logs/{log['id']}/"
        client.patch(url, json={"output": text}).raise_for_status()
    over(made["id"])
    page = logs(client, made["id"])
    long, short = page["results"]
    assert (long["input"], long["output"], long["truncated_fields"]) == (
        text[:2000], text[:2000], ["input", "output"],
    )  # fmt: skip
    assert (short["input"], short["truncated_fields"]) == ("7", ["output"])
    assert "2 of these 2 logs are cut" in page["message"]
    assert client.get(f"/v2/experiments/{made['id']}/logs/{long['id']}/").json()["input"] == text
    assert logs(client, made["id"], preview_length=0)["results"][0]["output"] == text
    assert [each["input"] for each in logs(client, made["id"], values=1)["results"]] == [text, 7]


def test_metrics_are_numbers_that_can_be_and_alone_are_no_output(
    client: httpx.Client, dataset_id: str, over: Over
) -> None:
    add(client, dataset_id, "q")
    slug = evaluator(client)
    made = create(client, dataset_id=dataset_id, workflow=[WAIT], evaluator_slugs=[slug])
    (log,) = logs(client, made["id"])["results"]
    url = f"/v2/experiments/{made['id']}/logs/{log['id']}/"
    wrong: list[Any] = [
        {}, {"bogus": 1}, {"metrics": {"latency": -5}}, {"metrics": {"latency": 1e300}},
        {"metrics": {"cost": -1}}, {"metrics": {"prompt_tokens": True}},
        {"metrics": {"completion_tokens": 2**70}},
    ]  # fmt: skip
    for body in wrong:
        assert client.patch(url, json=body).status_code == 400, body
    for text in (b'{"output": NaN}', b'{"output": 1e999}', b'{"metrics": {"cost": Infinity}}'):
        refused = client.patch(url, content=text, headers={"content-type": "application/json"})
        assert (refused.status_code, "no number of JSON" in refused.text) == (400, True), refused.text
    beside = {"metadata": {"a": 1}, "metrics": {"latency": 0.5, "completion_tokens": 10}}
    assert client.patch(url, json=beside).json()["status"] == "pending"
    assert client.patch(url, json={"output": "x"}).json()["status"] == "success"
    over(made["id"])
    summary = client.get(f"/v2/experiments/{made['id']}/logs/summary/").json()
    assert summary["avg_latency"] == pytest.approx(0.5)
    assert summary["avg_tps"] == pytest.approx(20)
    (log,) = logs(client, made["id"])["results"]
    assert (log["metadata"]["a"], log["output"]) == (1, "x")


def test_the_logs_of_an_experiment_outlive_its_dataset(
    client: httpx.Client, dataset_id: str, over: Over
) -> None:
    add(client, dataset_id, "q")
    made = create(client, dataset_id=dataset_id, workflow=[WAIT])
    (log,) = logs(client, made["id"])["results"]
    client.patch(f"/v2/experiments/{made['id']}/logs/{log['id']}/", json={"output": "a"}).raise_for_status()
    over(made["id"])
    assert client.delete(f"/datasets/{dataset_id}/").status_code == 204
    (left,) = logs(client, made["id"])["results"]
    assert (left["id"], left["output"], left["status"]) == (log["id"], "a", "success")
    detail = client.get(f"/v2/experiments/{made['id']}/logs/{log['id']}/").json()
    assert (detail["output"], len(detail["span_tree"])) == ("a", 1)
    assert client.get(f"/v2/experiments/{made['id']}/").json()["status"] == "completed"


def test_drafts_of_one_name_are_completed_each(client: httpx.Client, dataset_id: str) -> None:
    add(client, dataset_id, "q")
    name = f"twin {uuid.uuid4().hex}"
    twins = [create(client, name=name) for _ in range(2)]
    for twin in twins:
        body = {"dataset_id": dataset_id, "workflow": [WAIT]}
        patched = client.patch(f"/v2/experiments/{twin['id']}/", json=body)
        assert (patched.status_code, patched.json().get("name")) == (200, name), patched.text
    assert client.post("/v2/experiments/", json={}).status_code == 400


def test_an_export_has_what_the_list_has(client: httpx.Client, dataset_id: str) -> None:
    add(client, dataset_id, "q")
    made = create(client, dataset_id=dataset_id, workflow=[WAIT])
    url = f"/v2/experiments/{made['id']}/logs/"
    link = client.post(url, params={"export": 1, "start_time": "2250-01-01"}).json()["download_url"]
    assert client.get(link).text == ""
    assert len(client.get(f"{url}export/").text.splitlines()) == 1
    assert client.get(f"{url}export/", params={"filters": "{"}).status_code == 400


def test_a_histogram_of_an_evaluator_that_gave_no_score_yet_is_empty(
    client: httpx.Client, dataset_id: str
) -> None:
    add(client, dataset_id, "q")
    slug = evaluator(client)
    made = create(
        client, dataset_id=dataset_id, workflow=[WAIT], workflows=[], evaluator_ids=[], evaluator_slugs=[slug]
    )
    found = client.get(f"/v2/experiments/{made['id']}/histogram/", params={"evaluator_id": slug})
    assert (found.status_code, found.json()["bins"], found.json()["stats"]["total"]) == (200, [], 0)


def test_what_was_read_can_be_put_back(client: httpx.Client, dataset_id: str, over: Over) -> None:
    add(client, dataset_id, {"input": "q", "output": "a"})
    made = create(client, dataset_id=dataset_id, workflow=[{"type": "duplicate"}], tags=["t"])
    read = over(made["id"])
    put = client.put(f"/v2/experiments/{made['id']}/", json={**read, "description": "seen"})
    assert (put.status_code, put.json().get("description")) == (200, "seen"), put.text


def test_a_span_of_another_service_that_comes_first_gives_a_running_log_no_time(
    client: httpx.Client, service: Service, llm: LLMWire, dataset_id: str, over: Over
) -> None:
    add(client, dataset_id, "hello")
    llm.hold()
    steps = [{"type": "completion", "config": {"model": "gpt-4o-mini"}}]
    made = create(client, dataset_id=dataset_id, workflow=steps)
    (log,) = logs(client, made["id"])["results"]
    own = {"evalspan.experiment.id": made["id"]}
    body = traces(span(own, trace_id=bytes.fromhex(log["id"]), name="elsewhere")).SerializeToString()
    headers = {"content-type": "application/x-protobuf"}
    httpx.post(f"{service.endpoint}/v1/traces", content=body, headers=headers).raise_for_status()
    (log,) = logs(client, made["id"])["results"]
    llm.release()
    assert log["span_count"] == 1
    assert not str(log["start_time"]).startswith("1970")
    assert over(made["id"])["status"] == "completed"


def test_logs_keep_their_places_while_they_run(client: httpx.Client, dataset_id: str) -> None:
    add(client, dataset_id, *range(5))
    made = create(client, dataset_id=dataset_id, workflow=[WAIT], runs=2)
    wanted = [str(number) for number in range(5)] * 2
    seen: list[str] = []
    for number in range(1, 6):
        for log in logs(client, made["id"], page=number, page_size=2)["results"]:
            seen.append(log["input"])
            url = f"/v2/experiments/{made['id']}/logs/{log['id']}/"
            client.patch(url, json={"output": 1}).raise_for_status()
    assert seen == wanted


def test_outputs_that_are_made_here_cannot_be_handed_in(
    client: httpx.Client, dataset_id: str, over: Over
) -> None:
    add(client, dataset_id, {"input": "q", "output": "a"})
    made = create(client, dataset_id=dataset_id, workflow=[{"type": "duplicate"}])
    over(made["id"])
    (log,) = logs(client, made["id"])["results"]
    refused = client.patch(f"/v2/experiments/{made['id']}/logs/{log['id']}/", json={"output": "x"})
    assert (refused.status_code, "made here" in refused.json()["error"]) == (409, True)


def test_a_row_that_fails_says_why_and_so_does_its_experiment(
    client: httpx.Client, dataset_id: str, over: Over
) -> None:
    add(client, dataset_id, "hello")
    made = create(
        client, dataset_id=dataset_id, workflow=[{"type": "completion", "config": {"model": "missing"}}]
    )
    ended = over(made["id"])
    assert (ended["status"], "All 1 items failed" in ended["error_message"]) == ("failed", True)
    (log,) = logs(client, made["id"])["results"]
    assert (log["status"], log["error_count"] > 0, "404" in log["error_message"]) == ("error", True, True)


def test_a_variable_that_a_row_lacks_is_named_in_its_log(
    client: httpx.Client, dataset_id: str, over: Over
) -> None:
    prompt = client.post("/prompts/", json={"name": "greeting"}).json()["id"]
    version = {"messages": [{"role": "user", "content": "Hi {{who}}"}], "model": "gpt-4o-mini",
               "variables": {"who": "string"}, "deploy": True}  # fmt: skip
    client.post(f"/prompts/{prompt}/versions/", json=version).raise_for_status()
    add(client, dataset_id, {"who": "Ada"}, {"whom": "Bob"})
    made = create(
        client, dataset_id=dataset_id, workflow=[{"type": "prompt", "config": {"prompt_id": prompt}}]
    )
    ended = over(made["id"])
    assert (ended["status"], ended["progress"]) == ("completed", 100.0)
    found = {log["status"]: log for log in logs(client, made["id"])["results"]}
    assert found["success"]["output"] == "re: Hi Ada"
    assert "who" in found["error"]["error_message"]


def test_an_empty_dataset_is_an_empty_list_that_says_so(
    client: httpx.Client, dataset_id: str, over: Over
) -> None:
    made = create(client, dataset_id=dataset_id, workflow=[{"type": "duplicate"}])
    over(made["id"])
    found = logs(client, made["id"])
    assert (found["results"], found["message"]) == ([], f"The dataset {dataset_id!r} has no rows.")


def test_experiments_are_listed_whoever_ran_them_and_found_by_filter(
    client: httpx.Client, service: Service
) -> None:
    mark = uuid.uuid4().hex
    create(client, name=f"mine {mark}", tags=["t"])
    case = {
        "evalspan.span.type": "CASE",
        "evalspan.experiment.name": f"elsewhere {mark}",
        "evalspan.record.id": "r",
    }
    body = traces(span(case)).SerializeToString()
    headers = {"content-type": "application/x-protobuf"}
    httpx.post(f"{service.endpoint}/v1/traces", content=body, headers=headers).raise_for_status()
    asked = {"filters": {"name": {"operator": "contains", "value": [mark.upper()]}}}
    found = client.post("/v2/experiments/list/", params={"sort_by": "name"}, json=asked).json()
    assert [each["name"] for each in found["results"]] == [f"elsewhere {mark}", f"mine {mark}"]
    assert (found["results"][1]["status"], found["results"][1]["tags"][0]["name"]) == ("draft", "t")
    assert client.post("/v2/experiments/summary", json=asked).json() == {"total_count": 2}
    drafts = [
        {"field": "status", "operator": "=", "value": "draft"},
        {"field": "name", "operator": "endsWith", "value": mark},
    ]
    assert client.post("/v2/experiments/list/", json={"filters": drafts}).json()["count"] == 1


def test_a_deleted_experiment_is_gone_and_so_is_its_work(client: httpx.Client, dataset_id: str) -> None:
    add(client, dataset_id, "one")
    made = create(client, dataset_id=dataset_id, workflow=[WAIT], experiment_id=f"mine-{uuid.uuid4().hex}")
    assert made["id"].startswith("mine-")
    assert client.delete(f"/v2/experiments/{made['id']}/").status_code == 204
    for path in ("", "logs/list/"):
        assert client.get(f"/v2/experiments/{made['id']}/{path}").status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"dataset_id": "absent", "workflow": [WAIT]}, 404, "'absent'"),
        ({"evaluator_slugs": ["absent"], "workflow": [WAIT]}, 404, "no evaluator 'absent'"),
        ({"workflow": [{"type": "prompt", "config": {"prompt_id": "absent"}}]}, 404, "'absent'"),
        ({"workflow": [{"type": "prompt", "config": {}}]}, 400, "config.prompt_id"),
        ({"workflow": [{"type": "completion"}]}, 400, "config.model"),
        ({"workflow": [{"type": "condition", "config": {}}]}, 400, "'condition' is not run here"),
        ({"workflow": [WAIT, {"type": "duplicate"}]}, 400, "stands alone"),
        ({"workflow": [WAIT], "evaluator_workflow_ids": ["w"]}, 400, "evaluator_workflow_ids"),
        ({"workflow": "wait"}, 400, "/workflow"),
        ({"workflow": [WAIT], "evaluators_slugs": ["x"]}, 400, "did you mean 'evaluator_slugs'"),
        ({"workflow": [WAIT], "experiment_id": "list"}, 400, "/experiment_id"),
        ({"workflow": [WAIT], "runs": 0}, 400, "/runs"),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_refused_as_it_is_created(
    client: httpx.Client, dataset_id: str, body: dict[str, Any], status: int, said: str
) -> None:
    refused = client.post("/v2/experiments/", json={"dataset_id": dataset_id, **body})
    assert (refused.status_code, said in refused.json()["detail"]) == (status, True), refused.text


def test_a_report_judges_the_outputs_that_the_rows_hold(
    client: httpx.Client, dataset_id: str, over: Over
) -> None:
    slug = evaluator(client)
    rows = [{"input": n, "output": "a", "expected_output": expected} for n, expected in enumerate("aab")]
    add(client, dataset_id, *rows)
    url = f"/datasets/{dataset_id}/eval-reports"
    (task,) = client.post(f"{url}/create/", json={"evaluator_ids": [slug]}).json()["created_tasks"]
    over(task["experiment_id"])
    (report,) = client.get(f"{url}/list/").json()["results"]
    assert (report["status"], report["evaluated_logs_count"]) == ("completed", 3)
    assert report["score"] == pytest.approx(2 / 3)
