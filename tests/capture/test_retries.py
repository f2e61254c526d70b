"""Each attempt of a client that retries is a call of its own, and costs what it used."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam
from opentelemetry.sdk.trace import TracerProvider

import evalspan
from capture.provider import Provider, Reply
from evalspan import capture
from evalspan.api.server import Service
from evalspan.sdk.client import Client
from evalspan.settings import load

MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": "What is the capital of Peru?"}]
BUSY = Reply(
    429, {"Content-Type": "application/json", "retry-after-ms": "1"}, [b'{"error": {"code": "busy"}}']
)


@pytest.fixture
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    store = f"chdb://{tmp_path_factory.mktemp('retries')}"
    with Service(load({"store": store, "http_port": 0, "grpc_port": 0})) as running:
        evalspan.init(endpoint=running.endpoint, tracer_provider=TracerProvider(shutdown_on_exit=False))
        yield running
        evalspan.shutdown()
        capture.uninstall()


def rows(service: Service, statement: str, **given: Any) -> list[dict[str, Any]]:
    return list(Client(service.endpoint, "", patience=5).sql(statement, **given))


def test_a_retried_call_is_two_spans_of_one_trace_and_the_refused_one_is_no_unknown_cost(
    service: Service, provider: Provider
) -> None:
    provider.first = [BUSY]

    def ask(input_data: str) -> str | None:
        with openai.OpenAI(base_url=provider.base_url, api_key="k", max_retries=2) as client:
            done = client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
        return done.choices[0].message.content

    experiment = evalspan.experiment(name="retries", task=ask, dataset=[{"input": "x"}]).run().experiment_id
    calls = rows(
        service,
        "SELECT trace_id, parent_span_id, status, error_type, input_tokens, cost_usd FROM spans "
        "WHERE experiment_id = {id:String} AND span_type = 'LLM' ORDER BY start_time",
        id=experiment,
    )
    assert [call["error_type"] for call in calls] == ["429", ""]
    assert [call["input_tokens"] is None for call in calls] == [True, False]
    assert len({(call["trace_id"], call["parent_span_id"]) for call in calls}) == 1
    [case] = rows(
        service,
        "SELECT trace_id, llm_calls, input_tokens, cost_usd FROM experiment_results "
        "WHERE experiment_id = {id:String}",
        id=experiment,
    )
    assert case["trace_id"] == calls[0]["trace_id"]
    assert (int(case["llm_calls"]), int(case["input_tokens"])) == (1, int(calls[1]["input_tokens"]))
    assert Decimal(case["cost_usd"]) == Decimal(calls[1]["cost_usd"]) > 0
