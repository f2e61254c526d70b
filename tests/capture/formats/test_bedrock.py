"""Amazon Bedrock: Converse for any model, InvokeModel for Anthropic's, plain and in AWS's binary stream."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from typing import Any

import httpx
import pytest
from anthropic.lib.bedrock import AnthropicBedrock

from capture.conftest import Recorded
from capture.provider import Provider, Reply
from evalspan import attributes as a
from evalspan.capture import aws_stream, hosts

STREAM = {"Content-Type": "application/vnd.amazon.eventstream"}
MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
ASKED: dict[str, Any] = {
    "messages": [{"role": "user", "content": [{"text": "Capital of Peru?"}]}],
    "system": [{"text": "Be brief."}],
    "inferenceConfig": {"maxTokens": 9, "temperature": 0, "stopSequences": ["!"]},
}
USAGE = {"inputTokens": 5, "outputTokens": 3, "totalTokens": 118, "cacheReadInputTokens": 100}
USAGE["cacheWriteInputTokens"] = 10


def frame(payload: Any, **headers: str) -> bytes:
    """One message of an event stream."""
    packed = b"".join(
        bytes([len(name) + 1]) + f":{name}".encode() + b"\7" + struct.pack(">H", len(value)) + value.encode()
        for name, value in ((name.replace("_", "-"), value) for name, value in headers.items())
    )
    data = json.dumps(payload).encode()
    prelude = struct.pack(">II", 16 + len(packed) + len(data), len(packed))
    whole = prelude + struct.pack(">I", zlib.crc32(prelude)) + packed + data
    return whole + struct.pack(">I", zlib.crc32(whole))


def event(kind: str, payload: Any) -> bytes:
    return frame(payload, event_type=kind, content_type="application/json", message_type="event")


def converse(provider: Provider, path: str, chunks: list[bytes] | None = None, **usage: int) -> None:
    said = [{"reasoningContent": {"reasoningText": {"text": "Peru."}}}, {"text": "Lima."}]
    tool = {"toolUse": {"toolUseId": "c-1", "name": "city", "input": {"of": "Peru"}}}
    answer = {
        "output": {"message": {"role": "assistant", "content": [*said, tool]}},
        "stopReason": "tool_use",
    }
    whole = json.dumps({**answer, "usage": {**USAGE, **usage}}).encode()
    provider.reply = Reply(headers=STREAM, chunks=chunks) if chunks else Reply(chunks=[whole])
    httpx.post(f"http://127.0.0.1:{provider.port}{path}", json=ASKED)


STREAMED = [
    event("messageStart", {"role": "assistant"}),
    event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "Pe"}}}),
    event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "ru."}}}),
    event("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "Li"}}),
    event("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "ma."}}),
    event(
        "contentBlockStart",
        {"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "c-1", "name": "city"}}},
    ),
    event("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"toolUse": {"input": '{"of": '}}}),
    event("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"toolUse": {"input": '"Peru"}'}}}),
    event("messageStop", {"stopReason": "tool_use"}),
    event("metadata", {"usage": USAGE, "metrics": {"latencyMs": 7}}),
]


@pytest.mark.parametrize(("path", "chunks"), [("converse", None), ("converse-stream", STREAMED)])
@pytest.mark.usefixtures("in_experiment")
def test_a_converse_call_is_read_plain_and_streamed(
    path: str, chunks: list[bytes] | None, recorded: Recorded, provider: Provider
) -> None:
    converse(provider, f"/model/{MODEL}/{path}", chunks)
    found = recorded.attributes()
    counts = (
        a.USAGE_INPUT_TOKENS,
        a.USAGE_OUTPUT_TOKENS,
        a.USAGE_CACHE_READ_TOKENS,
        a.USAGE_CACHE_WRITE_TOKENS,
    )
    assert [found[name] for name in counts] == [115, 3, 100, 10]
    assert (found[a.PROVIDER_NAME], found[a.REQUEST_MODEL]) == ("aws.bedrock", MODEL)
    assert (found[a.REQUEST_MAX_TOKENS], found[a.RESPONSE_FINISH_REASONS]) == (9, ("tool_use",))
    assert json.loads(found[a.OUTPUT_MESSAGES])[0]["parts"] == [
        {"type": "reasoning", "content": "Peru."},
        {"type": "text", "content": "Lima."},
        {"type": "tool_call", "id": "c-1", "name": "city", "arguments": {"of": "Peru"}},
    ]
    assert "Be brief." in found[a.SYSTEM_INSTRUCTIONS]
    assert "Capital of Peru?" in found[a.INPUT_MESSAGES]


@pytest.mark.parametrize(("read", "known"), [(100, False), (0, True)])
def test_what_openais_models_at_bedrock_read_is_unknown_where_some_of_it_was_cached(
    read: int, known: bool, recorded: Recorded, provider: Provider
) -> None:
    path = "/model/us.openai.gpt-5/converse"
    converse(provider, path, cacheReadInputTokens=read, cacheWriteInputTokens=0)
    assert (a.USAGE_INPUT_TOKENS in recorded.attributes()) == known


@pytest.mark.parametrize(
    ("arn", "model"),
    [
        (f"arn:aws:bedrock:us-east-1:1:inference-profile/{MODEL}", MODEL),
        ("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"),
        *[("arn:aws:bedrock:us-east-1:1:application-inference-profile/x7",) * 2],
    ],
)
def test_the_model_of_an_arn_is_what_has_a_price(
    arn: str, model: str, recorded: Recorded, provider: Provider
) -> None:
    converse(provider, f"/model/{arn.replace('/', '%2F')}/converse")
    assert recorded.attributes()[a.REQUEST_MODEL] == model


def test_anthropics_client_for_bedrock_is_recorded_with_the_model_of_the_path(
    recorded: Recorded, provider: Provider
) -> None:
    answer = {"id": "msg-1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929"}
    answer |= {
        "content": [{"type": "text", "text": "Lima."}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
    }
    answer |= {"usage": {"input_tokens": 5, "cache_read_input_tokens": 100, "output_tokens": 3}}
    provider.reply = Reply(chunks=[json.dumps(answer).encode()])
    url = f"http://127.0.0.1:{provider.port}"
    with AnthropicBedrock(api_key="k", aws_region="us-east-1", base_url=url) as client:
        client.messages.create(model=MODEL, max_tokens=9, messages=[{"role": "user", "content": "Peru?"}])
    found = recorded.attributes()
    assert (found[a.PROVIDER_NAME], found[a.REQUEST_MODEL], found[a.USAGE_INPUT_TOKENS]) == (
        "aws.bedrock",
        MODEL,
        105,
    )


@pytest.mark.usefixtures("in_experiment")
def test_anthropics_events_are_found_inside_those_of_aws(recorded: Recorded, provider: Provider) -> None:
    head = {"id": "msg-1", "role": "assistant", "model": "claude-sonnet-4-5", "usage": {"input_tokens": 5}}
    inner: list[dict[str, Any]] = [
        {"type": "message_start", "message": head},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Li"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "ma."}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}},
    ]
    packed = [
        event("chunk", {"bytes": base64.b64encode(json.dumps(item).encode()).decode()}) for item in inner
    ]
    provider.reply = Reply(headers=STREAM, chunks=packed)
    body: dict[str, Any] = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": []}
    path = f"/model/{MODEL}/invoke-with-response-stream"
    httpx.post(f"http://127.0.0.1:{provider.port}{path}", json=body)
    found = recorded.attributes()
    assert (found[a.USAGE_INPUT_TOKENS], found[a.USAGE_OUTPUT_TOKENS]) == (5, 3)
    assert (found[a.REQUEST_STREAM], found[a.RESPONSE_ID]) == (True, "msg-1")
    assert a.RESPONSE_TIME_TO_FIRST_CHUNK in found


@pytest.mark.parametrize("path", ["converse-stream", "invoke-with-response-stream"])
def test_a_failure_told_inside_the_stream_is_an_error(
    path: str, recorded: Recorded, provider: Provider
) -> None:
    told = frame({"message": "Too many."}, exception_type="throttlingException", message_type="exception")
    provider.reply = Reply(headers=STREAM, chunks=[told])
    body = {**ASKED, "anthropic_version": "bedrock-2023-05-31"}
    httpx.post(f"http://127.0.0.1:{provider.port}/model/{MODEL}/{path}", json=body)
    assert recorded.attributes()[a.ERROR_TYPE] == "throttlingException"


@pytest.mark.parametrize("cut", [3, 40, -1])
def test_a_stream_that_breaks_off_keeps_the_messages_before(cut: int) -> None:
    whole, broken = event("messageStop", {"stopReason": "end_turn"}), event("metadata", {"usage": USAGE})
    assert list(aws_stream.events(whole + broken[:cut])) == [{"messageStop": {"stopReason": "end_turn"}}]


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("bedrock-runtime.us-east-1.amazonaws.com", "aws.bedrock"),
        ("bedrock-runtime-fips.us-gov-west-1.amazonaws.com", "aws.bedrock"),
        ("bedrock-mantle.us-east-1.api.aws", "aws.bedrock"),
        ("bedrock-runtime.amazonaws.com.example", "somebody"),
        ("mine.s3.us-east-1.amazonaws.com", "somebody"),
    ],
)
def test_hosts_of_bedrock_are_told_from_the_rest_of_aws(host: str, name: str) -> None:
    assert hosts.provider(host, otherwise="somebody") == name
