"""Every client package, against a server that speaks its wire: the span holds what the server sent.

A call is made once and looked at by several tests, so they share a file and with it a process.
"""

from __future__ import annotations

import json

import pytest

from capture.wires import wire as w
from capture.wires.client import KEY, PROMPT, Client
from capture.wires.clients import CLIENTS
from capture.wires.environments import ROOT
from capture.wires.observe import SCENARIOS, observe, offered, usage
from capture.wires.table import head, rows
from evalspan import attributes as a

CASES = [
    pytest.param(client, way, scenario, id=f"{client}, {way}, {scenario}")
    for client in CLIENTS
    for way in ("sync", "async")
    for scenario in SCENARIOS
    if offered(client, scenario)
]


def cases(*scenarios: str) -> pytest.MarkDecorator:
    chosen = [case for case in CASES if case.values[2] in scenarios]
    return pytest.mark.parametrize(("client", "way", "scenario"), chosen)


@cases("plain", "stream", "gzip", "gzip stream")
def test_an_answer_is_recorded_as_it_was_sent(client: Client, way: str, scenario: str) -> None:
    seen = observe(client, way, scenario)
    wire, found = client.wire, seen.only
    assert seen.error is None
    assert {name: found.get(name) for name in usage(client)} == usage(client)
    assert (found[a.OPERATION_NAME], found[a.PROVIDER_NAME]) == (wire.operation, wire.provider)
    assert found[a.REQUEST_MODEL] == w.MODEL
    assert found.get(a.RESPONSE_MODEL) == (w.ANSWERED if "model" in wire.carries else None)
    assert found.get(a.RESPONSE_ID) == (w.ID if "id" in wire.carries else None)
    assert json.loads(found[a.INPUT_MESSAGES]) == [
        {"role": "user", "parts": [{"type": "text", "content": PROMPT}]}
    ]
    assert a.ERROR_TYPE not in found
    assert KEY not in str(found)


@cases("plain", "stream", "gzip stream")
def test_what_the_model_said_and_how_it_was_asked_is_recorded(
    client: Client, way: str, scenario: str
) -> None:
    seen = observe(client, way, scenario)
    if client.wire.operation == "embeddings":
        assert a.OUTPUT_MESSAGES not in seen.only
        return
    thought = [{"type": "reasoning", "content": w.THOUGHT}] if "thought" in client.wire.carries else []
    assert seen.parts() == [*thought, {"type": "text", "content": w.TEXT}]
    assert seen.only[a.RESPONSE_FINISH_REASONS] == (client.wire.stop,)
    assert (seen.only[a.REQUEST_TEMPERATURE], seen.only[a.REQUEST_MAX_TOKENS]) == (0.0, 50)
    assert (a.RESPONSE_TIME_TO_FIRST_CHUNK in seen.only) == ("stream" in scenario)
    assert seen.only.get(a.REQUEST_STREAM) == ("stream" in scenario or None)


@cases("tools", "streamed tools")
def test_tool_definitions_and_calls_are_recorded(client: Client, way: str, scenario: str) -> None:
    seen = observe(client, way, scenario)
    assert seen.error is None
    (call,) = [part for part in seen.parts() if part["type"] == "tool_call"]
    assert (call["name"], call["arguments"], call["id"]) == (w.TOOL, w.ARGUMENTS, w.CALL_ID)
    assert w.TOOL in seen.only[a.TOOL_DEFINITIONS]
    assert seen.only[a.RESPONSE_FINISH_REASONS] == (client.wire.tool_stop,)
    assert {name: seen.only.get(name) for name in usage(client)} == usage(client)


@cases("429, then 200")
def test_a_retry_is_a_call_of_its_own(client: Client, way: str, scenario: str) -> None:
    seen = observe(client, way, scenario)
    first, second = seen.calls
    assert seen.error is None
    assert (first[a.ERROR_TYPE], seen.statuses) == ("429", ("ERROR", "UNSET"))
    assert a.USAGE_INPUT_TOKENS not in first
    assert second[a.USAGE_INPUT_TOKENS] == w.INPUT


@cases("500")
def test_a_failure_of_the_server_is_an_error_with_its_status(client: Client, way: str, scenario: str) -> None:
    seen = observe(client, way, scenario)
    assert seen.error is not None
    assert seen.only[a.ERROR_TYPE] == "500"
    assert seen.statuses == ("ERROR",)
    assert not [name for name in seen.only if name.startswith("gen_ai.usage.")]


@cases("cut stream")
def test_a_stream_cut_in_the_middle_is_an_error_and_keeps_what_came(
    client: Client, way: str, scenario: str
) -> None:
    seen = observe(client, way, scenario)
    assert seen.error is not None
    assert seen.only[a.ERROR_TYPE] == "RemoteProtocolError"
    assert seen.statuses == ("ERROR",)
    assert a.RESPONSE_FINISH_REASONS not in seen.only
    assert [part for part in seen.parts() if part["type"] in ("text", "reasoning")]


def test_the_table_in_the_documentation_says_what_was_seen() -> None:
    page = (ROOT / "docs" / "capture.md").read_text(encoding="utf-8")
    assert "\n".join((*head(), *rows(CLIENTS))) in page
