"""Prompts and answers: when they are recorded, where, and in which shape."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from capture.conftest import ASKED, Recorded
from capture.provider import COMPLETION, Provider, Reply
from evalspan import attributes as a
from evalspan.capture.content import VARIABLE


def ask(provider: Provider, messages: list[dict[str, Any]] = ASKED, **more: Any) -> None:
    body = {"model": "gpt-4o", "messages": messages, **more}
    httpx.post(f"{provider.base_url}/chat/completions", json=body).raise_for_status()


@pytest.mark.usefixtures("in_experiment")
def test_in_an_experiment_content_is_on_the_span(recorded: Recorded, provider: Provider) -> None:
    ask(provider)
    found = recorded.attributes()
    assert json.loads(found[a.INPUT_MESSAGES]) == [
        {"role": "user", "parts": [{"type": "text", "content": "What is the capital of Peru?"}]}
    ]
    assert json.loads(found[a.OUTPUT_MESSAGES]) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "Lima."}], "finish_reason": "stop"}
    ]


@pytest.mark.parametrize(
    ("mode", "on_span", "on_event"),
    [
        ("NO_CONTENT", False, False),
        ("SPAN_ONLY", True, False),
        ("EVENT_ONLY", False, True),
        ("span_and_event", True, True),
        ("true", False, False),
    ],
)
@pytest.mark.usefixtures("in_experiment")
def test_the_variable_decides_wherever_it_is_set(
    mode: str,
    on_span: bool,
    on_event: bool,
    recorded: Recorded,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(VARIABLE, mode)
    ask(provider)
    assert (a.INPUT_MESSAGES in recorded.attributes()) == on_span
    assert [event.event_name for event in recorded.events()] == [a.INFERENCE_DETAILS] * on_event


def test_the_event_belongs_to_the_call_and_has_structured_messages(
    recorded: Recorded, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "EVENT_ONLY")
    ask(provider)
    (event,), (span,) = recorded.events(), recorded.calls
    assert span.context
    assert (event.trace_id, event.span_id) == (span.context.trace_id, span.context.span_id)
    assert event.attributes[a.INPUT_MESSAGES][0]["parts"][0]["content"] == "What is the capital of Peru?"
    assert event.attributes[a.USAGE_INPUT_TOKENS] == 120


@pytest.mark.usefixtures("in_experiment")
def test_tool_calls_and_their_results_become_parts(recorded: Recorded, provider: Provider) -> None:
    call = {"id": "call-1", "type": "function", "function": {"name": "city", "arguments": '{"of": "Peru"}'}}
    tools = [{"type": "function", "function": {"name": "city"}}]
    said = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "message": said, "finish_reason": "tool_calls"}
    provider.reply = Reply(chunks=[json.dumps({**COMPLETION, "choices": [choice]}).encode()])
    ask(provider, [*ASKED, said, {"role": "tool", "tool_call_id": "call-1", "content": "Lima"}], tools=tools)
    found = recorded.attributes()
    part = {"type": "tool_call", "name": "city", "arguments": {"of": "Peru"}, "id": "call-1"}
    assert [message["parts"] for message in json.loads(found[a.INPUT_MESSAGES])[1:]] == [
        [part],
        [{"type": "tool_call_response", "response": "Lima", "id": "call-1"}],
    ]
    assert json.loads(found[a.OUTPUT_MESSAGES])[0]["parts"] == [part]
    assert json.loads(found[a.TOOL_DEFINITIONS]) == tools


@pytest.mark.parametrize(
    ("piece", "part"),
    [
        ({"type": "text", "text": "hi"}, {"type": "text", "content": "hi"}),
        (
            {"type": "image_url", "image_url": {"url": "https://host.invalid/cat.png"}},
            {"type": "uri", "modality": "image", "uri": "https://host.invalid/cat.png"},
        ),
        (
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "AAAA"},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
            {"type": "blob", "modality": "audio", "mime_type": "audio/wav", "content": "AAAA"},
        ),
        ({"type": "file", "file": {"file_id": "f-1"}}, {"type": "file", "file_id": "f-1"}),
        ({"type": "hologram", "rays": 3}, {"type": "hologram", "rays": 3}),
    ],
)
@pytest.mark.usefixtures("in_experiment")
def test_pieces_of_a_message_become_parts(
    piece: dict[str, Any], part: dict[str, Any], recorded: Recorded, provider: Provider
) -> None:
    ask(provider, [{"role": "user", "content": [piece]}])
    assert json.loads(recorded.attributes()[a.INPUT_MESSAGES])[0]["parts"] == [part]
