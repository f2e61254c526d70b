"""A few confined processes that are kept, since starting one takes some 150 ms and a job less than one."""

from __future__ import annotations

import atexit
import threading
from typing import Any

from evalspan.confined.process import Limits, Process, Trouble


class Pool:
    """Thread-safe. A process that was ended for what it did is replaced by the next job."""

    def __init__(self, limits: Limits, size: int) -> None:
        self._limits = limits
        self._room = threading.Semaphore(size)
        self._mutex = threading.Lock()
        self._idle: list[Process] = []

    def run(self, job: dict[str, Any]) -> Any:
        """What the job gives; waits while all processes are busy. Raises Trouble."""
        with self._room:
            process = self._take()
            try:
                return process.ask(job)
            except Trouble as trouble:
                if trouble.kind == "MemoryError":  # what it holds on to is not to starve the next
                    process.close()
                raise
            finally:
                self._give_back(process)

    def close(self) -> None:
        """End the idle ones."""
        with self._mutex:
            ended, self._idle = self._idle, []
        for process in ended:
            process.close()

    def _take(self) -> Process:
        with self._mutex:
            process = self._idle.pop() if self._idle else None
        if process is not None and process.alive:
            return process
        if process is not None:
            process.close()
        else:
            atexit.unregister(self.close)
            atexit.register(self.close)
        return Process("shared", self._limits)

    def _give_back(self, process: Process) -> None:
        if not process.alive:
            process.close()
            return
        with self._mutex:
            self._idle.append(process)
