"""What the store holds of Opik's traces: the state that the next write is merged into."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from evalspan.api.opik import ids, rows
from evalspan.api.opik.merging import Document
from evalspan.api.opik.writes import Item, Write
from evalspan.errors import ForbiddenError
from evalspan.store import Store, sql

Placement = tuple[str, str, str]
"""(parent's span id, project, evaluator): what a row says that its own document does not."""

NOWHERE: Final[Placement] = ("", "", "")


@dataclass
class Trace:
    """A trace with its spans, as merged so far."""

    id: str
    own: Document
    spans: dict[str, Document] = field(default_factory=dict[str, Document])
    item: Item | None = None
    case_project: str = ""
    """The project of its case's row; all its rows carry it, so that the views join them."""
    placements: dict[str, Placement] = field(default_factory=dict[str, Placement])
    """By span ('' for the trace itself), as stored."""
    changed: set[str] = field(default_factory=set[str])

    def document(self, span: str) -> Document:
        return self.own if not span else self.spans.setdefault(span, Document(self.id, span))

    def apply(self, write: Write) -> None:
        if self.document(write.span).apply(write) or write.span not in self.placements:
            self.changed.add(write.span)

    def project(self, otherwise: str) -> str:
        """Where its rows belong: with its case, else where its writers said."""
        if self.case_project:
            return self.case_project
        documents = (self.own, *(self.spans[each] for each in sorted(self.spans)))
        stated = (each.fields.get("project_name") for each in documents)
        return next((str(name) for name in stated if name), otherwise)

    def unlink(self) -> None:
        """It is no execution any more."""
        if self.item:
            self.item, self.case_project = None, ""
            self.changed.add("")

    def admit(self, project: str) -> None:
        """Raises ForbiddenError where it is not the project's; '' is every project."""
        held = {placement[1] for placement in self.placements.values()}
        if project and held - {project}:
            raise ForbiddenError(f"This API key is of the project {project!r}, and trace {self.id} is not.")


def load(store: Store, traces: Iterable[str]) -> dict[str, Trace]:
    """The traces of these ids; those that are new are empty."""
    found = {each: Trace(each, Document(each)) for each in traces}
    keys = [ids.trace_id(each).hex() for each in found]
    for row in store.query(sql("queries/opik_documents"), {"traces": keys}) if keys else ():
        _take(found, row)
    return found


def erase(store: Store, trace: Trace, *, whole: bool) -> None:
    """Remove a trace's case and, if `whole`, its own row, its spans and its scores."""
    key = ids.trace_id(trace.id).hex()
    if trace.item:
        given = {"experiment": trace.item.experiment_id, "trace": key}
        store.erase("spans_data", "experiment_id = {experiment:String} AND trace_id = {trace:String}", given)
    if whole:
        for table in ("spans_data", "evaluations_data"):
            store.erase(table, "experiment_id = '' AND trace_id = {trace:String}", {"trace": key})


def _take(found: dict[str, Trace], row: dict[str, Any]) -> None:
    attributes: dict[str, str] = row["attributes"]
    document = rows.read(attributes, row["input"], row["output"])
    trace = found.get(document.trace)
    if trace is None:
        return
    trace.placements[document.span] = (row["parent_span_id"], row["project"], row["evaluator"])
    if document.span:
        trace.spans[document.span] = document
        return
    trace.own = document
    if item := rows.loads(attributes.get(rows.ITEM, "")):
        trace.case_project = item.pop("project")
        trace.item = Item(trace=trace.id, **item)
