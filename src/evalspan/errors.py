"""Our exceptions: one root, one class per cause that a caller can act on.

EvalspanError
  UsageError            the call or its arguments are wrong        (exit code 2, HTTP 400)
    NotFoundError       what was named does not exist              (HTTP 404)
    ConflictError       it exists already, or changed meanwhile    (HTTP 409)
    TooLargeError       over a documented limit                    (HTTP 413)
    ReadOnlyError       what was committed does not change         (HTTP 403)
    CodingError         a body in a coding that is not understood  (HTTP 415)
  AccessError           no key, or not this key                    (HTTP 401)
    ForbiddenError      the key may not do this                    (HTTP 403)
  BusyError             too many at once: try again shortly        (HTTP 429)
    RateError           too many in a second                       (HTTP 429)
  TaskError             a task or evaluator raised, raise_errors   (exit code 1)
  DeliveryError         spans or scores were not acknowledged      (exit code 3)
  ServiceError          the service did not answer as it should    (exit code 3)
  StoreError            ClickHouse refused or failed               (exit code 3, HTTP 500)
    StoreUnavailable    transient: try again shortly               (HTTP 503)
    StoreLocked         another process holds the embedded store
    StoreTooNew         written by a newer evalspan
"""

from __future__ import annotations

from typing import ClassVar


class EvalspanError(Exception):
    """The root of every error that evalspan raises on purpose."""

    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 3


class UsageError(EvalspanError, ValueError):
    """Wrong input. `pointer` is a JSON pointer to the offending field, where there is one."""

    status = 400
    exit_code = 2

    def __init__(self, message: str, *, pointer: str = "") -> None:
        super().__init__(message)
        self.pointer = pointer


class NotFoundError(UsageError):
    """What was named does not exist."""

    status = 404


class ConflictError(UsageError):
    """The name is taken, or the thing changed meanwhile."""

    status = 409


class TooLargeError(UsageError):
    """Over a documented limit."""

    status = 413


class ReadOnlyError(UsageError):
    """What was committed does not change."""

    status = 403


class CodingError(UsageError):
    """The body is in a content coding that is not understood."""

    status = 415


class AccessError(EvalspanError):
    """The request carried no API key, or one that is not known."""

    status = 401


class ForbiddenError(AccessError):
    """The key is valid and may not do this."""

    status = 403


class BusyError(EvalspanError):
    """More is asked at once than is answered at once; the same request may go through shortly."""

    status = 429


class RateError(BusyError):
    """A key sends more requests in a second than it may; `retry_after` says when it may again."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Whole seconds."""


class TaskError(EvalspanError):
    """A task or an evaluator raised, and `raise_errors` was asked for."""

    exit_code = 1


class DeliveryError(EvalspanError):
    """Some of what an experiment produced was not acknowledged by the service."""


class ServiceError(EvalspanError):
    """The service could not be reached, or did not answer as it should."""


class StoreError(EvalspanError):
    """ClickHouse refused a statement or failed."""


class StoreUnavailable(StoreError):
    """ClickHouse is away or overloaded; the same request may go through shortly."""

    status = 503


class StoreLocked(StoreError):
    """Another process has the embedded store open."""


class StoreTooNew(StoreError):
    """The store was written by a newer evalspan."""
