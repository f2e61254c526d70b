"""Reading traces and spans back: one by its id, or those of a project that meet filters.

Conditions are tried on what is answered, so that they mean what the reader sees.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from evalspan.api.operation import Operation, number, text
from evalspan.api.opik import filters, ids, listing, moments, places, told, wire
from evalspan.api.opik.wire import Body
from evalspan.api.scope import catalog
from evalspan.errors import NotFoundError
from evalspan.model import Json
from evalspan.store import sql

_STEP: Final = 2000
_ALL: Final = 10_000  # what a paged list looks through
_FIELDS: Final = frozenset(
    {
        "id", "name", "start_time", "end_time", "created_at", "last_updated_at", "input", "output",
        "metadata", "tags", "error_info", "usage", "feedback_scores", "total_estimated_cost", "duration",
        "ttft", "thread_id", "source", "environment", "type", "model", "provider", "span_count",
        "llm_span_count",
        "trace_id", "parent_span_id", "project_id", "providers",
    }
)  # fmt: skip
_BESIDE: Final = (("from_time", "start_time", ">="), ("to_time", "start_time", "<="), ("type", "type", "="))

Answers = list[dict[str, Any]]
Fetch = Callable[[str, int], Answers]
"""(below which id, how many) -> the newest of them."""


class Search(Body):
    project_name: str | None = None
    project_id: str | None = None
    filters: list[dict[str, Json]] | None = None
    last_retrieved_id: str | None = None
    limit: int = Field(default=500, ge=1, le=2000)
    exclude: list[str] | None = None
    from_time: str | None = None
    to_time: str | None = None


class SpanSearch(Search):
    trace_id: str | None = None
    type: str | None = None


async def search_traces(request: Request) -> Response:
    body = await wire.read(request, Search)
    return wire.lines(await run_in_threadpool(_search, body, lambda: _traces(request, body)))


async def search_spans(request: Request) -> Response:
    body = await wire.read(request, SpanSearch)
    return wire.lines(await run_in_threadpool(_search, body, lambda: _spans(request, body)))


def get_trace(request: Request) -> Response:
    identity = moments.timed(request.path_params["id"], "/id")
    given = _parameters(traces=[ids.trace_id(identity).hex()], limit=1)
    found = told.traces(catalog(request), catalog(request).store.query(sql("queries/opik_traces"), given))
    if not found:
        raise NotFoundError(f"There is no trace {identity!r}.")
    return wire.answer(found[0])


def get_span(request: Request) -> Response:
    identity = moments.timed(request.path_params["id"], "/id")
    given = _parameters(span=ids.span_id(identity).hex(), limit=1)
    found = told.spans(catalog(request), catalog(request).store.query(sql("queries/opik_spans"), given))
    if not found:
        raise NotFoundError(f"There is no span {identity!r}.")
    return wire.answer(found[0])


def list_traces(request: Request) -> Response:
    body = Search(**_asked(request))
    return _page(request, body, _traces(request, body))


def list_spans(request: Request) -> Response:
    query = request.query_params
    body = SpanSearch(**_asked(request), trace_id=query.get("trace_id"), type=query.get("type"))
    return _page(request, body, _spans(request, body))


def _page(request: Request, body: Search, fetch: Fetch) -> Response:
    conditions = _conditions(body, request.query_params.get("filters"))
    return listing.slice_of(request, _matching(fetch, "", _ALL, conditions))


def _asked(request: Request) -> dict[str, Any]:
    names = ("project_name", "project_id")
    return {name: request.query_params[name] for name in names if name in request.query_params}


def _search(body: Search, fetch: Callable[[], Fetch]) -> Answers:
    found = _matching(fetch(), body.last_retrieved_id or "", body.limit, _conditions(body, body.filters))
    hidden = set(body.exclude or ()) - {"id", "start_time"}
    return [{name: value for name, value in each.items() if name not in hidden} for each in found]


def _conditions(body: Search, given: str | Sequence[dict[str, Json]] | None) -> list[filters.Condition]:
    """The filters, and what stands beside them."""
    found = filters.parse(given, _FIELDS)
    for name, field, operator in _BESIDE:
        if value := getattr(body, name, None):
            found.append(filters.Condition(field=field, operator=operator, value=value))
    return found


def _matching(fetch: Fetch, before: str, limit: int, conditions: Sequence[filters.Condition]) -> Answers:
    found: Answers = []
    while len(found) < limit:
        step = min(_STEP, limit) if not conditions else _STEP
        read = fetch(before, step)
        found += [each for each in read if filters.matches(_searched(each), conditions)]
        if len(read) < step:
            break
        before = read[-1]["id"]
    return found[:limit]


def _searched(answer: dict[str, Any]) -> dict[str, Any]:
    """As conditions see it: a score by its name."""
    return {**answer, "feedback_scores": {each["name"]: each["value"] for each in answer["feedback_scores"]}}


def _traces(request: Request, body: Search) -> Fetch:
    project = _project(request, body)

    def fetch(before: str, limit: int) -> Answers:
        below = ids.trace_id(moments.timed(before, "/last_retrieved_id")).hex() if before else ""
        given = _parameters(project=project, before=below, limit=limit)
        return told.traces(catalog(request), catalog(request).store.query(sql("queries/opik_traces"), given))

    return fetch


def _spans(request: Request, body: SpanSearch) -> Fetch:
    trace = ids.trace_id(moments.timed(body.trace_id, "/trace_id")).hex() if body.trace_id else ""
    project = "" if trace else _project(request, body)

    def fetch(before: str, limit: int) -> Answers:
        given = _parameters(project=project, trace=trace, before=before, limit=limit)
        return told.spans(catalog(request), catalog(request).store.query(sql("queries/opik_spans"), given))

    return fetch


def _project(request: Request, body: Search) -> str:
    """Raises NotFoundError where there is none of that name or id."""
    found = places.find_project(request, body.project_name, body.project_id)
    if not found:
        what = body.project_id or places.project_name(request, body.project_name)
        raise NotFoundError(f"There is no project {what!r}.")
    return found.name


def _parameters(**given: Any) -> dict[str, Any]:
    return {"traces": [], "trace": "", "span": "", "project": "", "before": "", **given}


_PAGED: Final = (text("project_name"), text("project_id"), number("page"), number("size"), text("filters"))
OPERATIONS = (
    Operation("POST", "/v1/private/traces/search", "Find traces, one a line.", search_traces, body=Search),
    Operation("POST", "/v1/private/spans/search", "Find spans, one a line.", search_spans, body=SpanSearch),
    Operation("GET", "/v1/private/traces", "List traces.", list_traces, _PAGED),
    Operation(
        "GET", "/v1/private/spans", "List spans.", list_spans, (*_PAGED, text("trace_id"), text("type"))
    ),
    Operation("GET", "/v1/private/traces/{id}", "Read a trace.", get_trace, refusals=(400, 404)),
    Operation("GET", "/v1/private/spans/{id}", "Read a span.", get_span, refusals=(400, 404)),
)
