"""OTLP messages of every shape that protobuf can hold, the odd ones often."""

from __future__ import annotations

import itertools
import json
from typing import Any, Final

from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Exemplar, Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from fuzz import seeds
from ingest.build import START

_numbers = itertools.count(1)
_HARD: Final = (
    "", "null", '"', '"x"', "[", "[" * 300 + "]" * 300, '{"a":' * 260 + "1" + "}" * 260, "0" * 5000 + "1",
    "1" * 400, "18446744073709551616", "18446744073709551615", "-1", "1e400", "1e-400", "NaN", "²", "1_0",
    "٣", "9007199254740993.0", "\0", "\U0010ffff", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
    '{"input": 1e300, "input_cached_tokens": 18446744073709551615}', '["a", {"b": [null]}]', "CASE", "chat",
)  # fmt: skip
_ODD_KEYS: Final = (
    "llm.input_messages." + "a." * 3000,
    "gen_ai.prompt." + "9" * 5000,
    "llm.input_messages.message",
)

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
texts = text | st.sampled_from(_HARD)
keys = (
    st.sampled_from(seeds.attribute_names())
    | st.sampled_from(_ODD_KEYS)
    | text.filter(seeds.STATED.isdisjoint)
)
unsigned = st.sampled_from([0, 1, 2**63 - 1, 2**63, 2**64 - 1, START]) | st.integers(0, 2**64 - 1)
small = st.sampled_from([0, 1, 2**32 - 1]) | st.integers(0, 2**32 - 1)
enum = st.sampled_from([0, 1, 3, 99, 300, -1, 2**31 - 1, -(2**31)])
doubles = st.floats()

scalars = st.one_of(
    texts.map(lambda given: AnyValue(string_value=given)),
    st.booleans().map(lambda given: AnyValue(bool_value=given)),
    st.integers(-(2**63), 2**63 - 1).map(lambda given: AnyValue(int_value=given)),
    doubles.map(lambda given: AnyValue(double_value=given)),
    st.binary(max_size=8).map(lambda given: AnyValue(bytes_value=given)),
    st.just(AnyValue()),
)


def _array(items: list[AnyValue]) -> AnyValue:
    return AnyValue(array_value=ArrayValue(values=items))


def _map(items: list[tuple[str, AnyValue]]) -> AnyValue:
    pairs = [KeyValue(key=key, value=item) for key, item in items]
    return AnyValue(kvlist_value=KeyValueList(values=pairs))


any_values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3).map(_array) | st.lists(st.tuples(text, inner), max_size=3).map(_map)
    ),
    max_leaves=10,
)
attributes = st.lists(st.builds(KeyValue, key=keys, value=any_values), max_size=6)
times = st.just(START) | unsigned


@st.composite
def trace_ids(draw: st.DrawFn) -> bytes:
    """Mostly good ones, which no other message has."""
    good = next(_numbers).to_bytes(8) + draw(st.binary(min_size=8, max_size=8))
    return draw(st.sampled_from([good, good, good, good, b"", bytes(16), good[:15], good + b"\0"]))


def span_ids() -> st.SearchStrategy[bytes]:
    return st.binary(min_size=8, max_size=8) | st.sampled_from([b"\1" * 8, b"", bytes(8), b"\1" * 7])


events = st.builds(
    Span.Event,
    name=texts
    | st.sampled_from(["exception", "gen_ai.evaluation.result", "gen_ai.user.message", "gen_ai.choice"]),
    time_unix_nano=times,
    attributes=attributes,
    dropped_attributes_count=small,
)
links = st.builds(
    Span.Link,
    trace_id=st.binary(max_size=17),
    span_id=st.binary(max_size=9),
    trace_state=texts,
    flags=small,
    attributes=attributes,
    dropped_attributes_count=small,
)
spans = st.builds(
    Span,
    trace_id=trace_ids(),
    span_id=span_ids(),
    parent_span_id=st.binary(max_size=9),
    trace_state=texts | st.just("evalspan=x,evalspan_evaluator=%ff"),
    flags=small,
    name=texts,
    kind=enum,
    start_time_unix_nano=times,
    end_time_unix_nano=times,
    attributes=attributes,
    events=st.lists(events, max_size=2),
    links=st.lists(links, max_size=2),
    dropped_attributes_count=small,
    dropped_events_count=small,
    dropped_links_count=small,
    status=st.builds(Status, code=enum, message=texts),
)
records = st.builds(
    LogRecord,
    time_unix_nano=times,
    observed_time_unix_nano=times,
    severity_number=enum,
    severity_text=texts,
    event_name=texts | st.just("gen_ai.evaluation.result"),
    body=any_values,
    attributes=attributes,
    trace_id=trace_ids(),
    span_id=span_ids(),
    flags=small,
    dropped_attributes_count=small,
)
exemplars = st.builds(
    Exemplar,
    filtered_attributes=attributes,
    time_unix_nano=unsigned,
    as_double=doubles,
    span_id=st.binary(max_size=9),
    trace_id=st.binary(max_size=17),
)
_signed = st.sampled_from([0, 2**31 - 1, -(2**31)])
_counts = st.lists(unsigned, max_size=3)
_point: dict[str, Any] = {
    "attributes": attributes,
    "time_unix_nano": times,
    "start_time_unix_nano": times,
    "flags": small,
}
_sums: dict[str, Any] = {"count": unsigned, "sum": doubles, "min": doubles, "max": doubles}
_FIELDS: Final[dict[str, dict[str, Any]]] = {
    "gauge": {"as_double": doubles, "exemplars": st.lists(exemplars, max_size=2)},
    "sum": {"as_int": st.integers(-(2**63), 2**63 - 1)},
    "histogram": {**_sums, "bucket_counts": _counts, "explicit_bounds": st.lists(doubles, max_size=3)},
    "exponential_histogram": {**_sums, "scale": _signed, "zero_count": unsigned, "zero_threshold": doubles},
    "summary": {"count": unsigned, "sum": doubles},
}


@st.composite
def measurements(draw: st.DrawFn) -> Metric:
    """A metric of any kind, its points included."""
    metric = Metric(name=draw(texts), unit=draw(texts), description=draw(texts))
    kind = draw(st.sampled_from(sorted(_FIELDS)))
    data = getattr(metric, kind)
    data.SetInParent()
    if kind not in ("gauge", "summary"):
        data.aggregation_temporality = draw(enum)
    for _ in range(draw(st.integers(0, 2))):
        data.data_points.add(**draw(st.fixed_dictionaries({**_point, **_FIELDS[kind]})))
    return metric


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from([10**400, 2**64]) | st.floats() | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(texts.filter(lambda key: len(key) < 50), inner, max_size=3)
    ),
    max_leaves=8,
)


def dumped(value: Any) -> bytes:
    """JSON as loosely as clients write it: NaN, half characters, numbers of any length."""
    return json.dumps(value).encode()
