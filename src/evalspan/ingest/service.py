"""The way into the store for everything that is telemetry, whichever face it came through."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from enum import StrEnum
from typing import Any, Final

from google.protobuf.message import Message
from opentelemetry.metrics import Meter, NoOpMeter

from evalspan.errors import StoreError, StoreUnavailable, TooLargeError
from evalspan.ingest import instruments, logs, metrics, otlp_json, prices, scope, spans, wire
from evalspan.ingest.apart import Reader
from evalspan.ingest.batch import Batch
from evalspan.ingest.budget import Budget, Share, taken_over
from evalspan.ingest.encoder import Encoder
from evalspan.ingest.instruments import CommitInstruments
from evalspan.ingest.owners import Owners
from evalspan.ingest.plan import Plans
from evalspan.ingest.receipt import Receipt
from evalspan.ingest.signals import PARTS, Signal
from evalspan.ingest.stats import Counters, IngestStats
from evalspan.ingest.writer import Writer
from evalspan.settings import Settings
from evalspan.store import Store

_THREADS: Final = 1  # decoding holds the GIL: more threads only take turns, at a cost


class Encoding(StrEnum):
    """How a message is written, by its content type."""

    PROTOBUF = "application/x-protobuf"
    JSON = "application/json"


class Ingest:
    """OTLP messages in, receipts out. One per process and store; does not own the store."""

    def __init__(self, store: Store, settings: Settings, meter: Meter | None = None) -> None:
        """`meter` makes the instruments of the ingest; without one nothing is measured but `stats`."""
        prices.use(settings.price_file)
        self.meter = meter or NoOpMeter("evalspan")
        self.budget = Budget(settings.max_pending_bytes)
        self._counters = Counters(self.budget, CommitInstruments(self.meter))
        instruments.observe(self.meter, self._counters.copy, self.budget)
        self._plans = Plans()
        self._reader = Reader()
        self._owners = Owners(store)
        self._encoder = Encoder(store)
        self._writer = Writer(store, settings.commit_linger, self.budget, self._counters)
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="evalspan-decode")

    async def export(
        self,
        signal: Signal,
        payload: bytes | Message,
        encoding: Encoding = Encoding.PROTOBUF,
        *,
        project: str = "",
    ) -> Receipt:
        """Decode a request and commit it; when this returns, ClickHouse holds its accepted items.

        Args:
            payload: the export request, as its message or in bytes of the given encoding.
            project: the only project that it may be about; '' for any.

        Raises:
            Undecodable: the payload is no such request.
            TooLargeError: its rows would be out of all proportion to it.
            Overloaded: too much waits for the store; try again shortly.
            StoreUnavailable: ClickHouse is away; try again shortly.
            StoreError: ClickHouse refused the rows, which is our bug.
        """
        with self._counters.request():
            return await self._export(signal, payload, encoding, project)

    async def _export(
        self, signal: Signal, payload: bytes | Message, encoding: Encoding, project: str
    ) -> Receipt:
        share = taken_over(self.budget)
        try:
            share.cover(payload.ByteSize() if isinstance(payload, Message) else len(payload))
            loop = asyncio.get_running_loop()
            batch = await loop.run_in_executor(self._pool, self._prepare, signal, payload, encoding, project)
            if not batch.blocks:
                share.give()
                return batch.receipt()
            answer = self._submit(batch, share)
        except BaseException:
            share.give()
            raise
        return await asyncio.wrap_future(answer)

    def stats(self) -> IngestStats:
        """What was done since the start."""
        return self._counters.read()

    def close(self) -> None:
        """Commit what waits, then stop; later exports raise StoreUnavailable."""
        self._writer.close()
        self._pool.shutdown()

    def _submit(self, batch: Batch, share: Share) -> Future[Receipt]:
        try:
            answer = self._writer.submit(batch, share.size)
        except StoreUnavailable:
            self._counters.failed(batch)
            raise
        share.hand_over()  # the writer gives it back
        return answer

    def _prepare(self, signal: Signal, payload: bytes | Message, encoding: Encoding, project: str) -> Batch:
        batch = self._decode(signal, payload, encoding, project)
        self._counters.found(batch)
        try:
            size = payload.ByteSize() if isinstance(payload, Message) else len(payload)
            self._encoder.encode(batch, size)
        except (StoreError, TooLargeError):
            self._counters.failed(batch)
            raise
        return batch

    def _decode(self, signal: Signal, payload: bytes | Message, encoding: Encoding, project: str) -> Batch:
        batch = Batch(PARTS[signal].noun)
        request: Any = payload
        if isinstance(payload, bytes):
            parse = wire.parse if encoding is Encoding.PROTOBUF else otlp_json.parse
            request = parse(signal, payload, batch.findings)
        if project:
            scope.admit(signal, request, project, self._owners, batch.findings)
        batch.merge(self._reader.read(signal, request, self._read(signal)))
        return batch

    def _read(self, signal: Signal) -> Callable[[Any, Batch], None]:
        match signal:
            case Signal.TRACES:
                return lambda request, batch: spans.decode(request, batch, self._plans)
            case Signal.LOGS:
                return logs.decode
            case Signal.METRICS:
                return metrics.decode
