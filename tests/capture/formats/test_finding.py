"""Which requests are calls of a model, and how formats are found."""

from __future__ import annotations

import textwrap
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import httpx
import pytest

from capture.conftest import ASKED, Recorded
from capture.provider import Provider
from evalspan import attributes as a
from evalspan import capture
from evalspan.capture import hosts
from evalspan.capture.formats import GROUP, find, formats

CHAT = {"model": "m", "messages": ASKED}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/chat", {"session": 3, "text": "hello"}),
        ("/api/generate", {"what": "report"}),
        ("/v1/threads/t-1/messages", CHAT),
        ("/v1/messages", {"to": "someone", "messages": "hi"}),
        ("/v1/messages/count_tokens", CHAT),
        ("/surveys/3/responses", {"answers": []}),
        ("/embeddings", {"points": []}),
        ("/v2/chat", [1, 2]),
        ("/v1beta/models/m:countTokens", {"contents": []}),
    ],
)
def test_a_request_that_only_looks_like_a_call_is_none(
    path: str, body: Any, recorded: Recorded, provider: Provider
) -> None:
    before = capture.troubles()
    httpx.post(f"http://127.0.0.1:{provider.port}{path}", json=body)
    httpx.post(f"http://127.0.0.1:{provider.port}{path}", content=b"not json")
    assert recorded.calls == []
    assert capture.troubles() == before


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/openai/v1/responses", "chat"),
        ("/openai/deployments/d/embeddings", "embeddings"),
        ("/anthropic/v1/messages", "chat"),
        ("/v1/projects/p/locations/l/publishers/anthropic/models/c:streamRawPredict", "chat"),
        ("/v1/projects/p/locations/l/publishers/google/models/g:generateContent", "generate_content"),
        ("/v1/projects/p/locations/l/endpoints/7:streamGenerateContent", "generate_content"),
        ("/v1beta/models/e:batchEmbedContents", "embeddings"),
        ("/api/embed/", "embeddings"),
        ("/fireworks/inference/v1/chat/completions", "chat"),
    ],
)
def test_a_path_tells_its_format_behind_any_prefix(path: str, operation: str) -> None:
    found = find("POST", path)
    assert found is not None
    assert found.operation == operation
    assert find("GET", path) is None


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("openrouter.ai", "openrouter"),
        ("api.together.xyz", "together"),
        ("api.fireworks.ai", "fireworks"),
        ("us-east-1.api.x.ai", "x_ai"),
        ("eu.api.openai.com", "openai"),
        ("res.cognitiveservices.azure.com", "azure.ai.openai"),
        ("api.openai.com.example", "somebody"),
        ("vllm.internal", "somebody"),
    ],
)
def test_the_host_tells_who_answers_in_openais_format(host: str, name: str) -> None:
    assert hosts.provider(host, otherwise="somebody") == name


def test_vertex_is_told_by_its_path_at_any_host(recorded: Recorded, provider: Provider) -> None:
    path = "/v1/projects/p/locations/l/publishers/google/models/gemini-9:generateContent"
    httpx.post(f"http://127.0.0.1:{provider.port}{path}", json={"contents": []})
    found = recorded.attributes()
    assert (found[a.PROVIDER_NAME], found[a.REQUEST_MODEL]) == ("gcp.vertex_ai", "gemini-9")


def test_an_installed_package_adds_a_format(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    (tmp_path / "telegraph_format.py").write_text(
        textwrap.dedent("""
            import re
            from evalspan.capture.formats import Half

            class Telegraph:
                path = re.compile("/telegraph$")
                operation, provider = "chat", "telegraph"

                def request(self, body, path):
                    return Half({"gen_ai.request.model": body["key"]})

                def response(self, body):
                    return Half({"gen_ai.response.id": "t-1"})

                def assemble(self, events):
                    return None

            FORMATS = (Telegraph(),)
        """),
        encoding="utf-8",
    )
    metadata = tmp_path / "telegraph-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Name: telegraph\nVersion: 1.0\n", encoding="utf-8")
    lines = [f"[{GROUP}]", "telegraph = telegraph_format:FORMATS", "broken = no_such_module:FORMATS", ""]
    (metadata / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert len(entry_points(group=GROUP)) == 2
    formats.cache_clear()
    request.addfinalizer(formats.cache_clear)
    recorded: Recorded = request.getfixturevalue("recorded")
    httpx.post(f"http://127.0.0.1:{provider.port}/telegraph", json={"key": "morse"})
    assert recorded.calls[0].name == "chat morse"
    assert recorded.attributes()[a.PROVIDER_NAME] == "telegraph"
    assert any("no_such_module" in reason for reason in capture.troubles())
