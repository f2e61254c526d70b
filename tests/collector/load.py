"""A load of executions over OTLP that remembers what was acknowledged, and the account of it.

A request is sent until it is acknowledged or the load ends, as every OTLP client does. What was never
acknowledged may be in the store or not; what was acknowledged must be, once.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import grpc
import httpx

from ingest.build import log, logs, span, trace_id, traces
from support.service import ServiceProcess

_TEXT = "What is the capital of China, and how do you know? " * 20
_CALLS = 9  # beside the case span of each execution
_PAUSE = 0.03  # between two executions of a sender: the machine has other work
_SCORES = ("exact_match", "judge")
_EXPERIMENT = {"evalspan.experiment.id": "under-load", "evalspan.experiment.name": "under load"}

_SERVICE = "/opentelemetry.proto.collector.{0}.v1.{1}Service/Export"
_METHODS = {"/v1/traces": _SERVICE.format("trace", "Trace"), "/v1/logs": _SERVICE.format("logs", "Logs")}
_CHANNEL = [
    ("grpc.use_local_subchannel_pool", 1),  # or all channels to one address share a connection
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 300),
]

Ids = set[tuple[str, str]]
Post = Callable[[str, bytes], int]
"""Sends a body to a path; the HTTP status, 503 for UNAVAILABLE, 0 where there was no answer."""


class Load:
    """Senders in threads, from `with Load(url) as load:` to the end of the block."""

    def __init__(self, url: str, senders: int = 2, *, grpc_target: str = "", pause: float = _PAUSE) -> None:
        """With a `grpc_target` every second sender speaks gRPC; `pause` is between two executions."""
        self.url = url
        self.grpc_target = grpc_target
        self.pause = pause
        self.spans: Ids = set()
        """(trace id, span id) of every span that was acknowledged."""
        self.scores: Ids = set()
        """(trace id, name) of every score that was acknowledged."""
        self.produced: Ids = set()
        """Every span that was sent at all."""
        self.refused: Counter[int] = Counter()
        """Answers other than 200, by status; 0 is no answer."""
        self.broken: list[BaseException] = []
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(senders)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        try:
            with ExitStack() as opened:
                by_grpc = self.grpc_target and number % 2
                post = over_grpc(self.grpc_target, opened) if by_grpc else over_http(self.url, opened)
                while not self._stopping.wait(self.pause):
                    self._execution(post)
        except BaseException as error:
            self.broken.append(error)

    def _execution(self, post: Post) -> None:
        trace = trace_id()
        identity = {**_EXPERIMENT, "evalspan.record.id": trace.hex(), "evalspan.run_iteration": 1}
        case = span({**identity, "evalspan.input": '"in"', "evalspan.output": '"out"'}, trace_id=trace)
        calls = [
            span(
                {"gen_ai.operation.name": "chat", "text": _TEXT}, trace_id=trace, parent_span_id=case.span_id
            )
            for _ in range(_CALLS)
        ]
        ids = {(trace.hex(), one.span_id.hex()) for one in (case, *calls)}
        self.produced |= ids
        if self._send(post, "/v1/traces", traces(case, *calls).SerializeToString()):
            self.spans |= ids
        scores = [_score(name, trace, case.span_id) for name in _SCORES]
        if self._send(post, "/v1/logs", logs(*scores).SerializeToString()):
            self.scores |= {(trace.hex(), name) for name in _SCORES}

    def _send(self, post: Post, path: str, body: bytes) -> bool:
        """True once acknowledged; False when the load ended before that."""
        while True:
            status = post(path, body)
            if status == 200:
                return True
            self.refused[status] += 1
            if self._stopping.wait(0.1):
                return False


def over_http(url: str, opened: ExitStack) -> Post:
    """A connection of its own, until the stack is closed."""
    client = opened.enter_context(httpx.Client(base_url=url, timeout=30))

    def post(path: str, body: bytes) -> int:
        try:
            return client.post(
                path, content=body, headers={"content-type": "application/x-protobuf"}
            ).status_code
        except httpx.TransportError:
            return 0

    return post


def over_grpc(target: str, opened: ExitStack) -> Post:
    """The same over gRPC."""
    channel = opened.enter_context(grpc.insecure_channel(target, options=_CHANNEL))
    calls: dict[str, Callable[..., object]] = {
        path: channel.unary_unary(method) for path, method in _METHODS.items()
    }

    def post(path: str, body: bytes) -> int:
        try:
            calls[path](body, timeout=30)
        except grpc.RpcError as error:
            # The service's own refusals have details; a lost connection is UNAVAILABLE too.
            return 503 if error.code() is grpc.StatusCode.UNAVAILABLE else 0
        return 200

    return post


def _score(name: str, trace: bytes, of_span: bytes) -> Any:
    attributes = {"gen_ai.evaluation.name": name, "gen_ai.evaluation.score.value": 0.5}
    return log(attributes, event_name="gen_ai.evaluation.result", trace_id=trace, span_id=of_span)


@dataclass(frozen=True)
class Account:
    """What became of one kind of item."""

    acknowledged: int
    committed: int
    """Rows that were written, those that another sending replaced included."""
    distinct: int
    """Rows that a query of the view finds."""
    lost: int
    """Acknowledged, and not found."""
    doubled: int
    """Found more than once."""
    unknown: int
    """Found, and never sent."""


def settle(service: ServiceProcess, load: Load) -> dict[str, Account]:
    """Compare what the load was told until now with what the store holds; the load may go on."""
    acknowledged = {"spans": set(load.spans), "scores": set(load.scores)}
    found = {
        "spans": service.sql("SELECT trace_id, span_id AS id FROM spans"),
        "scores": service.sql("SELECT trace_id, name AS id FROM evaluations"),
    }
    produced = set(load.produced)
    traces_sent = {trace for trace, _ in produced}
    sent = {"spans": produced, "scores": {(trace, name) for trace in traces_sent for name in _SCORES}}
    committed = {
        "spans": service.sql("SELECT count() AS n FROM spans_data")[0]["n"],
        "scores": service.sql("SELECT count() AS n FROM evaluations_data")[0]["n"],
    }
    accounts: dict[str, Account] = {}
    for kind, rows in found.items():
        ids = [(row["trace_id"], row["id"]) for row in rows]
        distinct = set(ids)
        accounts[kind] = Account(
            acknowledged=len(acknowledged[kind]),
            committed=int(committed[kind]),
            distinct=len(distinct),
            lost=len(acknowledged[kind] - distinct),
            doubled=len(ids) - len(distinct),
            unknown=len(distinct - sent[kind]),
        )
    return accounts
