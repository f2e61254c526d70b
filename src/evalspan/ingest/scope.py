"""What arrives with the key of a project: only that project's.

An item that names another project, or an experiment of another one, is refused alone. What names
none is stamped with the key's project, which its rows then carry: a span and a score as an attribute
of their own, other log records and metrics in their resource.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from evalspan import attributes as names
from evalspan.ingest import cases, values
from evalspan.ingest.cases import Identity
from evalspan.ingest.owners import Owners
from evalspan.ingest.receipt import Findings
from evalspan.ingest.signals import PARTS, Signal

_EXPERIMENTS: Final = frozenset({names.EXPERIMENT_ID, names.TEST_SUITE_RUN_ID})
_EXPERIMENT_NAMES: Final = frozenset({names.EXPERIMENT_NAME, names.TEST_SUITE_NAME})


def admit(signal: Signal, request: Any, project: str, owners: Owners, findings: Findings) -> None:
    """Take out of a request what is not of the project, with the reason, and stamp the rest."""
    parts = PARTS[signal]
    foreign = owners.foreign(project, set(_experiments(signal, request, project)))
    for group in getattr(request, parts.groups):
        attributes = group.resource.attributes
        refusal = _refusal(attributes, project, foreign)
        for scope in getattr(group, parts.scope_groups):
            items = getattr(scope, parts.items)
            kept = [item for item in items if not _refused(signal, item, project, foreign, refusal, findings)]
            if len(kept) < len(items):
                del items[:]
                items.extend(kept)
        if signal is not Signal.TRACES and not refusal:
            _stamp(attributes, project)


def _refused(
    signal: Signal, item: Any, project: str, foreign: set[str], refusal: str, findings: Findings
) -> bool:
    """Whether an item is refused; else it is stamped."""
    for attributes in _attributes(signal, item):
        refusal = refusal or _refusal(attributes, project, foreign)
    if refusal:
        what = getattr(item, "name", "") or getattr(item, "event_name", "")
        example = f"{what!r}, sent with a key of the project {project!r}"
        findings.reject(refusal, example, _count(item) if signal is Signal.METRICS else 1)
    elif signal is Signal.TRACES or (signal is Signal.LOGS and _is_score(item)):
        _stamp(item.attributes, project)
    return bool(refusal)


def _refusal(attributes: Sequence[KeyValue], project: str, foreign: set[str]) -> str:
    """Why what carries these attributes is refused, or ''. A key may stand there more than once."""
    for pair in attributes:
        if pair.key == names.PROJECT_NAME and _text(pair.value) not in ("", project):
            return "the API key is of another project than the one that is named"
        if pair.key in _EXPERIMENTS and _text(pair.value) in foreign:
            return "the API key is of another project than the experiment"
        if pair.key in _EXPERIMENT_NAMES and _derived(pair, project) in foreign:
            return "the API key is of another project than the experiment"
    return ""


def _experiments(signal: Signal, request: Any, project: str) -> Iterator[str]:
    """The ids of every experiment that a request names."""
    parts = PARTS[signal]
    for group in getattr(request, parts.groups):
        for scope in getattr(group, parts.scope_groups):
            for item in getattr(scope, parts.items):
                for attributes in _attributes(signal, item):
                    yield from _named(attributes, project)


def _named(attributes: Iterable[KeyValue], project: str) -> Iterator[str]:
    stated = [_text(pair.value) for pair in attributes if pair.key in _EXPERIMENTS]
    if any(stated):
        yield from filter(None, stated)
    else:
        yield from filter(
            None, (_derived(pair, project) for pair in attributes if pair.key in _EXPERIMENT_NAMES)
        )


def _attributes(signal: Signal, item: Any) -> Iterator[Any]:
    """Where an item can say whose it is."""
    if signal is Signal.METRICS:
        return
    yield item.attributes
    if signal is Signal.TRACES:
        yield from (event.attributes for event in item.events if event.name == names.EVALUATION_RESULT)


def _is_score(record: Any) -> bool:
    event = record.event_name or next(
        (_text(pair.value) for pair in record.attributes if pair.key == names.EVENT_NAME), ""
    )
    return event == names.EVALUATION_RESULT


def _derived(pair: KeyValue, project: str) -> str:
    return cases.derived_id(Identity(project=project, experiment=_text(pair.value)))


def _stamp(attributes: Any, project: str) -> None:
    """Name the project. What is there says the same, or nothing."""
    for pair in attributes:
        if pair.key == names.PROJECT_NAME:
            pair.value.CopyFrom(AnyValue(string_value=project))
            return
    attributes.append(KeyValue(key=names.PROJECT_NAME, value=AnyValue(string_value=project)))


def _count(metric: Any) -> int:
    kind = metric.WhichOneof("data")
    return len(getattr(metric, kind).data_points) if kind else 0


def _text(value: AnyValue) -> str:
    return values.encode(value)[0]
