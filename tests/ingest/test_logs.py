"""Log records on their way from OTLP to rows."""

from __future__ import annotations

from typing import Any

import pytest

from evalspan.ingest import Signal
from ingest.build import START, Service, log, logs, trace_id, value


async def test_a_log_record_keeps_all_that_otlp_says(service: Service) -> None:
    record = log(
        {"n": 1},
        body=value({"user": "u", "tries": 3}),
        trace_id=trace_id(),
        span_id=b"\1" * 8,
        severity_number=9,
        severity_text="INFO",
        event_name="order.placed",
        observed_time_unix_nano=START + 1,
        flags=1,
    )
    await service.ingest.export(Signal.LOGS, logs(record))
    row = service.one("logs_data", record.trace_id, record.span_id)
    expected = {
        "body": '{"user":"u","tries":3}', "body_type": "map", "severity_number": 9, "severity_text": "INFO",
        "event_name": "order.placed", "flags": 1, "attributes": {"n": "1"}, "attribute_types": {"n": "int"},
        "service_name": "checkout",
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected


async def test_a_record_without_a_time_has_the_time_it_was_observed(service: Service) -> None:
    record = log(
        time_unix_nano=0, observed_time_unix_nano=START + 10**9, trace_id=trace_id(), span_id=b"\1" * 8
    )
    await service.ingest.export(Signal.LOGS, logs(record))
    row = service.one("logs_data", record.trace_id, record.span_id)
    assert row["timestamp"].timestamp() * 10**9 == START + 10**9


async def test_a_log_record_that_is_sent_twice_is_there_once_and_another_one_is_another(
    service: Service,
) -> None:
    trace = trace_id()
    same, other = log(body=value("a"), trace_id=trace), log(body=value("b"), trace_id=trace)
    for _ in range(2):
        await service.ingest.export(Signal.LOGS, logs(same, other))
    assert service.count("logs_data", [trace]) == 2


async def test_a_record_without_a_trace_is_kept_and_zero_ids_mean_none(service: Service) -> None:
    record = log(event_name="zeroes", trace_id=bytes(16), span_id=bytes(8))
    receipt = await service.ingest.export(Signal.LOGS, logs(record))
    rows = service.store.query("SELECT trace_id, span_id FROM logs WHERE event_name = 'zeroes'")
    assert (receipt.accepted, rows) == (1, [{"trace_id": "", "span_id": ""}])


@pytest.mark.parametrize(
    "fields", [{"trace_id": b"\1\2\3"}, {"span_id": b"\1"}, {"time_unix_nano": 2**64 - 1}]
)
async def test_a_record_that_fits_no_column_is_rejected(service: Service, fields: dict[str, Any]) -> None:
    receipt = await service.ingest.export(Signal.LOGS, logs(log(event_name="odd", **fields), log()))
    assert (receipt.accepted, receipt.rejected) == (1, 1)
    assert "'odd'" in receipt.message
