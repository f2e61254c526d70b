"""What does not leave the process: content that is not wanted, secrets, and baggage."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from opentelemetry import baggage, context

from capture.conftest import ASKED, Recorded
from capture.provider import EVENT_STREAM, Provider, Reply, event
from evalspan import attributes as a
from evalspan.capture import content, hosts, install, troubles
from evalspan.capture.content import VARIABLE

CHAT = "/chat/completions"


@pytest.fixture(autouse=True)
def policy() -> Iterator[None]:
    yield
    content.configure()


def ask(provider: Provider, path: str = CHAT, **more: Any) -> httpx.Response:
    body = {"model": "gpt-4o", "messages": ASKED, **more}
    return httpx.post(provider.base_url + path, json=body, headers={"Authorization": "Bearer sk-hidden"})


@pytest.mark.parametrize(("mode", "recorded_there"), [("on", True), ("off", False), ("auto", False)])
def test_the_setting_decides_over_the_variable(
    mode: content.Mode,
    recorded_there: bool,
    recorded: Recorded,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(VARIABLE, "NO_CONTENT")
    content.configure(mode)
    ask(provider)
    assert (a.INPUT_MESSAGES in recorded.attributes()) == recorded_there


def test_a_redaction_sees_messages_and_decides_what_stays(recorded: Recorded, provider: Provider) -> None:
    def without_peru(value: Any) -> Any:
        return json.loads(json.dumps(value).replace("Peru", "[country]"))

    content.configure("on", without_peru)
    ask(provider)
    found = recorded.attributes()
    assert "Peru" not in str(found)
    assert "[country]" in found[a.INPUT_MESSAGES]
    assert "Lima." in found[a.OUTPUT_MESSAGES]


def test_a_redaction_also_holds_for_events(
    recorded: Recorded, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "SPAN_AND_EVENT")
    content.configure("auto", lambda value: "hidden")
    ask(provider)
    (emitted,) = recorded.events()
    assert emitted.attributes[a.INPUT_MESSAGES] == "hidden"
    assert "Peru" not in str(recorded.attributes())


def test_a_redaction_that_fails_drops_the_content_and_says_so_once(
    recorded: Recorded, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(value: Any) -> Any:
        raise ValueError(f"cannot read {value}")

    content.configure("on", failing)
    before = troubles().get("redaction failed, content dropped", 0)
    assert ask(provider).status_code == 200
    ask(provider)
    assert troubles()["redaction failed, content dropped"] > before + 1
    said = [record.getMessage() for record in caplog.records if "redaction" in record.getMessage()]
    assert len(said) == 1
    assert "Peru" not in said[0]
    assert "Peru" not in "".join(str(span.attributes) for span in recorded.calls)


def test_keys_are_recorded_neither_from_headers_nor_from_the_address(
    recorded: Recorded, provider: Provider
) -> None:
    content.configure("on")
    ask(provider, CHAT + "?key=AIza-hidden&alt=json")
    everything = str([dict(span.attributes or {}) for span in (*recorded.calls, *recorded.http)])
    assert "alt=json" in everything
    assert "hidden" not in everything


@pytest.mark.parametrize(("host", "sent"), [("a model provider", False), ("a host of the app's", True)])
def test_baggage_goes_to_the_apps_hosts_and_not_to_model_providers(
    host: str, sent: bool, recorded: Recorded, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    if host == "a model provider":  # loopback becomes one, for no real one may be called
        monkeypatch.setattr(hosts, "provider", lambda host, otherwise: "openai")
    token = context.attach(baggage.set_baggage(a.EXPERIMENT_ID, "e-1", baggage.set_baggage("user", "u-7")))
    try:
        ask(provider)
    finally:
        context.detach(token)
    assert ("baggage" in provider.requests[0]) == sent
    assert "traceparent" in provider.requests[0]
    assert a.INPUT_MESSAGES in recorded.attributes()  # it was read before it was held back


def test_streams_are_asked_for_their_usage_only_if_one_wants_it(
    recorded: Recorded, provider: Provider
) -> None:
    reply = (event({"content": "Lima"}), event({}, "stop"), b"data: [DONE]\n\n")
    provider.reply = Reply(headers=EVENT_STREAM, chunks=reply)
    for wanted in (False, True):
        install(recorded.provider, logger_provider=recorded.logger_provider, stream_usage=wanted)
        ask(provider, stream=True, seed=7, stream_options={"include_obfuscation": False})
    first, second = (json.loads(body) for body in provider.bodies)
    assert first["stream_options"] == {"include_obfuscation": False}
    assert second["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    assert {**second, "stream_options": None} == {**first, "stream_options": None}


@pytest.mark.parametrize(
    ("path", "body", "asked"),
    [
        ("/completions", {"prompt": "Peru"}, True),
        ("/completions", {"position": 3}, False),
        ("/fim/completions", {"prompt": "Peru"}, False),
        ("/agents/completions", {"messages": ASKED}, False),
    ],
)
def test_only_completions_of_openais_are_asked_beside_chats(
    path: str, body: dict[str, Any], asked: bool, recorded: Recorded, provider: Provider
) -> None:
    install(recorded.provider, logger_provider=recorded.logger_provider, stream_usage=True)
    httpx.post(provider.base_url + path, json={"model": "m", "stream": True, **body})
    assert ("stream_options" in json.loads(provider.bodies[0])) == asked


@pytest.mark.parametrize("more", [
    {},
    {"stream": False},
    {"stream": True, "stream_options": {"include_usage": False}},
])  # fmt: skip
def test_a_request_that_has_nothing_to_be_asked_is_sent_as_it_is(
    more: dict[str, Any], recorded: Recorded, provider: Provider
) -> None:
    install(recorded.provider, logger_provider=recorded.logger_provider, stream_usage=True)
    ask(provider, **more)
    assert json.loads(provider.bodies[0]) == {"model": "gpt-4o", "messages": ASKED, **more}


async def test_the_openai_client_works_with_a_request_that_was_changed(
    recorded: Recorded, provider: Provider
) -> None:
    install(recorded.provider, logger_provider=recorded.logger_provider, stream_usage=True)
    usage: dict[str, Any] = {
        "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9},
        "choices": [],
    }
    provider.reply = Reply(headers=EVENT_STREAM, chunks=(event({"content": "é"}), event({}, **usage)))
    async with openai.AsyncOpenAI(base_url=provider.base_url, api_key="k") as client:
        stream = await client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": "é ✓"}], stream=True
        )
        async for _ in stream:
            pass
    assert json.loads(provider.bodies[0])["messages"][0]["content"] == "é ✓"
    assert recorded.attributes()[a.USAGE_INPUT_TOKENS] == 7
