"""Metric data points on their way from OTLP to rows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from evalspan.ingest import Signal
from ingest.build import START, Service, metrics

POINT = {"timeUnixNano": str(START), "startTimeUnixNano": str(START - 1000)}


def metric(name: str, kind: str, point: dict[str, Any], **data: Any) -> Metric:
    form = {"name": name, "unit": "ms", kind: {"dataPoints": [{**POINT, **point}], **data}}
    return ParseDict(form, Metric())


async def stored(service: Service, name: str) -> dict[str, Any]:
    rows = service.store.query(
        "SELECT * FROM metric_points_data FINAL WHERE metric = {name:String}", {"name": name}
    )
    assert len(rows) == 1
    return rows[0]


@pytest.mark.parametrize(
    ("kind", "point", "data", "expected"),
    [
        ("gauge", {"asDouble": 0.5}, {}, {"value_double": 0.5, "value_int": None}),
        (
            "sum",
            {"asInt": "7"},
            {"isMonotonic": True, "aggregationTemporality": 2},
            {"value_int": 7, "monotonic": True, "temporality": "cumulative"},
        ),
        (
            "histogram",
            {"count": "3", "sum": 6.0, "max": 4.0, "bucketCounts": ["1", "2"], "explicitBounds": [2.0]},
            {"aggregationTemporality": 1},
            {
                "count": 3,
                "sum": 6.0,
                "min": None,
                "max": 4.0,
                "bucket_counts": [1, 2],
                "explicit_bounds": [2.0],
            },
        ),
        (
            "exponentialHistogram",
            {"count": "2", "scale": 3, "zeroCount": "1", "positive": {"offset": -2, "bucketCounts": ["1"]}},
            {},
            {"count": 2, "scale": 3, "zero_count": 1, "positive_offset": -2, "positive_bucket_counts": [1]},
        ),
        (
            "summary",
            {"count": "2", "sum": 3.0, "quantileValues": [{"quantile": 0.5, "value": 1.5}]},
            {},
            {"count": 2, "sum": 3.0, "quantiles": [{"quantile": 0.5, "value": 1.5}]},
        ),
    ],
)
async def test_a_point_of_every_kind_is_kept(
    service: Service, kind: str, point: dict[str, Any], data: dict[str, Any], expected: dict[str, Any]
) -> None:
    await service.ingest.export(Signal.METRICS, metrics(metric(f"m.{kind}", kind, point, **data)))
    row = await stored(service, f"m.{kind}")
    assert {name: row[name] for name in expected} == expected
    assert row["unit"] == "ms"


async def test_exemplars_keep_their_trace_in_hex(service: Service) -> None:
    given = metric(
        "m.exemplar", "gauge", {"asInt": "1", "exemplars": [{"asDouble": 2.5, "timeUnixNano": "5"}]}
    )
    given.gauge.data_points[0].exemplars[0].trace_id = b"\xab" * 16
    await service.ingest.export(Signal.METRICS, metrics(given))
    exemplar = json.loads((await stored(service, "m.exemplar"))["exemplars"])[0]
    assert (exemplar["traceId"], exemplar["asDouble"]) == ("ab" * 16, 2.5)


async def test_a_point_that_is_sent_twice_is_there_once_and_each_series_has_its_own(service: Service) -> None:
    one = metric("m.twice", "gauge", {"asInt": "1"})
    other = metric(
        "m.twice", "gauge", {"asInt": "1", "attributes": [{"key": "k", "value": {"intValue": "1"}}]}
    )
    for _ in range(2):
        await service.ingest.export(Signal.METRICS, metrics(one, other))
    rows = service.store.query("SELECT attributes FROM metric_points WHERE metric = 'm.twice'")
    assert sorted(str(row["attributes"]) for row in rows) == ["{'k': '1'}", "{}"]


async def test_a_point_without_a_time_is_rejected(service: Service) -> None:
    bad = metric("m.timeless", "gauge", {"asInt": "1", "timeUnixNano": "0"})
    receipt = await service.ingest.export(
        Signal.METRICS, metrics(bad, metric("m.fine", "gauge", {"asInt": "1"}))
    )
    assert (receipt.accepted, receipt.rejected) == (1, 1)
    assert "m.timeless" in receipt.message
