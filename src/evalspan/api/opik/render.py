"""Merged traces as rows: which of them have to be written again, and what stands in them.

A write can change rows that nobody wrote: a span that turns out to belong to a metric takes its calls
with it, and a trace that turns out to be a case moves its spans into the experiment's project.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from evalspan.api.opik import cases, ids, rows
from evalspan.api.opik.cases import Case
from evalspan.api.opik.places import DEFAULT_PROJECT
from evalspan.api.opik.stored import Trace
from evalspan.errors import NotFoundError
from evalspan.experiments import Catalog, Experiment, StoredRecord

Place = tuple[str, str]
"""(dataset, record)."""


def request(catalog: Catalog, traces: Mapping[str, Trace], project: str) -> ExportTraceServiceRequest | None:
    """The rows to write, None for none. `project`: the key's.

    Raises:
        NotFoundError: there is no such experiment.
    """
    linked = [trace for trace in traces.values() if trace.item and "" in trace.changed]
    experiments = _experiments(catalog, linked)
    # What is written of a trace is kept also when its experiment has been deleted since.
    linked = [trace for trace in linked if trace.item and trace.item.experiment_id in experiments]
    for trace in linked:
        if trace.item and not trace.case_project:
            trace.case_project = experiments[trace.item.experiment_id].project
    records = _records(catalog, linked, experiments)
    spans: list[Span] = []
    for trace in traces.values():
        spans += _rows(trace, trace.project(project or DEFAULT_PROJECT))
    for trace in linked:
        if item := trace.item:
            found = records.get((experiments[item.experiment_id].dataset_id, item.record_id))
            made = Case(item, trace.case_project, experiments[item.experiment_id], found)
            spans.append(cases.span(trace.own, made))
    return rows.request(spans) if spans else None


def _experiments(catalog: Catalog, linked: Iterable[Trace]) -> dict[str, Experiment]:
    wanted = sorted({trace.item.experiment_id for trace in linked if trace.item})
    found: dict[str, Experiment] = {}
    for first in range(0, len(wanted), 1000):
        page = catalog.experiments.find(ids=wanted[first : first + 1000], limit=1000)
        found |= {each.experiment_id: each for each in page.items}
    for trace in linked:
        if trace.item and not trace.case_project and trace.item.experiment_id not in found:
            raise NotFoundError(f"There is no experiment {trace.item.experiment_id!r}.")
    return found


def _records(
    catalog: Catalog, linked: Iterable[Trace], experiments: dict[str, Experiment]
) -> dict[Place, StoredRecord]:
    """The records, as the experiment's version of the dataset has them."""
    wanted: defaultdict[tuple[str, int | None], set[str]] = defaultdict(set)
    for trace in linked:
        if trace.item:
            experiment = experiments[trace.item.experiment_id]
            wanted[experiment.dataset_id, experiment.dataset_version].add(trace.item.record_id)
    found: dict[Place, StoredRecord] = {}
    for (dataset, version), records in wanted.items():
        for page in _thousands(sorted(records)) if dataset else ():
            with contextlib.suppress(NotFoundError):  # the dataset was deleted
                there = catalog.records.find(dataset, version=version, record_ids=page, limit=1000).items
                found |= {(dataset, record.id): record for record in there}
    return found


def _thousands(many: Sequence[str]) -> Iterator[Sequence[str]]:
    return (many[first : first + 1000] for first in range(0, len(many), 1000))


def _rows(trace: Trace, project: str) -> Iterator[Span]:
    """The trace's own row and its spans', where they say something else than what is stored."""
    above = cases.span_id(trace.item) if trace.item else b""
    item = _stored_item(trace)
    said = bool(trace.own.fields) or trace.item is not None
    if said and ("" in trace.changed or trace.placements.get("") != (above.hex(), project, "")):
        yield rows.span(trace.own, above, project, "", item)
    for identity, document in trace.spans.items():
        given = document.fields.get("parent_span_id")
        parent = ids.span_id(given or trace.id)
        evaluator = rows.evaluator_of(document, trace.spans.get)
        if identity in trace.changed or trace.placements.get(identity) != (parent.hex(), project, evaluator):
            yield rows.span(document, parent, project, evaluator)


def _stored_item(trace: Trace) -> dict[str, Any] | None:
    if trace.item is None:
        return None
    fields = asdict(trace.item)
    del fields["trace"]
    return {**fields, "project": trace.case_project}
