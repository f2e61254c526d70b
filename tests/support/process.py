"""A program that a test starts, kills, and starts again with the same command."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from support.command import environment


class Process:
    """Started by `start`, which waits until it answers; gone at the end of the `with` block."""

    def __init__(self, command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> None:
        self.command = list(command)
        self.folder = folder
        self.variables = dict(variables)
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self._log = folder / "log.txt"

    @property
    def pid(self) -> int:
        """Its process; it has been started."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """All that it has written, over every start."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    def start(self, timeout: float = 60.0) -> Self:
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=environment(**self.variables),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(lambda: self._process is None or self._gone() or self.answers(), timeout, lambda: self.log)
        if self._gone():
            raise RuntimeError(f"{self.command[0]} ended at once: {self.log[-3000:]}")
        return self

    def answers(self) -> bool:
        """Whether it is ready."""
        raise NotImplementedError

    def stop(self) -> int:
        """End it as an operator would; its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.kill()

    def _gone(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        if not self._gone():
            os.kill(self._process.pid, number)
        code = self._process.wait(60)
        self._process = None
        return code


def wait_until(
    holds: Callable[[], bool], timeout: float = 60.0, state: Callable[[], object] = lambda: ""
) -> None:
    """Return when the condition holds; fail with the state where it does not come to hold."""
    deadline = time.monotonic() + timeout
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout:.0f} s: {str(state())[-3000:]}")
        time.sleep(0.05)


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
