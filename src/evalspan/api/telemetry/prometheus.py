"""Metrics in the Prometheus text format, with the names that OpenTelemetry's rules give them.

https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/ and
https://prometheus.io/docs/instrumenting/exposition_formats/. Written here because the exporter of
opentelemetry-python is a beta with a registry of its own in between.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Any, Final

from opentelemetry.sdk.metrics.export import Gauge, Histogram, HistogramDataPoint, Metric, MetricsData, Sum

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_UNITS: Final = {"s": "seconds", "By": "bytes"}
_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_HELP_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n"})


def render(data: MetricsData) -> str:
    """The text of one scrape. Every metric is cumulative."""
    lines: list[str] = []
    for resource in data.resource_metrics:
        lines += ["# HELP target_info The service.", "# TYPE target_info gauge"]
        lines.append(f"target_info{_labels(resource.resource.attributes)} 1")
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                lines += _family(metric)
    return "\n".join(lines) + "\n"


def _family(metric: Metric) -> Iterator[str]:
    name, kind = _name(metric), _kind(metric)
    yield f"# HELP {name} {(metric.description or '').translate(_HELP_ESCAPES)}"
    yield f"# TYPE {name} {kind}"
    for point in metric.data.data_points:
        if isinstance(point, HistogramDataPoint):
            yield from _histogram(name, point)
        elif isinstance(metric.data, Sum | Gauge):
            yield f"{name}{_labels(point.attributes)} {_number(getattr(point, 'value', math.nan))}"


def _histogram(name: str, point: HistogramDataPoint) -> Iterator[str]:
    bounds = [*(_number(bound) for bound in point.explicit_bounds), "+Inf"]
    for bound, count in zip(bounds, accumulate(point.bucket_counts), strict=True):
        yield f"{name}_bucket{_labels(point.attributes, le=bound)} {count}"
    yield f"{name}_sum{_labels(point.attributes)} {_number(point.sum)}"
    yield f"{name}_count{_labels(point.attributes)} {point.count}"


def _name(metric: Metric) -> str:
    unit = _UNITS.get(metric.unit or "", "")
    parts = [re.sub(r"[^a-zA-Z0-9_]", "_", metric.name)]
    if unit and not parts[0].endswith(f"_{unit}"):
        parts.append(unit)
    if _kind(metric) == "counter":
        parts.append("total")
    return "_".join(parts)


def _kind(metric: Metric) -> str:
    if isinstance(metric.data, Histogram):
        return "histogram"
    return "counter" if isinstance(metric.data, Sum) and metric.data.is_monotonic else "gauge"


def _labels(attributes: Mapping[str, Any] | None, **more: str) -> str:
    pairs = [(re.sub(r"[^a-zA-Z0-9_]", "_", key), str(value)) for key, value in _sorted(attributes)]
    pairs += more.items()
    return "{" + ",".join(f'{key}="{text.translate(_ESCAPES)}"' for key, text in pairs) + "}" if pairs else ""


def _sorted(attributes: Mapping[str, Any] | None) -> Iterable[tuple[str, Any]]:
    return sorted((attributes or {}).items())


def _number(value: float) -> str:
    """As Go reads numbers; whole ones without a point."""
    if math.isinf(value) or math.isnan(value):
        return {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, "NaN")
    return str(int(value)) if value == int(value) else repr(float(value))
