"""A model provider on loopback that answers what a test tells it to, and remembers what it was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, cast

JSON_TYPE = {"Content-Type": "application/json"}
EVENT_STREAM = {"Content-Type": "text/event-stream"}

COMPLETION: dict[str, Any] = {
    "id": "chatcmpl-7",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o-2024-08-06",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Lima."}, "finish_reason": "stop"},
    ],
    "usage": {
        "prompt_tokens": 120,
        "completion_tokens": 9,
        "total_tokens": 129,
        "prompt_tokens_details": {"cached_tokens": 100},
        "completion_tokens_details": {"reasoning_tokens": 4},
    },
}


def event(delta: dict[str, Any], finish_reason: str | None = None, **more: Any) -> bytes:
    """One event of a streamed completion."""
    head = {"id": "chatcmpl-8", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-2024-08-06"}
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return f"data: {json.dumps({**head, 'choices': [choice], **more})}\n\n".encode()


@dataclass
class Reply:
    """What to answer. A `threading.Event` among the chunks waits for the test to set it."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: dict(JSON_TYPE))
    chunks: Iterable[bytes | threading.Event] = (json.dumps(COMPLETION).encode(),)
    breaks_off: bool = False


class Provider:
    """`with Provider() as provider:` answers any POST with `provider.reply`, after those in `first`."""

    def __init__(self) -> None:
        self.reply = Reply()
        self.first: list[Reply] = []
        self.requests: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        cast(Any, self._server).provider = self
        self.port = self._server.server_port
        self.base_url = f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    # HTTP/1.0: the end of the answer is the end of the connection, so that none stays open.

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        provider = cast(Provider, cast(Any, self.server).provider)
        provider.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        provider.requests.append({name.lower(): value for name, value in self.headers.items()})
        reply = provider.first.pop(0) if provider.first else provider.reply
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.breaks_off:
            self.send_header("Content-Length", "1000000")
        self.end_headers()
        try:
            for chunk in reply.chunks:
                if isinstance(chunk, threading.Event):
                    chunk.wait(10)
                else:
                    self.wfile.write(chunk)
                    self.wfile.flush()
        except (BrokenPipeError, ConnectionResetError):  # the client closed early
            pass
