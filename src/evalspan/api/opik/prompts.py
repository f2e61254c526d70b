"""`prompts` and `prompts/versions`"""

from __future__ import annotations

from typing import Any, Final

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from evalspan.api.operation import Operation, number, text
from evalspan.api.opik import filters, places, prompt
from evalspan.api.opik.author import author
from evalspan.api.opik.listing import slice_of
from evalspan.api.opik.projects import Ids, Name
from evalspan.api.opik.prompt import Structure, Syntax, Tags, VersionBody
from evalspan.api.opik.wire import Body, answer, nothing, read
from evalspan.api.scope import catalog
from evalspan.errors import ConflictError, NotFoundError
from evalspan.experiments import documents, numbered
from evalspan.experiments.documents import Document
from evalspan.model import Json

_FIELDS: Final = frozenset(
    {"id", "commit", "version_number", "template", "change_description", "metadata", "type", "tags"}
    | {"created_at", "created_by", "name", "description", "template_structure", "last_updated_at"}
)


class PromptBody(Body):
    name: Name
    project_id: str | None = None
    project_name: str | None = None
    description: str | None = None
    template: str | None = None
    metadata: Json = None
    change_description: str | None = None
    type: Syntax = "mustache"
    template_structure: Structure = "text"
    tags: Tags | None = None


class PromptPut(Body):
    name: Name
    description: str | None = None
    tags: Tags | None = None


class NewVersion(Body):
    name: Name
    version: VersionBody
    template_structure: Structure = "text"
    project_id: str | None = None
    project_name: str | None = None


class Wanted(Body):
    name: Name
    commit: str | None = None
    version_number: str | None = None
    environment: str | None = None
    project_name: str | None = None


class VersionTags(Body):
    tags: Tags | None = None


class VersionsPatch(Body):
    ids: list[str] = Field(min_length=1, max_length=1000)
    update: VersionTags
    merge_tags: bool | None = None


class Environments(Body):
    environments: list[str]


async def create(request: Request) -> Response:
    body = await read(request, PromptBody)
    made = await run_in_threadpool(_create, request, body)
    return nothing(201, location=f"{request.url}/{made.id}")


def _create(request: Request, body: PromptBody) -> Document:
    project = places.project(request, body.project_name, body.project_id)
    store = catalog(request).store
    if documents.find(store, prompt.KIND, project_id=project.project_id, names=[body.name]):
        raise ConflictError(f"There is a prompt {body.name!r} in project {project.name!r} already.")
    more = body.model_dump(include={"description", "tags"}, exclude_none=True)
    made = prompt.get_or_create(request, body.name, project, body.template_structure, more)
    if body.template:
        prompt.add(request, made, VersionBody.model_validate(body.model_dump(exclude={"tags"})))
    return made


async def add(request: Request) -> Response:
    body = await read(request, NewVersion)
    return answer(await run_in_threadpool(_add, request, body))


def _add(request: Request, body: NewVersion) -> dict[str, Any]:
    project = places.project(request, body.project_name, body.project_id)
    parent = prompt.get_or_create(request, body.name, project, body.template_structure, {})
    return prompt.add(request, parent, body.version)


async def retrieve(request: Request) -> Response:
    body = await read(request, Wanted)
    return answer(await run_in_threadpool(_retrieve, request, body))


def _retrieve(request: Request, body: Wanted) -> dict[str, Any]:
    parent = prompt.find(request, body.name, body.project_name)
    for each in prompt.versions(catalog(request).store, parent):
        if (
            (not body.version_number or body.version_number == f"v{each.id}")
            and (not body.commit or body.commit == prompt.commit(each))
            and (not body.environment or body.environment in each.body.get("environments", ()))
        ):
            return prompt.render(parent, each)
    raise NotFoundError(f"Prompt {body.name!r} has no such version.")


def find(request: Request) -> Response:
    query, store = request.query_params, catalog(request).store
    conditions = filters.parse(query.get("filters"), _FIELDS)
    wanted = query.get("name", "").lower()
    found = documents.find(store, prompt.KIND, project_id=query.get("project_id") or None)
    shown = [
        prompt.summary(each, len(prompt.versions(store, each)))
        for each in reversed(found)
        if wanted in each.name.lower()
    ]
    return slice_of(request, [each for each in shown if filters.matches(each, conditions)])


def get(request: Request) -> Response:
    parent = _parent(request)
    found = prompt.versions(catalog(request).store, parent)
    latest = {"latest_version": prompt.render(parent, found[0])} if found else {}
    return answer({**prompt.summary(parent, len(found)), **latest})


