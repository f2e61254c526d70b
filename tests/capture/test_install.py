"""Taking hold of the transports, letting go, and keeping out of the way."""

from __future__ import annotations

import logging
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.utils import suppress_instrumentation

from capture.conftest import ASKED, Recorded
from capture.provider import Provider, Reply
from evalspan import attributes as a
from evalspan import capture
from evalspan.capture import hosts
from support.command import environment

BODY = {"model": "gpt-4o", "messages": ASKED}
HOOK = (httpx.HTTPTransport, "handle_request")


FIRST_CALL = """
    import sys
    import httpx
    from capture.provider import EVENT_STREAM, Provider, Reply, event
    from capture.recorded import Recorded
    from evalspan import capture

    with Provider() as provider, httpx.Client(base_url=provider.base_url) as client:
        client.post("/files", json={})
        recorded = Recorded()
        capture.install(recorded.provider)
        client.post("/files", json={})
        loaded = set(sys.modules)
        client.post("/chat/completions", json={"model": "gpt-4o"})
        provider.reply = Reply(headers=EVENT_STREAM, chunks=[event({}, "stop")])
        client.post("/chat/completions", json={"model": "gpt-4o", "stream": True})
        print(len(recorded.calls), sorted(set(sys.modules) - loaded))
"""


@pytest.fixture
def early_client(provider: Provider) -> Iterator[httpx.Client]:
    """A client that is older than the capture."""
    with httpx.Client(base_url=provider.base_url) as client:
        yield client


def test_a_client_made_before_the_installation_is_seen(
    early_client: httpx.Client, recorded: Recorded
) -> None:
    early_client.post("/chat/completions", json=BODY)
    assert len(recorded.calls) == 1


def test_installing_twice_records_once(recorded: Recorded, provider: Provider) -> None:
    capture.install(recorded.provider, logger_provider=recorded.logger_provider)
    httpx.post(f"{provider.base_url}/chat/completions", json=BODY)
    assert (len(recorded.calls), len(recorded.http)) == (1, 1)


def test_installing_for_another_provider_moves_there(recorded: Recorded, provider: Provider) -> None:
    other = Recorded()
    capture.install(other.provider)
    httpx.post(f"{provider.base_url}/chat/completions", json=BODY)
    assert (len(recorded.calls), len(other.calls), len(other.http)) == (0, 1, 1)
    other.close()


def test_uninstalling_leaves_the_transports_as_they_were(provider: Provider) -> None:
    before = HOOK[0].__dict__[HOOK[1]]
    recorded = Recorded()
    capture.install(recorded.provider)
    assert HOOK[0].__dict__[HOOK[1]] is not before
    capture.uninstall()
    capture.uninstall()
    assert HOOK[0].__dict__[HOOK[1]] is before
    httpx.post(f"{provider.base_url}/chat/completions", json=BODY)
    assert recorded.calls == []
    recorded.close()


def test_an_instrumentation_that_the_app_installed_stays_the_apps(provider: Provider) -> None:
    apps, recorded = Recorded(), Recorded()
    HTTPXClientInstrumentor().instrument(tracer_provider=apps.provider)
    try:
        capture.install(recorded.provider)
        httpx.post(f"{provider.base_url}/chat/completions", json=BODY)
        capture.uninstall()
        assert HTTPXClientInstrumentor().is_instrumented_by_opentelemetry
    finally:
        HTTPXClientInstrumentor().uninstrument()
    assert (len(apps.http), len(recorded.calls), len(recorded.http)) == (1, 1, 0)
    assert apps.http[0].parent == recorded.calls[0].context
    apps.close()
    recorded.close()


def test_the_first_call_waits_for_no_import() -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FIRST_CALL)],
        env=environment(PYTHONPATH=str(Path(__file__).parents[1])), capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("2 []\n", "")


def test_other_requests_make_no_call(recorded: Recorded, provider: Provider) -> None:
    httpx.post(f"{provider.base_url}/files", json={"purpose": "batch"})
    with suppress_instrumentation():
        httpx.post(f"{provider.base_url}/chat/completions", json=BODY)
    assert (len(recorded.calls), len(recorded.http)) == (0, 1)


def test_a_call_that_an_sdk_instrumentation_records_is_not_recorded_again(
    recorded: Recorded, provider: Provider
) -> None:
    tracer = recorded.provider.get_tracer("an instrumentation of the openai package")
    with tracer.start_as_current_span("chat gpt-4o", attributes={a.OPERATION_NAME: "chat"}):
        httpx.post(f"{provider.base_url}/chat/completions", json=BODY)
    assert len(recorded.calls) == 1


def test_an_answer_that_is_not_json_is_counted_and_logged_once(
    recorded: Recorded, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.reply = Reply(headers={"Content-Type": "text/html"}, chunks=[b"<h1>hello</h1>"])
    before = capture.troubles().get("unreadable answer", 0)
    with caplog.at_level(logging.WARNING, "evalspan.capture"):
        texts = [httpx.post(f"{provider.base_url}/chat/completions", json=BODY).text for _ in range(3)]
    assert texts == ["<h1>hello</h1>"] * 3
    assert capture.troubles()["unreadable answer"] == before + 3
    assert len(caplog.records) <= 1
    assert len(recorded.calls) == 3


@pytest.mark.parametrize(
    "body", [b"not json", b"[1, 2]", b'{"messages": [7, {"content": {"x": 1}}], "model": 3}', b""]
)
def test_a_request_that_nobody_understands_goes_out_as_it_is(
    body: bytes, recorded: Recorded, provider: Provider
) -> None:
    assert httpx.post(f"{provider.base_url}/chat/completions", content=body).status_code == 200
    assert [span.name for span in recorded.calls] == ["chat"]


def test_a_streamed_request_body_is_not_taken_from_the_wire(recorded: Recorded, provider: Provider) -> None:
    pieces = iter([b'{"model": ', b'"gpt-4o"}'])
    answer = httpx.post(f"{provider.base_url}/chat/completions", content=pieces)
    assert answer.status_code == 200
    assert a.REQUEST_MODEL not in recorded.attributes()
    assert recorded.attributes()[a.RESPONSE_ID] == "chatcmpl-7"


@pytest.mark.parametrize(
    ("host", "provider_name"),
    [
        ("api.openai.com", "openai"),
        ("My-Company.openai.azure.com", "azure.ai.openai"),
        ("europe-west1-aiplatform.googleapis.com", "gcp.vertex_ai"),
        ("api.mistral.ai", "mistral_ai"),
        ("llm.internal", "openai"),
    ],
)
def test_the_host_says_whose_model_it_is(host: str, provider_name: str) -> None:
    assert hosts.provider(host, otherwise="openai") == provider_name
