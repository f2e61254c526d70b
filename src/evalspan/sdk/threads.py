"""Threads for sync functions: as many as are busy, reused when idle, never waited for at exit.

Not a ThreadPoolExecutor: a function that overran its time would keep one of the pool's slots, and
the interpreter would wait for it at exit.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

_Job = Callable[[], None]


class Threads:
    """Daemon threads that run blocking functions for an event loop."""

    def __init__(self) -> None:
        self._idle: list[SimpleQueue[_Job | None]] = []
        self._closed = False
        self._lock = threading.Lock()

    async def run(self, function: Callable[[], Any]) -> Any:
        """The function's result, from a thread. Cancelled, the thread goes on but nobody listens."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()

        def job() -> None:
            try:
                result, error = function(), None
            except BaseException as caught:
                result, error = None, caught
            try:
                loop.call_soon_threadsafe(_settle, future, result, error)
            except RuntimeError:  # the loop is closed: the run ended without waiting
                return

        self._give(job)
        return await future

    def close(self) -> None:
        """Ends the idle threads; busy ones end after their job."""
        with self._lock:
            self._closed = True
            while self._idle:
                self._idle.pop().put(None)

    def _give(self, job: _Job) -> None:
        try:
            self._idle.pop().put(job)
        except IndexError:
            inbox: SimpleQueue[_Job | None] = SimpleQueue()
            inbox.put(job)
            threading.Thread(target=self._work, args=(inbox,), name="evalspan-task", daemon=True).start()

    def _work(self, inbox: SimpleQueue[_Job | None]) -> None:
        while (job := inbox.get()) is not None:
            job()
            with self._lock:
                if self._closed:
                    return
                self._idle.append(inbox)


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    elif isinstance(error, Exception):
        # A StopIteration cannot be raised into a future.
        wrap = isinstance(error, StopIteration)
        future.set_exception(RuntimeError(f"StopIteration: {error}") if wrap else error)
    else:
        future.set_exception(RuntimeError(f"{type(error).__name__}: {error}"))
