"""Evaluators: a registry by slug; each has a draft, and versions that were committed from it.

Versions are numbered from 0. The highest is the draft, which may change; those below it are committed and
read-only, which follows from their number alone.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from evalspan.errors import NotFoundError, ReadOnlyError, UsageError
from evalspan.experiments import documents, evaluator_forms, numbered, slugs
from evalspan.experiments.documents import Document
from evalspan.experiments.entity import now
from evalspan.experiments.evaluator_versions import EvaluatorContent, EvaluatorVersion
from evalspan.model import Json
from evalspan.store import Store

KIND: Final = "evaluator"
_VERSION: Final = "evaluator_version"
DRAFT: Final = "draft"


class Evaluators:
    """Thread-safe. Two services that change one draft at once: the last one wins."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()

    def create(self, project_id: str, fields: Mapping[str, Json], *, slug: str = "") -> EvaluatorVersion:
        """A new evaluator: a draft, version 0.

        Raises:
            ConflictError: the project has that slug. UsageError, ValidationError: it could not be used.
        """
        content = evaluator_forms.content(fields)
        given = slugs.check(slug, "/evaluator_slug") if slug else ""
        moment = now()
        document = Document(
            kind=KIND,
            id=str(uuid.uuid4()),
            body={},
            project_id=project_id,
            created_at=moment,
            updated_at=moment,
        )
        made = slugs.create(self._store, KIND, document, given, content.name)
        numbered.add(self._store, _VERSION, made, _body(content), first=0)
        return self._versions(made)[0]

    def find(self, project_id: str | None = None) -> list[EvaluatorVersion]:
        """The draft of each, newest first."""
        parents = {each.id: each for each in documents.find(self._store, KIND, project_id=project_id)}
        highest: dict[str, Document] = {}
        for stored in documents.find(self._store, _VERSION, project_id=project_id):
            known = highest.get(stored.parent)
            if known is None or int(stored.id) > int(known.id):
                highest[stored.parent] = stored
        found = [
            _version(parents[parent], stored, int(stored.id))
            for parent, stored in highest.items()
            if parent in parents
        ]
        return sorted(found, key=lambda each: parents[each.evaluator_id].created_at, reverse=True)

    def get(self, reference: str) -> EvaluatorVersion:
        """The draft, by id or slug; `REFERENCE:VERSION` a version. Raises NotFoundError."""
        name, _, number = reference.rpartition(":")
        document = self._named(name) if name else None
        if document is None:
            return self._versions(self._document(reference))[0]
        return self._versions(document)[0] if number == DRAFT else self._version(document, number)

    def versions(self, reference: str) -> list[EvaluatorVersion]:
        """Newest first; the first is the draft."""
        return self._versions(self._document(reference))

    def edit(
        self, reference: str, changes: Mapping[str, Json], *, number: int | None = None, whole: bool = False
    ) -> EvaluatorVersion:
        """Change the draft.

        Args:
            reference: an id or a slug; `REFERENCE:VERSION` says the number too.
            number: the version that the caller takes for the draft.
            whole: the changes are all there is; what they do not state becomes the default.

        Raises:
            ReadOnlyError: that version was committed.
        """
        with self._lock:
            name, _, stated = reference.rpartition(":")
            if number is None and name and (stated.isdecimal() or stated == DRAFT):
                reference, number = name, None if stated == DRAFT else int(stated[:9])
            document = self._document(reference)
            draft = self._versions(document)[0]
            version = draft if number is None else self._version(document, str(number))
            if version.is_read_only:
                raise ReadOnlyError(
                    f"Version {number} of evaluator {draft.slug!r} is committed and does not change; "
                    f"its draft is version {draft.version}."
                )
            slug = changes.get("evaluator_slug")
            if slug and slug != draft.slug:
                raise UsageError(
                    f"The slug of an evaluator stays: it is {draft.slug!r}, not {slug!r}.",
                    pointer="/evaluator_slug",
                )
            content = (
                evaluator_forms.content(changes)
                if whole
                else evaluator_forms.changed(_content(draft), changes)
            )
            numbered.change(self._store, _VERSION, document, draft.version, _body(content))
            return self._versions(document)[0]

    def commit(
        self, reference: str, description: str = "", changes: Mapping[str, Json] | None = None
    ) -> EvaluatorVersion:
        """Make the draft read-only, with a note; the next draft, which says the same but for the changes."""
        with self._lock:
            document = self._document(reference)
            draft = self._versions(document)[0]
            content = evaluator_forms.changed(_content(draft), changes or {})
            if description:
                noted = {"version_description": description}
                numbered.change(self._store, _VERSION, document, draft.version, noted)
            numbered.add(self._store, _VERSION, document, _body(content), first=0)
            return self._versions(document)[0]

    def remove(self, reference: str) -> None:
        """With all versions. Raises NotFoundError."""
        document = self._document(reference)
        numbered.remove(self._store, _VERSION, document)
        documents.remove(self._store, KIND, document.id)

    def usable(self, reference: str) -> EvaluatorVersion:
        """What scores: the latest committed version, else the draft; `REFERENCE:VERSION` that one."""
        name, _, _number = reference.rpartition(":")
        if name and self._named(name) is not None:
            return self.get(reference)
        versions = self.versions(reference)
        return versions[1] if len(versions) > 1 else versions[0]

    def _named(self, reference: str) -> Document | None:
        return slugs.named(self._store, KIND, reference)

    def _document(self, reference: str) -> Document:
        found = self._named(reference)
        if found is None:
            name = reference.rpartition(":")[0]
            if name and self._named(name) is not None:
                raise UsageError(f"{reference!r} names a version; this is of the whole {name!r}.")
            there = sorted(each.name for each in documents.find(self._store, KIND))
            listed = ", ".join(there[:20]) + (" and more" if len(there) > 20 else "")
            raise NotFoundError(
                f"There is no evaluator {reference!r}: no id and no slug. "
                f"There {'are' if len(there) > 1 else 'is'} {listed or 'none'}."
            )
        return found

    def _versions(self, document: Document) -> list[EvaluatorVersion]:
        stored = numbered.find(self._store, _VERSION, document)
        if not stored:  # another service made the document and is about to write its draft, or was ended
            raise NotFoundError(f"Evaluator {document.name!r} has no version.")
        return [_version(document, each, int(stored[0].id)) for each in stored]

    def _version(self, document: Document, number: str) -> EvaluatorVersion:
        versions = self._versions(document)
        found = next((each for each in versions if str(each.version) == number), None)
        if found is None:
            has = ", ".join(str(each.version) for each in reversed(versions))
            raise NotFoundError(f"Evaluator {document.name!r} has no version {number}; it has {has}.")
        return found


def resolve(store: Store, references: Sequence[str]) -> list[EvaluatorVersion]:
    """The versions to be used, in order: of a slug or id the latest committed one, else the draft;
    `REFERENCE:VERSION` names one.

    Raises:
        NotFoundError: one is not there; the message names it and the slugs that are.
    """
    registry = Evaluators(store)
    return [registry.usable(reference) for reference in dict.fromkeys(references)]


def _body(content: EvaluatorContent) -> dict[str, Any]:
    return {"content": content.model_dump(mode="json")}


def _content(version: EvaluatorVersion) -> EvaluatorContent:
    return EvaluatorContent.model_validate(version.model_dump(include=set(EvaluatorContent.model_fields)))


def _version(parent: Document, stored: Document, highest: int) -> EvaluatorVersion:
    number = int(stored.id)
    return EvaluatorVersion(
        **stored.body["content"],
        evaluator_id=parent.id,
        slug=parent.name,
        project_id=parent.project_id,
        version_id=stored.body["version_id"],
        version=number,
        is_read_only=number < highest,
        version_description=stored.body.get("version_description", ""),
        created_at=stored.created_at,
        updated_at=stored.updated_at,
    )
