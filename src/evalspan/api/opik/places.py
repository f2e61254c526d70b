"""Projects and datasets as requests name them: by id, by name, or not at all.

A name stands for one project, and datasets of one name may be in several. Some calls of the clients name a
dataset and no project: then the newest is meant.
"""

from __future__ import annotations

from typing import Final

from starlette.requests import Request

from evalspan.api.scope import catalog, everything, grant
from evalspan.errors import NotFoundError
from evalspan.experiments import Dataset, Project

DEFAULT_PROJECT: Final = "Default Project"


def project_name(request: Request, name: str | None) -> str:
    """The project that is meant: without a name the key's own, or Opik's default one."""
    return (name or "").strip() or grant(request).project or DEFAULT_PROJECT


def project(
    request: Request, name: str | None, identity: str | None = None, *, description: str = ""
) -> Project:
    """The project of that id or else of that name, made if there is none of that name.

    Raises:
        NotFoundError: none has that id. ForbiddenError: it is not this key's.
    """
    if identity:
        return catalog(request).projects.get(identity, pointer="/project_id")
    wanted = project_name(request, name)
    grant(request).require_project(wanted)
    return everything(request).projects.get_or_create(wanted, description)


def find_project(request: Request, name: str | None, identity: str | None = None) -> Project | None:
    """The same, making none."""
    found = catalog(request).projects.find(
        project_id=identity or "", name="" if identity else project_name(request, name), limit=1
    )
    return found.items[0] if found.items else None


def find_dataset(
    request: Request, name: str, project_name: str | None, project_id: str | None = None
) -> Dataset | None:
    """The dataset of that name in the project that is named or, where none is, the newest of that name."""
    datasets = catalog(request).datasets
    if not project_name and not project_id:
        found = datasets.find(name=name, limit=1).items
        return found[0] if found else None
    inside = find_project(request, project_name, project_id)
    found = datasets.find(project_id=inside.project_id, name=name, limit=1).items if inside else ()
    return found[0] if found else None


def dataset(request: Request, name: str, project_name: str | None) -> Dataset:
    """Raises NotFoundError."""
    found = find_dataset(request, name, project_name)
    if not found:
        where = f" in project {project_name!r}" if project_name else ""
        raise NotFoundError(f"There is no dataset {name!r}{where}.", pointer="/dataset_name")
    return found


def get_or_create_dataset(
    request: Request, name: str, project_name: str | None, project_id: str | None = None
) -> Dataset:
    """The dataset of that name; where there is none, one is made in the project."""
    found = find_dataset(request, name, project_name, project_id)
    if found:
        return found
    made = project(request, project_name, project_id)
    return catalog(request).datasets.get_or_create(made.project_id, name)
