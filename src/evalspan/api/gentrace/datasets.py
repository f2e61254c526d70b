"""Datasets of a pipeline. One of them may be its golden one, which the pipeline then names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from evalspan.api.envelope import boolean
from evalspan.api.gentrace import extras, pipelines, places, wire
from evalspan.api.operation import Operation
from evalspan.api.scope import catalog, store
from evalspan.errors import NotFoundError, UsageError
from evalspan.experiments import Dataset, Project

KIND: Final = "gentrace_dataset"


class NewDataset(wire.Body):
    name: str = Field(min_length=1)
    description: str | None = None
    pipeline_id: str | None = None
    pipeline_slug: str | None = None
    is_golden: bool = False


class DatasetChange(wire.Body):
    name: str | None = Field(default=None, min_length=1)
    description: str | None = None
    is_archived: bool | None = None
    is_golden: bool | None = None


def shown(request: Request, datasets: Iterable[Dataset]) -> list[dict[str, Any]]:
    """Datasets as answers hold them."""
    found = list(datasets)
    more = extras.of(store(request), KIND, [each.dataset_id for each in found])
    return [
        {
            "id": each.dataset_id,
            "name": each.name,
            "pipelineId": each.project_id,
            "createdAt": wire.moment(each.created_at),
            "updatedAt": wire.moment(each.updated_at),
            "description": each.description or None,
            "archivedAt": more.get(each.dataset_id, {}).get("archivedAt"),
        }
        for each in found
    ]


async def create(request: Request) -> Response:
    """One whose name is there already is answered as it is: a client that lost the answer asks again."""
    return await wire.answered(request, NewDataset, _create)


def _create(request: Request, body: NewDataset) -> dict[str, Any]:
    project = _pipeline(request, body)
    dataset = catalog(request).datasets.get_or_create(
        project.project_id, body.name, description=body.description or ""
    )
    if body.is_golden:
        _crown(request, dataset, golden=True)
    return shown(request, [dataset])[0]


def _pipeline(request: Request, body: NewDataset) -> Project:
    if body.pipeline_id and body.pipeline_slug:
        raise UsageError("pipelineId and pipelineSlug exclude each other.", pointer="/pipelineSlug")
    if body.pipeline_slug:
        found = places.by_slug(request, body.pipeline_slug)
        if not found:
            raise NotFoundError(f"There is no pipeline {body.pipeline_slug!r}.", pointer="/pipelineSlug")
        return found
    return places.resolve(request, body.pipeline_id or places.DEFAULT)


async def change(request: Request) -> Response:
    return await wire.answered(request, DatasetChange, _change)


def _change(request: Request, body: DatasetChange) -> dict[str, Any]:
    datasets = catalog(request).datasets
    dataset = datasets.get(request.path_params["dataset_id"])
    described = "description" in body.model_fields_set
    if body.name or described:
        dataset = datasets.update(
            dataset.dataset_id, name=body.name, description=(body.description or "") if described else None
        )
    fields = pipelines.archiving(request, KIND, dataset.dataset_id, body.is_archived)
    extras.set_fields(store(request), KIND, dataset.dataset_id, dataset.project_id, fields)
    if body.is_golden is not None:
        _crown(request, dataset, golden=body.is_golden)
    return shown(request, [dataset])[0]


def _crown(request: Request, dataset: Dataset, *, golden: bool) -> None:
    """A pipeline has one golden dataset at most; taking the title from another one changes nothing."""
    project_id = dataset.project_id
    known = extras.of(store(request), pipelines.KIND, [project_id]).get(project_id, {})
    if golden or known.get("goldenDatasetId") == dataset.dataset_id:
        fields = {"goldenDatasetId": dataset.dataset_id if golden else None}
        extras.set_fields(store(request), pipelines.KIND, project_id, project_id, fields)


def retrieve(request: Request) -> Response:
    found = catalog(request).datasets.get(request.path_params["dataset_id"])
    return wire.one(shown(request, [found])[0])


def listing(request: Request) -> Response:
    """Oldest first; archived ones only where they are asked for."""
    archived = boolean(request, "archived", False)
    found = shown(request, reversed(of_pipeline(request)))
    return wire.many(item for item in found if archived or not item["archivedAt"])


def of_pipeline(request: Request) -> list[Dataset]:
    """The datasets of the pipeline that the query names, newest first; without one, all."""
    project_id = places.wanted(request)
    if project_id is None:
        return []
    return wire.every(
        lambda cursor, limit: catalog(request).datasets.find(
            project_id=project_id, cursor=cursor, limit=limit
        )
    )


OPERATIONS = (
    Operation("POST", "/datasets", "Make a dataset.", create),
    Operation("GET", "/datasets", "List datasets.", listing),
    Operation("GET", "/datasets/{dataset_id}", "Get a dataset.", retrieve),
    Operation("POST", "/datasets/{dataset_id}", "Change a dataset.", change),
)