def find_versions(request: Request) -> Response:
    parent, query = _parent(request), request.query_params
    conditions = filters.parse(query.get("filters"), _FIELDS)
    wanted = query.get("search", "").lower()
    shown = (prompt.render(parent, each) for each in prompt.versions(catalog(request).store, parent))
    return slice_of(
        request,
        [
            each
            for each in shown
            if filters.matches(each, conditions)
            and (wanted in each["template"].lower() or wanted in each.get("change_description", "").lower())
        ],
    )


def get_version(request: Request) -> Response:
    return answer(prompt.render(*prompt.of_id(catalog(request).store, request.path_params["version_id"])))


async def update(request: Request) -> Response:
    body = await read(request, PromptPut)
    await run_in_threadpool(_update, request, body)
    return nothing()


def _update(request: Request, body: PromptPut) -> None:
    parent, store = _parent(request), catalog(request).store
    named = documents.find(store, prompt.KIND, project_id=parent.project_id, names=[body.name])
    if any(each.id != parent.id for each in named):
        raise ConflictError(f"There is a prompt {body.name!r} in this project already.")
    given = body.model_dump(include={"description", "tags"}, exclude_none=True)
    changed = {**parent.body, **given, "last_updated_by": author(request)}
    documents.put(store, parent.model_copy(update={"name": body.name, "body": changed}))


async def update_versions(request: Request) -> Response:
    body = await read(request, VersionsPatch)
    await run_in_threadpool(_update_versions, request, body)
    return nothing()


def _update_versions(request: Request, body: VersionsPatch) -> None:
    store = catalog(request).store
    for _, version in [prompt.of_id(store, each) for each in body.ids]:
        if body.update.tags is not None:
            before: list[str] = version.body.get("tags", []) if body.merge_tags else []
            tags = list(dict.fromkeys([*before, *body.update.tags]))
            documents.put(store, version.model_copy(update={"body": {**version.body, "tags": tags}}))


async def set_environments(request: Request) -> Response:
    body = await read(request, Environments)
    await run_in_threadpool(_set_environments, request, body.environments)
    return nothing()


def _set_environments(request: Request, environments: list[str]) -> None:
    """They are this version's from now on, and no other's of its prompt."""
    store = catalog(request).store
    parent, version = prompt.of_id(store, request.path_params["version_id"])
    for each in prompt.versions(store, parent):
        before: list[str] = each.body.get("environments", [])
        kept = [name for name in before if name not in environments]
        after = environments if each.id == version.id else kept
        if after != before:
            documents.put(store, each.model_copy(update={"body": {**each.body, "environments": after}}))


def delete(request: Request) -> Response:
    _delete(request, [request.path_params["id"]])
    return nothing()


async def delete_many(request: Request) -> Response:
    body = await read(request, Ids)
    await run_in_threadpool(_delete, request, body.ids)
    return nothing()


def _delete(request: Request, ids: list[str]) -> None:
    """Its versions stay, marked: a prompt of that name that is made later counts on."""
    store = catalog(request).store
    for parent in [documents.get(store, prompt.KIND, each) for each in ids]:
        for version in prompt.versions(store, parent):
            numbered.change(store, prompt.VERSION, parent, int(version.id), {"removed": True})
        documents.remove(store, prompt.KIND, parent.id)


def _parent(request: Request) -> Document:
    return documents.get(catalog(request).store, prompt.KIND, request.path_params["id"])


BASE: Final = "/v1/private/prompts"
OPERATIONS = (
    Operation(
        "GET", BASE, "List prompts, the newest first.", find,
        (number("page"), number("size"), text("name"), text("project_id"), text("filters")),
    ),
    Operation("POST", BASE, "Create a prompt.", create, body=PromptBody, status=201),
    Operation("POST", f"{BASE}/delete", "Delete prompts.", delete_many, body=Ids, status=204),
    Operation("POST", f"{BASE}/versions", "Add a version.", add, body=NewVersion),
    Operation("PATCH", f"{BASE}/versions", "Tag versions.", update_versions, body=VersionsPatch, status=204),
    Operation("POST", f"{BASE}/versions/retrieve", "A version of a prompt.", retrieve, body=Wanted),
    Operation("GET", BASE + "/versions/{version_id}", "One version.", get_version),
    Operation(
        "PATCH", BASE + "/versions/{version_id}/environments", "Where a version runs.", set_environments,
        body=Environments, status=204,
    ),
    Operation("GET", BASE + "/{id}", "One prompt.", get),
    Operation("PUT", BASE + "/{id}", "Change a prompt.", update, body=PromptPut, status=204),
    Operation("DELETE", BASE + "/{id}", "Delete a prompt.", delete, status=204),
    Operation(
        "GET", BASE + "/{id}/versions", "List versions, the newest first.", find_versions,
        (number("page"), number("size"), text("search"), text("filters")),
    ),
)  # fmt: skip
