"""`evalspan experiments`: what the service runs, from the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from evalspan.sdk.client import Client
from evalspan.sdk.registry import Evaluators
from support.command import Evalspan
from support.llm_wire import LLMWire, Trouble
from support.service import ServiceProcess


@pytest.fixture(scope="module")
def llm() -> Iterator[LLMWire]:
    with LLMWire() as running:
        yield running


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory, llm: LLMWire) -> Iterator[str]:
    """A service with a dataset `words` of two records and an evaluator `same`."""
    folder = tmp_path_factory.mktemp("hosted")
    with ServiceProcess(folder, f"chdb://{folder / 'store'}", llm.variables()).start() as service:
        client = Client(service.endpoint, patience=60)
        made = client.respan("POST", "/datasets/", {"name": "words", "is_empty": True})["id"]
        rows = [{"input": word, "expected_output": word} for word in ("one", "two")]
        client.respan("POST", f"/datasets/{made}/logs/bulk/", {"logs": rows})
        Evaluators(client).create("same", "rule", "boolean", rule_config={"rule": "exact"})
        yield service.endpoint


def test_an_experiment_is_created_followed_and_read(evalspan: Evalspan, endpoint: str, llm: LLMWire) -> None:
    llm.reset()
    asked = ["--dataset", "words", "--model", "gpt-4o-mini", "--parameter", "temperature=0.5", "--runs", "2"]
    limits = ["--evaluator", "same", "--budget-tokens", "100000"]
    done = evalspan(
        "experiments", "create", "--type", "completion", *asked, *limits, EVALSPAN_ENDPOINT=endpoint
    )
    assert done.returncode == 0, done.stderr
    assert "completed: 4 done, 0 failed, 0 waiting of 4; 8 tokens" in done.stderr
    assert {call.body["temperature"] for call in llm.calls} == {0.5}
    read = evalspan(
        "experiments", "logs", done.stdout.strip(), "--format", "json", EVALSPAN_ENDPOINT=endpoint
    )
    items = json.loads(read.stdout)
    assert {(item["output"], item["run_iteration"], item["scores"]["same"]) for item in items} == {
        ("one", 1, True), ("one", 2, True), ("two", 1, True), ("two", 2, True),
    }  # fmt: skip


def test_experiments_are_listed_and_scores_that_failed_are_told(
    evalspan: Evalspan, endpoint: str, llm: LLMWire
) -> None:
    llm.reset()
    evaluators = Evaluators(Client(endpoint, patience=60))
    evaluators.create("number", "rule", "boolean", rule_config={"rule": "numeric"})
    asked = ["--dataset", "words", "--model", "gpt-4o-mini", "--evaluator", "number"]
    done = evalspan("experiments", "create", "--type", "completion", *asked, EVALSPAN_ENDPOINT=endpoint)
    assert "2 scores of number failed, one of them: The expected output" in done.stderr
    listed = evalspan("experiments", "list", "--format", "json", EVALSPAN_ENDPOINT=endpoint)
    experiment_id = done.stdout.strip()
    assert experiment_id in {each["id"] for each in json.loads(listed.stdout)}
    logs = evalspan("experiments", "logs", experiment_id, "--format", "json", EVALSPAN_ENDPOINT=endpoint)
    assert all("is not a number" in item["score_errors"]["number"] for item in json.loads(logs.stdout))


def test_no_dataset_is_not_any_dataset(evalspan: Evalspan, endpoint: str) -> None:
    asked = ["--type", "duplicate", "--dataset", ""]
    done = evalspan("experiments", "create", *asked, EVALSPAN_ENDPOINT=endpoint)
    assert (done.returncode, "No dataset is named" in done.stderr) == (2, True), done.stderr


def test_an_option_that_does_not_go_with_the_type_is_refused(evalspan: Evalspan, endpoint: str) -> None:
    for kind, option in (("prompt", "--model"), ("completion", "--prompt"), ("custom", "--model")):
        asked = ["--type", kind, "--dataset", "words", option, "x"]
        done = evalspan("experiments", "create", *asked, EVALSPAN_ENDPOINT=endpoint)
        assert (done.returncode, f"{option} does not go with --type {kind}" in done.stderr) == (2, True)


def test_failed_items_are_exit_code_1_and_resuming_runs_them(
    evalspan: Evalspan, endpoint: str, llm: LLMWire
) -> None:
    llm.reset()
    llm.troubles = {1: Trouble(400)}
    asked = ["--type", "completion", "--dataset", "words", "--model", "gpt-4o-mini"]
    done = evalspan("experiments", "create", *asked, EVALSPAN_ENDPOINT=endpoint)
    assert done.returncode == 1
    assert "1 done, 1 failed" in done.stderr
    again = evalspan("experiments", "resume", done.stdout.strip(), EVALSPAN_ENDPOINT=endpoint)
    assert again.returncode == 0, again.stderr
    assert "2 done, 0 failed" in again.stderr


def test_outputs_are_handed_in_and_the_rest_is_cancelled(
    evalspan: Evalspan, endpoint: str, tmp_path: Path
) -> None:
    def run(*arguments: str) -> str:
        done = evalspan("experiments", *arguments, EVALSPAN_ENDPOINT=endpoint)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    made = run("create", "--type", "custom", "--dataset", "words", "--evaluator", "same", "--detach")
    item = json.loads(run("logs", made, "--format", "json"))[0]
    run("submit", made, item["id"], item["expected_output"])
    run("wait", made)
    assert run("cancel", made) == "cancelled"
    stands = json.loads(run("status", made, "--format", "json"))[0]
    assert (stands["status"], stands["done"], stands["waiting"]) == ("cancelled", 1, 1)


def test_a_dataset_that_is_not_there_is_named(evalspan: Evalspan, endpoint: str) -> None:
    asked = ["--type", "completion", "--dataset", "nowhere", "--model", "gpt-4o-mini"]
    done = evalspan("experiments", "create", *asked, EVALSPAN_ENDPOINT=endpoint)
    assert done.returncode == 2
    assert "no dataset 'nowhere' in the project" in done.stderr
