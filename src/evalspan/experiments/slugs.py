"""Slugs: a word by which an entity of a kind is known in its project, and which no other one there has."""

from __future__ import annotations

import itertools
import json
import re
from typing import Final, Literal

from evalspan.errors import ConflictError, UsageError
from evalspan.experiments import documents
from evalspan.experiments.claims import Claims
from evalspan.experiments.documents import Document
from evalspan.store import Store

Kind = Literal["prompt", "evaluator"]

_CLAIMS: Final[dict[Kind, Literal["prompt_slug", "evaluator_slug"]]] = {
    "prompt": "prompt_slug",
    "evaluator": "evaluator_slug",
}
_SLUG: Final = re.compile(r"[\w][\w.-]{0,199}")


def from_name(name: str) -> str:
    """`Helpful & kind` -> `helpful-kind`."""
    return re.sub(r"[^\w]+", "-", name.lower()).strip("-_")[:100] or "unnamed"


def check(slug: str, pointer: str) -> str:
    """The slug. Raises UsageError where it is none."""
    if not _SLUG.fullmatch(slug):
        raise UsageError(f"{slug!r} is no slug: letters, digits, _ . and -, up to 200.", pointer=pointer)
    return slug


def named(store: Store, kind: Kind, reference: str) -> Document | None:
    """The document of an id or a slug.

    Raises:
        UsageError: several projects have that slug.
    """
    by_id = documents.find(store, kind, ids=[reference])
    found = by_id or (documents.find(store, kind, names=[reference]) if reference else [])
    if len(found) > 1:
        ids = ", ".join(each.id for each in found[:5])
        raise UsageError(f"Several projects have a {kind} {reference!r}; give its id: {ids}.")
    return found[0] if found else None


def create(store: Store, kind: Kind, document: Document, given: str, name: str) -> Document:
    """Write a new document under the given slug, or under one made of its name.

    Raises:
        ConflictError: another one of the project has the given slug.
    """
    if given:
        return _write(store, kind, document, given)
    wanted = from_name(name)
    try:
        return _write(store, kind, document, wanted)
    except ConflictError:
        return _write(store, kind, document, f"{wanted}-{document.id[:8]}")


def _write(store: Store, kind: Kind, document: Document, slug: str) -> Document:
    """The document is written before its slug is claimed: whoever holds a claim and is not there is gone."""
    taken = ConflictError(f"There is {_article(kind)} {kind} {slug!r} in this project already.")
    if documents.find(store, kind, project_id=document.project_id, names=[slug]):
        raise taken
    made = documents.create(
        store, kind, document.id, document.body, name=slug, project_id=document.project_id
    )
    subject = json.dumps([document.project_id, slug])
    claims = Claims(store)
    for number in itertools.count():
        holder = claims.claim(_CLAIMS[kind], subject, number, document.id)
        if holder == document.id:
            return made
        if documents.find(store, kind, ids=[holder]):
            documents.remove(store, kind, document.id)
            raise taken
    raise AssertionError


def _article(kind: str) -> str:
    return "an" if kind == "evaluator" else "a"
