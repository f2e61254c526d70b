"""Traces and spans as they are answered: what was written, and what it came to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from evalspan.api.opik import ids, moments, rows
from evalspan.api.opik.merging import Document
from evalspan.experiments import Catalog
from evalspan.store import Store, sql

_USAGE: Final = ("prompt_tokens", "completion_tokens", "total_tokens")
_HIDDEN: Final = frozenset({"tags_to_add", "tags_to_remove", "project_name"})

Row = Mapping[str, Any]
Scores = dict[str, list[dict[str, Any]]]
"""By trace id and by span id, as OTLP has them in hex."""


def traces(catalog: Catalog, found: Sequence[Row]) -> list[dict[str, Any]]:
    """The traces of some rows."""
    keys = [row["trace_id"] for row in found]
    if not keys:
        return []
    used = {row["trace_id"]: row for row in catalog.store.query(sql("queries/opik_usage"), {"traces": keys})}
    judged, projects = scores(catalog.store, keys), _projects(catalog, found)
    return [
        {
            **_document(_read(row), projects.get(row["project"])),
            **_usage(used.get(row["trace_id"])),
            "feedback_scores": [each for each in judged[row["trace_id"]] if "passed" not in each],
        }
        for row in found
    ]


def spans(catalog: Catalog, found: Sequence[Row]) -> list[dict[str, Any]]:
    """The spans of some rows."""
    documents = [_read(row) for row in found]
    judged = scores(catalog.store, [], [ids.span_id(each.span).hex() for each in documents])
    projects = _projects(catalog, found)
    answers: list[dict[str, Any]] = []
    for document, row in zip(documents, found, strict=True):
        answer = {
            "type": "general",
            "total_estimated_cost": row["cost"],
            **_document(document, projects.get(row["project"])),
            "trace_id": document.trace,
            "project_name": row["project"],
            "feedback_scores": judged[ids.span_id(document.span).hex()],
        }
        answers.append(_present(answer))
    return answers


def scores(store: Store, traces: Sequence[str], spans: Sequence[str] = ()) -> Scores:
    """Feedback scores, and what assertions found (`passed`)."""
    found: Scores = defaultdict(list)
    given = {"traces": list(traces), "spans": list(spans)}
    for row in store.query(sql("queries/opik_scores"), given):
        found[row["trace_id"] or row["span_id"]].append(_score(row))
    return found


def _score(row: Row) -> dict[str, Any]:
    if row["asserted"]:
        return _present({"value": row["name"], "passed": row["value"] == 1, "reason": row["reason"] or None})
    return _present(
        {
            "name": row["name"],
            "value": row["value"],
            "category_name": row["category"],
            "reason": row["reason"] or None,
            "source": row["given_by"] or "sdk",
            "last_updated_at": row["stored_at"],
        }
    )


def usage(row: Row | None) -> dict[str, int] | None:
    """Tokens of a trace; None where they are unknown or there are none."""
    found = {name: row[name] for name in _USAGE if row[name] is not None} if row else {}
    return found or None


def duration(document: Document) -> float | None:
    """Milliseconds."""
    ended = document.fields.get("end_time")
    return (moments.nanoseconds(ended) - rows.start_of(document)) / 1e6 if ended else None


def _usage(row: Row | None) -> dict[str, Any]:
    if row is None:
        return {"span_count": 0, "llm_span_count": 0}
    return _present(
        {
            "span_count": row["spans"],
            "llm_span_count": row["llm_spans"],
            "providers": list(row["providers"]),
            "usage": usage(row),
            "total_estimated_cost": row["cost"],
        }
    )


def _document(document: Document, project_id: str | None) -> dict[str, Any]:
    fields = {name: value for name, value in document.fields.items() if name not in _HIDDEN}
    identity = document.span or document.trace
    return _present(
        {
            **fields,
            "id": identity,
            "project_id": project_id,
            "start_time": moments.of_nanoseconds(rows.start_of(document)),
            "tags": document.tags or None,
            "duration": duration(document),
            "created_at": moments.of_nanoseconds(moments.of_id(identity)),
            "last_updated_at": _changed(document),
        }
    )


def _changed(document: Document) -> str:
    """The last change that states its time, else when the id was made."""
    stated = max((stamp[1:] for stamp in document.stamps.values()), default="")
    return stated or moments.of_nanoseconds(moments.of_id(document.span or document.trace))


def _read(row: Row) -> Document:
    return rows.read(row["attributes"], row["input"], row["output"])


def _projects(catalog: Catalog, found: Sequence[Row]) -> dict[str, str]:
    """Name -> id."""
    pages = (catalog.projects.find(name=name, limit=1).items for name in {row["project"] for row in found})
    return {items[0].name: items[0].project_id for items in pages if items}


def _present(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
