"""Prompts: a name and a slug, under which versions are kept, of which one may be deployed.

Versions are numbered from 1. The highest is the draft, unless it was deployed as it was made; every
other one is read-only. That is never written down but follows from which versions there are.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from evalspan.errors import NotFoundError, ReadOnlyError, UsageError
from evalspan.experiments import documents, numbered, slugs, templates
from evalspan.experiments.documents import Document
from evalspan.experiments.entity import Moment, now
from evalspan.experiments.prompt_versions import PromptContent, PromptVersion
from evalspan.model import Json
from evalspan.store import Store

KIND: Final = "prompt"
_VERSION: Final = "prompt_version"


class Prompt(BaseModel):
    prompt_id: str
    project_id: str
    name: str
    slug: str
    description: str = ""
    tags: list[Json] = []
    starred: bool = False
    live_version: int | None = None
    created_at: Moment
    updated_at: Moment


class Prompts:
    """Thread-safe. Two services that change one prompt at once: numbers are agreed on, else the last wins."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()

    def create(
        self,
        project_id: str,
        name: str,
        description: str = "",
        *,
        slug: str = "",
        tags: list[Json] | None = None,
    ) -> Prompt:
        """Raises ConflictError where the project has that slug."""
        if not name.strip():
            raise UsageError("A prompt needs a name.", pointer="/name")
        body = {
            "name": name,
            "description": description,
            "tags": tags or [],
            "starred": False,
            "live_version": None,
        }
        draft = _document(uuid.uuid4().hex, body, project_id)
        given = slugs.check(slug, "/prompt_slug") if slug else ""
        return _prompt(slugs.create(self._store, KIND, draft, given, name))

    def find(self, project_id: str | None = None) -> list[Prompt]:
        """Newest first."""
        found = documents.find(self._store, KIND, project_id=project_id)
        return [_prompt(each) for each in reversed(found)]

    def get(self, reference: str) -> Prompt:
        """By id or slug. Raises NotFoundError."""
        return _prompt(self._document(reference))

    def update(self, reference: str, changes: Mapping[str, Json]) -> Prompt:
        """Change `name`, `description`, `tags`, `starred`. Raises NotFoundError."""
        with self._lock:
            document = self._document(reference)
            known = {"name", "description", "tags", "starred"}
            body = document.body | {
                key: value for key, value in changes.items() if key in known and value is not None
            }
            if not str(body["name"]).strip():
                raise UsageError("A prompt needs a name.", pointer="/name")
            changed = document.model_copy(update={"body": body})
            _prompt(changed)  # before it is written: one that cannot be read would spoil every list
            return _prompt(documents.put(self._store, changed))

    def remove(self, reference: str) -> None:
        """With its versions. Raises NotFoundError."""
        document = self._document(reference)
        numbered.remove(self._store, _VERSION, document)
        documents.remove(self._store, KIND, document.id)

    def all_versions(self, project_id: str | None = None) -> dict[str, list[PromptVersion]]:
        """The versions of every prompt, newest first, by the prompt's id."""
        prompts = {each.id: each for each in documents.find(self._store, KIND, project_id=project_id)}
        found: dict[str, list[Document]] = {identity: [] for identity in prompts}
        for stored in documents.find(self._store, _VERSION, project_id=project_id):
            if stored.parent in found:
                found[stored.parent].append(stored)
        return {identity: _versions(prompts[identity], stored) for identity, stored in found.items()}

    def add_version(self, reference: str, content: PromptContent, *, deploy: bool = False) -> PromptVersion:
        """A new version, by which the one before becomes read-only; deployed, it is read-only at once.

        Raises:
            UsageError: a message is no template.
        """
        templates.check(content)
        templates.check_variables(content.variables)
        with self._lock:
            document = self._document(reference)
            number = self._write_version(document, content, frozen=deploy)
            if deploy:
                document = self._go_live(document, number)
            return self._version(document, number)

    def versions(self, reference: str) -> list[PromptVersion]:
        """Newest first."""
        return self._versions(self._document(reference))

    def version(self, reference: str, number: int) -> PromptVersion:
        """Raises NotFoundError."""
        return self._version(self._document(reference), number)

    def edit_version(self, reference: str, number: int, changes: Mapping[str, Json]) -> PromptVersion:
        """Change fields of the draft.

        Raises:
            ReadOnlyError: that version is no draft. ValidationError.
        """
        with self._lock:
            document = self._document(reference)
            current = self._version(document, number)
            if current.readonly:
                raise ReadOnlyError(
                    f"Version {number} of prompt {current.prompt_slug!r} is read-only; make a new version."
                )
            merged = {**current.model_dump(include=set(PromptContent.model_fields)), **changes}
            content = PromptContent.model_validate(merged)
            templates.check(content)
            templates.check_variables(content.variables)
            numbered.change(
                self._store, _VERSION, document, number, {"content": content.model_dump(mode="json")}
            )
            return self._version(document, number)

    def remove_version(self, reference: str, number: int) -> None:
        """Its number is not given again.

        Raises:
            UsageError: it is deployed.
        """
        with self._lock:
            document = self._document(reference)
            version = self._version(document, number)
            if version.is_deployed:
                raise UsageError(
                    f"Version {number} of prompt {version.prompt_slug!r} is live; deploy another one first."
                )
            numbered.change(self._store, _VERSION, document, number, {"removed": True})

    def commit(self, reference: str, description: str = "") -> PromptVersion:
        """Make the draft read-only, with a note, and a new draft of the same content.

        Raises:
            UsageError: there is no draft.
        """
        with self._lock:
            document = self._document(reference)
            drafts = [each for each in self._versions(document) if not each.readonly]
            if not drafts:
                raise UsageError(f"Prompt {document.name!r} has no draft; make a new version first.")
            draft = drafts[0]
            content = PromptContent.model_validate(draft.model_dump())
            if description:
                noted = content.model_copy(update={"description": description}).model_dump(mode="json")
                numbered.change(self._store, _VERSION, document, draft.version, {"content": noted})
            self._write_version(document, content, frozen=False)
            return self._version(document, draft.version)

    def deploy(self, reference: str, number: int) -> PromptVersion:
        """Make a read-only version the live one.

        Raises:
            UsageError: it is a draft.
        """
        with self._lock:
            document = self._document(reference)
            version = self._version(document, number)
            if not version.readonly:
                raise UsageError(
                    f"Version {number} of prompt {version.prompt_slug!r} is a draft, and a draft cannot be "
                    "deployed: commit it, or make the version after it, first.",
                    pointer="/version",
                )
            return self._version(self._go_live(document, number), number)

    def usable_version(self, reference: str, number: int | None = None) -> PromptVersion:
        """What an experiment runs: the given version, which must be read-only, else the deployed one.

        Raises:
            NotFoundError, UsageError.
        """
        document = self._document(reference)
        wanted = document.body["live_version"] if number is None else number
        if wanted is None:
            raise UsageError(self._undeployed(document))
        version = self._version(document, wanted)
        if not version.readonly:
            raise UsageError(
                f"Version {wanted} of prompt {document.name!r} is a draft, which may change while the "
                "experiment runs: commit or deploy it first."
            )
        return version

    def _undeployed(self, document: Document) -> str:
        versions = self._versions(document)
        if not versions:
            return (
                f"Prompt {document.name!r} has no version yet: add one (`evalspan prompts push "
                f"{document.name} FILE`), commit it, then deploy it."
            )
        ready = [each.version for each in versions if each.readonly]
        number = ready[0] if ready else versions[0].version
        first = "" if ready else f"commit the draft (`evalspan prompts commit {document.name}`), then "
        return (
            f"Prompt {document.name!r} has no deployed version: {first}deploy one (`evalspan prompts deploy "
            f"{document.name} {number}`, or PATCH /respan/api/prompts/{document.id}/versions/{number}/ with "
            '{"deploy": true}), or name a committed one.'
        )

    def _document(self, reference: str) -> Document:
        found = slugs.named(self._store, KIND, reference)
        if found is None:
            raise NotFoundError(f"There is no prompt {reference!r}: no id and no slug.")
        return found

    def _versions(self, document: Document) -> list[PromptVersion]:
        return _versions(document, numbered.find(self._store, _VERSION, document))

    def _version(self, document: Document, number: int) -> PromptVersion:
        versions = self._versions(document)
        found = next((each for each in versions if each.version == number), None)
        if found is None:
            has = ", ".join(str(each.version) for each in reversed(versions)) or "none"
            raise NotFoundError(
                f"Prompt version {number} not found: prompt {document.name!r} has the versions {has}."
            )
        return found

    def _write_version(self, document: Document, content: PromptContent, *, frozen: bool) -> int:
        body = {"content": content.model_dump(mode="json"), "frozen": frozen}
        return numbered.add(self._store, _VERSION, document, body, first=1)

    def _go_live(self, document: Document, number: int) -> Document:
        body = document.body | {"live_version": number}
        return documents.put(self._store, document.model_copy(update={"body": body}))


