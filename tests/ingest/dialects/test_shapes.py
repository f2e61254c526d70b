"""The shapes that dialects have beside the plain chat call."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evalspan.ingest import Signal
from evalspan.ingest.plan import dialects
from ingest.build import START, Service, event, span, traces

USAGE = "langfuse.observation.usage_details"
MESSAGES = [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]


async def row_of(
    service: Service, attributes: dict[str, Any], scope: str = "any", **fields: Any
) -> dict[str, Any]:
    one = span(attributes, **fields)
    await service.ingest.export(Signal.TRACES, traces(one, scope=scope))
    return service.span_row(one)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        pytest.param(
            {"gen_ai.system": "openai", "gen_ai.usage.prompt_tokens": 7, "gen_ai.usage.completion_tokens": 3,
             "gen_ai.request.model": "m", "gen_ai.prompt": "hi", "gen_ai.completion": "ho"},
            {"dialect": "semconv", "span_type": "LLM", "provider": "openai", "input_tokens": 7,
             "output_tokens": 3, "input": "hi", "output": "ho"},
            id="names from before the conventions settled",
        ),
        pytest.param(
            {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 9,
             "gen_ai.usage.cache_creation.input_tokens": 4, "gen_ai.response.time_to_first_chunk": 0.25,
             "gen_ai.conversation.id": "c", "enduser.id": "u"},
            {"cache_write_tokens": 4, "time_to_first_token": 0.25, "session_id": "c", "user_id": "u"},
            id="a renamed key",
        ),
        pytest.param(
            {"gen_ai.operation.name": "embeddings", "gen_ai.usage.input_tokens": 9},
            {"span_type": "EMBEDDING", "input_tokens": 9, "output_tokens": None, "total_tokens": 9},
            id="embeddings put nothing out",
        ),
        pytest.param(
            {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.arguments": {"q": 1},
             "gen_ai.tool.call.result": "found"},
            {"span_type": "TOOL", "input": '{"q":1}', "output": "found"},
            id="a tool",
        ),
        pytest.param(
            {"openinference.span.kind": "RETRIEVER", "input.value": "query",
             "retrieval.documents.0.document.id": "d", "retrieval.documents.0.document.score": 0.5},
            {"dialect": "openinference", "span_type": "RETRIEVER", "input": "query",
             "output": '[{"id":"d","score":0.5}]'},
            id="retrieved documents are flattened",
        ),
        pytest.param(
            {"openinference.span.kind": "LLM", "llm.cost.total": 0.5, "session.id": "s", "user.id": "u",
             "llm.input_messages.10.message.content": "last", "llm.input_messages.2.message.content": "first",
             "llm.input_messages.2.message.tool_calls.0.tool_call.id": "t"},
            {"session_id": "s", "user_id": "u", "cost_source": "reported",
             "input": '[{"content":"first","tool_calls":[{"tool_call":{"id":"t"}}]},{"content":"last"}]'},
            id="flattened messages are in the order of their numbers",
        ),
        pytest.param(
            {"llm.request.type": "chat", "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "hi",
             "gen_ai.completion.0.content": "ho", "llm.usage.total_tokens": 5,
             "traceloop.association.properties.session_id": "s"},
            {"dialect": "openllmetry", "span_type": "LLM", "input": '[{"role":"user","content":"hi"}]',
             "output": '[{"content":"ho"}]', "total_tokens": 5, "input_tokens": None, "session_id": "s"},
            id="older OpenLLMetry",
        ),
        pytest.param(
            {"traceloop.span.kind": "workflow", "traceloop.entity.input": "in",
             "traceloop.entity.output": "out"},
            {"dialect": "openllmetry", "span_type": "WORKFLOW", "input": "in", "output": "out"},
            id="a workflow",
        ),
        pytest.param(
            {"ai.operationId": "ai.streamText.doStream", "ai.model.provider": "openai.chat",
             "ai.model.id": "m", "ai.usage.inputTokens": 5, "ai.usage.outputTokens": 2,
             "ai.usage.cachedInputTokens": 1,
             "ai.response.msToFirstChunk": 250.0, "ai.prompt.messages": "[]", "ai.response.text": "ho",
             "ai.response.finishReason": "stop", "ai.telemetry.metadata.userId": "u"},
            {"dialect": "vercel", "span_type": "LLM", "provider": "openai", "request_model": "m",
             "input_tokens": 5, "cache_read_tokens": 1, "time_to_first_token": 0.25, "input": "[]",
             "output": "ho", "finish_reasons": ["stop"], "user_id": "u"},
            id="Vercel's inner span",
        ),
        pytest.param(
            {"ai.operationId": "ai.generateText", "ai.usage.promptTokens": 5, "ai.usage.completionTokens": 2},
            {"span_type": "CHAIN", "input_tokens": 5, "cost_usd": None},
            id="Vercel's outer span restates, and is no call",
        ),
        pytest.param(
            {"langfuse.observation.type": "generation", USAGE: json.dumps({"input": 20, "output": 5,
             "total": 128, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 3})},
            {"input_tokens": 123, "output_tokens": 5, "total_tokens": 128, "cache_read_tokens": 100,
             "cache_write_tokens": 3},
            id="Langfuse's exclusive buckets are added up",
        ),
        pytest.param(
            {"langfuse.observation.type": "generation", USAGE: json.dumps({"input_tokens": 120,
             "input_tokens_details": {"cached_tokens": 100}, "output_tokens": 5})},
            {"input_tokens": 120, "output_tokens": 5, "cache_read_tokens": 100},
            id="usage that Langfuse copied from an API is inclusive",
        ),
        pytest.param(
            {"langfuse.observation.type": "generation", "gen_ai.request.model": "m",
             "langfuse.session.id": "s", "langfuse.observation.cost_details": '{"total": 0.125}',
             "langfuse.observation.completion_start_time": "2026-09-21T14:13:21Z"},
            {"request_model": "m", "session_id": "s", "cost_source": "reported", "time_to_first_token": 1.0},
            id="Langfuse's costs and first token",
        ),
        pytest.param(
            {"mlflow.spanType": '"RETRIEVER"', "mlflow.spanInputs": '"query"', "mlflow.llm.cost": "{}",
             "mlflow.trace.session": '"s"'},
            {"dialect": "mlflow", "span_type": "RETRIEVER", "input": '"query"', "session_id": "s"},
            id="MLflow's strings stand in quotes",
        ),
        pytest.param(
            {"braintrust.span_attributes": '{"type":"llm"}', "braintrust.input_json": "[1]",
             "braintrust.output_json": "[2]", "braintrust.metadata": '{"model":"m","provider":"openai"}',
             "braintrust.metrics": json.dumps({"prompt_tokens": 5, "completion_tokens": 2, "tokens": 7,
             "prompt_cached_tokens": 1})},
            {"dialect": "braintrust", "span_type": "LLM", "request_model": "m", "provider": "openai",
             "input_tokens": 5, "total_tokens": 7, "cache_read_tokens": 1, "input": "[1]", "output": "[2]"},
            id="Braintrust",
        ),
        pytest.param(
            {"langsmith.span.kind": "chain", "langsmith.trace.session_id": "project", "gen_ai.prompt": "in"},
            {"dialect": "langsmith", "span_type": "CHAIN", "session_id": "", "input": "in"},
            id="LangSmith's session is a project",
        ),
    ],
)  # fmt: skip
async def test_a_shape_is_read(
    service: Service, attributes: dict[str, Any], expected: dict[str, Any]
) -> None:
    row = await row_of(service, attributes)
    assert {name: row[name] for name in expected} == expected


async def test_the_system_prompt_leads_the_messages(service: Service) -> None:
    instructions = [{"type": "text", "content": "be brief"}]
    structured = {"gen_ai.system_instructions": instructions, "gen_ai.input.messages": MESSAGES}
    text = {key: json.dumps(value) for key, value in structured.items()}
    expected = [{"role": "system", "parts": instructions}, *MESSAGES]
    for attributes in (structured, text):
        assert json.loads((await row_of(service, attributes))["input"]) == expected


async def test_messages_in_span_events_are_found_there(service: Service) -> None:
    events = [
        event("gen_ai.user.message", {"content": "hi", "gen_ai.system": "openai"}),
        event("gen_ai.choice", {"index": 0, "message": {"content": "ho"}}),
    ]
    row = await row_of(service, {"gen_ai.operation.name": "chat"}, events=events)
    assert json.loads(row["input"]) == [{"role": "user", "content": "hi"}]
    assert json.loads(row["output"]) == [{"index": 0, "message": {"content": "ho"}}]


async def test_the_first_token_may_be_an_event(service: Service) -> None:
    first = event("First Token Stream Event", {}, START + 250_000_000)
    row = await row_of(service, {"openinference.span.kind": "LLM"}, events=[first])
    assert row["time_to_first_token"] == 0.25


async def test_a_dialect_without_attributes_of_its_own_shows_by_its_scope(service: Service) -> None:
    row = await row_of(service, {"inputs": '{"q":1}', "output": "a"}, scope="pydantic-evals")
    assert (row["dialect"], row["input"], row["output"]) == ("logfire", '{"q":1}', "a")


async def test_the_own_namespace_of_a_dialect_goes_before_the_conventions(service: Service) -> None:
    both = {"openinference.span.kind": "LLM", "llm.token_count.prompt": 5, "gen_ai.usage.input_tokens": 9}
    row = await row_of(service, {**both, "gen_ai.usage.output_tokens": 2})
    assert (row["dialect"], row["input_tokens"], row["output_tokens"]) == ("openinference", 5, 2)


@pytest.mark.parametrize("tokens", ["", "many", -1, 0.5, True, [1], 2.0**70])
async def test_tokens_that_are_no_number_are_unknown(service: Service, tokens: object) -> None:
    row = await row_of(service, {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": tokens})
    assert (row["span_type"], row["input_tokens"], row["cost_usd"]) == ("LLM", None, None)


@pytest.mark.parametrize("broken", ['{"input": 1', "[", '"', "null", "{}", "[1]"])
async def test_json_that_was_cut_off_disturbs_nothing(service: Service, broken: str) -> None:
    keys = (
        USAGE,
        "langfuse.observation.input",
        "langfuse.observation.type",
        "langfuse.observation.cost_details",
    )
    row = await row_of(service, dict.fromkeys(keys, broken))
    assert (row["input"], row["input_tokens"]) == (broken, None)


async def test_a_cost_that_fits_no_column_is_unknown_and_stays_an_attribute(service: Service) -> None:
    row = await row_of(service, {"gen_ai.operation.name": "chat", "gen_ai.usage.cost": 1e300})
    assert (row["cost_usd"], row["attributes"]["gen_ai.usage.cost"]) == (None, "1e+300")


def test_every_dialect_has_a_rank_of_its_own() -> None:
    ranks = [dialect.rank for dialect in dialects()]
    assert ranks == sorted(set(ranks))
    assert [dialect.name for dialect in dialects()][-1] == "semconv"
