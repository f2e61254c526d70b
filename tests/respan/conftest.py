"""A service per module with an LLM provider beside it, and a client for its Respan face."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from evalspan.api.server import Service
from evalspan.settings import Settings
from support.llm_wire import LLMWire, Messages

Over = Callable[[str], dict[str, Any]]


def answer(model: str, messages: Messages) -> str:
    """A judge that is to rate says 4, one that is to judge says yes; anybody else repeats what was said."""
    if model == "missing":
        raise LookupError(model)
    asked = json.dumps(messages)
    if "Rate" in asked:
        return '{"score": 4, "explanation": "kind"}'
    return '{"score": true, "explanation": "yes"}' if "Judge" in asked else f"re: {messages[-1]['content']}"


@pytest.fixture(scope="module")
def llm() -> Iterator[LLMWire]:
    with LLMWire(answer=answer) as wire, pytest.MonkeyPatch.context() as patch:
        for name, value in wire.variables().items():
            patch.setenv(name, value)
        yield wire


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, llm: LLMWire) -> Iterator[Service]:
    """It finds its providers in the environment."""
    assert llm.url
    store = tmp_path_factory.mktemp("respan") / "store"
    with Service(Settings(store=f"chdb://{store}", http_port=0, grpc_port=0)) as running:
        yield running


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{service.endpoint}/respan/api", timeout=60) as opened:
        yield opened


@pytest.fixture
def dataset_id(client: httpx.Client) -> str:
    """An empty dataset of the test's own."""
    made = client.post("/datasets/", json={"name": "rows", "is_empty": True})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


@pytest.fixture
def over(client: httpx.Client) -> Over:
    """The experiment once it has its end."""

    def ended(experiment_id: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            found = client.get(f"/v2/experiments/{experiment_id}/").json()
            if found["status"] in {"completed", "failed", "paused"}:
                return found
            time.sleep(0.05)
        raise AssertionError(found)

    return ended
