"""The one organization that a service is, under its own id and as "me"."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from evalspan.api.gentrace import places, wire
from evalspan.api.operation import Operation
from evalspan.api.scope import everything
from evalspan.errors import NotFoundError
from evalspan.experiments.entity import named_id
from evalspan.store import sql

_NAME: Final = "evalspan"
_ME: Final = "me"


def retrieve(request: Request) -> Response:
    """Its times are those of the store's first start."""
    asked: str = request.path_params["organization_id"]
    identity = named_id("organization", _NAME)
    if asked not in (identity, _ME, places.DEFAULT):
        raise NotFoundError(f"There is no organization {asked!r}; this service's is {identity!r}.")
    since = wire.moment(everything(request).store.query(sql("queries/store_since"))[0]["since"])
    pipeline = places.find(request, places.DEFAULT)
    return wire.one(
        {
            "id": identity,
            "name": _NAME,
            "slug": _NAME,
            "createdAt": since,
            "updatedAt": since,
            "defaultPipelineId": pipeline.project_id if pipeline else None,
        }
    )


OPERATIONS = (Operation("GET", "/organizations/{organization_id}", "Get the organization.", retrieve),)
