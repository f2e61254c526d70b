"""Pipelines: projects, with the few fields that ours do not have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from evalspan.api.gentrace import extras, places, wire
from evalspan.api.operation import Operation
from evalspan.api.scope import catalog, store
from evalspan.errors import UsageError
from evalspan.experiments import Project
from evalspan.experiments.entity import now

KIND: Final = "gentrace_pipeline"


class NewPipeline(wire.Body):
    slug: str = Field(min_length=1)
    display_name: str | None = None
    folder_id: str | None = None


class PipelineChange(wire.Body):
    display_name: str | None = None
    folder_id: str | None = None
    is_archived: bool | None = None


def shown(request: Request, projects: Iterable[Project]) -> list[dict[str, Any]]:
    """Pipelines as answers hold them."""
    found = list(projects)
    more = extras.of(store(request), KIND, [project.project_id for project in found])
    return [_shown(project, more.get(project.project_id, {})) for project in found]


def _shown(project: Project, more: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": project.project_id,
        "slug": project.name,
        "createdAt": wire.moment(project.created_at),
        "updatedAt": wire.moment(project.updated_at),
        "displayName": more.get("displayName"),
        "folderId": more.get("folderId"),
        "goldenDatasetId": more.get("goldenDatasetId"),
        "archivedAt": more.get("archivedAt"),
    }


async def create(request: Request) -> Response:
    """One whose slug is there already is answered as it is: a client that lost the answer asks again."""
    return await wire.answered(request, NewPipeline, _create)


def _create(request: Request, body: NewPipeline) -> dict[str, Any]:
    known = places.by_slug(request, body.slug)
    project = known or places.get_or_create(request, body.slug)
    if not known:
        fields = {"displayName": body.display_name, "folderId": body.folder_id}
        given = {key: value for key, value in fields.items() if value is not None}
        extras.set_fields(store(request), KIND, project.project_id, project.project_id, given)
    return shown(request, [project])[0]


async def change(request: Request) -> Response:
    return await wire.answered(request, PipelineChange, _change)


def _change(request: Request, body: PipelineChange) -> dict[str, Any]:
    project = places.get(request, request.path_params["pipeline_id"])
    given = {
        name: value
        for name, value in (("displayName", body.display_name), ("folderId", body.folder_id))
        if name in {PipelineChange.model_fields[field].alias for field in body.model_fields_set}
    }
    given |= archiving(request, KIND, project.project_id, body.is_archived)
    extras.set_fields(store(request), KIND, project.project_id, project.project_id, given)
    return shown(request, [project])[0]


def archiving(request: Request, kind: extras.Kind, id: str, archived: bool | None) -> dict[str, Any]:
    """The field to set: what is archived already keeps its time."""
    if archived is None:
        return {}
    known = extras.of(store(request), kind, [id]).get(id, {}).get("archivedAt")
    return {"archivedAt": (known or wire.moment(now())) if archived else None}


def retrieve(request: Request) -> Response:
    return wire.one(shown(request, [places.get(request, request.path_params["pipeline_id"])])[0])


def listing(request: Request) -> Response:
    """Oldest first."""
    matches = _slug_filter(request)
    projects = wire.every(lambda cursor, limit: catalog(request).projects.find(cursor=cursor, limit=limit))
    found = shown(request, [project for project in reversed(projects) if matches(project.name)])
    folder = request.query_params.get("folderId", "")
    return wire.many(item for item in found if not folder or item["folderId"] == folder)


def _slug_filter(request: Request) -> Callable[[str], bool]:
    """All conditions on the slug must hold; `slug[mode]=insensitive` is for all of them.

    Raises:
        UsageError: there is no such mode.
    """
    query = request.query_params
    mode = query.get("slug[mode]", "default")
    if mode not in ("default", "insensitive"):
        raise UsageError(f"slug[mode]={mode!r} is neither 'default' nor 'insensitive'.")
    fold: Callable[[str], str] = str.casefold if mode == "insensitive" else str
    tests: list[Callable[[str], bool]] = []
    for name, test in _TESTS.items():
        if name in query:
            asked = fold(query[name])
            tests.append(lambda slug, test=test, asked=asked: test(fold(slug), asked))
    return lambda slug: all(test(slug) for test in tests)


# A search finds its words in any order; slugs hold no commas, so a list of them is one parameter.
_TESTS: Final[dict[str, Callable[[str, str], bool]]] = {
    "slug": lambda slug, asked: slug == asked,
    "slug[contains]": lambda slug, asked: asked in slug,
    "slug[startsWith]": lambda slug, asked: slug.startswith(asked),
    "slug[endsWith]": lambda slug, asked: slug.endswith(asked),
    "slug[search]": lambda slug, asked: all(word in slug for word in asked.split()),
    "slug[in]": lambda slug, asked: slug in asked.split(","),
    "slug[notIn]": lambda slug, asked: slug not in asked.split(","),
}

OPERATIONS = (
    Operation("POST", "/pipelines", "Make a pipeline.", create),
    Operation("GET", "/pipelines", "List pipelines.", listing),
    Operation("GET", "/pipelines/{pipeline_id}", "Get a pipeline.", retrieve),
    Operation("POST", "/pipelines/{pipeline_id}", "Change a pipeline.", change),
)
