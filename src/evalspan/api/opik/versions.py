"""The versions of a dataset: `v1`, `v2`, ... for what changed it, each with a hash and an id of its own.

Hash and id follow from the dataset and the number, so nothing of a version is kept but its records.
"""

from __future__ import annotations

from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from evalspan.api.operation import Operation, number
from evalspan.api.opik.listing import slice_of
from evalspan.api.opik.wire import Body, answer, read
from evalspan.api.scope import catalog
from evalspan.errors import NotFoundError
from evalspan.experiments import Dataset
from evalspan.experiments.entity import named_id
from evalspan.experiments.versions import Version, versions

LATEST: Final = "latest"


class VersionName(Body):
    version_name: str


def version_id(dataset_id: str, version: int) -> str:
    return named_id("opik_version", dataset_id, str(version))


def version_hash(dataset_id: str, version: int) -> str:
    return version_id(dataset_id, version).replace("-", "")[:16]


def number_of(dataset: Dataset, given: str | None) -> int:
    """The version that an id, a hash, a name such as `v2`, or `latest` stands for; without one the newest.

    Raises:
        NotFoundError: the dataset has no such version.
    """
    newest = dataset.current_version
    if not given or given == LATEST:
        return newest
    for each in range(newest, 0, -1):
        identity = version_id(dataset.dataset_id, each)
        if given in (identity, version_hash(dataset.dataset_id, each), f"v{each}"):
            return each
    raise NotFoundError(f"Dataset {dataset.name!r} has no version {given!r}; its newest is v{newest}.")


def summary(dataset: Dataset, version: int) -> dict[str, Any]:
    """What names a version."""
    return {
        "id": version_id(dataset.dataset_id, version),
        "version_hash": version_hash(dataset.dataset_id, version),
        "version_name": f"v{version}",
        "tags": [LATEST] if version == dataset.current_version else [],
    }


def find(request: Request) -> Response:
    dataset = catalog(request).datasets.get(request.path_params["id"])
    return slice_of(request, _all(request, dataset))


def get(request: Request) -> Response:
    dataset = catalog(request).datasets.get(request.path_params["id"])
    return answer(_one(request, dataset, request.path_params["version"]))


async def retrieve(request: Request) -> Response:
    body = await read(request, VersionName)
    dataset = await run_in_threadpool(catalog(request).datasets.get, request.path_params["id"])
    return answer(await run_in_threadpool(_one, request, dataset, body.version_name))


def _one(request: Request, dataset: Dataset, given: str) -> dict[str, Any]:
    wanted = number_of(dataset, given)
    found = next((each for each in _all(request, dataset) if each["version_name"] == f"v{wanted}"), None)
    if not found:
        raise NotFoundError(f"Dataset {dataset.name!r} has no version yet.")
    return found


def every(request: Request, dataset: Dataset) -> list[Version]:
    """All versions of a dataset, the newest first."""
    return versions(catalog(request).store, dataset.dataset_id)


def _all(request: Request, dataset: Dataset) -> list[dict[str, Any]]:
    return [_render(dataset, each) for each in every(request, dataset)]


def _render(dataset: Dataset, version: Version) -> dict[str, Any]:
    return {
        **summary(dataset, version.version),
        "dataset_id": dataset.dataset_id,
        "is_latest": version.version == dataset.current_version,
        "items_total": version.total,
        "items_added": version.added,
        "items_modified": version.modified,
        "items_deleted": version.deleted,
        "created_at": version.created_at.isoformat(),
        "last_updated_at": version.created_at.isoformat(),
    }


BASE: Final = "/v1/private/datasets/{id}/versions"
OPERATIONS = (
    Operation("GET", BASE, "List versions, the newest first.", find, (number("page"), number("size"))),
    Operation("POST", f"{BASE}/retrieve", "The version of a name.", retrieve, body=VersionName),
    Operation("GET", BASE + "/hash/{version}", "The version of a hash.", get),
)
