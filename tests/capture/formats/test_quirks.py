"""What single providers do differently within a format that many share."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from opentelemetry.trace import StatusCode

from capture.conftest import ASKED, Recorded
from capture.provider import COMPLETION, EVENT_STREAM, Provider, Reply, event
from evalspan import attributes as a

NDJSON = {"Content-Type": "application/x-ndjson"}


def post(provider: Provider, path: str, body: Any) -> None:
    httpx.post(f"http://127.0.0.1:{provider.port}{path}", json=body)


def chat(provider: Provider, answer: dict[str, Any], path: str = "/v1/chat/completions") -> None:
    provider.reply = Reply(chunks=[json.dumps(answer).encode()])
    post(provider, path, {"model": "m", "messages": ASKED})


@pytest.mark.parametrize(
    ("usage", "output"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 18}, 8),  # xAI: apart
        ({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}, 5),  # OpenAI: inside
        ({"prompt_tokens": 10, "completion_tokens": 5}, 5),
    ],
)
def test_reasoning_is_inside_the_output_wherever_the_provider_counts_it(
    usage: dict[str, int], output: int, recorded: Recorded, provider: Provider
) -> None:
    details = {"completion_tokens_details": {"reasoning_tokens": 3}}
    chat(provider, {**COMPLETION, "usage": {**usage, **details}})
    found = recorded.attributes()
    assert (found[a.USAGE_OUTPUT_TOKENS], found[a.USAGE_REASONING_TOKENS]) == (output, 3)


@pytest.mark.parametrize("name", ["prompt_cache_hit_tokens", "cached_tokens"])
def test_cached_tokens_are_found_under_other_names(name: str, recorded: Recorded, provider: Provider) -> None:
    chat(provider, {**COMPLETION, "usage": {"prompt_tokens": 10, name: 7}})
    assert recorded.attributes()[a.USAGE_CACHE_READ_TOKENS] == 7


def test_usage_that_groq_streams_unasked_is_read(recorded: Recorded, provider: Provider) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 2}
    provider.reply = Reply(
        headers=EVENT_STREAM, chunks=[event({"content": "Li"}), event({}, "stop", x_groq={"usage": usage})]
    )
    post(provider, "/v1/chat/completions", {"model": "m", "messages": ASKED, "stream": True})
    assert recorded.attributes()[a.USAGE_INPUT_TOKENS] == 10


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning"])
@pytest.mark.usefixtures("in_experiment")
def test_thoughts_are_a_part_of_their_own(key: str, recorded: Recorded, provider: Provider) -> None:
    provider.reply = Reply(
        headers=EVENT_STREAM, chunks=[event({key: "Pe"}), event({key: "ru"}), event({"content": "Lima"})]
    )
    post(provider, "/v1/chat/completions", {"model": "m", "messages": ASKED, "stream": True})
    assert json.loads(recorded.attributes()[a.OUTPUT_MESSAGES])[0]["parts"] == [
        {"type": "reasoning", "content": "Peru"},
        {"type": "text", "content": "Lima"},
    ]


@pytest.mark.usefixtures("in_experiment")
def test_mistral_streams_thoughts_as_blocks(recorded: Recorded, provider: Provider) -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Peru"}]}
    provider.reply = Reply(
        headers=EVENT_STREAM,
        chunks=[event({"content": [thinking]}), event({"content": [{"type": "text", "text": "Lima"}]})],
    )
    post(provider, "/v1/chat/completions", {"model": "m", "messages": ASKED, "stream": True})
    assert [part["content"] for part in json.loads(recorded.attributes()[a.OUTPUT_MESSAGES])[0]["parts"]] == [
        "Peru",
        "Lima",
    ]


def test_the_deployment_of_azure_is_the_model_that_the_body_leaves_out(
    recorded: Recorded, provider: Provider
) -> None:
    post(provider, "/openai/deployments/my-gpt/chat/completions", {"messages": ASKED})
    found = recorded.attributes()
    assert (found[a.REQUEST_MODEL], found[a.PROVIDER_NAME]) == ("my-gpt", "azure.ai.openai")


@pytest.mark.parametrize(
    ("path", "head", "line", "kind"),
    [
        (
            "/v1/chat/completions",
            EVENT_STREAM,
            b'data: {"error": {"message": "m", "type": "server_error"}}\n\n',
            "server_error",
        ),
        ("/v1/chat/completions", EVENT_STREAM, b'data: {"error": {"message": "m", "code": 502}}\n\n', "502"),
        (
            "/v1/messages",
            EVENT_STREAM,
            b'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error"}}\n\n',
            "overloaded_error",
        ),
        (
            "/v1/responses",
            EVENT_STREAM,
            b'data: {"type": "error", "code": "server_error"}\n\n',
            "server_error",
        ),
        ("/api/chat", NDJSON, b'{"error": "out of memory"}\n', "_OTHER"),
    ],
)
def test_a_failure_told_inside_a_stream_is_an_error(
    path: str, head: dict[str, str], line: bytes, kind: str, recorded: Recorded, provider: Provider
) -> None:
    provider.reply = Reply(headers=head, chunks=[line])
    post(provider, path, {"model": "m", "messages": ASKED, "input": "hi", "stream": True})
    (span,) = recorded.calls
    assert recorded.attributes()[a.ERROR_TYPE] == kind
    assert span.status.status_code is StatusCode.ERROR


@pytest.mark.usefixtures("in_experiment")
def test_gemini_is_read_in_snake_case_and_as_an_array(recorded: Recorded, provider: Provider) -> None:
    pieces = [{"candidates": [{"content": {"parts": [{"text": text}]}}]} for text in ("Li", "ma")]
    provider.reply = Reply(
        chunks=[json.dumps([*pieces, {"usageMetadata": {"promptTokenCount": 4}}]).encode()]
    )
    body = {
        "contents": [
            {"role": "user", "parts": [{"inline_data": {"mime_type": "image/png", "data": "AAAA"}}]}
        ],
        "generation_config": {"max_output_tokens": 9, "top_k": 40.0},
        "system_instruction": {"parts": [{"text": "Be brief."}]},
    }
    post(provider, "/v1beta/models/gemini-9:streamGenerateContent", body)
    found = recorded.attributes()
    (part,) = json.loads(found[a.OUTPUT_MESSAGES])[0]["parts"]
    (asked,) = json.loads(found[a.INPUT_MESSAGES])[0]["parts"]
    assert (part["content"], asked["type"], found[a.USAGE_INPUT_TOKENS]) == ("Lima", "blob", 4)
    assert (found[a.REQUEST_MAX_TOKENS], found[a.REQUEST_TOP_K]) == (9, 40)
    assert json.loads(found[a.SYSTEM_INSTRUCTIONS]) == [{"type": "text", "content": "Be brief."}]


def test_tokens_that_ollama_leaves_out_are_unknown(recorded: Recorded, provider: Provider) -> None:
    answer = {"model": "m", "message": {"role": "assistant", "content": "Lima"}, "eval_count": 2}
    provider.reply = Reply(chunks=[json.dumps(answer).encode()])
    post(provider, "/api/chat", {"model": "m", "messages": ASKED, "stream": False})
    assert a.USAGE_INPUT_TOKENS not in recorded.attributes()
    assert recorded.attributes()[a.USAGE_OUTPUT_TOKENS] == 2
