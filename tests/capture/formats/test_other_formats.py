"""The formats without a row in the clients' table: what was answered is what was recorded."""

from __future__ import annotations

import json
from typing import Any

import cohere
import httpx
import openai
import pytest
from mistralai import client as mistral

from capture.conftest import ASKED, Recorded
from capture.provider import COMPLETION, EVENT_STREAM, Provider, Reply, event
from evalspan import attributes as a
from evalspan.capture import troubles

VERTEX = "/v1/projects/p/locations/l/publishers/google/models/text-embedding-005:predict"
USAGE = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}


def post(provider: Provider, path: str, body: Any) -> None:
    httpx.post(f"http://127.0.0.1:{provider.port}{path}", json=body)


def answering(provider: Provider, answer: Any) -> str:
    provider.reply = Reply(chunks=[json.dumps(answer).encode()])
    return f"http://127.0.0.1:{provider.port}"


def tokens(recorded: Recorded) -> tuple[Any, Any]:
    found = recorded.attributes()
    return found.get(a.USAGE_INPUT_TOKENS), found.get(a.USAGE_OUTPUT_TOKENS)


def texts(messages: str) -> list[list[str]]:
    return [[part["content"] for part in message["parts"]] for message in json.loads(messages)]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.usefixtures("in_experiment")
def test_an_older_completion_of_openai(stream: bool, recorded: Recorded, provider: Provider) -> None:
    head = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "davinci-002"}
    choices = [
        {"text": said, "index": 0, "finish_reason": why} for said, why in (("Li", None), ("ma", "stop"))
    ]
    if stream:
        events = [{**head, "choices": [choice]} for choice in choices] + [
            {**head, "choices": [], "usage": USAGE}
        ]
        data = [f"data: {json.dumps(item)}\n\n".encode() for item in events]
        provider.reply = Reply(headers=EVENT_STREAM, chunks=[*data, b"data: [DONE]\n\n"])
    else:
        answering(provider, {**head, "choices": [{**choices[1], "text": "Lima"}], "usage": USAGE})
    with openai.OpenAI(base_url=provider.base_url, api_key="k") as client:
        made: Any = client.completions.create(
            model="davinci-002", prompt="The capital of Peru is", suffix=".", max_tokens=9, stream=stream
        )
        list(made)
    found = recorded.attributes()
    assert recorded.calls[0].name == "text_completion davinci-002"
    assert tokens(recorded) == (7, 2)
    assert (found[a.RESPONSE_ID], found[a.RESPONSE_FINISH_REASONS]) == ("cmpl-1", ("stop",))
    assert (texts(found[a.INPUT_MESSAGES]), texts(found[a.OUTPUT_MESSAGES])) == (
        [["The capital of Peru is", "."]],
        [["Lima"]],
    )


def test_a_prompt_of_token_numbers_is_no_text(recorded: Recorded, provider: Provider) -> None:
    answering(provider, {"id": "cmpl-1", "choices": [], "usage": USAGE})
    post(provider, "/openai/deployments/old/completions", {"prompt": [[1, 2], [3]]})
    found = recorded.attributes()
    assert (found[a.REQUEST_MODEL], found[a.PROVIDER_NAME], *tokens(recorded)) == (
        "old",
        "azure.ai.openai",
        7,
        2,
    )


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.usefixtures("in_experiment")
def test_embeddings_of_cohere(version: int, recorded: Recorded, provider: Provider) -> None:
    meta = {"api_version": {"version": str(version)}, "billed_units": {"input_tokens": 7.0}}
    answer = {"id": "e-1", "texts": ["Lima"], "response_type": "embeddings_floats", "meta": meta}
    url = answering(provider, {**answer, "embeddings": [[0.5]] if version == 1 else {"float": [[0.5]]}})
    client = cohere.Client("k", base_url=url) if version == 1 else cohere.ClientV2("k", base_url=url)
    more: dict[str, Any] = (
        {"batching": False} if version == 1 else {"embedding_types": ["float"], "output_dimension": 256}
    )
    made: Any = client.embed
    made(model="embed-v4.0", texts=["Lima"], input_type="search_query", **more)
    found = recorded.attributes()
    assert recorded.calls[0].name == "embeddings embed-v4.0"
    assert (found[a.PROVIDER_NAME], found[a.RESPONSE_ID], *tokens(recorded)) == ("cohere", "e-1", 7, None)
    assert texts(found[a.INPUT_MESSAGES]) == [["Lima"]]
    assert found.get(a.EMBEDDING_DIMENSIONS) == (None if version == 1 else 256)


def test_the_tokens_of_images_at_cohere_are_not_added_to_those_of_texts(
    recorded: Recorded, provider: Provider
) -> None:
    answering(provider, {"id": "e-1", "meta": {"billed_units": {"input_tokens": 7.0, "image_tokens": 90.0}}})
    post(provider, "/v2/embed", {"model": "embed-v4.0", "inputs": [{"content": []}]})
    assert tokens(recorded) == (None, None)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.usefixtures("in_experiment")
