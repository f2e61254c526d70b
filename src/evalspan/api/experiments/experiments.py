"""`/experiments`"""

from __future__ import annotations

from typing import Any

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from evalspan.api.envelope import Body, blocking, one, read_attributes, resource
from evalspan.api.experiments import listing
from evalspan.experiments import Catalog, Experiment, NewExperiment
from evalspan.model import ExperimentStatus, Json


class ExperimentBody(Body):
    project_id: str
    dataset_id: str = ""
    dataset_version: int | None = None
    name: str = Field(min_length=1)
    experiment: str | None = None
    description: str | None = None
    ensure_unique: bool = True
    metadata: dict[str, Json] | None = None
    config: dict[str, Json] | None = None
    tags: list[str] | None = None
    run_count: int = Field(default=1, ge=1)
    expected_records: int | None = Field(default=None, ge=0)
    parent_experiment_id: str | None = None


class ExperimentPatch(Body):
    name: str | None = Field(default=None, min_length=1)
    description: str | None = None
    status: ExperimentStatus | None = None
    error: str | None = None
    expected_records: int | None = Field(default=None, ge=0)


def routes() -> list[BaseRoute]:
    return [
        Route("/experiments", blocking(find), methods=["GET"]),
        Route("/experiments", create, methods=["POST"]),
        Route("/experiments/{experiment_id}", update, methods=["PATCH"]),
    ]


def find(request: Request) -> Response:
    return listing.answer(request, render)


async def create(request: Request) -> Response:
    body = await read_attributes(request, ExperimentBody)
    given = {key: value for key, value in body.model_dump().items() if value is not None}
    experiment = await run_in_threadpool(_catalog(request).experiments.create, NewExperiment(**given))
    return one(render(experiment))


async def update(request: Request) -> Response:
    body = await read_attributes(request, ExperimentPatch)
    given = body.model_dump(exclude_unset=True)
    catalog = _catalog(request)
    experiment = await run_in_threadpool(
        lambda: catalog.experiments.update(request.path_params["experiment_id"], **given)
    )
    return one(render(experiment))


def _catalog(request: Request) -> Catalog:
    return request.app.state.catalog


def render(experiment: Experiment) -> dict[str, Any]:
    attributes = experiment.model_dump(
        mode="json", exclude={"experiment_id", "experiment_name", "revision", "project", "dataset"}
    )
    return resource(
        "experiments", experiment.experiment_id, {"name": experiment.experiment_name, **attributes}
    )
