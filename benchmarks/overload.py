"""What the service does at ten times the rate that its store sustains.

    python benchmarks/overload.py [--seconds 30] [--times 10] [--pending-mib 4] [--json FILE]

A ClickHouse server is stopped (SIGSTOP) for four fifths of the time, so that it is slower than the
ingest. First 16 connections send as fast as they are answered: the sustainable rate. Then requests are
offered at ten times that rate; one that is refused comes again later, until all are acknowledged.
Meanwhile `/healthz` and a query are timed, and the service's memory is read. At the end every span id is
compared; a lost or doubled one fails the command, no figure does. The memory is held against what the
service says it takes at most (docs/durability.md).
"""

from __future__ import annotations

import argparse
import http.client
import json
import math
import queue
import statistics
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the processes that tests run, too

import httpx
import load
import psutil
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from traces import Traces

from evalspan.memory import cap
from evalspan.settings import Settings
from support.clickhouse_server import ClickHouseServer
from support.service import ServiceProcess

_PERIOD: Final = 0.5  # seconds in which the server is stopped and goes on once
_STOPPED: Final = 0.8
_PER_REQUEST: Final = 100
_SENDERS: Final = 96
_FEW: Final = 16  # their requests fit into what may wait: none is refused
_MIB: Final = 2**20
_QUERY: Final = "SELECT count() FROM spans"

Ids = set[tuple[str, str]]


@dataclass
class Watched:
    """Seconds of requests, and bytes, while the load lasted."""

    healthz: list[float] = field(default_factory=list[float])
    query: list[float] = field(default_factory=list[float])
    memory: list[int] = field(default_factory=list[int])
    failures: Counter[str] = field(default_factory=Counter[str])


@dataclass
class Offered:
    """What became of a load."""

    seconds: float = 0
    attempts: int = 0
    answers: Counter[str] = field(default_factory=Counter[str])
    """By status, and Retry-After where there was one."""


@contextmanager
def slowed(server: ClickHouseServer) -> Generator[None]:
    """The server runs for a fifth of the time."""
    done = threading.Event()

    def run() -> None:
        while not done.is_set():
            server.pause()
            time.sleep(_PERIOD * _STOPPED)
            server.resume()
            done.wait(_PERIOD * (1 - _STOPPED))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextmanager
def watched(service: ServiceProcess) -> Generator[Watched]:
    """Ask and measure until the end of the block."""
    seen, done = Watched(), threading.Event()
    process = psutil.Process(service.pid)

    def ask(name: str, times: list[float], call: Callable[[httpx.Client], httpx.Response]) -> None:
        with httpx.Client(base_url=service.endpoint, timeout=60) as client:
            while not done.wait(0.1):
                began = time.perf_counter()
                answer = call(client)
                times.append(time.perf_counter() - began)
                if answer.status_code != 200:
                    seen.failures[f"{name} {answer.status_code}"] += 1
                seen.memory.append(process.memory_info().rss)

    asked: list[tuple[str, list[float], Callable[[httpx.Client], httpx.Response]]] = [
        ("healthz", seen.healthz, lambda client: client.get("/healthz")),
        ("query", seen.query, lambda client: client.post("/sql", content=_QUERY)),
    ]
    threads = [threading.Thread(target=ask, args=each) for each in asked]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        done.set()
        for thread in threads:
            thread.join()


