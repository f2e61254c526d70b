"""`/experiments/{id}/search` and `/experiments/{a}/compare/{b}`: what is asked of results."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from evalspan.analysis.compare import Choice, compare_experiments
from evalspan.analysis.fields import Level
from evalspan.analysis.search import search
from evalspan.analysis.syntax import QueryError
from evalspan.api.envelope import blocking, integer, limit, many, one, resource
from evalspan.api.experiments import PREFIXES
from evalspan.errors import UsageError
from evalspan.experiments import Catalog

_KINDS = {Level.RUN: "experiment_runs", Level.RECORD: "experiment_records"}
_MOST_RUNS = 2**32 - 1


def routes() -> list[BaseRoute]:
    """They stand before the Experiments API, which takes every path below its prefixes."""
    return [
        route
        for prefix in PREFIXES
        for route in (
            Route(f"{prefix}/experiments/{{experiment_id}}/search", blocking(find), methods=["GET"]),
            Route(f"{prefix}/experiments/{{a}}/compare/{{b}}", blocking(compare), methods=["GET"]),
        )
    ]


def find(request: Request) -> Response:
    """`query`, `page[limit]`, `page[cursor]`, `texts` (true: with input and outputs)."""
    catalog: Catalog = request.app.state.catalog
    experiment = catalog.experiments.get(request.path_params["experiment_id"])
    try:
        level, page = search(
            catalog.store,
            experiment.experiment_id,
            request.query_params.get("query", ""),
            limit=limit(request, 100),
            cursor=request.query_params.get("page[cursor]", ""),
            texts=_flag(request, "texts"),
        )
    except QueryError as error:
        return _refusal(error)
    return many((_resource(level, row) for row in page.items), page.after)


def compare(request: Request) -> Response:
    """`run_a`, `run_b` (else all runs), `lower_is_better` (repeated), `texts`, `rows` (false: without)."""
    catalog: Catalog = request.app.state.catalog
    sides = [
        Choice(catalog.experiments.get(request.path_params[side]), _run(request, f"run_{side}"))
        for side in ("a", "b")
    ]
    found = compare_experiments(
        catalog.store,
        *sides,
        lower_is_better=request.query_params.getlist("lower_is_better"),
        texts=_flag(request, "texts"),
    )
    left_out = None if _flag(request, "rows", default=True) else {"rows"}
    identity = f"{found.a.experiment_id}:{found.b.experiment_id}"
    return one(resource("experiment_comparisons", identity, found.model_dump(exclude=left_out)))


def _run(request: Request, name: str) -> int | None:
    run = integer(request, name)
    if run is not None and not 1 <= run <= _MOST_RUNS:
        raise UsageError(f"{name}={run} is no run iteration; they count from 1.", pointer=f"/{name}")
    return run


def _flag(request: Request, name: str, *, default: bool = False) -> bool:
    text = request.query_params.get(name, "").lower()
    if text not in ("", "true", "false"):
        raise UsageError(f"{name}={text!r} is neither true nor false.", pointer=f"/{name}")
    return text == "true" if text else default


def _resource(level: Level, row: dict[str, Any]) -> dict[str, Any]:
    identity = row["record_id"] + (f":{row['run_iteration']}" if level is Level.RUN else "")
    attributes = {
        name: value.replace(tzinfo=UTC).isoformat() if isinstance(value, datetime) else value
        for name, value in row.items()
    }
    return resource(_KINDS[level], identity, attributes)


def _refusal(error: QueryError) -> Response:
    """The usual shape, with the place in the query."""
    refusal = {
        "status": str(error.status),
        "title": "Bad Request",
        "detail": str(error),
        "source": {"pointer": error.pointer},
        "meta": {"position": error.position},
    }
    return JSONResponse({"errors": [refusal]}, error.status)