def usable_version(store: Store, prompt: str, version: int | None = None) -> PromptVersion:
    """The version that an experiment runs: the given one, which must be read-only, else the deployed one.

    Args:
        prompt: an id or a slug.

    Raises:
        NotFoundError: no such prompt or version. UsageError: it is a draft, or none is deployed.
    """
    return Prompts(store).usable_version(prompt, version)


def _document(identity: str, body: dict[str, Any], project_id: str) -> Document:
    moment = now()
    return Document(
        kind=KIND, id=identity, body=body, project_id=project_id, created_at=moment, updated_at=moment
    )


def _prompt(document: Document) -> Prompt:
    return Prompt(
        **document.body,
        prompt_id=document.id,
        project_id=document.project_id,
        slug=document.name,
        created_at=document.created_at,
        updated_at=document.updated_at,
    )


def _versions(prompt: Document, stored: list[Document]) -> list[PromptVersion]:
    """Newest first."""
    highest = max((int(each.id) for each in stored), default=0)
    found = [_version(prompt, each, highest) for each in stored if not each.body.get("removed")]
    return sorted(found, key=lambda each: each.version, reverse=True)


def _version(prompt: Document, stored: Document, highest: int) -> PromptVersion:
    number = int(stored.id)
    return PromptVersion(
        **stored.body["content"],
        prompt_id=prompt.id,
        prompt_slug=prompt.name,
        prompt_name=prompt.body["name"],
        project_id=prompt.project_id,
        version_id=stored.body["version_id"],
        version=number,
        readonly=stored.body["frozen"] or number < highest,
        is_deployed=prompt.body["live_version"] == number,
        created_at=stored.created_at,
        updated_at=stored.updated_at,
    )
