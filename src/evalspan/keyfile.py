"""The file of API keys: what `evalspan keys` writes and a running service reads again as it changes.

It holds no key, only hashes. It is replaced in one step, so a reader sees the old file or the new
one. Where it cannot be read any more, a running service keeps the keys that it knows and says so:
turning every sender away would lose what they send.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import secrets
import tempfile
import threading
import time
from collections.abc import Generator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from evalspan.errors import NotFoundError, UsageError

_log = logging.getLogger(__name__)

FRESH: Final = 1.0
"""A running service sees a changed file within this many seconds."""
PREFIX: Final = "evs_"

RoleName = Literal["ingest", "read", "admin"]


class Entry(BaseModel):
    """One key, without the key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    """The first digits of its hash."""
    name: str = ""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", repr=False)
    roles: tuple[RoleName, ...] = Field(min_length=1)
    project: str = ""
    """The name of the only project that it reaches; '' for all."""
    created_at: AwareDatetime
    expires_at: AwareDatetime | None = None

    def valid(self, now: datetime) -> bool:
        return self.expires_at is None or now < self.expires_at


class _Contents(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keys: list[Entry]


class KeyFile:
    """Thread-safe."""

    def __init__(self, path: str | Path, *, create: bool = False) -> None:
        """`create`: a file that is not there is an empty one.

        Raises:
            UsageError: it cannot be read, or holds something else.
        """
        self.path = Path(path).expanduser()
        self._mutex = threading.Lock()
        self._checked = 0.0
        self._stamp: tuple[int, ...] = ()
        self._entries: tuple[Entry, ...] = ()
        self._troubled = False
        if not create or self.path.exists():
            self._stamp = self._look()
            self._entries = self._read()
            self._checked = time.monotonic()

    def entries(self) -> Sequence[Entry]:
        """The keys, expired ones included, at most `FRESH` seconds old."""
        with self._mutex:
            if time.monotonic() - self._checked >= FRESH:
                self._checked = time.monotonic()
                self._refresh()
            return self._entries

    def add(
        self,
        roles: Sequence[RoleName],
        *,
        now: datetime,
        name: str = "",
        project: str = "",
        expires_at: datetime | None = None,
    ) -> tuple[str, Entry]:
        """A new key, which is told here and nowhere else, and what is kept of it."""
        key = PREFIX + secrets.token_urlsafe(32)
        digest = hashlib.sha256(key.encode()).hexdigest()
        entry = Entry(
            id=digest[:12], name=name, sha256=digest, roles=tuple(dict.fromkeys(roles)), project=project,
            created_at=now, expires_at=expires_at,
        )  # fmt: skip
        with self._changing() as entries:
            entries.append(entry)
        return key, entry

    def remove(self, named: str) -> Entry:
        """Remove a key by its id, or by its name where one key has it.

        Raises:
            NotFoundError: there is no such key. UsageError: several have that name.
        """
        with self._changing() as entries:
            found = [each for each in entries if named == each.id] or [
                each for each in entries if named == each.name
            ]
            if not found:
                raise NotFoundError(
                    f"There is no key {named!r} in {self.path}; `evalspan keys list` shows them."
                )
            if len(found) > 1:
                ids = ", ".join(each.id for each in found)
                raise UsageError(f"{len(found)} keys have the name {named!r}; say which by id: {ids}.")
            entries.remove(found[0])
        return found[0]

    @contextlib.contextmanager
    def _changing(self) -> Generator[list[Entry]]:
        """The entries, to be changed; written when the block ends well. Writers take turns."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path.with_name(f"{self.path.name}.lock"), "a", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            entries = list(self._read()) if self.path.exists() else []
            yield entries
            self._write(entries)

    def _write(self, entries: list[Entry]) -> None:
        text = _Contents(keys=entries).model_dump_json(indent=1)
        # mkstemp makes it readable by its owner alone.
        handle, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with open(handle, "w", encoding="utf-8") as file:
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path)
        except BaseException:
            os.unlink(temporary)
            raise

    def _refresh(self) -> None:
        try:
            stamp = self._look()
            if stamp != self._stamp:
                self._entries, self._stamp = self._read(), stamp
            self._troubled = False
        except UsageError as error:
            if not self._troubled:
                _log.error("%s The keys read before stay valid.", error)
            self._troubled = True

    def _look(self) -> tuple[int, ...]:
        try:
            found = self.path.stat()
        except OSError as error:
            raise UsageError(f"The keys file {str(self.path)!r} cannot be read: {error.strerror}.") from None
        return found.st_mtime_ns, found.st_ino, found.st_size

    def _read(self) -> tuple[Entry, ...]:
        try:
            text = self.path.read_text(encoding="utf-8")
            return tuple(_Contents.model_validate(json.loads(text)).keys)
        except OSError as error:
            raise UsageError(f"The keys file {str(self.path)!r} cannot be read: {error.strerror}.") from None
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise UsageError(
                f"The keys file {str(self.path)!r} is wrong at {place}: {first['msg']}."
            ) from None
        except ValueError:
            raise UsageError(f"The keys file {str(self.path)!r} is not JSON.") from None
