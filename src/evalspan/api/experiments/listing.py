"""The list of experiments, each with its `aggregate_data`: what a CI job compares runs by.

With `filter[experiment]` or `filter[metadata]` the list is one page: no cursor is taken or given, and
`meta.truncated` says whether there was more.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from evalspan.analysis.aggregates import aggregates
from evalspan.api.envelope import limit, many
from evalspan.api.scope import catalog
from evalspan.errors import UsageError
from evalspan.experiments import Experiment
from evalspan.experiments.entity import MAX_PAGE
from evalspan.model import Json, dump


def answer(request: Request, render: Callable[[Experiment], dict[str, Any]]) -> Response:
    """The page that the query asks for; `include[aggregate_data]=false` leaves the aggregates out."""
    query = request.query_params
    experiment, metadata = query.get("filter[experiment]", ""), _metadata(request)
    cursor, one_page = query.get("page[cursor]", ""), bool(experiment) or metadata is not None
    if cursor and one_page:
        raise UsageError(
            "page[cursor] is not supported with filter[experiment] or filter[metadata]; raise page[limit] "
            f"instead (at most {MAX_PAGE})."
        )
    page = catalog(request).experiments.find(
        ids=query.getlist("filter[id]"),
        project_id=query.get("filter[project_id]", ""),
        dataset_id=query.get("filter[dataset_id]", ""),
        experiment=experiment,
        name=query.get("filter[name]", ""),
        parent_ids=query.getlist("filter[parent_experiment_id]"),
        metadata=metadata,
        deleted=_flag(request, "filter[is_deleted]", default=False),
        cursor=cursor,
        limit=limit(request, 100),
    )
    items = [render(each) for each in page.items]
    if _flag(request, "include[aggregate_data]", default=True):
        found = aggregates(catalog(request).store, page.items)
        for item in items:
            item["attributes"]["aggregate_data"] = found[item["id"]]
    if one_page:
        return JSONResponse({"data": items, "meta": {"after": "", "truncated": bool(page.after)}})
    return many(items, page.after)


def _metadata(request: Request) -> dict[str, Json] | None:
    """What filter[metadata] asks for.

    Raises:
        UsageError: it is not a JSON object.
    """
    text = request.query_params.get("filter[metadata]", "")
    if not text:
        return None
    try:
        # Through text once more: half a surrogate pair cannot stand in a stored document either.
        given = json.loads(dump(json.loads(text, parse_constant=_no_json)))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"filter[metadata]={text[:80]!r} is not JSON: {error}.") from None
    if not isinstance(given, dict):
        raise UsageError(f'filter[metadata]={text[:80]!r} is not a JSON object such as {{"branch": "main"}}.')
    return cast("dict[str, Json]", given)


def _no_json(name: str) -> Json:
    raise ValueError(f"{name} is no JSON number")


def _flag(request: Request, name: str, *, default: bool) -> bool:
    """Raises UsageError for anything but true and false."""
    text = request.query_params.get(name, "")
    if text.lower() in ("true", "false", ""):
        return text.lower() == "true" if text else default
    raise UsageError(f"{name}={text!r} is neither true nor false.")
