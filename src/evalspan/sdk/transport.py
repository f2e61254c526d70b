"""One attempt to send one batch, with the stock OTLP exporters, and what really came of it.

The exporters of opentelemetry-exporter-otlp encode and send; but they hide the answer (partial
success, Retry-After, the status) and retry only within one short deadline. So each gets a witness
that notes the answer of a single attempt and tells the exporter that all is well: judging and
retrying is the delivery's job, and there is one such loop, not two.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Literal, cast

import requests
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from evalspan.sdk.ledger import Signal
from evalspan.sdk.target import Target

Verdict = Literal["delivered", "transient", "too_large", "refused"]


@dataclass(frozen=True)
class Outcome:
    """What came of one attempt."""

    verdict: Verdict
    reason: str = ""
    rejected: int = 0
    retry_after: float | None = None


class Transport:
    """Sends batches of one signal to one target."""

    def __init__(self, signal: Signal, target: Target) -> None:
        self.signal: Signal = signal
        self._target = target
        self._seen: Outcome | None = None
        self._exporter: Any = self._build()

    def send(self, items: Sequence[Any]) -> Outcome:
        """One attempt. Never raises."""
        self._seen = None
        try:
            self._exporter.export(items)
        except Exception as error:
            return Outcome("too_large", f"could not be encoded: {error}")
        # Nothing was seen: the exporter never got to sending, because the request was over its
        # 64 MiB or did not encode. Both are matters of what is in it: split it to find the culprit.
        return self._seen or Outcome("too_large", "could not be encoded, or is over 64 MiB")

    def close(self) -> None:
        self._exporter.shutdown()

    def _build(self) -> Any:
        if self._target.protocol == "grpc":
            from evalspan.sdk import grpc_transport

            return grpc_transport.exporter(self.signal, self._target, self._note)
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        kind = OTLPSpanExporter if self.signal == "spans" else OTLPLogExporter
        session = _WitnessSession(self.signal, self._note)
        return kind(endpoint=self._target.endpoint, headers=self._target.headers, session=session)

    def _note(self, outcome: Outcome) -> None:
        self._seen = outcome


class _WitnessSession(requests.Session):
    """A session that notes what came of each request and answers 200 to the exporter."""

    def __init__(self, signal: Signal, note: Callable[[Outcome], None]) -> None:
        super().__init__()
        self._signal: Signal = signal
        self._note = note

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        if isinstance(self.verify, str):
            # Told by a variable of OpenTelemetry's; `requests` lets REQUESTS_CA_BUNDLE win over the session.
            kwargs.setdefault("verify", self.verify)
        try:
            self._note(judge_http(self._signal, super().request(*args, **kwargs)))
        except (requests.ConnectionError, requests.Timeout) as error:
            self._note(Outcome("transient", f"{type(error).__name__}: {_cause(error)}"))
        except Exception as error:
            self._note(Outcome("refused", f"{type(error).__name__}: {error}"))
        fine = requests.Response()
        fine.status_code = 200
        return fine


def judge_http(signal: Signal, response: requests.Response) -> Outcome:
    """The outcome that an HTTP answer stands for (OTLP specification, "OTLP/HTTP Response")."""
    status = response.status_code
    if 200 <= status < 300:
        return judge_success(_parse(signal, response.content))
    reason = f"HTTP {status} {response.reason}: {_text(response)}".strip(": ")
    if status in (429, 502, 503, 504):
        return Outcome("transient", reason, retry_after=_retry_after(response.headers.get("Retry-After")))
    return Outcome("too_large" if status == 413 else "refused", reason)


def judge_success(answer: Any) -> Outcome:
    """Delivered, with what the server says it rejected nevertheless."""
    partial = answer.partial_success
    rejected = int(getattr(partial, "rejected_spans", 0) or getattr(partial, "rejected_log_records", 0))
    return Outcome("delivered", partial.error_message, rejected=rejected)


def _cause(error: Exception) -> str:
    """The last words of a chain of wrapped errors; the rest holds object addresses."""
    return str(error).rsplit(": ", 1)[-1].strip("()'\" ")


def _parse(signal: Signal, body: bytes) -> Any:
    answer = ExportTraceServiceResponse() if signal == "spans" else ExportLogsServiceResponse()
    try:
        answer.ParseFromString(body)
    except Exception:  # a 2xx is a success, whatever text a proxy put under it
        answer.Clear()
    return answer


def _text(response: requests.Response) -> str:
    """A google.rpc.Status holds its message as field 2; anything else is shown as it is."""
    from google.rpc.status_pb2 import Status  # pyright: ignore[reportMissingTypeStubs]

    status = cast("Any", Status())
    try:
        status.ParseFromString(response.content)
        return str(status.message) or response.text[:200]
    except Exception:
        return response.text[:200]


def _retry_after(value: str | None) -> float | None:
    """Retry-After in seconds: a number, or an HTTP date."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
