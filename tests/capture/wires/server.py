"""A provider on loopback that speaks one wire format over HTTP/1.1, with chunks, gzip and failures."""

from __future__ import annotations

import gzip
import json
import threading
from collections import deque
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, cast

from capture.wires.wire import Wire


class Server:
    """`with Server(wire, ["429", "ok"]) as server:` answers one request each way; the last repeats."""

    def __init__(self, wire: Wire, manners: Iterable[str]) -> None:
        self.wire = wire
        self.manners = deque(manners)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        cast(Any, self._server).owner = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def manner(self) -> str:
        """How the next request is answered: ok, gzip, cut, or an HTTP status."""
        return self.manners.popleft() if len(self.manners) > 1 else self.manners[0]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        owner = cast(Server, cast(Any, self.server).owner)
        asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        manner, wire = owner.manner(), owner.wire
        path = self.path.partition("?")[0]
        if manner.isdigit():
            self._send(int(manner), "application/json", [json.dumps(wire.refusal(int(manner))).encode()], "")
        elif wire.streams(path, asked):
            self._send(200, wire.stream_type, wire.events(asked), manner)
        else:
            self._send(200, "application/json", [json.dumps(wire.answer(asked)).encode()], manner)

    def _send(self, status: int, kind: str, pieces: list[bytes], manner: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Connection", "close")
        self.send_header("retry-after-ms", "1")
        if manner == "gzip":
            self.send_header("Content-Encoding", "gzip")
            packed = gzip.compress(b"".join(pieces))
            pieces = [packed[:30], packed[30:]]
        elif manner == "cut":  # all but the end, and then the connection is gone
            body = b"".join(pieces)
            pieces = pieces[: len(pieces) // 2] if len(pieces) > 1 else [body[: len(body) // 2]]
        self.end_headers()
        self.close_connection = True
        for piece in pieces:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()
        if manner != "cut":
            self.wfile.write(b"0\r\n\r\n")