def test_filling_in_the_middle_at_mistral(stream: bool, recorded: Recorded, provider: Provider) -> None:
    answering(provider, {**COMPLETION, "usage": USAGE})
    if stream:
        chunks = [
            event({"role": "assistant", "content": "Li"}),
            event({"content": "ma."}, "stop", usage=USAGE),
        ]
        provider.reply = Reply(headers=EVENT_STREAM, chunks=[*chunks, b"data: [DONE]\n\n"])
    with mistral.Mistral(api_key="k", server_url=f"http://127.0.0.1:{provider.port}") as client:
        fim: Any = client.fim
        made = (fim.stream if stream else fim.complete)(
            model="codestral-latest", prompt="def f(", suffix="return x"
        )
        list(made)
    found = recorded.attributes()
    assert recorded.calls[0].name == "text_completion codestral-latest"
    assert (found[a.PROVIDER_NAME], *tokens(recorded)) == ("mistral_ai", 7, 2)
    assert texts(found[a.INPUT_MESSAGES]) == [["def f(", "return x"]]
    assert texts(found[a.OUTPUT_MESSAGES]) == [["Lima."]]


@pytest.mark.usefixtures("in_experiment")
def test_an_agent_of_mistral_answers_with_its_model(recorded: Recorded, provider: Provider) -> None:
    url = answering(provider, {**COMPLETION, "model": "mistral-large-2411", "usage": USAGE})
    with mistral.Mistral(api_key="k", server_url=url) as client:
        agents: Any = client.agents
        agents.complete(agent_id="ag-7", messages=ASKED)
    found = recorded.attributes()
    assert (found[a.AGENT_ID], found[a.RESPONSE_MODEL], *tokens(recorded)) == (
        "ag-7",
        "mistral-large-2411",
        7,
        2,
    )
    assert texts(found[a.INPUT_MESSAGES]) == [[ASKED[0]["content"]]]


@pytest.mark.parametrize(("counts", "tokens_in"), [((4, 3), 7), ((4, None), None)])
def test_embeddings_by_predict_at_vertex(
    counts: tuple[int | None, ...], tokens_in: int | None, recorded: Recorded, provider: Provider
) -> None:
    statistics = [{} if number is None else {"token_count": float(number)} for number in counts]
    made = [{"embeddings": {"values": [0.5], "statistics": item}} for item in statistics]
    answering(provider, {"predictions": made, "metadata": {"billableCharacterCount": 8}})
    asked = {
        "instances": [{"content": "Lima"}, {"content": "Peru"}],
        "parameters": {"outputDimensionality": 64},
    }
    post(provider, VERTEX, asked)
    found = recorded.attributes()
    assert (found[a.REQUEST_MODEL], found[a.PROVIDER_NAME]) == ("text-embedding-005", "gcp.vertex_ai")
    assert (found[a.EMBEDDING_DIMENSIONS], *tokens(recorded)) == (64, tokens_in, None)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (VERTEX.replace("text-embedding-005", "imagen-4"), {"instances": [{"prompt": "a llama"}]}),
        ("/completions", {"position": 3}),
        ("/v1/embed", {"url": "https://host.invalid"}),
        ("/agents/completions", {"text": "hello"}),
        ("/model/mine/invoke", {"input": "hello"}),
        ("/model/mine/converse", {"text": "hello"}),
    ],
)
def test_a_request_that_only_looks_like_one_of_these_is_none(
    path: str, body: Any, recorded: Recorded, provider: Provider
) -> None:
    before = troubles()
    post(provider, path, body)
    httpx.post(f"http://127.0.0.1:{provider.port}{path}", content=b"not json")
    assert recorded.calls == []
    assert troubles() == before


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"cost": 0.0125, "cost_details": {"upstream_inference_cost": None}}, 0.0125),  # OpenRouter
        ({"cost": 0, "is_byok": False}, 0.0),
        ({"cost": 0.5, "is_byok": True, "cost_details": {"upstream_inference_cost": 2}}, 2.5),
        ({"cost": 0.5, "is_byok": True}, None),
        ({"cost_in_usd_ticks": 37_756_000}, 0.0037756),  # xAI
        ({"cost": 0.0125}, None),  # of whom, and in which currency?
    ],
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/completions"])
def test_what_a_provider_says_that_it_charges_is_recorded(
    usage: dict[str, Any], cost: float | None, path: str, recorded: Recorded, provider: Provider
) -> None:
    answering(provider, {"id": "gen-1", "usage": {**USAGE, **usage}})
    post(provider, path, {"model": "m", "messages": ASKED, "input": "hi", "prompt": "hi"})
    assert recorded.attributes().get(a.USAGE_COST) == cost
