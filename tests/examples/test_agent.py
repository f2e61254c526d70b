"""The agent example: an app that knows nothing of evalspan, and its trace as a tree with its cost."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from evalspan.api.server import Service
from evalspan.sdk.client import Client
from evalspan.settings import Settings
from support.command import environment

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parents[2] / "examples" / "agent"


class World(BaseHTTPRequestHandler):
    """A model that asks for the weather before it answers, and the weather."""

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._answer({"celsius": 19})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        call = {
            "id": "c-1",
            "type": "function",
            "function": {"name": "weather", "arguments": '{"city": "Lima"}'},
        }
        knows = asked["messages"][-1]["role"] == "tool"
        message = {"content": "19 degrees."} if knows else {"content": None, "tool_calls": [call]}
        choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
        head = {"id": f"r-{knows}", "object": "chat.completion", "created": 1, "model": asked["model"]}
        self._answer({**head, "choices": [choice], "usage": usage})

    def _answer(self, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def world() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), World)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with Service(Settings(store=f"chdb://{tmp_path / 'store'}", http_port=0, grpc_port=0)) as running:
        yield running


@pytest.fixture
def app(world: str, service: Service) -> Iterator[str]:
    """The app under `opentelemetry-instrument`; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    bin_dir = Path(sys.executable).parent
    process = subprocess.Popen(
        [bin_dir / "opentelemetry-instrument", bin_dir / "uvicorn", "app:app", "--port", str(port)],
        cwd=EXAMPLE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=environment(
            EVALSPAN_ENDPOINT=service.endpoint, LLM_URL=f"{world}/v1", WEATHER_URL=f"{world}/weather",
            OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="openai",
        ),
    )  # fmt: skip
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(30)


def answered(url: str) -> httpx.Response:
    """The answer of an app that may still be starting."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return httpx.get(f"{url}/ask", params={"question": "How warm is Lima?"}, timeout=30)
        except httpx.ConnectError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def test_the_trace_of_the_unchanged_app_is_a_tree_with_its_cost(app: str, service: Service) -> None:
    assert answered(app).json() == {"answer": "19 degrees."}
    client, rows = Client(service.endpoint, "", patience=5), list[dict[str, Any]]()
    deadline = time.monotonic() + 30
    while len(rows) < 6 and time.monotonic() < deadline:
        time.sleep(0.3)
        rows = list(client.sql((EXAMPLE / "tree.sql").read_text()))
    spans = [row["span"] for row in rows if "http " not in row["span"]]
    assert spans == [
        "GET /ask",
        "  chat gpt-4o-mini",
        "    POST",
        "  GET",
        "  chat gpt-4o-mini",
        "    POST",
    ]
    costs = [float(row["usd"]) for row in rows if row["type"] == "LLM"]
    assert len(costs) == 2
    assert all(cost > 0 for cost in costs)
