"""Delivery that knows: every span and score is acknowledged by the service, or counted as failed.

One bounded queue, counted in bytes. Inside an experiment a full queue makes the producer wait, so
nothing is dropped; on an event loop nobody may wait, so there the runner waits between cases (see
`has_room`). Outside experiments the host app comes first: a short wait, then a counted drop.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import multiprocessing.util
import os
import random
import threading
import time
import weakref
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.instrumentation.utils import suppress_instrumentation

from evalspan.sdk import target
from evalspan.sdk.ledger import SIGNALS, Ledger, Signal
from evalspan.sdk.transport import Outcome, Transport
from evalspan.settings import Settings

_log = logging.getLogger("evalspan.delivery")

# How long a batch waits for company; a flush or a full batch ends the wait.
_LINGER = 0.2
_FIRST_BACKOFF = 0.25
_MAX_BACKOFF = 5.0


@dataclass(frozen=True)
class _Item:
    payload: Any
    size: int
    experiment_id: str


@dataclass
class _Lane:
    """One signal's queue, worker and connection."""

    signal: Signal
    queue: deque[_Item] = field(default_factory=deque[_Item])
    queued_bytes: int = 0
    worker: threading.Thread | None = None
    transport: Transport | None = None
    trouble_since: float | None = None


class Delivery:
    """The queue between what produces telemetry and the service that acknowledges it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.exit_timeout = settings.exit_timeout
        self._targets = {signal: target.resolve(signal, settings) for signal in SIGNALS}
        self._reset()
        _alive.add(self)
        atexit.register(self._at_exit)
        multiprocessing.util.register_after_fork(self, Delivery._flush_at_child_exit)

    def _reset(self) -> None:
        """An empty queue and new locks: the start, and what a forked child begins with."""
        self.ledger = Ledger()
        self._lock = threading.RLock()
        self._work = threading.Condition(self._lock)
        self._room = threading.Condition(self._lock)
        self._lanes = {signal: _Lane(signal) for signal in SIGNALS}
        self._bytes = 0
        self._flushing = 0
        self._closed = False
        self._warned: set[str] = set()

    def put(self, signal: Signal, payload: Any, size: int, experiment_id: str = "") -> None:
        """Takes one item to deliver; waits for room as the module says. Never raises."""
        item = _Item(payload, size, experiment_id)
        self.ledger.produced(signal, experiment_id)
        with self._lock:
            if self._closed:
                self._fail(signal, [item], "produced after shutdown")
            elif not self._admit(size, patient=bool(experiment_id)):
                self._fail(signal, [item], "the queue was full (EVALSPAN_MAX_QUEUE_BYTES)")
            else:
                self._enqueue(self._lanes[signal], item)

    def has_room(self) -> bool:
        """Whether a producer that may not block should go on producing."""
        return self._bytes < self._settings.max_queue_bytes

    def flush(self, timeout: float, experiment_id: str = "") -> bool:
        """Waits until nothing is pending; True only if everything produced was acknowledged."""
        with self._lock:
            self._flushing += 1
            self._work.notify_all()
            self._room.wait_for(lambda: self.ledger.account(experiment_id).pending == 0, timeout)
            self._flushing -= 1
        return self.ledger.account(experiment_id).complete

    def close(self, timeout: float) -> bool:
        """Flushes, then stops; what is still pending after `timeout` counts as failed."""
        complete = self.flush(timeout)
        with self._lock:
            self._closed = True
            for lane in self._lanes.values():
                self._empty(lane, "not delivered before shutdown")
            self._work.notify_all()
            self._room.notify_all()
        atexit.unregister(self._at_exit)
        return complete

    # Producers.

    def _admit(self, size: int, *, patient: bool) -> bool:
        if self._fits(size):
            return True
        # Nor may a worker wait for room that it makes itself (the garbage collector can end spans there).
        if _on_event_loop() or threading.current_thread() in [lane.worker for lane in self._lanes.values()]:
            return patient
        return self._room.wait_for(
            lambda: self._closed or self._fits(size), None if patient else self._settings.app_wait
        )

    def _fits(self, size: int) -> bool:
        # An item larger than the whole queue passes when it is alone.
        return self._bytes == 0 or self._bytes + size <= self._settings.max_queue_bytes

    def _enqueue(self, lane: _Lane, item: _Item) -> None:
        lane.queue.append(item)
        lane.queued_bytes += item.size
        self._bytes += item.size
        if len(lane.queue) == 1 or lane.queued_bytes >= self._settings.max_batch_bytes:
            self._work.notify_all()
        if lane.worker is None or not lane.worker.is_alive():
            self._start(lane)

    def _start(self, lane: _Lane) -> None:
        name = f"evalspan-{lane.signal}"
        lane.worker = threading.Thread(target=self._run, args=(lane,), name=name, daemon=True)
        try:
            lane.worker.start()
        except RuntimeError as error:  # the interpreter is shutting down
            self._empty(lane, str(error))

    def _empty(self, lane: _Lane, reason: str) -> None:
        self._fail(lane.signal, list(lane.queue), reason)
        self._bytes -= lane.queued_bytes
        lane.queued_bytes = 0
        lane.queue.clear()

    # Workers.

    def _run(self, lane: _Lane) -> None:
        with suppress_instrumentation():
            while batch := self._next_batch(lane):
                try:
                    self._deliver(lane, batch)
                except Exception as error:
                    _log.exception("The delivery of %s stumbled.", lane.signal)
                    self._settle(lane, batch, Outcome("refused", f"{type(error).__name__}: {error}"))
            if lane.transport is not None:
                lane.transport.close()

    def _next_batch(self, lane: _Lane) -> list[_Item]:
        """The next items that together stay within a batch; a giant one comes alone. Empty: stop."""
        limit = self._settings.max_batch_bytes
        with self._lock:
            self._work.wait_for(lambda: lane.queue or self._closed)
            self._work.wait_for(
                lambda: lane.queued_bytes >= limit or self._flushing or self._closed or not self.has_room(),
                _LINGER,
            )
            batch: list[_Item] = []
            size = 0
            while lane.queue and (not batch or size + lane.queue[0].size <= limit):
                batch.append(lane.queue.popleft())
                size += batch[-1].size
            lane.queued_bytes -= size
            return batch

    def _deliver(self, lane: _Lane, batch: list[_Item]) -> None:
        parts = [batch]
        while parts:
            part = parts.pop()
            outcome = self._send(lane, part)
            if outcome.verdict == "too_large" and len(part) > 1:
                middle = len(part) // 2
                parts += [part[middle:], part[:middle]]
            else:
                self._settle(lane, part, outcome)

    def _send(self, lane: _Lane, part: list[_Item]) -> Outcome:
        """Tries until the answer is final, or the trouble has lasted for `delivery_timeout`."""
        backoff = _FIRST_BACKOFF
        while True:
            lane.transport = lane.transport or Transport(lane.signal, self._targets[lane.signal])
            outcome = lane.transport.send([item.payload for item in part])
            if outcome.verdict != "transient":
                lane.trouble_since = None
                return outcome
            lane.trouble_since = lane.trouble_since or time.monotonic()
            left = self._settings.delivery_timeout - (time.monotonic() - lane.trouble_since)
            if left <= 0 or self._closed:
                return Outcome("refused", f"given up: {outcome.reason}")
            self._warn(f"{lane.signal} wait for the service", outcome.reason)
            pause = backoff * random.uniform(0.5, 1) if outcome.retry_after is None else outcome.retry_after
            with self._lock:
                self._work.wait_for(lambda: self._closed, min(pause, left))
            backoff = min(backoff * 2, _MAX_BACKOFF)

    def _settle(self, lane: _Lane, part: list[_Item], outcome: Outcome) -> None:
        """Books a final answer and makes room."""
        with self._lock:
            if outcome.verdict == "delivered":
                # A partial success does not say which items it means; the count is what matters.
                rejected, good = part[: outcome.rejected], part[outcome.rejected :]
                self.ledger.acknowledged(lane.signal, [item.experiment_id for item in good])
                self._fail(lane.signal, rejected, f"rejected by the service: {outcome.reason}")
                if outcome.reason and not outcome.rejected:
                    self._warn("the service says", outcome.reason)
            else:
                self._fail(lane.signal, part, outcome.reason)
            self._bytes -= sum(item.size for item in part)
            self._room.notify_all()

    def _fail(self, signal: Signal, items: list[_Item], reason: str) -> None:
        if items:
            self.ledger.failed(signal, [item.experiment_id for item in items], reason)
            self._warn(f"{len(items)} {signal} were not delivered", reason)

    def _warn(self, what: str, reason: str) -> None:
        """One line per reason: the ledger has the counts."""
        if reason not in self._warned and len(self._warned) < 100:
            self._warned.add(reason)
            _log.warning("%s: %s", what, reason)

    def _flush_at_child_exit(self) -> None:
        # A forked multiprocessing child ends without atexit, but runs its finalizers.
        multiprocessing.util.Finalize(None, self._at_exit, exitpriority=0)

    def _at_exit(self) -> None:
        if not self.flush(self.exit_timeout) and (pending := self.ledger.account().pending):
            _log.warning("%d items were not delivered before the process ended.", pending)


def _on_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


_alive: weakref.WeakSet[Delivery] = weakref.WeakSet()


def _in_forked_child() -> None:
    """What the parent queued is the parent's to deliver; its threads and connections too."""
    for delivery in list(_alive):
        delivery._reset()  # pyright: ignore[reportPrivateUsage] - the same module


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_in_forked_child)
