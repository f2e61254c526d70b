"""`/projects`"""

from __future__ import annotations

from typing import Any

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from evalspan.api.envelope import Body, blocking, limit, many, one, read_attributes, resource
from evalspan.experiments import Catalog, Project


class ProjectBody(Body):
    name: str = Field(min_length=1)
    description: str | None = None


def routes() -> list[BaseRoute]:
    return [
        Route("/projects", blocking(find), methods=["GET"]),
        Route("/projects", create, methods=["POST"]),
    ]


def find(request: Request) -> Response:
    catalog: Catalog = request.app.state.catalog
    query = request.query_params
    page = catalog.projects.find(
        project_id=query.get("filter[id]", ""),
        name=query.get("filter[name]", ""),
        cursor=query.get("page[cursor]", ""),
        limit=limit(request, 100),
    )
    return many(map(render, page.items), page.after)


async def create(request: Request) -> Response:
    catalog: Catalog = request.app.state.catalog
    body = await read_attributes(request, ProjectBody)
    project = await run_in_threadpool(catalog.projects.get_or_create, body.name, body.description or "")
    return one(render(project))


def render(project: Project) -> dict[str, Any]:
    attributes = project.model_dump(mode="json", exclude={"project_id"})
    return resource("projects", project.project_id, attributes)
