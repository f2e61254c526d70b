"""Prompts as Opik knows them: a name in a project, and versions `v1`, `v2`, ... of a template.

They are documents of their own and not evalspan's prompts, which have drafts and a deployed version, are
filled by other rules, and would refuse templates that Opik takes. A mask is a version that no list shows.
"""

from __future__ import annotations

import itertools
import uuid
from typing import Annotated, Any, Final, Literal

from pydantic import Field
from starlette.requests import Request

from evalspan.api.opik import places
from evalspan.api.opik.author import author
from evalspan.api.opik.ids import new
from evalspan.api.opik.wire import Body
from evalspan.api.scope import catalog
from evalspan.errors import ConflictError, NotFoundError
from evalspan.experiments import Project, documents, numbered
from evalspan.experiments.documents import Document
from evalspan.experiments.entity import named_id
from evalspan.model import Json
from evalspan.store import Store

KIND: Final = "opik_prompt"
VERSION: Final = "opik_prompt_version"
MASK: Final = "opik_prompt_mask"
Structure = Literal["text", "chat"]
Syntax = Literal["mustache", "jinja2", "python"]
Tags = Annotated[list[str], Field(max_length=100)]


class VersionBody(Body):
    template: str = Field(min_length=1)
    metadata: Json = None
    type: Syntax = "mustache"
    version_type: Literal["prompt_version", "mask"] = "prompt_version"
    change_description: str | None = None
    tags: Tags | None = None


def find(request: Request, name: str, project_name: str | None) -> Document:
    """The prompt of a name.

    Raises:
        NotFoundError: there is none in the project.
    """
    project = places.find_project(request, project_name)
    store = catalog(request).store
    found = documents.find(store, KIND, project_id=project.project_id, names=[name]) if project else []
    if not found:
        where = places.project_name(request, project_name)
        raise NotFoundError(f"There is no prompt {name!r} in project {where!r}.")
    return found[0]


def get_or_create(
    request: Request, name: str, project: Project, structure: Structure, more: dict[str, Json]
) -> Document:
    """The prompt of a name; two services that make one at the same moment make the same."""
    store, by = catalog(request).store, author(request)
    body = {"template_structure": structure, "created_by": by, "last_updated_by": by, **more}
    found = documents.find(store, KIND, project_id=project.project_id, names=[name])
    for attempt in itertools.count():  # an id stays with a prompt that is given another name
        if found and found[0].name == name:
            return found[0]
        identity = named_id(KIND, project.project_id, name, str(attempt))
        try:
            return documents.create(store, KIND, identity, body, name=name, project_id=project.project_id)
        except ConflictError:
            found = documents.find(store, KIND, ids=[identity])
    raise AssertionError


def add(request: Request, prompt: Document, version: VersionBody) -> dict[str, Any]:
    """One more version, or a mask; it as it is answered."""
    store = catalog(request).store
    body = {**version.model_dump(exclude_none=True), "created_by": author(request)}
    if version.version_type == "mask":
        made = documents.create(store, MASK, new(), body, parent=prompt.id, project_id=prompt.project_id)
        return render(prompt, made)
    number = numbered.add(store, VERSION, prompt, body, first=1)
    return render(prompt, documents.get(store, VERSION, str(number), prompt.id))


def versions(store: Store, prompt: Document) -> list[Document]:
    """Newest first."""
    return [each for each in numbered.find(store, VERSION, prompt) if not each.body.get("removed")]


def of_id(store: Store, version_id: str) -> tuple[Document, Document]:
    """(its prompt, the version or mask) of that id.

    Raises:
        NotFoundError.
    """
    found = [*documents.find(store, VERSION), *documents.find(store, MASK, ids=[version_id])]
    for each in found:
        if identity(each) == version_id and not each.body.get("removed"):
            return documents.get(store, KIND, each.parent), each
    raise NotFoundError(f"There is no prompt version {version_id!r}.")


def identity(version: Document) -> str:
    """A version's own id: it is numbered in the store, and its number is its prompt's."""
    return str(uuid.UUID(version.body["version_id"])) if version.kind == VERSION else version.id


def commit(version: Document) -> str:
    """What is left of the hash by which versions were told."""
    return identity(version)[-8:]


def render(prompt: Document, version: Document) -> dict[str, Any]:
    """A version as it is answered."""
    hidden = {"version_id", "removed"}
    return {
        **{name: value for name, value in version.body.items() if name not in hidden},
        "id": identity(version),
        "prompt_id": prompt.id,
        "commit": commit(version),
        "version_number": f"v{version.id}" if version.kind == VERSION else None,
        "template_structure": prompt.body["template_structure"],
        "created_at": version.created_at.isoformat(),
    }


def summary(prompt: Document, count: int) -> dict[str, Any]:
    """A prompt as it is answered."""
    return {
        **prompt.body,
        "id": prompt.id,
        "name": prompt.name,
        "project_id": prompt.project_id,
        "version_count": count,
        "created_at": prompt.created_at.isoformat(),
        "last_updated_at": prompt.updated_at.isoformat(),
    }
