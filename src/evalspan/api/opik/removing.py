"""Removing traces, spans and experiment items, which takes a key of an admin."""

from __future__ import annotations

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from evalspan.api.operation import Operation
from evalspan.api.opik import ids, moments, wire
from evalspan.api.opik.recorder import recorder
from evalspan.api.opik.wire import Body
from evalspan.api.scope import catalog
from evalspan.errors import NotFoundError
from evalspan.store import sql


class Ids(Body):
    ids: list[str] = Field(min_length=1, max_length=1000)


async def remove_items(request: Request) -> Response:
    """The traces stay; what they executed is forgotten."""
    given = [ids.valid(each, f"/ids/{n}") for n, each in enumerate((await wire.read(request, Ids)).ids)]
    store = catalog(request).store
    found = await run_in_threadpool(store.query, sql("queries/opik_execution"), {"ids": given})
    await recorder(request).remove([row["trace"] for row in found], whole=False)
    return wire.nothing()


async def remove_traces(request: Request) -> Response:
    body = await wire.read(request, Ids)
    traces = [moments.timed(each, f"/ids/{number}") for number, each in enumerate(body.ids)]
    await recorder(request).remove(traces, whole=True)
    return wire.nothing()


async def remove_trace(request: Request) -> Response:
    await recorder(request).remove([moments.timed(request.path_params["id"], "/id")], whole=True)
    return wire.nothing()


def remove_span(request: Request) -> Response:
    key = ids.span_id(moments.timed(request.path_params["id"], "/id")).hex()
    store = catalog(request).store
    given = {"trace": "", "span": key, "project": "", "before": "", "limit": 1}
    found = store.query(sql("queries/opik_spans"), given)
    if not found:
        raise NotFoundError(f"There is no span {request.path_params['id']!r}.")
    condition = "experiment_id = '' AND trace_id = {trace:String} AND span_id = {span:String}"
    store.erase("spans_data", condition, {"trace": found[0]["trace_id"], "span": key})
    store.erase("evaluations_data", condition, {"trace": "", "span": key})
    return wire.nothing()


OPERATIONS = (
    Operation(
        "POST", "/v1/private/experiments/items/delete", "Remove experiment items.", remove_items,
        body=Ids, status=204,
    ),
    Operation("POST", "/v1/private/traces/delete", "Remove traces.", remove_traces, body=Ids, status=204),
    Operation("DELETE", "/v1/private/traces/{id}", "Remove a trace.", remove_trace, status=204),
    Operation(
        "DELETE", "/v1/private/spans/{id}", "Remove a span.", remove_span, status=204, refusals=(400, 404)
    ),
)  # fmt: skip
