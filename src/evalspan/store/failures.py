"""ClickHouse's errors as ours."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Generator

from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError
from urllib3.exceptions import HTTPError

from evalspan.errors import StoreError, StoreUnavailable, UsageError

_TIMEOUT, _MEMORY = 159, 241
_ADVICE = "Narrow it, for example to one experiment_id, or raise the limit of the service."
# Error codes that the same statement may not meet again a moment later.
_TRANSIENT = {
    3: "UNEXPECTED_END_OF_FILE", _TIMEOUT: "TIMEOUT_EXCEEDED", 202: "TOO_MANY_SIMULTANEOUS_QUERIES",
    203: "NO_FREE_CONNECTION", 209: "SOCKET_TIMEOUT", 210: "NETWORK_ERROR", 225: "NO_ZOOKEEPER",
    _MEMORY: "MEMORY_LIMIT_EXCEEDED", 242: "TABLE_IS_READ_ONLY", 243: "NOT_ENOUGH_SPACE",
    252: "TOO_MANY_PARTS", 279: "ALL_CONNECTION_TRIES_FAILED", 319: "UNKNOWN_STATUS_OF_INSERT",
    394: "QUERY_WAS_CANCELLED", 999: "KEEPER_EXCEPTION",
}  # fmt: skip


@contextlib.contextmanager
def translated() -> Generator[None]:
    """Raise StoreUnavailable for what may pass, StoreError for the rest."""
    try:
        yield
    except ClickHouseError as error:
        code, message = _read(str(error))
        if code is None and isinstance(error, OperationalError):
            raise StoreUnavailable(f"ClickHouse does not answer: {message}") from error
        raise (StoreUnavailable if code in _TRANSIENT else StoreError)(message) from error
    except HTTPError as error:
        raise StoreUnavailable(f"The connection to ClickHouse broke: {error}") from error


@contextlib.contextmanager
def asked() -> Generator[None]:
    """What fails in somebody's query is the query's fault, except where ClickHouse is away.

    Its own limits are the query's fault too: sent again it would meet them again.
    """
    try:
        with translated():
            yield
    except StoreError as error:
        code, message = _read(str(error.__cause__ or error))
        if code == _TIMEOUT:
            message = f"The query ran longer than EVALSPAN_QUERY_TIMEOUT allows ({message}) {_ADVICE}"
        elif code == _MEMORY and "(total)" not in message:
            message = (
                f"The query needed more memory than EVALSPAN_QUERY_MAX_MEMORY allows ({message}) {_ADVICE}"
            )
        elif isinstance(error, StoreUnavailable):
            raise
        raise UsageError(message) from error.__cause__


def _read(text: str) -> tuple[int | None, str]:
    """ClickHouse's error code and its message, without what the transports wrap around them."""
    first = text.split(" (version ")[0].split(" (for url ")[0].strip().partition("\n")[0]
    found = re.search(r"Code: (\d+)\. DB::Exception: ", first)
    if found is None:
        cause = re.search(r"\(Caused by \w+\(\W*(.+?)\W*$", first)  # the rest is the URL that was tried
        return None, cause[1] if cause else first
    return int(found[1]), re.sub(r"^.*?(Code: \d+\. DB::(\w+-)?Exception: )+", "", first)
