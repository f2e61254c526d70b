"""Sending prepared export requests over four connections, and watching what serves them."""

from __future__ import annotations

import gzip
import http.client
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import grpc
import psutil

CONNECTIONS: Final = 4
_METHOD: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_PROTOBUF: Final = {"content-type": "application/x-protobuf"}

Body = tuple[int, bytes]
Send = Callable[[bytes], bool]
"""Sends one body; whether it was accepted."""


@dataclass
class Sent:
    """What became of a load: spans answered with success, seconds of each request."""

    accepted: int = 0
    latencies: list[float] = field(default_factory=list[float])


class Watch:
    """Seconds passed, and CPU seconds used by processes and their children, since it was made."""

    def __init__(self, pids: Sequence[int]) -> None:
        self._pids = pids
        self._cpu, self._start = self._used(), time.perf_counter()

    def read(self) -> tuple[float, float]:
        return time.perf_counter() - self._start, self._used() - self._cpu

    def _used(self) -> float:
        total = 0.0
        for pid in self._pids:
            root = psutil.Process(pid)
            for process in [root, *root.children(recursive=True)]:
                times = process.cpu_times()
                total += times.user + times.system
        return total


def over_http(
    url: str, *, compressed: bool = False, headers: dict[str, str] | None = None
) -> Callable[[], Send]:
    """A way of sending: one connection per call."""
    place = urlsplit(url)
    given = {**_PROTOBUF, **(headers or {}), **({"content-encoding": "gzip"} if compressed else {})}

    def connect() -> Send:
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=120)

        def send(body: bytes) -> bool:
            connection.request("POST", place.path, body, given)
            response = connection.getresponse()
            response.read()
            return response.status == 200

        return send

    return connect


def over_grpc(target: str) -> Callable[[], Send]:
    """The same over gRPC."""

    def connect() -> Send:
        # A pool of its own, or all channels to one address share a connection.
        channel = grpc.insecure_channel(target, options=[("grpc.use_local_subchannel_pool", 1)])
        call = channel.unary_unary(_METHOD)

        def send(body: bytes) -> bool:
            call(body, timeout=120)
            return True

        return send

    return connect


def gzipped(bodies: Sequence[Body]) -> list[Body]:
    """The bodies as an SDK compresses them."""
    return [(spans, gzip.compress(body, 6)) for spans, body in bodies]


def send_all(bodies: Sequence[Body], connect: Callable[[], Send]) -> Sent:
    """Send every body once, over four connections. What is refused is sent again after a moment."""
    work: queue.SimpleQueue[Body] = queue.SimpleQueue()
    for body in bodies:
        work.put(body)
    sent, lock = Sent(), threading.Lock()

    def worker() -> None:
        send = connect()
        while True:
            try:
                spans, body = work.get_nowait()
            except queue.Empty:
                return
            began = time.perf_counter()
            while not send(body):
                time.sleep(0.2)
            with lock:
                sent.accepted += spans
                sent.latencies.append(time.perf_counter() - began)

    threads = [threading.Thread(target=worker) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sent