def offer(url: str, bodies: list[load.Body], rate: float, senders: int = _SENDERS) -> Offered:
    """Offer requests at a rate, the refused ones again at the end of the line, until all are taken."""
    place = urlsplit(url)
    line: queue.SimpleQueue[load.Body] = queue.SimpleQueue()
    for body in bodies:
        line.put(body)
    result, lock, left = Offered(), threading.Lock(), len(bodies)
    began = time.perf_counter()

    def worker() -> None:
        nonlocal left
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=120)
        while True:
            with lock:
                if not left:
                    return
                result.attempts += 1
                due = began + result.attempts / rate
            time.sleep(max(0.0, due - time.perf_counter()))
            try:
                body = line.get(timeout=0.5)
            except queue.Empty:  # all that is left is on its way
                with lock:
                    result.attempts -= 1
                continue
            connection.request("POST", "/v1/traces", body[1], {"content-type": "application/x-protobuf"})
            answer = connection.getresponse()
            answer.read()
            after = answer.headers.get("retry-after", "")
            with lock:
                result.answers[f"{answer.status}{f' (Retry-After {after})' if after else ''}"] += 1
                left -= answer.status == 200
            if answer.status != 200:
                line.put(body)

    threads = [threading.Thread(target=worker) for _ in range(senders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result.seconds = time.perf_counter() - began
    return result


def ids(bodies: list[load.Body]) -> Ids:
    """(trace id, span id) of every span."""
    found: Ids = set()
    for _, body in bodies:
        request = ExportTraceServiceRequest.FromString(body)
        for span in request.resource_spans[0].scope_spans[0].spans:
            found.add((span.trace_id.hex(), span.span_id.hex()))
    return found


def account(service: ServiceProcess, sent: Ids) -> dict[str, int]:
    rows = service.sql("SELECT trace_id, span_id FROM spans")
    found = [(str(row["trace_id"]), str(row["span_id"])) for row in rows]
    return {
        "acknowledged": len(sent),
        "found": len(found),
        "lost": len(sent - set(found)),
        "doubled": len(found) - len(set(found)),
    }


def measure(seconds: float, times: float, pending: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        server = ClickHouseServer(Path(folder) / "clickhouse")
        server.start()
        settings = {"EVALSPAN_MAX_PENDING_BYTES": str(pending)}
        with ServiceProcess(Path(folder) / "service", server.address("overload"), settings) as service:
            service.start()
            made = Traces(f"overload-{uuid.uuid4()}")
            first = list(made.requests(20_000, _PER_REQUEST))
            with slowed(server):
                offer(service.endpoint, first[:_FEW], math.inf, _FEW)
                warm = offer(service.endpoint, first[_FEW:], math.inf, _FEW)
                sustained = warm.answers["200"] * _PER_REQUEST / warm.seconds
                idle = psutil.Process(service.pid).memory_info().rss
                more = list(made.requests(int(sustained * seconds), _PER_REQUEST))
                with watched(service) as seen:
                    offered = offer(service.endpoint, more, times * sustained / _PER_REQUEST)
            counts = account(service, ids(first + more))
            most = cap(Settings(store=server.address("overload"), max_pending_bytes=pending)).total
        server.stop()
    return report(sustained, offered, seen, idle, pending, most, counts)


def report(
    sustained: float,
    offered: Offered,
    seen: Watched,
    idle: int,
    pending: int,
    most: int,
    counts: dict[str, int],
) -> dict[str, object]:
    taken = offered.answers["200"] * _PER_REQUEST / offered.seconds
    rate = offered.attempts * _PER_REQUEST / offered.seconds
    grown = max(seen.memory) - idle
    print(f"sustained, 16 connections   {sustained:8.0f} spans/s")
    print(f"offered                     {rate:8.0f} spans/s  {rate / sustained:5.1f} x sustained")
    print(f"committed meanwhile         {taken:8.0f} spans/s  {taken / sustained:5.1f} x sustained")
    print(f"answers                     {dict(offered.answers)}")
    for name, values in (("healthz", seen.healthz), ("query", seen.query)):
        print(
            f"{name:12} n={len(values):5}  median {statistics.median(values) * 1000:6.0f} ms  "
            f"max {max(values) * 1000:6.0f} ms"
        )
    print(f"not answered with 200 {dict(seen.failures)}")
    print(
        f"memory                      {idle / _MIB:.0f} MiB before, {max(seen.memory) / _MIB:.0f} at most: "
        f"{grown / pending:.1f} x EVALSPAN_MAX_PENDING_BYTES more"
    )
    share = max(seen.memory) / most
    print(f"stated as the most          {most / _MIB:.0f} MiB: {share:.2f} of it were taken")
    print(f"spans                       {counts}")
    return {
        "sustained": sustained,
        "offered": {**vars(offered), "answers": dict(offered.answers)},
        "watched": {**vars(seen), "failures": dict(seen.failures)},
        "idle": idle,
        "pending": pending,
        "most": most,
        "counts": counts,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--times", type=float, default=10)
    parser.add_argument("--pending-mib", type=int, default=4)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found = measure(given.seconds, given.times, given.pending_mib * _MIB)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))
    counts = found["counts"]
    if not isinstance(counts, dict) or counts["lost"] or counts["doubled"]:
        raise SystemExit(f"lost or doubled: {counts}")


if __name__ == "__main__":
    main()
