"""Spans, from OTLP to rows.

A span is rejected only when it could not be found or ordered again: an id that is zero or of the
wrong length, a start that is 0 or beyond 2262. All else is kept as it came: an end before the start
becomes a duration of 0, with the stated end in an attribute (`evalspan.end_time_unix_nano`).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final
from urllib.parse import unquote

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from evalspan import attributes as names
from evalspan.ingest import cases, evaluations, marks, prices, values
from evalspan.ingest.batch import MAX_NS, Batch, Row
from evalspan.ingest.cases import Case, Identity
from evalspan.ingest.dialect import Event, Facts, View
from evalspan.ingest.plan import Plans

TABLE: Final = "spans_data"
COLUMNS: Final = (
    "experiment_id", "trace_id", "span_id", "parent_span_id", "trace_state", "flags", "run_id",
    "run_iteration", "record_id", "evaluator", "project", "experiment", "dataset_id", "dataset",
    "dataset_version",
    "name", "kind", "span_type", "start_time", "duration_ns", "status", "status_message", "error_type",
    "provider", "request_model", "response_model", "response_id", "finish_reasons", "input_tokens",
    "output_tokens", "total_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens",
    "cost_usd", "cost_source", "time_to_first_token", "session_id", "user_id", "input", "output",
    "expected_output", "metadata", "experiment_metadata", "tags", "attributes", "attribute_types",
    "events", "links", "dropped_attributes", "dropped_events", "dropped_links", "dialect", "service_name",
    "resource_attributes", "resource_attribute_types", "scope_name", "scope_version", "scope_attributes",
    "scope_attribute_types",
)  # fmt: skip

_KINDS: Final = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
_STATUSES: Final = ("unset", "ok", "error")
_ZERO_TRACE: Final = bytes(16)
_ZERO_SPAN: Final = bytes(8)
_MAX_UINT64: Final = 2**64 - 1
_PAID: Final = frozenset({names.LLM, names.EMBEDDING})

Shared = tuple[str, dict[str, str], dict[str, str], str, str, dict[str, str], dict[str, str]]
"""What the spans of one scope share: the last columns of every row."""


def decode(request: ExportTraceServiceRequest, batch: Batch, plans: Plans) -> None:
    """Add every good span of a request to the batch."""
    for group in request.resource_spans:
        resource, resource_types = values.encode_all(group.resource.attributes)
        service_name = resource.get(names.SERVICE_NAME, "")
        for scope_group in group.scope_spans:
            scope = scope_group.scope
            own = values.encode_all(scope.attributes)
            shared: Shared = (service_name, resource, resource_types, scope.name, scope.version, *own)
            for span in scope_group.spans:
                if _acceptable(span, batch):
                    _add(span, shared, batch, plans)
                    batch.accepted += 1


def _acceptable(span: Span, batch: Batch) -> bool:
    trace_id, span_id = span.trace_id, span.span_id
    if len(trace_id) != 16 or trace_id == _ZERO_TRACE:
        reason = "trace_id must be 16 bytes and not zero"
    elif len(span_id) != 8 or span_id == _ZERO_SPAN:
        reason = "span_id must be 8 bytes and not zero"
    elif span.start_time_unix_nano == 0:
        reason = "start_time_unix_nano is 0"
    elif span.start_time_unix_nano > MAX_NS:
        reason = "start_time_unix_nano is after 2262-04-11"
    else:
        return True
    example = (
        f"span {span.name!r}: trace_id={trace_id.hex()!r}, span_id={span_id.hex()!r}, "
        f"start_time_unix_nano={span.start_time_unix_nano}"
    )
    batch.findings.reject(reason, example)
    return False


def _add(span: Span, shared: Shared, batch: Batch, plans: Plans) -> None:
    trace_id = span.trace_id.hex()
    start = span.start_time_unix_nano
    texts, types = values.encode_all(span.attributes)
    events = _events(span, batch) if span.events else []
    view = View(texts, types, events, start)
    plan = plans.of(shared[3], view)
    facts = plan.read(view)
    who, case = cases.NOBODY, cases.NO_CASE
    if plan.ours:
        who = cases.identity(view)
        case = cases.case(view, who, facts.span_type, plan.case_keys)
        facts.span_type = texts.get(names.SPAN_TYPE, "").upper() or facts.span_type
        if case.is_case:
            facts.span_type = names.CASE
            _check_iteration(span, view, who, batch)
            cases.complete(who, trace_id)
            _note_experiment(who, case, start, batch)
            if who.by_start:
                batch.marks.add(marks.of(who.experiment_id, trace_id, _parent(span.parent_span_id)))
    if events:
        _evaluation_events(events, trace_id, span.span_id.hex(), shared[0], who, batch)
    batch.add(TABLE, _row(span, trace_id, view, facts, who, case, plan.dialect, shared, batch))
    batch.dialects[plan.dialect] += 1


def _row(
    span: Span,
    trace_id: str,
    view: View,
    facts: Facts,
    who: Identity,
    case: Case,
    dialect: str,
    shared: Shared,
    batch: Batch,
) -> Row:
    # Work that changes the maps or the facts comes first: the row only reads them.
    status = span.status.code
    error_type = _error_type(view, status)
    duration = _duration(span, view, batch)
    cost, cost_source = _cost(facts, view.start_ns)
    if facts.span_type == names.LLM and facts.input_tokens is None and facts.output_tokens is None:
        batch.llm_spans_without_tokens += 1
    input, output, expected = _long_texts(view, facts, case)
    return (
        who.experiment_id,
        trace_id,
        span.span_id.hex(),
        _parent(span.parent_span_id),
        span.trace_state,
        span.flags,
        who.run_id,
        who.run_iteration,
        who.record_id,
        _evaluator(span, view),
        who.project,
        who.experiment,
        who.dataset_id,
        who.dataset,
        who.dataset_version,
        span.name,
        _name_of(_KINDS, span.kind),
        facts.span_type or names.OTHER,
        view.start_ns,
        duration,
        _name_of(_STATUSES, status),
        span.status.message,
        error_type,
        facts.provider,
        facts.request_model,
        facts.response_model,
        facts.response_id,
        facts.finish_reasons,
        facts.input_tokens,
        facts.output_tokens,
        _total(facts),
        facts.cache_read_tokens,
        facts.cache_write_tokens,
        facts.reasoning_tokens,
        cost,
        cost_source,
        facts.time_to_first_token,
        facts.session_id,
        facts.user_id,
        input,
        output,
        expected,
        case.metadata,
        case.experiment_metadata,
        case.tags,
        view.texts,
        view.types,
        view.events,
        _links(span) if span.links else (),
        span.dropped_attributes_count,
        span.dropped_events_count,
        span.dropped_links_count,
        dialect,
        *shared,
    )


def _evaluator(span: Span, view: View) -> str:
    """The evaluator that a span worked for; a service that it called knows it by the trace state only."""
    stated = view.texts.get(names.EVALUATOR_NAME, "")
    if stated or names.TRACE_STATE_EVALUATOR not in span.trace_state:
        return stated
    for member in span.trace_state.split(","):
        key, _, value = member.strip().partition("=")
        if key == names.TRACE_STATE_EVALUATOR:
            return unquote(value)
    return ""


def _long_texts(view: View, facts: Facts, case: Case) -> tuple[str, str, str]:
    """(input, output, expected output); an attribute that is the text of one moves to it."""
    input = _moved(view, case.input_key or facts.input_key, "input", facts.input)
    output = _moved(view, case.output_key or facts.output_key, "output", facts.output)
    return input, output, _moved(view, case.expected_key, "expected_output", "")


def _moved(view: View, key: str, column: str, otherwise: str) -> str:
    if not key or key not in view.texts:
        return otherwise
    text = view.texts[key]
    values.move(view.texts, view.types, key, column)
    return text


def _duration(span: Span, view: View, batch: Batch) -> int:
    end = span.end_time_unix_nano
    if end >= view.start_ns:
        return end - view.start_ns
    view.texts[names.STATED_END_TIME] = str(end)
    view.types[names.STATED_END_TIME] = values.INT
    batch.findings.warn(
        "end_time_unix_nano is before the start, so the duration is stored as 0",
        f"span {span.name!r}: start {view.start_ns}, end {end}",
    )
    return 0


def _error_type(view: View, status: int) -> str:
    stated = view.texts.get(names.ERROR_TYPE, "")
    if stated or status != Status.STATUS_CODE_ERROR:
        return stated
    found = [
        texts.get(names.EXCEPTION_TYPE, "")
        for _, name, texts, _, _ in view.events
        if name == names.EXCEPTION_EVENT
    ]
    return found[-1] if found else ""


def _total(facts: Facts) -> int | None:
    if facts.total_tokens is not None or facts.input_tokens is None:
        return facts.total_tokens
    if facts.output_tokens is None:
        return facts.input_tokens if facts.span_type == names.EMBEDDING else None
    total = facts.input_tokens + facts.output_tokens
    return total if total <= _MAX_UINT64 else None


def _cost(facts: Facts, start_ns: int) -> tuple[Decimal | None, str]:
    """(US dollars, where they come from). Only spans that are themselves paid calls are priced."""
    if facts.span_type not in _PAID:
        return facts.cost_usd, "" if facts.cost_usd is None else prices.REPORTED
    return prices.quote(
        facts.provider, facts.request_model, facts.response_model, start_ns, _usage(facts), facts.cost_usd
    )


def _usage(facts: Facts) -> prices.Tokens | None:
    output = 0 if facts.span_type == names.EMBEDDING and facts.output_tokens is None else facts.output_tokens
    if facts.input_tokens is None or output is None:
        return None
    return facts.input_tokens, output, facts.cache_read_tokens or 0, facts.cache_write_tokens or 0


def _events(span: Span, batch: Batch) -> list[Event]:
    events: list[Event] = []
    for event in span.events:
        texts, types = values.encode_all(event.attributes)
        time = event.time_unix_nano
        if time > MAX_NS:
            texts[names.STATED_EVENT_TIME] = str(time)  # as a string: an int of OTLP ends at 2^63
            types.pop(names.STATED_EVENT_TIME, None)
            batch.findings.warn("the time of a span event is after 2262-04-11", f"{event.name!r} at {time}")
            time = 0
        events.append((time, event.name, texts, types, event.dropped_attributes_count))
    return events


def _links(span: Span) -> list[tuple[object, ...]]:
    return [
        (
            link.trace_id.hex(),
            link.span_id.hex(),
            link.trace_state,
            link.flags,
            *values.encode_all(link.attributes),
            link.dropped_attributes_count,
        )
        for link in span.links
    ]


def _evaluation_events(
    events: Sequence[Event], trace_id: str, span_id: str, service_name: str, who: Identity, batch: Batch
) -> None:
    for time, name, texts, types, _ in events:
        if name == names.EVALUATION_RESULT:
            view = View(texts, types, [], time)
            if not evaluations.add(batch, view, trace_id, span_id, service_name, who):
                # The span is kept with its event, so this is no rejected span.
                batch.findings.warn(evaluations.NAMELESS, f"on span {span_id} of trace {trace_id}")


def _check_iteration(span: Span, view: View, who: Identity, batch: Batch) -> None:
    """Counted from 0, the first two iterations of a record would be one, and one of them lost."""
    stated = view.texts.get(names.RUN_ITERATION) or view.texts.get(names.TEST_CASE_RUN_ATTEMPT, "")
    if stated and not who.run_iteration:
        batch.findings.warn(
            f"{names.RUN_ITERATION} must be a whole number from 1, and is taken as 1",
            f"{stated!r} on span {span.name!r} of trace {span.trace_id.hex()}, record {who.record_id!r}",
        )


def _note_experiment(who: Identity, case: Case, start: int, batch: Batch) -> None:
    moment = start // 1000
    known = batch.experiments.get(who.experiment_id)
    if known and known[-2] <= moment:
        return
    metadata = case.experiment_metadata
    batch.experiments[who.experiment_id] = (
        who.experiment_id,
        who.dataset_id,
        who.dataset_version,
        who.project,
        who.dataset,
        who.experiment,
        who.experiment,
        values.object_text(metadata),
        metadata,
        moment,
        moment,
        0,
    )


def _parent(raw: bytes) -> str:
    return "" if not raw or raw == _ZERO_SPAN else raw.hex()


def _name_of(known: tuple[str, ...], number: int) -> str:
    return known[number] if 0 <= number < len(known) else str(number)
