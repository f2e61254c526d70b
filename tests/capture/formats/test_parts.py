"""Pieces of each format's messages become the parts of the conventions."""

from __future__ import annotations

from typing import Any

import pytest

from evalspan.capture.formats import anthropic_parts, gemini_parts, openai_items
from evalspan.capture.shape import complaint

IMAGE = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
BLOB = {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "AAAA"}


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ({"type": "image", "source": IMAGE}, BLOB),
        (
            {"type": "document", "source": {"type": "url", "url": "https://host.invalid/a.pdf"}},
            {"type": "uri", "modality": "document", "uri": "https://host.invalid/a.pdf"},
        ),
        (
            {"type": "image", "source": {"type": "file", "file_id": "f-1"}},
            {"type": "file", "modality": "image", "file_id": "f-1"},
        ),
        (
            {"type": "tool_result", "tool_use_id": "c-1", "content": "Lima"},
            {"type": "tool_call_response", "id": "c-1", "response": "Lima"},
        ),
        (
            {"type": "server_tool_use", "id": "s-1", "name": "web_search", "input": {"query": "Peru"}},
            {
                "type": "server_tool_call",
                "id": "s-1",
                "name": "web_search",
                "server_tool_call": {"query": "Peru"},
            },
        ),
        (
            {"type": "web_search_tool_result", "tool_use_id": "s-1", "content": []},
            {"type": "server_tool_call_response", "id": "s-1", "server_tool_call_response": []},
        ),
        ({"type": "redacted_thinking", "data": "x"}, {"type": "redacted_thinking", "data": "x"}),
    ],
)
def test_blocks_of_anthropic(block: dict[str, Any], part: dict[str, Any]) -> None:
    assert anthropic_parts.parts([block]) == [part]


def test_a_message_with_nothing_but_results_is_the_tools() -> None:
    result = {"type": "tool_result", "tool_use_id": "c-1", "content": "Lima"}
    assert anthropic_parts.message({"role": "user", "content": [result]})["role"] == "tool"
    mixed = [result, {"type": "text", "text": "And now?"}]
    assert anthropic_parts.message({"role": "user", "content": mixed})["role"] == "user"
    answered = {"functionResponse": {"name": "city", "response": {"of": "Lima"}}}
    assert gemini_parts.message({"role": "user", "parts": [answered]}) == {
        "role": "tool",
        "parts": [{"type": "tool_call_response", "response": {"of": "Lima"}, "name": "city"}],
    }


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (
            {"type": "function_call_output", "call_id": "c-1", "output": "Lima"},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c-1", "response": "Lima"}]},
        ),
        (
            {"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64,AAAA"}]},
            {"role": "user", "parts": [BLOB]},
        ),
        (
            {"role": "user", "content": [{"type": "input_file", "file_id": "f-1"}]},
            {"role": "user", "parts": [{"type": "file", "file_id": "f-1"}]},
        ),
        (
            {"type": "item_reference", "id": "i-1"},
            {"role": "assistant", "parts": [{"type": "item_reference", "id": "i-1"}]},
        ),
    ],
)
def test_items_of_the_responses_api(item: dict[str, Any], message: dict[str, Any]) -> None:
    assert openai_items.messages([item]) == [message]


def test_a_file_of_gemini_is_an_address() -> None:
    part = {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://films/a"}}
    assert gemini_parts.parts({"parts": [part]}) == [
        {"type": "uri", "modality": "video", "mime_type": "video/mp4", "uri": "gs://films/a"}
    ]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"error": {"code": "rate_limit_exceeded", "type": "requests"}}, "rate_limit_exceeded"),
        ({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}, "RESOURCE_EXHAUSTED"),
        ([{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}], "RESOURCE_EXHAUSTED"),
        ({"type": "error", "error": {"type": "overloaded_error"}}, "overloaded_error"),
        ({"object": "error", "type": "invalid_request", "code": None}, "invalid_request"),
        ({"message": "the key sk-1 is wrong"}, ""),
        ({"error": "the key sk-1 is wrong"}, ""),
        ("no", ""),
    ],
)
def test_the_code_of_an_error_is_told_and_never_its_message(body: Any, code: str) -> None:
    assert complaint(body) == code
