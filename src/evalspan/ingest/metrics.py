"""Metric data points, from OTLP to rows: one row per point, whatever its kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Any, Final

import orjson
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    SummaryDataPoint,
)

from evalspan import attributes as names
from evalspan.ingest import values
from evalspan.ingest.batch import MAX_NS, Batch

TABLE: Final = "metric_points_data"
_SHARED: Final = (
    "service_name", "resource_attributes", "resource_attribute_types", "scope_name", "scope_version",
)  # fmt: skip
_METRIC: Final = ("metric", "unit", "description", "type", "temporality", "monotonic")
_POINT: Final = (
    "timestamp", "start_time", "flags", "attributes", "attribute_types", "series_hash", "exemplars",
)  # fmt: skip
_VALUES: Final[dict[str, Any]] = {
    "value_double": None, "value_int": None, "count": None, "sum": None, "min": None, "max": None,
    "bucket_counts": (), "explicit_bounds": (), "scale": None, "zero_count": None, "zero_threshold": None,
    "positive_offset": None, "positive_bucket_counts": (), "negative_offset": None,
    "negative_bucket_counts": (), "quantiles": (),
}  # fmt: skip
COLUMNS: Final = (*_METRIC, *_POINT, *_VALUES, *_SHARED)
_TEMPORALITIES: Final = ("unspecified", "delta", "cumulative")

Point = NumberDataPoint | HistogramDataPoint | ExponentialHistogramDataPoint | SummaryDataPoint
Shared = tuple[str, dict[str, str], dict[str, str], str, str]


def decode(request: ExportMetricsServiceRequest, batch: Batch) -> None:
    """Add every good point of a request to the batch."""
    for group in request.resource_metrics:
        resource, resource_types = values.encode_all(group.resource.attributes)
        origin = group.resource.SerializeToString(deterministic=True)
        service_name = resource.get(names.SERVICE_NAME, "")
        for scope_group in group.scope_metrics:
            scope = scope_group.scope
            shared: Shared = (service_name, resource, resource_types, scope.name, scope.version)
            seed = blake2b(origin + scope.SerializeToString(deterministic=True)).digest()
            for metric in scope_group.metrics:
                _decode_metric(metric, shared, seed, batch)


def _decode_metric(metric: Metric, shared: Shared, seed: bytes, batch: Batch) -> None:
    kind = metric.WhichOneof("data")
    if kind is None:
        return  # a metric without points: nothing to keep, nothing to reject
    data = getattr(metric, kind)
    temporality = getattr(data, "aggregation_temporality", 0)
    head = (
        metric.name,
        metric.unit,
        metric.description,
        kind,
        _TEMPORALITIES[temporality] if 0 <= temporality < len(_TEMPORALITIES) else str(temporality),
        bool(getattr(data, "is_monotonic", False)),
    )
    points: Iterable[Point] = data.data_points
    for point in points:
        if _acceptable(metric.name, point, batch):
            measured = {**_VALUES, **_READ[kind](point)}
            batch.add(TABLE, (*head, *_point(point, seed), *measured.values(), *shared))
            batch.accepted += 1


def _acceptable(name: str, point: Point, batch: Batch) -> bool:
    if point.time_unix_nano == 0:
        reason = "time_unix_nano is 0"
    elif max(point.time_unix_nano, point.start_time_unix_nano) > MAX_NS:
        reason = "the time is after 2262-04-11"
    else:
        return True
    batch.findings.reject(reason, f"metric {name!r}: time_unix_nano={point.time_unix_nano}")
    return False


def _point(point: Point, seed: bytes) -> tuple[Any, ...]:
    texts, types = values.encode_all(point.attributes)
    series = orjson.dumps([texts, types], option=orjson.OPT_SORT_KEYS)
    digest = blake2b(series, digest_size=8, key=seed).digest()
    return (
        point.time_unix_nano,
        point.start_time_unix_nano,
        point.flags,
        texts,
        types,
        int.from_bytes(digest),
        _exemplars(point),
    )


def _exemplars(point: Point) -> str:
    """JSON, as OTLP/JSON writes exemplars; '' for none."""
    if isinstance(point, SummaryDataPoint) or not point.exemplars:
        return ""
    found: list[dict[str, Any]] = []
    for exemplar in point.exemplars:
        form = MessageToDict(exemplar)
        form.update({"traceId": exemplar.trace_id.hex(), "spanId": exemplar.span_id.hex()})
        found.append(form)
    return orjson.dumps(found).decode()


def _number(point: NumberDataPoint) -> dict[str, Any]:
    match point.WhichOneof("value"):
        case "as_int":
            return {"value_int": point.as_int}
        case "as_double":
            return {"value_double": point.as_double}
        case _:
            return {}


def _sums(point: HistogramDataPoint | ExponentialHistogramDataPoint) -> dict[str, Any]:
    """Sum, minimum and maximum, which a histogram may leave out."""
    given = {name for name in ("sum", "min", "max") if point.HasField(name)}  # pyright: ignore[reportArgumentType] (a literal of the stub)
    return {"count": point.count, **{name: getattr(point, name) for name in given}}


def _histogram(point: HistogramDataPoint) -> dict[str, Any]:
    return {
        **_sums(point),
        "bucket_counts": list(point.bucket_counts),
        "explicit_bounds": list(point.explicit_bounds),
    }


def _exponential(point: ExponentialHistogramDataPoint) -> dict[str, Any]:
    return {
        **_sums(point),
        "scale": point.scale,
        "zero_count": point.zero_count,
        "zero_threshold": point.zero_threshold,
        "positive_offset": point.positive.offset,
        "positive_bucket_counts": list(point.positive.bucket_counts),
        "negative_offset": point.negative.offset,
        "negative_bucket_counts": list(point.negative.bucket_counts),
    }


def _summary(point: SummaryDataPoint) -> dict[str, Any]:
    quantiles = [(item.quantile, item.value) for item in point.quantile_values]
    return {"count": point.count, "sum": point.sum, "quantiles": quantiles}


_READ: Final[dict[str, Callable[[Any], dict[str, Any]]]] = {
    "gauge": _number,
    "sum": _number,
    "histogram": _histogram,
    "exponential_histogram": _exponential,
    "summary": _summary,
}
