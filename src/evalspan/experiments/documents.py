"""Documents: what is small, changes whole and needs no table of its own.

A document is told by its kind, its parent ("" for none) and its id. Of two services that change one at
the same moment the last one wins; what must be agreed on is claimed first (`claims`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from evalspan.errors import ConflictError, NotFoundError
from evalspan.experiments.entity import Moment, next_revision, now, single_row
from evalspan.store import Store, sql


class Document(BaseModel):
    kind: str
    id: str
    parent: str = ""
    project_id: str = ""
    name: str = ""
    body: dict[str, Any]
    created_at: Moment
    updated_at: Moment
    revision: int = 0


def create(
    store: Store,
    kind: str,
    id: str,
    body: dict[str, Any],
    *,
    parent: str = "",
    name: str = "",
    project_id: str = "",
) -> Document:
    """Write a new document.

    Raises:
        ConflictError: there is one with that id.
    """
    if find(store, kind, parent=parent, ids=[id]):
        raise ConflictError(f"There is a {kind} {id!r} already.")
    moment = now()
    document = Document(
        kind=kind, id=id, parent=parent, project_id=project_id, name=name, body=body,
        created_at=moment, updated_at=moment, revision=next_revision(),
    )  # fmt: skip
    _write(store, document)
    return document


def get(store: Store, kind: str, id: str, parent: str = "") -> Document:
    """Raises NotFoundError."""
    found = find(store, kind, parent=parent, ids=[id])
    if not found:
        raise NotFoundError(f"There is no {kind} {id!r}.")
    return found[0]


def put(store: Store, document: Document) -> Document:
    """Write what the document now is, over what was read before."""
    changed = document.model_copy(update={"updated_at": now(), "revision": next_revision(document.revision)})
    _write(store, changed)
    return changed


def put_all(store: Store, documents: Sequence[Document], *, deleted: bool = False) -> None:
    """Write documents as they are, in one insert; the caller has numbered their revisions."""
    rows = [_row(document, deleted=deleted) for document in documents]
    if rows:
        columns = [single_row(row) for row in rows]
        store.insert("documents_data", {name: [row[name][0] for row in columns] for name in columns[0]})


def remove(store: Store, kind: str, id: str, parent: str = "") -> None:
    """Raises NotFoundError."""
    document = get(store, kind, id, parent)
    _write(store, document.model_copy(update={"revision": next_revision(document.revision)}), deleted=True)


def find(
    store: Store,
    kind: str,
    *,
    parent: str | None = None,
    project_id: str | None = None,
    names: Sequence[str] = (),
    ids: Sequence[str] | None = None,
) -> list[Document]:
    """Oldest first; None asks for any."""
    if ids is not None and not ids:
        return []
    parameters = {"kind": kind, "parent": parent, "project_id": project_id, "names": list(names)}
    rows = store.query(sql("queries/find_documents"), {**parameters, "ids": list(ids or ())})
    return [Document(**{**row, "body": json.loads(row["body"])}) for row in rows]


def _write(store: Store, document: Document, *, deleted: bool = False) -> None:
    store.insert("documents_data", single_row(_row(document, deleted=deleted)))


def _row(document: Document, *, deleted: bool) -> dict[str, Any]:
    body = json.dumps(document.body, ensure_ascii=False)
    return {**document.model_dump(), "body": body, "deleted": deleted}
