"""Group commit: the answer is the receipt, and nobody sinks with a neighbour."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from evalspan.errors import StoreError, StoreUnavailable, TooLargeError
from evalspan.ingest import Ingest, Overloaded, Signal
from evalspan.settings import load
from evalspan.store import Block
from ingest.build import Service, log, logs, span, traces

QUICK = load({"commit_linger": 0.05}, {})


@pytest.fixture
def ingest(service: Service) -> Any:
    """A second way into the store of the service."""
    opened = Ingest(service.store, QUICK)
    yield opened
    opened.close()


async def test_requests_that_come_together_are_committed_together(service: Service, ingest: Ingest) -> None:
    ones = [span() for _ in range(20)]
    receipts = await asyncio.gather(*(ingest.export(Signal.TRACES, traces(one)) for one in ones))
    assert [receipt.accepted for receipt in receipts] == [1] * 20
    assert service.count("spans_data", [one.trace_id for one in ones]) == 20
    assert ingest.stats().commits < 5


async def test_the_commit_times_of_one_process_only_grow(service: Service, ingest: Ingest) -> None:
    one = span()
    times: list[Any] = []
    for _ in range(3):
        await ingest.export(Signal.TRACES, traces(one))
        times.append(service.span_row(one)["received_at"])
    assert times == sorted(set(times))


async def test_a_poisonous_request_does_not_sink_its_neighbours(
    service: Service, ingest: Ingest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    genuine = service.store.add

    def add(encoded: Sequence[Block]) -> None:
        if any(b"poison" in block.data for block in encoded):
            raise StoreError("Code: 1. this block is not liked")
        genuine(encoded)

    monkeypatch.setattr(service.store, "add", add)
    ones = [span(name="poison" if number == 3 else "fine") for number in range(6)]
    answers = await asyncio.gather(
        *(ingest.export(Signal.TRACES, traces(one)) for one in ones), return_exceptions=True
    )
    assert [isinstance(answer, StoreError) for answer in answers] == [number == 3 for number in range(6)]
    assert service.count("spans_data", [one.trace_id for one in ones]) == 5
    assert "A request could not be stored" in caplog.text
    assert ingest.stats().pending_bytes == 0


async def test_what_does_not_fit_the_budget_is_refused_and_the_budget_comes_back(service: Service) -> None:
    tight = Ingest(service.store, load({"max_pending_bytes": 1000, "commit_linger": 0.2}, {}))
    large = traces(span({"text": "x" * 2000}))
    first = asyncio.create_task(tight.export(Signal.TRACES, large))
    await asyncio.sleep(0.05)
    with pytest.raises(Overloaded, match="EVALSPAN_MAX_PENDING_BYTES"):
        await tight.export(Signal.TRACES, traces(span()))
    assert (await first).accepted == 1
    assert (await tight.export(Signal.TRACES, traces(span()))).accepted == 1
    assert tight.stats().pending_bytes == 0
    tight.close()


async def test_closing_commits_what_waits_and_then_refuses(service: Service) -> None:
    closing = Ingest(service.store, load({"commit_linger": 0.5}, {}))
    one = span()
    waiting = asyncio.create_task(closing.export(Signal.TRACES, traces(one)))
    await asyncio.sleep(0.2)
    await asyncio.to_thread(closing.close)
    assert (await waiting).accepted == 1
    assert service.span_row(one)["name"] == "work"
    with pytest.raises((StoreUnavailable, RuntimeError)):
        await closing.export(Signal.TRACES, traces(span()))


async def test_a_client_that_goes_away_costs_nothing(service: Service, ingest: Ingest) -> None:
    one = span()
    gone = asyncio.create_task(ingest.export(Signal.TRACES, traces(one)))
    await asyncio.sleep(0.02)
    gone.cancel()
    assert (await ingest.export(Signal.TRACES, traces(span()))).accepted == 1
    assert ingest.stats().pending_bytes == 0
    # It may have been committed or not: nobody was told that it was.
    assert service.count("spans_data", [one.trace_id]) <= 1


async def test_the_counters_say_what_was_rejected_and_why(service: Service, ingest: Ingest) -> None:
    await ingest.export(Signal.TRACES, traces(span(), span(span_id=b"\1")))
    await ingest.export(Signal.LOGS, logs(log()))
    stats = ingest.stats()
    assert stats.accepted == {"spans": 1, "log records": 1}
    assert stats.rejected == {"span_id must be 8 bytes and not zero": 1}


async def test_rows_out_of_all_proportion_to_their_request_are_refused_and_its_neighbours_stored(
    service: Service, ingest: Ingest
) -> None:
    vast = traces(*(span() for _ in range(2000)))
    vast.resource_spans[0].resource.attributes.add(key="text").value.string_value = "x" * 100_000
    fine = span()
    answers = await asyncio.gather(
        ingest.export(Signal.TRACES, vast), ingest.export(Signal.TRACES, traces(fine)), return_exceptions=True
    )
    assert isinstance(answers[0], TooLargeError)
    assert "send less of it in one request" in str(answers[0])
    assert service.count("spans_data", [fine.trace_id]) == 1
    assert ingest.stats().pending_bytes == 0
