"""An LLM provider on loopback that speaks the OpenAI and the Anthropic wire, and misbehaves when told to.

Tokens are words, so a test can say what a call must cost. Every request is kept in `calls`.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, Self, cast

Messages = list[dict[str, Any]]


@dataclass(frozen=True)
class Trouble:
    """What a call gets instead of an answer; status 0 closes the connection without one."""

    status: int
    retry_after: float | None = None
    content: bytes | None = None
    """What is answered, as it is."""


@dataclass
class Call:
    """One request, and what it was answered."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    began: float
    status: int = 0
    tokens: int = 0

    @property
    def model(self) -> str:
        return str(self.body.get("model"))


def echo(model: str, messages: Messages) -> str:
    """What the last message says."""
    return text_of(messages[-1].get("content"))


def text_of(content: Any) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in cast("list[dict[str, Any]]", content))
    return str(content or "")


@dataclass
class LLMWire:
    """`with LLMWire() as llm:`; `llm.variables()` is what a service needs to find it."""

    answer: Callable[[str, Messages], str] = echo
    latency: float = 0.0
    troubles: Mapping[int, Trouble] = field(default_factory=dict[int, Trouble])
    """By the number of the call, from 1."""
    per_second: int = 0
    """More calls than this within a second get 429; 0 is any."""
    calls: list[Call] = field(default_factory=list[Call])
    most_at_once: int = 0

    def reset(self) -> None:
        """Behave well, and count from 1 again."""
        self.answer, self.latency, self.troubles, self.per_second = echo, 0.0, {}, 0
        self.calls.clear()
        self.most_at_once = 0
        self._numbers = count(1)
        self._released.set()

    def __enter__(self) -> Self:
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._at_once = 0
        self._released = threading.Event()
        self._released.set()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.wire = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def variables(self) -> dict[str, str]:
        """The environment of a service whose providers are this one."""
        return {
            "OPENAI_BASE_URL": f"{self.url}/v1",
            "OPENAI_API_KEY": "key-of-openai",
            "ANTHROPIC_BASE_URL": self.url,
            "ANTHROPIC_API_KEY": "key-of-anthropic",
        }

    def hold(self) -> None:
        """Answer nothing until `release`."""
        self._released.clear()

    def release(self) -> None:
        self._released.set()

    @property
    def answered(self) -> list[Call]:
        return [call for call in list(self.calls) if call.status == 200]

    @property
    def tokens(self) -> int:
        """Of all answers that were given, whoever received them."""
        return sum(call.tokens for call in self.answered)

    def take(self, call: Call) -> Trouble | str:
        """What becomes of a call: its answer's text, or the trouble that it meets."""
        with self._lock:
            number = next(self._numbers)
            crowd = sum(each.began > call.began - 1 for each in self.calls[-1000:])
            self.calls.append(call)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            self._released.wait()
            time.sleep(self.latency)
            if self.per_second and crowd >= self.per_second:
                return Trouble(429, 1)
            if number in self.troubles:
                return self.troubles[number]
            return self.answer(call.model, call.body["messages"])
        except LookupError:
            return Trouble(404)
        finally:
            with self._lock:
                self._at_once -= 1


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    wire: LLMWire

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is its own affair."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        wire = cast(_Server, self.server).wire
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = Call(self.path, headers, body, time.monotonic())
        shape = _SHAPES.get(self.path)
        found = wire.take(call) if shape else Trouble(404)
        if isinstance(found, Trouble):
            call.status = found.status or -1
            self._refuse(found)
            return
        asked = sum(len(text_of(each.get("content")).split()) for each in body["messages"])
        asked += len(str(body.get("system", "")).split())
        call.tokens, call.status = asked + len(found.split()), 200
        assert shape is not None
        self._send(200, json.dumps(shape(call.model, found, asked, len(found.split()))).encode())

    def _refuse(self, trouble: Trouble) -> None:
        if not trouble.status:
            self.close_connection = True
            return
        after = {} if trouble.retry_after is None else {"retry-after": f"{trouble.retry_after:g}"}
        said = json.dumps({"error": {"message": f"trouble {trouble.status}"}}).encode()
        self._send(trouble.status, said if trouble.content is None else trouble.content, after)

    def _send(self, status: int, data: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def _openai(model: str, text: str, asked: int, said: int) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{time.monotonic_ns()}",
        "object": "chat.completion",
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said},
    }


def _anthropic(model: str, text: str, asked: int, said: int) -> dict[str, Any]:
    return {
        "id": f"msg_{time.monotonic_ns()}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": asked, "output_tokens": said},
    }


_SHAPES = {"/v1/chat/completions": _openai, "/v1/messages": _anthropic}
