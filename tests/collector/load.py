"""A load of executions over OTLP/HTTP that remembers what was acknowledged, and the account of it.

A request is sent until it is acknowledged or the load ends, as every OTLP client does. What was never
acknowledged may be in the store or not; what was acknowledged must be, once.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from ingest.build import log, logs, span, trace_id, traces
from support.service import ServiceProcess

_TEXT = "What is the capital of China, and how do you know? " * 20
_CALLS = 9  # beside the case span of each execution
_PAUSE = 0.03  # between two executions of a sender: the machine has other work
_SCORES = ("exact_match", "judge")
_EXPERIMENT = {"evalspan.experiment.id": "under-load", "evalspan.experiment.name": "under load"}

Ids = set[tuple[str, str]]


class Load:
    """Senders in threads, from `with Load(url) as load:` to the end of the block."""

    def __init__(self, url: str, senders: int = 2) -> None:
        self.url = url
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
        self._threads = [threading.Thread(target=self._run) for _ in range(senders)]

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

    def _run(self) -> None:
        try:
            with httpx.Client(base_url=self.url, timeout=30) as client:
                while not self._stopping.wait(_PAUSE):
                    self._execution(client)
        except BaseException as error:
            self.broken.append(error)

    def _execution(self, client: httpx.Client) -> None:
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
        if self._send(client, "/v1/traces", traces(case, *calls).SerializeToString()):
            self.spans |= ids
        scores = [_score(name, trace, case.span_id) for name in _SCORES]
        if self._send(client, "/v1/logs", logs(*scores).SerializeToString()):
            self.scores |= {(trace.hex(), name) for name in _SCORES}

    def _send(self, client: httpx.Client, path: str, body: bytes) -> bool:
        """True once acknowledged; False when the load ended before that."""
        while True:
            try:
                status = client.post(
                    path, content=body, headers={"content-type": "application/x-protobuf"}
                ).status_code
            except httpx.TransportError:
                status = 0
            if status == 200:
                return True
            self.refused[status] += 1
            if self._stopping.wait(0.1):
                return False


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
    """Compare what the load was told with what the store holds."""
    found = {
        "spans": service.sql("SELECT trace_id, span_id AS id FROM spans"),
        "scores": service.sql("SELECT trace_id, name AS id FROM evaluations"),
    }
    traces_sent = {trace for trace, _ in load.produced}
    sent = {"spans": load.produced, "scores": {(trace, name) for trace in traces_sent for name in _SCORES}}
    acknowledged = {"spans": load.spans, "scores": load.scores}
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
