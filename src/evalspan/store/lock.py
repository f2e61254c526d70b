"""The holder of an embedded store: one process at a time, and everybody else can see which.

The engine's own refusal says only "Error initializing EmbeddedServer". This lock is taken first,
so the refusal names the holder, and the command line finds the service that has the store open.
The lock is the kernel's (flock): it goes with the process, however that ends.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from evalspan.errors import StoreLocked

FILE_NAME = "evalspan.lock"


@dataclass(frozen=True)
class Holder:
    """Who has a store open. `endpoint` is the base URL of a service, '' for other programs."""

    pid: int
    command: str
    endpoint: str = ""


class StoreLock:
    """Held from construction until `release`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file: IO[str] = open(folder / FILE_NAME, "a+", encoding="utf-8")  # noqa: SIM115
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise StoreLocked(_refusal(folder)) from None
        self.announce("")

    def announce(self, endpoint: str) -> None:
        """Write down who holds the store, and under which base URL it can be reached."""
        command = " ".join([os.path.basename(sys.argv[0] or "python"), *sys.argv[1:2]])
        self._file.seek(0)
        self._file.truncate()
        json.dump(asdict(Holder(os.getpid(), command, endpoint)), self._file)
        self._file.flush()

    def release(self) -> None:
        self._file.close()


def holder(folder: Path) -> Holder | None:
    """Who holds the store in `folder`, or None where nobody does."""
    try:
        with open(folder / FILE_NAME, "r+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return Holder(**json.loads(file.read()))
    except (OSError, ValueError, TypeError):
        return None
    return None


def _refusal(folder: Path) -> str:
    who = holder(folder)
    if who is None:
        return f"The store in {folder} is open in another process."
    reach = f" Reach it at {who.endpoint}." if who.endpoint else ""
    return (
        f"The store in {folder} is open in another process: {who.command!r}, process id {who.pid}.{reach} "
        "An embedded store has one holder at a time; use a ClickHouse server for more."
    )
