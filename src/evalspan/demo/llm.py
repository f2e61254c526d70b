"""A small OpenAI-compatible server on loopback that answers from a function, for demo and example.

Its token counts are word counts, and say so (`usage.counted`), so that nobody takes them for a
tokenizer's. It only needs the standard library.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Container, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, Self, cast

Messages = list[dict[str, Any]]
Answer = Callable[[str, Messages], str]
"""(model, messages) -> text. A LookupError becomes a 404, as an unknown model does."""


class ReplayServer:
    """`with ReplayServer(answer) as server:` serves `POST {server.base_url}/chat/completions`."""

    def __init__(
        self,
        answer: Answer,
        *,
        latency: float = 0.0,
        chunk_delay: float = 0.0,
        refuse: Container[int] = (),
        retry_after: float = 0.1,
    ) -> None:
        """
        Args:
            answer: what a model says to messages.
            latency: seconds before the answer starts.
            chunk_delay: seconds between the words of a streamed answer.
            refuse: the calls, numbered from 1, that get a 429 instead.
            retry_after: seconds, the Retry-After of those.
        """
        self.answer = answer
        self.latency = latency
        self.chunk_delay = chunk_delay
        self.refuse = refuse
        self.retry_after = retry_after
        self.numbers = count(1)
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.replay = self
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    replay: ReplayServer

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        for connection in list(self._open):  # idle keep-alive connections would outlive the server
            self.shutdown_request(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is its own affair."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else head and body go out 40 ms apart

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        replay = cast(_Server, self.server).replay
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        number = next(replay.numbers)
        if not self.path.endswith("/chat/completions"):
            return self._error(404, "not_found", f"There is no {self.path}.")
        if number in replay.refuse:
            return self._error(429, "rate_limit_exceeded", "Slow down.", replay.retry_after)
        time.sleep(replay.latency)
        try:
            asked = json.loads(body)
            text = replay.answer(asked["model"], asked["messages"])
        except LookupError as error:
            return self._error(404, "model_not_found", f"Nothing recorded for {error}.")
        except (ValueError, TypeError) as error:
            return self._error(400, "invalid_request", str(error))
        head = {"id": f"chatcmpl-{number:08d}", "created": int(time.time()), "model": asked["model"]}
        usage = _usage(asked["messages"], text)
        if asked.get("stream"):
            return self._stream(_chunks(head, text, usage, asked), replay.chunk_delay)
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        return self._json(200, {**head, "object": "chat.completion", "choices": [choice], "usage": usage})

    def _json(self, status: int, body: dict[str, Any], **headers: str) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _error(self, status: int, code: str, message: str, retry_after: float | None = None) -> None:
        wait = {} if retry_after is None else {"Retry_After": str(retry_after)}
        self._json(status, {"error": {"message": message, "type": code, "code": code}}, **wait)

    def _stream(self, chunks: Iterator[dict[str, Any]], delay: float) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in chunks:
            self._piece(f"data: {json.dumps(chunk)}\n\n".encode())
            time.sleep(delay)
        self._piece(b"data: [DONE]\n\n")
        self._piece(b"")

    def _piece(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))


def _chunks(
    head: dict[str, Any], text: str, usage: dict[str, Any], asked: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    head = {**head, "object": "chat.completion.chunk"}
    for index, word in enumerate(text.split(" ")):
        delta = {"content": f" {word}"} if index else {"role": "assistant", "content": word}
        yield {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    if (asked.get("stream_options") or {}).get("include_usage"):
        yield {**head, "choices": [], "usage": usage}


def _usage(messages: Messages, text: str) -> dict[str, Any]:
    asked = sum(len(str(message.get("content", "")).split()) for message in messages)
    said = len(text.split())
    return {
        "prompt_tokens": asked,
        "completion_tokens": said,
        "total_tokens": asked + said,
        "counted": "words",
    }
