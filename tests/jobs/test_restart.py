"""Services that are killed while they run an experiment: every item is done once, and nothing is paid twice
without being counted.

The questions are GSM8K's and the answers those that a real model once gave, where the data is there
(support.gsm8k); EVALSPAN_TEST_EFFORT above 1 takes all 1,319, which takes minutes.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from evalspan.sdk.client import Client
from evalspan.sdk.hosted import Hosted
from evalspan.sdk.registry import Evaluators, Prompts
from support.clickhouse_server import ClickHouseServer
from support.effort import EFFORT
from support.gsm8k import Solved, solved
from support.llm_wire import LLMWire, Messages, text_of
from support.process import wait_until
from support.service import ServiceProcess

WHOLE: Final = EFFORT > 1
PATIENCE: Final = 1800.0 if WHOLE else 150.0
MODEL: Final = "175b_verification"
JUDGE: Final = "judge"
RESULTS: Final = """
SELECT count() AS items, uniqExact(record_id, run_iteration) AS different, countIf(status = 'ok') AS fine,
    countIf(isNotNull(scores['right'])) AS checked, countIf(isNotNull(scores['judge'])) AS judged
FROM experiment_results
"""
RIGHT: Final = "SELECT sum(scores['right']) AS right, sum(scores['judge']) AS judge FROM experiment_results"

QUESTIONS: Final = solved(MODEL, None if WHOLE else 12)
_RECORDED: Final = {each.question: each for each in QUESTIONS}


def answer(model: str, messages: Messages) -> str:
    """The recorded solution; or, of the judge, what the recording says of it."""
    text = text_of(messages[-1]["content"])
    if model != JUDGE:
        return _RECORDED[text].solution
    question, _, solution = text.partition("\nSolution: ")
    recorded = _RECORDED[question]
    assert solution == recorded.solution
    return json.dumps({"score": recorded.right})


def right(questions: list[Solved]) -> int:
    return sum(each.right for each in questions)


def prepare(client: Client) -> dict[str, Any]:
    """A dataset, a prompt and two evaluators; what an experiment over them is created with."""
    made = client.respan("POST", "/datasets/", {"name": "questions", "is_empty": True})["id"]
    rows = [{"input": {"question": each.question}, "expected_output": each.reference} for each in QUESTIONS]
    for start in range(0, len(rows), 500):
        client.respan("POST", f"/datasets/{made}/logs/bulk/", {"logs": rows[start : start + 500]})
    asked = Prompts(client).create("ask")
    messages = [{"role": "user", "content": "{{ question }}"}]
    Prompts(client).add_version(
        asked.id, messages, model=MODEL, variables={"question": "string"}, deploy=True, max_tokens=400
    )
    evaluators = Evaluators(client)
    numbers = {"rule": "numeric", "extract": "A: (.*)", "extract_expected": "#### (.*)"}
    evaluators.create("right", type="rule", score_value_type="boolean", rule_config=numbers)
    shown = "{{ input.question }}\nSolution: {{ output }}"
    judge = {"model": JUDGE, "evaluator_definition": shown, "max_tokens": 50}
    evaluators.create("judge", type="llm", score_value_type="boolean", llm_config=judge)
    return {
        "dataset_id": made,
        "workflow": [Hosted.prompt(asked.id)],
        "evaluators": ["right", "judge"],
        "runs": 2,
    }


@pytest.mark.slow
def test_a_service_that_is_killed_twice_does_every_item_once_within_the_budget(tmp_path: Path) -> None:
    with LLMWire(answer=answer, latency=0.02) as llm:
        store = f"chdb://{tmp_path / 'store'}"
        with ServiceProcess(tmp_path / "service", store, llm.variables()).start() as service:
            client = Client(service.endpoint, patience=60)
            hosted, asked = Hosted(client), prepare(client)
            total = 2 * len(QUESTIONS)
            budget = 400_000 * total
            made = hosted.create(**asked, budget_tokens=budget, concurrency=6)
            for part in (0.3, 1.1):
                wait_until(lambda part=part: len(llm.answered) >= part * total, PATIENCE)
                service.kill()
                service.start()
            over = hosted.wait(made.id, timeout=PATIENCE)
            assert (over.status, over.done, over.error) == ("completed", total, "")
            row = service.sql(RESULTS)[0]
            assert {int(value) for value in row.values()} == {total}
            assert set(service.sql(RIGHT)[0].values()) == {2 * right(QUESTIONS)}
            stands = client.respan("GET", f"/v2/experiments/{made.id}/")["run_progress"]
            assert llm.tokens <= stands["spent_tokens"] + stands["reserved_tokens"] <= budget
            again = Counter(text_of(call.body["messages"][-1]["content"]) for call in llm.calls)
            assert sum(again.values()) <= 2 * total + 2 * 6


@pytest.mark.slow
def test_a_service_that_was_frozen_undoes_nothing_of_what_another_did_meanwhile(
    tmp_path: Path, clickhouse_server: ClickHouseServer
) -> None:
    thawed = threading.Event()
    seen: set[str] = set()

    def slow_at_first(model: str, messages: Messages) -> str:
        """The first call of each question is answered when its service is awake again."""
        text = text_of(messages[-1]["content"])
        if model != JUDGE and text not in seen:
            seen.add(text)
            if len(seen) <= 3:
                thawed.wait(PATIENCE)
        return answer(model, messages)

    with ExitStack() as stack:
        llm = stack.enter_context(LLMWire(answer=slow_at_first))
        stack.callback(clickhouse_server.drop, "hosted_frozen")
        store = clickhouse_server.address("hosted_frozen")
        more = {**llm.variables(), "EVALSPAN_JOB_LEASE": "3"}
        first = stack.enter_context(ServiceProcess(tmp_path / "first", store, more).start())
        client = Client(first.endpoint, patience=60)
        made = Hosted(client).create(**prepare(client), concurrency=3)
        wait_until(lambda: len(llm.calls) >= 3, PATIENCE)
        second = stack.enter_context(ServiceProcess(tmp_path / "second", store, more).start())
        os.kill(first.pid, signal.SIGSTOP)
        total = 2 * len(QUESTIONS)
        over = Hosted(Client(second.endpoint, patience=60)).wait(made.id, timeout=PATIENCE)
        assert (over.status, over.done) == ("completed", total)
        os.kill(first.pid, signal.SIGCONT)
        thawed.set()
        time.sleep(3)
        for service in (first, second):
            again = Hosted(Client(service.endpoint, patience=60)).get(made.id)
            assert (again.status, again.done, again.percent) == ("completed", total, 100)
        assert {int(value) for value in second.sql(RESULTS)[0].values()} == {total}


def test_of_two_services_one_runs_an_experiment_and_the_other_goes_on_when_it_is_killed(
    tmp_path: Path, clickhouse_server: ClickHouseServer
) -> None:
    with ExitStack() as stack:
        llm = stack.enter_context(LLMWire(answer=answer, latency=0.05))
        stack.callback(clickhouse_server.drop, "hosted_replicas")
        store = clickhouse_server.address("hosted_replicas")
        services: dict[str, ServiceProcess] = {}
        for name in ("first", "second"):
            more = {"OPENAI_API_KEY": name, "EVALSPAN_JOB_LEASE": "3"}
            service = ServiceProcess(tmp_path / name, store, {**llm.variables(), **more})
            services[f"Bearer {name}"] = stack.enter_context(service.start())
        first, _ = services.values()
        asked = prepare(Client(first.endpoint, patience=60))
        made = Hosted(Client(first.endpoint, patience=60)).create(**asked, concurrency=3)
        wait_until(lambda: len(llm.answered) >= 10, PATIENCE)
        runs_it = {call.headers["authorization"] for call in list(llm.calls)}
        assert len(runs_it) == 1
        services.pop(runs_it.pop()).kill()
        (left,) = services.values()
        over = Hosted(Client(left.endpoint, patience=60)).wait(made.id, timeout=PATIENCE)
        assert (over.status, over.done) == ("completed", 24)
        assert {int(value) for value in left.sql(RESULTS)[0].values()} == {24}
        assert len(llm.calls) <= 2 * 24 + 2 * 3
