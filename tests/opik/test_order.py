"""The order in which an experiment's writes arrive, how often, and how many at once changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opik import flow

from evalspan.api.server import Service
from support.opik_client import BASE

COUNT = len(flow.writes(flow.identity()))
State = Callable[[str], str]


@pytest.fixture(scope="module")
def face(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.endpoint + BASE, timeout=60) as client:
        flow.prepare(client)
        yield client


@pytest.fixture(scope="module")
def state(service: Service) -> State:
    return lambda experiment: flow.state(service.endpoint, experiment)


@pytest.fixture(scope="module")
def expected(face: httpx.Client, state: State) -> str:
    """What the writes come to in the order in which they were made."""
    experiment = flow.begin(face)
    flow.send(face, flow.writes(experiment))
    return state(experiment)


def test_an_experiment_reads_as_it_was_run(expected: str) -> None:
    results, spans, scores = json.loads(expected)
    assert [(row["run_iteration"], row["status"], row["total_tokens"], row["scores"]) for row in results] == [
        (1, "ok", 11, {"right": 0.1}), (2, "error", 11, {"right": 1.1}),
    ]  # fmt: skip
    assert [(row["output"], row["expected_output"]) for row in results] == [
        ('{"a": "FIRST"}', '"FIRST"'), ("null", '"FIRST"'),
    ]  # fmt: skip
    assert (results[1]["error"], results[0]["tags"], results[0]["metadata"]) == ("no", ["late"], {"n": "1"})
    judged = [row for row in spans if row["evaluator"]]
    assert {(row["name"], row["evaluator"]) for row in judged} == {
        ("metrics_calculation", "metrics_calculation"), ("judge", "judge"), ("model", "judge"),
    }  # fmt: skip
    assert {row["parent"] for row in spans if row["name"] == "task"} == {"evaluation_task"}
    assert len(scores) == 2


@settings(max_examples=4, deadline=None)
@given(order=st.permutations(range(COUNT)), again=st.lists(st.integers(0, COUNT - 1), max_size=4))
def test_any_order_and_any_repetition_ends_in_the_same_state(
    face: httpx.Client, state: State, expected: str, order: list[int], again: list[int]
) -> None:
    experiment = flow.begin(face)
    writes = flow.writes(experiment)
    flow.send(face, [writes[number] for number in [*order, *again]])
    assert state(experiment) == expected


def test_writes_at_the_same_moment_end_in_the_same_state(
    face: httpx.Client, state: State, expected: str
) -> None:
    experiments = [flow.begin(face) for _ in range(2)]
    writes = [write for each in experiments for write in flow.writes(each)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda write: flow.send(face, [write]), [*writes[::-1], *writes]))
    assert {state(each) for each in experiments} == {expected}
