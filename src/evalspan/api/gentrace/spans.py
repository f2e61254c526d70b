"""Spans of Gentrace's client, made into cases where they are test cases of an experiment.

A case carries its experiment, and the spans below it do not: the views find its case through their
parents. Nothing on the wire counts executions, so the case asks to be numbered by its start. What was
expected is not on the wire either; it is looked up by the test case's id.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from evalspan import attributes as names
from evalspan.api.datadog.otlp import attributes
from evalspan.api.gentrace import scores
from evalspan.experiments import Experiment
from evalspan.experiments.homes import HomedRecord
from evalspan.ingest.dialects import gentrace
from evalspan.model import Json, dump

_LONGEST_NAME: Final = 100
_INVALID: Final = "ValidationError"
_NAME: Final = "name"


@dataclass(frozen=True)
class Known:
    """What the store knows of the things that spans name."""

    experiment: Callable[[str], Experiment | None]
    test_case: Callable[[str, str], HomedRecord | None]
    """Of an id, preferably in a project."""
    pipeline: Callable[[str], str]
    """The name of a pipeline's project; '' where there is none."""


def translate(request: ExportTraceServiceRequest, known: Known) -> None:
    """Add what the ingest reads to every span of the client's own, in place."""
    for group in request.resource_spans:
        for scope in group.scope_spans:
            if scope.scope.name in gentrace.SCOPES:
                for span in scope.spans:
                    _translate(span, known)


def _translate(span: Span, known: Known) -> None:
    given = {pair.key: pair.value for pair in span.attributes}
    _say_errors_once(span, _text(given, names.ERROR_TYPE))
    if _text(given, gentrace.EXPERIMENT_ID):
        _make_case(span, given, known)
    elif gentrace.PIPELINE_ID in given and gentrace.IN_EXPERIMENT not in given:
        # Inside an experiment the case's project counts, whatever pipeline the function was made for.
        project = known.pipeline(_text(given, gentrace.PIPELINE_ID))
        span.attributes.extend(attributes({names.PROJECT_NAME: project}))


def _say_errors_once(span: Span, error_type: str) -> None:
    """An error that the client raises again is recorded again, and its message gets its type in front."""
    if error_type:
        span.status.message = span.status.message.removeprefix(f"{error_type}: ")
    seen: set[tuple[str, str]] = set()
    kept: list[Span.Event] = []
    for event in span.events:
        if event.name == names.EXCEPTION_EVENT:
            texts = {pair.key: pair.value.string_value for pair in event.attributes}
            said = texts.get(names.EXCEPTION_TYPE, ""), texts.get(names.EXCEPTION_MESSAGE, "")
            if said in seen:
                continue
            seen.add(said)
        kept.append(event)
    if len(kept) < len(span.events):
        del span.events[:]
        span.events.extend(kept)


def _make_case(span: Span, given: Mapping[str, AnyValue], known: Known) -> None:
    experiment = known.experiment(_text(given, gentrace.EXPERIMENT_ID))
    test_case_id = _text(given, gentrace.TEST_CASE_ID)
    project_id = experiment.project_id if experiment else ""
    home = known.test_case(test_case_id, project_id) if test_case_id else None
    args = _event(span, gentrace.ARGS_EVENT, gentrace.ARGS)
    result = _event(span, gentrace.OUTPUT_EVENT, gentrace.OUTPUT)
    values: dict[str, Any] = {
        names.SPAN_TYPE: names.CASE,
        names.OUTPUT: "null" if result is None else None,  # as of every client's case that failed
        names.EXPERIMENT_ID: _text(given, gentrace.EXPERIMENT_ID),
        names.RUN_ITERATION_BY_START: True,
        names.RECORD_ID: test_case_id or _identity(span, given, args),
        **_of_experiment(experiment),
        **_of_record(home),
        **_metadata(given, home),
    }
    added = {key: value for key, value in values.items() if key not in given}
    span.attributes.extend(attributes(added))
    is_eval = not test_case_id and not isinstance(args, list)  # those of a dataset are called with a list
    span.events.extend(scores.events(span, given, result, whole=is_eval))


def _of_experiment(experiment: Experiment | None) -> dict[str, Any]:
    if not experiment:
        return {}
    return {
        names.PROJECT_NAME: experiment.project,
        names.EXPERIMENT_NAME: experiment.experiment,
        names.TEST_SUITE_NAME: experiment.experiment,
    }


def _of_record(home: HomedRecord | None) -> dict[str, Any]:
    if not home:
        return {}
    expected = home.record.expected_output
    return {
        names.DATASET_ID: home.dataset_id,
        names.DATASET_NAME: home.dataset,
        names.DATASET_VERSION: home.version,
        names.EXPECTED_OUTPUT: None if expected is None else dump(expected),
        names.TAGS: home.record.tags or None,
    }


def _metadata(given: Mapping[str, AnyValue], home: HomedRecord | None) -> dict[str, Any]:
    """The record's, then what `eval` or the code that was run put on the span, and the case's name."""
    found: dict[str, Any] = {_NAME: _text(given, gentrace.TEST_CASE_NAME)}
    if home:
        found |= {
            key: value if isinstance(value, str | bool | int | float) else dump(value)
            for key, value in home.record.metadata.items()
        }
    for key, value in given.items():
        if not key.startswith(gentrace.NOT_METADATA) and scores.number(key, value) is None:
            found[key] = _plain(value)
    return {names.METADATA_PREFIX + key: value for key, value in found.items()}


def _identity(span: Span, given: Mapping[str, AnyValue], args: Json) -> str:
    """The record of a case without an id: its name and its inputs are what is known of it, so the same
    two are the same record, in every run. Inputs that were refused are not on the span: then it is its
    own."""
    name = _text(given, gentrace.TEST_CASE_NAME)
    refused = args is None and _text(given, names.ERROR_TYPE) == _INVALID
    content = span.span_id.hex() if refused else json.dumps(args, sort_keys=True)
    digest = blake2b(f"{name}\0{content}".encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
    return f"{name[:_LONGEST_NAME]}-{digest}"


def _event(span: Span, name: str, key: str) -> Json:
    """What one of the client's events holds; None where it is not there."""
    texts: Iterable[str] = (
        pair.value.string_value
        for event in span.events
        if event.name == name
        for pair in event.attributes
        if pair.key == key
    )
    text = next(iter(texts), None)
    return None if text is None else gentrace.loads(text)


def _plain(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind in ("string_value", "bool_value", "int_value", "double_value"):
        return getattr(value, kind)
    if kind == "array_value":
        return [_plain(item) for item in value.array_value.values]
    return ""


def _text(given: Mapping[str, AnyValue], key: str) -> str:
    return given[key].string_value if key in given else ""
