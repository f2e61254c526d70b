"""Our errors as OTLP answers them: an HTTP status or gRPC code, and a google.rpc.Status.

Clients retry 429, 502, 503 and 504 (UNAVAILABLE) and drop the batch on everything else, so only
transient trouble may be answered so, and transient trouble must be.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2  # pyright: ignore[reportMissingTypeStubs] (the package has no py.typed)
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from google.rpc.status_pb2 import Status

from evalspan.errors import EvalspanError, RateError
from evalspan.ingest.receipt import Receipt
from evalspan.ingest.signals import PARTS, Signal

logger = logging.getLogger("evalspan.ingest")

RETRY_AFTER: Final = 1  # seconds; clients give up at once when it exceeds their deadline of 10
_CODES: Final = {
    400: code_pb2.INVALID_ARGUMENT,
    401: code_pb2.UNAUTHENTICATED,
    403: code_pb2.PERMISSION_DENIED,
    405: code_pb2.UNIMPLEMENTED,
    413: code_pb2.RESOURCE_EXHAUSTED,  # without RetryInfo: not to be retried
    415: code_pb2.INVALID_ARGUMENT,
    429: code_pb2.UNAVAILABLE,  # clients may drop what is answered RESOURCE_EXHAUSTED
    503: code_pb2.UNAVAILABLE,
}


class Refused(EvalspanError):
    """A request that is turned down before its body is understood."""

    def __init__(self, http: int, message: str) -> None:
        super().__init__(message)
        self.http = http


@dataclass(frozen=True)
class Answer:
    """What a failed request is told."""

    http: int
    status: Status


def answer(error: Exception) -> Answer:
    """The answer to a request that ended in `error`. What nobody foresaw is logged here, once."""
    if isinstance(error, Refused):
        http = error.http
    elif isinstance(error, EvalspanError):
        http = error.status
    else:
        logger.error("An OTLP request failed", exc_info=error)
        return Answer(500, Status(code=code_pb2.INTERNAL, message=f"Internal error: {error!r}"))
    message = str(error)
    status = Status(code=_CODES.get(http, code_pb2.INTERNAL), message=message)
    if http == 400:
        violation = BadRequest.FieldViolation(field="body", description=message)
        status.details.add().Pack(BadRequest(field_violations=[violation]))
    if http in (429, 503):
        seconds = error.retry_after if isinstance(error, RateError) else RETRY_AFTER
        status.details.add().Pack(RetryInfo(retry_delay=Duration(seconds=seconds)))
    return Answer(http, status)


def response(signal: Signal, receipt: Receipt) -> Any:
    """The export response; `partial_success` stays unset when all is well."""
    parts = PARTS[signal]
    message = parts.response()
    if receipt.rejected or receipt.message:
        setattr(message.partial_success, parts.rejected, receipt.rejected)
        message.partial_success.error_message = receipt.message
    return message
