"""`/projects`"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from evalspan.api.envelope import (
    Body,
    Envelope,
    Many,
    One,
    limit,
    many,
    nothing,
    one,
    read_attributes,
    resource,
)
from evalspan.api.operation import PAGE, Operation, text
from evalspan.api.scope import catalog, everything, grant
from evalspan.experiments import Project
from evalspan.experiments.entity import Moment

Name = Annotated[str, Field(min_length=1, max_length=1000)]


class ProjectBody(Body):
    name: Name
    description: str | None = None


class ProjectPatch(Body):
    name: Name | None = None
    description: str | None = None


class ProjectIds(Body):
    project_ids: list[str] = Field(min_length=1)


class ProjectAttributes(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    name: str
    description: str
    created_at: Moment
    updated_at: Moment


def find(request: Request) -> Response:
    query = request.query_params
    page = catalog(request).projects.find(
        project_id=query.get("filter[id]", ""),
        name=query.get("filter[name]", ""),
        cursor=query.get("page[cursor]", ""),
        limit=limit(request, 100),
    )
    return many(map(render, page.items), page.after)


async def create(request: Request) -> Response:
    body = await read_attributes(request, ProjectBody)
    grant(request).require_project(body.name)
    project = await run_in_threadpool(
        everything(request).projects.get_or_create, body.name, body.description or ""
    )
    return one(render(project))


async def update(request: Request) -> Response:
    body = await read_attributes(request, ProjectPatch)
    projects, identity = catalog(request).projects, request.path_params["project_id"]
    return one(render(await run_in_threadpool(lambda: projects.update(identity, **body.model_dump()))))


async def delete(request: Request) -> Response:
    body = await read_attributes(request, ProjectIds)
    await run_in_threadpool(catalog(request).projects.delete, body.project_ids)
    return nothing()


def render(project: Project) -> dict[str, Any]:
    attributes = ProjectAttributes.model_validate(project).model_dump(mode="json")
    return resource("projects", project.project_id, attributes)


OPERATIONS = (
    Operation(
        "GET", "/projects", "List projects, the newest first.", find,
        (text("filter[id]"), text("filter[name]"), *PAGE), answer=Many[ProjectAttributes],
    ),
    Operation(
        "POST", "/projects", "Create a project, or get the one of that name.", create,
        body=Envelope[ProjectBody], answer=One[ProjectAttributes],
    ),
    Operation(
        "PATCH", "/projects/{project_id}", "Change some fields of a project.", update,
        body=Envelope[ProjectPatch], answer=One[ProjectAttributes], refusals=(400, 404, 409),
    ),
    Operation(
        "POST", "/projects/delete", "Delete projects, with their datasets and experiments.", delete,
        body=Envelope[ProjectIds], refusals=(400, 404),
    ),
)  # fmt: skip
