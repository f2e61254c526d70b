"""What Gentrace says of a pipeline, dataset or experiment beyond what ours have.

One document for each, under the id of what it is about; what has none says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from evalspan.errors import NotFoundError
from evalspan.experiments import documents
from evalspan.store import Store

Kind = Literal["gentrace_pipeline", "gentrace_dataset", "gentrace_experiment"]


def of(store: Store, kind: Kind, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Id -> fields, for those that have some."""
    return {found.id: found.body for found in documents.find(store, kind, ids=list(ids))}


def set_fields(
    store: Store, kind: Kind, id: str, project_id: str, fields: Mapping[str, Any]
) -> dict[str, Any]:
    """Set some fields, None included; all that it has now."""
    if not fields:
        return of(store, kind, [id]).get(id, {})
    try:
        known = documents.get(store, kind, id)
    except NotFoundError:
        return documents.create(store, kind, id, dict(fields), project_id=project_id).body
    body = {**known.body, **fields}
    return body if body == known.body else documents.put(store, known.model_copy(update={"body": body})).body
