"""One confined process, from outside: it is asked in lines of JSON, and ended when it takes too long."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Any, Final, Self, cast

# Its environment is empty: ours may hold keys. So what we import from is handed over.
_START: Final = """
import sys
kind, seconds, memory, *sys.path[:] = sys.argv[1:]
from evalspan.confined import child
child.main(kind, float(seconds), int(memory))
"""
_CPU_SIGNALS: Final = frozenset({signal.SIGPROF, signal.SIGXCPU, signal.SIGKILL})
# A process that waits for its turn on a busy machine is not one that hangs.
_WALL_PER_CPU: Final = 15.0


class Trouble(Exception):
    """What was run failed: `kind` is the error's class, the message is for whoever wrote it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Limits:
    seconds: float
    """Of processor time, for one job."""
    memory: int
    """Bytes, beyond what the process needs for itself."""
    answer: int = 64 << 20
    """Bytes of what it answers: no limit of the kernel holds for a pipe."""


class Process:
    """Not for two threads at once."""

    def __init__(self, kind: str, limits: Limits) -> None:
        """`kind`: "shared" answers one job after another, "code" a single one."""
        self._limits = limits
        self._expired = False
        arguments = [kind, str(limits.seconds), str(limits.memory), *sys.path]
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-X", "utf8", "-c", _START, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, job: dict[str, Any]) -> Any:
        """What the job gives.

        Raises:
            Trouble: it failed, or the process was ended for what it used.
        """
        timer = threading.Timer(self._limits.seconds * _WALL_PER_CPU, self._expire)
        timer.daemon = True
        timer.start()
        try:
            line = self._exchange(json.dumps(job).encode() + b"\n")
        finally:
            timer.cancel()
        if len(line) > self._limits.answer:
            self._process.kill()
            raise Trouble("AnswerTooLong", f"It answered more than {self._limits.answer >> 20} MiB.")
        if not line.endswith(b"\n"):
            self._process.wait()
            raise self._ended()
        answer = json.loads(line)
        if "error" in answer:
            raise Trouble(str(answer["kind"]), str(answer["error"]))
        return answer["result"]

    def close(self) -> None:
        """End it, if it has not ended."""
        self._process.kill()
        with suppress(BrokenPipeError):
            cast("IO[bytes]", self._process.stdin).close()
        cast("IO[bytes]", self._process.stdout).close()
        self._process.wait()

    def _exchange(self, request: bytes) -> bytes:
        stdin, stdout = cast("IO[bytes]", self._process.stdin), cast("IO[bytes]", self._process.stdout)
        try:
            stdin.write(request)
            stdin.flush()
        except BrokenPipeError:
            return b""
        return stdout.readline(self._limits.answer + 1)

    def _expire(self) -> None:
        self._expired = True
        self._process.kill()

    def _ended(self) -> Trouble:
        code = self._process.returncode
        if self._expired:
            waited = self._limits.seconds * _WALL_PER_CPU
            return Trouble("TimeoutError", f"It was not done after {waited:g} seconds and was ended.")
        if code < 0 and -code in _CPU_SIGNALS:
            return Trouble("TimeoutError", f"It took more than {self._limits.seconds:g} s of processor time.")
        return Trouble("ProcessEnded", f"Its process ended by itself (exit code {code}), perhaps for memory.")
