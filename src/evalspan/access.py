"""API keys: who a request is from, and what that one may do. One rule for every face, HTTP and gRPC.

A key is kept as its plain SHA-256. Keys are 256 random bits, which nobody guesses however fast the
hash; a slow hash is for passwords that people choose, and would be paid on every request.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from evalspan.errors import AccessError, ForbiddenError
from evalspan.keyfile import KeyFile
from evalspan.rates import Rates
from evalspan.settings import Settings

# How the clients that we serve send a key: ours and most OTLP exporters, then the vendors'.
_HEADERS = ("authorization", "x-api-key", "dd-api-key", "api-key", "comet-api-key")
_REFUSAL: Final = "The request carries no API key that is valid here: send it as 'Authorization: Bearer KEY'."


class Role(StrEnum):
    """What a key may do."""

    INGEST = "ingest"
    """Send telemetry; make and change projects, datasets and experiments; read datasets."""
    READ = "read"
    """Read everything, with SQL too."""
    ADMIN = "admin"
    """All of it, deleting and renaming included."""


@dataclass(frozen=True)
class Grant:
    """What one request may do. `key` names its key without being it; `project` '' is every project."""

    roles: frozenset[Role]
    project: str = ""
    key: str = ""

    def require(self, roles: Collection[Role]) -> None:
        """Raises ForbiddenError where the key has none of `roles`."""
        if Role.ADMIN not in self.roles and self.roles.isdisjoint(roles):
            asked = " or ".join(sorted({*roles, Role.ADMIN}))
            given = ", ".join(sorted(self.roles))
            raise ForbiddenError(f"This API key has the role {given}; the request needs {asked}.")

    def require_all_projects(self) -> None:
        """Raises ForbiddenError for a key of one project."""
        if self.project:
            raise ForbiddenError(f"This API key is of the project {self.project!r}; this is not its to do.")

    def require_project(self, name: str) -> None:
        """Raises ForbiddenError where the key is of another project."""
        if self.project and name != self.project:
            raise ForbiddenError(f"This API key is of the project {self.project!r}, not of {name!r}.")


EVERYTHING: Final = Grant(frozenset({Role.ADMIN}))


class Keys:
    """The keys of a service: those of the environment, and those of the file, as it stands now."""

    def __init__(self, configured: str = "", file: KeyFile | None = None, rate_limit: float = 0) -> None:
        """`configured`: keys separated by commas, as `EVALSPAN_API_KEYS` holds them; all are admin's.
        `rate_limit`: requests a second of one of them; 0 is any."""
        self._rates = Rates(rate_limit)
        self._plain = [_digest(key.strip()) for key in configured.split(",") if key.strip()]
        self._file = file

    @classmethod
    def of(cls, settings: Settings) -> Keys:
        """Raises UsageError where the keys file cannot be read."""
        file = KeyFile(settings.keys_file) if settings.keys_file else None
        return cls(settings.api_keys, file, settings.rate_limit)

    def __bool__(self) -> bool:
        """Whether a key is asked for. A keys file without keys lets nobody in."""
        return bool(self._plain) or self._file is not None

    def grant(self, headers: Mapping[str, str]) -> Grant:
        """What a request with these headers (lower-case names) may do; it counts against the key's rate.

        Raises:
            AccessError: it carries no key that is known and valid. RateError: that key asks too often.
        """
        found = self._known(headers) if self else EVERYTHING
        self._rates.count(found.key)
        return found

    def _known(self, headers: Mapping[str, str]) -> Grant:
        for name in _HEADERS:
            value = headers.get(name, "")
            key = value.removeprefix("Bearer ").removeprefix("bearer ").strip()
            if key and (found := self._find(_digest(key))):
                return found
        raise AccessError(_REFUSAL)

    def _find(self, digest: str) -> Grant | None:
        # Every key is compared: the time taken must not tell which one came close.
        found: Grant | None = None
        for known in self._plain:
            if hmac.compare_digest(digest, known):
                found = Grant(EVERYTHING.roles, key=f"env-{known[:8]}")
        now = datetime.now(UTC)
        for entry in self._file.entries() if self._file else ():
            if hmac.compare_digest(digest, entry.sha256) and entry.valid(now):
                found = Grant(frozenset(map(Role, entry.roles)), entry.project, entry.id)
        return found


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
