"""`/otel/v1/traces`: the spans of its client, one request for each, translated and then taken in as any.

Answered as OTLP is. Trouble that passes is 503, which the client repeats for ten seconds; 429, which it
takes for final, is never the answer here.
"""

from __future__ import annotations

from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from evalspan.api.datadog.lookup import lookup
from evalspan.api.gentrace import places, spans
from evalspan.api.gentrace.lookup import TestCases
from evalspan.api.scope import catalog, grant, store
from evalspan.ingest import Encoding, Ingest, OtlpEndpoint, Receipt, Signal, otlp_json, wire
from evalspan.ingest.receipt import Findings

_NOUN: Final = "spans"


class Traces(OtlpEndpoint):
    """The one OTLP path that the client knows."""

    def __init__(self, ingest: Ingest, limit: int) -> None:
        super().__init__(ingest, limit, Signal.TRACES)
        self._ingest = ingest
        self._cases: dict[str, TestCases] = {}  # by the project of the key, which sees its own only

    async def take(self, request: Request, raw: bytes, encoding: Encoding) -> Receipt:
        findings = Findings()
        message = await run_in_threadpool(self._translated, request, raw, encoding, findings)
        project = grant(request).project
        receipt = await self._ingest.export(Signal.TRACES, message, project=project)
        return _with(receipt, findings.receipt(0, _NOUN))

    def _translated(self, request: Request, raw: bytes, encoding: Encoding, findings: Findings) -> Any:
        parse = otlp_json.parse if encoding is Encoding.JSON else wire.parse
        message = parse(Signal.TRACES, raw, findings)
        project = grant(request).project
        cases = self._cases.setdefault(project, TestCases(store(request)))
        spans.translate(message, spans.Known(lookup(request), cases.of, lambda id: _pipeline(request, id)))
        return message


def _pipeline(request: Request, pipeline_id: str) -> str:
    """The name of a pipeline's project; '' where there is none."""
    if pipeline_id == places.DEFAULT:
        return places.default_name(request)
    found = catalog(request).projects.find(project_id=pipeline_id, limit=1).items
    return found[0].name if found else ""


def _with(receipt: Receipt, unread: Receipt) -> Receipt:
    """The receipt with what could not even be read."""
    message = "; ".join(filter(None, (receipt.message, unread.message)))
    return Receipt(receipt.accepted, receipt.rejected + unread.rejected, message)
