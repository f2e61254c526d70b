"""Pipelines as requests name them: by id, by slug, as "default", or not at all.

A pipeline is a project of ours, its slug the project's name. An id that nobody was given here is taken
over as it is: scripts hold the ids of pipelines that were made elsewhere.
"""

from __future__ import annotations

import uuid
from typing import Final

from starlette.requests import Request

from evalspan.api.scope import catalog, everything, grant
from evalspan.errors import NotFoundError, UsageError
from evalspan.experiments import Project
from evalspan.settings import Settings

DEFAULT: Final = "default"


def default_name(request: Request) -> str:
    """The project that "default" stands for: the key's own, else that of EVALSPAN_PROJECT."""
    settings: Settings = request.app.state.settings
    return grant(request).project or settings.project


def find(request: Request, pipeline_id: str) -> Project | None:
    """The pipeline of an id, where there is one; none is made."""
    projects = catalog(request).projects
    if pipeline_id == DEFAULT:
        found = projects.find(name=default_name(request), limit=1).items
    else:
        found = projects.find(project_id=pipeline_id, limit=1).items if pipeline_id else ()
    return found[0] if found else None


def by_slug(request: Request, slug: str) -> Project | None:
    found = catalog(request).projects.find(name=slug, limit=1).items if slug else ()
    return found[0] if found else None


def get(request: Request, pipeline_id: str) -> Project:
    """Raises NotFoundError."""
    found = find(request, pipeline_id)
    if not found:
        raise NotFoundError(f"There is no pipeline {pipeline_id!r}.")
    return found


def get_or_create(request: Request, slug: str) -> Project:
    """The pipeline of that slug, made if there is none.

    Raises:
        ForbiddenError: it is not this key's.
    """
    grant(request).require_project(slug)
    return everything(request).projects.get_or_create(slug)


def resolve(request: Request, pipeline_id: str) -> Project:
    """The pipeline of an id, made under it where nobody was given that id.

    Raises:
        UsageError: it is no UUID. NotFoundError: it was deleted. ForbiddenError: it is not this key's.
    """
    found = find(request, pipeline_id)
    if found:
        return found
    if pipeline_id == DEFAULT:
        return get_or_create(request, default_name(request))
    try:
        identity = str(uuid.UUID(pipeline_id))
    except ValueError:
        raise UsageError(
            f"pipelineId={pipeline_id!r} is neither a UUID nor {DEFAULT!r}.", pointer="/pipelineId"
        ) from None
    grant(request).require_project(identity)
    return everything(request).projects.adopt(identity)


def wanted(request: Request) -> str | None:
    """The project that a list is narrowed to, by its id: '' for any, None where none can match."""
    identity = request.query_params.get("pipelineId", "")
    slug = request.query_params.get("pipelineSlug", "")
    if not (identity or slug):
        return ""
    found = find(request, identity) if identity else by_slug(request, slug)
    return found.project_id if found and slug in ("", found.name) else None
