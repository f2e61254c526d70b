"""Where a store is: `chdb://PATH` or `http(s)://user:password@host:port/database`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from evalspan.errors import UsageError

DEFAULT_DATABASE = "evalspan"
SCHEME = "chdb://"


@dataclass(frozen=True)
class Dsn:
    """A parsed address. `path` is set for the embedded engine, `host` for a server."""

    database: str
    path: Path | None = None
    host: str = ""
    port: int = 0
    secure: bool = False
    user: str = "default"
    password: str = field(default="", repr=False)

    @property
    def embedded(self) -> bool:
        return self.path is not None

    def client_options(self) -> dict[str, Any]:
        """Keyword arguments for `clickhouse_connect.get_client`, the database left out."""
        if self.path is not None:
            return {"interface": "chdb", "path": str(self.path)}
        return {
            "host": self.host,
            "port": self.port,
            "username": self.user,
            "password": self.password,
            "interface": "https" if self.secure else "http",
            # A session lives on one node; without one, any node behind a balancer can answer.
            "autogenerate_session_id": False,
        }

    def __str__(self) -> str:
        """Without the password, fit for logs."""
        if self.path is not None:
            return f"{SCHEME}{self.path}"
        return f"{'https' if self.secure else 'http'}://{self.user}@{self.host}:{self.port}/{self.database}"


def parse(text: str) -> Dsn:
    """Parse a store address.

    Raises:
        UsageError: the address is none of the two forms.
    """
    if text.startswith(SCHEME):
        path = text.removeprefix(SCHEME)
        if not path:
            raise UsageError(
                f"The store {text!r} names no folder; write chdb://PATH, for example chdb://.evalspan."
            )
        return Dsn(database=DEFAULT_DATABASE, path=Path(path).expanduser().resolve())
    parts = urlsplit(text)
    database = parts.path.strip("/") or DEFAULT_DATABASE
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or not _port_fits(parts):
        shown = re.sub(r"//.*@", "//***@", text)
        raise UsageError(
            f"The store {shown!r} is neither chdb://PATH nor http(s)://user:password@host:8123/database."
        )
    if not re.fullmatch(r"[\w-]+", database):
        raise UsageError(f"The store's database {database!r} is not a name of letters, digits, _ and -.")
    secure = parts.scheme == "https"
    return Dsn(
        database=database,
        host=parts.hostname,
        port=parts.port or (8443 if secure else 8123),
        secure=secure,
        user=unquote(parts.username or "default"),
        password=unquote(parts.password or ""),
    )


def reader(text: str, store: Dsn) -> Dsn:
    """The address under which users' queries read the store; the store's own where there is none.

    Raises:
        UsageError: it is another database, or the store has no users.
    """
    if not text:
        return store
    found = parse(text)
    if store.embedded or found.embedded or found.database != store.database:
        raise UsageError(
            f"EVALSPAN_STORE_READER={found} does not read the store {store}; "
            "it is the same database of a ClickHouse server as another user."
        )
    return found


def _port_fits(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False
