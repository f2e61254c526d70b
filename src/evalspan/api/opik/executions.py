"""Experiment items: which trace was the execution of which dataset item, as it is written."""

from __future__ import annotations

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from evalspan.api.operation import Operation
from evalspan.api.opik import ids, moments, taking, wire
from evalspan.api.opik.recorder import recorder
from evalspan.api.opik.wire import Body
from evalspan.api.opik.writes import Item
from evalspan.model import Json


class ItemBody(Body):
    id: str | None = None
    experiment_id: str
    dataset_item_id: str
    trace_id: str
    project_name: str | None = None
    execution_policy: dict[str, Json] | None = None


class Items(Body):
    experiment_items: list[ItemBody] = Field(min_length=1, max_length=1000)


@taking.kept
async def create(request: Request) -> Response:
    body = await wire.read(request, Items)
    found = [_item(each, f"/experiment_items/{number}") for number, each in enumerate(body.experiment_items)]
    await recorder(request).record(items=found)
    return wire.nothing()


def _item(body: ItemBody, pointer: str) -> Item:
    return Item(
        id=ids.valid(body.id, f"{pointer}/id") if body.id else ids.new(),
        experiment_id=ids.valid(body.experiment_id, f"{pointer}/experiment_id"),
        record_id=ids.valid(body.dataset_item_id, f"{pointer}/dataset_item_id"),
        trace=moments.timed(body.trace_id, f"{pointer}/trace_id"),
        more={"execution_policy": body.execution_policy} if body.execution_policy else {},
    )


OPERATIONS = (
    Operation(
        "POST", "/v1/private/experiments/items", "Say which traces executed which dataset items.", create,
        body=Items, status=204, refusals=(400, 404),
    ),
)  # fmt: skip
