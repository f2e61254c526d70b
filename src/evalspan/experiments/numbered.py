"""Numbered versions of a document: what the next number is, on which several services agree."""

from __future__ import annotations

import uuid
from typing import Any, Literal

from evalspan.errors import ConflictError
from evalspan.experiments import documents
from evalspan.experiments.claims import Claims
from evalspan.experiments.documents import Document
from evalspan.store import Store

_ATTEMPTS = 20

Kind = Literal["prompt_version", "evaluator_version", "opik_prompt_version"]


def find(store: Store, kind: Kind, parent: Document) -> list[Document]:
    """The highest first; removed ones too, whose body says `removed`."""
    found = documents.find(store, kind, parent=parent.id)
    return sorted(found, key=lambda each: int(each.id), reverse=True)


def add(store: Store, kind: Kind, parent: Document, body: dict[str, Any], first: int) -> int:
    """Write one more version; its number, which is `first` where there is none.

    Raises:
        ConflictError: too many others do.
    """
    identity = uuid.uuid4().hex
    taken = find(store, kind, parent)
    start = int(taken[0].id) + 1 if taken else first
    for number in range(start, start + _ATTEMPTS):
        if Claims(store).claim(kind, parent.id, number, identity) == identity:
            content = body | {"version_id": identity}
            documents.create(
                store, kind, str(number), content, parent=parent.id, project_id=parent.project_id
            )
            return number
    raise ConflictError(f"{parent.name!r} is changed by too many writers at once; try again.")


def change(store: Store, kind: Kind, parent: Document, number: int, body: dict[str, Any]) -> None:
    """Change some keys of a version's body."""
    stored = documents.get(store, kind, str(number), parent.id)
    documents.put(store, stored.model_copy(update={"body": stored.body | body}))


def remove(store: Store, kind: Kind, parent: Document) -> None:
    """All versions of a document that goes."""
    for version in find(store, kind, parent):
        documents.remove(store, kind, version.id, parent.id)
