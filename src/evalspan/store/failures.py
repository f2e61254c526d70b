"""ClickHouse's errors as ours."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Generator

from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError
from urllib3.exceptions import HTTPError

from evalspan.errors import StoreError, StoreUnavailable, UsageError

_TIMEOUT, _MEMORY, _RESULT = 159, 241, 396
_ADVICE = "Narrow it, for example to one experiment_id, or raise the limit of the service."
# Error codes that the same statement may not meet again a moment later.
_TRANSIENT = {
    3: "UNEXPECTED_END_OF_FILE", _TIMEOUT: "TIMEOUT_EXCEEDED", 202: "TOO_MANY_SIMULTANEOUS_QUERIES",
    203: "NO_FREE_CONNECTION", 209: "SOCKET_TIMEOUT", 210: "NETWORK_ERROR", 225: "NO_ZOOKEEPER",
    _MEMORY: "MEMORY_LIMIT_EXCEEDED", 242: "TABLE_IS_READ_ONLY", 243: "NOT_ENOUGH_SPACE",
    252: "TOO_MANY_PARTS", 279: "ALL_CONNECTION_TRIES_FAILED", 319: "UNKNOWN_STATUS_OF_INSERT",
    394: "QUERY_WAS_CANCELLED", 999: "KEEPER_EXCEPTION",
}  # fmt: skip
# What an operator mends: a disk without room or inodes, a password that changed, a table that is gone, a
# part that cannot be read.
# Clients drop what is answered with anything but "try again", and none of it is the fault of their rows.
_OPERATIONAL = {
    32: "ATTEMPT_TO_READ_AFTER_EOF", 33: "CANNOT_READ_ALL_DATA", 40: "CHECKSUM_DOESNT_MATCH",
    246: "CORRUPTED_DATA", 271: "CANNOT_DECOMPRESS", 432: "UNKNOWN_CODEC",
    60: "UNKNOWN_TABLE", 74: "CANNOT_READ_FROM_FILE_DESCRIPTOR", 75: "CANNOT_WRITE_TO_FILE_DESCRIPTOR",
    76: "CANNOT_OPEN_FILE", 77: "CANNOT_CLOSE_FILE", 81: "UNKNOWN_DATABASE", 87: "CANNOT_SEEK_THROUGH_FILE",
    88: "CANNOT_TRUNCATE_FILE", 107: "FILE_DOESNT_EXIST", 164: "READONLY", 172: "CANNOT_CREATE_DIRECTORY",
    173: "CANNOT_ALLOCATE_MEMORY", 192: "UNKNOWN_USER", 193: "WRONG_PASSWORD", 194: "REQUIRED_PASSWORD",
    201: "QUOTA_EXCEEDED", 218: "TABLE_IS_DROPPED", 236: "ABORTED", 439: "CANNOT_SCHEDULE_TASK",
    497: "ACCESS_DENIED", 516: "AUTHENTICATION_FAILED",
}  # fmt: skip
_SYSTEM = re.compile("errno: |filesystem error: ")  # what the operating system refused, under any code


@contextlib.contextmanager
def translated(*, ours: bool = False) -> Generator[None]:
    """Raise StoreUnavailable for what may pass, StoreError for the rest.

    Args:
        ours: the statement is one of this program's, so what an operator can mend may pass as well.
            In somebody's query an unknown table is the query's fault.
    """
    try:
        yield
    except ClickHouseError as error:
        code, message = _read(str(error))
        if code is None and isinstance(error, OperationalError):
            raise StoreUnavailable(f"ClickHouse does not answer: {message}") from error
        passes = code in _TRANSIENT or (ours and (code in _OPERATIONAL or _SYSTEM.search(str(error))))
        raise (StoreUnavailable if passes else StoreError)(message) from error
    except OSError as error:  # the embedded engine is handed a block in a temporary file
        raise StoreUnavailable(f"The operating system refused: {error}") from error
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
        elif code == _RESULT:
            message = (
                "The query returned more than EVALSPAN_QUERY_MAX_RESULT_ROWS or "
                f"EVALSPAN_QUERY_MAX_RESULT_BYTES allows ({message}) {_ADVICE}"
            )
        elif isinstance(error, StoreUnavailable):
            raise
        raise UsageError(message) from error.__cause__


def _read(text: str) -> tuple[int | None, str]:
    """ClickHouse's error code and its message, without what the transports wrap around them."""
    first = text.split(" (version ")[0].split(" (for url ")[0].strip().partition("\n")[0]
    found = re.search(r"Code: (\d+)\. DB::(?:\w+)?Exception: ", first)
    if found is None:
        cause = re.search(r"\(Caused by \w+\(\W*(.+?)\W*$", first)  # the rest is the URL that was tried
        return None, cause[1] if cause else first
    return int(found[1]), re.sub(r"^.*?(Code: \d+\. DB::(\w+-?)?Exception: )+", "", first)
