"""`projects`"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from evalspan.api.operation import Operation, number, text
from evalspan.api.opik import places
from evalspan.api.opik.listing import every, slice_of
from evalspan.api.opik.wire import Body, answer, nothing, read
from evalspan.api.scope import catalog
from evalspan.errors import ConflictError, NotFoundError
from evalspan.experiments import Project
from evalspan.experiments.entity import Moment

Name = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]


class ProjectBody(Body):
    name: Name
    description: str | None = None


class ProjectPatch(Body):
    name: Name | None = None
    description: str | None = None


class ProjectName(Body):
    name: Name


class Ids(Body):
    ids: list[str] = Field(min_length=1, max_length=1000)


class ProjectAnswer(BaseModel):
    id: str
    name: str
    description: str
    visibility: str = "private"
    created_at: Moment
    last_updated_at: Moment


def find(request: Request) -> Response:
    wanted = request.query_params.get("name", "")
    found = every(lambda cursor, limit: catalog(request).projects.find(cursor=cursor, limit=limit))
    return slice_of(request, [render(each) for each in found if wanted.lower() in each.name.lower()])


async def create(request: Request) -> Response:
    body = await read(request, ProjectBody)
    made = await run_in_threadpool(_create, request, body)
    return nothing(201, location=f"{request.url}/{made.project_id}")


def _create(request: Request, body: ProjectBody) -> Project:
    if places.find_project(request, body.name):
        raise ConflictError(f"There is a project {body.name!r} already.")
    return places.project(request, body.name, description=body.description or "")


async def retrieve(request: Request) -> Response:
    body = await read(request, ProjectName)
    found = await run_in_threadpool(places.find_project, request, body.name)
    if not found:
        raise NotFoundError(f"There is no project {body.name!r}.")
    return answer(render(found))


def get(request: Request) -> Response:
    return answer(render(catalog(request).projects.get(request.path_params["id"])))


async def update(request: Request) -> Response:
    body = await read(request, ProjectPatch)
    projects, identity = catalog(request).projects, request.path_params["id"]
    await run_in_threadpool(lambda: projects.update(identity, **body.model_dump()))
    return nothing()


def delete(request: Request) -> Response:
    catalog(request).projects.delete([request.path_params["id"]])
    return nothing()


async def delete_many(request: Request) -> Response:
    body = await read(request, Ids)
    await run_in_threadpool(catalog(request).projects.delete, body.ids)
    return nothing()


def render(project: Project) -> dict[str, Any]:
    found = ProjectAnswer(
        id=project.project_id,
        name=project.name,
        description=project.description,
        created_at=project.created_at,
        last_updated_at=project.updated_at,
    )
    return found.model_dump(mode="json")


BASE = "/v1/private/projects"
OPERATIONS = (
    Operation("GET", BASE, "List projects.", find, (number("page"), number("size"), text("name"))),
    Operation("POST", BASE, "Create a project.", create, body=ProjectBody, status=201),
    Operation("POST", f"{BASE}/retrieve", "The project of a name.", retrieve, body=ProjectName),
    Operation("POST", f"{BASE}/delete", "Delete projects.", delete_many, body=Ids, status=204),
    Operation("GET", BASE + "/{id}", "One project.", get, answer=ProjectAnswer),
    Operation("PATCH", BASE + "/{id}", "Change a project.", update, body=ProjectPatch, status=204),
    Operation("DELETE", BASE + "/{id}", "Delete a project.", delete, status=204),
)
