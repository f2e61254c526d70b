"""The gRPC exporters with a stub that notes the answer of each call.

The stock stub is wrapped where the exporter makes it, so that its channel options, credentials and
reconnection stay those of the exporter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import grpc  # pyright: ignore[reportMissingTypeStubs]
from google.rpc.error_details_pb2 import RetryInfo  # pyright: ignore[reportMissingTypeStubs]
from google.rpc.status_pb2 import Status  # pyright: ignore[reportMissingTypeStubs]
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

from evalspan.sdk.ledger import Signal
from evalspan.sdk.target import Target
from evalspan.sdk.transport import Outcome, judge_success

Note = Callable[[Outcome], None]

# OTLP specification, "OTLP/gRPC Response": what may be sent again.
_RETRYABLE = {
    "CANCELLED",
    "DEADLINE_EXCEEDED",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNAVAILABLE",
    "DATA_LOSS",
}


def exporter(signal: Signal, target: Target, note: Note) -> Any:
    """A stock exporter of the signal that reports the answer of every call to `note`."""
    kind = cast("Any", OTLPSpanExporter if signal == "spans" else OTLPLogExporter)

    class Witnessed(kind):
        def _initialize_channel_and_stub(self) -> None:
            super()._initialize_channel_and_stub()
            self._client = _Witness(self._client, note, self._reconnect)

        def _reconnect(self) -> None:
            # A channel that met UNAVAILABLE may stay in its own backoff of up to two minutes.
            self._channel.close()
            self._initialize_channel_and_stub()

    return Witnessed(endpoint=target.endpoint, headers=tuple(target.headers.items()) or None)


class _Witness:
    """Stands for the stub; an error is noted, not raised, so that the exporter does not retry."""

    def __init__(self, stub: Any, note: Note, reconnect: Callable[[], None]) -> None:
        self._stub = stub
        self._note = note
        self._reconnect = reconnect

    def Export(self, request: Any, metadata: Any, timeout: float) -> None:  # noqa: N802 - the stub's name
        try:
            self._note(judge_success(self._stub.Export(request=request, metadata=metadata, timeout=timeout)))
        except grpc.RpcError as error:
            outcome = _judge(cast("Any", error))
            self._note(outcome)
            if outcome.verdict == "transient":
                self._reconnect()


def _judge(error: Any) -> Outcome:
    code = str(error.code().name)
    reason = f"{code}: {error.details()}"
    retry_after = _retry_info(error)
    if code in _RETRYABLE or (code == "RESOURCE_EXHAUSTED" and retry_after is not None):
        return Outcome("transient", reason, retry_after=retry_after)
    return Outcome("too_large" if code == "RESOURCE_EXHAUSTED" else "refused", reason)


def _retry_info(error: Any) -> float | None:
    """The delay in a RetryInfo among the status details, in seconds."""
    trailing: dict[str, Any] = dict(error.trailing_metadata() or ())
    info = cast("Any", RetryInfo())
    if (packed := trailing.get("grpc-status-details-bin")) is not None:
        status = cast("Any", Status())
        status.ParseFromString(packed)
        found = any(detail.Unpack(info) for detail in status.details)
        return info.retry_delay.seconds + info.retry_delay.nanos / 1e9 if found else None
    if (packed := trailing.get("google.rpc.retryinfo-bin")) is not None:
        info.ParseFromString(packed)
        return info.retry_delay.seconds + info.retry_delay.nanos / 1e9
    return None
